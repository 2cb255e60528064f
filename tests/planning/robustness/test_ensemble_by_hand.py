"""Ensembles by hand: outcomes that are given, not replayed, and what is reported of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import xarray as xr
from ruled_days import FOUR_DAYS, GAP, LATE, Days, four, shop

from emberline import twin
from emberline.planning.engine import memory
from emberline.planning.engine.engine import Piece
from emberline.planning.robustness.ensemble import Ensemble, ensemble, interval, together
from emberline.planning.robustness.holding.violation_amounts import ViolationAmounts, violation_amounts
from emberline.scenarios.records.base import ScenarioError


def test_what_four_days_add_up_to() -> None:
    """Proves: each figure of the report by hand: days kept, kept by recourse and broken, of plan and baseline; limits
    by what came first most often; breaks after a breakdown; quantiles, and no more where the baseline is left out.
    Sensitivity: any count that is one off, a day with recourse that counts as kept."""
    result = four()
    text = result.summary()
    quantiles = text.pop("quantiles")
    low, high = interval(2, 4)
    assert text == {
        "scenario": "shop", "seed": 7, "currency": "EUR", "asked": 5, "n": 4, "held": 2, "chance": 0.5,
        "interval": {"low": low, "high": high, "confidence": 0.95, "method": "Wilson"}, "stocks": [],
        "severity": {"kept": 1, "recourse": 1, "broken": 2}, "recourse": {"days": 2, "cost": 3.0},
        "broke": [
            {
                "kind": "due", "stage": "casting", "unit": "C", "replications": 2, "first": 1, "amount": 30.0,
                "typical": 20.0, "measure": "min", "hour": 5, "in_hour": 2,
            },
            {
                "kind": "cast", "stage": "casting", "unit": "C", "replications": 1, "first": 1, "amount": 4.0,
                "typical": 4.0, "measure": "min", "hour": 3, "in_hour": 1,
            },
        ],
        "after_breakdown": 1, "baseline_held": 3,
    }  # fmt: skip
    assert result.severity()[1] == {"kept": 2, "recourse": 1, "broken": 1}
    assert quantiles["carbon_kg"] == pytest.approx({"p10": 13.0, "p50": 25.0, "p90": 37.0})
    assert quantiles["saved_carbon_kg"] == pytest.approx({"p10": 28.0, "p50": 75.0, "p90": 87.0})
    assert set(quantiles) >= {"cost", "peak_mw", "late_heats", "late_t", "missed_deliveries", "short_t"}
    alone = [name for name in result.data.data_vars if not str(name).startswith("baseline_")]
    without = Ensemble(shop(), result.data[alone], 5)
    assert (without.against_baseline, result.against_baseline) == (False, True)
    assert "baseline_held" not in without.summary()
    assert without.severity() == ({"kept": 1, "recourse": 1, "broken": 2}, {})
    assert not without.less_often
    earlier = Ensemble(shop(), result.data.drop_vars(["recourses", "recourse_cost"]), 5)
    assert (earlier.recourse_days, earlier.recourse_cost) == (0, 0.0)
    assert earlier.severity()[0] == {"kept": 2, "recourse": 0, "broken": 2}


def test_outcomes_come_together_in_their_order() -> None:
    """Proves: the columns of four outcomes by hand: limits in order, how often and by how much each was missed, by
    hour, what came first, waits by stage, and the import over time of the first days that have it.
    Sensitivity: limits or hours in another place, the last day's import."""
    data = four().data
    assert data["limit_kind"].values.tolist() == ["cast", "due"]
    assert data["limit_measure"].values.tolist() == ["min", "min"]
    assert data["missed"].values.tolist() == [[0, 0], [2, 1], [0, 1], [0, 0]]
    assert data["missed_amount"].values.tolist() == [[0, 0], [4, 10], [0, 30], [0, 0]]
    assert data.sizes["hour"] == 25
    by_hour, first = data["missed_in_hour"].values, data["first_in_hour"].values
    assert {(i, h): int(by_hour[i, h]) for i, h in zip(*np.nonzero(by_hour), strict=True)} == {(0, 3): 1, (1, 5): 2}
    assert {(i, h): int(first[i, h]) for i, h in zip(*np.nonzero(first), strict=True)} == {(0, 3): 1, (1, 5): 1}
    assert data["first_limit"].values.tolist() == [-1, 0, 1, -1]
    assert data["first_heat"].values.tolist() == ["", "A-1", "A-1", ""]
    assert data["replication"].values.tolist() == [0, 1, 2, 3]
    assert data["waited_min"].values.tolist() == [[0, day, 2 * day] for day in range(4)]
    assert data["stage"].values.tolist() == ["melting", "ladle", "casting"]
    assert data["unit"].values.tolist() == ["F", "L", "C"]
    assert int(data["fan_of"]) == 3
    assert data["fan_mw"].values[:, 0].tolist() == pytest.approx([2.0, 5.0, 10.0, 15.0, 18.0])
    assert data["cost"].attrs["units"] == "EUR"
    assert data.attrs["scenario"] == "shop"
    half = shop().model_copy(update={"horizon": shop().horizon.model_copy(update={"length_h": 23.5})})
    assert together(half.with_inputs(shop().inputs), FOUR_DAYS[:1], 1).sizes == {
        "replication": 1, "limit": 0, "hour": 25, "quantile": 5, "meter": 2, "stage": 3, "unit": 3
    }  # fmt: skip


