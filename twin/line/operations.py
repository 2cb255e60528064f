"""Operations of a schedule, as tables for the simulation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import xarray as xr

from emberline.scenarios.case.line import Lag
from emberline.scenarios.line.scatter import planned_min
from emberline.scenarios.line.tables import NEVER, LineShop
from emberline.twin.run_variables import Act

CLOSE = 1e-6
"""Times closer than this count as equal [min]."""
HELD_SHARE = 0.75
"""Target wait of a heat that is held back, as a share of its longest wait; the next stage may be delayed further."""


@dataclass(frozen=True)
class Actual:
    """Operation that has started during the simulated day."""

    unit: int
    start: float
    end: float
    """End [min], unknown to the dispatcher while the operation is in progress; nan if the caster may slow down."""
    planned: float
    """Planned duration [min]."""
    working: float
    """Working time without breakdowns [min]."""
    stops: tuple[tuple[float, float], ...] = ()
    casting: tuple[float, float, float] | None = None
    """For a caster that may slow down: time of the next check, casting time left then, and added casting time [min]."""

    def expected_end(self, now: float, mean_repair: float = 0.0) -> float:
        """Expected end, with breakdowns until now; a repair in progress takes its mean time [min]."""
        return self.end if self.end <= now else expected_end(self.start + self.planned, self.stops, now, mean_repair)


def expected_end(over: float, stops: Iterable[tuple[float, float]], now: float, mean_repair: float) -> float:
    """Expected end of an operation that would end at ``over`` without breakdowns [min]. Breakdowns until now are added;
    a repair in progress takes its mean time."""
    for at, stop_min in stops:
        if at + stop_min <= now:
            over += stop_min
        elif at <= now:
            return over + now - at + mean_repair
    return max(over, now)


Key = tuple[int, int]
"""Heat and stage."""
Row = tuple[int, int, int, float, float]
"""Heat, stage, unit, start and planned end [min]."""


@dataclass(frozen=True)
class SoFar:
    """History of a day until a given time, from which the day continues under the same or another schedule."""

    now: float
    actuals: dict[Key, Actual]
    returns: dict[Key, tuple[float, float]]
    """Start and end of second treatments that have started, by the operation that follows [min]."""
    new_casts: frozenset[Key]
    acts: tuple[Act, ...]
    latest: float = 0.0
    """Largest delay of any operation so far [min]."""


class Reason(StrEnum):
    """Rule of the line that links two starts."""

    RELEASE = auto()
    DUE = auto()
    TRANSFER = auto()
    WAIT = auto()
    LOCK = auto()
    CAST = auto()
    UNIT = auto()
    OUTAGE = auto()


class Edge(NamedTuple):
    """Minimum and maximum time from the start of one operation to the start of another [min]."""

    earlier: int
    """Index of the earlier operation; -1: start of the horizon."""
    later: int
    least: float
    most: float
    reason: Reason


class Operations:
    """Operations to run, one entry per heat and stage. Operations of a heat are adjacent, in the order of its route.

    Args:
        shop: the line.
        plan: rows of heat, stage, unit, start and planned end; the rows of a heat are in the order of its route.
        missing: heats of which some or all operations are left out.
        actuals: heat and stage of operations that come before all others on their units.
    """

    def __init__(self, shop: LineShop, plan: list[Row], missing: list[int], actuals: Container[Key] = ()) -> None:
        n = len(plan)
        self.shop, self.missing = shop, missing
        self.heat = [row[0] for row in plan]
        self.stage = [row[1] for row in plan]
        self.unit = [row[2] for row in plan]
        self.scheduled = [row[3] for row in plan]
        """Earliest start of each operation [min]."""
        self.planned = [row[4] - row[3] for row in plan]
        """Planned duration of each operation [min]."""
        self.before = [i - 1 if i and self.heat[i - 1] == self.heat[i] else -1 for i in range(n)]
        """Previous operation of the same heat; -1 for the first."""
        start, at = Lag(0.0, NEVER), zip(self.heat, self.before, self.unit, strict=True)
        lags = [shop.lag[h][self.unit[b]][u] if b >= 0 else start for h, b, u in at]
        self.travel = [lag.least for lag in lags]
        """Transfer time from the previous operation [min]."""
        self.longest = [lag.most for lag in lags]
        """Longest wait after the previous operation, including the transfer [min]."""
        self.started = [row[:2] in shop.started for row in plan]
        """Whether each operation started before the horizon."""
        self.actuals = frozenset(i for i, row in enumerate(plan) if row[:2] in actuals)
        """Operations that have already started during the day; they come before the others."""
        self.sequence: list[list[int]] = [[] for _ in shop.units]
        """Operations of each unit in order."""
        for i in sorted(range(n), key=lambda i: (i not in self.actuals, plan[i][3], plan[i][4])):
            self.sequence[self.unit[i]].append(i)
        self.pace = [0.0] * n
        """Shortest duration [min]: the planned one for a caster while another heat of the cast follows, else 0."""
        for first, second in itertools.chain.from_iterable(map(pairwise, self.sequence)):
            if self.same_cast(first, second):
                self.pace[first] = self.planned[first]

    def __len__(self) -> int:
        return len(self.heat)

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Unit, heat, stage and nominal figures of each operation, shape (n,) each."""
        unit, heat = np.array(self.unit, dtype=int), np.array(self.heat, dtype=int)
        before = np.array(self.before, dtype=int)
        return {
            "unit": unit,
            "heat": heat,
            "stage": np.array(self.stage, dtype=int),
            "before": before,
            "travel": np.array(self.travel, dtype=float),
            "duration": np.array([self.shop.duration[h][u] for h, u in zip(self.heat, self.unit, strict=True)]),
            "energy": np.array([self.shop.energy[h][u] for h, u in zip(self.heat, self.unit, strict=True)]),
            "reheat": np.array([self.shop.reheat_mwh_per_min[h] for h in self.heat]),
            "longest": np.array(self.longest),
        }

    def edges(self, start: Sequence[float], took: Sequence[float]) -> Iterator[Edge]:
        """Constraint graph of the line for the current units and sequences.

        Args:
            start: current starts, which determine the side of an outage on which each operation stays [min].
            took: duration of each operation [min].
        """
        shop = self.shop
        for i, b in enumerate(self.before):
            h, k, u = self.heat[i], self.stage[i], self.unit[i]
            if b < 0:
                yield Edge(-1, i, max(shop.release[h], 0.0), NEVER, Reason.RELEASE)
            else:
                yield Edge(b, i, took[b] + self.travel[i], NEVER, Reason.TRANSFER)
                yield Edge(b, i, -NEVER, took[b] + self.longest[i], Reason.WAIT)
            if k == shop.route[h][-1]:
                yield Edge(-1, i, -NEVER, min(shop.due[h], shop.length) - took[i], Reason.DUE)
            for begin, over in shop.outages[u]:
                ahead = start[i] < over - CLOSE
                limits = (-NEVER, begin - took[i]) if ahead else (over, NEVER)
                yield Edge(-1, i, *limits, Reason.OUTAGE)
            if (h, k) in shop.locks:
                yield Edge(-1, i, *shop.locks[h, k][1:], Reason.LOCK)
        for sequence in self.sequence:
            for a, b in pairwise(sequence):
                cast = self.follows[b]
                limits = (took[a], took[a]) if cast else (took[a] + self.gap[b], NEVER)
                yield Edge(a, b, *limits, Reason.CAST if cast else Reason.UNIT)

    @cached_property
    def rank(self) -> list[int]:
        """Position of each operation in the sequence of its unit."""
        ranks = [0] * len(self)
        for sequence in self.sequence:
            for place, i in enumerate(sequence):
                ranks[i] = place
        return ranks

    @cached_property
    def follows(self) -> list[bool]:
        """Whether each operation continues the cast of the previous operation on its unit."""
        flags = [False] * len(self)
        for sequence in self.sequence:
            for first, second in pairwise(sequence):
                flags[second] = self.same_cast(first, second)
        return flags

    @cached_property
    def gap(self) -> list[float]:
        """Set-up time between each operation and the previous operation on its unit [min]; 0 for the first."""
        gaps = [0.0] * len(self)
        for u, sequence in enumerate(self.sequence):
            for first, second in pairwise(sequence):
                gaps[second] = self.shop.setup_between(u, self.heat[first], self.heat[second])
        return gaps

    @cached_property
    def ahead(self) -> list[int]:
        """Operations of all stages except casting, in the order of their starts."""
        campaign = self.shop.campaign
        operations = (i for i, k in enumerate(self.stage) if k != campaign)
        return sorted(operations, key=lambda i: (i not in self.actuals, self.scheduled[i]))

    @cached_property
    def last(self) -> dict[int, int]:
        """Operation at the last stage of each heat; heats that do not reach their last stage are left out."""
        route = self.shop.route
        return {h: i for i, (h, k) in enumerate(zip(self.heat, self.stage, strict=True)) if k == route[h][-1]}

    @cached_property
    def after(self) -> list[range]:
        """Later operations of the same heat for each operation, the last one first."""
        return [range(self.last_of(i), i, -1) for i in range(len(self))]

    def last_of(self, i: int) -> int:
        """Last operation of the heat to which operation ``i`` belongs."""
        while i + 1 < len(self) and self.before[i + 1] == i:
            i += 1
        return i

    @cached_property
    def reach(self) -> list[float]:
        """Time by which the previous operation of the heat may start before each operation after delays [min]; 0 for
        the first."""
        shop = self.shop
        return [
            shop.duration[self.heat[b]][self.unit[b]] + HELD_SHARE * longest if b >= 0 else 0.0
            for b, longest in zip(self.before, self.longest, strict=True)
        ]

    @cached_property
    def soonest(self) -> list[float]:
        """Earliest start of each operation that fits the later scheduled starts [min]; unbounded for the last."""
        starts = [-NEVER] * len(self)
        for i in range(len(self) - 2, -1, -1):
            if self.before[i + 1] == i:
                starts[i] = max(self.scheduled[i + 1], starts[i + 1]) - self.reach[i + 1]
        return starts

    def same_cast(self, first: int, second: int) -> bool:
        """Whether two successive operations on a unit belong to the same cast."""
        shop = self.shop
        return self.stage[second] == shop.campaign and shop.orders[self.heat[first]] == shop.orders[self.heat[second]]


