"""Computation of the figures of a run or a schedule from its flows."""

from __future__ import annotations

import numpy as np
import xarray as xr

from emberline.planning.accounts.bill import EXPORT, IMPORT, UPKEEP, bill
from emberline.planning.accounts.emissions import direct, site_emissions, totals
from emberline.planning.accounts.figures import SAME_TONNES, Figures
from emberline.planning.accounts.site_stores import levels
from emberline.planning.accounts.stock import Worth, worth
from emberline.scenarios import Case
from emberline.scenarios.flows.asset_flows import load_mw
from emberline.scenarios.flows.settlement import market_based

__all__ = ["figures"]

APART = ("demand", "coincident", "fixed", "tax", "imbalance", "recourse", "fuel")
"""Kinds of bill lines with a figure of their own, such as ``demand_cost``."""
UNSERVED = ("shortage", "surplus", "delivery")
"""Violations that mean unmet demand; a missed end level is valued instead."""


def figures(scenario: Case, data: xr.Dataset, *, nominated: xr.Dataset | None = None) -> Figures:
    """Compute the figures of a run or a schedule.

    Args:
        scenario: case with prices, intensities and step.
        data: dataset of table ``RUN`` or ``SCHEDULE``.
        nominated: schedule whose import was nominated; None: the data themselves.
    """
    released, site = direct(scenario, data), site_emissions(scenario, data)
    direct_kg = released.total_kg + site.direct_kg
    hours = scenario.horizon.step_h
    imported = data["import_mw"].to_numpy() * hours
    grid = {signal: float(kg.sum()) for signal, kg in site.grid.items()}
    other = grid.get(scenario.goal.signal.other)
    biogenic = sum(float((a.scope1_biogenic_kg + a.scope2_biogenic_kg).sum()) for a in site.accounts)
    money = bill(scenario, data, direct_kg, nominated)
    took, ends = Worth(), levels(scenario, data)
    if scenario.stores or ends:
        took = worth(scenario, data, released, site.accounts, site.grid[scenario.goal.signal])
    delivered = {d.name: float(data["delivered_t"].sel(delivery=d.name).sum()) for d in scenario.deliveries}
    stock = {name: float(data["stock_t"].sel(stock=name)[-1]) for name in scenario.store}
    return Figures(
        carbon_kg=direct_kg + site.bought_kg + grid[scenario.goal.signal],
        direct_kg=direct_kg,
        grid_average_kg=grid["average"],
        grid_marginal_kg=grid.get("marginal"),
        cost=money.total,
        energy_cost=money.of(*IMPORT, *EXPORT),
        carbon_cost=money.carbon,
        currency=scenario.market.currency,
        energy_mwh=float((data["line_mw"].to_numpy() + load_mw(scenario, data)).sum()) * hours,
        import_mwh=float(imported.sum()),
        export_mwh=float(data["export_mw"].sum()) * hours,
        peak_mw=float(np.max(np.maximum(data["meter_mw"].to_numpy(), 0.0), initial=0.0)),
        tonnes=sum(delivered.values()) if scenario.by_step else float(data.attrs.get("tonnes", scenario.tonnes)),
        battery_end_mwh=float(data["battery_mwh"][-1]) if data.sizes["time"] else 0.0,
        unserved=_unserved(data),
        grid_market_kg=float(sum(part.kg.sum() for part in market_based(scenario, imported))),
        bought_kg=site.bought_kg,
        biogenic_kg=biogenic + sum(released.biogenic.values()),
        sales=0.0 - money.of("sale"),
        upkeep_cost=money.of(*UPKEEP),
        idle_mwh=float(data["idle_mw"].sum()) * hours if "idle_mw" in data else 0.0,
        by_product={line.name: line.quantity for line in money.of_kinds("sale")},
        stock=stock,
        delivered=delivered,
        levels=ends,
        dumped=_dumped(data, hours),
        other_carbon_kg=None if other is None else direct_kg + site.bought_kg + other,
        **vars(took) | {f"{kind}_cost": money.of(kind) for kind in APART} | totals(scenario, data),
    )


def _dumped(data: xr.Dataset, hours: float) -> dict[str, float]:
    if "dumped_rate" not in data:
        return {}
    amounts = (np.maximum(data["dumped_rate"].to_numpy(), 0.0).sum(axis=1) * hours).tolist()
    return {
        name: amount
        for name, amount in zip(data["carrier"].values.tolist(), amounts, strict=True)
        if amount > SAME_TONNES
    }


def _unserved(data: xr.Dataset) -> int:
    return sum(kind in UNSERVED for kind in data["violation_kind"].values.tolist()) if "violation_kind" in data else 0
