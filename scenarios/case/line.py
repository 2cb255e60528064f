"""Production line: batches (heats) pass through stages in order, on parallel units. Records and physics."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import pairwise, product
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from emberline.scenarios.energy_states.record import EnergyStates
from emberline.scenarios.records.base import NAME, Misplaced, Record, repeated
from emberline.scenarios.records.emissions import Emissions
from emberline.scenarios.records.quantity import (
    Fraction,
    KelvinPerMinute,
    KilowattHoursPerTonne,
    KilowattHoursPerTonneKelvin,
    Megawatts,
    Minutes,
    PositiveMinutes,
    SignedMinutes,
    Tonnes,
)

Takes = dict[str, Annotated[float, Field(ge=0, le=1e9)]]
"""Amounts of the site's carriers, such as gas or steam, each in the unit of the carrier."""


class Lag(NamedTuple):
    """Limits on the time from the end of an operation to the start of the heat's next operation [min]."""

    least: float
    """Transfer time."""
    most: float
    """Longest wait including the transfer; infinite if there is no limit."""


class Phase(Record):
    """Part of an operation with constant power, such as bore-in, melting or refining."""

    share: Fraction
    """Share of the operation's duration."""
    power_mw: Megawatts


class Unit(Record):
    """A machine of a stage. Its power is either constant or given by phase."""

    name: str = Field(pattern=NAME)
    power_mw: Megawatts | None = None
    phases: tuple[Phase, ...] = ()
    setup_min: Minutes = 0
    """Set-up time between two campaigns, or between two heats if the stage has no campaigns."""
    states: EnergyStates | None = None
    """Power drawn when the unit is not working, including set-up; none: zero."""

    def check(self) -> None:
        if self.phases and self.power_mw is not None:
            raise ValueError(f"unit {self.name}: give power_mw or phases, not both; one power needs no phases")
        if self.phases and abs(sum(phase.share for phase in self.phases) - 1) > 1e-9:
            total = sum(phase.share for phase in self.phases)
            raise Misplaced(f"unit {self.name}: the shares of its phases add up to {total:g}, must be 1", "phases")

    @property
    def profile(self) -> tuple[Phase, ...]:
        """Phases in order; a single phase if the power is constant."""
        return self.phases or (Phase(share=1.0, power_mw=self.power_mw or 0.0),)

    @property
    def mean_mw(self) -> float:
        """Mean power over an operation [MW]."""
        return sum(phase.share * phase.power_mw for phase in self.profile)


class Gives(Record):
    """Waste heat or gas that a stage supplies while working, proportional to its electricity consumption."""

    carrier: str = Field(pattern=NAME)
    """One of the site's carriers."""
    per_mwh: float = Field(gt=0, le=1e6)
    """Amount of the carrier per MWh of electricity, excluding reheating."""


class Stage(Record):
    """A production step with its parallel units."""

    name: str = Field(pattern=NAME)
    units: tuple[Unit, ...] = Field(min_length=1, max_length=200)
    transfer_min: Minutes = 0
    """Transfer time to the next stage, unless ``transfers`` lists the pair of units."""
    longest_wait_min: Minutes | None = None
    """Longest time until the start of the next stage, including the transfer; 0: no wait; none: no limit."""
    campaign: bool = False
    """Whether the heats of an order follow each other without a gap on one unit (continuous casting)."""
    emissions: Emissions = ()
    gives: tuple[Gives, ...] = ()

    def check(self) -> None:
        twice = repeated(stream.carrier for stream in self.gives)
        if twice:
            raise Misplaced(f"stage {self.name}: gives names {', '.join(twice)} twice", "gives")


class Transfer(Record):
    """Transfer time between two units."""

    start: str
    """Unit from which heats are transferred."""
    end: str
    """Unit to which heats are transferred."""
    minutes: Minutes


