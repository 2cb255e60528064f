"""What twin, model and ledger must say the same of a plan, and the small melt shop that is planned for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emberline.planning import Plan
from emberline.planning.accounts.bill import bill, hourly_cost
from emberline.planning.accounts.emissions import INTENSITY
from emberline.planning.accounts.ledger import ledger
from emberline.planning.accounts.sums import figures
from emberline.scenarios import Case, load
from emberline.scenarios.flows.asset_flows import flow, load_mw

EXACT = 1e-6
"""Schedule and undisturbed replay are the same piecewise constant power: they differ by rounding only."""
FOUR_HEATS = (
    "orders=[{name: C1, heats: [{grade: rebar, count: 2}], due: 14 h}, {name: C2, heats: [{grade: wire, count: 2}]}]",
    "disturbances.replications=0",
    "goal.effort=4",
    "goal.gap=40 %",
)
HOLDING = (
    "line.stages.0.units.0.states={states: [{name: ready, power_mw: 2 MW}, {name: off, power_mw: 0.2 MW}], "
    "ready: ready, transitions: [{start: ready, end: off, duration_min: 10, power_mw: 1 MW}, "
    "{start: off, end: ready, duration_min: 25, power_mw: 4 MW}], final: off}",
    "line.stages.2.units.0.states={states: [{name: warm, power_mw: 0.3 MW}], ready: warm}",
)
"""An electric arc furnace that holds at 2 MW or is off, a caster whose tundish is kept warm; typical."""


def small(*overrides: str) -> Case:
    """The small melt shop with four heats, contented with a wide gap: what agrees at one plan agrees at any."""
    return load("melt-shop-small", [*FOUR_HEATS, *overrides])


def assert_agrees(plan: Plan) -> None:
    """Every engine says the same of the plan, and its parts add up."""
    assert plan.acceptable, (plan.verdict, plan.violations)
    text, process = plan.schedule_figures, plan.replay_figures
    assert text is not None
    assert process is not None
    for name in ("energy_mwh", "carbon_kg", "direct_kg", "grid_average_kg", "cost", "import_mwh", "peak_mw", "tonnes"):
        assert getattr(text, name) == pytest.approx(getattr(process, name), rel=EXACT), name
    for name in ("export_mwh", "battery_end_mwh"):
        assert getattr(text, name) == pytest.approx(getattr(process, name), abs=EXACT), name
    assert process.tonnes == plan.baseline_figures.tonnes == pytest.approx(plan.scenario.tonnes)
    for run in (plan.replay, plan.baseline):
        assert_adds_up(plan.scenario, run)


def assert_adds_up(scenario: Case, run: Any) -> None:
    """Ledger and bill of a run: parts are the totals, and the totals are those of the figures."""
    book, sums = ledger(scenario, run), figures(scenario, run)
    assert sums.carbon_kg == pytest.approx(sums.direct_kg + book.grid[scenario.goal.signal], rel=1e-9)
    assert sums.grid_average_kg == pytest.approx(book.grid["average"], rel=1e-9)
    assert (sums.grid_marginal_kg is None) == ("marginal" not in book.grid)
    if sums.grid_marginal_kg is not None:
        assert sums.grid_marginal_kg == pytest.approx(book.grid["marginal"], rel=1e-9)
    assert sums.direct_kg == pytest.approx(sum(book.direct.values()), rel=1e-9, abs=1e-9)
    for parts in (book.by_step, book.by_heat):
        assert float(parts["direct_kg"].sum()) == pytest.approx(book.direct_kg, rel=1e-9, abs=1e-9)
        for signal, kg in book.grid.items():
            assert float(parts[f"grid_{signal}_kg"].sum()) == pytest.approx(kg, rel=1e-9), signal
    for signal in book.grid:
        per_tonne, mass = book.kg_per_t(signal), book.by_heat["mass_t"]
        assert float((per_tonne * mass).sum()) == pytest.approx(book.total_kg(signal), rel=1e-9)
        series = scenario.inputs[INTENSITY[signal]].values
        by_hand = sum(mw * scenario.horizon.step_h * kg for mw, kg in zip(run["import_mw"].values, series, strict=True))
        assert book.grid[signal] == pytest.approx(by_hand, rel=1e-9)

    money = bill(scenario, run, sums.direct_kg)
    assert money.imported - money.exported == pytest.approx(float(hourly_cost(scenario, run).sum()), rel=1e-9)
    assert sums.energy_cost == pytest.approx(money.imported - money.exported, rel=1e-9)
    assert sums.cost == pytest.approx(sums.energy_cost + sums.carbon_cost, rel=1e-9) == money.total
    price = scenario.market.carbon_price
    covered = sums.direct_kg + (sums.grid_average_kg if price.covers == "all" else 0.0)
    assert sums.carbon_cost == pytest.approx(price.per_t * (1 - price.free_share) * covered / 1000, rel=1e-9)

    # energy is conserved: what comes in is what is used, and heats and idle units draw what the line draws
    hours = scenario.horizon.step_h
    result = run["import_mw"] + sum(flow(run, plant.name) for plant in scenario.site.renewables) + run["discharge_mw"]
    inputs = run["export_mw"] + run["line_mw"] + load_mw(scenario, run) + run["charge_mw"]
    assert np.abs((result - inputs).values).max() < 1e-6
    idle = run["idle_mw"].values if "idle_mw" in run else 0.0
    assert run["heat_mwh"].sum("heat").values == pytest.approx((run["line_mw"].values - idle) * hours, abs=1e-6)
