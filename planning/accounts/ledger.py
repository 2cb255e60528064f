"""Carbon ledger: emissions by scope, source, gas, hour and heat, computed from a run's flows.

Scope 1 covers emissions of the line's stages, processes, fuels, machines and flares. Scope 2 covers imports:
location-based by the average and, if the market gives it, the marginal intensity of the grid, and market-based by
contracts; these are listed separately and never mixed. Purchased heat is scope 2 too. Biogenic CO2 is separate. Exports
earn no credit: the total covers emissions of the site and of its imports.

Allocation: a stage's emissions belong to the heat that causes them. All others are traced to their use in each step
(``planning/accounts/carrier_allocation.py``): emissions of the line's electricity go to the heats in proportion to
their energy in the step, and sales carry their share if ``emissions.by_products`` says so. The remainder (base load,
losses, idle units, other uses) goes to the heats by mass, or stays with the site if there are none. Emissions of
process units go to their products (``planning/accounts/products.py``). The parts add up to the total.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from emberline.planning.accounts.carrier_allocation import BIOGENIC, BOUGHT, DIRECT, origins, trace
from emberline.planning.accounts.emissions import (
    INTENSITY,
    MARKET,
    SIGNALS,
    Direct,
    SiteEmissions,
    direct,
    site_emissions,
)
from emberline.planning.accounts.products import Products, products
from emberline.planning.accounts.stock import spending
from emberline.scenarios import Case, Scenario
from emberline.scenarios.flows.asset_flows import Account, flow
from emberline.scenarios.flows.settlement import Covered, market_based
from emberline.scenarios.records.horizon import clock_hours

__all__ = ["BIOGENIC", "MARKET", "SIGNALS", "heat_costs", "ledger"]


CLOSE = 1e-3
"""Relative tolerance between a schedule and its replay."""


@dataclass(frozen=True)
class Entry:
    """Row of the ledger: activity times factor is kilograms."""

    source: str
    """Stage, or process and mode, and source; fuel, machine, grid or contract."""
    scope: str
    """``1``, ``2 bought``, ``2 average``, ``2 marginal``, ``2 market``, or ``biogenic``, which is in no total."""
    gas: str
    """CO2e if the scenario specifies no gas."""
    activity: float
    unit: str
    factor: float
    """kg CO2e per unit of activity; the mean if it varies."""
    kg: float
    reference: str = ""
    """Source of the factor."""


@dataclass(frozen=True)
class Ledger:
    """Emissions of a run [kg CO2e]. ``marginal`` is missing if the market gives no marginal intensity."""

    direct: dict[str, float]
    """Fossil scope 1 by source."""
    biogenic: dict[str, float]
    """Biogenic emissions by source, outside the totals."""
    grid: dict[str, float]
    """Location-based scope 2 of the grid, by signal."""
    by_step: xr.Dataset
    """``direct_kg``, ``bought_kg`` if heat is purchased, ``grid_…_kg`` by signal and ``grid_market_kg``, dimension
    ``time`` [kg]."""
    by_heat: xr.Dataset
    """The same columns for each heat, and ``mass_t``, dimension ``heat``."""
    market: float
    """Market-based scope 2 of the grid."""
    market_says: str = ""
    """Source of the factor of import that no contract covers."""
    bought: dict[str, float] = field(default_factory=dict)
    """Scope 2 of purchased heat and steam, by supply."""
    by_product: dict[str, dict[str, float]] = field(default_factory=dict)
    """Emissions of by-products sold, by the names of ``by_step``; empty if by-products carry none."""
    site: dict[str, float] = field(default_factory=dict)
    """Emissions of the site without heats, by the names of ``by_step``; with processes, those that belong to no
    product."""
    products: Products | None = None
    """Products of processes with their emissions; None without processes."""
    entries: tuple[Entry, ...] = ()

    @property
    def direct_kg(self) -> float:
        """Fossil scope 1."""
        return sum(self.direct.values())

    @property
    def bought_kg(self) -> float:
        """Scope 2 of purchased heat and steam."""
        return sum(self.bought.values())

    def total_kg(self, signal: str) -> float | None:
        """Scopes 1 and 2 by one signal, or ``market``; None if the signal is not given."""
        if signal == MARKET:
            return self.direct_kg + self.bought_kg + self.market
        return self.direct_kg + self.bought_kg + self.grid[signal] if signal in self.grid else None

    def of_heat(self, signal: str) -> xr.DataArray:
        """Scopes 1 and 2 of each heat [kg], dimension ``heat``."""
        heat = self.by_heat
        kg = heat["direct_kg"] + heat[f"grid_{signal}_kg"]
        return kg + heat["bought_kg"] if "bought_kg" in heat else kg

    def kg_per_t(self, signal: str) -> xr.DataArray:
        """Scopes 1 and 2 of each heat per tonne [kg/t], dimension ``heat``."""
        return self.of_heat(signal) / self.by_heat["mass_t"]

    def by_hour(self, zone: str) -> xr.Dataset:
        """Sums by local clock hour of a zone; dimension ``time`` is the start of each hour, naive UTC [kg]."""
        hours, place = np.unique(clock_hours(self.by_step["time"].to_numpy(), zone), return_inverse=True)
        # grouping in xarray takes a millisecond per hour
        sums = {name: ("time", np.bincount(place, kg.to_numpy())) for name, kg in self.by_step.data_vars.items()}
        return xr.Dataset(sums, coords={"time": hours})


def ledger(scenario: Case, run: xr.Dataset) -> Ledger:
    """Compute the ledger of a run of table ``RUN`` with ``heat_mwh``, or of a schedule of a site without a line.

    Raises:
        ValueError: there are heats, but the dataset does not contain their energy.
    """
    heats = [heat.name for heat in scenario.heats]
    mass = np.array([heat.grade.mass_t for heat in scenario.heats])
    unit_emissions, site = direct(scenario, run), site_emissions(scenario, run)
    covered = market_based(scenario, run["import_mw"].to_numpy() * scenario.horizon.step_h)
    market_kg = np.sum([part.kg for part in covered], axis=0)

    grid = {f"grid_{signal}_kg": kg for signal, kg in (*site.grid.items(), (MARKET, market_kg))}
    from_outside = {asset.name for asset in scenario.site.assets if asset.bought}
    bought = {a.asset: float(a.scope2_kg.sum()) for a in site.accounts if a.asset in from_outside}
    nothing = np.zeros(scenario.horizon.n_steps)
    totals = {DIRECT: np.sum([nothing, *(a.scope1_kg for a in site.accounts)], axis=0)}
    if bought:
        totals[BOUGHT] = np.sum([a.scope2_kg for a in site.accounts], axis=0)
    totals |= grid
    brought = dict(origins(scenario, site.accounts, grid))
    followed = trace(scenario, run, brought)
    product_accounts = None
    if scenario.process_units:
        apart = sum((_biogenic(account) for account in site.accounts), nothing)
        sums = {column: float(kg.sum()) for column, kg in (*totals.items(), (BIOGENIC, apart))}
        product_accounts = products(scenario, run, followed, sums, unit_emissions)
    shares = heat_shares(scenario, run)
    by_step: dict[str, Any] = {}
    by_heat: dict[str, Any] = {DIRECT: ("heat", unit_emissions.of_heat), "mass_t": ("heat", mass)}
    by_product: dict[str, dict[str, float]] = {}
    site_kg: dict[str, float] = {}
    for column, kg in totals.items():
        here = [traced for origin, traced in followed.items() if origin.column == column]
        sold = {name: sum(float(traced.sold[name].sum()) for traced in here) for name in _sold(scenario)}
        for name, part in sold.items():
            by_product.setdefault(name, {})[column] = part
        by_step[column] = ("time", kg + unit_emissions.of_step if column == DIRECT else kg)
        ours = float(kg.sum()) - sum(sold.values())
        if product_accounts is not None:
            site_kg[column] = product_accounts.site[column]
            continue
        if not heats:
            site_kg[column] = ours
            continue
        of_heats = shares @ np.sum([nothing, *(traced.line for traced in here)], axis=0)
        of_heats = of_heats + (ours - of_heats.sum()) * mass / mass.sum()
        by_heat[column] = ("heat", unit_emissions.of_heat + of_heats if column == DIRECT else of_heats)
    fossil, biogenic = dict(unit_emissions.fossil), dict(unit_emissions.biogenic)
    for account in site.accounts:
        for target, kg in ((fossil, account.scope1_kg), (biogenic, _biogenic(account))):
            if kg.any():
                target[account.asset] = target.get(account.asset, 0.0) + float(kg.sum())
    return Ledger(
        direct=fossil,
        biogenic=biogenic,
        grid={signal: float(kg.sum()) for signal, kg in site.grid.items()},
        by_step=xr.Dataset(by_step, coords={"time": scenario.horizon.times}),
        by_heat=xr.Dataset(by_heat, coords={"heat": heats}),
        market=float(market_kg.sum()),
        market_says=covered[-1].says,
        bought=bought,
        by_product=by_product,
        site=site_kg,
        products=product_accounts,
        entries=tuple(_entries(scenario, run, unit_emissions, site, covered)),
    )


def grades_kg_per_t(scenario: Scenario, book: Ledger) -> dict[str, float]:
    """Emissions per tonne of each grade, with the average intensity of the grid [kg CO2e/t]."""
    kilograms, mass = book.of_heat("average").to_numpy(), book.by_heat["mass_t"].to_numpy()
    names = [heat.grade.name for heat in scenario.heats]
    masks = {name: np.array([other == name for other in names]) for name in dict.fromkeys(names)}
    return {name: float(kilograms[mask].sum() / mass[mask].sum()) for name, mask in masks.items()}


def broken_grades(scenario: Case, run: xr.Dataset) -> dict[str, tuple[float, float]]:
    """Grades that exceed their carbon cap in a run: their emissions and the cap [kg CO2e/t].

    Args:
        scenario: case with its caps.
        run: dataset of table ``RUN``.
    """
    caps = scenario.goal.caps.embedded_kg_per_t
    if not caps:
        return {}
    carried = grades_kg_per_t(scenario, ledger(scenario, run))
    return {grade: (carried[grade], cap) for grade, cap in caps.items() if carried[grade] > cap * (1 + CLOSE)}


def heat_shares(scenario: Scenario, run: xr.Dataset) -> np.ndarray:
    """Share of each heat in the line's electricity in each step, shape (n_heats, n_steps)."""
    if scenario.heats and "heat_mwh" not in run:
        raise ValueError("the ledger of a run with heats needs the energy of each heat (heat_mwh)")
    line = run["line_mw"].to_numpy() * scenario.horizon.step_h
    heat_mwh = run["heat_mwh"].to_numpy() if "heat_mwh" in run else np.zeros((0, len(line)))
    return np.divide(heat_mwh, line, out=np.zeros_like(heat_mwh), where=line > 0)


