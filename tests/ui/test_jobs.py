"""Worker processes: what they leave on the disk is all that is needed, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from waiting import until

from emberline.runs.jobs import folder as job_folder
from emberline.runs.jobs import queue
from emberline.runs.jobs.status import read_status
from emberline.runs.store.store import Store, StoreError
from emberline.scenarios.home import home as home_folder
from emberline.ui.pages.plan import step_signs

LONG = ("goal.gap=0", "goal.effort=900", "disturbances.replications=2")
"""The reference day without a gap to stop at: at work until it is stopped."""
FIRST = ("goal.gap=0.5", "goal.hold=off")
"""The first plan will do where it only matters that there is one."""


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., str]]:
    """Start jobs that do not outlive the test."""
    started: list[str] = []

    def begin(*args: object, **kwargs: object) -> str:
        started.append(queue.start(*args, **kwargs))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for run in started:
        queue.kill(run)
    queue.dismiss()


def test_a_plan_is_made_and_stored_under_the_jobs_id(start: Callable[..., str]) -> None:
    """Proves: start, watch, open; what was asked is kept. Sensitivity: another id would not open."""
    run = start(
        "melt-shop-small",
        ["orders.C1.due=15 h", *FIRST, "disturbances.replications=2"],
        note={"who": "test"},
    )
    status = until(run, lambda s: s.ended)
    assert status.state == "stored", status
    assert (status.count, status.of) == (2, 2)
    opened = Store().open(run)
    assert opened.plan.acceptable
    assert opened.plan.scenario.heats[0].due_min == 900
    assert queue.request(run)["note"] == {"who": "test"}


def test_a_worker_takes_another_job(start: Callable[..., str]) -> None:
    """Proves: the second plan of a plant is made by the process of the first one; ending the first job, which is done,
    does not end it; without a worker that waits another one is started. Sensitivity: a process for each job.
    """
    few = [*FIRST, "disturbances.replications=2"]
    rows: list[str] = []
    pids: list[str] = []
    for price in (60, 90, 120):
        run = start("melt-shop-small", [*few, f"market.carbon_price={{per_t: {price}, covers: all}}"])
        if rows:
            queue.kill(rows[-1])
        status = until(run, lambda s: s.ended)
        assert status.state == "stored", status
        rows.append(run)
        pids.append((home_folder() / "jobs" / run / "worker.pid").read_text())
        until(run, lambda s: any((home_folder() / "jobs" / "idle").glob("*.lock")))
        if price == 90:
            queue.dismiss()
    assert pids[0] == pids[1] != pids[2]
    assert all(Store().open(run).plan.acceptable for run in rows)


def test_a_number_moved_is_searched_for_as_long_as_asked(start: Callable[..., str]) -> None:
    """Proves: the plan after a moved number has the time limit that was asked for, begins with the plan before and
    names its run where it takes that schedule. Sensitivity: a share of the time limit, and the baseline schedule where
    that is too short.
    """
    rows, runs = [], []
    for scale in (1.0, 0.9):
        price = f"{{table: de_typical_2018, column: price_eur_per_mwh, scale: {scale}}}"
        items = ["goal.effort=20", "goal.gap=10 %", "goal.hold=off", f"market.price_per_mwh={price}"]
        run = start("melt-shop-small", items)
        assert until(run, lambda s: s.ended).state == "stored"
        rows.append(Store().open(run).plan)
        runs.append(run)
    assert [one.scenario.goal.budget for one in rows] == [20, 20]
    assert all(one.acceptable and one.status == "within gap" for one in rows)
    assert not rows[0].reason
    assert rows[1].reason in ("", f"The schedule is that of run {runs[0][:8]}.")


def test_taking_the_best_plan_so_far(start: Callable[..., str]) -> None:
    """Proves: a cancellation keeps what was found. Sensitivity: without it the search goes on for 15 minutes."""
    run = start("melt-shop-day", LONG)
    until(run, lambda s: s.incumbent is not None)
    queue.cancel(run)
    status = until(run, lambda s: s.ended)
    assert status.state == "stored", status
    assert Store().open(run).plan.has_schedule


def test_a_killed_worker_is_reported_as_lost(start: Callable[..., str]) -> None:
    """Proves: kill -9 leaves a run that is marked, and a catalogue that opens."""
    run = start("melt-shop-day", LONG)
    until(run, lambda s: s.phase == "optimize")
    os.kill(int((home_folder() / "jobs" / run / "worker.pid").read_text()), signal.SIGKILL)
    status = until(run, lambda s: s.ended)
    assert status.state == "broken"
    assert "plan again" in status.lines[0]
    assert [row.state for row in Store().search() if row.id == run] == ["broken"]


def test_stopping_keeps_nothing(start: Callable[..., str]) -> None:
    """Proves: stop ends the process at once."""
    run = start("melt-shop-day", LONG)
    until(run, lambda s: s.state == "working")
    process = int((home_folder() / "jobs" / run / "worker.pid").read_text())
    queue.kill(run)
    assert until(run, lambda s: s.ended).state == "stopped"
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_worker_outlives_whoever_started_it(home: Path) -> None:
    """Proves: the server may die; the state is recovered from the disk alone."""
    code = (
        "import os; from emberline.runs.jobs import queue as jobs; "
        f"changes = {[*FIRST, 'disturbances.replications=2']}; "
        "print(jobs.start('melt-shop-small', changes), flush=True); os.kill(os.getpid(), 9)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert until(process.stdout.strip(), lambda s: s.ended).state == "stored"


def test_one_works_the_others_wait_in_order(start: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: the limit on workers holds and the oldest comes next. Sensitivity: with two slots two work."""
    monkeypatch.setenv("EMBERLINE_WORKERS", "1")
    first = start("melt-shop-day", LONG)
    until(first, lambda s: s.state == "working")
    second = start("melt-shop-day", LONG)
    until(second, lambda s: (home_folder() / "jobs" / second / "worker.pid").exists())
    third = start("melt-shop-day", LONG)
    until(third, lambda s: s.ahead == 1)
    assert [queue.status(run).state for run in (first, second, third)] == ["working", "queued", "queued"]
    queue.kill(first)
    until(second, lambda s: s.state == "working")
    assert queue.status(third).state == "queued"


