"""Slack of a plan's operations: how far each can move, earlier or later, with everything else as planned.

An operation keeps its unit and its duration. It is stopped by the first of: the planner's lock; the previous and next
stage of its heat (transfers, longest waits, release, due); the previous and next heat on its unit (set-up, and no gap
within a cast); outages of the unit; the horizon; and the import limit, as the mean over a metered interval. PV,
battery, other assets and the energy of reheating stay as planned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.case.line import phase_power
from emberline.scenarios.line.tables import shop
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.records.horizon import Horizon
from emberline.twin.line.operations import Edge, Operations, Reason

__all__ = ["Slack", "slacks"]

TOLERANCE = 1e-6
MW = 1e-6
"""Relative tolerance for power beyond a limit."""

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
    """Key of ``STOPS``."""
    other: str = ""
    """Name of the other heat, stage or store."""
    at_min: float = math.nan
    """Time of the limit, if it has one [min]."""

    def says(self, horizon: Horizon) -> Message:
        """Return the limit in words."""
        time = "" if math.isnan(self.at_min) else horizon.instant(self.at_min)
        return Message(STOPS[self.kind], other=self.other, time=time)


@dataclass(frozen=True)
class Slack:
    """Distance that an operation can move in each direction [min], and the limits that stop it."""

    earlier_min: float
    earlier: Stop
    later_min: float
    later: Stop


def slacks(scenario: Case, run: xr.Dataset, heat: str) -> dict[str, Slack]:
    """Compute the slack of each operation of a heat, by stage.

    Args:
        scenario: scenario with its line and locks.
        run: undisturbed dataset of table ``RUN`` that contains the heat.
        heat: name of the heat.
    """
    table = shop(scenario)
    places = {name: k for k, name in enumerate(table.stages)}
    names = ("heat", "stage", "unit", "start_min", "end_min", "energy_mwh")
    rows = list(zip(*(run[f"op_{name}"].values.tolist() for name in names), strict=True))
    rows.sort(key=lambda row: (table.index[row[0]], row[3]))
    plan = [(table.index[h], places[k], table.unit_index[u], begin, end) for h, k, u, begin, end, _ in rows]
    operations = Operations(table, plan, [])
    edges = list(operations.edges(operations.scheduled, operations.planned))
    return {row[1]: _slack(scenario, run, operations, edges, i, row[5]) for i, row in enumerate(rows) if row[0] == heat}


def _slack(
    scenario: Case, run: xr.Dataset, operations: Operations, edges: list[Edge], i: int, energy_mwh: float
) -> Slack:
    fixed = _fixed(operations, i)
    if fixed is not None:
        return Slack(0.0, fixed, 0.0, fixed)
    start = operations.scheduled[i]
    first, before = max(_floors(operations, edges, i), key=lambda pair: pair[0])
    last, after = min(_ceilings(operations, edges, i), key=lambda pair: pair[0])
    earlier, later = max(start - first, 0.0), max(last - start, 0.0)
    limit = scenario.site.grid.import_limit_mw
    if limit is None:
        return Slack(earlier, before, later, after)
    over = _import_excess(scenario, run, operations, i, energy_mwh, limit)
    sides: list[Any] = []
    for most, stop, way in ((earlier, before, -1.0), (later, after, 1.0)):
        reached, at = _as_far(over, most, way)
        sides += [reached, Stop("import", at_min=at)] if reached < most - TOLERANCE else [most, stop]
    return Slack(*sides)


def _fixed(operations: Operations, i: int) -> Stop | None:
    if operations.started[i]:
        return Stop("started")
    _, earliest, latest = operations.shop.locks.get((operations.heat[i], operations.stage[i]), (None, 0.0, math.inf))
    return Stop("lock") if earliest == latest else None


def _floors(operations: Operations, edges: list[Edge], i: int) -> Iterator[tuple[float, Stop]]:
    """Yield earliest starts, and the limits that define them."""
    start = operations.scheduled
    yield 0.0, Stop("horizon")
    for a, b, least, most, reason in edges:
        if b == i and least > -math.inf:
            earliest = least if a < 0 else start[a] + least
            if reason is not Reason.RELEASE or earliest > 0:
                yield earliest, _stop(operations, reason, a, earliest, "before")
        elif a == i and most < math.inf:
            yield start[b] - most, _stop(operations, reason, b, math.nan, "wait after")


def _ceilings(operations: Operations, edges: list[Edge], i: int) -> Iterator[tuple[float, Stop]]:
    """Yield latest starts, and the limits that define them."""
    start, length = operations.scheduled, operations.planned[i]
    yield operations.shop.length - length, Stop("horizon")
    for a, b, least, most, reason in edges:
        if b == i and most < math.inf:
            latest = most if a < 0 else start[a] + most
            if reason is not Reason.DUE or latest + length < operations.shop.length - TOLERANCE:
                yield latest, _stop(operations, reason, a, latest + length, "wait")
        elif a == i and least > -math.inf:
            yield start[b] - least, _stop(operations, reason, b, math.nan, "after")


def _stop(operations: Operations, reason: Reason, other: int, at_min: float, of_heat: str) -> Stop:
    """Convert a rule of the line to the limit of a move; ``of_heat``: kind of a limit from the same heat."""
    shop = operations.shop
    if reason in (Reason.TRANSFER, Reason.WAIT):
        return Stop(of_heat, shop.stages[operations.stage[other]])
    if reason in (Reason.CAST, Reason.UNIT):
        return Stop(reason.value, shop.names[operations.heat[other]])
    return Stop(reason.value, at_min=math.nan if reason is Reason.LOCK else at_min)


def _import_excess(
    scenario: Case, run: xr.Dataset, operations: Operations, i: int, energy_mwh: float, limit: float
) -> Callable[[float], float]:
    """Return a function for the time [min] at which a shift of the operation first exceeds the import limit; nan:
    never.

    Violations that exist without the move are ignored.
    """
    start, length, u = operations.scheduled[i], operations.planned[i], operations.unit[i]
    nominal = max(operations.shop.energy[operations.heat[i]][u], 0.0)
    ends, power = phase_power(scenario.line.units[u], nominal, length)
    extra = (energy_mwh - nominal) * 60 / length if length > 0 else 0.0
    meter = scenario.site.grid.metered_interval_min
    edges = np.arange(run.sizes["meter"] + 1) * meter
    knots = np.concatenate([[0.0], ends])
    sums = np.concatenate([[0.0], np.cumsum((power + extra) * np.diff(knots))])

    def mean(begin: float) -> np.ndarray:
        return np.asarray(np.diff(np.interp(edges - begin, knots, sums)) / meter)

    without = run["meter_mw"].to_numpy() - mean(start)
    most = np.maximum(run["meter_mw"].to_numpy(), limit)

    def over(shift: float) -> float:
        passed = np.flatnonzero(without + mean(start + shift) > most + MW * max(limit, 1.0))
        return float(edges[passed[0]]) if len(passed) else math.nan

    return over


def _as_far(over: Callable[[float], float], most: float, way: float) -> tuple[float, float]:
    """Find the largest move in whole minutes within a limit, and the time at which the limit is exceeded [min].

    The search goes minute by minute, because power is not monotonic in the move: it may pass a peak and be free again.
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