def _biogenic(account: Account) -> np.ndarray:
    return account.scope1_biogenic_kg + account.scope2_biogenic_kg


def _sold(scenario: Scenario) -> list[str]:
    """By-products that may carry emissions."""
    if scenario.emissions.by_products == "none":
        return []
    return ["export", *scenario.site.sales]


def _entries(
    scenario: Case, run: xr.Dataset, unit_emissions: Direct, site: SiteEmissions, market: Sequence[Covered]
) -> Iterator[Entry]:
    for emitter, emissions in scenario.emitters:
        for emission in emissions:
            tonnes, name = unit_emissions.treated_t[emitter], f"{emitter}: {emission.source}"
            scope = "biogenic" if emission.biogenic else "1"
            if emission.factor is None:
                yield Entry(name, scope, "CO2e", tonnes, "t", emission.kg_per_t, emission.kg_per_t * tonnes)
                continue
            per = emission.factor.rows[0].per
            counted = [part for part in emission.factor.parts(per) if part.apart == emission.biogenic]
            whole = sum(part.kg_per_unit for part in counted)
            for part in counted:
                kg_per_t = emission.kg_per_t * part.kg_per_unit / whole if whole else 0.0
                yield Entry(name, scope, part.gas, tonnes, "t", kg_per_t, kg_per_t * tonnes, part.source)
    hours = scenario.horizon.step_h
    for record in scenario.site.equipment:
        if record.emits:
            amount = float(np.abs(flow(run, record.name, record.counted)).sum()) * hours
            yield from _of_asset(scenario, record, amount)
    activity = float((run["import_mw"].to_numpy() * hours).sum())
    for signal, kg in site.grid.items():
        total = float(kg.sum())
        source = str(scenario.inputs[INTENSITY[signal]].attrs.get("source", ""))
        if signal == "average" and scenario.market.factor is not None:
            source = "; ".join(row.source for row in scenario.market.factor.rows)
        mean = total / activity if activity else 0.0
        yield Entry("grid", f"2 {signal}", "CO2e", activity, "MWh", mean, total, source)
    for covered in market:
        mwh, total = float(covered.mwh.sum()), float(covered.kg.sum())
        mean = total / mwh if mwh else 0.0
        yield Entry(covered.name, f"2 {MARKET}", "CO2e", mwh, "MWh", mean, total, covered.says)


