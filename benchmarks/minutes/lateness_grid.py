"""A proven lower bound on total tardiness: groups on a grid of start times, stages before them as capacity over time.

The relaxation keeps which unit each group takes, when it starts, that groups on one unit do not overlap, and that
until any time τ the stages before can have done no more than their units have minutes (and operations) for. It drops
sequences and units before the last stage. A start s lies in bucket b when bδ ≤ s < (b+1)δ: costs are those of the
bucket's beginning, and only what surely has happened by τ is counted, so the grid never makes the bound too high. With
whole minutes in all data and δ = 1 the grid is exact.

``Y[g, u, b]``: group g has started on unit u by the end of bucket b (cumulative starts; cf. Pritsker, Watters & Wolfe,
Management Science 16, 1969, and the disaggregated forms in Artigues, Operations Research Letters 45, 2017).
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyomo.core as pyo

from benchmarks.minutes.line_in_minutes import Group, Shop
from emberline.models.kernel import highs
from emberline.models.kernel.arrays import Series, Variable, constraint
from emberline.models.kernel.templates import Members, building, each, total

Place = tuple[int, int, int]
"""Group, unit and bucket."""

TOLERANCE = 1e-6
FINEST_MIN = 1.0


@dataclass(frozen=True)
class Bound:
    """What no schedule can undercut, and the relaxation's own casting plan (a lead for the search)."""

    tardiness_min: float
    unit: dict[int, int]
    """Unit of each group; empty where the relaxation was not solved."""
    start: dict[int, float]


def tardiness(shop: Shop, group: Group, unit: int, start: float) -> float:
    """Tardiness of a group's heats if it starts then [min]."""
    return sum(
        max(start + offset + shop.planned[h][unit] - shop.due[h], 0.0)
        for h, offset in zip(group.heats, group.offset[unit], strict=True)
    )


def settled(shop: Shop) -> float:
    """Tardiness of heats whose last stage has begun: no plan changes it [min]."""
    return sum(
        max(shop.under_way[h, route[-1]].end - shop.due[h], 0.0)
        for h, route in enumerate(shop.route)
        if h not in shop.group_of
    )


def least(shop: Shop) -> list[float]:
    """Least tardiness of each group by itself on an empty line [min]."""
    return [min(tardiness(shop, group, u, shop.soonest(group, u)) for u in group.units) for group in shop.groups]


def shortest(shop: Shop) -> float:
    """A makespan that no schedule undercuts: each group by itself on an empty line [min]."""
    ends = [min(shop.soonest(group, u) + group.length[u] for u in group.units) for group in shop.groups]
    return max([*ends, *(item.end for item in shop.under_way.values())], default=0.0)


class Grid:
    """Start buckets of every group: as many as a schedule better than a known one may need."""

    def __init__(self, shop: Shop, best_min: float, makespan_min: float, binaries: int) -> None:
        self.shop = shop
        self.quantum = 1.0 if shop.integral else 0.0
        alone = least(shop)
        spare = best_min - settled(shop) - sum(alone)
        latest: dict[tuple[int, int], float] = {}
        self.open: set[tuple[int, int]] = set()
        """Whose last bucket has no end, because tardiness does not forbid later starts."""
        for g, group in enumerate(shop.groups):
            for u in group.units:
                at, limited = self._latest(group, u, alone[g] + spare, makespan_min)
                if at is not None:
                    latest[g, u] = at
                    if not limited:
                        self.open.add((g, u))
        span = sum(at - shop.soonest(shop.groups[g], u) for (g, u), at in latest.items())
        self.step = max(FINEST_MIN, float(math.ceil(span / binaries)))
        self.first = {key: math.floor(shop.soonest(shop.groups[key[0]], key[1]) / self.step) for key in latest}
        self.last = {key: math.floor(at / self.step + TOLERANCE) for key, at in latest.items()}

    def _latest(self, group: Group, unit: int, most: float, makespan: float) -> tuple[float | None, bool]:
        """Last start of a group worth looking at, None where the unit is too late at once; whether it is a limit."""
        low = self.shop.soonest(group, unit)
        if tardiness(self.shop, group, unit, low) > most + TOLERANCE:
            return None, True
        if group.start_min is not None:
            return low, True
        high = max(low, 1.5 * makespan)
        if tardiness(self.shop, group, unit, high) <= most + TOLERANCE:
            return high, False
        while high - low > 0.25:
            middle = (low + high) / 2
            low, high = (
                (middle, high) if tardiness(self.shop, group, unit, middle) <= most + TOLERANCE else (low, middle)
            )
        return high, True

    def within(self, start: float) -> int:
        """The last bucket whose every start lies at or before a time."""
        return math.floor((start + self.quantum + TOLERANCE) / self.step) - 1

    def cost(self, g: int, unit: int, bucket: int) -> float:
        """Tardiness of a group that starts at the beginning of a bucket, or as soon as it can within [min]."""
        group = self.shop.groups[g]
        return tardiness(self.shop, group, unit, max(bucket * self.step, self.shop.soonest(group, unit)))