def operations_of(shop: LineShop, schedule: xr.Dataset) -> Operations:
    """Operations of a schedule, a dataset of table ``SCHEDULE``.

    Raises:
        ValueError: the schedule contains a heat or stage unknown to the scenario, or a unit that cannot process a heat.
    """
    heats, stages = schedule["heat"].values.tolist(), schedule["stage"].values.tolist()
    units, starts = schedule["unit"].values.tolist(), schedule["start_min"].values.tolist()
    ends = schedule["end_min"].values.tolist()
    unknown = set(heats) - set(shop.names) | set(stages) - set(shop.stages)
    if unknown:
        raise ValueError(
            f"the schedule names {', '.join(sorted(unknown)[:6])}, unknown to scenario {shop.scenario.name}"
        )
    row = {name: i for i, name in enumerate(heats)}
    column = [stages.index(name) if name in stages else -1 for name in shop.stages]
    plan: list[Row] = []
    missing = []
    for h, name in enumerate(shop.names):
        for k in shop.route[h]:
            i, j = row.get(name, -1), column[k]
            absent = i < 0 or j < 0 or not units[i][j] or math.isnan(starts[i][j])
            if (h, k) in shop.started:
                start, u = shop.started[h, k]
                planned = shop.duration[h][u] if absent else ends[i][j] - starts[i][j]
                plan.append((h, k, u, start, start + planned))
                continue
            if absent:
                missing.append(h)
                break
            u = shop.unit_index.get(units[i][j], -1)
            if u < 0 or shop.stage_of[u] != k or math.isnan(shop.duration[h][u]):
                raise ValueError(f"the schedule sends heat {name} at stage {shop.stages[k]} to unit {units[i][j]!r}")
            plan.append((h, k, u, starts[i][j], ends[i][j]))
    return Operations(shop, plan, missing)


