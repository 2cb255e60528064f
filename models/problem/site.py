"""Site data by slot for every formulation of the site: assets, tariff, contracts, loads and prices."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.assets.base import Carrier, Named, of
from emberline.scenarios.assets.converter import Converter
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.assets.trade import Source, Supply
from emberline.scenarios.flows.settlement import UnusedBlocks, marginal_prices, unused_blocks
from emberline.scenarios.goal_metrics import in_use, parts
from emberline.scenarios.metrics import CARBON, FACTORS, METRICS, OTHER_CARBON
from emberline.scenarios.tariff.bill import charged
from emberline.scenarios.tariff.rates import Rates


@dataclass(frozen=True)
class Hub:
    """Data of the assets."""

    hours: float
    n: int
    carriers: dict[str, Carrier]
    assets: tuple[Named, ...]
    """Assets, with machines as converters."""
    series: dict[str, dict[str, np.ndarray]]
    """Series by asset and key, one value per slot."""
    days: dict[str, list[tuple[range, float]]] = field(default_factory=dict)
    """Slots of each local day and the amount that a flexible load must take in them."""
    parts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Weight of one unit of each component of ``COMPONENTS``, by metric."""
    factors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Contribution of one unit of the main flow, by metric of ``FACTORS`` and asset."""
    freely_disposable: frozenset[str] = frozenset()
    """Carriers whose surplus can never pay: see ``emberline.models.problem.site.freely_disposable``."""
    one_way_slots: Collection[int] = ()
    """Slots in which a store may be either filled or emptied because doing both could pay."""
    forced: bool = False
    """Whether a surplus of electricity can be forced at any price: a source or a must-run machine delivers it."""


def supplies(hub: Hub, metric: str, price: Callable[[np.ndarray], float]) -> list[tuple[str, float]]:
    """Return the carrier of each supply and the weight of one unit.

    Args:
        hub: assets of the site.
        metric: metric of the weight.
        price: reduction of the price over time, such as ``np.min``.
    """
    counts, units = hub.parts[metric], []
    for supply in of(hub.assets, Supply):
        kg = {"scope1": 0.0 if supply.bought else supply.fossil_kg_per_unit}
        kg["scope2"] = supply.fossil_kg_per_unit - kg["scope1"]
        amounts = {"cost": float(price(hub.series[supply.name]["price_per_unit"])), **kg}
        amounts |= {name: by_asset.get(supply.name, 0.0) for name, by_asset in hub.factors.items()}
        units.append((supply.carrier, sum(factor * amounts[name] for name, factor in counts.items())))
    return units


def dearest(hub: Hub, metric: str) -> float:
    """Return the largest weight of a unit of any supply by a metric; 0 without supplies."""
    return max([0.0, *(unit for _, unit in supplies(hub, metric, np.max))])


def fixed_mw(scenario: Case) -> dict[str, np.ndarray]:
    """Return the power of loads and sources of electricity [MW], by asset, shape (n_slots,) each; supply is positive.

    Assets with a factor of ``FACTORS`` are left out; the model represents them individually.
    """
    return {
        asset.name: asset.sign * scenario.asset_series(asset.name)["rate"]
        for asset in scenario.site.fixed
        if not _counts(asset)
    }


def sun_mw(scenario: Case) -> dict[str, np.ndarray]:
    """Return the available power of PV and wind [MW], by asset, shape (n_slots,) each, without assets with a factor."""
    return {
        plant.name: plant.available_mw(scenario.asset_series(plant.name)["capacity_factor"])
        for plant in scenario.site.renewables
        if not _counts(plant)
    }


def _counts(asset: Named) -> bool:
    return any(getattr(asset, row.per_unit) for row in FACTORS.values())


def read_hub(scenario: Case, others: Collection[str], pays: bool) -> Hub | None:
    """Return the assets of a scenario that the model represents individually; None if there are none.

    Args:
        scenario: scenario with its site.
        others: names of the assets that the model aggregates.
        pays: whether importing more than needed pays in any slot.
    """
    site = scenario.site
    assets = tuple(asset for asset in site.equipment if asset.name not in others)
    if not assets and not site.carrier[ELECTRICITY].dumps:
        return None
    hours = scenario.horizon.step_h
    series = {asset.name: scenario.asset_series(asset.name) for asset in site.equipment}
    days = {name: load.days(scenario.horizon) for name, load in site.flexible.items()}
    disposable = freely_disposable(site.carrier, site.equipment, series)
    dumps = site.carrier[ELECTRICITY].dumps
    return Hub(
        hours=hours,
        n=scenario.horizon.n_steps,
        carriers=site.carrier,
        assets=assets,
        series=series,
        days=days,
        parts=parts(scenario),
        factors={
            name: {asset.name: getattr(asset, row.per_unit) for asset in site.assets} for name, row in FACTORS.items()
        },
        freely_disposable=disposable - {ELECTRICITY} if pays and not dumps else disposable,
        forced=ELECTRICITY not in disposable,
    )


def freely_disposable(
    carriers: dict[str, Carrier], assets: Sequence[Any], series: dict[str, dict[str, np.ndarray]]
) -> frozenset[str]:
    """Return the carriers whose surplus can never pay: taking more than needed never improves a plan.

    Electricity is included as far as assets deliver it; the cost of its import is treated elsewhere.

    This holds if surplus may be vented, or if every inflow is bought at prices and emissions that are never negative,
    can be curtailed, or comes from a machine that may idle: any waste can then be traced back, also through stores, to
    an inflow that is not required.

    Args:
        carriers: carriers by name.
        assets: assets, with machines as converters.
        series: series of the assets.
    """
    names = set()
    paid_for = {supply.name: bool((series[supply.name]["price_per_unit"] < 0).any()) for supply in of(assets, Supply)}
    for name, carrier in carriers.items():
        # purchases have no lower limit, so any of them can be left out
        can_pay = any(supply.carrier == name and paid_for[supply.name] for supply in of(assets, Supply))
        can_pay |= any(source.carrier == name for source in of(assets, Source))
        can_pay |= any(name in machine.gives and not _idles(machine, carriers) for machine in of(assets, Converter))
        if carrier.dumps or not can_pay:
            names.add(name)
    return frozenset(names)


def _idles(machine: Converter, carriers: dict[str, Carrier]) -> bool:
    """Return whether a machine can be turned down at any time without penalty, so that its output is never forced."""
    others = [stream.carrier for _, stream in machine.streams()]
    free = not (machine.switched or machine.min_load or machine.ramp_down_per_h is not None)
    return machine.main == "output" and free and all(carriers[name].dumps for name in others if name in carriers)


BROKEN = 2.0
"""Multiple of the import limit that a search may draw."""


UNLIMITED_MW = 1e4
"""Import assumed to be possible at a site without a limit, where the tariff needs one [MW]."""


@dataclass(frozen=True)
class Purchase:
    """Tariff and contracts on the grids of the horizon."""

    rates: Rates | None
    unused: UnusedBlocks | None
    most_mwh: float
    """Largest import of a metered interval [MWh]."""
    most_out_mwh: float
    """Largest export of a metered interval [MWh]."""
    per_meter: int
    """Cells in a metered interval, and in a slot: both are multiples of a cell."""
    per_slot: int

    @cached_property
    def energy_price(self) -> np.ndarray:
        """Approximate price of a MWh in the tariff's first blocks in each slot, taxes included.

        Shape (n_slots,), or (1,) without a tariff.
        """
        if self.rates is None:
            return np.zeros(1)
        return self.rates.first_blocks(len(self.rates) * self.per_meter // self.per_slot)

    def cost(self, import_mwh: np.ndarray, meter_mwh: np.ndarray) -> float:
        """Return the exact cost of import [currency].

        Args:
            import_mwh: import by slot [MWh].
            meter_mwh: net import by metered interval [MWh], negative where more is exported.
        """
        total = 0.0
        if self.rates is not None:
            mw = meter_mwh / self.rates.hours
            bill = charged(self.rates, np.maximum(mw, 0.0), np.maximum(-mw, 0.0))
            total += bill.total - self.constant
        if self.unused is not None:
            unused_mwh = np.maximum(self.unused.mwh.sum(axis=0) - self.unused.counted * import_mwh, 0.0)
            for j in np.argsort(self.unused.spread, kind="stable"):
                sold = np.minimum(unused_mwh, self.unused.mwh[j])
                unused_mwh = unused_mwh - sold
                total += float(self.unused.spread[j] * sold.sum())
        return total

    def merged(self, k: int) -> Purchase:
        """Return the data for import that is even over the ``k`` metered intervals of a slot, with fewer columns."""
        if self.rates is None or self.rates.in_blocks:
            return self
        return replace(
            self, rates=self.rates.merged(k), most_mwh=self.most_mwh * k, most_out_mwh=self.most_out_mwh * k,
            per_meter=1, per_slot=1,
        )  # fmt: skip

    @property
    def circles(self) -> np.ndarray:
        """Whether export earns more than the cheapest import costs, or import itself earns, by metered interval."""
        assert self.rates is not None
        lowest = self._lowest
        earned = sum(self.rates.export_per_mwh.values(), np.zeros(len(self.rates)))
        return np.asarray((earned > lowest) | (lowest < 0))

    @cached_property
    def _lowest(self) -> np.ndarray:
        """Lowest energy price of the tariff in each metered interval, taxes included [currency/MWh]."""
        assert self.rates is not None
        rates = self.rates
        return sum((e.per_mwh.min(axis=0) * rates.with_tax(e.kind) for e in rates.energy), np.zeros(len(rates)))

    def lowest_price(self, n: int) -> np.ndarray:
        """Return the lowest price in each of ``n`` slots, over all intervals that the slot touches; shape (n,)."""
        if self.rates is None:
            return np.zeros(n)
        cells = math.lcm(len(self.rates), n)
        return np.asarray(np.repeat(self._lowest, cells // len(self.rates)).reshape(n, -1).min(axis=1))

    @property
    def most_spread(self) -> float:
        """Largest loss per MWh when a block is sold back [currency/MWh]."""
        return 0.0 if self.unused is None else float(self.unused.spread.max())

    @cached_property
    def constant(self) -> float:
        """Fixed charges with their taxes [currency]."""
        if self.rates is None:
            return 0.0
        return self.rates.with_tax("fixed") * sum(charge.months * charge.per_month for charge in self.rates.fixed)


def read_purchase(scenario: Case, limit_mw: float | None) -> Purchase | None:
    """Read the tariff and contracts of a scenario; None if a price by slot is sufficient."""
    rates, unused = scenario.rates, unused_blocks(scenario)
    if rates is None and unused is None:
        return None
    step, meter = round(scenario.horizon.step_min), round(scenario.site.grid.metered_interval_min)
    cell = math.gcd(step, meter)
    # a search may exceed the limit at a price, so the bound must allow it
    most = BROKEN * limit_mw if limit_mw is not None else UNLIMITED_MW + BROKEN * _draw_mw(scenario)
    out = scenario.site.grid.export_limit_mw
    return Purchase(rates, unused, most * meter / 60, out * meter / 60, meter // cell, step // cell)


def _draw_mw(scenario: Case) -> float:
    """Return the highest possible draw of loads, line and processes [MW]."""
    line = sum(max(phase.power_mw for phase in unit.profile) for unit in scenario.line.units)
    processes = sum(
        process.count * max(mw for mode in process.all_modes for _, mw in mode.knots) for process in scenario.processes
    )
    return float(-np.min(sum(fixed_mw(scenario).values()), initial=0.0)) + line + processes


@dataclass(frozen=True)
class SiteData:
    """Site data by slot; energies in MWh, weights per imported MWh."""

    hours: float
    base: np.ndarray
    """Draw of electricity loads minus the supply of sources."""
    pv: np.ndarray
    """Available supply of PV and wind."""
    price: np.ndarray
    export_price: np.ndarray
    carbon: np.ndarray
    """Carbon intensity by the goal's signal [kg CO2e/MWh]."""
    average: np.ndarray
    """Average carbon intensity, to which a carbon price applies [kg CO2e/MWh]."""
    other: np.ndarray
    """Carbon intensity by the signal that the goal does not use [kg CO2e/MWh]; zeros if the market has none."""
    carbon_price_per_kg: float
    import_limit_mw: float | None
    export_limit_mw: float
    meter_min: float
    cell_min: float
    step_min: float
    battery: Storage | None
    fixed_mw: dict[str, np.ndarray]
    """Power of each load and source of ``base``, by asset; supply is positive."""
    sun_mw: dict[str, np.ndarray]
    """Available power of each plant of ``pv``, by asset."""
    curtails: bool = False
    """Whether curtailing PV may pay: the goal counts money and there are negative prices."""
    hub: Hub | None = None
    """The site's assets; None if it has none."""
    purchase: Purchase | None = None
    """Payments for import beyond ``price``: peaks, blocks and unused contracts."""
    sunk_cost: float = 0.0
    """Cost of contracts and fixed charges that does not depend on import; not part of any port or price [currency]."""
    line_mwh: np.ndarray | None = None
    """Upper bound on the line's draw in any plan, by slot; None: unknown."""
    whole: bool = True
    """False: integer decisions are relaxed, so that a machine may be half on. Faster, and never more expensive."""
    metrics: tuple[str, ...] = tuple(METRICS)
    """Metrics that count in the scenario."""
    given_worth: tuple[str, dict[str, np.ndarray]] = ("", {})
    """A metric, and its reduction per unit of each carrier that the line gives, by slot, if the assets are fixed."""

    @property
    def plain(self) -> bool:
        """Whether import follows from the line's load alone, with nothing to decide on the site."""
        idle = self.battery is None and self.hub is None
        return idle and bool((self.pv <= self.base).all()) and not self.curtails

    @property
    def curtails_within(self) -> bool:
        """Whether PV may be curtailed in only some metered intervals of a slot."""
        return not self.plain and bool(self.pv.any()) and self.step_min > self.meter_min == self.cell_min

    @property
    def balance_meters(self) -> bool:
        """Whether every metered interval is a slot, so that the slot's balance gives its import."""
        return not self.plain and self.meter_min == self.cell_min == self.step_min

    @property
    def full_price(self) -> np.ndarray:
        """Price of imported energy, including the carbon price where the scheme covers it."""
        return self.price + self.carbon_price_per_kg * self.average

    @cached_property
    def pays(self) -> np.ndarray:
        """Whether taking more electricity than needed could pay, by slot, shape (n_slots,): import earns through its
        price, the tariff or unused blocks of contracts, or sources deliver a surplus."""
        least = self.price
        if self.purchase is not None:
            least = least - self.purchase.most_spread + np.minimum(self.purchase.lowest_price(len(least)), 0.0)
        return np.asarray((least < 0) | (self.base < 0))

    @property
    def wasting(self) -> range:
        """Slots in which filling and emptying a store of electricity at once could pay: those in which wasting energy
        pays, and all earlier ones, because a store that is empty then can take more."""
        if self.hub is not None and self.hub.forced:
            return range(len(self.base))
        return range(1 + max(np.flatnonzero(self.pays).tolist(), default=-1))

    @property
    def guide_price(self) -> np.ndarray:
        """Approximate cost of a MWh in each slot, including the energy charges of the tariff."""
        return self.price + (0.0 if self.purchase is None else self.purchase.energy_price)

    @cached_property
    def per_mwh(self) -> dict[str, np.ndarray]:
        """Weight of an imported MWh in each slot, by metric."""
        weights = {
            CARBON: self.carbon, OTHER_CARBON: self.other, "cost": self.price, "cost_with_carbon_price": self.full_price
        }  # fmt: skip
        return {name: weights.get(name, np.zeros(len(self.base))) for name in self.metrics}

    @cached_property
    def guide_per_mwh(self) -> dict[str, np.ndarray]:
        """Approximate weight of an imported MWh, including the energy charges of the tariff, by metric."""
        more = self.guide_price - self.price
        return {name: weight + more if METRICS[name].money else weight for name, weight in self.per_mwh.items()}

    @property
    def n_meters(self) -> int:
        """Number of metered intervals."""
        return round(len(self.base) * self.step_min / self.meter_min)

    @property
    def cells_per_slot(self) -> int:
        """Number of cells in a slot."""
        return round(self.step_min / self.cell_min)

    @property
    def n_cells(self) -> int:
        """Number of cells in the horizon."""
        return len(self.base) * self.cells_per_slot

    def unavoidable(self, weight: np.ndarray) -> float:
        """Return the cost of loads beyond PV by a weight per MWh; it is fixed unless assets can supply these loads."""
        if self.hub is not None:
            return 0.0
        return float(np.maximum(self.base - self.pv, 0.0) @ weight)

    @property
    def export_rows(self) -> bool:
        """Whether the export limit, which applies to the mean over a metered interval, does not limit single slots."""
        return not self.plain and self.meter_min != self.step_min and np.isfinite(self.export_limit_mw)

    @cached_property
    def most_export(self) -> np.ndarray:
        """Largest export in each slot [MWh], shape (n_slots,): the limit, or the possible supply of the site if slots
        share a metered interval, in which other slots may import."""
        if not self.export_rows or self.step_min % self.meter_min == 0:
            return np.full(len(self.base), self.export_limit_mw * self.hours)
        if self.hub is not None:
            return np.full(len(self.base), UNLIMITED_MW * self.hours)
        out_mw = 0.0 if self.battery is None else min(self.battery.most_out, UNLIMITED_MW)
        return self.pv + np.maximum(-self.base, 0.0) + out_mw * self.hours

    @cached_property
    def most_import(self) -> np.ndarray:
        """Largest import in each slot without export [MWh], shape (n_slots,): the possible draw of the site, reduced to
        the limit if it applies to single slots."""
        by_slot = self.step_min % self.meter_min == 0
        limit_mwh = (self.import_limit_mw or UNLIMITED_MW if by_slot else UNLIMITED_MW) * self.hours
        if self.line_mwh is None or self.hub is not None:
            return np.full(len(self.base), limit_mwh)
        in_mw = 0.0 if self.battery is None else min(self.battery.rate_limits(0.0)[0], UNLIMITED_MW)
        return np.minimum(self.line_mwh + np.maximum(self.base, 0.0) + in_mw * self.hours, limit_mwh)

    def limit_mwh(self) -> float:
        """Return the energy that may be imported in a metered interval [MWh]."""
        return np.inf if self.import_limit_mw is None else self.import_limit_mw * self.meter_min / 60


