"""A site by slot, its goals, and what no plan can change: the interface for other packages."""

from __future__ import annotations

from dataclasses import replace

import xarray as xr

from emberline.models.formulations.processes import stock_value
from emberline.models.formulations.site.objective import read as read_aim
from emberline.models.problem import plant as plants
from emberline.models.problem.constants import baseline_totals, direct_kg
from emberline.models.problem.site import SiteData, read
from emberline.scenarios import Case
from emberline.scenarios.goal_metrics import goal_metric

__all__ = ["baseline_totals", "direct_kg", "fixed", "read", "worth_per_t"]


def fixed(scenario: Case, envelope: xr.Dataset, schedule: xr.Dataset) -> tuple[float, float]:
    """Return the goal's constant, and the part of its value beyond objective and constant: sunk costs, direct emissions
    of the heats, and the credit for stock of processes.

    Args:
        scenario: scenario with its goal.
        envelope: envelope of the scenario.
        schedule: table ``SCHEDULE``, whose stocks are credited.
    """
    data, row = read(scenario, envelope), goal_metric(scenario)
    direct = direct_kg(scenario, envelope)
    constant = read_aim(scenario, data, {}, direct).constant
    beyond = row.parts(scenario.market.carbon_price).get("scope1", 0.0) * direct + (
        data.sunk_cost if row.money else 0.0
    )
    if scenario.processes:
        from emberline.models.strategies.processes import unchangeable

        unavoidable, credit = unchangeable(scenario, envelope, data, schedule)
        constant, beyond = constant + unavoidable, beyond + credit
    return constant, beyond


def worth_per_t(scenario: Case, envelope: xr.Dataset, site: SiteData) -> tuple[dict[str, float], ...]:
    """Return the value of a tonne in each store by the goal, with the cheapest and with the most expensive electricity,
    and the tonnes above the required final level that are credited."""
    plant, metric = plants.read(scenario, envelope), goal_metric(scenario).name
    least = stock_value.least_prices(plant, site)[metric]
    most = replace(least, electricity=max(float(site.guide_per_mwh[metric].max()), 0.0))
    return stock_value.values(plant, least), stock_value.values(plant, most), stock_value.bands(plant)
