"""Losses due to the time grid: durations that are not whole steps are rounded up, and units wait for the remainder."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from emberline.scenarios.case.line import Unit
from emberline.scenarios.case.scenario import Scenario

CLOSE_MIN = 1e-6
STEPS = tuple(step for step in range(1, 61) if 60 % step == 0)
"""Possible time steps of a horizon [min]."""


@dataclass(frozen=True)
class Rounded:
    """Time that a unit loses due to the time grid."""

    unit: str
    minutes: float
    """Duration, including the following set-up, of the operation with the largest relative loss."""
    steps_min: float
    """Duration of this operation on the time grid."""
    share: float
    """Lost share of the unit's time over all its possible operations."""
    lossless: tuple[int, ...]
    """Finer time steps without losses."""


def rounded(scenario: Scenario) -> tuple[Rounded, ...]:
    """Return the losses of the units of a line that lose time due to the time grid."""
    losses = []
    for unit in scenario.line.units:
        works = _works(scenario, unit)
        step = scenario.horizon.step_min
        lost = _lost(works, step)
        if lost <= CLOSE_MIN:
            continue
        worst = max(works, key=lambda minutes: _up(minutes, step) / minutes)
        lossless = tuple(finer for finer in finer_steps(scenario) if _lost(works, finer) <= CLOSE_MIN)
        share = lost / (lost + sum(works))
        losses.append(Rounded(unit.name, worst, _up(worst, step), share, lossless))
    return tuple(losses)


def finer_steps(scenario: Scenario) -> tuple[int, ...]:
    """Return the possible finer time steps of the horizon, the finest first."""
    horizon = scenario.horizon
    begin = horizon.start_utc.minute
    return tuple(s for s in STEPS if s < horizon.step_min and not begin % s and not horizon.length_min % s)


def worth_a_try(scenario: Scenario) -> tuple[int, ...]:
    """Return the finer time steps with smaller losses than any coarser one, the coarsest first."""
    works = [minutes for unit in scenario.line.units for minutes in _works(scenario, unit)]
    for stage in scenario.line.stages:
        works += sorted({lag.least for lag in scenario.line.lags(stage)} - {0.0})
    least, steps = _lost(works, scenario.horizon.step_min), []
    for step in reversed(finer_steps(scenario)):
        lost = _lost(works, step)
        if lost < least - CLOSE_MIN:
            least = lost
            steps.append(step)
    return tuple(steps)


def dividing(step_min: float, minutes: Iterable[float]) -> int | None:
    """Return the greatest common divisor of a time step and durations in minutes; None if any is not whole."""
    whole = round(step_min)
    for value in minutes:
        if not math.isfinite(value):
            continue
        if abs(value - round(value)) > CLOSE_MIN:
            return None
        whole = math.gcd(whole, abs(round(value)))
    return whole


def _works(scenario: Scenario, unit: Unit) -> list[float]:
    """Return the durations of heats (on the campaign stage: casts) on a unit, including the following set-up [min]."""
    line = scenario.line
    casting = line.stage_of[unit.name].campaign
    works = []
    for _, members in groupby(scenario.heats, key=lambda heat: heat.order):
        minutes = [line.duration_min(heat.grade, unit.name) for heat in members]
        durations = [value for value in minutes if value is not None]
        works += (
            [sum(durations) + unit.setup_min]
            if casting and durations
            else [value + unit.setup_min for value in durations]
        )
    return works


def _up(minutes: float, step: float) -> float:
    return math.ceil((minutes - CLOSE_MIN) / step) * step


def _lost(works: Iterable[float], step: float) -> float:
    return sum(_up(minutes, step) - minutes for minutes in works)
