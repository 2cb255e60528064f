"""The search for plans of processes by parts, as large plants take it, on plants that can be solved at once too."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import xarray as xr
from enumerated import assert_followed, envelope, works

from emberline import models
from emberline.models.formulations import whole_site
from emberline.models.formulations.site import objective as aims
from emberline.models.heuristics.processes import relax_and_fix as searching
from emberline.models.heuristics.processes.integer_slots import Grid
from emberline.models.problem import plant as plants
from emberline.models.problem import site as sites
from emberline.scenarios import Scenario
from emberline.scenarios.assets.account import accounts
from emberline.scenarios.process.flows import emitted_kg

GAP = 0.01
KILN: dict[str, Any] = {
    "name": "kiln", "rate": {"low": 80.0, "high": 110.0, "usual": 100.0}, "kwh_per_t": 26.0, "must_run": True,
    "ramp_tph_per_h": 8.0, "inputs": [{"store": "meal", "per_t": 1.5}], "outputs": [{"store": "clinker"}],
    "heat": {"gj_per_t": 3.4, "fuels": [{"carrier": "coal", "share": 0.6, "least": 0.3},
                                        {"carrier": "rdf", "share": 0.4}]},
    "emissions": [{"source": "calcination", "kg_per_t": 525.0}],
}  # fmt: skip
RAW_MILLS: dict[str, Any] = {
    "name": "raw mill", "count": 2, "rate": 130.0, "power_mw": 2.2, "outputs": [{"store": "meal"}], "min_run_h": 2.0,
    "min_rest_h": 1.0, "start_up": {"energy_mwh": 0.4},
}  # fmt: skip
CEMENT_MILLS: dict[str, Any] = {
    "name": "cement mill", "count": 2, "min_run_h": 2.0, "change_over": {"minutes": 30, "off_spec_t": 8.0},
    "start_up": {"off_spec_t": 4.0, "energy_mwh": 0.2},
    "modes": [
        {"name": "I", "rate": 90.0, "power_mw": 3.6, "inputs": [{"store": "clinker", "per_t": 0.95}],
         "outputs": [{"store": "CEM I"}]},
        {"name": "II", "rate": 110.0, "power_mw": 3.6, "inputs": [{"store": "clinker", "per_t": 0.75}],
         "outputs": [{"store": "CEM II"}]},
    ],
}  # fmt: skip
STORES: list[dict[str, Any]] = [
    {"name": "meal", "capacity_t": 2500.0, "level_t": 1200.0},
    {"name": "clinker", "capacity_t": 9000.0, "level_t": 4000.0, "end_level_t": 3900.0},
    {"name": "CEM I", "capacity_t": 1200.0, "level_t": 500.0},
    {"name": "CEM II", "capacity_t": 1200.0, "level_t": 500.0},
]
DELIVERIES: list[dict[str, Any]] = [
    {"name": "trucks I", "store": "CEM I", "weekly": [{"weekdays": "mon-fri", "hours": "6-18", "rate_tph": 60.0}]},
    {"name": "ship", "store": "CEM II", "amount_t": 700.0, "release": "8 h", "due": "22 h", "loading_tph": 150.0},
]
SITE: dict[str, Any] = {
    "base_load_mw": 1.0, "grid": {"metered_interval_min": 15, "import_limit_mw": 14.0},
    "carriers": [{"name": "coal"}, {"name": "rdf"}],
    "assets": [
        {"kind": "supply", "name": "coal yard", "carrier": "coal", "price_per_unit": 14.0, "fossil_kg_per_unit": 340.0},
        {"kind": "supply", "name": "rdf hall", "carrier": "rdf", "price_per_unit": 5.0, "fossil_kg_per_unit": 165.0,
         "horizon_limit": 700.0},
    ],
}  # fmt: skip


@cache
def cement(minimize: str = "cost", step_min: float = 60.0, hours: float = 24.0, **goal: Any) -> Scenario:
    """A day of a small cement works; prices and intensity are high by day and low by night, and not quite in step."""
    n = round(hours * 60 / step_min)
    hour = np.arange(n) * step_min / 60
    rng = np.random.default_rng(3)
    price = np.round(60 + 35 * np.sin((hour - 5) / 12 * np.pi) + rng.normal(0, 8, n), 2)
    intensity = np.round(350 + 150 * np.sin((hour - 10) / 12 * np.pi) + rng.normal(0, 20, n), 1)
    return works(
        [KILN, RAW_MILLS, CEMENT_MILLS], STORES, price=price.tolist(), intensity=intensity.tolist(), hours=hours,
        step_min=step_min, minimize=minimize, site=SITE, deliveries=DELIVERIES, goal={"gap": GAP, **goal},
        market={"carbon_price": {"per_t": 70.0, "covers": "direct"}},
    )  # fmt: skip


def value(scenario: Scenario, plan: xr.Dataset) -> float:
    """The first goal of a plan from its flows alone, what more stock than wanted is credited with taken off."""
    hours, inputs = scenario.horizon.step_h, scenario.inputs
    taken, given = plan["import_mw"].values * hours, plan["export_mw"].values * hours
    carbon = float(taken @ inputs["carbon_intensity_kg_per_mwh"].values) + float(emitted_kg(scenario, plan).sum())
    cost = float(taken @ inputs["price_per_mwh"].values - given @ inputs["export_price_per_mwh"].values)
    direct = float(emitted_kg(scenario, plan).sum())
    for account in accounts(scenario, plan):
        cost += account.totals["cost"]
        carbon += account.totals["scope1_kg"] + account.totals["scope2_kg"]
        direct += account.totals["scope1_kg"]
    full = cost + scenario.market.carbon_price.on_direct * direct / 1000
    goals = {"carbon": carbon, "cost": cost, "cost_with_carbon_price": full}
    return goals[scenario.goal.minimize] - float(plan.attrs["credit"])


def solve(scenario: Scenario, small: int, **how: Any) -> xr.Dataset:
    """A plan by parts (``small`` 0), or at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "SMALL", small)
        return models.optimize(scenario, envelope(scenario), **how)