class HeatLoss(Record):
    """Temperature loss of a waiting heat, compensated by extra energy in the reheating stage (ladle furnace).

    A heat cools from the end of one stage to the start of the next. The nominal energy already includes the losses
    during the quickest transfer between the two stages.
    """

    rate_k_per_min: KelvinPerMinute
    reheat_kwh_per_t_k: KilowattHoursPerTonneKelvin
    reheating_stage: str

    @property
    def kwh_per_t_min(self) -> float:
        """Energy to compensate for one minute of waiting [kWh/t/min]."""
        return self.rate_k_per_min * self.reheat_kwh_per_t_k


class Grade(Record):
    """Type of heat: mass, durations and energy.

    The keys of ``duration_min`` and ``energy_kwh_per_t`` are stages or, if units differ, units. A stage without a
    duration is not part of the grade's route. If no energy is given, it is computed from the power of the unit.
    """

    name: str = Field(pattern=NAME)
    mass_t: Tonnes
    duration_min: dict[str, PositiveMinutes] = Field(min_length=1)
    energy_kwh_per_t: dict[str, KilowattHoursPerTonne] = Field(default_factory=dict)
    takes: Takes = Field(default_factory=dict)
    """Amounts of the site's carriers that a heat consumes, evenly over its duration; only on a line of one stage."""


class Changeover(Record):
    """Changeover between two consecutive heats on a unit, by their grades."""

    unit: str
    before: str
    """Grade of the first heat."""
    after: str
    """Grade of the second heat."""
    setup_min: SignedMinutes
    """Time from the end of the first heat to the start of the second, instead of the unit's set-up time; negative: the
    second enters before the first has left, as in a continuous furnace."""
    takes: Takes = Field(default_factory=dict)
    """Amounts of the site's carriers that the changeover consumes during the second heat."""