def rows_of(operations: Operations) -> list[Row]:
    """Operations as rows of heat, stage, unit, start and planned end."""
    columns = zip(
        operations.heat, operations.stage, operations.unit, operations.scheduled, operations.planned, strict=True
    )
    return [(heat, stage, unit, at, at + minutes) for heat, stage, unit, at, minutes in columns]


def onward(shop: LineShop, so_far: SoFar, rows: Iterable[Row], missing: list[int]) -> Operations:
    """Operations of a schedule that continues a history: started operations as they were, the others as in ``rows``."""
    actuals = so_far.actuals
    plan = {
        (heat, stage): (heat, stage, actual.unit, actual.start, actual.start + actual.planned)
        for (heat, stage), actual in actuals.items()
    }
    for row in rows:
        plan.setdefault(row[:2], row)
    ordered = [plan[h, k] for h, route in enumerate(shop.route) for k in route if (h, k) in plan]
    return Operations(shop, ordered, missing, actuals)


def planned_durations(table: LineShop, *, with_margins: bool = True) -> np.ndarray:
    """Planned duration of each heat on each unit [min], shape (n_heats, n_units).

    Args:
        table: the line.
        with_margins: use the quantiles of the margins where they are given, else the general planning quantile.
    """
    nominal = np.array(table.duration, dtype=float).reshape(len(table.names), len(table.units))
    planned = nominal.copy()
    disturbances = table.scenario.disturbances
    for u, name in enumerate(table.units):
        quantile = (
            disturbances.quantile(table.stages[table.stage_of[u]]) if with_margins else disturbances.planning_quantile
        )
        column = nominal[:, u]
        for minutes in np.unique(column[~np.isnan(column)]).tolist():
            planned[column == minutes, u] = planned_min(disturbances, name, minutes, quantile)
    return planned
