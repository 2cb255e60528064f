"""Carbon and cost of a run by step, and until a step: what budgets and comparisons by day are made of."""

from __future__ import annotations

import numpy as np
import xarray as xr

from emberline.planning.accounts import emissions
from emberline.planning.accounts.bill import bill, hourly_cost
from emberline.planning.accounts.emissions import direct, site_emissions
from emberline.scenarios import Case
from emberline.scenarios.flows.asset_flows import accounts
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.loading.issued_forecasts import part


def direct_by_step(scenario: Case, run: xr.Dataset) -> np.ndarray:
    """Scope 1, shape (n_steps,) [kg CO2e]."""
    kg = direct(scenario, run).of_step.copy()
    for account in accounts(scenario, run):
        kg += account.scope1_kg
    return kg


def carbon_by_step(scenario: Case, run: xr.Dataset) -> np.ndarray:
    """Scope 1 and 2 by the goal's signal, shape (n_steps,) [kg CO2e]."""
    site = site_emissions(scenario, run)
    kg = direct_by_step(scenario, run) + site.grid[scenario.goal.signal]
    for account in site.accounts:
        kg += account.scope2_kg
    return kg


def cost_by_step(scenario: Case, run: xr.Dataset, *, carbon_price: bool = True) -> np.ndarray:
    """Energy, assets and carbon price less what export earns, shape (n_steps,) [currency].

    What the tariff asks for peaks and fixed charges belong to no step and are left out.
    """
    cost, price = hourly_cost(scenario, run), scenario.market.carbon_price
    if not carbon_price:
        return cost
    imported = run["import_mw"].to_numpy() * scenario.horizon.step_h
    grid_kg = imported * scenario.inputs["carbon_intensity_kg_per_mwh"].to_numpy()
    grid_kg += sum(account.scope2_kg for account in accounts(scenario, run))
    return cost + (price.on_direct * direct_by_step(scenario, run) + price.on_grid * grid_kg) / 1000


def goal_by_step(scenario: Case, run: xr.Dataset) -> np.ndarray:
    """What the goal minimizes by step, shape (n_steps,); what belongs to no step is left out."""
    metric = goal_metric(scenario)
    if metric.per_unit:
        return emissions.by_step(scenario, run, metric.name)
    if not metric.money:
        return carbon_by_step(scenario, run)
    return cost_by_step(scenario, run, carbon_price=not metric.less)


def carbon_until(scenario: Case, run: xr.Dataset, k: int) -> float:
    """Scope 1 and 2 of the first ``k`` steps of a run by the goal's signal [kg CO2e]."""
    return float(carbon_by_step(scenario, run)[:k].sum())


def cost_until(scenario: Case, run: xr.Dataset, k: int) -> float:
    """The bill of the first ``k`` steps of a run [currency]."""
    if not k:
        return 0.0
    until = part(scenario.horizon, 0, k)
    first_part = scenario.with_inputs(scenario.inputs.isel(time=slice(0, k)), horizon=until)
    m = round(until.length_min / scenario.site.grid.metered_interval_min)
    flows = run.isel(time=slice(0, k), meter=slice(0, m))
    return bill(first_part, flows, float(direct_by_step(scenario, run)[:k].sum())).total
