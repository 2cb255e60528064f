"""One loop: judgement, roll and simulated plant come to the same day under the same policy, seed and replication."""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from rolled import works

from emberline import models
from emberline.live.simulation import SimulatedPlant
from emberline.planning.loop import days
from emberline.scenarios import Case, ScenarioError, load
from emberline.scenarios.records.replanning import Using
from emberline.studies.rolling import How, refuse, roll

OPERATIONS = ("op_heat", "op_stage", "op_unit", "op_start_min", "op_end_min", "op_energy_mwh")
WORKS = ("process_mode", "process_tph", "stock_t", "delivered_t", "stop_at_min", "stop_min", "meter_mw")


SCATTERED = "melt-shop-small, scattered"
"""As bundled the plan of the small shop is not changed on any of 40 days planned again."""


@cache
def day(name: str) -> Case:
    """A bundled day, or mills alone, with little effort."""
    path = Path(__file__).parent / f"{name}.yaml"
    more = ["disturbances.duration_spread=15 %"] if name == SCATTERED else []
    return load(path if path.is_file() else name.partition(",")[0], ["goal.effort=1", *more])


@cache
def searched(name: str) -> xr.Dataset:
    """The plan of a day's roll."""
    return roll(day(name), How(using=Using.FOLLOW)).schedule


def rolled(name: str, using: Using, replication: int | None) -> Any:
    """A roll whose one plan is searched for but once."""

    def optimize(scenario: Case, *args: Any, **how: Any) -> xr.Dataset:
        return plans.setdefault((name, scenario.horizon.n_steps), models.optimize(scenario, *args, **how))

    return roll(day(name), How(using=using), replication=replication, optimize=optimize)


plans: dict[tuple[str, int], xr.Dataset] = {}


def same(one: Any, other: Any, names: tuple[str, ...]) -> None:
    for name in names:
        assert np.array_equal(one[name].values, other[name].values), name


@pytest.mark.parametrize("replication", [0, 3, 8])
@pytest.mark.parametrize("using", list(Using))
@pytest.mark.parametrize("name", ["melt-shop-small", SCATTERED, "melt-shop-day"])
def test_the_same_day_for_judgement_roll_and_simulated_plant(name: str, using: Using, replication: int) -> None:
    """Proves: followed as printed and planned again, all operations of the roll and of the simulated plant, which is
    stopped and looked at some 200 times a day, have units, starts and ends of the day that the judgement counts, to the
    last bit. Sensitivity: a loop of its own with other looks, other random numbers, or a plant that starts again."""
    scenario, schedule = day(name), searched(name)
    (judged,) = days(scenario, schedule, [replication], using=using)
    result = rolled(name, using, replication)
    same(result.run, judged.columns, (*OPERATIONS, "meter_mw"))
    assert (result.looks, result.changes) == (judged.looks, judged.changes)
    plant = SimulatedPlant(scenario, replication=replication, using=using)
    plant.follow(schedule, 0.0)
    for minute in np.arange(0.0, scenario.horizon.length_min, 7.3):
        plant.go_on(float(minute))
    plant.go_on(scenario.horizon.length_min)
    same(plant.run, judged.columns, (*OPERATIONS, "meter_mw"))


@pytest.mark.parametrize("name", [SCATTERED, "melt-shop-day"])
def test_a_day_planned_again_is_another_day(name: str) -> None:
    """Proves: what the other test compares is not the list as printed. Sensitivity: a policy that never changes."""
    printed, again = (list(days(day(name), searched(name), [0, 3, 8], using=using)) for using in Using)
    assert all(one.changes for one in again)
    for one, other in zip(printed, again, strict=True):
        assert not np.array_equal(one.columns["op_start_min"].values, other.columns["op_start_min"].values)


@pytest.mark.parametrize("replication", [0, 1, 2])
def test_works_that_follow_have_the_same_day(replication: int) -> None:
    """Proves: modes, rates, stores, deliveries, breakdowns and import of processes under one plan are those of the
    judgement. Sensitivity: a rest of orders counted twice, as when another schedule is followed in the middle."""
    name = "grinding-plant"
    (judged,) = days(day(name), searched(name), [replication])
    same(rolled(name, Using.FOLLOW, replication).run, judged.columns, WORKS)


def test_the_past_of_a_disturbed_roll_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: what has begun when a plan is made is where and when it was in the end. Sensitivity: replayed from the
    beginning under the new plan, a cast that had begun at 645 min began at 647 min."""
    module: Any = import_module("emberline.studies.rolling.roll")
    actuals: list[dict[tuple[str, str], tuple[str, float]]] = []

    def under_way(run: xr.Dataset, until: float) -> dict[tuple[str, str], tuple[str, float]]:
        rows = zip(*(run[f"op_{name}"].values.tolist() for name in ("heat", "stage", "unit", "start_min")), strict=True)
        return {(heat, stage): (unit, start) for heat, stage, unit, start in rows if start < until - 1e-6}

    def later(scenario: Case, run: xr.Dataset, begin: float, end: float) -> Case:
        actuals.append(under_way(run, begin))
        return original(scenario, run, begin, end)

    original = module.later
    monkeypatch.setattr(module, "later", later)
    # the judge of all schedules is left out: a search may let a cast under way begin later, so that its next heat comes
    # in time, which the plant must not take for what has happened
    how = How(every_min=360.0)
    run = roll(day("melt-shop-small"), how, replication=2, optimize=inspect.unwrap(models.optimize)).run
    assert [len(one) > 0 for one in actuals] == [False, False, True, True]
    ended = under_way(run, np.inf)
    for one in actuals:
        assert one.items() <= ended.items()


def test_what_is_not_rolled_by_a_policy_is_refused_in_one_line(tmp_path: Path) -> None:
    pumps = works(tmp_path, hours=24)
    with pytest.raises(ScenarioError, match="small-works: site: is not planned again"):
        refuse(pumps, How(using=Using.REPLAN))
    with pytest.raises(ScenarioError, match=r"--frozen: belongs to --policy search"):
        refuse(day("melt-shop-small"), How(frozen_min=60.0, using=Using.FOLLOW))
    refuse(pumps, How(using=Using.FOLLOW))
