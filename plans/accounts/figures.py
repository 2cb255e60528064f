"""The figures of a run or a schedule: carbon, cost, energy, peak and tonnes, with their parts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from emberline.plans.accounts.bill import DEMAND, EXPORT, IMPORT, UPKEEP, bill
from emberline.plans.accounts.ledger import site_emissions
from emberline.plans.accounts.scope1 import direct
from emberline.plans.accounts.site_stores import levels
from emberline.plans.accounts.stock_worth import SAME, Worth, worth
from emberline.scenarios import Scenario
from emberline.scenarios.tariff.settlement import market_based

UNSERVED = ("shortage", "surplus", "delivery")
"""Violations by which a run serves less than was asked for; an end level that is missed is valued instead."""
SAME_TONNES = 1e-6


@dataclass(frozen=True)
class Figures:
    """What a horizon adds up to. Carbon is CO2e; money is in ``currency``."""

    carbon_kg: float
    """Scope 1 and scope 2 by the goal's signal."""
    direct_kg: float
    """Scope 1."""
    grid_average_kg: float
    grid_marginal_kg: float | None
    """None: the market gives no marginal intensity."""
    cost: float
    """Energy, fuels, upkeep and carbon price, less what export and sales earn."""
    energy_cost: float
    """Imported electricity, contracts and the tariff's charges on energy, less what export earns."""
    carbon_cost: float
    currency: str
    energy_mwh: float
    """Electricity of line or processes, and base load."""
    import_mwh: float
    export_mwh: float
    peak_mw: float
    """Highest metered mean of the grid import."""
    tonnes: float
    """Finished heats, or what is delivered."""
    battery_end_mwh: float
    grid_market_kg: float = 0.0
    """Scope 2 of the grid, market-based."""
    bought_kg: float = 0.0
    """Scope 2 of heat and steam bought."""
    biogenic_kg: float = 0.0
    """Outside ``carbon_kg``."""
    demand_cost: float = 0.0
    """The tariff's charges on peaks, coincident ones too."""
    fixed_cost: float = 0.0
    """The tariff's fixed charges."""
    tax_cost: float = 0.0
    imbalance_cost: float = 0.0
    """Of deviating from what was nominated."""
    fuel_cost: float = 0.0
    """Fuel, heat and gas bought."""
    sales: float = 0.0
    """Earned beside the grid's export, as a positive number."""
    upkeep_cost: float = 0.0
    """Wear, running, starts and flares."""
    unserved: int = 0
    """How often a need or a delivery was not met, or a surplus had nowhere to go: nothing to compare with. What a store
    lacks at the end is valued instead (``plans/accounts/stock.py``)."""
    by_product: dict[str, float] = field(default_factory=dict)
    """What is sold, by its name, in the unit of its carrier; the grid's export apart."""
    idle_mwh: float = 0.0
    """Part of ``energy_mwh`` that units of the line draw outside work."""
    stock: dict[str, float] = field(default_factory=dict)
    """Level of each store of material at the end [t]."""
    delivered: dict[str, float] = field(default_factory=dict)
    """What leaves by each delivery [t]."""
    stock_kg_per_t: dict[str, float] = field(default_factory=dict)
    """What a tonne in each store took, as ``carbon_kg`` counts [kg CO2e/t]; stores into which nothing came are left
    out."""
    stock_cost_per_t: dict[str, float] = field(default_factory=dict)
    """Likewise energy, fuels and carbon price [currency/t]."""
    levels: dict[str, float] = field(default_factory=dict)
    """Level of each store of the site at the end, battery included, in its carrier's unit."""
    level_kg_per_unit: dict[str, float] = field(default_factory=dict)
    """What a unit in each of them took, as ``carbon_kg`` counts [kg CO2e]."""
    level_cost_per_unit: dict[str, float] = field(default_factory=dict)
    """Likewise energy, fuels and carbon price [currency]."""
    dumped: dict[str, float] = field(default_factory=dict)
    """What of each carrier is thrown away for nothing, in its unit; carriers of which nothing is are left out."""

    @property
    def carbon_kg_per_t(self) -> float | None:
        """Carbon for each tonne made."""
        return self.carbon_kg / self.tonnes if self.tonnes else None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"carbon_kg_per_t": self.carbon_kg_per_t}