PARTS, WHOLE = 0, 10**9


@pytest.mark.parametrize(("minimize", "step_min"), [("carbon", 60.0), ("cost", 30.0), ("cost_with_carbon_price", 30.0)])
def test_parts_find_a_plan_as_good_as_the_whole(minimize: str, step_min: float) -> None:
    """Proves: hours, corridor and windows end with a plan within the gap that they tell, their bound lies below the
    plan found at once, whose bound lies below theirs; the objective is what the flows come to, and units may do what is
    told.

    Sensitivity: a bound of a part taken for one of the whole lies above the other plan; credit counted twice."""
    scenario = cement(minimize, step_min, gap=0.04, time_limit_s=60.0)
    found, whole = solve(scenario, PARTS), solve(cement(minimize, step_min), WHOLE)
    assert found.attrs["status"] == whole.attrs["status"] == "within gap", found.attrs
    for plan, other in ((found, whole), (whole, found)):
        objective, bound = plan.attrs["objective"], plan.attrs["bound"]
        assert plan.attrs["gap"] == pytest.approx((objective - bound) / objective)
        assert bound <= other.attrs["objective"] * (1 + 1e-9)
        assert value(scenario, plan) - plan.attrs["constant"] == pytest.approx(objective, rel=1e-6)
        assert_followed(scenario, plan)
    assert found.attrs["gap"] <= 0.04
    assert found.attrs["objective"] <= whole.attrs["objective"] * 1.04
    assert {"seconds bound", "seconds windows" if step_min == 60 else "seconds corridor"} <= set(found.attrs)
    assert "seconds solve" in whole.attrs


