"""Credit of a plan's stock by each way to count the grid: the difference of ``Plan.stock`` at other factors."""

from __future__ import annotations

import xarray as xr

from emberline.planning.accounts.emissions import MARKET, direct, site_emissions
from emberline.planning.accounts.stock import Worth, credit, worth
from emberline.planning.plan.record import Plan
from emberline.scenarios.flows.settlement import market_based

__all__ = ["credit_kg"]


def credit_kg(plan: Plan, way: str) -> float:
    """Additional stock of the plan at the end, compared with the baseline [kg CO2e]; 0 without stores.

    Args:
        plan: with a replay.
        way: ``average``, ``marginal`` or ``market``.
    """
    more = plan.stock
    if more is None:
        return 0.0
    if way == plan.scenario.goal.signal:
        return more.carbon_kg
    assert plan.replay is not None
    baseline, ours = (_worth(plan, run, way) for run in (plan.baseline, plan.replay))
    of_site = credit(more.levels, "level_kg_per_unit", baseline, ours)
    return credit(more.tonnes, "stock_kg_per_t", baseline, ours) + of_site


def _worth(plan: Plan, run: xr.Dataset, way: str) -> Worth:
    scenario = plan.scenario
    released, site = direct(scenario, run), site_emissions(scenario, run)
    if way == MARKET:
        imported = run["import_mw"].to_numpy() * scenario.horizon.step_h
        grid_kg = sum(part.kg for part in market_based(scenario, imported)) + 0.0 * imported
    else:
        grid_kg = site.grid[way]
    return worth(scenario, run, released, site.accounts, grid_kg)
