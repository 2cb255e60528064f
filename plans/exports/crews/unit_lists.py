"""What each unit does, in its order, with the time that it stands between: the list that its crew works from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from emberline.plans.exports.activities import Activity, activities, units
from emberline.plans.store.run_folder import StoredRun

SHIFT_H, FIRST_SHIFT = 8, 6
"""Length of a shift [h], and the hour at which the first one of a day begins."""
LEAST_GAP_MIN = 0.5


@dataclass(frozen=True)
class Line:
    """A line of a unit's list: an activity, or a gap before the next one."""

    unit: str
    start_min: float
    end_min: float
    activity: Activity | None
    """None: the unit stands."""

    @property
    def minutes(self) -> float:
        """How long it lasts."""
        return self.end_min - self.start_min


def crews(run: StoredRun) -> list[str]:
    """Units that a crew works at: of the line and of processes."""
    plan = run.plan
    if plan.replay is None:
        return []
    return [name for name, of in units(plan.scenario, plan.replay).items() if of != "site"]


def lines(run: StoredRun, unit: str) -> Iterator[Line]:
    """The list of a unit, with its gaps, from the start of the horizon to its end."""
    plan = run.plan
    assert plan.replay is not None
    at, end = 0.0, plan.scenario.horizon.length_min
    work = [activity for activity in activities(plan.scenario, plan.replay) if activity.unit == unit]
    for activity in sorted(work, key=lambda one: one.start_min):
        if activity.start_min - at > LEAST_GAP_MIN:
            yield Line(unit, at, activity.start_min, None)
        yield Line(unit, activity.start_min, activity.end_min, activity)
        at = max(at, activity.end_min)
    if end - at > LEAST_GAP_MIN:
        yield Line(unit, at, end, None)


def shifts(run: StoredRun) -> list[tuple[datetime, datetime]]:
    """Start and end of each shift of the horizon by the plant's clock."""
    horizon = run.plan.scenario.horizon
    first, last = horizon.instant(0), horizon.instant(horizon.length_min)
    at = first.replace(hour=FIRST_SHIFT, minute=0, second=0, microsecond=0) - timedelta(days=1)
    result = []
    while at < last:
        after = at + timedelta(hours=SHIFT_H)  # by the clock on the wall
        if after > first:
            result.append((max(at, first), min(after, last)))
        at = after
    return result
