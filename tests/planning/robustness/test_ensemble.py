"""Ensembles: the same bits on any number of workers, what broke counted by hand, and what is refused."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pieces
import planned
import pytest
import xarray as xr
from scipy.stats import norm

from emberline import twin
from emberline.planning.engine import memory
from emberline.planning.engine.dask_workers import ClusterError
from emberline.planning.engine.engine import Engine, Piece, engine
from emberline.planning.planner import PLAIN, make_plan
from emberline.planning.robustness.ensemble import PART, Ensemble, ensemble, interval
from emberline.runs.store import ensembles
from emberline.runs.store.store import Store, StoreError
from emberline.scenarios import Case, load, loads
from emberline.scenarios.records.base import ScenarioError
from emberline.scenarios.templates.plants import template

N = 40
PATIENCE_S = 120.0
"""For a worker to begin, on a busy machine."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Engine]:
    with engine(2) as workers:
        yield workers


@pytest.fixture
def two(cluster: Engine) -> Engine:
    """Two workers; one that a test has killed is another one by now."""
    cluster.client.wait_for_workers(2, timeout=PATIENCE_S)
    return cluster


@cache
def week() -> tuple[Case, xr.Dataset]:
    """The bundled week and the baseline schedule: enough work to be interrupted."""
    scenario = load("melt-shop-week", ["tolerances.wait_min=0", "tolerances.cast_gap_min=0"])
    return scenario, twin.dispatch(scenario)


@cache
def alone() -> Ensemble:
    """The week's ensemble, made in this process; not to be changed."""
    result = ensemble(*week(), N, Engine())
    assert result is not None
    return result


def same_bits(one: xr.Dataset, other: xr.Dataset) -> None:
    xr.testing.assert_identical(one, other)
    for name, values in one.variables.items():
        assert values.to_numpy().tobytes() == other[name].to_numpy().tobytes(), name


def test_two_and_four_workers_give_the_same_bits(two: Engine) -> None:
    """Proves: who replays and in what parts changes nothing. Sensitivity: another seed changes it."""
    assert two.workers == 2
    same_bits(alone().data, _data(ensemble(*week(), N, two)))
    with engine(4) as four:
        assert four.workers == 4
        same_bits(alone().data, _data(ensemble(*week(), N, four)))
    other = _data(ensemble(*week(), 2, Engine(), seed=2))
    assert not np.array_equal(other["carbon_kg"], alone().data["carbon_kg"][:2])


def test_a_killed_worker_changes_nothing(two: Engine) -> None:
    """Proves: ``kill -9`` of a worker half-way costs time only. Sensitivity: the worker is another one afterwards."""
    before = set(two.client.run(os.getpid).values())
    killed: list[int] = []

    def kill(event: dict[str, Any]) -> None:
        if not killed and event["done"] >= 3 * N // 2:
            killed.append(min(before))
            os.kill(killed[0], signal.SIGKILL)

    result = ensemble(*week(), 3 * N, two, on_progress=kill)
    assert killed
    same_bits(_data(ensemble(*week(), 3 * N, Engine())), _data(result))
    two.client.wait_for_workers(2, timeout=PATIENCE_S)
    assert killed[0] not in two.client.run(os.getpid).values()


def test_what_a_killed_worker_did_is_done_again(two: Engine, tmp_path: Path) -> None:
    """Proves: a piece whose worker dies of it is given to another, what all have in common too."""
    table = {piece.place: piece.unwrap() for piece in two.each(pieces.killed_once, tmp_path, range(8))}
    assert (tmp_path / "killed").exists()
    assert table == {number: 2 * number for number in range(8)}


@pytest.mark.parametrize("here", [True, False])
def test_a_mistake_is_reported_with_its_piece(two: Engine, here: bool) -> None:
    """Proves: one piece that goes wrong takes no other with it."""
    table = {piece.place: piece for piece in (Engine() if here else two).each(pieces.refused, None, range(3))}
    assert [table[place].error is None for place in range(3)] == [True, False, True]
    with pytest.raises(ValueError, match="the second one"):
        table[1].unwrap()


def test_an_ended_ensemble_is_the_smaller_one() -> None:
    """Proves: what is left of an ensemble that was ended early is the ensemble of so many replications, even where
    later parts were done before earlier ones; nothing where none was done."""
    rows = [0]
    result = ensemble(
        *week(), 100, Backwards(), on_progress=lambda event: rows.append(event["done"]), cancel=lambda: rows[-1] > 40
    )
    assert result is not None
    assert result.n_requested == 100
    assert result.n == PART
    same_bits(result.data, _data(ensemble(*week(), result.n, Engine())))
    assert ensemble(*week(), 10, Engine(), cancel=lambda: True) is None


