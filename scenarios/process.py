"""A process: what runs continuously, switched or modulated, between stores. Kiln, mill, crusher.

Rates count in tonnes per hour of what the process is measured by, mostly its main product; every flow, its power and
its heat follow from the rate. A grade of product is a mode. Record and pure physics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from scenarios.assets.quantity import of_unit
from scenarios.horizon import Horizon, Moment
from scenarios.line import Emission
from scenarios.quantity import (
    Fraction,
    Hours,
    KilowattHoursPerTonne,
    MegawattHours,
    Megawatts,
    Minutes,
    TonnesPerHour,
    in_unit,
)
from scenarios.record import NAME, Record

Span = Annotated[float, BeforeValidator(in_unit("h"), json_schema_input_type=float | str), Field(ge=0, le=10_000)]
"""Hours, nought included."""
OffSpec = Annotated[float, BeforeValidator(in_unit("t"), json_schema_input_type=float | str), Field(ge=0, le=1e6)]
"""Tonnes, nought included."""
Gigajoules = Annotated[float, BeforeValidator(in_unit("GJ"), json_schema_input_type=float | str), Field(ge=0, le=1e7)]
GigajoulesPerTonne = Annotated[
    float, BeforeValidator(in_unit("GJ/t"), json_schema_input_type=float | str), Field(gt=0, le=1e4)
]
RampPerHour = Annotated[
    float, BeforeValidator(in_unit("t/h/h"), json_schema_input_type=float | str), Field(gt=0, le=1e6)
]
PER_TONNE = WithJsonSchema({"type": ["number", "string"], "description": "per tonne: a number, or with its unit"})
GJ_PER_MWH = 3.6
LONG_H = 10_000.0
"""Hours after which nothing that was counts any more."""


class Rate(Record):
    """The rates at which a process may run."""

    low: TonnesPerHour
    high: TonnesPerHour = Field(gt=0)
    usual: TonnesPerHour | None = None
    """What the foreman sets; none: the highest."""

    @model_validator(mode="after")
    def _ordered(self) -> Rate:
        if self.low > self.high:
            raise ValueError(f"low {self.low:g} t/h lies above high {self.high:g} t/h")
        if self.usual is not None and not self.low <= self.usual <= self.high:
            raise ValueError(f"usual {self.usual:g} t/h lies outside {self.low:g} to {self.high:g} t/h")
        return self

    @property
    def foreman(self) -> float:
        """Rate that the foreman sets [t/h]."""
        return self.high if self.usual is None else self.usual

    @property
    def fixed(self) -> bool:
        """Whether there is one rate only."""
        return self.low == self.high


def _rate(raw: Any, info: ValidationInfo) -> Any:
    """A fixed rate may be written as one quantity."""
    if isinstance(raw, str | int | float) and not isinstance(raw, bool):
        value = in_unit("t/h")(raw, info)
        return {"low": value, "high": value}
    return raw


OneOrRange = Annotated[Rate, BeforeValidator(_rate, json_schema_input_type=float | str | Rate)]


class PowerPoint(Record):
    """Electric power at a rate."""

    rate_tph: TonnesPerHour
    power_mw: Megawatts


class Stream(Record):
    """What a process takes from or gives to a store, or a carrier of the site, for each tonne of its rate."""

    store: str | None = None
    carrier: str | None = None
    per_t: Annotated[float, Field(ge=0, le=1e6), PER_TONNE] = 1.0
    """Tonnes for each tonne; of a carrier its unit (MWh, t, Nm3) for each tonne."""

    @field_validator("per_t", mode="before")
    @classmethod
    def _unit(cls, raw: Any, info: ValidationInfo) -> Any:
        carrier = info.data.get("carrier")
        if carrier is None:
            return in_unit("t/t")(raw, info)
        return of_unit("{unit}/t", carrier, raw, info)

    @model_validator(mode="after")
    def _one(self) -> Stream:
        if (self.store is None) == (self.carrier is None):
            raise ValueError("a flow names a store or a carrier, one of them")
        if self.carrier is not None and "per_t" not in self.model_fields_set:
            raise ValueError(f"carrier {self.carrier}: per_t is required, what flows for each tonne")
        return self

    @property
    def place(self) -> str:
        """The store or carrier."""
        return self.store or self.carrier or ""


class Fuel(Record):
    """A part of the fuel mix."""

    carrier: str = Field(pattern=NAME)
    share: Fraction
    """Usual share of the heat: what the foreman burns, and what a start-up takes."""
    least: Fraction = 0.0
    most: Fraction = 1.0
    """Limits of the share in each step."""

    @model_validator(mode="after")
    def _within(self) -> Fuel:
        if not self.least - 1e-12 <= self.share <= self.most + 1e-12:
            raise ValueError(f"fuel {self.carrier}: share {self.share:g} lies outside {self.least:g} to {self.most:g}")
        return self


class Heat(Record):
    """Heat demand by tonne and the fuels that serve it, net calorific values."""

    gj_per_t: GigajoulesPerTonne
    fuels: tuple[Fuel, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _mix(self) -> Heat:
        names = [fuel.carrier for fuel in self.fuels]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"fuel {', '.join(twice)} is named twice")
        total = sum(fuel.share for fuel in self.fuels)
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the shares of the fuels add up to {total:g}, must be 1")
        return self

    @property
    def mwh_per_t(self) -> float:
        """Heat for each tonne [MWh/t]."""
        return self.gj_per_t / GJ_PER_MWH


class Recipe(Record):
    """How a process runs: its rates and what goes with them."""

    rate: OneOrRange | None = None
    power_mw: Megawatts | None = None
    """Drawn whenever it runs, whatever the rate."""
    kwh_per_t: KilowattHoursPerTonne | None = None
    """Drawn for each tonne besides."""
    power_by_rate: tuple[PowerPoint, ...] = ()
    """Power at some rates instead, linear between them."""
    inputs: tuple[Stream, ...] = ()
    outputs: tuple[Stream, ...] = ()
    heat: Heat | None = None
    emissions: tuple[Emission, ...] = ()
    """Direct emissions by tonne that no fuel's factor holds: calcination, electrodes, anodes."""

    @model_validator(mode="after")
    def _curve(self) -> Recipe:
        points = self.power_by_rate
        if points and (self.power_mw is not None or self.kwh_per_t is not None):
            raise ValueError("give power_by_rate, or power_mw and kwh_per_t, not both")
        rates = [point.rate_tph for point in points]
        if points and (len(points) < 2 or rates != sorted(set(rates))):
            raise ValueError("power_by_rate needs at least two rates, rising")
        for side in ("inputs", "outputs"):
            places = [stream.place for stream in getattr(self, side)]
            twice = sorted({name for name in places if places.count(name) > 1})
            if twice:
                raise ValueError(f"{side} name {', '.join(twice)} twice")
        return self