@pytest.mark.parametrize(("n", "low", "high"), [(1, 0.2065, 1.0), (4, 0.5101, 1.0), (400, 0.9905, 1.0)])
def test_the_interval_of_days_that_all_held(n: int, low: float, high: float) -> None:
    """Proves: of n days that all held the lower end is n / (n + z²), z = 1.96, the upper 1; and the reverse for none.
    Sensitivity: an end outside 0 to 1."""
    assert interval(n, n) == pytest.approx((low, high), abs=1e-4)
    assert interval(0, n) == pytest.approx((0.0, 1 - low), abs=1e-4)
    assert interval(n, n)[1] == 1.0
    assert interval(0, n)[0] == 0.0


class Three(Days):
    """Three workers of a cluster."""

    @property
    def workers(self) -> int:
        return 3


class Gap(Days):
    """The third part is not done, the others are, the last one first."""

    def each(self, work: Any, common: Any, parts: Any, cancel: Any = None) -> Iterator[Piece[Any]]:
        yield from reversed([piece for piece in super().each(work, common, parts, cancel) if piece.place != 2])


@pytest.mark.parametrize(
    ("days", "n", "part", "size"),
    [
        (Days, 200, 25, 25), (Days, 60, 25, 15), (Days, 60, 5, 5), (Three, 50, 25, 4), (Three, 11, 25, 1),
        (Days, 3, 25, 1),
    ],
)  # fmt: skip
def test_parts_of_an_ensemble(days: type[Days], n: int, part: int, size: int) -> None:
    """Proves: each worker has four parts or more, of a day at least and the most that is allowed; each day is done
    once. Sensitivity: parts that overlap, leave out the last days, or are too large for all workers."""
    case = shop()
    engine, events = days(lambda case, day, seed: {GAP: 1.0} if day % 3 == 0 else {}), list[dict[str, Any]]()
    result = ensemble(case, twin.dispatch(case), n, engine, part=part, on_progress=events.append)
    assert result is not None
    assert engine.sizes == [size]
    assert result.data["replication"].values.tolist() == list(range(n))
    broken = -(-n // 3)
    assert (result.n, result.successes, result.n_requested) == (n, n - broken, n)
    assert events[0] == {"phase": "replays", "done": size, "of": n, "held": size - -(-size // 3)}
    assert events[-1] == {"phase": "replays", "done": n, "of": n, "held": n - broken}
    assert [event["done"] for event in events] == [*range(size, n, size), n]
    assert engine.seeds == [1]
    assert result.other is None


def test_days_up_to_a_gap_count() -> None:
    """Proves: where the third part is missing, the days of the first two are the ensemble and the days that steer,
    whatever comes after; nothing where the first is missing. Sensitivity: days that no longer follow each other."""
    case = shop()
    schedule = twin.dispatch(case)
    engine = Gap(lambda case, day, seed: {GAP: day + 1.0} if day % 2 else {LATE: 3.0})
    result = ensemble(case, schedule, 100, engine, seed=9, other=(case, schedule))
    assert result is not None
    assert result.data["replication"].values.tolist() == list(range(50))
    assert result.other is not None
    assert (result.other.n, result.other.n_requested, result.n_requested) == (50, 100, 100)
    days = violation_amounts(case, schedule, 20, engine, seed=9)
    assert isinstance(days, ViolationAmounts)
    assert days.limits == (GAP, LATE)
    assert days.amount.tolist() == [[0, 3], [2, 0], [0, 3], [4, 0], [0, 3], [6, 0], [0, 3], [8, 0], [0, 3], [10, 0]]
    assert (days.n, days.successes) == (10, 0)
    assert engine.seeds == [9, 9]
    assert violation_amounts(case, schedule, 20, engine, seed=9, cancel=lambda: True) is None
    assert ensemble(case, schedule, 20, engine, cancel=lambda: True) is None


@pytest.mark.parametrize(("n", "size"), [(400, 5), (12, 3), (3, 1)])
def test_parts_of_days_that_steer(n: int, size: int) -> None:
    """Proves: five days in a part at most, four parts for each worker, one day at least."""
    case = shop()
    engine = Days(lambda case, day, seed: {})
    days = violation_amounts(case, twin.dispatch(case), n, engine, seed=3)
    assert days is not None
    assert (engine.sizes, days.n, days.successes) == ([size], n, n)


def test_memory_of_workers_elsewhere_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: with three workers here the refusal counts and names them; with three elsewhere it counts replications
    alone. Sensitivity: workers of a cluster counted on this machine."""
    monkeypatch.setenv("EMBERLINE_MEMORY", "1 MB")
    case = shop()
    schedule = twin.dispatch(case)
    for local, here, words in ((True, 3, "100 replays on 3 workers"), (False, 0, "100 replays")):
        need = memory.in_words(memory.of_ensemble(schedule, 100, here))
        with pytest.raises(ScenarioError) as refused:
            ensemble(case, schedule, 100, Three(lambda case, day, seed: {}, local=local))
        assert str(refused.value).startswith(f"{words}: would need about {need}")
    counts: list[int] = []

    def none(schedule: xr.Dataset, replications: int, workers: int) -> float:
        counts.append(workers)
        return 0.0

    monkeypatch.setattr(memory, "of_ensemble", none)
    for local in (True, False):
        ensemble(case, schedule, 100, Three(lambda case, day, seed: {}, local=local))
    assert counts == [3, 0]
