"""Disturbed days under a policy: plant and policy together, the same days whoever follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import xarray as xr

from emberline import twin
from emberline.planning.loop.replan import LineReplan
from emberline.scenarios import Case, Problem, ScenarioError
from emberline.scenarios.columns import Columns
from emberline.scenarios.records.replanning import Replanning, Using
from emberline.twin import Follower
from emberline.twin.line.operations import SoFar
from emberline.twin.plant import LinePlant

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
    if using is Using.FOLLOW:
        yield from (Day(columns) for columns in twin.runs(scenario, schedule, replications, seed=seed))
        return
    refuse(scenario)
    seed = scenario.disturbances.seed if seed is None else seed
    follower = Follower(scenario, schedule)
    policy, looks = LineReplan(follower), scenario.goal.replan
    for replication in replications:
        yield day(LinePlant(follower, seed, replication), policy, looks)


def refuse(scenario: Case) -> None:
    """Refuse what is not planned again yet.

    Raises:
        ScenarioError: processes, or a site alone.
    """
    if not scenario.heats:
        key, verb = ("processes", "are") if scenario.processes else ("site", "is")
        says = f"{verb} not planned again on disturbed days yet; a line of heats is"
        raise ScenarioError([Problem(scenario.name, key, says)])


def day(plant: LinePlant, policy: LineReplan, looks: Replanning) -> Day:
    """Run a plant to the end of its day under a policy that plans again."""
    horizon = plant.shop.scenario.horizon
    looked, changed, at, count = 0.0, 0, 0.0, 0
    late, down = 0.0, frozenset[int]()
    policy.begin()
    while at + TICK_MIN < horizon.length_min:
        at += TICK_MIN
        plant.run(at)
        clock = at - looked >= looks.every_min
        if not clock and at - looked < looks.rest_min:
            continue
        so_far = plant.so_far()
        now_late, now_down = lateness(plant, so_far), standing(so_far)
        if not (clock or now_late > late + looks.late_min or now_down - down):
            down &= now_down
            continue
        look = policy.look(plant)
        looked, late, down, count = at, now_late, now_down, count + 1
        if look.rows is not None:
            plant.follow_rows(look.rows)
            late, changed = lateness(plant, plant.so_far()), changed + 1
    plant.run()
    return Day(plant.columns(), count, changed)


def lateness(plant: LinePlant, so_far: SoFar) -> float:
    """By how much what is under way, or should have begun, is later than the list says [min]."""
    todo, now = plant.todo, so_far.now
    waiting = (
        now - at
        for key, at in zip(zip(todo.heat, todo.stage, strict=True), todo.scheduled, strict=True)
        if key not in so_far.actuals
    )
    running = (now - one.start - one.planned for one in so_far.actuals.values() if not one.end <= now)
    return max(max(waiting, default=0.0), max(running, default=0.0), 0.0)


def standing(so_far: SoFar) -> frozenset[int]:
    """Units that stand by breakdown."""
    return frozenset(
        one.unit for one in so_far.actuals.values() if any(at <= so_far.now < at + halt for at, halt in one.stops)
    )