class Mode(Recipe):
    """A way of running, mostly a grade of product. What it leaves out is the process's own."""

    name: str = Field(pattern=NAME)

    @property
    def rates(self) -> Rate:
        """Its rates, which a process makes sure of."""
        assert self.rate is not None
        return self.rate

    def power_at(self, rate_tph: np.ndarray | float) -> np.ndarray:
        """Electric power while it runs at a rate [MW], shape of ``rate_tph``."""
        if self.power_by_rate:
            rates = [point.rate_tph for point in self.power_by_rate]
            return np.asarray(np.interp(rate_tph, rates, [point.power_mw for point in self.power_by_rate]))
        return np.asarray((self.power_mw or 0.0) + (self.kwh_per_t or 0.0) / 1000 * np.asarray(rate_tph, dtype=float))

    @cached_property
    def knots(self) -> tuple[tuple[float, float], ...]:
        """Rate [t/h] and power [MW] between which power is linear, from the lowest to the highest rate."""
        low, high = self.rates.low, self.rates.high
        inside = {point.rate_tph for point in self.power_by_rate if low < point.rate_tph < high}
        return tuple((rate, float(self.power_at(rate))) for rate in sorted({low, high, *inside}))

    def off_spec_t(self, total_t: float, from_h: float, until_h: float) -> float:
        """What is off-spec of the product made between two moments of a run [t].

        Args:
            total_t: off-spec product of the run's beginning.
            from_h, until_h: hours after the run has begun.

        The beginning gives off-spec product at the mode's lowest rate (the highest, where that is nought) until
        ``total_t`` are made; what is made besides is good.
        """
        pace = self.rates.low or self.rates.high
        return pace * max(min(until_h, total_t / pace) - max(from_h, 0.0), 0.0)


class StartUp(Record):
    """From standstill to product."""

    hours: Span = 0.0
    energy_mwh: MegawattHours = 0.0
    """Electricity, spread evenly over the whole steps that the hours take (the first step of the run where they are
    none)."""
    heat_gj: Gigajoules = 0.0
    """Heat by the usual mix of fuels of the mode that it starts in, spread likewise."""
    off_spec_t: OffSpec = 0.0
    """Product that is lost when the run begins; its inputs and energy are spent."""
    cold_after_h: Span = 0.0
    """After a breakdown shorter than this it starts in proportion to the standstill; planned stops count as cold."""


