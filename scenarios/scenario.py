"""The scenario: all nouns together, and the checks that need more than one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pydantic import Field, PrivateAttr, ValidationInfo, field_validator

from scenarios import contracts, disturbances, flow_sheet
from scenarios.assets import ELECTRICITY, Wanted
from scenarios.assets.quantity import unit_in
from scenarios.datasets import INPUTS, check
from scenarios.delivery import Arrival, Delivery
from scenarios.disturbances import Disturbances
from scenarios.emissions import ACCOUNTING, DAYS, Accounting
from scenarios.goal import Goal
from scenarios.horizon import Horizon
from scenarios.line import Emission, Grade, Line
from scenarios.market import Market
from scenarios.orders import Lock, Order
from scenarios.process import Mode, Process
from scenarios.record import Record
from scenarios.series import Resolved, Series, read_forecast, resolve
from scenarios.site import Site
from scenarios.state import State
from scenarios.store import Store
from scenarios.tariff import Before, Rates, read
from scenarios.tariff import metered as metered_times

MOST_HEATS = 5000
MOST_SHARE = 1.2
"""Capacity factors are at most 1; measured ones lie a little above now and then."""
NO_LINE = Line.model_construct(stages=(), grades=(), transfers=(), heat_loss=None)
"""The line of a scenario that is a site alone: no stages, no units. It cannot be written down, only left out."""


@dataclass(frozen=True)
class Heat:
    """One heat of an order, with its limits in minutes after the horizon's start."""

    name: str
    order: str
    grade: Grade
    position: int
    """Place within its order, from 0."""
    release_min: float
    due_min: float


