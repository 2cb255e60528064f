"""Where the limits of a scenario stand in the model of its site and processes: rows and bounds, by the limits' keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np

from emberline.models.explain.limit import assets, item, rate_key
from emberline.models.formulations.site.objective import Aim
from emberline.models.formulations.whole_site import SiteModel
from emberline.scenarios import Case, Scenario
from emberline.scenarios.assets import ELECTRICITY, FlexibleLoad, Load, Machine, Named, Source, Storage
from emberline.scenarios.metrics import METRICS, OTHER_CARBON


@dataclass(frozen=True)
class Part:
    """Members of the model whose right side is a limit's."""

    members: Sequence[Any]
    """Constraints, or variables whose bound it is."""
    slope: np.ndarray | float
    """By how much the right side moves for a unit more of the limit, for all or by member."""
    side: str = "row"
    """``row``; of variables ``upper`` or ``lower``."""
    minutes: float | None = None
    """Length of a member's time, where members follow each other from the horizon's start; None: of no time."""
    first: int = 0
    """Place in time of the first member."""

    def towards(self, sign: float) -> Part:
        """The same for a slack that counts a loosening in one direction."""
        return replace(self, slope=sign * np.asarray(self.slope))

    def slopes(self) -> list[float]:
        """One for each member."""
        return [float(slope) for slope in np.broadcast_to(np.asarray(self.slope), len(self.members))]

    def placed(self) -> Iterator[tuple[Any, float | None]]:
        """Members with the minute at which each begins."""
        for i, member in enumerate(self.members):
            yield member, None if self.minutes is None else (self.first + i) * self.minutes


KeyedParts = Iterator[tuple[str, Part]]


def parts(scenario: Case, site_model: SiteModel, aim: Aim) -> dict[str, list[Part]]:
    """Where limits stand, by key; those that the model holds in another way are not among them."""
    by_key: dict[str, list[Part]] = {}
    for source in (
        _goal(scenario, site_model, aim),
        _grid(scenario, site_model),
        _assets(scenario, site_model),
        _plant(scenario, site_model),
    ):
        for key, part in source:
            by_key.setdefault(key, []).append(part)
    return by_key


def _goal(scenario: Scenario, site_model: SiteModel, aim: Aim) -> KeyedParts:
    caps, model = scenario.goal.caps, site_model.model
    for name, top in aim.tops.items():
        if name == OTHER_CARBON and caps.other_carbon_kg is None:
            continue  # it is dropped as a whole
        part = (
            Part([model.total[name]], 1.0, "upper")
            if site_model.plant_ports is None
            else Part([model.cap[name].limit], 1.0)
        )
        if not METRICS[name].money:
            yield f"goal.caps.{METRICS[name].cap}", part
        elif caps.cost is not None and abs(caps.cost - site_model.data.sunk_cost - top) < 1e-6 * max(abs(top), 1.0):
            yield "goal.caps.cost", part
        elif caps.extra_cost_share is not None:
            # top = paid + share · |paid|
            paid = top / (1 + caps.extra_cost_share) if top >= 0 else top / (1 - caps.extra_cost_share)
            yield "goal.caps.extra_cost_share", replace(part, slope=abs(paid))


def _grid(scenario: Scenario, site_model: SiteModel) -> KeyedParts:
    data, site, step = site_model.coarse, site_model.model.site, scenario.horizon.step_min
    limit, peak = scenario.site.grid.import_limit_mw, scenario.goal.caps.peak_mw
    if len(site.import_limit):
        key = "site.grid.import_limit_mw" if peak is None or (limit or np.inf) <= peak else "goal.caps.peak_mw"
        members = list(site.import_limit.values())
        yield key, Part(members, data.meter_min / 60, minutes=data.meter_min)
    if data.plain:
        return
    key = "site.grid.export_limit_mw"
    if data.export_rows:
        yield key, Part(list(site.export_limit.values()), -data.meter_min / 60, minutes=data.meter_min)
    if step % data.meter_min == 0:
        yield key, Part(list(site.exports.values()), data.hours, "upper", step)
    if data.battery is not None:
        yield "site.battery.end_level_share", Part([site.end], data.battery.capacity)


def _assets(scenario: Scenario, site_model: SiteModel) -> KeyedParts:
    site, ports = site_model.model.site, site_model.ports.hub
    blocks = {} if ports is None else {asset.name: site.hub.asset[i] for i, asset in enumerate(ports.hub.assets)}
    for asset, key in assets(scenario):
        yield from _asset(asset, scenario, site_model, blocks.get(asset.name), key)


@singledispatch
def _asset(asset: Named, scenario: Scenario, site_model: SiteModel, block: Any, key: str) -> KeyedParts:
    """Parts of an asset's limits, found by its kind; any kind may limit its rate and its amount over the horizon.

    ``block`` is the asset's own; None where the model states it together with others.
    """
    horizon = scenario.horizon
    if getattr(asset, "rate_limit", None) is not None:
        yield f"{key}.rate_limit", Part(list(block.amount.values()), horizon.step_h, "upper", horizon.step_min)
    if getattr(asset, "horizon_limit", None) is not None:
        yield f"{key}.horizon_limit", Part([block.horizon_limit], 1.0)


@_asset.register(Load)
@_asset.register(Source)
def _(asset: Load | Source, scenario: Case, site_model: SiteModel, block: Any, key: str) -> KeyedParts:
    site, electric = site_model.model.site, asset.carrier == ELECTRICITY
    balance = (site if electric else site.hub.carrier[asset.carrier]).component("balance")
    if balance is not None and (site_model.coarse.balance_meters or not electric):
        name = rate_key(asset, scenario, key) + ("" if asset.rate.value is not None else ".scale")
        rate = -asset.sign * scenario.asset_series(asset.name)["rate"] * scenario.horizon.step_h
        yield name, Part(list(balance.values()), rate, minutes=scenario.horizon.step_min)