def _of_asset(scenario: Scenario, record: Any, amount: float) -> Iterator[Entry]:
    unit = scenario.site.carrier[record.carrier].unit
    scope = "2 bought" if record.bought else "1"
    factor = getattr(record, "factor", None)
    if factor is not None:
        parts = [(part.apart, part.gas, part.kg_per_unit, part.source) for part in factor.parts(unit)]
    else:
        rates = ((False, "CO2e", record.fossil_kg_per_unit), (True, "CO2", record.biogenic_kg_per_unit))
        parts = [(apart, gas, kg_per_unit, "") for apart, gas, kg_per_unit in rates if kg_per_unit]
    for apart, gas, rate, source in parts:
        yield Entry(record.name, "biogenic" if apart else scope, gas, amount, unit, rate, rate * amount, source)


def heat_costs(scenario: Case, run: xr.Dataset) -> dict[str, float]:
    """Cost of each heat by its name [currency]: energy, fuels of machines that feed the line, carbon price.

    Charges on peaks, fixed charges, base load and other uses are not allocated to heats.

    Args:
        scenario: case with its line and market.
        run: dataset of table ``RUN`` with ``heat_mwh``.
    """
    site, unit_emissions = site_emissions(scenario, run), direct(scenario, run)
    followed = spending(scenario, run, site.accounts, site.grid[scenario.goal.signal])
    priced = unit_emissions.of_heat / 1000 * scenario.market.carbon_price.on_direct
    cost = heat_shares(scenario, run) @ followed["cost"].line + priced
    return dict(zip((heat.name for heat in scenario.heats), np.asarray(cost).tolist(), strict=True))
