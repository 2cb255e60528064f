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
from pydantic import Field, PrivateAttr

from scenarios.datasets import INPUTS, check
from scenarios.disturbances import Disturbances
from scenarios.goal import Goal
from scenarios.horizon import Horizon
from scenarios.line import Grade, Line
from scenarios.market import Market
from scenarios.orders import Lock, Order
from scenarios.record import Record
from scenarios.series import Resolved, Series, resolve
from scenarios.site import Site
from scenarios.state import State

MOST_HEATS = 5000


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
    """What is asked: plant, orders, market, horizon, state, disturbances and goal."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$")
    title: str = Field(default="", max_length=200)
    description: str = Field(default="", max_length=5000)
    horizon: Horizon
    line: Line
    orders: tuple[Order, ...] = Field(min_length=1)
    locks: tuple[Lock, ...] = ()
    site: Site = Field(default_factory=Site)
    market: Market
    state: State = Field(default_factory=State)
    disturbances: Disturbances = Field(default_factory=Disturbances)
    goal: Goal = Field(default_factory=Goal)

    _folder: Path = PrivateAttr(default=Path("."))
    _inputs: xr.Dataset | None = PrivateAttr(default=None)

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

    @property
    def tonnes(self) -> float:
        """Tonnes that all orders add up to [t]."""
        return sum(heat.grade.mass_t for heat in self.heats)

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

    def series(self) -> Iterator[tuple[str, tuple[str, ...], Series, str]]:
        """Name in ``INPUTS``, place in the scenario, series and unit of measure, for each series that is given."""
        money = f"{self.market.currency}/MWh"
        yield "price_per_mwh", ("market", "price_per_mwh"), self.market.price_per_mwh, money
        if self.market.export_price_per_mwh is not None:
            yield "export_price_per_mwh", ("market", "export_price_per_mwh"), self.market.export_price_per_mwh, money
        intensity = "carbon_intensity_kg_per_mwh"
        yield intensity, ("market", intensity), self.market.carbon_intensity_kg_per_mwh, "kg/MWh"
        marginal = self.market.marginal_carbon_intensity_kg_per_mwh
        if marginal is not None:
            yield f"marginal_{intensity}", ("market", f"marginal_{intensity}"), marginal, "kg/MWh"
        yield "base_load_mw", ("site", "base_load_mw"), self.site.base_load_mw, "MW"
        if self.site.pv is not None:
            yield "pv_available_mw", ("site", "pv", "capacity_factor"), self.site.pv.capacity_factor, ""

    def resolve_one(self, name: str, series: Series, unit: str) -> Resolved:
        """One series on the scenario's steps."""
        found = resolve(series, self.horizon, unit, self._folder)
        lowest = found.values.min()
        if name not in ("price_per_mwh", "export_price_per_mwh") and lowest < 0:
            raise ValueError(f"{found.source}: negative value {lowest:g} {unit}")
        return found

    def _resolve(self) -> xr.Dataset:
        columns: dict[str, Any] = {}
        for name, _, series, unit in self.series():
            found = self.resolve_one(name, series, unit)
            attrs = {"source": found.source, "filled": found.filled, "first_filled": found.first_filled}
            columns[name] = ("time", found.values, attrs)
        zeros = np.zeros(self.horizon.n_steps)
        columns.setdefault("export_price_per_mwh", ("time", zeros, {"source": "none", "filled": 0, "first_filled": ""}))
        pv = columns.get("pv_available_mw", ("time", zeros, {"source": "none", "filled": 0, "first_filled": ""}))
        columns["pv_available_mw"] = ("time", pv[1] * (self.site.pv.peak_mw if self.site.pv else 0.0), pv[2])
        data = xr.Dataset(columns, coords={"time": self.horizon.times})
        return data.assign_attrs(currency=self.market.currency, zone=self.horizon.zone)

    def with_inputs(self, inputs: xr.Dataset) -> Scenario:
        """The same scenario with its series already resolved (read back from a stored run)."""
        copy = self.model_copy()
        copy._inputs = inputs
        return copy

    def mistakes(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What is wrong between the nouns: the place and the message, one for each mistake."""
        yield from _mistakes_of_orders(self)
        if any(heat for order in self.orders for heat in order.heats if heat.grade not in self.line.grade):
            return
        yield from _mistakes_of_times(self)
        yield from _mistakes_of_locks(self)
        yield from _mistakes_of_state(self)
        yield from _mistakes_of_goal(self)


def _mistakes_of_orders(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    line = scenario.line
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
        if outage.unit not in scenario.line.unit:
            known = ", ".join(scenario.line.unit)
            yield ("state", "outages", i, "unit"), f"unknown unit {outage.unit!r}; units are {known}"
        if scenario.horizon.minutes(outage.start) >= scenario.horizon.minutes(outage.end):
            yield ("state", "outages", i, "end"), "is not after its start"
    level, battery = scenario.state.battery_level_mwh, scenario.site.battery
    if level is not None and (battery is None or level > battery.energy_mwh):
        room = 0 if battery is None else battery.energy_mwh
        yield ("state", "battery_level_mwh"), f"{level:g} MWh is more than the battery's {room:g} MWh"
    for kind in ("units", "breakdowns"):
        for i, item in enumerate(getattr(scenario.disturbances, kind)):
            if item.unit not in scenario.line.unit:
                known = ", ".join(scenario.line.unit)
                yield ("disturbances", kind, i, "unit"), f"unknown unit {item.unit!r}; units are {known}"


def _mistakes_of_goal(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if scenario.goal.signal == "marginal" and scenario.market.marginal_carbon_intensity_kg_per_mwh is None:
        yield ("goal", "signal"), "the market gives no marginal_carbon_intensity_kg_per_mwh; use average or give it"
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