def relaxation(shop: Shop, grid: Grid) -> pyo.ConcreteModel:
    """The relaxation as a mixed-integer model; its optimum is a lower bound on the groups' tardiness."""
    first, last, step = grid.first, grid.last, grid.step
    m = pyo.ConcreteModel()
    m.GROUPS = pyo.RangeSet(0, len(shop.groups) - 1)
    m.PAIRS = pyo.Set(initialize=sorted(first), dimen=2)
    m.STARTS = pyo.Set(
        initialize=[(*key, b) for key in sorted(first) for b in range(first[key], last[key] + 1)], dimen=3
    )
    m.LATER = pyo.Set(initialize=[(g, u, b) for g, u, b in m.STARTS if b > first[g, u]], dimen=3)
    m.started = Variable(m.STARTS, domain=pyo.Binary)

    def by(g: int, u: int, b: int) -> list[Place]:
        """Is 1 where the group may have started on the unit by the end of a bucket; nothing where it has not."""
        b = min(b, last[g, u])
        return [(g, u, b)] if b >= first[g, u] else []

    def surely(g: int, u: int, b: int) -> list[Place]:
        """Is 1 where it surely has: a bucket without end says nothing."""
        return by(g, u, min(b, last[g, u] - 1) if (g, u) in grid.open else b)

    # a start in bucket b costs cost(b): summed by parts over the cumulative starts
    costs = [grid.cost(g, u, b) - (grid.cost(g, u, b + 1) if b < last[g, u] else 0.0) for g, u, b in m.STARTS]
    m.cost = Series(m.STARTS, values=np.array(costs))

    @m.Objective(sense=pyo.minimize)
    def tardiness_min(m):
        return total(m.cost[g, u, b] * m.started[g, u, b] for g, u, b in each(m.STARTS))

    ends: dict[int, list[tuple[int, int]]] = {g: [] for g in m.GROUPS}
    for (g, u), b in last.items():
        ends[g].append((u, b))
    m.END = Members(ends, dimen=2)

    @constraint(m, m.GROUPS)
    def once(m, g):
        return total(m.started[g, u, b] for u, b in each(m.END[g])) == 1

    @constraint(m, m.LATER)
    def cumulative(m, g, u, b):
        return m.started[g, u, b] >= m.started[g, u, b - 1]

    alone_rows: list[tuple[list[tuple[Place, float]], float]] = []
    for u in sorted({u for _, u in first}):
        for k in _buckets(grid, u):
            now = (k + 1) * step - grid.quantum
            terms: list[tuple[Place, float]] = []
            for g in (g for g, v in m.PAIRS if v == u):
                over = math.floor((now - shop.groups[g].length[u] - shop.setup[u] + TOLERANCE) / step)
                terms += [(place, 1) for place in surely(g, u, k)] + [(place, -1) for place in by(g, u, over)]
            alone_rows.append((terms, 1))
    m.one_at_a_time, m.capacity = pyo.Block(), pyo.Block()
    _at_most(m.one_at_a_time, m.started, alone_rows)
    room = []
    for k in range(len(shop.stages)):
        for now, minutes, operations, work in _capacity(shop, grid, k):
            certain = {
                h: [place for g, u, offset in places for place in surely(g, u, grid.within(now - offset))]
                for h, places in _deadlines(shop, grid, k).items()
            }
            if sum(work[h] for h in certain) > minutes:
                room.append(([(place, work[h]) for h, places in certain.items() for place in places], minutes))
            if len(certain) > operations:
                room.append(([(place, 1) for places in certain.values() for place in places], operations))
    _at_most(m.capacity, m.started, room)
    return m


