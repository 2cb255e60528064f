"""Transfers, longest waits and windows of the exact model of lateness: linear rows between jobs' starts and units."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

import numpy as np
import pyomo.core as pyo

from benchmarks.minutes.line_in_minutes import Operation, Shop
from emberline.models.kernel.arrays import Series, constraint
from emberline.models.kernel.templates import Members, each, total
from emberline.scenarios.line.tables import NEVER


class Time:
    """A time in the model: minutes, a job's start and minutes by what is on; added up as numbers are."""

    def __init__(
        self, minutes: float = 0.0, start: int | None = None, on: dict[tuple[int, int], float] | None = None
    ) -> None:
        self.minutes, self.start, self.on = minutes, start, on or {}

    def plus(self, minutes: float = 0.0, on: dict[tuple[int, int], float] | None = None) -> Time:
        """So much later."""
        both = dict(self.on)
        for key, weight in (on or {}).items():
            both[key] = both.get(key, 0.0) + weight
        return Time(self.minutes + minutes, self.start, both)


class Places:
    """Where operations start and on which units they may be, be it as jobs of their own or as part of a group's."""

    def __init__(
        self, shop: Shop, units: list[Collection[int]], number: dict[Operation, int], of_group: dict[int, int]
    ) -> None:
        self._shop, self._units, self._number, self._of_group = shop, units, number, of_group

    def begin(self, h: int, k: int) -> Time:
        """Start of an operation."""
        if (h, k) in self._number:
            return Time(start=self._number[h, k])
        if (h, k) in self._shop.under_way:
            return Time(self._shop.under_way[h, k].start)
        g = self._shop.group_of[h]
        group, j = self._shop.groups[g], self._of_group[g]
        at = group.heats.index(h)
        return Time(start=j, on={(j, u): off[at] for u, off in group.offset.items()})

    def units_of(self, h: int, k: int) -> dict[int, tuple[int, int] | None]:
        """By unit that the operation may take: what is 1 where it does; None where it has begun there."""
        if (h, k) in self._shop.under_way:
            return {self._shop.under_way[h, k].unit: None}
        j = self._number[h, k] if (h, k) in self._number else self._of_group[self._shop.group_of[h]]
        return {u: (j, u) for u in self._units[j]}

    def end(self, h: int, k: int, minutes: list[float]) -> Time:
        """An operation's start and so many minutes by unit."""
        end, on = self.begin(h, k), {}
        for u, place in self.units_of(h, k).items():
            if place is None:
                end = end.plus(minutes[u])
            else:
                on[place] = minutes[u]
        return end.plus(on=on)


def add(block: pyo.Block, start: pyo.Var, on: pyo.Var, shop: Shop, places: Places) -> None:
    """Fill a block with transfers, longest waits and windows: one time at most another.

    Args:
        block: empty.
        start: of each job.
        on: whether a job takes a unit.
        shop: the line.
        places: of its operations.
    """
    rows: list[tuple[Time, Time]] = []
    for h, route in enumerate(shop.route):
        for k, after in pairwise(route):
            if (h, after) in shop.under_way:
                continue
            here, there, begins = places.units_of(h, k), places.units_of(h, after), places.begin(h, after)
            origin = shop.under_way.get((h, k))
            over = Time(origin.end) if origin else places.end(h, k, shop.planned[h])
            least = min(shop.transfer[u][v] for u in here for v in there)
            rows.append((over.plus(least), begins))
            for u, this in here.items():
                for v, then in there.items():
                    extra = shop.transfer[u][v] - least
                    if extra > 0:
                        both = [place for place in (this, then) if place is not None]
                        slower = extra * (1 - len(both))
                        rows.append((over.plus(least + slower, dict.fromkeys(both, extra)), begins))
            if shop.longest[k] < NEVER:
                rows.append((begins, places.end(h, k, shop.nominal[h]).plus(shop.longest[k])))
    for (h, k), (earliest, latest) in shop.window.items():
        if (h, k) not in shop.under_way:
            if earliest > 0:
                rows.append((Time(earliest), places.begin(h, k)))
            if latest < NEVER:
                rows.append((places.begin(h, k), Time(latest)))
    starts: dict[int, list[tuple[int, int]]] = {}
    on_terms: dict[int, list[tuple[int, int, float]]] = {}
    for r, (soon, late) in enumerate(rows):
        weights = {key: late.on.get(key, 0.0) - soon.on.get(key, 0.0) for key in {**soon.on, **late.on}}
        starts[r] = [(one.start, w) for one, w in ((soon, -1), (late, 1)) if one.start is not None]
        on_terms[r] = [(*key, weight) for key, weight in weights.items() if weight]
    block.ROW = pyo.RangeSet(0, len(rows) - 1)
    block.START, block.ON = Members(starts, dimen=2), Members(on_terms, dimen=3)
    block.lag = Series(block.ROW, values=np.array([soon.minutes - late.minutes for soon, late in rows]))

    @constraint(block, block.ROW)
    def row_limit(b, r):
        placed = total(weight * on[j, u] for j, u, weight in each(b.ON[r]))
        return total(weight * start[j] for j, weight in each(b.START[r])) + placed >= b.lag[r]
