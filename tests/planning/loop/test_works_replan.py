"""A works of processes that is planned again on disturbed days."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from emberline import twin
from emberline.models import optimize
from emberline.planning.engine.engine import Engine
from emberline.planning.loop import days
from emberline.planning.loop.following import Replan
from emberline.planning.loop.loop import run
from emberline.planning.loop.works_replan import WorksLook, WorksReplan
from emberline.planning.robustness.ensemble import ensemble
from emberline.planning.robustness.planned_again import days_of
from emberline.scenarios import Case, ScenarioError, load
from emberline.scenarios.records.replanning import Using
from emberline.twin.processes.plant import WorksFollower, WorksPlant

TEMPLATE = Path(__file__).parents[3] / "scenarios" / "library" / "templates" / "grinding-plant.yaml"


@pytest.fixture(scope="module")
def mill() -> tuple[Case, xr.Dataset]:
    """Three days of a grinding plant with a small silo, and a schedule of it without margins."""
    stores = (
        "[{name: clinker, capacity_t: 5000 t, level_t: 3000 t}, {name: cement, capacity_t: 1500 t, level_t: 700 t}]"
    )
    scenario = load(TEMPLATE, ["horizon.days=3", "goal.effort=2", "goal.hold=off", f"stores={stores}"])
    return scenario, optimize(scenario, twin.envelope(scenario), twin.dispatch(scenario))


@pytest.fixture(scope="module")
def works() -> tuple[Case, xr.Dataset]:
    """A small cement works with three mills of two grades, and its plan."""
    scenario = load(Path(__file__).parents[1] / "cement-small.yaml", ["goal.effort=3"])
    return scenario, optimize(scenario, twin.envelope(scenario), twin.dispatch(scenario))


def test_limits_are_kept_on_more_days_and_none_is_lost(mill: tuple[Case, xr.Dataset]) -> None:
    """Proves: on the same days a plan without slack keeps its limits more often when it is planned again.
    Sensitivity: without a price of slack a look sees no need."""
    both = ensemble(*mill, 12, Engine(), planned_again=True)
    assert both is not None
    assert both.other is not None
    printed, again = ((each.data["violations"] == 0).to_numpy() for each in (both, both.other))
    assert again.sum() > printed.sum() + 2
    assert again.mean() > 0.85


@pytest.mark.parametrize("plant", ["mill", "works"])
def test_where_nothing_happens_nothing_is_lost(plant: str, request: pytest.FixtureRequest) -> None:
    """Proves: undisturbed, what looks change keeps every limit of a plan, end levels and least runs and rests too, and
    says what is made. Sensitivity: a rate given for a start-up, or a run that is cut, is a violation of its own."""
    scenario, schedule = request.getfixturevalue(plant)
    day = WorksPlant(WorksFollower(scenario, schedule), 1, 0, disturbed=False)
    policy = Replan(day)
    run(day, policy)
    assert policy.looks >= scenario.horizon.length_min / 60 - 2
    assert day.dataset()["violation_kind"].values.tolist() == []


def test_a_day_is_the_same_whenever_it_is_followed(mill: tuple[Case, xr.Dataset]) -> None:
    """Nothing is left of the days before."""
    scenario, schedule = mill
    several = [day.columns for day in days(scenario, schedule, range(3), using=Using.REPLAN)]
    (alone,) = (day.columns for day in days(scenario, schedule, [2], using=Using.REPLAN))
    assert np.array_equal(several[2]["process_tph"].values, alone["process_tph"].values)


def test_a_look_expects_what_comes_where_nothing_happens(works: tuple[Case, xr.Dataset]) -> None:
    """Proves: the forecast of a look at any hour is what the twin makes of the rest, with start-ups, change-overs and
    off-spec product. Sensitivity: any of them left out."""
    scenario, schedule = works
    follower = WorksFollower(scenario, schedule)
    policy, whole = WorksReplan(follower), WorksPlant(follower, 1, 0, disturbed=False)
    whole.run()
    levels = whole.dataset()["stock_t"].to_numpy()
    for hour in (1.0, 9.5, 24.0, 40.5):
        plant = WorksPlant(follower, 1, 0, disturbed=False)
        plant.run(60 * hour)
        look = WorksLook(policy, plant)
        np.testing.assert_allclose(look.level, levels[:, look.k :], rtol=1e-6, atol=1e-3)
        policy.begin()
        change = policy.decide(plant)
        if change is not None:
            plant.follow(change)
        plant.run(60 * hour + 60)
        assert policy.signs(plant)[0] == pytest.approx(0.0, abs=0.1)


def test_a_breakdown_and_a_level_off_its_forecast_are_seen(mill: tuple[Case, xr.Dataset]) -> None:
    """Proves: a unit under repair is named while it lasts, and levels of scattered days run off their forecast."""
    scenario, schedule = mill
    follower = WorksFollower(scenario, schedule)
    policy, down, off = WorksReplan(follower), 0, 0.0
    for replication in range(12):
        plant = WorksPlant(follower, 1, replication)
        for hour in range(1, 70):
            plant.run(60.0 * hour)
            minutes, units = policy.signs(plant)
            failed = any(at <= plant.now < at + lasts for unit in plant.works.units for at, lasts in unit.stops)
            assert bool(units) == failed
            down, off = down + failed, max(off, minutes)
    assert down
    assert off > 10


def test_what_cannot_be_planned_again_is_refused_in_one_line() -> None:
    with pytest.raises(ScenarioError, match="processes: no runs can move"):
        list(days(load("aluminium-potline"), xr.Dataset(), [0], using=Using.REPLAN))
    with pytest.raises(ScenarioError, match=r"goal.policy: only lines of heats"):
        load("aluminium-potline", ["goal.policy=replan"])


def test_processes_are_planned_again_by_default_where_runs_can_move() -> None:
    assert load("cement-week").planned_again
    assert load(TEMPLATE).planned_again
    assert not load("cement-week", ["goal.policy=follow"]).planned_again
    assert not load("aluminium-potline").planned_again
    assert 5 <= days_of(load("cement-week")) <= days_of(load(TEMPLATE)) == 20