def comparable(baseline: Figures, plan: Figures) -> bool:
    """Whether the baseline makes and serves what a plan does; else nothing is saved against it."""
    if baseline.unserved:
        return False
    if plan.delivered or baseline.delivered:
        return same_deliveries(baseline, plan)
    return abs(plan.tonnes - baseline.tonnes) < SAME_TONNES


def figures(scenario: Scenario, data: xr.Dataset, *, nominated: xr.Dataset | None = None) -> Figures:
    """Add up a run or a schedule.

    Args:
        scenario: prices, intensities and step.
        data: a dataset of table ``RUN`` or ``SCHEDULE``.
        nominated: the schedule whose import was nominated; None: the data's own.
    """
    own, site = direct(scenario, data), site_emissions(scenario, data)
    direct_kg = own.total_kg + site.direct_kg
    hours = scenario.horizon.step_h
    imported = data["import_mw"].to_numpy() * hours
    grid = {signal: float(kg.sum()) for signal, kg in site.grid.items()}
    biogenic = sum(float((a.scope1_biogenic_kg + a.scope2_biogenic_kg).sum()) for a in site.accounts)
    money = bill(scenario, data, direct_kg, nominated)
    delivered, stock, took, ends = {}, {}, Worth({}, {}), levels(scenario, data)
    if scenario.processes or ends:
        took = worth(scenario, data, own, site.accounts, site.grid[scenario.goal.signal])
    if scenario.processes:
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
        energy_mwh=float((data["line_mw"] + data["base_load_mw"]).sum()) * hours,
        import_mwh=float(imported.sum()),
        export_mwh=float(data["export_mw"].sum()) * hours,
        peak_mw=float(np.max(np.maximum(data["meter_mw"].to_numpy(), 0.0), initial=0.0)),
        tonnes=sum(delivered.values()) if scenario.processes else float(data.attrs.get("tonnes", scenario.tonnes)),
        battery_end_mwh=float(data["battery_mwh"][-1]) if data.sizes["time"] else 0.0,
        unserved=_unserved(data),
        grid_market_kg=float(sum(part.kg.sum() for part in market_based(scenario, imported))),
        bought_kg=site.bought_kg,
        biogenic_kg=biogenic + sum(own.biogenic.values()),
        demand_cost=money.of(*DEMAND),
        fixed_cost=money.of("fixed"),
        tax_cost=money.of("tax"),
        imbalance_cost=money.of("imbalance"),
        fuel_cost=money.of("fuel"),
        sales=0.0 - money.of("sale"),
        upkeep_cost=money.of(*UPKEEP),
        idle_mwh=float(data["idle_mw"].sum()) * hours if "idle_mw" in data else 0.0,
        by_product={line.name: line.quantity for line in money.lines if line.kind == "sale"},
        stock=stock,
        delivered=delivered,
        stock_kg_per_t=took.kg_per_t,
        stock_cost_per_t=took.cost_per_t,
        levels=ends,
        level_kg_per_unit=took.kg_per_unit,
        level_cost_per_unit=took.cost_per_unit,
        dumped=_dumped(data, hours),
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
    return int(np.isin(data["violation_kind"].values, UNSERVED).sum()) if "violation_kind" in data else 0


def same_deliveries(baseline: Figures, plan: Figures) -> bool:
    """Whether two runs deliver the same, each delivery by itself."""
    names = baseline.delivered.keys() | plan.delivered.keys()
    pairs = [(baseline.delivered.get(name, 0.0), plan.delivered.get(name, 0.0)) for name in names]
    return all(abs(a - b) <= SAME * max(a, b, 1.0) for a, b in pairs)