@pytest.mark.parametrize("small", [PARTS, WHOLE])
def test_a_plan_is_never_worse_than_the_list_it_begins_from(small: int) -> None:
    """Proves: begun from a plan that was made for carbon, a plan for cost costs no more, though the search is stopped
    as soon as it has one. Sensitivity: a list that is not read: stopped at once, there is no plan or any."""
    green = cement("carbon", 60.0, credit_stock=False)
    start = solve(green, WHOLE)
    scenario = cement("cost", 60.0, credit_stock=False)
    told: list[dict[str, Any]] = []

    def enough() -> bool:
        return any(event["incumbent"] is not None for event in told)

    found = solve(scenario, small, start=start, on_progress=told.append, cancel=enough)
    assert found.attrs["found"]
    assert found.attrs["status"] == "cancelled"
    assert found.attrs["objective"] + found.attrs["constant"] <= value(scenario, start) * (1 + 1e-9)
    # its switches are the list's: nothing else was looked for
    np.testing.assert_array_equal(found["process_tph"].values > 0, start["process_tph"].values > 0)


def test_the_search_goes_on_from_the_list() -> None:
    """Proves: left alone it ends within the gap, below the list. Sensitivity: a search that keeps what it was given."""
    start = solve(cement("carbon", 60.0, credit_stock=False), WHOLE)
    scenario = cement("cost", 60.0, credit_stock=False, gap=0.03)
    found = solve(scenario, WHOLE, start=start)
    assert found.attrs["status"] == "within gap"
    assert found.attrs["objective"] < 0.99 * value(scenario, start)


def test_a_list_that_is_no_plan_is_left_aside() -> None:
    """Proves: a list on which everything stands (and the kiln must not) is no start, and a plan is found all the same.

    Sensitivity: the list's switches stay fixed: infeasible."""
    scenario = cement("cost", 60.0)
    whole = solve(scenario, WHOLE)
    idle = whole.assign(
        process_mode=xr.full_like(whole["process_mode"], ""), process_tph=xr.zeros_like(whole["process_tph"])
    )
    found = solve(scenario, WHOLE, start=idle)
    assert found.attrs["status"] == "within gap"
    assert found.attrs["objective"] <= whole.attrs["objective"] * (1 + GAP)


@pytest.mark.parametrize("small", [PARTS, WHOLE])
def test_cancelled_before_a_plan_is_found(small: int) -> None:
    """Proves: cancelled at once there is no plan, and it is said; the values are missing. Sensitivity: "infeasible"."""
    found = solve(cement("cost", 30.0), small, cancel=lambda: True)
    assert (found.attrs["found"], found.attrs["status"]) == (0, "cancelled")
    assert found.attrs["reason"] == "cancelled before a plan was found"
    assert np.isnan(found.attrs["objective"])
    assert found["import_mw"].isnull().all()


@pytest.mark.parametrize("small", [PARTS, WHOLE])
def test_no_time_no_plan(small: int) -> None:
    """Proves: with a time limit that is over before the search begins there is no plan, and that is no proof that none
    is possible. Sensitivity: "infeasible", or a search that takes its own time."""
    found = solve(cement("cost", 15.0, time_limit_s=0.01), small)
    assert (found.attrs["found"], found.attrs["status"]) == (0, "no plan within the limit")
    assert "no plan was found in" in found.attrs["reason"]


@pytest.mark.parametrize("small", [PARTS, WHOLE])
def test_infeasible_is_told(small: int) -> None:
    """Proves: 4500 t of cement II cannot be ground until 22 h. Sensitivity: "no plan within the limit", at once or
    after all of the time."""
    ship = DELIVERIES[1] | {"amount_t": 4500.0, "loading_tph": 700.0}
    scenario = cement("cost", 60.0)
    order = type(scenario.deliveries[1]).model_validate(ship)
    too_much = scenario.model_copy(update={"deliveries": (scenario.deliveries[0], order)}).with_inputs(scenario.inputs)
    found = solve(too_much, small)
    assert (found.attrs["found"], found.attrs["status"]) == (0, "infeasible")
    assert found.attrs["reason"].startswith("no plan keeps all limits")
    assert found.attrs["seconds search"] < 0.8 * too_much.goal.time_limit_s


