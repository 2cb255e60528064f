"""Disturbed days under a policy: plant and policy together, the same days whoever follows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import xarray as xr

from emberline.planning.loop.loop import Change, Follow, run
from emberline.planning.loop.replan import LineReplan
from emberline.planning.loop.works_replan import WorksReplan
from emberline.scenarios import Case, Problem, ScenarioError
from emberline.scenarios.columns import Columns
from emberline.scenarios.records.replanning import Using
from emberline.twin.plant import LinePlant
from emberline.twin.processes.plant import WorksPlant
from emberline.twin.run import plants

TICK_MIN = 5.0
"""Interval in which a shift sees whether something has happened [min]."""


@dataclass(frozen=True)
class Day:
    """A day, and how often the list was looked at and changed."""

    columns: Columns
    looks: int = 0
    changes: int = 0


def days(
    scenario: Case,
    schedule: xr.Dataset,
    replications: Iterable[int],
    *,
    using: Using = Using.FOLLOW,
    seed: int | None = None,
) -> Iterator[Day]:
    """Disturbed days of a schedule (table ``SCHEDULE``).

    Args:
        scenario: what was asked.
        schedule: what the day begins with.
        replications: of the days.
        using: as printed, or planned again by ``goal.replan``.
        seed: of the random numbers; None: the scenario's.

    Raises:
        ScenarioError: what is not planned again yet.
    """
    if using is Using.REPLAN:
        refuse(scenario)
    seed = scenario.disturbances.seed if seed is None else seed
    begin, policy = plants(scenario, schedule), None
    for replication in replications:
        plant: Any = begin(seed, replication)
        policy = policy or policy_of(plant, using)
        policy.begin(plant.now)
        run(plant, policy)
        yield Day(plant.columns(), policy.looks, policy.changes)


def policy_of(plant: Any, using: Using) -> Follow | Replan:
    """The policy of a plant, from where it stands.

    Raises:
        ScenarioError: as of :func:`refuse`.
    """
    by_rule = isinstance(plant, WorksPlant) and plant.follower.policy is None
    if using is Using.FOLLOW or by_rule:
        return Follow()
    refuse(plant.follower.scenario)
    return Replan(plant)


def refuse(scenario: Case) -> None:
    """Refuse what is not planned again yet.

    Raises:
        ScenarioError: a site alone, or processes of which no runs can be moved.
    """
    if not scenario.can_plan_again:
        site = "is not planned again on disturbed days; lines of heats and runs of processes are"
        runs = "no runs can move: all must run, ramp, have daily energy, carriers or locks"
        problems = [Problem(scenario.name, "processes", runs) for _ in scenario.producers]
        raise ScenarioError(problems or [Problem(scenario.name, "site", site)])


class Replan:
    """The policy of a shift that looks at the clock, on deviation and on breakdown (``goal.replan``), and changes what
    is worth a change."""

    def __init__(self, plant: LinePlant | WorksPlant) -> None:
        """Begin where a plant stands; it serves any number of days that begin with the same list."""
        self._shift: Any = shift(plant)
        self._settings, horizon = self._shift.scenario.goal.replan, self._shift.scenario.horizon
        self._last_min = horizon.length_min
        self._tick_min = TICK_MIN if isinstance(plant, LinePlant) else horizon.step_min
        self.begin(plant.now)

    def begin(self, now_min: float) -> None:
        """A day begins, or goes on from a moment: nothing of what was before counts."""
        self.looks, self.changes = 0, 0
        self._looked, self._late, self._down = now_min, 0.0, frozenset[int]()
        self.at_min = now_min // self._tick_min * self._tick_min
        self._tick()
        self._shift.begin()

    def _tick(self) -> None:
        following = self.at_min + self._tick_min
        self.at_min = following if following < self._last_min else math.inf

    def decide(self, plant: Any) -> Change | None:
        """Another list or schedule from now on; None: nothing is worth a change, or nothing has happened."""
        at, since = self.at_min, self.at_min - self._looked
        self._tick()
        clock = since >= self._settings.every_min
        if not clock and since < self._settings.rest_min:
            return None
        late, down = self._shift.signs(plant)
        if not (clock or late > self._late + self._settings.late_min or down - self._down):
            self._down &= down
            return None
        change = self._shift.decide(plant)
        self.looks, self.changes = self.looks + 1, self.changes + (change is not None)
        self._looked, self._down = at, down
        self._late, _ = self._shift.signs(plant, change)
        return change


def shift(plant: LinePlant | WorksPlant) -> LineReplan | WorksReplan:
    """Signs and decisions of a shift at a plant, for any number of days that begin with the same schedule."""
    return LineReplan(plant.follower) if isinstance(plant, LinePlant) else WorksReplan(plant.follower)
