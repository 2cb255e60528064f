"""Jobs that search fronts, open their points and follow stored plans: what is on the disk is all that is needed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planned import shop
from waiting import until

from emberline.planning.engine.engine import Engine
from emberline.planning.planner import PLAIN, make_plan
from emberline.planning.robustness.ensemble import ensemble
from emberline.runs.jobs import queue
from emberline.runs.jobs.queue import JobStatus
from emberline.runs.jobs.status import read_status
from emberline.runs.store import ensembles, fronts
from emberline.runs.store.store import Store, StoreError
from emberline.scenarios.home import RUN_ID
from emberline.studies.pareto.point import run_of

ROOT = Path(__file__).resolve().parents[3]
SITE = """\
name: {name}
horizon: {{start: 2026-06-16, zone: Europe/Berlin, days: {days}, step_min: 60}}
site:
  grid: {{import_limit_mw: 40}}
  base_load_mw: {load}
  battery: {{energy_mwh: 20, power_mw: 10, level_share: 50 %}}
market:
  price_per_mwh: {{table: de_typical_2018, column: price_eur_per_mwh}}
  carbon_intensity_kg_per_mwh: {{table: de_typical_2018, column: carbon_intensity_average_kg_per_mwh}}
goal: {{gap: 0, effort: 20}}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home for all these tests, so that workers go from job to job; two may work at once."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBERLINE_HOME", str(folder))
        patch.setenv("EMBERLINE_WORKERS", "2")
        yield folder
        for request in (folder / "jobs").glob("*/request.json"):
            if not queue.status(request.parent.name).ended:
                queue.kill(request.parent.name)
        queue.dismiss()


@pytest.fixture(scope="module")
def followed(home: Path) -> str:
    """A stored plan of two heats whose times and energies scatter."""
    scenario = shop(
        disturbances={"duration_spread": 0.1, "energy_spread": 0.05, "replications": 2}, goal={"effort": 10}
    )
    with Store().working(scenario) as run:
        Store().save(run, make_plan(scenario, PLAIN))
    return run


@pytest.fixture(scope="module")
def front(home: Path) -> str:
    """A stored front of a site, made by a job."""
    number = queue.start(
        text=SITE.format(name="site", load=10, days=1), kind="front", options={"points": 4}, note={"who": "test"}
    )
    assert until(number, lambda s: s.ended).state == "stored"
    return number


def replay(run: str, replications: int, seed: int | None = None, baseline: bool = True) -> str:
    table: dict[str, Any] = {"run": run, "replications": replications, "seed": seed, "baseline": baseline}
    return queue.start(kind="replay", options=table)


def test_a_front_is_stored_under_the_jobs_id(front: str) -> None:
    """Proves: every point is reported as it comes, and the front is kept under the job's id with what was asked."""
    status = queue.status(front)
    assert (status.kind, status.count, status.of) == ("front", 4, 4)
    assert sorted(point["point"] for point in status.points) == [0, 1, 2, 3]
    assert all(point["carbon_kg"] > 0 and point["status"] for point in status.points)
    stored = fronts.read(front).front
    assert stored.scenario.name == "site"
    assert stored.n_requested == 4
    assert stored.data.sizes["point"] >= 2
    assert queue.request(front)["note"] == {"who": "test"}
    assert fronts.headlines(5)[front]["points"] == stored.data.sizes["point"]


def test_a_point_opens_as_the_plan_that_was_searched(front: str) -> None:
    """Proves: the run has the point's figures, bound and cap, and the twin agrees; a second opening begins nothing.
    Sensitivity: another point has other figures.
    """
    stored = fronts.read(front).front
    number = int(stored.data["point"][1])
    run = run_of(front, number)
    table = {"front": front, "point": number}
    assert queue.start("site", kind="point", options=table, run=run) == run
    assert until(run, lambda s: s.ended).state == "stored"
    asked_at = queue.request(run)["at"]
    assert queue.start("site", kind="point", options=table, run=run) == run
    assert queue.request(run)["at"] == asked_at
    result, row = Store().open(run).plan, stored.data.sel(point=number)
    assert result.acceptable
    assert result.replay_figures is not None
    assert result.replay_figures.cost == pytest.approx(float(row["cost"]), rel=1e-6)
    assert result.replay_figures.carbon_kg == pytest.approx(float(row["carbon_kg"]), rel=1e-6)
    assert result.scenario.goal.caps.carbon_kg == pytest.approx(float(row["carbon_cap_kg"]))
    assert result.objective is not None
    assert result.bound is not None
    assert result.objective - result.bound == pytest.approx(float(row["cost"] - row["cost_bound"]), abs=1e-3)
    assert result.status == "within gap"
    other = stored.data.sel(point=int(stored.data["point"][0]))
    assert abs(float(other["cost"]) - result.replay_figures.cost) > 1