def _at_most(block: pyo.Block, started: pyo.Var, listed: list[tuple[list[tuple[Place, float]], float]]) -> None:
    """Rows of cumulative starts, each place with its weight, at most a number."""
    weights: list[dict[Place, float]] = []
    tops = []
    for terms, top in listed:
        row: dict[Place, float] = {}
        for place, weight in terms:
            row[place] = row.get(place, 0) + weight
        if row:
            weights.append(row)
            tops.append(top)
    members = {r: [(*place, weight) for place, weight in row.items()] for r, row in enumerate(weights)}
    block.ROW = pyo.RangeSet(0, len(tops) - 1)
    block.TERM = Members(members, dimen=4)
    block.top = Series(block.ROW, values=np.array(tops))

    @constraint(block, block.ROW)
    def row_limit(b, r):
        return total(weight * started[g, u, k] for g, u, k, weight in each(b.TERM[r])) <= b.top[r]


def _buckets(grid: Grid, u: int) -> range:
    keys = [key for key in grid.first if key[1] == u]
    return range(min(grid.first[key] for key in keys), max(grid.last[key] for key in keys) + 1)


def _deadlines(shop: Shop, grid: Grid, stage: int) -> dict[int, list[tuple[int, int, float]]]:
    """By heat that must still pass a stage: its group, unit, and minutes from the group's start to the latest end."""
    deadlines = {}
    for g, group in enumerate(shop.groups):
        units = [u for u in group.units if (g, u) in grid.first]
        for i, h in enumerate(group.heats):
            if stage in shop.upstream[h]:
                deadlines[h] = [(g, u, group.offset[u][i] - shop.tail[h, stage, u]) for u in units]
    return deadlines


def _capacity(shop: Shop, grid: Grid, stage: int) -> list[tuple[float, float, int, dict[int, float]]]:
    """For times τ: minutes and operations that a stage can have done by then, and what each heat needs at least."""
    heats = [h for h in shop.group_of if stage in shop.upstream[h]]
    if not heats:
        return []
    units = sorted({u for h in heats for u in shop.able[h, stage]})
    work = {h: min(shop.planned[h][u] + shop.setup[u] for u in shop.able[h, stage]) for h in heats}
    gate = {u: min(shop.head[h, u] for h in heats if u in shop.able[h, stage]) for u in units}
    ends = {
        u: list(accumulate(sorted(shop.planned[h][u] + shop.setup[u] for h in heats if u in shop.able[h, stage])))
        for u in units
    }
    rows = []
    horizon = max(last for last in grid.last.values()) * grid.step + max(
        shop.groups[g].length[u] for g, u in grid.first
    )
    for i in range(1, math.ceil(horizon / grid.step) + 1):
        now = i * grid.step
        free = {u: now - gate[u] + shop.setup[u] for u in units if now > gate[u]}
        minutes = sum(free.values())
        operations = sum(bisect_right(ends[u], free[u] + TOLERANCE) for u in free)
        rows.append((now, minutes, operations, work))
        if operations >= len(heats) and minutes >= sum(work.values()):
            break
    return rows


def bound(
    shop: Shop,
    best_min: float,
    makespan_min: float,
    *,
    binaries: int,
    time_limit: float,
    nodes: int | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Bound:
    """Proven lower bound on total tardiness, never above the best known [min].

    Args:
        shop: the line.
        best_min: total tardiness of a known schedule; only better ones are looked for.
        makespan_min: of that schedule, to size the grid.
        binaries: about how many cumulative starts the grid may have; fewer make it coarser, never finer than 1 min.
        time_limit: seconds.
        nodes: limit on branch-and-bound nodes.
        cancel: polled; True ends the search with what was proven.
    """
    alone = settled(shop) + sum(least(shop))
    if best_min <= alone + TOLERANCE or not shop.groups:
        return Bound(min(alone, best_min), {}, {})
    began = time.perf_counter()
    with building():
        grid = Grid(shop, best_min, makespan_min, binaries)
        if {g for g, _ in grid.first} != set(range(len(shop.groups))):
            return Bound(best_min, {}, {})  # some group alone is already too late for anything better
        model = relaxation(shop, grid)
    remaining_s = time_limit - (time.perf_counter() - began)
    outcome = highs.solve(model, work=max(remaining_s, 1.0), gap=1e-4, nodes=nodes, cancel=cancel)
    if outcome.status == "infeasible":
        return Bound(best_min, {}, {})
    proven = alone if outcome.bound is None else max(alone, settled(shop) + outcome.bound - TOLERANCE)
    if shop.integral:
        proven = math.ceil(proven - 1e-4)
    unit, start = {}, {}
    if outcome.has_solution:
        for g, u, b in model.STARTS:
            if model.started[g, u, b].value > 0.5 and (g not in unit):
                unit[g], start[g] = u, max(b * grid.step, shop.soonest(shop.groups[g], u))
    return Bound(min(proven, best_min), unit, start)
