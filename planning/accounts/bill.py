"""Itemized bill of a run or a schedule, computed from its flows, independent of any optimizer.

Contracts and spot price apply to the import of each step, and the export price to its export. The tariff applies to the
meter, the mean over each metered interval. If a market has imbalance prices and a nomination is given, contracts and
spot price settle the nomination, and the deviation is a separate line. Assets are billed by their flows, and carbon by
scope, as far as its scheme covers it. The lines add up to the total.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.flows.asset_flows import accounts, used
from emberline.scenarios.flows.settlement import imbalance_prices, marginal_prices, settle
from emberline.scenarios.tariff.bill import charged

__all__ = ["Bill", "bill"]

IMPORT = ("energy", "resale", "guarantees", "tariff energy", "levy")
EXPORT = ("export", "tariff export")
OF_TARIFF = {"energy": "tariff energy", "export": "tariff export"}
"""Names of line kinds that occur in both the tariff and the market."""
UPKEEP = ("wear", "running", "start", "stop", "flare")


@dataclass(frozen=True)
class BillLine:
    """Line of a bill: quantity times rate is the amount; payments are positive."""

    name: str
    """Contract, charge or asset."""
    kind: str
    """``energy``, ``resale``, ``guarantees``, ``export``, ``imbalance`` of contracts and market; ``tariff energy``,
    ``levy``, ``demand``, ``coincident``, ``fixed``, ``tax``, ``tariff export`` of the tariff; ``fuel``, ``sale``,
    ``flare``, ``wear``, ``running``, ``start``, ``stop`` of assets; ``carbon``; ``recourse`` on disturbed days."""
    quantity: float
    unit: str
    rate: float
    """Money per unit; the mean if it varies."""
    amount: float
    period: str = ""
    """Billing month or day of a tariff's line."""


@dataclass(frozen=True)
class Bill:
    """All lines, in the market's currency."""

    lines: tuple[BillLine, ...]

    @property
    def total(self) -> float:
        """Total amount paid."""
        return float(sum(line.amount for line in self.lines))

    def of(self, *kinds: str) -> float:
        """Return the sum of lines of some kinds."""
        return float(sum(line.amount for line in self.of_kinds(*kinds)))

    def of_kinds(self, *kinds: str) -> tuple[BillLine, ...]:
        """Return lines of some kinds, in order."""
        return tuple(line for line in self.lines if line.kind in kinds)

    @property
    def imported(self) -> float:
        """Cost of imported energy: contracts, spot price and the tariff's energy charges."""
        return self.of(*IMPORT)

    @property
    def exported(self) -> float:
        """Revenue from export, as a positive number."""
        return 0.0 - self.of(*EXPORT)

    @property
    def carbon(self) -> float:
        """Carbon cost of what the scheme covers."""
        return self.of("carbon")


def bill(scenario: Case, flows: xr.Dataset, direct_kg: float, nominated: xr.Dataset | None = None) -> Bill:
    """Compute the bill of a horizon.

    Args:
        scenario: case with its market and site.
        flows: dataset of table ``RUN`` or ``SCHEDULE``.
        direct_kg: scope 1 emissions of the horizon, including those of assets [kg CO2e].
        nominated: schedule whose import and export were nominated; None: the flows themselves.
    """
    lines = [*_market(scenario, flows, nominated), *_tariff(scenario, flows), *_assets(scenario, flows)]
    return Bill((*lines, *_carbon(scenario, flows, direct_kg), *_recourse(flows)))


def hourly_cost(scenario: Case, flows: xr.Dataset) -> np.ndarray:
    """Cost of energy and assets in each step, shape (n_steps,) [currency].

    The carbon price and the tariff's charges on peaks and months are left out.
    """
    hours, rates = scenario.horizon.step_h, scenario.rates
    cost = energy_cost(scenario, flows)
    cost = cost - flows["export_mw"].to_numpy() * hours * scenario.inputs["export_price_per_mwh"].to_numpy()
    if rates is not None and rates.export_per_mwh:
        price = np.sum(list(rates.export_per_mwh.values()), axis=0)
        cost = cost - _onto_steps(np.maximum(-flows["meter_mw"].to_numpy(), 0.0) * rates.hours * price, len(cost))
    for account in accounts(scenario, flows):
        cost = cost + account.cost
    return np.asarray(cost)


def energy_cost(scenario: Case, flows: xr.Dataset) -> np.ndarray:
    """Cost of imported electricity in each step, shape (n_steps,) [currency]: contracts, spot price, the tariff's
    energy charges and levies with their taxes. Fixed charges and charges on peaks are left out, as they belong to no
    step."""
    hours, n = scenario.horizon.step_h, scenario.horizon.n_steps
    cost = np.sum([settled.money for settled in settle(scenario, flows["import_mw"].to_numpy() * hours)], axis=0)
    rates = scenario.rates
    if rates is None:
        return np.asarray(cost)
    energy = np.maximum(flows["meter_mw"].to_numpy(), 0.0) * rates.hours
    metered = np.zeros(len(rates))
    for charge in rates.energy:
        upper, taxed = np.append(charge.limits_mwh[1:], np.inf), rates.with_tax(charge.kind)
        for m in range(len(rates.months)):
            here = rates.of_month(m)
            before = rates.before_mwh if m == 0 else 0.0
            edges = np.concatenate([[before], before + np.cumsum(energy[here])])
            for k, (low, high) in enumerate(zip(charge.limits_mwh, upper, strict=True)):
                metered[here] += np.diff(np.clip(edges, low, high)) * charge.per_mwh[k, here] * taxed
    return np.asarray(cost + _onto_steps(metered, n))


