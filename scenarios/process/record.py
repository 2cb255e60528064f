"""The process: identical units, the modes in which they run, and how they are switched between them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from scenarios.horizon import Horizon
from scenarios.process.recipe import Mode, Recipe
from scenarios.process.switching import ChangeOver, ChangeOvers, PlannedStop, Span, StartUp
from scenarios.quantity import MegawattHours, TonnesPerHour, in_unit
from scenarios.record import NAME, Record

RampPerHour = Annotated[
    float, BeforeValidator(in_unit("t/h/h"), json_schema_input_type=float | str), Field(gt=0, le=1e6)
]
LONG_H = 10_000.0
"""Hours after which nothing that was counts any more."""


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
