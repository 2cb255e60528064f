"""The store: what is written is read back, whole or not at all, whoever dies at whatever moment."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import planned
import pytest
import xarray as xr
from writers import begin, stored_run, writer

from emberline.planning import Plan
from emberline.planning.answer import figure_data, figures_of
from emberline.planning.planner import PLAIN, make_plan
from emberline.runs.store.catalogue import NotKeptError
from emberline.runs.store.home import is_begun
from emberline.runs.store.run_folder import DATASETS
from emberline.runs.store.store import Store, StoredRun, StoreError
from emberline.scenarios import Scenario
from emberline.scenarios.datasets import ENVELOPE, INPUTS, RUN, SCHEDULE, check
from emberline.scenarios.records import goal as limits

ROOT = Path(__file__).resolve().parents[3]

DYING = """
import os, signal
import emberline.scenarios.whole_file
_replace, _sync = os.replace, emberline.scenarios.whole_file.sync
def die(): os.kill(os.getpid(), signal.SIGKILL)
def replace(a, b):
    if {moment!r} == "before the rename": die()
    _replace(a, b)
    if {moment!r} == "after the rename": die()
def sync(path):
    if {moment!r} == "while writing" and path.name == "plan.json": die()
    _sync(path)
os.replace, emberline.scenarios.whole_file.sync = replace, sync
"""


@pytest.fixture
def full_plan() -> Plan:
    return planned.full_plan()


@pytest.fixture
def unplanned() -> Plan:
    return planned.unplanned()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


@pytest.fixture
def stored(store: Store) -> StoredRun:
    return stored_run(store.folder)


def assert_whole(store: Store, plan: Plan) -> dict[str, str]:
    """No run is left at work, every stored one opens and is the plan; returns the states by id."""
    rows = store.search()
    for row in rows:
        assert row.state in ("stored", "broken"), row.state
        if row.state == "stored":
            assert store.open(row.id).plan.replay_figures == plan.replay_figures
            assert row.status == plan.status
            assert row.verdict == plan.verdict
        else:
            with pytest.raises(StoreError, match="broken"):
                store.open(row.id)
    names = {path.name for path in store.runs_folder.iterdir()}
    assert {name for name in names if not name.startswith(".")} == {row.id for row in rows if row.state == "stored"}
    assert not [name for name in names if name.endswith(".partial")]
    return {row.id: row.state for row in rows}


def identical(a: xr.Dataset | None, b: xr.Dataset | None) -> None:
    assert a is not None
    assert b is not None
    xr.testing.assert_equal(a, b)
    for name in a.variables:
        assert a[name].dtype.kind == b[name].dtype.kind or {a[name].dtype.kind, b[name].dtype.kind} <= {"O", "U", "T"}
        assert a[name].attrs == b[name].attrs, name
    assert {name: value for name, value in a.attrs.items() if value == value} == {
        name: value for name, value in b.attrs.items() if value == value
    }


def test_what_is_saved_is_what_is_opened(stored: StoredRun, full_plan: Plan) -> None:
    """Proves: every dataset, figure and field of a plan comes back as it was, units and all.

    Sensitivity: a dataset left out, or float32 on the way, fails here."""
    opened = stored.plan
    for name, table in zip(DATASETS, (ENVELOPE, RUN, SCHEDULE, RUN), strict=True):
        identical(getattr(full_plan, name), getattr(opened, name))
        check(getattr(opened, name), table)
    identical(full_plan.scenario.inputs, opened.scenario.inputs)
    check(opened.scenario.inputs, INPUTS)
    assert opened.scenario == full_plan.scenario
    assert opened.scenario.heats == full_plan.scenario.heats
    for name in (
        "baseline_figures", "baseline_complete", "status", "objective", "bound", "gap", "reason", "schedule_figures",
        "replay_figures", "has_schedule", "violations", "agreed", "acceptable", "verdict",
    ):  # fmt: skip
        assert getattr(opened, name) == getattr(full_plan, name), name
    assert full_plan.replays is not None
    assert opened.replays is not None
    assert (opened.replays.n, opened.replays.successes) == (full_plan.replays.n, full_plan.replays.successes)
    identical(full_plan.replays.data, opened.replays.data)
    assert opened.replays.quantiles() == full_plan.replays.quantiles()
    assert opened.summary() == full_plan.summary()
    figures = json.loads(json.dumps(figure_data(figures_of(full_plan))))
    assert stored.meta["summary"] == json.loads(json.dumps(full_plan.summary())) | {"figures": figures}
    assert stored.meta["seed"] == full_plan.scenario.disturbances.seed
    assert opened.ledger is not None
    assert full_plan.ledger is not None
    assert opened.ledger.grid == full_plan.ledger.grid


def test_a_stored_scenario_says_what_is_not_usual(stored: StoredRun) -> None:
    """Proves: the file of the scenario has what was asked for and no more. Sensitivity: pages of usual values."""
    text = json.loads((stored.folder / "scenario.json").read_text(encoding="utf-8"))
    assert text["site"] == {"base_load_mw": {"value": 2.0}, "battery": {"energy_mwh": 4.0, "power_mw": 2.0}}
    assert "locks" not in text


def test_a_run_of_an_earlier_release_had_a_minute(stored: StoredRun, store: Store, monkeypatch: Any) -> None:
    """Proves: a run stored without a time limit was planned within 60 s, whatever follows from its heats and steps
    today. Sensitivity: a run that names 200 s."""
    monkeypatch.setattr(limits, "QUICK_PLACES", 1)
    nouns = json.loads((stored.folder / "scenario.json").read_text(encoding="utf-8"))
    nouns.pop("goal")
    for goal, limit in (({}, 60), ({"goal": {"time_limit_s": 200}}, 200)):
        text = json.dumps(nouns | goal)
        assert goal or Scenario.model_validate_json(text).goal.time_limit_s > 60
        (stored.folder / "scenario.json").write_text(text, encoding="utf-8")
        meta = json.loads((stored.folder / "plan.json").read_text(encoding="utf-8"))
        meta["files_sha256"]["scenario.json"] = hashlib.sha256(text.encode()).hexdigest()
        (stored.folder / "plan.json").write_text(json.dumps(meta), encoding="utf-8")
        assert store.open(stored.id).plan.scenario.goal.time_limit_s == limit


def test_disturbed_replays_come_back(store: Store) -> None:
    """Proves: how many days a plan held of how many comes back. Sensitivity: what nothing disturbs, or nothing held,
    taken for the other."""
    causes = {"duration_spread": 0.3, "replications": 3}
    result = make_plan(planned.shop(goal={"gap": 0.5}, disturbances=causes), PLAIN)
    assert result.replays is not None
    with store.working(result.scenario) as run:
        store.save(run, result)
    replays = store.open(run).plan.replays
    assert replays is not None
    assert (replays.n, replays.successes) == (3, result.replays.successes)


def test_a_stored_plan_replays_exactly(stored: StoredRun) -> None:
    """Proves: the schedule read back, followed again with the series read back, is the replay that was stored."""
    from emberline import twin

    assert stored.plan.schedule is not None
    assert stored.plan.replay is not None
    again = twin.replay(stored.plan.scenario, stored.plan.schedule)
    for name in ("op_start_min", "op_energy_mwh", "import_mw", "battery_mwh"):
        assert again[name].values.tolist() == stored.plan.replay[name].values.tolist(), name


def test_a_run_without_a_plan_is_kept(store: Store, unplanned: Plan) -> None:
    """Proves: an impossible lock gives ``infeasible``, stored with the baseline figures and reopened."""
    assert (unplanned.status, unplanned.has_schedule) == ("infeasible", False)
    with store.working(unplanned.scenario) as run:
        store.save(run, unplanned)
    (row,) = store.search()
    assert (row.state, row.status, row.gap, row.saved_carbon_kg) == ("stored", "infeasible", None, None)
    opened = store.open(run).plan
    assert (opened.status, opened.schedule, opened.replay, opened.replays) == ("infeasible", None, None, None)
    assert opened.verdict == unplanned.verdict
    assert opened.baseline_figures == unplanned.baseline_figures
    assert not opened.acceptable


@pytest.mark.parametrize(
    ("moment", "state"),
    [("while writing", "broken"), ("before the rename", "broken"), ("after the rename", "stored")],
)
def test_kill_9_at_the_worst_moments(store: Store, stored: StoredRun, full_plan: Plan, moment: str, state: str) -> None:
    """Proves: until the rename a run is broken, from then on it is whole, though its row was never written."""
    process = writer(stored, store.folder, "1", prelude=DYING.format(moment=moment))
    begin(process)
    assert process.wait(timeout=120) == -signal.SIGKILL
    process.communicate()
    states = assert_whole(store, full_plan)
    assert states.pop(stored.id) == "stored"
    assert list(states.values()) == [state]


def test_a_run_at_work_is_left_alone(store: Store, full_plan: Plan) -> None:
    """Proves: who lists does not mark what is still being made, nor delete it; an error marks it.

    Sensitivity: without the lock every list would call it broken."""
    other = Store(store.folder)
    with suppress(ZeroDivisionError), store.working(full_plan.scenario) as run:
        assert [(row.id, row.state) for row in other.search()] == [(run, "working")]
        with pytest.raises(StoreError, match="being made"):
            other.delete(run)
        with pytest.raises(StoreError, match="still being made"):
            other.open(run)
        raise ZeroDivisionError
    assert store.entry(run).state == "broken"  # by whoever made it, not by who lists
    assert [(row.id, row.state) for row in store.search()] == [(run, "broken")]


def test_a_full_disk_marks_the_run(store: Store, full_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a failure while writing leaves neither folder nor partial one, and the run is marked."""

    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("emberline.scenarios.whole_file.sync", full)
    with (
        pytest.raises(NotKeptError, match=r"No space left on device \(.* MB are free there\)"),
        store.working(full_plan.scenario) as run,
    ):
        store.save(run, full_plan)
    assert assert_whole(store, full_plan) == {run: "broken"}


