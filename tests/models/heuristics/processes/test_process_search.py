"""The search for plans of processes by parts, as large plants take it, on plants that can be solved at once too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from cement_works import DELIVERIES, GAP, PARTS, WHOLE, cement, solve
from enumerated import assert_followed, envelope, works

from emberline.models.formulations import whole_site
from emberline.models.formulations.site import objective as aims
from emberline.models.heuristics.processes.integer_slots import Grid
from emberline.models.problem import plant as plants
from emberline.models.problem import site as sites
from emberline.scenarios import Case
from emberline.scenarios.flows.asset_flows import accounts
from emberline.scenarios.flows.process_flows import emitted_kg


def value(scenario: Case, plan: xr.Dataset) -> float:
    """The first goal of a plan from its flows alone, what more stock than wanted is credited with taken off."""
    hours, inputs = scenario.horizon.step_h, scenario.inputs
    result, source = plan["import_mw"].values * hours, plan["export_mw"].values * hours
    carbon = float(result @ inputs["carbon_intensity_kg_per_mwh"].values) + float(emitted_kg(scenario, plan).sum())
    cost = float(result @ inputs["price_per_mwh"].values - source @ inputs["export_price_per_mwh"].values)
    direct = float(emitted_kg(scenario, plan).sum())
    for account in accounts(scenario, plan):
        cost += account.totals["cost"]
        carbon += account.totals["scope1_kg"] + account.totals["scope2_kg"]
        direct += account.totals["scope1_kg"]
    full = cost + scenario.market.carbon_price.on_direct * direct / 1000
    goals = {"carbon": carbon, "cost": cost, "cost_with_carbon_price": full}
    return goals[scenario.goal.minimize] - float(plan.attrs["credit"])


@pytest.mark.parametrize(("minimize", "step_min"), [("carbon", 60.0), ("cost", 30.0), ("cost_with_carbon_price", 30.0)])
def test_parts_find_a_plan_as_good_as_the_whole(minimize: str, step_min: float) -> None:
    """Proves: hours, corridor and windows end with a plan within the gap that they tell, their bound lies below the
    plan found at once, whose bound lies below theirs; the objective is what the flows come to, and units may do what is
    reported.

    Sensitivity: a bound of a part taken for one of the whole lies above the other plan; credit counted twice."""
    scenario = cement(minimize, step_min, gap=0.04, effort=60.0)
    result, whole = solve(scenario, PARTS), solve(cement(minimize, step_min), WHOLE)
    assert result.attrs["status"] == whole.attrs["status"] == "within gap", result.attrs
    for plan, other in ((result, whole), (whole, result)):
        objective, bound = plan.attrs["objective"], plan.attrs["bound"]
        assert plan.attrs["gap"] == pytest.approx((objective - bound) / objective)
        assert bound <= other.attrs["objective"] * (1 + 1e-9)
        assert value(scenario, plan) - plan.attrs["constant"] == pytest.approx(objective, rel=1e-6)
        assert_followed(scenario, plan)
    assert result.attrs["gap"] <= 0.04
    assert result.attrs["objective"] <= whole.attrs["objective"] * 1.04
    assert {"seconds bound", "seconds windows" if step_min == 60 else "seconds corridor"} <= set(result.attrs)
    assert "seconds solve" in whole.attrs


@pytest.mark.parametrize("small", [PARTS, WHOLE])
def test_a_plan_is_never_worse_than_the_list_it_begins_from(small: int) -> None:
    """Proves: begun from a plan that was made for carbon, a plan for cost costs no more, though the search is stopped
    as soon as it has one. Sensitivity: a list that is not read: stopped at once, there is no plan or any."""
    green = cement("carbon", 60.0, credit_stock=False)
    start = solve(green, WHOLE)
    scenario = cement("cost", 60.0, credit_stock=False)
    rows: list[dict[str, Any]] = []

    def enough() -> bool:
        return any(event["incumbent"] is not None for event in rows)

    result = solve(scenario, small, start=start, on_progress=rows.append, cancel=enough)
    assert result.attrs["found"]
    assert result.attrs["status"] == "cancelled"
    assert result.attrs["objective"] + result.attrs["constant"] <= value(scenario, start) * (1 + 1e-9)
    # its switches are the list's: nothing else was looked for
    np.testing.assert_array_equal(result["process_tph"].values > 0, start["process_tph"].values > 0)


def test_the_search_goes_on_from_the_list() -> None:
    """Proves: left alone it ends within the gap, below the list. Sensitivity: a search that keeps what it was given."""
    start = solve(cement("carbon", 60.0, credit_stock=False), WHOLE)
    scenario = cement("cost", 60.0, credit_stock=False, gap=0.03)
    result = solve(scenario, WHOLE, start=start)
    assert result.attrs["status"] == "within gap"
    assert result.attrs["objective"] < 0.99 * value(scenario, start)


def test_a_list_that_is_no_plan_is_left_aside() -> None:
    """Proves: a list on which everything stands (and the kiln must not) is no start, and a plan is found all the same.

    Sensitivity: the list's switches stay fixed: infeasible."""
    scenario = cement("cost", 60.0)
    whole = solve(scenario, WHOLE)
    idle = whole.assign(
        process_mode=xr.full_like(whole["process_mode"], ""), process_tph=xr.zeros_like(whole["process_tph"])
    )
    result = solve(scenario, WHOLE, start=idle)
    assert result.attrs["status"] == "within gap"
    assert result.attrs["objective"] <= whole.attrs["objective"] * (1 + GAP)