def import_price(scenario: Case) -> np.ndarray:
    """Price of one more MWh imported in each step, shape (n_steps,) [currency/MWh]: contracts, spot price, and the
    first blocks and levies of the tariff with their taxes."""
    price = marginal_prices(scenario).imported
    return price if scenario.rates is None else price + scenario.rates.first_blocks(len(price))


def _onto_steps(metered: np.ndarray, n: int) -> np.ndarray:
    """Convert sums by metered interval to sums by step, ``n`` of them; an interval may be shorter or longer than a
    step."""
    edges = np.linspace(0, len(metered), n + 1)
    return np.diff(np.interp(edges, np.arange(len(metered) + 1), np.concatenate([[0.0], np.cumsum(metered)])))


def _line(name: str, kind: str, quantity: float, unit: str, amount: float) -> Iterator[BillLine]:
    if quantity:
        yield BillLine(name, kind, quantity, unit, amount / quantity, amount)


def _market(scenario: Case, flows: xr.Dataset, nominated: xr.Dataset | None) -> Iterator[BillLine]:
    market, hours = scenario.market, scenario.horizon.step_h
    planned = flows if nominated is None or market.imbalance is None else nominated
    for settled in settle(scenario, planned["import_mw"].to_numpy() * hours):
        yield from _line(settled.name, settled.kind, float(settled.mwh.sum()), "MWh", float(settled.money.sum()))
    export_mwh = planned["export_mw"].to_numpy() * hours
    earned = float(export_mwh @ scenario.inputs.variables["export_price_per_mwh"].values)
    yield from _line("export", "export", float(export_mwh.sum()), "MWh", 0.0 - earned)
    if planned is flows:
        return
    length = scenario.site.grid.metered_interval_min / 60
    deviation = (flows["meter_mw"].to_numpy() - planned["meter_mw"].to_numpy()) * length
    short, long = np.maximum(deviation, 0.0), np.minimum(deviation, 0.0)
    for name, mwh, price in zip(("short", "long"), (short, long), imbalance_prices(scenario), strict=True):
        yield from _line(name, "imbalance", float(mwh.sum()), "MWh", float(mwh @ price))


def _tariff(scenario: Case, flows: xr.Dataset) -> Iterator[BillLine]:
    if scenario.rates is None:
        return
    meter = flows["meter_mw"].to_numpy()
    for line in charged(scenario.rates, np.maximum(meter, 0.0), np.maximum(-meter, 0.0)).lines:
        kind = OF_TARIFF.get(line.kind, line.kind)
        yield BillLine(
            line.name, kind, float(line.quantity), line.unit, float(line.rate), float(line.amount), line.month
        )


def _assets(scenario: Case, flows: xr.Dataset) -> Iterator[BillLine]:
    site = scenario.site
    for record in site.equipment:
        for item in record.items(used(scenario, record, flows)):
            unit = item.unit or site.carrier[record.flows[record.counted]].unit
            yield from _line(record.name, item.kind, float(np.abs(item.amount).sum()), unit, float(item.cost.sum()))


def _recourse(flows: xr.Dataset) -> Iterator[BillLine]:
    """Recourse actions by kind; none without disturbances."""
    if "recourse_kind" not in flows:
        return
    kinds, measures = flows["recourse_kind"].values, flows["recourse_measure"].values
    amounts, costs = flows["recourse_amount"].to_numpy(), flows["recourse_cost"].to_numpy()
    for kind in dict.fromkeys(kinds.tolist()):
        mine = kinds == kind
        if costs[mine].any():
            unit = str(measures[mine][0])
            yield from _line(kind, "recourse", float(amounts[mine].sum()), unit, float(costs[mine].sum()))


def _carbon(scenario: Case, flows: xr.Dataset, direct_kg: float) -> Iterator[BillLine]:
    price = scenario.market.carbon_price
    imported = flows["import_mw"].to_numpy() * scenario.horizon.step_h
    grid_kg = float(imported @ scenario.inputs.variables["carbon_intensity_kg_per_mwh"].values)
    bought_kg = sum(float(account.scope2_kg.sum()) for account in accounts(scenario, flows))
    for name, kg, rate in (
        ("scope 1", direct_kg, price.on_direct),
        ("scope 2, grid", grid_kg, price.on_grid),
        ("scope 2, bought heat", bought_kg, price.on_grid),
    ):
        if kg and rate:
            yield BillLine(name, "carbon", kg / 1000, "t", rate, kg / 1000 * rate)