@_asset.register(Storage)
def _(asset: Storage, scenario: Scenario, site_model: SiteModel, block: Any, key: str) -> KeyedParts:
    horizon = scenario.horizon
    yield f"{key}.end_level_share", Part([block.end], asset.capacity)
    for field, variable in (("in_rate", block.put_in), ("out_rate", block.put_out)):
        if getattr(asset, field) is not None:
            yield f"{key}.{field}", Part(list(variable.values()), horizon.step_h, "upper", horizon.step_min)


@_asset.register(FlexibleLoad)
def _(asset: FlexibleLoad, scenario: Case, site_model: SiteModel, block: Any, key: str) -> KeyedParts:
    shares = np.array([amount for _, amount in asset.days(scenario.horizon)]) / asset.per_day
    yield f"{key}.per_day", Part(list(block.per_day.values()), shares)
    yield from _machine(asset, scenario, site_model, block, key)


@_asset.register(Machine)
def _machine(asset: Machine, scenario: Case, site_model: SiteModel, block: Any, key: str) -> KeyedParts:
    if block.component("filled") is not None or block.component("at_least") is not None:
        return  # what a larger one would need besides, the model does not tell so simply
    core, step = scenario.site.cores[asset.name], scenario.horizon.step_min
    each = core.capacity / getattr(asset, asset.size) * scenario.horizon.step_h
    available = np.minimum(scenario.asset_series(asset.name)["availability"], 1.0)
    yield f"{key}.{asset.size}", Part(list(block.load.values()), each * available, "upper", step)
    most = block.component("most")
    if most is not None:
        yield f"{key}.{asset.size}", Part(list(most.values()), each, minutes=step)


def _plant(scenario: Case, site_model: SiteModel) -> KeyedParts:
    if site_model.plant_ports is None:
        return
    plant, block, step = site_model.plant_ports.plant, site_model.model.plant, scenario.horizon.step_min
    names = [store.name for store in plant.stores]
    for i, store in enumerate(plant.stores):
        key = f"stores.{item(store.name, i, names)}"
        levels = [block.level[store.name, t] for t in range(plant.n)]
        yield f"{key}.capacity_t", Part(levels, 1.0, "upper", step)
        yield f"{key}.end_level_t", Part([levels[-1]], 1.0, "lower", step, plant.n - 1)
        yield f"{key}.end_level_t", Part([block.more_than_wanted[store.name]], -1.0)
    yield from _moved(scenario, site_model)
    names = [process.name for process in scenario.processes]
    for i, process in enumerate(scenario.processes):
        key = f"processes.{item(process.name, i, names)}"
        if process.name in plant.days:
            shares = np.array([amount for _, amount in plant.days[process.name]]) / (process.daily_energy_mwh or 1.0)
            yield f"{key}.daily_energy_mwh", Part(list(block.daily[process.name].per_day.values()), shares)
    for u, units in enumerate(plant.units):
        place = f"processes.{item(units.process.name, names.index(units.process.name), names)}"
        modes = [mode.name for mode in units.process.modes]
        for m, mode in enumerate(units.modes):
            mode_block = block.units[u].mode[m]
            key = place
            if modes and units.process.modes[m].rate is not None:
                key = f"{place}.modes.{item(mode.name, m, modes)}"
            if mode_block.component("most") is not None and mode_block.component("filled") is None:
                yield f"{key}.rate", Part(list(mode_block.most.values()), plant.hours, minutes=step)
                yield f"{key}.rate", Part(list(mode_block.output.values()), plant.hours * units.count, "upper", step)
            if mode_block.component("least") is not None and mode_block.component("filled") is None:
                yield f"{key}.rate.low", Part(list(mode_block.least.values()), plant.hours, minutes=step)


def _moved(scenario: Case, site_model: SiteModel) -> KeyedParts:
    """Deliveries and arrivals: orders by what is loaded in all, demands in the balance of their store."""
    assert site_model.plant_ports is not None
    plant, block, step = site_model.plant_ports.plant, site_model.model.plant, scenario.horizon.step_min
    orders = [order.name for order, *_ in plant.orders]
    for field, sign, variable, label in (
        ("deliveries", 1.0, "demand_tph", "demand"),
        ("arrivals", -1.0, "arrival_tph", "arrival"),
    ):
        items = getattr(scenario, field)
        names = [one.name for one in items]
        for i, one in enumerate(items):
            key = f"{field}.{item(one.name, i, names)}"
            if getattr(one, "amount_t", None) is not None:
                o = orders.index(one.name)
                yield f"{key}.amount_t", Part([block.order_whole[o]], 1.0)
                if one.loading_tph is not None:
                    slots = [variable for (order, _), variable in block.loaded.items() if order == o]
                    yield f"{key}.loading_tph", Part(slots, plant.hours, "upper", step, plant.orders[o][1])
                continue
            store, store_block = scenario.store[one.store], block.store[one.store]
            counted = store.effective_hours(plant.hours)
            rate = scenario.inputs[variable].sel({label: one.name}).to_numpy()
            weekly = one.rate is None
            name = f"{key}.weekly" if weekly else f"{key}.rate{'.scale' if one.rate.value is None else ''}"
            # level − before − counted·(flow − demand) = 0: what is demanded more moves the right side down
            slope = -sign * counted * rate
            yield name, Part([store_block.first_stock], slope[:1], minutes=step)
            yield name, Part(list(store_block.stock.values()), slope[1:], minutes=step, first=1)