def test_a_new_home_is_made_once(tmp_path: Path) -> None:
    """Proves: all who open a new home at the same moment succeed.

    Sensitivity: ``create_all`` without a lock fails with "table runs already exists"."""
    for attempt in range(5):
        together = threading.Barrier(6)

        def make(folder: Path, together: threading.Barrier = together) -> int:
            together.wait()
            return len(Store(folder).search())

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(make, [tmp_path / str(attempt)] * 6)) == [0] * 6


def test_list_find_and_delete(store: Store, full_plan: Plan, unplanned: Plan) -> None:
    """Proves: newest first; a prefix of four digits or ``last`` names a run; what is deleted leaves nothing."""
    ids = ["aaaa0" + "0" * 27, "aaaa1" + "0" * 27, "bbbb0" + "0" * 27]
    with pytest.raises(StoreError, match="no stored run yet"):
        store.find("last")
    for run in ids:
        with store.working(full_plan.scenario, run):
            store.save(run, unplanned if run == ids[1] else full_plan)
        time.sleep(0.002)
    with pytest.raises(RuntimeError), store.working(full_plan.scenario, "c" * 32):
        raise RuntimeError("stopped")
    assert [row.id for row in store.search()] == ["c" * 32, *reversed(ids)]
    assert store.find("last") == ids[2]
    assert store.find("aaaa1") == ids[1]
    assert store.find("cccc") == "c" * 32
    with pytest.raises(StoreError, match="2 runs begin with 'aaaa'"):
        store.find("aaaa")
    with pytest.raises(StoreError, match="no runs begin with"):
        store.find("abcd")
    for run in [ids[2], "c" * 32]:
        store.delete(run)
    store.delete(ids[2])
    assert [row.id for row in store.search()] == [ids[1], ids[0]]
    assert store.find("last") == ids[1]
    assert sorted(path.name for path in store.runs_folder.iterdir()) == ids[:2]


