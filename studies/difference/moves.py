"""Heats that are scheduled differently in two plans, and the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from emberline.planning.answer.uses import WORTH_TELLING, mean_over, signal, signal_text
from emberline.planning.plan.record import Plan
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.plain import Plain
from emberline.studies.difference.keys import KeyChange


@dataclass(frozen=True)
class StageMove(Plain):
    """One operation of a heat in two plans; starts are minutes after each plan's start, None if the operation is
    absent."""

    also = ("later_min",)
    stage: str
    before_min: float | None
    after_min: float | None
    before_unit: str
    after_unit: str

    @property
    def later_min(self) -> float | None:
        """Change of the start [min]; negative: earlier."""
        if self.before_min is None or self.after_min is None:
            return None
        return self.after_min - self.before_min


@dataclass(frozen=True)
class HeatMove(Plain):
    """Heat that is scheduled differently, described by its moved stage with the highest electricity use."""

    also = ("says",)
    heat: str
    number: int
    """Number of the heat among all, from 1."""
    stage: str
    stages: tuple[StageMove, ...] = field(repr=False)
    """All operations that moved."""
    because: str = ""

    @property
    def main(self) -> StageMove:
        """Operation at ``stage``."""
        return next(move for move in self.stages if move.stage == self.stage)

    @property
    def says(self) -> str:
        """Move in words."""
        move = self.main
        label = self.heat if self.heat == str(self.number) else f"{self.number} ({self.heat})"
        if move.before_min is None or move.after_min is None:
            return f"heat {label} is only in the {'second' if move.before_min is None else 'first'} plan"
        later = move.later_min or 0.0
        changes = [f"{'later' if later > 0 else 'earlier'} by {span(abs(later))}"] if abs(later) > SAME_MIN else []
        if move.before_unit != move.after_unit:
            changes.append(f"on {move.after_unit} instead of {move.before_unit}")
        text = f"heat {label} {' and '.join(changes)} ({move.stage})"
        return f"{text}, because {self.because}" if self.because else text


SAME_MIN = 1e-6


def span(minutes: float) -> str:
    """Format a duration: 45 min, 3 h 15 min."""
    if minutes < 120:
        return f"{minutes:g} min"
    hours, remaining = divmod(minutes, 60)
    return f"{hours:g} h{f' {remaining:g} min' if remaining else ''}"


THEN = {
    "average": mark("carbon intensity is {new} instead of {old} {unit} then"),
    "marginal": mark("marginal carbon intensity is {new} instead of {old} {unit} then"),
    "price": mark("electricity costs {new} instead of {old} {unit} then"),
}
"""Reasons for cleaner or cheaper energy at the new time, by the signal of the goal."""
SUN_MW = 0.5
"""Difference of PV output below which it is not given as a reason."""


def moves(before: Plan, after: Plan, keys: Sequence[KeyChange] = ()) -> Iterator[HeatMove]:
    """Yield heats of both plans that start at another time or on another unit, in their order, with the reason.

    Args:
        before, after: plans with schedules.
        keys: differences between their scenarios.
    """
    assert before.schedule is not None
    assert after.schedule is not None
    heat_moves = list(moved(after.scenario, before.schedule, after.schedule))
    reasons = _Reasons(before, after, keys, {move.heat for move in heat_moves})
    for move in heat_moves:
        yield HeatMove(move.heat, move.number, move.stage, move.stages, reasons.of(move))


def same_heats(one: Scenario, two: Scenario) -> bool | None:
    """Return whether at least half of the heats of two scenarios are the same, by name and grade; None: one has
    none."""
    names, others = ({(heat.name, heat.grade.name) for heat in scenario.heats} for scenario in (one, two))
    return 2 * len(names & others) >= max(len(names), len(others)) if names and others else None


def moved(scenario: Scenario, one: xr.Dataset, two: xr.Dataset) -> Iterator[HeatMove]:
    """Yield heats that are scheduled differently in the second of two schedules, without reason.

    Args:
        scenario: scenario of the second schedule.
        one, two: datasets of table ``SCHEDULE``.
    """
    names = two["heat"].values.tolist()
    for heat in dict.fromkeys([*names, *one["heat"].values.tolist()]):
        stages = tuple(_stages(one, two, heat))
        if stages:
            number = names.index(heat) + 1 if heat in names else one["heat"].values.tolist().index(heat) + 1
            yield HeatMove(heat, number, hungriest(scenario, heat, [move.stage for move in stages]), stages)


def _stages(one: xr.Dataset, two: xr.Dataset, heat: str) -> Iterator[StageMove]:
    for stage in dict.fromkeys([*two["stage"].values.tolist(), *one["stage"].values.tolist()]):
        (a, unit_a), (b, unit_b) = _at(one, heat, stage), _at(two, heat, stage)
        same = a == b if a is None or b is None else abs(a - b) <= SAME_MIN and unit_a == unit_b
        if not same:
            yield StageMove(stage, a, b, unit_a, unit_b)


def _at(schedule: xr.Dataset, heat: str, stage: str) -> tuple[float | None, str]:
    if heat not in schedule["heat"].values or stage not in schedule["stage"].values:
        return None, ""
    placement = schedule.sel(heat=heat, stage=stage)
    start = float(placement["start_min"])
    return (None, "") if np.isnan(start) else (start, str(placement["unit"].item()))


def hungriest(scenario: Scenario, heat: str, stages: list[str]) -> str:
    """Return the stage at which a heat draws most electricity among some."""
    line = scenario.line
    batch = next((item for item in scenario.heats if item.name == heat), None)
    if batch is None:
        return stages[0]
    energy_mwh = {
        stage.name: max((line.energy_mwh(batch.grade, unit) for unit in line.able(batch.grade, stage)), default=-1.0)
        for stage in line.stages
    }
    return max(stages, key=lambda name: (energy_mwh.get(name, -1.0), -stages.index(name)))


class _Reasons:
    """Reasons why heats moved, from the data of both plans."""

    def __init__(self, before: Plan, after: Plan, keys: Sequence[KeyChange], moved: set[str]) -> None:
        self.before, self.after, self.keys, self.moved = before, after, keys, moved
        self.scenario = after.scenario
        self.worth, self.signal, self.unit = signal(after)
        self.sun = self.scenario.inputs["pv_available_mw"].to_numpy()
        self.order = {heat.name: heat.order for heat in self.scenario.heats}

    def of(self, move: HeatMove) -> str:
        """Return the first reason that the data show; empty if there is none."""
        main = move.main
        if main.before_min is None or main.after_min is None:
            return self._scenario(move)
        for reason in (self._scenario, self._energy, self._unit, self._company):
            text = reason(move)
            if text:
                return text
        return ""

    def _scenario(self, move: HeatMove) -> str:
        """A due time, a release, a lock or an outage that changed for this heat."""
        main, order = move.main, self.order.get(move.heat, "")
        for key in self.keys:
            parts = key.key.split(".")
            if parts[:2] == ["orders", order] and len(parts) > 2:
                text = mark("order {order} has {key} {new} instead of {old}")
                return Message(text, order=order, key=parts[-1], new=_short(key.after), old=_short(key.before))
        locks = [
            {(lock.stage, lock.model_dump_json()) for lock in plan.scenario.locks if lock.heat == move.heat}
            for plan in (self.before, self.after)
        ]
        if locks[0] != locks[1]:
            changed = min(stage for stage, _ in locks[0] ^ locks[1])
            if locks[1] - locks[0]:
                return Message("it is locked at {stage}", stage=changed)
            return Message("it is no longer locked at {stage}", stage=changed)
        # a heat that the first plan does not have cannot have been displaced
        out = main.before_min is not None and self._outage(main.before_unit, main.before_min, self.after, move)
        return Message("{unit} is not available then", unit=main.before_unit) if out else ""

    def _outage(self, unit: str, at: float, plan: Plan, move: HeatMove) -> bool:
        """Return whether a unit has an outage at a heat's old place only in the second plan."""
        end = at + self._minutes(self.before, move)
        before, after = (
            any(begin < end - SAME_MIN and over > at + SAME_MIN for begin, over in scenario.outages.get(unit, ()))
            for scenario in (self.before.scenario, plan.scenario)
        )
        return after and not before

    def _minutes(self, plan: Plan, move: HeatMove) -> float:
        assert plan.schedule is not None
        placement = plan.schedule.sel(heat=move.heat, stage=move.stage)
        return float(placement["end_min"] - placement["start_min"])

    def _mean(self, values: np.ndarray, at: float, minutes: float) -> float:
        return mean_over(values, self.scenario.horizon.step_min, at, minutes)

    def _energy(self, move: HeatMove) -> str:
        """Cleaner or cheaper electricity, or more sun, at the new time."""
        main = move.main
        assert main.before_min is not None
        assert main.after_min is not None
        minutes = self._minutes(self.after, move)
        old, new = (self._mean(self.worth, at, minutes) for at in (main.before_min, main.after_min))
        energy = sun = ""
        if new < old - WORTH_TELLING * abs(old):
            energy = Message(THEN[self.signal], new=signal_text(new), old=signal_text(old), unit=self.unit)
        less, more = (self._mean(self.sun, at, minutes) for at in (main.before_min, main.after_min))
        if more > less + SUN_MW:
            sun = Message("PV gives {new:.1f} instead of {old:.1f} MW then", new=more, old=less)
        return Message("{energy} and {sun}", energy=energy, sun=sun) if energy and sun else energy or sun

    def _unit(self, move: HeatMove) -> str:
        """Another heat that has moved to the old place."""
        main, schedule = move.main, self.after.schedule
        assert schedule is not None
        assert main.before_min is not None
        end = main.before_min + self._minutes(self.before, move)
        for heat in schedule["heat"].values.tolist():
            if heat == move.heat or heat not in self.moved:
                continue
            placement = schedule.sel(heat=heat, stage=move.stage)
            begin, over = float(placement["start_min"]), float(placement["end_min"])
            if str(placement["unit"].item()) == main.before_unit and begin < end and over > main.before_min:
                text = mark("{unit} is busy with heat {heat} until {time} instead")
                time = self.scenario.horizon.instant(over)
                return Message(text, unit=main.before_unit, heat=heat, time=time)
        return ""

    def _company(self, move: HeatMove) -> str:
        """Heats of the same order that move with it."""
        order = self.order.get(move.heat)
        others = [heat for heat in self.moved if heat != move.heat and self.order.get(heat) == order]
        return Message("it goes with order {order}", order=order) if others and order is not None else ""


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