@pytest.mark.parametrize("small", [PARTS, WHOLE])
def test_cancelled_before_a_plan_is_found(small: int) -> None:
    """Proves: cancelled at once there is no plan, and it is said; the values are missing. Sensitivity: "infeasible"."""
    result = solve(cement("cost", 30.0), small, cancel=lambda: True)
    assert (result.attrs["found"], result.attrs["status"]) == (0, "cancelled")
    assert result.attrs["reason"] == "cancelled before a plan was found"
    assert np.isnan(result.attrs["objective"])
    assert result["import_mw"].isnull().all()


@pytest.mark.parametrize("small", [PARTS, WHOLE])
def test_no_time_no_plan(small: int) -> None:
    """Proves: with a time limit that is over before the search begins there is no plan, and that is no proof that none
    is possible. Sensitivity: "infeasible", or a search that takes its own time."""
    result = solve(cement("cost", 15.0, effort=0.01), small)
    assert (result.attrs["found"], result.attrs["status"]) == (0, "no plan within the limit")
    assert "no plan was found with an effort of" in result.attrs["reason"]


@pytest.mark.parametrize("small", [PARTS, WHOLE])
def test_infeasible_is_reported(small: int) -> None:
    """Proves: 4500 t of cement II cannot be ground until 22 h. Sensitivity: "no plan within the limit", at once or
    after all of the time."""
    ship = DELIVERIES[1] | {"amount_t": 4500.0, "loading_tph": 700.0}
    scenario = cement("cost", 60.0)
    order = type(scenario.deliveries[1]).model_validate(ship)
    too_much = scenario.model_copy(update={"deliveries": (scenario.deliveries[0], order)})
    result = solve(too_much, small)
    assert (result.attrs["found"], result.attrs["status"]) == (0, "infeasible")
    assert result.attrs["reason"].startswith("no plan keeps all limits")
    assert result.attrs["seconds search"] < 0.8 * too_much.goal.time_limit_s