def test_an_ensemble_is_that_of_the_command(followed: str) -> None:
    """Proves: a worker's ensemble is bit for bit that of any other process, and is found again by its run.
    Sensitivity: another seed gives other days.
    """
    job = replay(followed, 30, baseline=False)
    assert queue.about(followed, "replay") == job
    status = until(job, lambda s: s.ended)
    assert status.state == "stored", status
    assert (status.count, status.of) == (30, 30)
    stored = Store().open(followed)
    content = ensembles.read(stored, stored.plan.scenario.disturbances.seed)
    assert stored.plan.schedule is not None
    part = ensemble(stored.plan.scenario, stored.plan.schedule, 30, Engine())
    assert part is not None
    assert content.successes == status.successes == part.successes
    np.testing.assert_array_equal(content.data["carbon_kg"], part.data["carbon_kg"])
    np.testing.assert_array_equal(content.data["fan_mw"], part.data["fan_mw"])
    assert not np.array_equal(content.data["carbon_kg"][:2], _few(stored, seed=7))


def _few(stored: Any, seed: int) -> Any:
    result = ensemble(stored.plan.scenario, stored.plan.schedule, 2, Engine(), seed=seed)
    assert result is not None
    return result.data["carbon_kg"]


def test_the_fan_is_what_was_metered(followed: str) -> None:
    """Proves: quantiles of the import rise with their share, and add up to the energy of the days: the mean of the
    medians lies between those of P10 and P90. Sensitivity: without spread all of them are the plan's.
    """
    stored = Store().open(followed)
    case, schedule = stored.plan.scenario, stored.plan.schedule
    assert schedule is not None
    assert stored.plan.replay is not None
    result = ensemble(case, schedule, 12, Engine())
    assert result is not None
    fan = result.data["fan_mw"].to_numpy()
    assert int(result.data["fan_of"]) == 12
    assert fan.shape == (5, stored.plan.replay.sizes["meter"])
    assert (np.diff(fan, axis=0) >= -1e-9).all()
    assert fan[0].mean() < fan[2].mean() < fan[4].mean()
    still = case.disturbances.model_copy(update={"duration_spread": 1e-12, "energy_spread": 1e-12})
    calm = ensemble(case.model_copy(update={"disturbances": still}), schedule, 3, Engine())
    assert calm is not None
    np.testing.assert_allclose(calm.data["fan_mw"][2], stored.plan.replay["meter_mw"], atol=1e-4)


def test_enough_is_enough_for_replays(followed: str) -> None:
    """Proves: a cancellation keeps the days done so far, without a hole. Sensitivity: all 100 000 take an hour."""
    job = replay(followed, 100_000, seed=3)
    until(job, lambda s: s.count > 0)
    queue.cancel(job)
    status = until(job, lambda s: s.ended)
    assert status.state == "stored", status
    content = ensembles.read(Store().open(followed), 3)
    assert 0 < content.n < 100_000 == content.n_requested
    assert content.data["replication"].values.tolist() == list(range(content.n))
    assert content.against_baseline


def test_enough_is_enough_for_a_front(home: Path) -> None:
    """Proves: a cancellation keeps the points found so far. Sensitivity: without it there are 101 searches."""
    number = queue.start(text=SITE.format(name="month", load=10, days=30), kind="front", options={"points": 101})
    until(number, lambda s: s.count >= 2)
    queue.cancel(number)
    status = until(number, lambda s: s.ended)
    assert status.state == "stored", status
    stored = fronts.read(number).front
    assert stored.unsearched > 0
    assert stored.has_points
    assert status.count == stored.n_requested - stored.unsearched