@pytest.mark.parametrize(
    "name", ["../../etc", "..", "", "aaa", "A" * 32, "0" * 31, "0" * 33, "0" * 32 + "\n", "a/b/", "%", "____", "\x00"]
)
def test_an_id_is_no_path(store: Store, name: str) -> None:
    """Proves: what is no id is refused before the disk is touched. Sensitivity: ``..`` would delete the home."""
    for use in (store.path, store.open, store.delete):
        with pytest.raises(StoreError, match="not the id of a run"):
            use(name)
    with pytest.raises(StoreError):
        store.find(name)
    assert store.folder.is_dir()


@pytest.mark.parametrize("torn", ["schedule.nc", "replay.nc", "inputs.nc", "replays.nc", "scenario.json"])
def test_a_torn_folder_is_reported(stored: StoredRun, store: Store, torn: str) -> None:
    """Proves: a file that is missing or altered is named, never taken for a run without a plan.

    Sensitivity: without the hashes a run whose schedule is gone would open as "No plan"."""
    whole = (stored.folder / torn).read_bytes()
    (stored.folder / torn).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match=torn):
        store.open(stored.id)
    (stored.folder / torn).unlink()
    with pytest.raises(StoreError, match=torn):
        store.open(stored.id)
    assert [row.id for row in store.search()] == [stored.id]
    (stored.folder / torn).write_bytes(whole)
    store.open(stored.id)