class ChangeOver(Record):
    """From one mode to another without a standstill between."""

    minutes: Minutes = 0.0
    """Without product; it draws no power meanwhile but ``energy_mwh``."""
    energy_mwh: MegawattHours = 0.0
    off_spec_t: OffSpec = 0.0
    """Product that is lost when the next mode begins."""


class Between(ChangeOver):
    """A change-over between two certain modes."""

    start: str
    """The mode that is left."""
    end: str
    """The mode that follows."""


class ChangeOvers(ChangeOver):
    """Change-overs between all modes, and those that differ."""

    between: tuple[Between, ...] = ()


class PlannedStop(Record):
    """A stop that has to be made within the horizon; when is free within its limits."""

    hours: Hours
    earliest: Moment | None = None
    """Earliest beginning; none: the start of the horizon."""
    latest: Moment | None = None
    """Latest beginning; none: as late as it fits."""


class UnitState(Record):
    """How a unit stands when the horizon begins."""

    mode: str | None = None
    """Mode in which it runs; none: it stands still."""
    since_h: Span = LONG_H
    """For how long; unless told, long enough to be switched."""
    rate_tph: TonnesPerHour | None = None
    """Its rate, for ramps; none: any."""


def _states(raw: Any) -> Any:
    """The state of one unit may be written without a list."""
    return [raw] if isinstance(raw, dict) else raw


