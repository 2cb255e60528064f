"""Continuous processes: identical units, their modes, and switching between modes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from emberline.scenarios.process.recipe import Mode, Recipe
from emberline.scenarios.records.base import NAME, Misplaced, Place, Record, repeated
from emberline.scenarios.records.horizon import Horizon, Moment
from emberline.scenarios.records.orders import RunLock
from emberline.scenarios.records.quantity import Hours, MegawattHours, Minutes, TonnesPerHour, read_in

Span = Annotated[float, read_in("h"), Field(ge=0, le=10_000)]
"""Non-negative duration [h]."""
OffSpec = Annotated[float, read_in("t"), Field(ge=0, le=1e6)]
"""Non-negative mass [t]."""
Gigajoules = Annotated[float, read_in("GJ"), Field(ge=0, le=1e7)]


class StartUp(Record):
    """Start-up from standstill to production."""

    hours: Span = 0.0
    energy_mwh: MegawattHours = 0.0
    """Electricity, spread evenly over the steps of the start-up (or the first step of the run if it takes no time)."""
    heat_gj: Gigajoules = 0.0
    """Heat from the usual fuel mix of the first mode, spread over the same steps."""
    off_spec_t: OffSpec = 0.0
    """Product lost at the beginning of the run; its inputs and energy are still consumed."""
    cold_after_h: Span = 0.0
    """After a shorter breakdown, the start-up is proportional to the standstill; planned stops count as cold."""


class ChangeOver(Record):
    """Changeover from one mode to another without a standstill."""

    minutes: Minutes = 0.0
    """Duration without production; the only electricity consumed is ``energy_mwh``."""
    energy_mwh: MegawattHours = 0.0
    off_spec_t: OffSpec = 0.0
    """Product lost at the beginning of the next mode."""


class Between(ChangeOver):
    """Changeover between two specific modes."""

    start: str
    """Mode before the changeover."""
    end: str
    """Mode after the changeover."""


class ChangeOvers(ChangeOver):
    """Default changeover between modes, and exceptions for specific pairs."""

    between: tuple[Between, ...] = ()


class PlannedStop(Record):
    """Stop that must take place within the horizon, at any time within its limits."""

    hours: Hours
    earliest: Moment | None = None
    """Earliest start; none: the start of the horizon."""
    latest: Moment | None = None
    """Latest start; none: as late as the horizon permits."""


RampPerHour = Annotated[float, read_in("t/h/h"), Field(gt=0, le=1e6)]
LONG_H = 10_000.0
"""Duration that satisfies any minimum run or down time [h]."""


class UnitState(Record):
    """State of a unit at the start of the horizon."""

    mode: str | None = None
    """Present mode; none: stopped."""
    since_h: Span = LONG_H
    """Time since it was last switched; by default long enough to be switched again."""
    rate_tph: TonnesPerHour | None = None
    """Present rate, for ramps; none: any."""
    ready_in_h: Span = 0.0
    """Time until production begins: the remainder of a start-up or changeover to its mode."""
    leaves: str | None = None
    """Mode before the changeover in progress; none: it starts up."""
    off_spec_t: OffSpec = 0.0
    """Off-spec product still to be made."""
    repair_h: Span = 0.0
    """Time until the end of its repair. It broke down ``since_h`` ago and will resume its mode after a start-up in
    proportion to the standstill."""


def _states(raw: Any) -> Any:
    """Wrap the state of a single unit in a list."""
    return [raw] if isinstance(raw, dict) else raw


class Process(Recipe):
    """Continuous process with one or several identical units."""

    name: str = Field(pattern=NAME)
    count: int = Field(default=1, ge=1, le=50)
    """Number of identical units."""
    modes: tuple[Mode, ...] = ()
    change_over: ChangeOvers = ChangeOvers()
    min_run_h: Span = 0.0
    """Minimum length of a run in one mode."""
    min_rest_h: Span = 0.0
    start_up: StartUp = StartUp()
    ramp_tph_per_h: RampPerHour | None = None
    """Largest change of a unit's rate per hour while it runs."""
    must_run: bool = False
    """Whether all units run throughout the horizon, except for planned stops."""
    planned_stop: PlannedStop | None = None
    daily_energy_mwh: MegawattHours | None = None
    """Electricity that all units together must consume on each local day; reduced proportionally on a day that is only
    partly within the horizon."""
    first_day_mwh: MegawattHours | None = None
    """Electricity still to be consumed on the first local day; none: in proportion to the part within the horizon."""
    state: Annotated[
        tuple[UnitState, ...], BeforeValidator(_states, json_schema_input_type=UnitState | tuple[UnitState, ...])
    ] = ()
    """States of the units in order. The remaining units are stopped or, with ``must_run``, run in the first mode."""

    def check(self) -> None:
        super().check()
        twice = repeated(mode.name for mode in self.modes)
        if twice:
            raise self._wrong(f"mode {', '.join(twice)} is named twice", "modes")
        for i, mode in enumerate(self.all_modes):
            self._fits(mode, ("modes", i) if self.modes else ())
        self._switched()
        if len(self.state) > self.count:
            raise self._wrong(f"state of {len(self.state)} units, there are {self.count}", "state")
        if self.planned_stop is not None and not self.must_run:
            raise self._wrong("planned_stop belongs to a process with must_run: true", "planned_stop")
        if self.planned_stop is not None and self.count > 1:
            text = "planned_stop applies to a single unit; make each unit a separate process"
            raise self._wrong(text, "planned_stop")
        stopping = self.planned_stop is not None and self.planned_stop.latest == timedelta()
        if self.must_run and not stopping and any(unit.mode is None for unit in self.state):
            raise self._wrong("must_run, but a unit stands still at the start", "state")

    def _wrong(self, text: str, *place: str | int) -> Misplaced:
        return Misplaced(f"process {self.name}: {text}", *place)

    def _fits(self, mode: Mode, place: Place) -> None:
        """Check the rates of a mode against power, state and start-up."""
        rate, rates = mode.rate, [point.rate_tph for point in mode.power_by_rate]
        if rate is None:
            raise self._wrong("rate is required" + (f" in mode {mode.name}" if self.modes else ""), *place, "rate")
        for i, unit in enumerate(self.state):
            if unit.mode == mode.name and unit.rate_tph is not None and not rate.low <= unit.rate_tph <= rate.high:
                text = f"a unit's rate_tph {unit.rate_tph:g} lies outside {rate.low:g} to {rate.high:g} t/h"
                raise self._wrong(text, "state", i, "rate_tph")
        if rates and not rates[0] <= rate.low <= rate.high <= rates[-1]:
            raise self._wrong(
                f"power_by_rate covers {rates[0]:g} to {rates[-1]:g} t/h, rates are {rate.low:g} to {rate.high:g} t/h",
                *(place if not place or "power_by_rate" in self.modes[int(place[1])].model_fields_set else ()),
                "power_by_rate",
            )
        if self.start_up.heat_gj and mode.heat is None:
            raise self._wrong("start_up.heat_gj needs heat with its fuels", "start_up", "heat_gj")

    def _switched(self) -> None:
        """Check that switching refers to existing modes and that every run yields product."""
        names = [mode.name for mode in self.all_modes]
        pairs = [(pair.start, pair.end) for pair in self.change_over.between]
        if len(set(pairs)) < len(pairs) or any(start == end for start, end in pairs):
            text = "change_over.between names two different modes, each pair once"
            raise self._wrong(text, "change_over", "between")
        named: list[tuple[Place, str]] = [
            (("change_over", "between", i, field), getattr(pair, field))
            for i, pair in enumerate(self.change_over.between) for field in ("start", "end")
        ]  # fmt: skip
        named += [
            (("state", i, field), getattr(unit, field))
            for i, unit in enumerate(self.state) for field in ("mode", "leaves") if getattr(unit, field)
        ]  # fmt: skip
        for place, name in named:
            if name not in names:
                raise self._wrong(f"unknown mode {name[:40]!r}; modes are {', '.join(names)}", *place)
        for i, unit in enumerate(self.state):
            lasts_h = self.start_up.hours
            if unit.leaves and unit.mode:
                lasts_h = self.changing(unit.leaves, unit.mode).minutes / 60
            if unit.repair_h and not (self.must_run and unit.mode):
                text = "repair_h is of units that must run, with the mode in which they go on; else give an outage"
                raise self._wrong(text, "state", i, "repair_h")
            if unit.ready_in_h and (unit.mode is None or not lasts_h):
                text = f"a unit is ready in {unit.ready_in_h:g} h, but what it begins with takes no time"
                raise self._wrong(text, "state", i, "ready_in_h")
        losses: dict[Place, float] = {
            ("start_up",): self.start_up.off_spec_t,
            ("change_over",): self.change_over.off_spec_t,
        }
        losses |= {("change_over", "between", i): pair.off_spec_t for i, pair in enumerate(self.change_over.between)}
        where = max(losses, key=lambda place: losses[place])
        lost = losses[where]
        for mode in self.all_modes:
            pace = mode.rates.low or mode.rates.high
            if lost > pace * self.min_run_h * (1 + 1e-9) and not (self.must_run and not self.modes):
                text = (
                    f"{lost:g} t off-spec take {lost / pace:.3g} h in mode {mode.name}, longer than min_run_h "
                    f"{self.min_run_h:g}: a run must give some product"
                )
                raise self._wrong(text, *where, "off_spec_t")

    @cached_property
    def all_modes(self) -> tuple[Mode, ...]:
        """Complete modes; a process without modes has one with its own name."""
        common = {name: getattr(self, name) for name in Recipe.model_fields}
        if not self.modes:
            return (Mode.model_construct(name=self.name, **common),)
        power = ("power_mw", "kwh_per_t", "power_by_rate")
        modes = []
        for mode in self.modes:
            special = {name: getattr(mode, name) for name in mode.model_fields_set}
            # power given in a mode replaces all power keys of the process
            base = {k: v for k, v in common.items() if k not in power} if set(power) & set(special) else common
            blank = {name: field.default for name, field in Recipe.model_fields.items()}
            modes.append(Mode.model_construct(**{**blank, **base, **special}))
        return tuple(modes)

    @cached_property
    def mode(self) -> dict[str, Mode]:
        """Modes by name."""
        return {mode.name: mode for mode in self.all_modes}

    @cached_property
    def units(self) -> tuple[str, ...]:
        """Names of its units: the name of the process, numbered if there are several units."""
        return (self.name,) if self.count == 1 else tuple(f"{self.name} {i + 1}" for i in range(self.count))

    @cached_property
    def start(self) -> tuple[UnitState, ...]:
        """State of each unit at the start of the horizon."""
        remaining = UnitState(mode=self.all_modes[0].name if self.must_run else None)
        return (*self.state, *(remaining for _ in range(self.count - len(self.state))))

    def changing(self, start: str, end: str) -> ChangeOver:
        """Return the changeover between two modes."""
        special = (pair for pair in self.change_over.between if (pair.start, pair.end) == (start, end))
        return next(special, self.change_over)

    @property
    def change_overs(self) -> tuple[ChangeOver, ...]:
        """The default changeover and all exceptions."""
        return (self.change_over, *self.change_over.between)

    @cached_property
    def uniform(self) -> bool:
        """Whether all changeovers are equal."""
        return not self.change_over.between

    def days(self, horizon: Horizon) -> list[tuple[range, float]]:
        """Return the steps of each local day and the electricity to consume in them [MWh]; empty if not required."""
        if self.daily_energy_mwh is None:
            return []
        return horizon.by_day(self.daily_energy_mwh, self.first_day_mwh)

    def stop_window(self, horizon: Horizon) -> tuple[int, int, int] | None:
        """Return the first and last start of the planned stop and its length, in steps; None if there is none."""
        stop = self.planned_stop
        if stop is None:
            return None
        first = 0.0 if stop.earliest is None else horizon.minutes(stop.earliest)
        last = horizon.length_min - stop.hours * 60 if stop.latest is None else horizon.minutes(stop.latest)
        length = in_steps(stop.hours, horizon.step_h)
        latest = min(int(last // horizon.step_min), horizon.n_steps - length)
        return min(in_steps(first / 60, horizon.step_h), latest), latest, length


def in_steps(hours: float, step_h: float) -> int:
    """Return the number of steps that cover a duration."""
    return math.ceil(hours / step_h - 1e-9)


def _named(process: Process) -> Iterator[tuple[Place, str]]:
    """Iterate over the place within the record and the name of each store and carrier of a process."""
    recipes: list[tuple[Place, Recipe]] = [((), process)]
    recipes += [(("modes", i), mode) for i, mode in enumerate(process.modes)]
    for place, recipe in recipes:
        for side in ("inputs", "outputs"):
            for i, stream in enumerate(getattr(recipe, side)):
                yield (*place, side, i, "carrier" if stream.store is None else "store"), stream.place
        for i, fuel in enumerate(recipe.heat.fuels if recipe.heat else ()):
            yield (*place, "heat", "fuels", i, "carrier"), fuel.carrier


def carriers_of(process: Process) -> Iterator[tuple[Place, str]]:
    """Iterate over the place within the record and the name of each carrier of a process."""
    return ((place, name) for place, name in _named(process) if place[-1] == "carrier")


def stores_of(process: Process) -> Iterator[tuple[Place, str]]:
    """Iterate over the place within the record and the name of each store of a process."""
    return ((place, name) for place, name in _named(process) if place[-1] == "store")


def moves_runs(process: Process, locks: Sequence[RunLock]) -> bool:
    """Return whether the runs of a process can be replanned independently, that is, affect only stores."""
    bound = process.must_run or process.ramp_tph_per_h or process.daily_energy_mwh
    locked = any(lock.process == process.name for lock in locks)
    return not (bound or locked or any(True for _ in carriers_of(process)))