class Backwards(Engine):
    """Begins with the first part and goes on with the last ones."""

    def each(self, work: Any, common: Any, parts: Any, cancel: Any = None) -> Iterator[Piece[Any]]:
        order = [0, *range(len(parts) - 1, 0, -1)]
        for process in super().each(work, common, [parts[place] for place in order], cancel):
            yield Piece(order[process.place], process.result)


def test_figures_are_those_of_the_plans_own_replays() -> None:
    """Proves: the ensemble's first replications are the replays that the plan was made with, the baseline's too."""
    disturbances = {
        "duration_spread": 0.2,
        "energy_spread": 0.1,
        "breakdowns": [{"unit": "F", "mtbf_h": 4, "mttr_min": 30}],
        "replications": 4,
    }
    result = make_plan(planned.shop(disturbances=disturbances, goal={"gap": 0.3}), PLAIN)
    assert result.replays is not None
    assert result.schedule is not None
    dispatched = twin.dispatch(result.scenario, result.envelope)
    outcome = ensemble(result.scenario, result.schedule, 4, Engine(), dispatched=dispatched)
    assert outcome is not None
    for name, values in result.replays.data.data_vars.items():
        assert outcome.data[name].values.tolist() == values.values.tolist(), name
    assert len(set(outcome.data["carbon_kg"].values.tolist())) == 4
    assert outcome.successes == result.replays.successes
    part, theirs = outcome.quantiles(), result.replays.quantiles()
    assert {name: part[name] for name in theirs} == theirs


def test_what_broke_is_what_the_replays_missed() -> None:
    """Proves: counts by limit, hour and first miss, late heats, waits and standstills, by the replays."""
    case, schedule = week()
    result = alone()
    runs = list(twin.replays(case, schedule, range(N)))
    data = result.data
    late = [{str(heat) for heat in _of(run, "heat", "due", "unfinished")} for run in runs]
    assert data["late_heats"].values.tolist() == [len(heats) for heats in late]
    assert data["late_t"].values.tolist() == [250.0 * len(heats) for heats in late]
    assert data["held"].values.tolist() == [int(not run.sizes["violation"]) for run in runs]
    for row in result.broke():
        if row["kind"] not in ("wait", "cast"):
            continue
        hours = [_hours(run, row["kind"], row["unit"]) for run in runs]
        assert row["replications"] == sum(bool(hour) for hour in hours)
        assert row["stage"] == case.line.stage_of[row["unit"]].name
        assert row["in_hour"] == sum(row["hour"] in hour for hour in hours)
        assert row["in_hour"] == max(sum(h in hour for hour in hours) for h in set().union(*hours))
        first = [run for run in runs if run.sizes["violation"] and str(run["violation_unit"].values[0]) == row["unit"]]
        assert row["first"] == sum(str(run["violation_kind"].values[0]) == row["kind"] for run in first)
    assert sum(row["first"] for row in result.broke()) == N - result.successes
    assert int(data["missed"].sum()) == sum(run.sizes["violation"] for run in runs)
    waited = [float(run["op_waited_min"].where(run["op_stage"] == "casting", 0.0).sum()) for run in runs]
    assert data["waited_min"].sel(stage="casting").values == pytest.approx(waited)
    down = [float(run["op_down_min"].where(run["op_unit"] == "EAF1", 0.0).sum()) for run in runs]
    assert data["down_min"].sel(unit="EAF1").values == pytest.approx(down)
    assert max(down) > 0


def _of(run: xr.Dataset, name: str, *kinds: str) -> np.ndarray:
    return run[f"violation_{name}"].values[np.isin(run["violation_kind"].values, kinds)]


