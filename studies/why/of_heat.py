"""Alternatives for a heat: earlier, later, at the baseline's time, on another unit, without its lock."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import xarray as xr

from emberline.models import explain, line
from emberline.models.search import schedule as schedules
from emberline.models.strategies import redispatch
from emberline.planning.answer.uses import SIGNALS, WORTH_TELLING, mean_over, signal, signal_text
from emberline.planning.plan.replan import first_stage, lock, moving_together, pinned, unlocked, with_locks
from emberline.scenarios import Problem, Scenario, ScenarioError
from emberline.scenarios.case.scenario import Heat
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.records.orders import Lock
from emberline.studies.difference.moves import THEN, hungriest, moved
from emberline.studies.why.answer import Answer, Slot
from emberline.studies.why.limits import Line
from emberline.studies.why.resolver import Resolver
from emberline.studies.why.tuning import WHY

AT, NOT_BEFORE, NOT_AFTER = mark("at {time}"), mark("not before {time}"), mark("not after {time}")


@dataclass(frozen=True)
class Operation:
    """Subject of the question: a heat at a stage, or the cast to which it belongs."""

    heat: Heat
    """For a cast its first heat, which determines the places of the others."""
    number: int
    """Number of the requested heat among all, from 1."""
    stage: str
    start_min: float
    unit: str
    cast: bool

    @property
    def label(self) -> Message:
        """Heat or cast that moves, in words."""
        if self.cast:
            return Message("cast {order}", order=self.heat.order)
        return Message("heat {heat} at {stage}", heat=self.heat.name, stage=self.stage)


def operation(resolver: Resolver, text: str, stage: str | None) -> Operation:
    """Return the operation that the question is about.

    Args:
        resolver: resolver of the stored plan.
        text: name of the heat, or its number among all heats, from 1.
        stage: stage of the heat; None: the one with the highest electricity use that has not begun.

    Raises:
        ScenarioError: there is no such heat or stage, or it has begun.
    """
    scenario, schedule = resolver.scenario, resolver.schedule
    heats = list(scenario.heats)
    by_name = {heat.name: heat for heat in heats}
    match = by_name.get(text)
    if match is None and text.isdigit() and 1 <= int(text) <= len(heats):
        match = heats[int(text) - 1]
    if match is None:
        allowed = f"1 to {len(heats)}, or {', '.join(list(by_name)[:6])} …" if heats else "there are none"
        raise ScenarioError([Problem("--heat", "", f"{text!r} is no heat of this run; heats are {allowed}")])
    heat = match
    started = {item.stage for item in scenario.state.started if item.heat == heat.name}
    first = first_stage(scenario, heat.name)
    route = [part.name for part in scenario.line.route(heat.grade)]
    stages = route[route.index(first) :] if first else []
    if stage is None and stages:
        stage = hungriest(scenario, heat.name, stages)
    if stage is None or stage in started or stage not in stages:
        place = "it has completed all its stages" if not stages else f"its remaining stages are {', '.join(stages)}"
        label = f"heat {heat.name} at {stage}" if stage else f"heat {heat.name}"
        raise ScenarioError([Problem("--stage" if stage else "--heat", "", f"{label} cannot be moved: {place}")])
    casting = scenario.line.campaign_stage
    cast = casting is not None and casting.name == stage
    number = heats.index(heat) + 1
    if cast:
        heat = next(item for item in heats if item.order == heat.order)
    placement = schedule.sel(heat=heat.name, stage=stage)
    return Operation(heat, number, stage, float(placement["start_min"]), str(placement["unit"].item()), cast)


class OfHeat:
    """Answers about one operation."""

    def __init__(self, resolver: Resolver, operation: Operation) -> None:
        self.resolver, self.operation = resolver, operation
        self.scenario, self.schedule = resolver.scenario, resolver.schedule
        self.free = with_locks(self.scenario, unlocked(self.scenario, (operation.heat.name, operation.stage)))
        self.problem = line.from_scenario(self.free, resolver.plan.envelope, like=self.schedule)
        self.step = self.problem.step_min
        starts = line.from_schedule(self.problem, self.schedule)
        assert starts is not None, "a stored schedule lies on the model's slots"
        self.line = Line(self.free, self.problem, starts)
        stages = [stage.name for stage in self.scenario.line.stages]
        self.key = self.line.key(list(self.scenario.heats).index(operation.heat), stages.index(operation.stage))

    def facts(self) -> Iterator[str]:
        """Place of the operation and the goal's signal there, in words."""
        subject, horizon = self.operation, self.scenario.horizon
        end = float(self.schedule["end_min"].sel(heat=subject.heat.name, stage=subject.stage))
        begin, until = horizon.instant(subject.start_min), f"{horizon.instant(end):%H:%M}"
        text = mark("{heat} is on {unit}, {begin} to {end}")
        yield Message(text, heat=subject.label, unit=subject.unit, begin=begin, end=until)
        worth, kind, unit = signal(self.resolver.plan)
        here, mean = signal_text(self._mean(worth, subject.start_min)), signal_text(float(worth.mean()))
        text = mark("{signal} then is {here} {unit}, {mean} over the horizon")
        yield Message(text, signal=Message(SIGNALS[kind]), here=here, unit=unit, mean=mean)
        pin = self._own_lock()
        if pin is not None:
            yield Message("it is locked: {lock}", lock=in_words(self.scenario, pin))

    def _own_lock(self) -> Lock | None:
        mine = moving_together(self.scenario, self.operation.heat.name, self.operation.stage)
        return next((item for item in self.scenario.locks if (item.heat, item.stage) in mine), None)

    def questions(self, at_min: float | None, every: bool) -> list[tuple[str, str, Lock | None]]:
        """Key, words and lock of each alternative; no lock: the operation is freed."""
        subject, at = self.operation, self.operation.start_min
        options: list[tuple[str, str, Lock | None]] = []
        if self._own_lock() is not None:
            options.append(("freed", Message("{heat} freed of its lock", heat=subject.label), None))
        if at_min is not None:
            return [*options, ("at", self._at(at_min), self._pin(at_min))]
        if at - self.step >= -1e-9:
            window = Lock(heat=subject.heat.name, stage=subject.stage, latest=timedelta(minutes=at - self.step))
            options.append(("earlier", Message("{heat} earlier", heat=subject.label), window))
        if at + self.step < self.scenario.horizon.length_min - 1e-9:
            window = Lock(heat=subject.heat.name, stage=subject.stage, earliest=timedelta(minutes=at + self.step))
            options.append(("later", Message("{heat} later", heat=subject.label), window))
        baseline = float(self._placement(self.resolver.listed)["start_min"])
        if abs(baseline - at) > 1e-6:  # heats left out by the baseline have none
            time = self.scenario.horizon.instant(baseline)
            text = Message("{heat} at the baseline's time, {time}", heat=subject.label, time=time)
            options.append(("baseline", text, self._pin(baseline)))
        units = (self.problem.units[u] for u in self.problem.work(self.key).units)
        for unit in (unit for unit in units if unit != subject.unit):
            unit_lock = Lock(heat=subject.heat.name, stage=subject.stage, unit=unit)
            options.append(("unit", Message("{heat} on {unit}", heat=subject.label, unit=unit), unit_lock))
        if every:
            for slot in self._starts():
                minute = slot * self.step
                if abs(minute - at) > 1e-6 and minute % self.scenario.horizon.step_min == 0:
                    options.append(("at", self._at(minute), self._pin(minute)))
        return options

    def _at(self, minute: float) -> Message:
        """Operation at a time, in words."""
        return Message("{heat} at {time}", heat=self.operation.label, time=self.scenario.horizon.instant(minute))

    def _pin(self, minute: float) -> Lock:
        """Lock to a start at a time, on any unit."""
        subject = self.operation
        pin = lock(self.scenario, self.schedule, subject.heat.name, subject.stage, minute)
        return pin.model_copy(update={"unit": None})

    def _starts(self) -> range:
        """Slots in which it could start with regard to release and due time."""
        if self.key[0] < 0:
            cast = self.problem.casts[self.key[1]]
            return range(min(cast.first.values()), max(cast.last.values()) + 1)
        slot_operation = self.problem.heats[self.key[0]].operations[self.key[1]]
        return range(slot_operation.first, slot_operation.last + 1)

    def answer(self, key: str, text: str, pin: Lock | None) -> Answer:
        """Plan again with another lock on the operation, or without its lock."""
        locks = self.free.locks if pin is None else pinned(self.free, [pin])
        variant = with_locks(self.scenario, locks)
        reply, dispatches = self.resolver.ask_near(key, text, variant, target=self._shifted(pin))
        at, unit = self.operation.start_min, self.operation.unit
        if reply.schedule is not None:
            placement = self._placement(reply.schedule)
            at, unit = float(placement["start_min"]), str(placement["unit"].item())
        limits = (*self._limits(key, pin, at, unit), *self.resolver.held_up(dispatches))
        if reply.status in schedules.RULED_OUT:
            limits = (*explain.missing(variant, self.resolver.plan.envelope), *limits)
        if reply.schedule is None:
            return replace(reply, limits=limits)
        moves = moved(self.scenario, self.schedule, reply.schedule)
        others = tuple(move for move in moves if move.heat != self.operation.heat.name)
        return replace(reply, start_min=at, unit=unit, limits=limits, because=self._because(at), moves=others)

    def _shifted(self, pin: Lock | None) -> xr.Dataset:
        """Stored schedule with all stages of the heat, or of the whole cast, moved along with the operation."""
        moments = () if pin is None else (pin.start, pin.latest, pin.earliest)
        moment = next((moment for moment in moments if moment is not None), None)
        if moment is None:
            return self.schedule
        return self._moved(self.scenario.horizon.minutes(moment), whole=True)

    def _limits(self, key: str, pin: Lock | None, at: float, unit: str) -> tuple[str, ...]:
        """Limits that prevent a move with everything else as planned: to the next slot, or to the requested place."""
        if key == "freed" or pin is None:
            return ()
        u = self.problem.units.index(unit) if unit != self.operation.unit else None
        slot = round(at / self.step)
        if key in ("earlier", "later"):
            slot, u = round(self.operation.start_min / self.step) + (-1 if key == "earlier" else 1), None
        elif pin.start is not None:
            slot = round(self.scenario.horizon.minutes(pin.start) / self.step)
        elif key == "unit":
            u, slot = self.problem.units.index(str(pin.unit)), round(self.operation.start_min / self.step)
        return tuple(self.line.in_the_way(self.key, slot, u))

    def _mean(self, values: np.ndarray, at: float) -> float:
        """Mean of a series over the operation, for a given start."""
        placement = self._placement(self.schedule)
        minutes = float(placement["end_min"] - placement["start_min"])
        return mean_over(values, self.scenario.horizon.step_min, at, minutes)

    def _placement(self, schedule: xr.Dataset) -> xr.Dataset:
        """Unit, start and end of the operation in a schedule."""
        return schedule.sel(heat=self.operation.heat.name, stage=self.operation.stage)

    def _because(self, at: float) -> str:
        """Value of electricity by the goal at another start and at the planned one, in words."""
        worth, kind, unit = signal(self.resolver.plan)
        here, there = self._mean(worth, self.operation.start_min), self._mean(worth, at)
        if not abs(there - here) > WORTH_TELLING * abs(here):
            return ""
        return Message(THEN[kind], new=signal_text(there), old=signal_text(here), unit=unit)

    def slots(self) -> tuple[Slot, ...]:
        """All starts of the operation with the others fixed, with the limits that prevent them."""
        starts = self._starts()
        if len(starts) > WHY.slots:
            return ()
        site = redispatch.Redispatch(self.scenario, self.resolver.plan.envelope, None)
        here = site.least(self.schedule)
        rows = []
        for slot in starts:
            if self.resolver.over:
                break
            limits = tuple(self.line.in_the_way(self.key, slot))
            more = None
            if not limits:
                rank = site.least(self._moved(slot * self.step))
                more = None if math.isinf(rank) else rank - here
                limits = (Message("the import limit, or what the site can do"),) if more is None else ()
            rows.append(Slot(slot * self.step, limits, more))
        return tuple(rows)

    def _moved(self, at: float, *, whole: bool = False) -> xr.Dataset:
        """Stored schedule with the operation, or its whole cast, moved to another time [min].

        Args:
            at: new start.
            whole: whether all other stages of its heats move along.
        """
        begin, subject = self.schedule["start_min"].to_numpy(), self.operation
        names = [heat.name for heat in self.scenario.heats if subject.cast and heat.order == subject.heat.order]
        mine = np.isin(self.schedule["heat"].values, names or [subject.heat.name])[:, None]
        mine = mine & (whole | (self.schedule["stage"].values == subject.stage))[None, :]
        by = at - subject.start_min
        return self.schedule.assign(start_min=(("heat", "stage"), np.where(mine, begin + by, begin)))


def in_words(scenario: Scenario, one: Lock) -> str:
    """Lock in words."""
    minutes = scenario.horizon.minutes
    parts = [Message("on {unit}", unit=one.unit)] if one.unit is not None else []
    for label, moment in ((AT, one.start), (NOT_BEFORE, one.earliest), (NOT_AFTER, one.latest)):
        if moment is not None:
            parts.append(Message(label, time=scenario.horizon.instant(minutes(moment))))
    return Message("heat {heat} at {stage} {parts}", heat=one.heat, stage=one.stage, parts=tuple(parts))