def test_a_missing_folder_and_another_format(stored: StoredRun, store: Store) -> None:
    """Proves: a later format is refused in words; a folder that somebody removed can still be deleted."""
    meta = stored.folder / "plan.json"
    meta.write_text(json.dumps(stored.meta | {"format": 99}), encoding="utf-8")
    with pytest.raises(StoreError, match="format 99"):
        store.open(stored.id)
    shutil.rmtree(stored.folder)
    with pytest.raises(StoreError, match="no plan"):
        store.open(stored.id)
    store.delete(stored.id)
    assert store.search() == []


def test_the_largest_seed_and_odd_texts_survive(store: Store, full_plan: Plan) -> None:
    """Proves: a seed of 63 bits and any title come back as they were."""
    scenario = full_plan.scenario.model_copy(
        update={
            "title": "Ünïcode — “quoted”\n=1+1",
            "disturbances": full_plan.scenario.disturbances.model_copy(update={"seed": 2**63 - 1}),
        }
    )
    scenario._inputs = full_plan.scenario.inputs
    with store.working(scenario) as run:
        store.save(run, dataclasses.replace(full_plan, scenario=scenario))
    opened = store.open(run)
    assert opened.plan.scenario.title == scenario.title
    assert opened.plan.scenario.disturbances.seed == opened.meta["seed"] == 2**63 - 1


def test_home_is_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: EMBERLINE_HOME moves the store, and a relative one does not wander with the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMBERLINE_HOME", "here")
    store = Store()
    assert store.folder == tmp_path / "here"
    os.chdir(tmp_path.parent)
    assert store.search() == []
    assert (tmp_path / "here" / "catalogue.db").is_file()


@pytest.mark.parametrize("home", ["file", "file/below", "a" * 300])
def test_a_home_that_cannot_be_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    """Proves: a home that is a file, lies below one or has too long a name is refused in a line that names it."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path / home))
    with pytest.raises(StoreError, match="EMBERLINE_HOME names another folder"):
        Store()
    if home == "file":
        assert is_begun()  # so that whoever lists runs opens it and gets the message