def _hours(run: xr.Dataset, kind: str, unit: str) -> set[int]:
    mine = (run["violation_kind"].values == kind) & (run["violation_unit"].values == unit)
    return {int(at // 60) for at in run["violation_at_min"].values[mine]}


@pytest.mark.parametrize(("n_held", "n"), [(0, 20), (7, 20), (20, 20), (950, 1000)])
def test_the_interval_is_wilsons(n_held: int, n: int) -> None:
    """Proves: both ends solve Wilson's equation, |p̂ − p| = z √(p (1 − p) / n)."""
    z, share = float(norm.ppf(0.975)), n_held / n
    low, high = interval(n_held, n)
    assert 0 <= low <= share <= high <= 1
    for end in (low, high):
        if 0 < end < 1 or end != share:
            assert abs(share - end) == pytest.approx(z * (end * (1 - end) / n) ** 0.5, abs=1e-9)


def test_an_ensemble_is_kept_with_its_run(tmp_path: Path) -> None:
    """Proves: what is read back is what was saved, one for each seed; the run still opens, and goes with its files."""
    store = Store(tmp_path)
    with store.working(planned.full_plan().scenario) as run:
        store.save(run, planned.full_plan())
    stored = store.open(run)
    schedule = stored.plan.schedule
    assert schedule is not None
    scatter = planned.shop(disturbances={"duration_spread": 0.1}).disturbances
    scenario = stored.plan.scenario.model_copy(update={"disturbances": scatter})
    table = {}
    for seed in (7, 8, 7):
        result = ensemble(scenario, schedule, 5, Engine(), seed=seed)
        assert result is not None
        ensembles.save(result, stored)
        table[seed] = result
    assert ensembles.seeds(stored) == [7, 8]
    again = ensembles.read(stored, 7)
    assert again.summary() == table[7].summary()
    xr.testing.assert_equal(again.data, table[7].data)
    assert store.open(run).plan.status == planned.full_plan().status
    with pytest.raises(StoreError, match=r"seed 9 \(it has 7, 8\)"):
        ensembles.read(stored, 9)


def test_levels_of_stores_are_those_of_the_replays() -> None:
    """Proves: how low each store gets, and what is in it at the end, by the replays themselves; the plan's, what it
    keeps, and nothing of an ensemble of an earlier release. Sensitivity: stores in another order."""
    reserve = "disturbances.stock_margins=[{store: cement, reserve_t: 120}]"
    case = loads(template("grinding-plant"), overrides=["horizon.days=1", reserve])
    schedule = twin.dispatch(case)
    result = ensemble(case, schedule, 5, Engine())
    assert result is not None
    runs = [run["stock_t"] for run in twin.replays(case, schedule, range(5))]
    rows = result.stocks(twin.replay(case, schedule))
    assert [row["store"] for row in rows] == ["clinker", "cement"]
    for row, least in zip(rows, (0.0, 120.0), strict=True):
        levels = [run.sel(stock=row["store"]).to_numpy() for run in runs]
        calm = twin.replay(case, schedule)["stock_t"].sel(stock=row["store"]).to_numpy()
        for figure, by_run, of_plan in (
            ("lowest", [level.min() for level in levels], calm.min()),
            ("last", [level[-1] for level in levels], calm[-1]),
        ):
            assert len(set(by_run)) > 1
            assert row[figure]["worst_t"] == min(by_run)
            assert row[figure]["median_t"] == np.median(by_run)
            assert row[figure]["p5_t"] == pytest.approx(np.quantile(by_run, 0.05))
            assert row[figure]["plan_t"] == of_plan
        assert row["lowest"]["least_t"] == least
        assert row["last"]["least_t"] == case.store[row["store"]].start_t
    assert result.summary()["stocks"] == result.stocks()
    earlier = dataclasses.replace(result, data=result.data.drop_vars(["lowest_t", "last_t", "stock"]))
    assert earlier.summary()["stocks"] == []


def test_what_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: no replications, too many, nothing disturbed, and too little memory, the last with both figures."""
    case, schedule = week()
    for n in (0, 100_001):
        with pytest.raises(ValueError, match=f"1 to 100000 replications, not {n}"):
            ensemble(case, schedule, n, Engine())
    calm = planned.shop()
    assert not calm.disturbed
    assert case.disturbed
    with pytest.raises(ScenarioError, match="nothing is disturbed"):
        ensemble(calm, twin.dispatch(calm), 5, Engine())
    monkeypatch.setenv("EMBERLINE_MEMORY", "400 MB")
    result = memory.in_words(memory.of_ensemble(schedule, 1000, 1))
    with pytest.raises(ScenarioError) as refused:
        ensemble(case, schedule, 1000, Engine())
    assert str(refused.value).startswith(f"1000 replays: would need about {result}")
    assert "EMBERLINE_MEMORY has 381 MiB" in str(refused.value)
    monkeypatch.setenv("EMBERLINE_MEMORY", "much")
    with pytest.raises(ScenarioError, match=r"EMBERLINE_MEMORY: 'much' is no size; write it as 4 GiB"):
        ensemble(case, schedule, 5, Engine())


def test_nobody_at_an_address_is_reported_at_once() -> None:
    """Proves: refused, silent, unknown and malformed addresses, sooner than Dask's own 30 s."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for address, text in (
            (f"tcp://127.0.0.1:{port}", "nobody answers there as a Dask scheduler within 5 s"),
            ("tcp://127.0.0.1:1", "cannot be reached"),
            ("bogus", "tcp://host:8786"),
            ("http://localhost:80", "neither tcp nor tls"),
        ):
            began = time.monotonic()
            with pytest.raises(ClusterError, match=text), engine(address=address):
                pass
            assert time.monotonic() - began < 25


def test_a_cluster_by_its_address(two: Engine) -> None:
    """Proves: workers of another scheduler do the same work; this machine's memory is not asked for them."""
    with engine(address=two.client.scheduler.address) as remote:
        assert (remote.workers, remote.local) == (2, False)
        same_bits(alone().data, _data(ensemble(*week(), N, remote)))


def _data(result: Ensemble | None) -> xr.Dataset:
    assert result is not None
    return result.data