def test_a_front_outlives_whoever_asked_for_it(home: Path) -> None:
    """Proves: the asker may be killed; the front is found on the disk."""
    text = SITE.format(name="orphan", load=11, days=1)
    code = (
        "import os; from emberline.runs.jobs import queue as jobs; "
        f"print(jobs.start(text={text!r}, kind='front', options={{'points': 3}}), flush=True); os.kill(os.getpid(), 9)"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == -signal.SIGKILL, process.stderr
    number = process.stdout.strip()
    assert until(number, lambda s: s.ended).state == "stored"
    assert fronts.read(number).front.scenario.name == "orphan"


def test_two_at_once_do_not_mix(home: Path, followed: str) -> None:
    """Proves: what two engineers ask for at the same time comes to each as if he were alone."""
    one, two = (
        queue.start(text=SITE.format(name=f"of-{load}", load=load, days=1), kind="front", options={"points": 3})
        for load in (6, 14)
    )
    other = replay(followed, 10, seed=11)
    for job in (one, two, other):
        assert until(job, lambda s: s.ended).state == "stored"
    names = [fronts.read(number).front.scenario.name for number in (one, two)]
    assert names == ["of-6", "of-14"]
    least = [min(point["carbon_kg"] for point in queue.status(number).points) for number in (one, two)]
    assert least[0] < 0.6 * least[1]
    assert ensembles.read(Store().open(followed), 11).n == 10
    assert queue.status(other).points == ()


def test_a_killed_worker_is_reported(home: Path, followed: str) -> None:
    """Proves: kill -9 of a worker that replays leaves the run whole, and a job that says it was lost."""
    job = replay(followed, 100_000, seed=13)
    until(job, lambda s: s.count > 0)
    os.kill(int((home / "jobs" / job / "worker.pid").read_text()), signal.SIGKILL)
    status = until(job, lambda s: s.ended)
    assert status.state == "broken"
    assert "ask again" in status.lines[0]
    stored = Store().open(followed)
    assert 13 not in ensembles.seeds(stored)
    assert queue.about(followed, "replay") == job


def test_a_worker_that_begins_between_two_looks_is_alive(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a worker that has just made its lock, and one that begins and takes it while its events are read, are not
    taken for dead ones. Sensitivity: a process number without a lock that is held is a dead worker."""
    run = "2" * 32
    folder = home / "jobs" / run
    folder.mkdir(parents=True)
    (folder / "request.json").write_text(json.dumps({"kind": "replay", "given": {}}))
    lock = folder / "worker.lock"
    lock.touch()
    assert queue.status(run).state == "queued"
    lock.unlink()

    def with_worker(*case: Any) -> JobStatus:
        (folder / "worker.pid").write_text("0")
        lock.touch()
        return read_status(*case)

    with monkeypatch.context() as patch:
        patch.setattr(queue, "read_status", with_worker)
        assert queue.status(run).state == "queued"
    assert queue.status(run).state == "broken"


@pytest.mark.parametrize(
    ("kind", "inputs", "text"),
    [
        ("replay", {"run": "f" * 32, "replications": 5}, "f" * 32),
        ("point", {"front": "e" * 32, "point": 1}, "no stored front"),
    ],
)
def test_what_is_not_there_is_refused(home: Path, front: str, kind: str, inputs: dict[str, Any], text: str) -> None:
    """Proves: a job about what is not kept here is refused with one line."""
    status = until(queue.start(kind=kind, options=inputs), lambda s: s.ended)
    assert status.state == "refused"
    assert len(status.lines) == 1
    assert text in status.lines[0]


def test_mistakes_of_the_asker(home: Path) -> None:
    """Proves: a kind that there is not is refused before anything is written; what is no id names no file."""

    def jobs() -> list[Path]:
        return sorted(path for path in (home / "jobs").glob("*") if RUN_ID.match(path.name))

    before = jobs()
    with pytest.raises(ValueError, match="unknown kind 'fronts'"):
        queue.start("melt-shop-small", kind="fronts")
    with pytest.raises(StoreError, match="is not the id of a run"):
        replay("../../etc", 5)
    assert jobs() == before
    with pytest.raises(StoreError):
        queue.about("../../etc/passwd", "replay")
    assert queue.about("a" * 32, "replay") is None


def test_a_point_that_came_to_nothing_is_begun_again(home: Path, front: str) -> None:
    """Proves: a job whose worker died is taken away when the same is asked for again."""
    number = int(fronts.read(front).front.data["point"][-1])
    run = run_of(front, number)
    dead = home / "jobs" / run
    dead.mkdir()
    (dead / "request.json").write_text(json.dumps({"kind": "point", "given": {}}))
    (dead / "worker.pid").write_text("0")
    assert queue.status(run).state == "broken"
    assert queue.start("site", kind="point", options={"front": front, "point": number}, run=run) == run
    assert until(run, lambda s: s.ended).state == "stored"
    assert Store().open(run).plan.acceptable
