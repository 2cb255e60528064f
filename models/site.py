"""The site in the model: grid connection, PV, battery and the hub's assets by slot, and what their flows cost and emit.

Power balance by slot; the battery's level with its self-loss per hour as in ``Battery.after``; the import limit on the
mean over the metered interval. Energies are in MWh by slot. Assets and the balances of other carriers than electricity:
``models/assets``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
import xarray as xr

from models import assets
from models import purchase as purchases
from models.assets import Hub, HubPorts
from models.purchase import Purchase
from scenarios import Scenario
from scenarios.assets import ELECTRICITY
from scenarios.settlement import marginal_prices
from scenarios.site import Battery


@dataclass(frozen=True)
class SiteData:
    """The site's numbers by slot; energies in MWh, weights per MWh imported."""

    hours: float
    base: np.ndarray
    pv: np.ndarray
    price: np.ndarray
    export_price: np.ndarray
    carbon: np.ndarray
    """kg CO2e/MWh by the goal's signal."""
    average: np.ndarray
    """kg CO2e/MWh, average: what a carbon price counts."""
    carbon_price_per_kg: float
    import_limit_mw: float | None
    export_limit_mw: float
    meter_min: float
    cell_min: float
    step_min: float
    battery: Battery | None
    level_mwh: float
    end_mwh: float
    curtails: bool = False
    """Whether it may pay to curtail PV: the goal counts money and there are negative prices."""
    hub: Hub | None = None
    """The site's assets, where it has any."""
    purchase: Purchase | None = None
    """What is paid for import beyond ``price``: peaks, blocks and contracts that are not used up."""
    sunk_cost: float = 0.0
    """What contracts and fixed charges cost whatever is imported; in no port, nor in any price [currency]."""
    whole: bool = True
    """False: what is whole may be in part, such as a machine that is half on. Quicker, and never dearer."""
    given_worth: tuple[str, dict[str, np.ndarray]] = ("", {})
    """A port, and what a unit that the line gives of a carrier takes off it in each slot: where assets are held."""

    @property
    def plain(self) -> bool:
        """Whether import follows from the line's load alone: nothing to decide on the site."""
        idle = self.battery is None and self.hub is None
        return idle and bool((self.pv <= self.base).all()) and not self.curtails

    @property
    def full_price(self) -> np.ndarray:
        """Price of imported energy with the carbon price on it, where the scheme covers it."""
        return self.price + self.carbon_price_per_kg * self.average

    @property
    def guide_price(self) -> np.ndarray:
        """About what a MWh costs in each slot, with what the tariff takes for energy."""
        return self.price + (0.0 if self.purchase is None else self.purchase.energy_price)

    def meters(self) -> list[tuple[list[int], int]]:
        """For each metered interval its cells, and the slot of each cell follows from its place."""
        per = round(self.meter_min / self.cell_min)
        n = round(len(self.base) * self.step_min / self.meter_min)
        return [(list(range(i * per, (i + 1) * per)), i) for i in range(n)]

    def slot_of(self, cell: int) -> int:
        """The slot that a cell lies in."""
        return int(cell * self.cell_min // self.step_min)

    @property
    def cells_per_slot(self) -> int:
        """Cells in a slot."""
        return round(self.step_min / self.cell_min)

    def unavoidable(self, weight: np.ndarray) -> float:
        """What base load beyond PV costs by a weight per MWh: no plan can change it, unless assets can deliver it."""
        if self.hub is not None:
            return 0.0
        return float(np.maximum(self.base - self.pv, 0.0) @ weight)

    def limit_mwh(self) -> float:
        """Energy that may be imported in a metered interval."""
        return np.inf if self.import_limit_mw is None else self.import_limit_mw * self.meter_min / 60


def read(scenario: Scenario, envelope: xr.Dataset) -> SiteData:
    """The site of a scenario."""
    horizon, inputs, site = scenario.horizon, scenario.inputs, scenario.site
    hours = horizon.step_h
    battery = site.battery if site.battery and site.battery.energy_mwh > 0 and site.battery.power_mw > 0 else None
    level = float(envelope["battery_level_mwh"]) if battery else 0.0
    end = 0.0
    if battery:
        end = level if battery.end_level_share is None else battery.end_level_share * battery.energy_mwh
    signal = "carbon_intensity_kg_per_mwh"
    if scenario.goal.signal == "marginal":
        signal = f"marginal_{signal}"
    limit = site.grid.import_limit_mw
    cap = scenario.goal.caps.peak_mw
    if cap is not None:
        limit = cap if limit is None else min(limit, cap)
    prices, purchase = marginal_prices(scenario), purchases.read(scenario, limit)
    return SiteData(
        hours=hours,
        base=inputs["base_load_mw"].to_numpy() * hours,
        pv=inputs["pv_available_mw"].to_numpy() * hours,
        price=prices.imported,
        export_price=prices.exported,
        carbon=inputs[signal].to_numpy(),
        average=inputs["carbon_intensity_kg_per_mwh"].to_numpy(),
        carbon_price_per_kg=scenario.market.carbon_price.on_grid / 1000,
        import_limit_mw=limit,
        export_limit_mw=site.grid.export_limit_mw,
        meter_min=site.grid.metered_interval_min,
        cell_min=math.gcd(int(horizon.step_min), int(site.grid.metered_interval_min)),
        step_min=horizon.step_min,
        battery=battery,
        curtails=scenario.goal.minimize != "carbon" and bool((prices.imported < 0).any()),
        level_mwh=level,
        end_mwh=end,
        hub=assets.read(scenario),
        purchase=purchase,
        sunk_cost=prices.constant + (0.0 if purchase is None else purchase.constant),
    )


@dataclass(frozen=True)
class Ports:
    """What the site offers to the objective, constants included."""

    carbon: Any
    """kg CO2e of what is imported, and of the fuels and heat that assets take: fossil, scope 1 and 2."""
    cost: Any
    """Energy cost, less what export earns, and what the assets cost [currency]."""
    full_cost: Any
    """The same with the carbon price on imports, fuels and heat bought, each as the scheme covers it."""
    over: Any = 0.0
    """MWh above the import limit, where a model may exceed it at a price."""
    hub: HubPorts | None = None
    """The assets."""


def add(
    block: pyo.Block,
    data: SiteData,
    line_cell: Callable[[int], Any],
    line_slot: Callable[[int], Any],
    *,
    exclusive: bool = True,
    soft: bool = False,
    line_gives: Callable[[str, int], Any] | None = None,
    burning: Collection[int] | None = None,
) -> Ports:
    """Fill a block with the site.

    Args:
        block: empty.
        data: the site.
        line_cell: energy of the line in a cell [MWh], an expression.
        line_slot: energy of the line in a slot [MWh], an expression.
        exclusive: forbid import and export (charge and discharge) at the same time where it would pay.
        soft: let the import limit be exceeded; the objective must price it.
        line_gives: what the line delivers of another carrier in a slot, such as heat of its off-gas, in the carrier's
            unit; an expression or a number.
        burning: slots in which stores may not be filled and emptied at the same time; None: all in which it could pay.
    """
    n = len(data.base)
    hub: HubPorts | None = None
    block.T = pyo.RangeSet(0, n - 1)
    if data.plain:
        block.taken = pyo.Expression(block.T, rule=lambda b, t: line_slot(t) + float(data.base[t] - data.pv[t]))
        block.given = pyo.Expression(block.T, rule=lambda b, t: 0.0)
        block.pv = pyo.Expression(block.T, rule=lambda b, t: float(data.pv[t]))
        net = [0.0] * n
    else:
        block.taken = pyo.Var(block.T, domain=pyo.NonNegativeReals)
        top = data.export_limit_mw * data.hours
        block.given = pyo.Var(block.T, bounds=(0, top))
        block.pv = pyo.Var(block.T, bounds=lambda b, t: (0, float(data.pv[t])))
        net = _battery(block, data, exclusive, burning) if data.battery else [0.0] * n
        if data.hub is not None:
            block.hub = pyo.Block()
            hub, given = assets.add(block.hub, data.hub, line_gives, exclusive=exclusive, burning=burning)
            net = [drawn - more for drawn, more in zip(net, given, strict=True)]

        @block.Constraint(block.T)
        def balance(b: Any, t: int) -> Any:
            return b.taken[t] + b.pv[t] - b.given[t] - net[t] == line_slot(t) + float(data.base[t])

        if exclusive and top > 0:
            _one_way(block, data)
    meters = [m for m in data.meters() if np.isfinite(data.limit_mwh())]
    block.M = pyo.Set(initialize=[i for _, i in meters])
    cells = {i: cs for cs, i in data.meters()}

    block.over = pyo.Var(block.M if soft else [], domain=pyo.NonNegativeReals)
    share = 1 / data.cells_per_slot

    # where there is no line either, a limit would have no variable at all
    block.nought = pyo.Var(bounds=(0.0, 0.0), initialize=0.0)

    def metered(i: int) -> Any:
        # battery, PV and assets are constant within a slot, the line is not
        site = sum(
            share * (float(data.base[data.slot_of(c)]) - block.pv[data.slot_of(c)] + net[data.slot_of(c)])
            for c in cells[i]
        )
        return sum(line_cell(c) for c in cells[i]) + site

    @block.Constraint(block.M)
    def import_limit(b: Any, i: int) -> Any:
        return metered(i) <= data.limit_mwh() + (b.over[i] if soft else b.nought)

    def worth(weight: np.ndarray, earn: np.ndarray | None = None) -> Any:
        paid = pyo.quicksum(float(weight[t]) * block.taken[t] for t in range(n))
        if earn is None or data.plain:
            return paid
        return paid - pyo.quicksum(float(earn[t]) * block.given[t] for t in range(n))

    carbon, cost, full_cost = (0.0, 0.0, 0.0) if hub is None else hub.worth()
    if data.purchase is not None:
        block.purchase = pyo.Block()
        paid = purchases.add(block.purchase, data.purchase, lambda t: block.taken[t], metered, n, len(cells))
        cost, full_cost = cost + paid, full_cost + paid
    port, given_worth = data.given_worth
    saved: Any = 0.0
    if line_gives is not None:
        saved = sum(
            (float(unit) * line_gives(carrier, t) for carrier, units in given_worth.items() for t, unit in
             enumerate(units.tolist()) if unit), start=0.0,
        )  # fmt: skip
    if not data.whole:
        for variable in block.component_data_objects(pyo.Var):
            if variable.is_binary():
                variable.domain = pyo.UnitInterval
    return Ports(
        carbon=worth(data.carbon) + carbon - (saved if port == "carbon" else 0.0),
        cost=worth(data.price, data.export_price) + cost - (saved if port == "cost" else 0.0),
        full_cost=worth(data.full_price, data.export_price) + full_cost - (saved if port == "full_cost" else 0.0),
        over=pyo.quicksum(block.over[i] for i in block.over),
        hub=hub,
    )


def _battery(block: pyo.Block, data: SiteData, exclusive: bool, only: Collection[int] | None) -> list[Any]:
    """Charge and discharge [MWh at the terminals], level; returns what the battery draws from the balance."""
    battery = data.battery
    assert battery is not None
    n, room = len(data.base), battery.power_mw * data.hours
    block.charge = pyo.Var(block.T, bounds=(0, room))
    block.discharge = pyo.Var(block.T, bounds=(0, room))
    block.level = pyo.Var(block.T, bounds=(0, battery.energy_mwh))
    kept, counts = battery.kept(data.hours), battery.effective_hours(data.hours) / data.hours
    gain, loss = counts * battery.charge_efficiency, counts / battery.discharge_efficiency
    block.LATER = pyo.RangeSet(1, n - 1)

    @block.Constraint(block.LATER)
    def state(b: Any, t: int) -> Any:
        return b.level[t] == kept * b.level[t - 1] + gain * b.charge[t] - loss * b.discharge[t]

    block.first = pyo.Constraint(
        expr=block.level[0] == kept * data.level_mwh + gain * block.charge[0] - loss * block.discharge[0]
    )
    # what self-loss makes unreachable is not asked for
    wanted = min(data.end_mwh, battery.energy_mwh)
    block.end = pyo.Constraint(expr=block.level[n - 1] >= wanted * (1 - 1e-9))
    burning = [t for t in range(n) if data.full_price[t] < 0 or data.price[t] < 0]
    if data.hub is not None and ELECTRICITY not in data.hub.harmless:
        # what a machine must make may be in the way in any slot
        burning = sorted({*burning, *(range(n) if only is None else only)})
    if exclusive and burning:
        block.BURN = pyo.Set(initialize=burning)
        block.charging = pyo.Var(block.BURN, domain=pyo.Binary)

        @block.Constraint(block.BURN)
        def charge_alone(b: Any, t: int) -> Any:
            return b.charge[t] <= room * b.charging[t]

        @block.Constraint(block.BURN)
        def discharge_alone(b: Any, t: int) -> Any:
            return b.discharge[t] <= room * (1 - b.charging[t])

    return [block.charge[t] - block.discharge[t] for t in range(n)]


def _one_way(block: pyo.Block, data: SiteData) -> None:
    """No import while exporting, where selling what was bought would pay."""
    # what a block would lose by its spread is saved by importing
    spread = 0.0 if data.purchase is None else data.purchase.most_spread
    price = np.minimum(data.price, data.full_price) - spread
    pays = np.flatnonzero(data.export_price > price).tolist()
    if not pays:
        return
    top = data.export_limit_mw * data.hours
    most = (data.import_limit_mw or 1e4) * data.hours
    block.PAYS = pyo.Set(initialize=pays)
    block.exporting = pyo.Var(block.PAYS, domain=pyo.Binary)

    @block.Constraint(block.PAYS)
    def export_alone(b: Any, t: int) -> Any:
        return b.given[t] <= top * b.exporting[t]

    @block.Constraint(block.PAYS)
    def import_alone(b: Any, t: int) -> Any:
        return b.taken[t] <= most * (1 - b.exporting[t])