def test_switches_decided_too_early_move() -> None:
    """Proves: decided two hours at a time the mills end where no way goes on; their switches move by some hours, and a
    plan is found that keeps all limits and lies above the bound of the whole. Sensitivity: what leads nowhere taken for
    a proof that there is no plan, or a search that stands still there."""
    scenario, widths = cement("cost", 60.0, gap=0.04, effort=20.0), []
    part = Grid.hold

    def hold(grid: Grid, values: np.ndarray, before: int, width: int) -> None:
        widths.append(width)
        part(grid, values, before, width)
        low, high = grid.site_model.program.bounds()
        earlier, later = grid.between(0, before), grid.between(before, grid.n)
        assert (low[later] == grid.low[later]).all()
        assert (high[later] == grid.high[later]).all()
        assert (low[earlier] <= values[earlier] + 1e-6).all()
        assert (high[earlier] >= values[earlier] - 1e-6).all()
        assert width or (low[earlier] == high[earlier]).all()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Grid, "hold", hold)
        result = solve(scenario, PARTS, {"window_h": 2.0})
    whole = solve(cement("cost", 60.0), WHOLE)
    assert result.attrs["found"]
    assert 0 in widths
    assert max(widths) > 0
    assert_followed(scenario, result)
    assert result.attrs["bound"] <= whole.attrs["objective"] * (1 + 1e-9)
    assert result.attrs["objective"] >= whole.attrs["bound"] * (1 - 1e-9)


def test_with_a_width_of_all_slots_nothing_is_decided() -> None:
    """Proves: held with a width of a day, a plan of a day on which everything stands binds nothing, so that what is
    infeasible then is a proof; with a narrower one no mode that it has not may run.

    Sensitivity: a corridor from the least to the most of the plan, which forbids what it never runs."""
    scenario = cement("cost", 60.0)
    data, plant = sites.read(scenario, envelope(scenario)), plants.read(scenario, envelope(scenario))
    grid = Grid(whole_site.build(data, aims.read(scenario, data, {}, 0.0), plant=plant))
    idle, program = np.zeros(len(grid.low)), grid.site_model.program
    grid.hold(idle, grid.n, grid.n - 1)
    assert (program.bounds()[1][grid.on] == 0).all()
    grid.hold(idle, grid.n, grid.n)
    for part, bound in zip((grid.low, grid.high), program.bounds(), strict=True):
        np.testing.assert_array_equal(bound, part)


@pytest.mark.parametrize("small", [PARTS, WHOLE])
def test_what_does_not_fit_by_hours_may_fit_by_steps(small: int) -> None:
    """Proves: 12 to 15 t of a mill that makes 10 t/h are no plan by hours, though half of a mill would do, and one by
    half hours: 15 t. Sensitivity: a proof on hours taken for one on steps; or none where the relaxation has a plan."""
    mill = {"name": "mill", "rate": 10.0, "power_mw": 1.0, "outputs": [{"store": "meal"}]}
    meal = {"name": "meal", "capacity_t": 15.0, "level_t": 0.0, "end_level_t": 12.0}
    by_hours = solve(works([mill], [meal], price=[50.0] * 4), small)
    assert (by_hours.attrs["found"], by_hours.attrs["status"]) == (0, "infeasible")
    by_halves = solve(works([mill], [meal], price=[50.0] * 8, step_min=30.0, goal={"effort": 2.0}), small)
    assert by_halves.attrs["found"]
    assert by_halves["stock_t"].values[0, -1] == pytest.approx(15)


def test_progress_is_reported_with_a_bound_and_a_plan() -> None:
    """Proves: incumbents fall, bounds rise, and each event tells the gap between them. Sensitivity: parts' own
    figures."""
    rows: list[dict[str, Any]] = []
    result = solve(cement("carbon", 60.0, gap=0.04, effort=4.0), PARTS, on_progress=rows.append)
    plans = [event["incumbent"] for event in rows if event["incumbent"] is not None]
    bounds = [event["bound"] for event in rows if event["bound"] is not None]
    assert plans
    assert bounds
    assert plans == sorted(plans, reverse=True)
    assert bounds == sorted(bounds)
    assert all(low <= high for low in bounds for high in plans)
    assert (result.attrs["objective"], result.attrs["bound"]) == (pytest.approx(plans[-1]), pytest.approx(bounds[-1]))