class Line(Record):
    """Stages in order, grades, transfers and heat loss."""

    stages: tuple[Stage, ...] = Field(min_length=1, max_length=20)
    grades: tuple[Grade, ...] = Field(min_length=1, max_length=2000)
    transfers: tuple[Transfer, ...] = ()
    heat_loss: HeatLoss | None = None
    changeovers: tuple[Changeover, ...] = Field(default=(), max_length=100_000)
    """Sequence-dependent set-up times on a line of one stage; pairs of grades not listed have the unit's set-up time.

    Such a line can be simulated but not planned."""

    def check(self) -> None:
        self._check_sequence()
        self._check_names()

    def _check_sequence(self) -> None:
        if (self.changeovers or any(grade.takes for grade in self.grades)) and (
            len(self.stages) > 1 or self.campaign_stage is not None
        ):
            text = "changeovers, and what grades take of carriers, are possible on a line of one stage without campaign"
            raise Misplaced(text, "changeovers" if self.changeovers else "grades")
        pairs: set[tuple[str, str, str]] = set()
        for i, changeover in enumerate(self.changeovers):
            for field, names, kind in (
                ("unit", self.unit, "unit"),
                ("before", self.grade, "grade"),
                ("after", self.grade, "grade"),
            ):
                if getattr(changeover, field) not in names:
                    text = f"{getattr(changeover, field)[:40]!r} is not a {kind} of this line"
                    raise Misplaced(text, "changeovers", i, field)
            key = changeover.unit, changeover.before, changeover.after
            if key in pairs:
                raise Misplaced(
                    f"{changeover.unit}: {changeover.before} to {changeover.after} is given twice", "changeovers", i
                )
            pairs.add(key)
            least = -(self.duration_min(self.grade[changeover.before], changeover.unit) or 0.0)
            if changeover.setup_min < least:
                text = f"{changeover.setup_min:g} min lies before the start of the heat before, {least:g} min"
                raise Misplaced(text, "changeovers", i, "setup_min")

    def _check_names(self) -> None:
        stages = [stage.name for stage in self.stages]
        units = [unit.name for unit in self.units]
        grades = [grade.name for grade in self.grades]
        for kind, names, field in (("stage or unit", stages + units, "stages"), ("grade", grades, "grades")):
            twice = repeated(names)
            if twice:
                raise Misplaced(f"{kind} name used twice: {', '.join(twice)}", field)
        for i, grade in enumerate(self.grades):
            for field in ("duration_min", "energy_kwh_per_t"):
                for place in getattr(grade, field):
                    if place not in stages and place not in units:
                        text = f"grade {grade.name}: {field} names {place[:40]!r}, not a stage or unit of this line"
                        raise Misplaced(text, "grades", i, field, place)
            for stage in self.stages:
                places = {stage.name, *(unit.name for unit in stage.units)}
                if places & set(grade.energy_kwh_per_t) and not places & set(grade.duration_min):
                    text = f"grade {grade.name}: energy_kwh_per_t names {stage.name!r}, duration_min does not"
                    raise Misplaced(text, "grades", i)
            if not self.route(grade):
                raise Misplaced(f"grade {grade.name} runs through no stage", "grades", i, "duration_min")
        for i, transfer in enumerate(self.transfers):
            for field in ("start", "end"):
                end = getattr(transfer, field)
                if end not in units:
                    text = f"{end[:40]!r} is not a unit of this line; units are {', '.join(units)}"
                    raise Misplaced(text, "transfers", i, field)
        if self.heat_loss and self.heat_loss.reheating_stage not in stages:
            text = f"{self.heat_loss.reheating_stage[:40]!r} is not a stage of this line; it has {', '.join(stages)}"
            raise Misplaced(text, "heat_loss", "reheating_stage")
        if self.heat_loss and any(s.campaign and s.name == self.heat_loss.reheating_stage for s in self.stages):
            text = f"{self.heat_loss.reheating_stage!r} casts without a gap; name one before it"
            raise Misplaced(text, "heat_loss", "reheating_stage")
        for i, stage in enumerate(self.stages[:-1]):
            if stage.campaign:
                raise Misplaced("campaigns are possible in the last stage only", "stages", i, "campaign")
            slowest = max((lag.least for lag in self.lags(stage)), default=0.0)
            if stage.longest_wait_min is not None and slowest > stage.longest_wait_min:
                text = (
                    f"stage {stage.name}: longest_wait_min {stage.longest_wait_min:g} is shorter than the longest "
                    f"transfer of {slowest:g} min"
                )
                raise Misplaced(text, "stages", i, "longest_wait_min")

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """Units of all stages, in order."""
        return tuple(unit for stage in self.stages for unit in stage.units)

    @cached_property
    def gives(self) -> dict[str, np.ndarray]:
        """Supply of each carrier by each stage per MWh of electricity, excluding reheating, shape (n_stages,)."""
        shares: dict[str, np.ndarray] = {}
        for i, stage in enumerate(self.stages):
            for stream in stage.gives:
                shares.setdefault(stream.carrier, np.zeros(len(self.stages)))[i] = stream.per_mwh
        return shares

    @cached_property
    def stage_of(self) -> dict[str, Stage]:
        """Stages by name of the unit."""
        return {unit.name: stage for stage in self.stages for unit in stage.units}

    @cached_property
    def unit(self) -> dict[str, Unit]:
        """Units by name."""
        return {unit.name: unit for unit in self.units}

    @cached_property
    def grade(self) -> dict[str, Grade]:
        """Grades by name."""
        return {grade.name: grade for grade in self.grades}

    @cached_property
    def campaign_stage(self) -> Stage | None:
        """Stage with campaigns, if any."""
        return next((stage for stage in self.stages if stage.campaign), None)

    @cached_property
    def _changeover(self) -> dict[tuple[str, str, str], Changeover]:
        return {(changeover.unit, changeover.before, changeover.after): changeover for changeover in self.changeovers}

    def setup_min(self, unit: str, before: str, after: str) -> float:
        """Return the time from the end of a heat to the start of the next, by grades [min]; negative: they overlap."""
        changeover = self._changeover.get((unit, before, after))
        return self.unit[unit].setup_min if changeover is None else changeover.setup_min

    def changeover_takes(self, unit: str, before: str, after: str) -> Takes:
        """Return the amounts of the site's carriers that a changeover between two grades consumes."""
        changeover = self._changeover.get((unit, before, after))
        return {} if changeover is None else changeover.takes

    @cached_property
    def takes(self) -> tuple[str, ...]:
        """Carriers that heats and changeovers consume."""
        every = [*(grade.takes for grade in self.grades), *(changeover.takes for changeover in self.changeovers)]
        return tuple(dict.fromkeys(carrier for takes in every for carrier in takes))

    @cached_property
    def _transfer(self) -> dict[tuple[str, str], float]:
        return {(transfer.start, transfer.end): transfer.minutes for transfer in self.transfers}

    def transfer_min(self, start: str, end: str) -> float:
        """Return the transfer time from one unit to another [min]."""
        return self._transfer.get((start, end), self.stage_of[start].transfer_min)

    def lag(self, grade: Grade, start: str, end: str) -> Lag:
        """Return the limits on the time from the end of a heat on one unit to its start on another.

        All models and all checks use this method.
        """
        longest = self.stage_of[start].longest_wait_min
        return Lag(self.transfer_min(start, end), math.inf if longest is None else longest)

    def lags(self, stage: Stage, *grades: Grade) -> list[Lag]:
        """Return the lags from a stage to the next on all possible pairs of units, for the given grades or for all."""
        return [
            self.lag(grade, a, b)
            for grade in grades or self.grades
            for here, there in pairwise(self.route(grade))
            if here.name == stage.name
            for a, b in product(self.able(grade, here), self.able(grade, there))
        ]

    def quickest_min(self, start: str, end: str) -> float:
        """Return the shortest transfer time from any unit of one stage to any unit of another [min]."""
        here, there = (next(stage.units for stage in self.stages if stage.name == name) for name in (start, end))
        return min(self.transfer_min(a.name, b.name) for a in here for b in there)

    def duration_min(self, grade: Grade, unit: str) -> float | None:
        """Return the nominal duration of a heat of this grade on a unit [min]; None if it cannot run there."""
        stage = self.stage_of[unit]
        special = grade.duration_min.get(unit)
        return special if special is not None else grade.duration_min.get(stage.name)

    def route(self, grade: Grade) -> tuple[Stage, ...]:
        """Return the stages through which a grade passes, in order."""
        return tuple(stage for stage in self.stages if self.able(grade, stage))

    def able(self, grade: Grade, stage: Stage) -> list[str]:
        """Return the names of the units of a stage that can process heats of a grade."""
        return [unit.name for unit in stage.units if self.duration_min(grade, unit.name) is not None]

    def energy_mwh(self, grade: Grade, unit: str) -> float:
        """Return the nominal electricity of a heat of this grade on a unit [MWh], excluding reheating."""
        stage = self.stage_of[unit]
        per_tonne = grade.energy_kwh_per_t.get(unit, grade.energy_kwh_per_t.get(stage.name))
        if per_tonne is not None:
            return per_tonne * grade.mass_t / 1000
        return self.unit[unit].mean_mw * (self.duration_min(grade, unit) or 0.0) / 60

    def reheat_mwh_per_min(self, grade: Grade) -> float:
        """Return the extra energy of the reheating stage per minute of waiting before it [MWh/min].

        The wait is the time between the end of a stage and the start of the next minus the quickest transfer between
        the two, at least zero, summed over the stages up to the reheating stage.
        """
        return 0.0 if self.heat_loss is None else self.heat_loss.kwh_per_t_min * grade.mass_t / 1000


def phase_power(unit: Unit, energy_mwh: float, duration_min: float) -> tuple[np.ndarray, np.ndarray]:
    """Compute the power of an operation by phase, scaled to draw the given energy in the given time.

    Returns:
        ends: end of each phase after the start [min], shape (n_phases,)
        power: power in each phase [MW], shape (n_phases,)
    """
    shares = np.array([phase.share for phase in unit.profile])
    power = np.array([phase.power_mw for phase in unit.profile])
    mean = float(shares @ power)
    target_mw = energy_mwh * 60 / duration_min
    power = power * (target_mw / mean) if mean > 0 else np.full(len(shares), target_mw)
    return np.cumsum(shares) * duration_min, power
