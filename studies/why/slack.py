"""Slack of a plan's operations: how far each may move, earlier or later, with everything else as planned.

An operation keeps its unit and its duration. What stops it is the first of: the planner's lock, its own heat before and
after (transfers, longest waits, release, due), the heats before and after on its unit (set-up, and no gap within a
cast), outages of the unit, the horizon, and the import limit in the mean over a metered interval; PV, battery, other
assets and the energy of reheating stay as planned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from emberline.planning.plan.replan import moving_together
from emberline.scenarios import Scenario
from emberline.scenarios.case.line import phase_power
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.records.horizon import Horizon

__all__ = ["Slack", "slacks"]

TOLERANCE = 1e-6
MW = 1e-6
"""Below which nothing is drawn beyond a limit."""

STOPS = {
    "lock": mark("your lock"),
    "started": mark("it has started"),
    "horizon": mark("the horizon"),
    "release": mark("its release, {time}"),
    "due": mark("its due time, {time}"),
    "before": mark("{other} before it"),
    "after": mark("{other} after it"),
    "wait": mark("longest wait after {other}"),
    "wait after": mark("longest wait before {other}"),
    "unit": mark("{other} on the unit"),
    "cast": mark("no gap in the cast ({other})"),
    "outage": mark("unit not available, {time}"),
    "import": mark("import limit, {time}"),
    "must run": mark("it must run"),
    "empty": mark("{other} would run empty, {time}"),
    "full": mark("{other} would be full, {time}"),
    "end level": mark("required level of {other} at the end"),
}
"""Limits on the move of an operation or a run (also ``studies/why/run_slack.py``)."""


@dataclass(frozen=True)
class Stop:
    """Limit that an operation cannot pass."""

    kind: str
    """Of ``STOPS``."""
    other: str = ""
    """The other heat or stage."""
    at_min: float = math.nan
    """Time of the limit, if it has one [min]."""

    def says(self, horizon: Horizon) -> Message:
        """Limit in words."""
        time = "" if math.isnan(self.at_min) else horizon.instant(self.at_min)
        return Message(STOPS[self.kind], other=self.other, time=time)


@dataclass(frozen=True)
class Slack:
    """Distance that an operation may move in each direction [min], and the limits that stop it."""

    earlier_min: float
    earlier: Stop
    later_min: float
    later: Stop


@dataclass(frozen=True)
class _Operation:
    heat: str
    stage: str
    unit: str
    start: float
    end: float
    energy_mwh: float


def slacks(scenario: Scenario, run: xr.Dataset, heat: str) -> dict[str, Slack]:
    """Slack of each operation of a heat, by stage.

    Args:
        scenario: with its line and locks.
        run: a dataset of table ``RUN`` in which the heat runs; undisturbed.
        heat: its name.
    """
    every = list(_operations(run))
    return {one.stage: _slack(scenario, run, every, one) for one in every if one.heat == heat}


def _operations(run: xr.Dataset) -> Iterator[_Operation]:
    names = ("heat", "stage", "unit", "start_min", "end_min", "energy_mwh")
    for row in zip(*(run[f"op_{name}"].values.tolist() for name in names), strict=True):
        yield _Operation(*row)


def _slack(scenario: Scenario, run: xr.Dataset, every: list[_Operation], one: _Operation) -> Slack:
    fixed = _fixed(scenario, one)
    if fixed is not None:
        return Slack(0.0, fixed, 0.0, fixed)
    first, before = max(_floors(scenario, every, one), key=lambda pair: pair[0])
    last, after = min(_ceilings(scenario, every, one), key=lambda pair: pair[0])
    earlier, later = max(one.start - first, 0.0), max(last - one.start, 0.0)
    limit = scenario.site.grid.import_limit_mw
    if limit is None:
        return Slack(earlier, before, later, after)
    over = _import_excess(scenario, run, one, limit)
    sides: list[Any] = []
    for most, stop, way in ((earlier, before, -1.0), (later, after, 1.0)):
        reached, at = _as_far(over, most, way)
        sides += [reached, Stop("import", at_min=at)] if reached < most - TOLERANCE else [most, stop]
    return Slack(*sides)


def _fixed(scenario: Scenario, one: _Operation) -> Stop | None:
    if any((operation.heat, operation.stage) == (one.heat, one.stage) for operation in scenario.state.started):
        return Stop("started")
    window = scenario.lock_windows.get((one.heat, one.stage))
    return Stop("lock") if window is not None and window.fixed else None


def _floors(scenario: Scenario, every: list[_Operation], one: _Operation) -> Iterator[tuple[float, Stop]]:
    """Earliest starts, and what says so."""
    line = scenario.line
    (before, after), (previous, following) = _neighbours(every, one)
    yield 0.0, Stop("horizon")
    if before is None:
        release = next(heat.release_min for heat in scenario.heats if heat.name == one.heat)
        if release > 0:
            yield release, Stop("release", at_min=release)
    else:
        yield before.end + line.transfer_min(before.unit, one.unit), Stop("before", before.stage)
    if after is not None:
        longest = line.stage_of[one.unit].longest_wait_min
        if longest is not None:
            yield after.start - longest - (one.end - one.start), Stop("wait after", after.stage)
    if following is not None and _same_cast(scenario, one, following):
        yield one.start, Stop("cast", following.heat)
    if previous is not None:
        if _same_cast(scenario, previous, one):
            yield one.start, Stop("cast", previous.heat)
        else:
            yield previous.end + line.unit[one.unit].setup_min, Stop("unit", previous.heat)
    for _, over in scenario.outages.get(one.unit, ()):
        if over <= one.start + TOLERANCE:
            yield over, Stop("outage", at_min=over)
    if (one.heat, one.stage) in scenario.lock_windows:
        yield scenario.lock_windows[one.heat, one.stage].earliest_min, Stop("lock")


def _ceilings(scenario: Scenario, every: list[_Operation], one: _Operation) -> Iterator[tuple[float, Stop]]:
    """Latest starts, and what says so."""
    line, length = scenario.line, one.end - one.start
    (before, after), (previous, following) = _neighbours(every, one)
    if after is None:
        due = next(heat.due_min for heat in scenario.heats if heat.name == one.heat)
        ends = due >= scenario.horizon.length_min - TOLERANCE
        yield due - length, Stop("horizon") if ends else Stop("due", at_min=due)
    else:
        yield after.start - line.transfer_min(one.unit, after.unit) - length, Stop("after", after.stage)
    if before is not None:
        longest = line.stage_of[before.unit].longest_wait_min
        if longest is not None:
            yield before.end + longest, Stop("wait", before.stage)
    if previous is not None and _same_cast(scenario, previous, one):
        yield one.start, Stop("cast", previous.heat)
    if following is not None:
        if _same_cast(scenario, one, following):
            yield one.start, Stop("cast", following.heat)
        else:
            yield following.start - line.unit[one.unit].setup_min - length, Stop("unit", following.heat)
    for begin, _ in scenario.outages.get(one.unit, ()):
        if begin >= one.end - TOLERANCE:
            yield begin - length, Stop("outage", at_min=begin)
    if (one.heat, one.stage) in scenario.lock_windows:
        yield scenario.lock_windows[one.heat, one.stage].latest_min, Stop("lock")


Neighbours = tuple[_Operation | None, _Operation | None]


def _neighbours(every: list[_Operation], one: _Operation) -> tuple[Neighbours, Neighbours]:
    """Before and after: of the same heat, and on the same unit."""
    of_heat, of_unit = [o for o in every if o.heat == one.heat], [o for o in every if o.unit == one.unit]
    return _around(of_heat, one), _around(of_unit, one)


def _around(line: list[_Operation], one: _Operation) -> Neighbours:
    line = sorted(line, key=lambda o: (o.start, o.end))
    i = line.index(one)
    return line[i - 1] if i else None, line[i + 1] if i + 1 < len(line) else None


def _same_cast(scenario: Scenario, first: _Operation, second: _Operation) -> bool:
    return (second.heat, first.stage) in moving_together(scenario, first.heat, first.stage)


def _import_excess(scenario: Scenario, run: xr.Dataset, one: _Operation, limit: float) -> Callable[[float], float]:
    """The first moment [min] at which an import limit is passed when the operation is moved by some minutes; nan: none.

    What is passed already without the move is not counted against it.
    """
    grade = next(heat.grade for heat in scenario.heats if heat.name == one.heat)
    length = one.end - one.start
    nominal = max(scenario.line.energy_mwh(grade, one.unit), 0.0)
    ends, power = phase_power(scenario.line.unit[one.unit], nominal, length)
    extra = (one.energy_mwh - nominal) * 60 / length if length > 0 else 0.0
    meter = scenario.site.grid.metered_interval_min
    edges = np.arange(run.sizes["meter"] + 1) * meter
    knots = np.concatenate([[0.0], ends])
    sums = np.concatenate([[0.0], np.cumsum((power + extra) * np.diff(knots))])

    def mean(start: float) -> np.ndarray:
        return np.asarray(np.diff(np.interp(edges - start, knots, sums)) / meter)

    without = run["meter_mw"].to_numpy() - mean(one.start)
    most = np.maximum(run["meter_mw"].to_numpy(), limit)

    def over(shift: float) -> float:
        passed = np.flatnonzero(without + mean(one.start + shift) > most + MW * max(limit, 1.0))
        return float(edges[passed[0]]) if len(passed) else math.nan

    return over


def _as_far(over: Callable[[float], float], most: float, way: float) -> tuple[float, float]:
    """Largest move in whole minutes before a limit is passed, and the time at which it is passed [min].

    Minute by minute, for what is drawn neither rises nor falls with the move: it may pass a peak and be free again.
    """
    for minute in range(1, math.floor(most + TOLERANCE) + 1):
        at = over(way * minute)
        if not math.isnan(at):
            return float(minute - 1), at
    if most > 0:
        at = over(way * most)
        if not math.isnan(at):
            return float(math.floor(most)), at
    return most, math.nan