class Scenario(Record):
    """What is asked: plant, orders, market, horizon, state, disturbances and goal.

    A plant makes heats on a line, or runs processes between stores. Without either it is a site alone: its loads are to
    be met as well as can be.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$")
    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=5000)
    horizon: Horizon
    emissions: Accounting = Field(default_factory=Accounting)
    line: Line = NO_LINE
    orders: tuple[Order, ...] = ()
    locks: tuple[Lock, ...] = ()
    site: Site = Field(default_factory=Site)
    stores: tuple[Store, ...] = Field(default=(), max_length=200)
    processes: tuple[Process, ...] = Field(default=(), max_length=100)
    arrivals: tuple[Arrival, ...] = Field(default=(), max_length=200)
    deliveries: tuple[Delivery, ...] = Field(default=(), max_length=500)
    market: Market
    state: State = Field(default_factory=State)
    disturbances: Disturbances = Field(default_factory=Disturbances)
    goal: Goal = Field(default_factory=Goal)

    _folder: Path = PrivateAttr(default=Path("."))
    _inputs: xr.Dataset | None = PrivateAttr(default=None)

    @field_validator("horizon", "emissions")
    @classmethod
    def _told(cls, noun: Horizon | Accounting, info: ValidationInfo) -> Horizon | Accounting:
        # the nouns after them look emission factors up by these days, and as they are accounted for
        if info.context is not None and isinstance(noun, Horizon):
            last = noun.instant(noun.length_min - noun.step_min)
            info.context[DAYS] = (noun.instant(0).date(), last.date())
        elif info.context is not None:
            info.context[ACCOUNTING] = noun
        return noun

    @cached_property
    def rates(self) -> Rates | None:
        """The tariff's numbers on the metered intervals of the horizon; None: there is no tariff.

        Raises:
            ValueError: the tariff does not fit the horizon; ``scenarios.load`` tells this with file and line.
        """
        if self.market.tariff is None:
            return None
        interval = self.site.grid.metered_interval_min
        before = self.market.tariff_before
        if not before.peak_mw:
            before = before.model_copy(update={"peak_mw": self.state.peak_so_far_mw})
        times = metered_times(self.horizon, interval)
        return read(self.market.tariff, times, self.horizon.zone, before=before, interval_min=interval)

    @cached_property
    def heats(self) -> tuple[Heat, ...]:
        """All heats, order by order."""
        found = []
        end = self.horizon.length_min
        for order in self.orders:
            release = 0.0 if order.release is None else self.horizon.minutes(order.release)
            due = end if order.due is None else self.horizon.minutes(order.due)
            position = 0
            for entry in order.heats:
                own = due if entry.due is None else min(due, self.horizon.minutes(entry.due))
                for _ in range(entry.count):
                    position += 1
                    name = entry.name or f"{order.name}-{position}"
                    grade = self.line.grade[entry.grade]
                    found.append(Heat(name, order.name, grade, position - 1, release, own))
        return tuple(found)

    @cached_property
    def store(self) -> dict[str, Store]:
        """Stores by name."""
        return {store.name: store for store in self.stores}

    @cached_property
    def process_units(self) -> tuple[tuple[str, Process], ...]:
        """Every unit of the processes with its process, in declared order."""
        return tuple((unit, process) for process in self.processes for unit in process.units)

    @cached_property
    def process_modes(self) -> tuple[tuple[Process, Mode], ...]:
        """Every mode of the processes, in declared order."""
        return tuple((process, mode) for process in self.processes for mode in process.all_modes)

    @cached_property
    def emitters(self) -> tuple[tuple[str, tuple[Emission, ...]], ...]:
        """What emits by the tonne treated: stages of the line, and processes, those with modes by mode."""
        stages = [(stage.name, stage.emissions) for stage in self.line.stages]
        modes = [(mode_name(process, mode), mode.emissions) for process, mode in self.process_modes]
        return (*stages, *modes)

    @property
    def tonnes(self) -> float:
        """Tonnes that all orders and deliveries add up to [t]."""
        delivered = sum(delivery.amount_t or 0.0 for delivery in self.deliveries)
        if "demand_tph" in self.inputs:
            delivered += float(self.inputs["demand_tph"].sum()) * self.horizon.step_h
        return sum(heat.grade.mass_t for heat in self.heats) + delivered

    @property
    def inputs(self) -> xr.Dataset:
        """The scenario's series on its steps, a dataset of table ``INPUTS``.

        What was filled is told in the attribute ``filled`` of each variable, the source in ``source``.

        Raises:
            ValueError: a series cannot be had; ``scenarios.load`` tells this with file and line.
        """
        if self._inputs is None:
            self._inputs = check(self._resolve(), INPUTS)
        return self._inputs

    def series(self) -> Iterator[tuple[str, tuple[str | int, ...], Series, str]]:
        """Name in ``INPUTS``, place in the scenario, series and unit of measure, for each series that is given.

        The name of an asset's series is its label in the coordinate ``series`` of ``asset_values``.
        """
        money = f"{self.market.currency}/MWh"
        yield "price_per_mwh", ("market", "price_per_mwh"), self.market.price_per_mwh, money
        for contract_number, contract in enumerate(self.market.contracts):
            profile: Series | None = getattr(contract, "mw", None)
            if profile is not None:
                yield contract.name, ("market", "contracts", contract_number, "mw"), profile, "MW"
        for side in ("short_price_per_mwh", "long_price_per_mwh"):
            price: Series | None = getattr(self.market.imbalance, side, None)
            if price is not None:
                yield side, ("market", "imbalance", side), price, money
        if self.market.export_price_per_mwh is not None:
            yield "export_price_per_mwh", ("market", "export_price_per_mwh"), self.market.export_price_per_mwh, money
        intensity = "carbon_intensity_kg_per_mwh"
        yield intensity, ("market", intensity), self.market.carbon_intensity_kg_per_mwh, "kg/MWh"
        marginal = self.market.marginal_carbon_intensity_kg_per_mwh
        if marginal is not None:
            yield f"marginal_{intensity}", ("market", f"marginal_{intensity}"), marginal, "kg/MWh"
        if self.market.residual_kg_per_mwh is not None:
            yield "residual_kg_per_mwh", ("market", "residual_kg_per_mwh"), self.market.residual_kg_per_mwh, "kg/MWh"
        for field in ("deliveries", "arrivals"):
            for i, item in enumerate(getattr(self, field)):
                if item.rate is not None:
                    yield item.name, (field, i, "rate"), item.rate, "t/h"
        yield "base_load_mw", ("site", "base_load_mw"), self.site.base_load_mw, "MW"
        if self.site.pv is not None:
            yield "pv_available_mw", ("site", "pv", "capacity_factor"), self.site.pv.capacity_factor, ""
        for i, asset in enumerate(self.site.assets):
            for wanted in asset.wants():
                yield (
                    series_name(asset.name, wanted),
                    ("site", "assets", i, *wanted.place),
                    wanted.series,
                    self._unit(wanted),
                )

    def _unit(self, wanted: Wanted) -> str:
        carrier = self.site.carrier.get(wanted.carrier)
        return unit_in(wanted.unit, carrier.unit if carrier else "MWh", self.market.currency)

    def asset_series(self, name: str) -> dict[str, np.ndarray]:
        """The series of an asset by key (``Wanted.key``), each of shape (n_steps,); what is constant included."""
        asset = next(asset for asset in self.site.assets if asset.name == name)
        core = self.site.cores.get(name, asset)
        given, places = self.inputs, {}
        if "asset_values" in given:
            places = {str(label): i for i, label in enumerate(given["series"].values)}
        found = {}
        for wanted in core.wants():
            place = places.get(series_name(name, wanted))
            if place is not None:
                found[wanted.key] = given["asset_values"].values[place]
            else:
                value = (wanted.series.value or 0.0) * wanted.series.scale
                found[wanted.key] = np.full(self.horizon.n_steps, value)
        return found

    def resolve_one(self, name: str, series: Series, unit: str) -> Resolved:
        """One series on the scenario's steps."""
        found = resolve(series, self.horizon, unit, self._folder)
        if series.forecast is not None and series.forecast.published is None:
            read_forecast(series.forecast, self._folder)
        lowest = found.values.min()
        if not unit.startswith(f"{self.market.currency}/") and lowest < 0:
            raise ValueError(f"{found.source}: negative value {lowest:g} {unit}")
        share = name == "pv_available_mw" or name.endswith((".capacity_factor", ".availability"))
        if share and found.values.max() > MOST_SHARE:
            raise ValueError(f"{found.source}: {found.values.max():g} is no share of a capacity; at most 1, or write %")
        return found

    def _resolve(self) -> xr.Dataset:
        columns: dict[str, Any] = {}
        assets: dict[str, Resolved] = {}
        profiles: dict[str, Resolved] = {}
        flows: dict[str, dict[str, Resolved]] = {"deliveries": {}, "arrivals": {}}
        for name, path, series, unit in self.series():
            if path[0] in ("deliveries", "arrivals"):
                flows[str(path[0])][name] = self.resolve_one(name, series, unit)
                continue
            several = {"assets": assets, "contracts": profiles}.get(str(path[1]))
            if several is not None:
                # what is constant is not written down for every step
                if series.value is None:
                    several[name] = self.resolve_one(name, series, unit)
                continue
            found = self.resolve_one(name, series, unit)
            attrs = {"source": found.source, "filled": found.filled, "first_filled": found.first_filled}
            columns[name] = ("time", found.values, attrs)
        zeros = np.zeros(self.horizon.n_steps)
        columns.setdefault("export_price_per_mwh", ("time", zeros, {"source": "none", "filled": 0, "first_filled": ""}))
        pv = columns.get("pv_available_mw", ("time", zeros, {"source": "none", "filled": 0, "first_filled": ""}))
        columns["pv_available_mw"] = ("time", pv[1] * (self.site.pv.peak_mw if self.site.pv else 0.0), pv[2])
        data = xr.Dataset(columns, coords={"time": self.horizon.times})
        for variable, label, rows in (("asset_values", "series", assets), ("contract_mw", "contract", profiles)):
            if rows:
                data = data.assign({variable: _together(label, rows)}).assign_coords({label: list(rows)})
        for variable, label, items, told in (
            ("demand_tph", "demand", self.demands, flows["deliveries"]),
            ("arrival_tph", "arrival", self.arrivals, flows["arrivals"]),
        ):
            if items:
                values = [
                    item.rate_tph(self.horizon, told[item.name].values if item.name in told else None) for item in items
                ]
                rows = {
                    item.name: Resolved(v, *told[item.name].origin) if item.name in told else Resolved(v, "weekly")
                    for item, v in zip(items, values, strict=True)
                }
                data = data.assign({variable: _together(label, rows)}).assign_coords({label: list(rows)})
        return data.assign_attrs(currency=self.market.currency, zone=self.horizon.zone)

    @cached_property
    def demands(self) -> tuple[Delivery, ...]:
        """Deliveries that go on in time: all but orders."""
        return tuple(delivery for delivery in self.deliveries if delivery.amount_t is None)

    def with_inputs(self, inputs: xr.Dataset) -> Scenario:
        """The same scenario with its series already resolved (read back from a stored run)."""
        copy = self.model_copy()
        copy._inputs = inputs
        return copy

    def mistakes(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What is wrong between the nouns: the place and the message, one for each mistake."""
        for place, says in self.site.mistakes():
            yield ("site", *place), says
        for i, stage in enumerate(self.line.stages):
            for j, given in enumerate(stage.gives):
                if given.carrier not in self.site.carrier or given.carrier == ELECTRICITY:
                    known = ", ".join(list(self.site.carrier)[1:]) or "none"
                    says = f"{given.carrier!r} is no carrier that the line can give; those of the site are {known}"
                    yield ("line", "stages", i, "gives", j, "carrier"), says
                elif not self.site.carrier[given.carrier].dumps and not any(
                    given.carrier in (name for _, name in asset.touches()) for asset in self.site.assets
                ):
                    says = f"{given.carrier!r} may not be let go and no asset takes it; add one, or say dump: true"
                    yield ("line", "stages", i, "gives", j, "carrier"), says
        yield from flow_sheet.mistakes(self)
        yield from _mistakes_of_market(self)
        yield from _mistakes_of_orders(self)
        if any(heat for order in self.orders for heat in order.heats if heat.grade not in self.line.grade):
            return
        yield from _mistakes_of_times(self)
        yield from _mistakes_of_locks(self)
        yield from _mistakes_of_state(self)
        yield from _mistakes_of_goal(self)


def _together(label: str, rows: dict[str, Resolved]) -> tuple[tuple[str, str], np.ndarray, dict[str, Any]]:
    """Several series as one variable."""
    filled = {name: found for name, found in rows.items() if found.filled}
    attrs = {
        "source": ", ".join(sorted({found.source for found in rows.values()})),
        "filled": sum(found.filled for found in filled.values()),
        "first_filled": next((f"{name} {found.first_filled}" for name, found in filled.items()), ""),
    }
    return (label, "time"), np.array([found.values for found in rows.values()]), attrs


def mode_name(process: Process, mode: Mode) -> str:
    """What a mode is called where modes of all processes stand side by side."""
    return process.name if mode.name == process.name else f"{process.name}, {mode.name}"


def series_name(asset: str, wanted: Wanted) -> str:
    """Label of an asset's series in ``inputs``."""
    return f"{asset}.{wanted.key}"


def _mistakes_of_market(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    market = scenario.market
    for place, says in contracts.mistakes(scenario):
        yield ("market", *place), says
    if market.tariff is None:
        if market.tariff_before != Before():
            yield ("market", "tariff_before"), "is what a tariff remembers, and there is no tariff"
        return
    if market.tariff.currency not in (None, market.currency):
        yield (
            ("market", "tariff", "currency"),
            f"is {market.tariff.currency}, that of the market is {market.currency}; there are no exchange rates",
        )
    if market.tariff_before.peak_mw and scenario.state.peak_so_far_mw:
        yield ("market", "tariff_before", "peak_mw"), "is told by state.peak_so_far_mw too; leave one of them out"
    try:
        _ = scenario.rates
    except ValueError as error:
        field = str(error).partition(":")[0].split(" ")[0]
        place = ("market", "tariff_before") if field in Before.model_fields else ("market", "tariff")
        if field == "peak_mw" and not market.tariff_before.peak_mw:
            place = ("state", "peak_so_far_mw")
        yield place, str(error)


def _mistakes_of_orders(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    line = scenario.line
    if scenario.orders and not line.stages:
        yield ("orders",), "there are orders but no line to make them on; give line"
        return
    if line.stages and not scenario.orders:
        yield ("orders",), "is required where there is a line: at least one order"
    names: set[str] = set()
    count = 0
    for i, order in enumerate(scenario.orders):
        if order.name in names:
            yield ("orders", i, "name"), f"order name {order.name!r} used twice"
        names.add(order.name)
        for j, entry in enumerate(order.heats):
            count += entry.count
            if entry.grade not in line.grade:
                known = ", ".join(list(line.grade)[:12])
                yield ("orders", i, "heats", j, "grade"), f"unknown grade {entry.grade!r}; grades are {known}"
        last = [unit.name for unit in line.stages[-1].units]
        for k, unit in enumerate(order.units):
            if unit not in last:
                yield ("orders", i, "units", k), f"{unit!r} is no unit of the last stage; those are {', '.join(last)}"
    if count > MOST_HEATS:
        yield ("orders",), f"{count} heats are too many (at most {MOST_HEATS})"


def _mistakes_of_times(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    end = scenario.horizon.length_min
    line = scenario.line
    seen: dict[str, str] = {}
    for heat in scenario.heats:
        if heat.name in seen:
            yield ("orders",), f"heat name {heat.name!r} used twice, in orders {seen[heat.name]} and {heat.order}"
        seen[heat.name] = heat.order
    for i, order in enumerate(scenario.orders):
        for field in ("due", "release"):
            moment = getattr(order, field)
            if moment is not None and not 0 <= scenario.horizon.minutes(moment) <= end:
                yield ("orders", i, field), f"{_clock(scenario, moment)} lies outside the horizon"
        heats = [heat for heat in scenario.heats if heat.order == order.name]
        casting = line.campaign_stage
        if casting is not None:
            units = [unit.name for unit in casting.units if not order.units or unit.name in order.units]
            spans = [_cast_minutes(scenario, heats, unit) for unit in units]
            possible = [span for span in spans if span is not None]
            if not possible:
                yield ("orders", i), f"no unit of stage {casting.name} can take all heats of cast {order.name}"
            elif min(possible) > end:
                yield (
                    ("orders", i),
                    f"cast {order.name} takes {min(possible):g} min, longer than the horizon of {end:g} min",
                )
        elif order.units:
            for heat in heats:
                if all(line.duration_min(heat.grade, unit) is None for unit in order.units):
                    names = ", ".join(order.units)
                    yield ("orders", i, "units"), f"heat {heat.name} of grade {heat.grade.name} cannot run on {names}"
                    break
        for heat in heats:
            shortest = sum(
                min(d for unit in stage.units if (d := line.duration_min(heat.grade, unit.name)) is not None)
                for stage in line.route(heat.grade)
            )
            if shortest > end and not any(s.heat == heat.name for s in scenario.state.started):
                yield ("orders", i), f"heat {heat.name} needs {shortest:g} min at least, the horizon has {end:g} min"
                break


def _cast_minutes(scenario: Scenario, heats: list[Heat], unit: str) -> float | None:
    minutes = [scenario.line.duration_min(heat.grade, unit) for heat in heats]
    return None if None in minutes else sum(m for m in minutes if m is not None)


def _mistakes_of_locks(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    heats = {heat.name: heat for heat in scenario.heats}
    end = scenario.horizon.length_min
    for i, lock in enumerate(scenario.locks):
        problem = _unknown_operation(scenario, heats, lock.heat, lock.stage, lock.unit)
        if problem:
            yield ("locks", i, problem[0]), problem[1]
        for field in ("start", "earliest", "latest"):
            moment = getattr(lock, field)
            if moment is not None and not 0 <= scenario.horizon.minutes(moment) < end:
                yield ("locks", i, field), f"{_clock(scenario, moment)} lies outside the horizon"
        if not problem and lock.start is not None and scenario.goal.minimize != "lateness":
            casting = scenario.line.campaign_stage
            at, step = scenario.horizon.minutes(lock.start), scenario.horizon.step_min
            if at % step and not (casting is not None and casting.name == lock.stage):
                slot = timedelta(minutes=at - at % step)
                near = " or ".join(_clock(scenario, m) for m in (slot, slot + timedelta(minutes=step)))
                yield (
                    ("locks", i, "start"),
                    f"{_clock(scenario, lock.start)} lies between steps of {step:g} min; use {near}",
                )
        if lock.earliest is not None and lock.latest is not None:
            minutes = scenario.horizon.minutes
            if minutes(lock.earliest) > minutes(lock.latest):
                yield ("locks", i), f"lock of heat {lock.heat}: earliest lies after latest"


def _mistakes_of_state(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    heats = {heat.name: heat for heat in scenario.heats}
    for i, started in enumerate(scenario.state.started):
        problem = _unknown_operation(scenario, heats, started.heat, started.stage, started.unit)
        if problem:
            yield ("state", "started", i, problem[0]), problem[1]
        if scenario.horizon.minutes(started.start) > 0:
            yield ("state", "started", i, "start"), "lies after the horizon's start; what has started lies before it"
    for i, outage in enumerate(scenario.state.outages):
        units = [*scenario.line.unit, *(unit for unit, _ in scenario.process_units)]
        if outage.unit not in units:
            yield ("state", "outages", i, "unit"), f"unknown unit {outage.unit!r}; units are {', '.join(units)}"
        if scenario.horizon.minutes(outage.start) >= scenario.horizon.minutes(outage.end):
            yield ("state", "outages", i, "end"), "is not after its start"
    level, battery = scenario.state.battery_level_mwh, scenario.site.battery
    if level is not None and (battery is None or level > battery.energy_mwh):
        room = 0 if battery is None else battery.energy_mwh
        yield ("state", "battery_level_mwh"), f"{level:g} MWh is more than the battery's {room:g} MWh"
    of_processes = [name for unit, process in scenario.process_units for name in (process.name, unit)]
    machines = list(dict.fromkeys([*scenario.line.unit, *of_processes]))
    for kind in ("units", "breakdowns"):
        for i, item in enumerate(getattr(scenario.disturbances, kind)):
            if item.unit not in machines:
                says = f"unknown unit {item.unit!r}; units are {', '.join(machines)}"
                yield ("disturbances", kind, i, "unit"), says
    for place, says in disturbances.mistakes(scenario.disturbances, scenario.line, scenario.site.grid.import_limit_mw):
        yield ("disturbances", *place), says


def _mistakes_of_goal(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if scenario.goal.signal == "marginal" and scenario.market.marginal_carbon_intensity_kg_per_mwh is None:
        yield ("goal", "signal"), "the market gives no marginal_carbon_intensity_kg_per_mwh; use average or give it"
    if scenario.goal.minimize == "lateness" and not scenario.orders:
        yield ("goal", "minimize"), "lateness needs orders; a site alone takes carbon, cost or cost_with_carbon_price"
    if scenario.goal.minimize == "lateness":
        for name in ("cost", "carbon_kg", "peak_mw"):
            if getattr(scenario.goal.caps, name) is not None:
                yield ("goal", "caps", name), "is not kept by the goal lateness; leave it out, or take another goal"
    minutes = scenario.horizon.length_min
    if minutes % scenario.site.grid.metered_interval_min:
        yield (
            ("site", "grid", "metered_interval_min"),
            f"the horizon of {minutes:g} min is not a whole number of metered intervals",
        )


def _unknown_operation(
    scenario: Scenario, heats: dict[str, Heat], name: str, stage: str, unit: str | None
) -> tuple[str, str] | None:
    if name not in heats:
        return "heat", f"unknown heat {name!r}; heats are {', '.join(list(heats)[:6])} …"
    route = scenario.line.route(heats[name].grade)
    names = [part.name for part in route]
    if stage not in names:
        return "stage", f"heat {name} does not run through {stage!r}; its stages are {', '.join(names)}"
    if unit is None:
        return None
    order = next(order for order in scenario.orders if order.name == heats[name].order)
    units = [
        part.name
        for part in route[names.index(stage)].units
        if scenario.line.duration_min(heats[name].grade, part.name) is not None
        and (stage != scenario.line.stages[-1].name or not order.units or part.name in order.units)
    ]
    if unit not in units:
        return "unit", f"heat {name} cannot run on {unit!r}; units of {stage} are {', '.join(units)}"
    return None


def _clock(scenario: Scenario, moment: datetime | timedelta) -> str:
    return scenario.horizon.instant(scenario.horizon.minutes(moment)).isoformat(timespec="minutes")