class Process(Recipe):
    """A continuous process of one or several identical units."""

    name: str = Field(pattern=NAME)
    count: int = Field(default=1, ge=1, le=50)
    """Identical units."""
    modes: tuple[Mode, ...] = ()
    change_over: ChangeOvers = ChangeOvers()
    min_run_h: Span = 0.0
    """Least length of a run in one mode."""
    min_rest_h: Span = 0.0
    start_up: StartUp = StartUp()
    ramp_tph_per_h: RampPerHour | None = None
    """Most that the rate of a unit may change within an hour while it runs."""
    must_run: bool = False
    """All its units run from the first to the last step, but for planned stops."""
    planned_stop: PlannedStop | None = None
    daily_energy_mwh: MegawattHours | None = None
    """Electricity that all units together must draw in each local day; a day that the horizon holds in part takes its
    share."""
    state: Annotated[
        tuple[UnitState, ...], BeforeValidator(_states, json_schema_input_type=UnitState | tuple[UnitState, ...])
    ] = ()
    """Of its units in order. Units that are not named stand still, those that must run do so in the first mode."""

    @model_validator(mode="after")
    def _whole(self) -> Process:
        names = [mode.name for mode in self.modes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"process {self.name}: mode {', '.join(twice)} is named twice")
        for mode in self.all_modes:
            if mode.rate is None:
                raise ValueError(f"process {self.name}: rate is required" + (f" in mode {mode.name}" if names else ""))
            rates = [point.rate_tph for point in mode.power_by_rate]
            if self.state and mode.name in [unit.mode for unit in self.state]:
                told = next((u.rate_tph for u in self.state if u.mode == mode.name and u.rate_tph is not None), None)
                if told is not None and not mode.rate.low <= told <= mode.rate.high:
                    raise ValueError(
                        f"process {self.name}: a unit's rate_tph {told:g} lies outside {mode.rate.low:g} to "
                        f"{mode.rate.high:g} t/h"
                    )
            if rates and not rates[0] <= mode.rate.low <= mode.rate.high <= rates[-1]:
                raise ValueError(
                    f"process {self.name}: power_by_rate covers {rates[0]:g} to {rates[-1]:g} t/h, "
                    f"rates are {mode.rate.low:g} to {mode.rate.high:g} t/h"
                )
            if self.start_up.heat_gj and mode.heat is None:
                raise ValueError(f"process {self.name}: start_up.heat_gj needs heat with its fuels")
        known = [mode.name for mode in self.all_modes]
        asked = [(pair.start, pair.end) for pair in self.change_over.between]
        if len(set(asked)) < len(asked) or any(start == end for start, end in asked):
            raise ValueError(f"process {self.name}: change_over.between names two different modes, each pair once")
        for name in [*(mode for pair in asked for mode in pair), *(unit.mode for unit in self.state if unit.mode)]:
            if name not in known:
                raise ValueError(f"process {self.name}: unknown mode {name!r}; modes are {', '.join(known)}")
        if len(self.state) > self.count:
            raise ValueError(f"process {self.name}: state of {len(self.state)} units, there are {self.count}")
        if self.planned_stop is not None and not self.must_run:
            raise ValueError(f"process {self.name}: planned_stop belongs to a process with must_run: true")
        if self.planned_stop is not None and self.count > 1:
            raise ValueError(f"process {self.name}: planned_stop is for one unit; make each unit a process of its own")
        for mode in self.all_modes:
            lost = max(self.start_up.off_spec_t, *(pair.off_spec_t for pair in self.change_overs))
            pace = mode.rates.low or mode.rates.high
            if lost > pace * self.min_run_h * (1 + 1e-9) and not (self.must_run and not self.modes):
                raise ValueError(
                    f"process {self.name}: {lost:g} t off-spec take {lost / pace:.3g} h in mode {mode.name}, "
                    f"longer than min_run_h {self.min_run_h:g}: a run must give some product"
                )
        if self.must_run and any(unit.mode is None for unit in self.state):
            raise ValueError(f"process {self.name}: must_run, but a unit stands still at the start")
        return self

    @cached_property
    def all_modes(self) -> tuple[Mode, ...]:
        """Its modes, each whole; one of the process's own name where it has none."""
        own = {name: getattr(self, name) for name in Recipe.model_fields}
        if not self.modes:
            return (Mode.model_construct(name=self.name, **own),)
        power = ("power_mw", "kwh_per_t", "power_by_rate")
        found = []
        for mode in self.modes:
            told = {name: getattr(mode, name) for name in mode.model_fields_set}
            # power told in a mode replaces all that the process says of it
            base = {k: v for k, v in own.items() if k not in power} if set(power) & set(told) else own
            blank = {name: field.default for name, field in Recipe.model_fields.items()}
            found.append(Mode.model_construct(**{**blank, **base, **told}))
        return tuple(found)

    @cached_property
    def mode(self) -> dict[str, Mode]:
        """Modes by name."""
        return {mode.name: mode for mode in self.all_modes}

    @cached_property
    def units(self) -> tuple[str, ...]:
        """Names of its units: the process's own where it has one, else with their number."""
        return (self.name,) if self.count == 1 else tuple(f"{self.name} {i + 1}" for i in range(self.count))

    @cached_property
    def start(self) -> tuple[UnitState, ...]:
        """State of every unit at the start."""
        rest = UnitState(mode=self.all_modes[0].name if self.must_run else None)
        return (*self.state, *(rest for _ in range(self.count - len(self.state))))

    def changing(self, start: str, end: str) -> ChangeOver:
        """The change-over between two modes."""
        own = (pair for pair in self.change_over.between if (pair.start, pair.end) == (start, end))
        return next(own, self.change_over)

    @property
    def change_overs(self) -> tuple[ChangeOver, ...]:
        """All change-overs that are told."""
        return (self.change_over, *self.change_over.between)

    @cached_property
    def uniform(self) -> bool:
        """Whether all change-overs are alike."""
        return not self.change_over.between

    def fuels(self) -> Iterator[str]:
        """Carriers that its modes burn, each once."""
        yield from dict.fromkeys(fuel.carrier for mode in self.all_modes if mode.heat for fuel in mode.heat.fuels)

    def days(self, horizon: Horizon) -> list[tuple[range, float]]:
        """Steps of each local day and the electricity that its units must draw in them [MWh]; none: not asked for."""
        if self.daily_energy_mwh is None:
            return []
        return [(steps, share * self.daily_energy_mwh) for steps, share in horizon.local_days()]


def in_steps(hours: float, step_h: float) -> int:
    """Steps that cover some hours."""
    return math.ceil(hours / step_h - 1e-9)


def carriers_of(process: Process) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Place within the record and name of each carrier that a process names."""
    recipes: list[tuple[tuple[str | int, ...], Recipe]] = [((), process)]
    recipes += [(("modes", i), mode) for i, mode in enumerate(process.modes)]
    for place, recipe in recipes:
        for side in ("inputs", "outputs"):
            for i, stream in enumerate(getattr(recipe, side)):
                if stream.carrier is not None:
                    yield (*place, side, i, "carrier"), stream.carrier
        for i, fuel in enumerate(recipe.heat.fuels if recipe.heat else ()):
            yield (*place, "heat", "fuels", i, "carrier"), fuel.carrier


def stores_of(process: Process) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Place within the record and name of each store that a process names."""
    recipes: list[tuple[tuple[str | int, ...], Recipe]] = [((), process)]
    recipes += [(("modes", i), mode) for i, mode in enumerate(process.modes)]
    for place, recipe in recipes:
        for side in ("inputs", "outputs"):
            for i, stream in enumerate(getattr(recipe, side)):
                if stream.store is not None:
                    yield (*place, side, i, "store"), stream.store
