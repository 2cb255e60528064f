"""Budgets over the whole roll, their remainder for each plan, and carbon and cost by step.

Caps on carbon and cost apply to the whole roll: a plan to its end may use the whole remainder, a shorter one a share in
proportion to its length. Horizon limits of supplies are shared likewise. The cap on extra cost refers to the baseline's
cost so far plus its cost over the plan's horizon.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from emberline.planning.accounts import emissions
from emberline.planning.accounts.bill import bill, hourly_cost
from emberline.planning.accounts.emissions import direct, site_emissions
from emberline.planning.plan.baseline import Baseline
from emberline.scenarios import Case, Scenario
from emberline.scenarios.flows.asset_flows import accounts
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.loading.issued_forecasts import part
from emberline.scenarios.metrics import FACTORS
from emberline.scenarios.records.goal import Caps


def share_left(scenario: Scenario, begin_min: float, part: Scenario) -> float:
    """Length of a plan as a share of the remaining roll."""
    return min(part.horizon.length_min / (scenario.horizon.length_min - begin_min), 1.0)


def with_limits(part: Case, share: float) -> Case:
    """Return a plan's scenario with its share of the remaining horizon limits."""
    if share >= 1:
        return part
    limits = {name: {"horizon_limit": limit * share} for name, limit in part.site.limited.items()}
    assets = tuple(asset.model_copy(update=limits.get(asset.name, {})) for asset in part.site.assets)
    return part.model_copy(update={"site": part.site.model_copy(update={"assets": assets})})


def with_caps(
    part: Case, scenario: Case, run: xr.Dataset, baseline: xr.Dataset, k: int, share: float, window: Baseline
) -> Case:
    """Return a plan's scenario with its share of the remaining caps on carbon and cost.

    Args:
        part: scenario of the plan.
        scenario: scenario of the whole roll.
        run: actual run of the first ``k`` steps.
        baseline: run under the baseline.
        k: number of steps before the plan begins.
        share: length of the plan as a share of the remaining roll.
        window: baseline over the plan's horizon.
    """
    caps = scenario.goal.caps
    new_caps: dict[str, float | None] = {}
    if caps.carbon_kg is not None:
        new_caps["carbon_kg"] = max((caps.carbon_kg - float(carbon_by_step(scenario, run)[:k].sum())) * share, 0.0)
    for name, row in FACTORS.items():
        cap = getattr(caps, row.cap)
        if cap is not None:
            new_caps[row.cap] = max((cap - float(emissions.by_step(scenario, run, name)[:k].sum())) * share, 0.0)
    # a line's baseline has finished other heats by then than the plan, so each plan is compared with its own baseline
    by_step = all(producer.by_step for producer in scenario.producers)
    carried = caps.extra_cost_share is not None and k > 0 and by_step
    if caps.cost is not None or carried:
        paid, limits = cost_until(scenario, run, k), []
        if caps.cost is not None:
            limits.append((caps.cost - paid) * share)
        if caps.extra_cost_share is not None and carried and window.complete:
            theirs = cost_until(scenario, baseline, k) + window.figures.cost
            limits.append(theirs + caps.extra_cost_share * abs(theirs) - paid)
            new_caps["extra_cost_share"] = None
        new_caps["cost"] = min(limits) if limits else None
    if not new_caps:
        return part
    fields = caps.model_dump() | new_caps
    return part.with_goal(caps=Caps(**fields))


def direct_by_step(scenario: Case, run: xr.Dataset) -> np.ndarray:
    """Scope 1 in each step, shape (n_steps,) [kg CO2e]."""
    return sum((account.scope1_kg for account in accounts(scenario, run)), direct(scenario, run).of_step)


def carbon_by_step(scenario: Case, run: xr.Dataset) -> np.ndarray:
    """Scopes 1 and 2 by the goal's signal in each step, shape (n_steps,) [kg CO2e]."""
    site = site_emissions(scenario, run)
    kg = direct_by_step(scenario, run) + site.grid[scenario.goal.signal]
    return sum((account.scope2_kg for account in site.accounts), kg)


def cost_by_step(scenario: Case, run: xr.Dataset, *, carbon_price: bool = True) -> np.ndarray:
    """Cost of energy, assets and carbon price minus export revenue in each step, shape (n_steps,) [currency].

    The tariff's charges on peaks and its fixed charges belong to no step and are left out.
    """
    cost, price = hourly_cost(scenario, run), scenario.market.carbon_price
    if not carbon_price:
        return cost
    imported = run["import_mw"].to_numpy() * scenario.horizon.step_h
    grid_kg = imported * scenario.inputs["carbon_intensity_kg_per_mwh"].to_numpy()
    grid_kg += sum(account.scope2_kg for account in accounts(scenario, run))
    return cost + (price.on_direct * direct_by_step(scenario, run) + price.on_grid * grid_kg) / 1000


def goal_by_step(scenario: Case, run: xr.Dataset) -> np.ndarray:
    """Contribution of each step to the goal, shape (n_steps,); amounts that belong to no step are left out."""
    metric = goal_metric(scenario)
    if metric.per_unit:
        return emissions.by_step(scenario, run, metric.name)
    if not metric.money:
        return carbon_by_step(scenario, run)
    return cost_by_step(scenario, run, carbon_price=not metric.less)


def cost_until(scenario: Case, run: xr.Dataset, k: int) -> float:
    """Bill of the first ``k`` steps of a run [currency]."""
    if not k:
        return 0.0
    until = part(scenario.horizon, 0, k)
    first_part = scenario.with_inputs(scenario.inputs.isel(time=slice(0, k)), horizon=until)
    m = round(until.length_min / scenario.site.grid.metered_interval_min)
    flows = run.isel(time=slice(0, k), meter=slice(0, m))
    return bill(first_part, flows, float(direct_by_step(scenario, run)[:k].sum())).total