def test_switches_decided_too_early_move() -> None:
    """Proves: decided two hours at a time the mills end where no way goes on; their switches move by some hours, and a
    plan is found that keeps all limits and lies above the bound of the whole. Sensitivity: what leads nowhere taken for
    a proof that there is no plan, or a search that stands still there."""
    scenario, widths = cement("cost", 60.0, gap=0.04, time_limit_s=20.0), []
    own = Grid.hold

    def hold(grid: Grid, values: np.ndarray, before: int, width: int) -> None:
        widths.append(width)
        own(grid, values, before, width)
        low, high = grid.made.program.bounds()
        earlier, later = grid.between(0, before), grid.between(before, grid.n)
        assert (low[later] == grid.low[later]).all()
        assert (high[later] == grid.high[later]).all()
        assert (low[earlier] <= values[earlier] + 1e-6).all()
        assert (high[earlier] >= values[earlier] - 1e-6).all()
        assert width or (low[earlier] == high[earlier]).all()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "WINDOW_H", 2.0)
        patch.setattr(searching, "ADVANCE_H", 2.0)
        patch.setattr(Grid, "hold", hold)
        found = solve(scenario, PARTS)
    whole = solve(cement("cost", 60.0), WHOLE)
    assert found.attrs["found"]
    assert 0 in widths
    assert max(widths) > 0
    assert_followed(scenario, found)
    assert found.attrs["bound"] <= whole.attrs["objective"] * (1 + 1e-9)
    assert found.attrs["objective"] >= whole.attrs["bound"] * (1 - 1e-9)


def test_with_a_width_of_all_slots_nothing_is_decided() -> None:
    """Proves: held with a width of a day, a plan of a day on which everything stands binds nothing, so that what is
    infeasible then is a proof; with a narrower one no mode that it has not may run.

    Sensitivity: a corridor from the least to the most of the plan, which forbids what it never runs."""
    scenario = cement("cost", 60.0)
    data, plant = sites.read(scenario, envelope(scenario)), plants.read(scenario, envelope(scenario))
    grid = Grid(whole_site.build(data, aims.read(scenario, data, None, 0.0), plant=plant))
    idle, program = np.zeros(len(grid.low)), grid.made.program
    grid.hold(idle, grid.n, grid.n - 1)
    assert (program.bounds()[1][grid.on] == 0).all()
    grid.hold(idle, grid.n, grid.n)
    for own, bound in zip((grid.low, grid.high), program.bounds(), strict=True):
        np.testing.assert_array_equal(bound, own)


@pytest.mark.parametrize("small", [PARTS, WHOLE])
def test_what_does_not_fit_by_hours_may_fit_by_steps(small: int) -> None:
    """Proves: 12 to 15 t of a mill that makes 10 t/h are no plan by hours, though half of a mill would do, and one by
    half hours: 15 t. Sensitivity: a proof on hours taken for one on steps; or none where the relaxation has a plan."""
    mill = {"name": "mill", "rate": 10.0, "power_mw": 1.0, "outputs": [{"store": "meal"}]}
    meal = {"name": "meal", "capacity_t": 15.0, "level_t": 0.0, "end_level_t": 12.0}
    by_hours = solve(works([mill], [meal], price=[50.0] * 4), small)
    assert (by_hours.attrs["found"], by_hours.attrs["status"]) == (0, "infeasible")
    by_halves = solve(works([mill], [meal], price=[50.0] * 8, step_min=30.0, goal={"time_limit_s": 2.0}), small)
    assert by_halves.attrs["found"]
    assert by_halves["stock_t"].values[0, -1] == pytest.approx(15)


def test_progress_is_told_with_a_bound_and_a_plan() -> None:
    """Proves: incumbents fall, bounds rise, and each event tells the gap between them. Sensitivity: parts' own
    figures."""
    told: list[dict[str, Any]] = []
    found = solve(cement("carbon", 60.0, gap=0.04, time_limit_s=4.0), PARTS, on_progress=told.append)
    plans = [event["incumbent"] for event in told if event["incumbent"] is not None]
    bounds = [event["bound"] for event in told if event["bound"] is not None]
    assert plans
    assert bounds
    assert plans == sorted(plans, reverse=True)
    assert bounds == sorted(bounds)
    assert all(low <= high for low in bounds for high in plans)
    assert (found.attrs["objective"], found.attrs["bound"]) == (pytest.approx(plans[-1]), pytest.approx(bounds[-1]))
