"""What each unit does, in its order, with the time that it stands between: the list that its crew works from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from emberline.reports.text.activities import Activity, activities, does, units
from emberline.runs.store.run_folder import StoredRun
from emberline.scenarios.flows.process_flows import streams

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


def work(activity: Activity) -> str:
    """What a unit does, in words; a run of a process with its mode, where that has a name of its own."""
    says = does(activity.what)
    return says if activity.of != "processes" or activity.name == activity.unit else f"{says} {activity.name}"


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


def runs_processes(run: StoredRun, unit: str) -> bool:
    """Whether a unit belongs to a process; else to the line."""
    return any(name == unit for name, _ in run.plan.scenario.process_units)


def makes_within(run: StoredRun, line: Line, start_min: float, end_min: float) -> float:
    """What a run makes of its process's product from one minute to another [t]."""
    assert run.plan.replay is not None
    tph, step = run.plan.replay["process_tph"].sel(process=line.unit).to_numpy(), run.plan.scenario.horizon.step_min
    sums = np.concatenate([[0.0], np.cumsum(tph) * step / 60])
    span = np.clip([start_min, end_min], line.start_min, line.end_min)
    return float(np.diff(np.interp(span, np.arange(len(sums)) * step, sums))[0])


def levels(run: StoredRun, unit: str, at_min: float) -> dict[str, float]:
    """Planned level at a minute of each store that a unit of a process fills or empties [t]."""
    scenario, replay = run.plan.scenario, run.plan.replay
    assert replay is not None
    names = dict.fromkeys(stream.place for stream in streams(scenario) if stream.unit == unit and stream.material)
    ends = np.arange(scenario.horizon.n_steps + 1) * scenario.horizon.step_min
    table = {name: np.append(scenario.store[name].start_t, replay["stock_t"].sel(stock=name)) for name in names}
    return {name: float(np.interp(at_min, ends, level)) for name, level in table.items()}


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