def read(scenario: Case, envelope: xr.Dataset) -> SiteData:
    """Read the site of a scenario."""
    horizon, inputs, site = scenario.horizon, scenario.inputs, scenario.site
    hours, fixed, sun = horizon.step_h, fixed_mw(scenario), sun_mw(scenario)
    signal = scenario.goal.signal
    limit = site.grid.import_limit_mw
    if limit is not None:
        limit -= scenario.disturbances.import_margin_mw
    cap = scenario.goal.caps.peak_mw
    if cap is not None:
        limit = cap if limit is None else min(limit, cap)
    prices, purchase = marginal_prices(scenario), read_purchase(scenario, limit)
    data = SiteData(
        hours=hours,
        base=-sum(fixed.values(), np.zeros(horizon.n_steps)) * hours,
        pv=sum(sun.values(), np.zeros(horizon.n_steps)) * hours,
        price=prices.imported,
        export_price=prices.exported,
        carbon=inputs[signal.series].to_numpy(),
        other=inputs[signal.other.series].to_numpy() if signal.other.series in inputs else np.zeros(horizon.n_steps),
        average=inputs["carbon_intensity_kg_per_mwh"].to_numpy(),
        carbon_price_per_kg=scenario.market.carbon_price.on_grid / 1000,
        import_limit_mw=limit,
        export_limit_mw=site.grid.export_limit_mw,
        meter_min=site.grid.metered_interval_min,
        cell_min=math.gcd(int(horizon.step_min), int(site.grid.metered_interval_min)),
        step_min=horizon.step_min,
        battery=scenario.battery,
        fixed_mw=fixed,
        sun_mw=sun,
        curtails=scenario.goal.minimize != "carbon" and bool((prices.imported < 0).any()),
        purchase=purchase,
        metrics=in_use(scenario),
        sunk_cost=prices.constant + (0.0 if purchase is None else purchase.constant),
    )
    return replace(data, hub=read_hub(scenario, {**fixed, **sun}, bool(data.pays.any())))
