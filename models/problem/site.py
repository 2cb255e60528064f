"""The site as numbers by slot: what every formulation of the site reads."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from emberline.models.problem import purchase as purchases
from emberline.models.problem import site_assets as assets
from emberline.models.problem.purchase import UNLIMITED_MW, Purchase
from emberline.models.problem.site_assets import Hub
from emberline.scenarios import Case
from emberline.scenarios.assets import Storage
from emberline.scenarios.flows.settlement import marginal_prices
from emberline.scenarios.goal_metrics import in_use
from emberline.scenarios.metrics import CARBON, METRICS, OTHER_CARBON


@dataclass(frozen=True)
class SiteData:
    """The site's numbers by slot; energies in MWh, weights per MWh imported."""

    hours: float
    base: np.ndarray
    """What loads of electricity take, less what sources give."""
    pv: np.ndarray
    """What PV and wind could give."""
    price: np.ndarray
    export_price: np.ndarray
    carbon: np.ndarray
    """kg CO2e/MWh by the goal's signal."""
    average: np.ndarray
    """kg CO2e/MWh, average: what a carbon price counts."""
    other: np.ndarray
    """kg CO2e/MWh by the signal that the goal does not count with; zeros where the market does not give it."""
    carbon_price_per_kg: float
    import_limit_mw: float | None
    export_limit_mw: float
    meter_min: float
    cell_min: float
    step_min: float
    battery: Storage | None
    fixed_mw: dict[str, np.ndarray]
    """What each load and source of ``base`` delivers, by asset."""
    sun_mw: dict[str, np.ndarray]
    """What each plant of ``pv`` could deliver, by asset."""
    curtails: bool = False
    """Whether it may pay to curtail PV: the goal counts money and there are negative prices."""
    hub: Hub | None = None
    """The site's assets, where it has any."""
    purchase: Purchase | None = None
    """What is paid for import beyond ``price``: peaks, blocks and contracts that are not used up."""
    sunk_cost: float = 0.0
    """What contracts and fixed charges cost whatever is imported; in no port, nor in any price [currency]."""
    line_mwh: np.ndarray | None = None
    """More than a line draws in any plan, by slot; None: not known."""
    whole: bool = True
    """False: what is whole may be in part, such as a machine that is half on. Quicker, and never dearer."""
    metrics: tuple[str, ...] = tuple(METRICS)
    """Those that count in the scenario."""
    given_worth: tuple[str, dict[str, np.ndarray]] = ("", {})
    """A metric, and what a unit that the line gives of a carrier takes off it in each slot: where assets are held."""

    @property
    def plain(self) -> bool:
        """Whether import follows from the line's load alone: nothing to decide on the site."""
        idle = self.battery is None and self.hub is None
        return idle and bool((self.pv <= self.base).all()) and not self.curtails

    @property
    def curtails_within(self) -> bool:
        """Whether PV may be curtailed in some metered intervals of a slot only."""
        return not self.plain and bool(self.pv.any()) and self.step_min > self.meter_min == self.cell_min

    @property
    def balance_meters(self) -> bool:
        """Whether a metered interval is a slot whose balance says what is imported."""
        return not self.plain and self.meter_min == self.cell_min == self.step_min

    @property
    def full_price(self) -> np.ndarray:
        """Price of imported energy with the carbon price on it, where the scheme covers it."""
        return self.price + self.carbon_price_per_kg * self.average

    @cached_property
    def pays(self) -> np.ndarray:
        """Whether it could pay to take more electricity than needed, by slot, shape (n_slots,): import earns, by price,
        tariff or what an unused block of a contract loses, or what sources deliver is in the way."""
        least = self.price
        if self.purchase is not None:
            least = least - self.purchase.most_spread + np.minimum(self.purchase.lowest_price(len(least)), 0.0)
        return np.asarray((least < 0) | (self.base < 0))

    @property
    def wasting(self) -> range:
        """Slots in which a store of electricity could gain by being filled and emptied at once: those in which wasting
        it pays and all before them, as one that is empty then takes more."""
        if self.hub is not None and self.hub.forced:
            return range(len(self.base))
        return range(1 + max(np.flatnonzero(self.pays).tolist(), default=-1))

    @property
    def guide_price(self) -> np.ndarray:
        """About what a MWh costs in each slot, with what the tariff takes for energy."""
        return self.price + (0.0 if self.purchase is None else self.purchase.energy_price)

    @cached_property
    def per_mwh(self) -> dict[str, np.ndarray]:
        """What a MWh imported counts in each slot, by metric."""
        weights = {
            CARBON: self.carbon, OTHER_CARBON: self.other, "cost": self.price, "cost_with_carbon_price": self.full_price
        }  # fmt: skip
        return {name: weights.get(name, np.zeros(len(self.base))) for name in self.metrics}

    @cached_property
    def guide_per_mwh(self) -> dict[str, np.ndarray]:
        """About the same, with what the tariff takes for energy."""
        more = self.guide_price - self.price
        return {name: weight + more if METRICS[name].money else weight for name, weight in self.per_mwh.items()}

    @property
    def n_meters(self) -> int:
        """Number of metered intervals."""
        return round(len(self.base) * self.step_min / self.meter_min)

    @property
    def cells_per_slot(self) -> int:
        """Cells in a slot."""
        return round(self.step_min / self.cell_min)

    @property
    def n_cells(self) -> int:
        """Cells of the horizon."""
        return len(self.base) * self.cells_per_slot

    def unavoidable(self, weight: np.ndarray) -> float:
        """What loads beyond PV cost by a weight per MWh: no plan can change it, unless assets can deliver it."""
        if self.hub is not None:
            return 0.0
        return float(np.maximum(self.base - self.pv, 0.0) @ weight)

    @property
    def export_rows(self) -> bool:
        """Whether the export limit, which holds for the mean over a metered interval, is no limit of a slot."""
        return not self.plain and self.meter_min != self.step_min and np.isfinite(self.export_limit_mw)

    @cached_property
    def most_export(self) -> np.ndarray:
        """Energy exported in each slot at most [MWh], shape (n_slots,): what the limit allows; where slots share a
        metered interval, in which others may import meanwhile, what the site can give."""
        if not self.export_rows or self.step_min % self.meter_min == 0:
            return np.full(len(self.base), self.export_limit_mw * self.hours)
        if self.hub is not None:
            return np.full(len(self.base), UNLIMITED_MW * self.hours)
        out_mw = 0.0 if self.battery is None else min(self.battery.most_out, UNLIMITED_MW)
        return self.pv + np.maximum(-self.base, 0.0) + out_mw * self.hours

    @cached_property
    def most_import(self) -> np.ndarray:
        """Energy imported in each slot at most where nothing is exported [MWh], shape (n_slots,): what all that draws
        can take, and what the limit allows where it holds for the slot by itself."""
        alone = self.step_min % self.meter_min == 0
        limit_mwh = (self.import_limit_mw or UNLIMITED_MW if alone else UNLIMITED_MW) * self.hours
        if self.line_mwh is None or self.hub is not None:
            return np.full(len(self.base), limit_mwh)
        in_mw = 0.0 if self.battery is None else min(self.battery.rate_limits(0.0)[0], UNLIMITED_MW)
        return np.minimum(self.line_mwh + np.maximum(self.base, 0.0) + in_mw * self.hours, limit_mwh)

    def limit_mwh(self) -> float:
        """Energy that may be imported in a metered interval."""
        return np.inf if self.import_limit_mw is None else self.import_limit_mw * self.meter_min / 60


def read(scenario: Case, envelope: xr.Dataset) -> SiteData:
    """The site of a scenario."""
    horizon, inputs, site = scenario.horizon, scenario.inputs, scenario.site
    hours, fixed, sun = horizon.step_h, assets.fixed_mw(scenario), assets.sun_mw(scenario)
    signal = scenario.goal.signal
    limit = site.grid.import_limit_mw
    if limit is not None:
        limit -= scenario.disturbances.import_margin_mw
    cap = scenario.goal.caps.peak_mw
    if cap is not None:
        limit = cap if limit is None else min(limit, cap)
    prices, purchase = marginal_prices(scenario), purchases.read(scenario, limit)
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
    return replace(data, hub=assets.read(scenario, {**fixed, **sun}, bool(data.pays.any())))
