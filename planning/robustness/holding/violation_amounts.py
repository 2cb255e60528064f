"""Violations of a schedule on the training days: the amount of each, beyond its tolerance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr

from emberline.planning.engine.engine import Engine
from emberline.planning.plan.replay_outcome import Followed
from emberline.scenarios import Case

DAY_MIN = 1440.0
PART = 5
"""Maximum number of days per task, small so that cancelling takes effect soon."""


class Limit(NamedTuple):
    """Limit that can be violated."""

    kind: str
    stage: str
    """Stage or process; empty if there is none."""
    unit: str


@dataclass(frozen=True)
class ViolationAmounts:
    """Violations of one schedule on disturbed days."""

    scenario: Case
    limits: tuple[Limit, ...]
    amount: np.ndarray
    """Largest violation of each limit on each day, 0 if it is kept, shape (n_days, n_limits)."""
    broken_days: np.ndarray
    """Number of 24 h days with a violation in each replay of a longer horizon, shape (n_days,)."""

    @property
    def n(self) -> int:
        """Number of days."""
        return len(self.amount)

    @property
    def successes(self) -> int:
        """Number of days without a violation."""
        return int((self.amount <= 0).all(axis=1).sum())


def violation_amounts(
    scenario: Case,
    schedule: xr.Dataset,
    replications: int,
    engine: Engine,
    *,
    seed: int,
    cancel: Callable[[], bool] | None = None,
) -> ViolationAmounts | None:
    """Follow a schedule under disturbances and collect its violations.

    Args:
        scenario: scenario of the schedule.
        schedule: table ``SCHEDULE``.
        replications: number of days.
        engine: engine that runs the replays.
        seed: random seed of the disturbances.
        cancel: polled; True stops and returns the leading days that are complete.

    Returns:
        Violations of the days; None: no day is complete.
    """
    size = max(1, min(PART, replications // (4 * engine.workers)))
    parts = [range(at, min(at + size, replications)) for at in range(0, replications, size)]
    by_place = {
        piece.place: piece.unwrap()
        for piece in engine.each(_part, Followed(scenario, schedule, None, seed), parts, cancel)
    }
    whole = next((place for place in range(len(parts)) if place not in by_place), len(parts))
    days = [day for place in range(whole) for day in by_place[place]]
    if not days:
        return None
    limits = sorted({limit for day, _ in days for limit in day})
    amount = np.zeros((len(days), len(limits)))
    for row, (day, _) in enumerate(days):
        for limit, most in day.items():
            amount[row, limits.index(limit)] = most
    return ViolationAmounts(scenario, tuple(limits), amount, np.array([broken for _, broken in days]))


def _part(followed: Followed, replications: range) -> list[tuple[dict[Limit, float], int]]:
    """Return the largest violation of each limit on each day, and the number of 24 h days with a violation."""
    from emberline import twin

    scenario = followed.scenario
    stage_of = {name: stage.name for name, stage in scenario.line.stage_of.items()}
    stage_of |= {unit: process.name for unit, process in scenario.process_units}
    tolerance = scenario.tolerances.of
    days: list[tuple[dict[Limit, float], int]] = []
    last = math.ceil(scenario.horizon.length_min / DAY_MIN) - 1
    for rows in twin.violations(scenario, followed.schedule, replications, seed=followed.seed):
        day, parts = dict[Limit, float](), set[int]()
        for row in rows:
            if row.amount > tolerance(row.kind):
                limit = Limit(str(row.kind), stage_of.get(row.unit, ""), row.unit)
                day[limit] = max(day.get(limit, 0.0), row.amount)
                parts.add(min(int(row.at_min // DAY_MIN), last))
        days.append((day, len(parts)))
    return days