def test_mistakes_are_reported_line_by_line(start: Callable[..., str]) -> None:
    """Proves: what cannot be planned is refused with the scenario's own lines, and nothing is stored."""
    run = start(text="name: x\nhorizon: {start: 2026-01-01T00:00}\n")
    status = until(run, lambda s: s.ended)
    assert status.state == "refused"
    assert any("time without offset" in line for line in status.lines)
    assert Store().search() == []


def test_a_torn_last_line_is_skipped(home: Path) -> None:
    """Proves: a log that is being written, or was cut by a crash, is read as far as it is whole."""
    run = "0" * 32
    folder = home / "jobs" / run
    folder.mkdir(parents=True)
    (folder / "request.json").write_text("{}")
    event = {"phase": "optimize", "incumbent": 5.0, "bound": 4.0, "gap": 0.2, "seconds": 1.0}
    event["operations"] = [["H1", 0, "F1", 60.0]]
    (folder / "events.jsonl").write_text(json.dumps(event) + '\n{"phase": "opti')
    status = queue.status(run)
    assert (status.phase, status.incumbent, status.bound) == ("optimize", 5.0, 4.0)
    assert status.history == ((1.0, 5.0, 4.0),)
    assert status.operations == (("H1", 0, "F1", 60.0),)


def test_ids_are_no_paths(home: Path) -> None:
    """Proves: an address cannot name a folder elsewhere."""
    for run in ("../../etc", "", "A" * 32, "0" * 31):
        with pytest.raises(StoreError):
            queue.status(run)
    with pytest.raises(StoreError, match="is not known here"):
        queue.status("f" * 32)


def test_what_killed_workers_have_left_is_removed(home: Path) -> None:
    """Proves: a note to a worker that is dead goes with the next job, with its lock; that of a worker that waits stays,
    and so does one that was only just given. Sensitivity: by age alone the waiting worker would lose its lock."""
    idle = job_folder.jobs_folder() / "idle"
    for name in ("dead", "alive", "young"):
        for ending in (".lock", ".next"):
            (idle / f"{name}{ending}").touch()
            if name != "young":
                os.utime(idle / f"{name}{ending}", (0, 0))
    with FileLock(idle / "alive.lock"):
        os.utime(idle / "alive.lock", (0, 0))
        job_folder.prune(job_folder.jobs_folder())
        assert {path.stem for path in idle.iterdir()} == {"alive", "young"}


def test_a_step_that_was_done_stays_done(tmp_path: Path) -> None:
    """Proves: while a plan is made to hold, its steps have a tick once they were done, whatever the search comes back
    to, and one step is under way. Sensitivity: ticks that go back to a dot with the first round."""
    phases = [
        "twin",
        "optimize",
        "replay",
        "replays",
        "draft",
        "twin",
        "optimize",
        "replay",
        "round",
        "judge",
        "choices",
    ]
    ticks: set[str] = set()
    for count in range(1, len(phases) + 1):
        events = [{"phase": phase, "round": 1} for phase in phases[:count]]
        (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
        signs = step_signs(read_status("f" * 32, "plan", tmp_path))
        assert list(signs.values()).count("▸") == 1
        now = {step for step, sign in signs.items() if sign != "·"}
        assert ticks <= now
        ticks = now
    assert ticks == set(signs)
    assert signs["choices"] == "▸"
