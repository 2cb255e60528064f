"""Heats that each have their unit, under a limit on energy in every metered interval: a search by intervals.

What a plan has reached at the end of an interval is, unit by unit, which heats are over, which one is being worked on
and the minutes that remain of it. What was drawn in the interval is the difference of two such states: where within it
the heats lie does not matter, as long as the one under way goes on at its beginning and the next one to be under way
lies at its end. So a plan is a path through states, in whole minutes.

A state is dominated by another one with the same heats over and under way, of which no more remains: whatever follows
it may follow the other, with no more energy in any interval. All states of an interval are expanded at once; where
there are more than ``width``, the most promising go on. A search in which none was left out is a proof.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from benchmarks.minutes.one_stage import LEEWAY, Loads

REST = 64
"""Factor of the interval's rest in a key of options: above any metered interval in minutes."""
COMPARED = 24
"""With how many neighbours a state is compared, where more than two units work."""
MIN_WAYS = 48
"""Ways of a unit through an interval that are looked at in any case."""
WAYS_OF_A_STATE = 5_000
"""Ways of all units but one from a state through an interval that are looked at."""
CHUNK = 120_000
"""Rows that are expanded at once."""


class Weights(NamedTuple):
    """What counts among states, next to the energy that remains, in minutes at the limit."""

    load: float
    """A minute that remains of the busiest unit."""
    heat: float
    """A heat that is over: long ones first, as short ones fill what remains of intervals."""


class Plan(NamedTuple):
    """Start of each heat of each unit [min], and the makespan."""

    starts: tuple[tuple[int, ...], ...]
    makespan: int


class Outcome(NamedTuple):
    """What a search ended with."""

    plan: Plan | None
    complete: bool
    """Whether no state was left out: then no plan within the target is better than ``plan``, or there is none."""


@dataclass
class _Layer:
    """States at the end of an interval; rows are states."""

    over: np.ndarray
    """Heats that are over by unit as bits, shape (n, n_units)."""
    at: np.ndarray
    """Heat under way by unit, −1: none."""
    rest: np.ndarray
    """Minutes that remain of it."""
    parent: np.ndarray


class IntervalSearch:
    """Searches over the same heats, with more and more states or other targets."""

    def __init__(self, loads: Loads) -> None:
        self.loads = loads
        self.minutes = [np.array([*of, 0], dtype=np.int64) for of in loads.minutes]
        self.power = [np.array([*of, 0.0]) for of in loads.power]
        self.options: list[dict[int, tuple[np.ndarray, ...]]] = [{} for _ in loads.minutes]
        self._most, self._whole, self._whole_run = 0, True, True
        """Ways of a unit through an interval that are looked at, and whether these were all of them."""
        self._sums: list[dict[int, tuple[int, float]]] = [{} for _ in loads.minutes]

    def run(self, target: int, width: int, weights: Weights, stop: Callable[[], bool] = lambda: False) -> Outcome:
        """A plan that ends by ``target``, the best that the states kept lead to.

        Args:
            target: makespan that a plan may have.
            width: states that go on at most.
            weights: which states are promising.
            stop: ends the search without a plan and without a proof.
        """
        units = len(self.minutes)
        zero = np.zeros((1, units), dtype=np.int64)
        layers = [_Layer(zero, zero - 1, zero, np.zeros(1, dtype=np.int64))]
        complete, best, step = True, None, self.loads.interval
        self._whole_run = True
        if self._most != max(MIN_WAYS, width // 2):
            self._most = max(MIN_WAYS, width // 2)
            self._whole = True
            self.options = [{} for _ in self.loads.minutes]
        for number in range(math.ceil(target / step)):
            layer, begin = layers[-1], number * step
            minutes, energy = self._remaining(layer)
            span = minutes.max(axis=1)
            ends = np.flatnonzero((span <= step) & (energy <= self.loads.limit * (1 + LEEWAY)))
            if len(ends):
                row = int(ends[np.argmin(span[ends])])
                if begin + int(span[row]) <= target:
                    best = self._plan(layers, row)
                    target = best.makespan - 1
            if begin + step > target:
                break
            after = self._expand(layer, begin + step, target, stop)
            if after is None:
                return Outcome(best, False)
            if len(after.parent) > width:
                complete = False
                after = self._promising(after, width, weights)
            if not len(after.parent):
                break
            layers.append(after)
        return Outcome(best, complete and self._whole and self._whole_run)

    def _remaining(self, layer: _Layer) -> tuple[np.ndarray, np.ndarray]:
        """Minutes that remain by unit, and energy that remains, by state."""
        rows = len(layer.parent)
        minutes, energy = np.empty((rows, len(self.minutes)), dtype=np.int64), np.zeros(rows)
        for u in range(len(self.minutes)):
            which, where = np.unique(layer.over[:, u], return_inverse=True)
            sums = np.array([self._rest(u, int(over)) for over in which])
            at, rest = layer.at[:, u], layer.rest[:, u]
            minutes[:, u] = sums[where, 0].astype(np.int64) - self.minutes[u][at] + rest
            energy += sums[where, 1] - (self.minutes[u][at] - rest) * self.power[u][at]
        return minutes, energy

    def _rest(self, u: int, over: int) -> tuple[int, float]:
        if over not in self._sums[u]:
            ahead = [j for j in range(len(self.minutes[u]) - 1) if not over >> j & 1]
            minutes, power = self.loads.minutes[u], self.loads.power[u]
            self._sums[u][over] = sum(minutes[j] for j in ahead), math.fsum(minutes[j] * power[j] for j in ahead)
        return self._sums[u][over]

    def _ways(self, u: int, over: int, rest: int) -> tuple[np.ndarray, ...]:
        """What a unit may do until an interval ends: heats over, heat under way, its most minutes, energy before it."""
        key = over * REST + rest
        if key not in self.options[u]:
            minutes, power = self.loads.minutes[u], self.loads.power[u]
            ahead = [j for j in range(len(minutes)) if not over >> j & 1]
            rows = []
            for whole in _subsets(ahead, minutes, rest):
                busy = sum(minutes[j] for j in whole)
                energy = math.fsum(minutes[j] * power[j] for j in whole)
                if energy > self.loads.limit * (1 + LEEWAY):
                    continue
                ready = over | sum(1 << j for j in whole)
                rows.append((ready, -1, 0, energy))
                for j in ahead:
                    most = min(minutes[j] - 1, rest - busy)
                    if most > 0 and j not in whole:
                        rows.append((ready, j, most, energy))
            if len(rows) > self._most:
                # sets of few heats come first: short heats are worth more later
                self._whole = False
                half = self._most // 2
                rows = rows[:half] + [rows[int(i)] for i in np.linspace(half, len(rows) - 1, self._most - half)]
            table = list(zip(*rows, strict=True))
            self.options[u][key] = (
                np.array(table[0], dtype=np.int64),
                np.array(table[1], dtype=np.int64),
                np.array(table[2], dtype=np.int64),
                np.array(table[3], dtype=float),
            )
        return self.options[u][key]

    def _expand(self, layer: _Layer, end: int, target: int, stop: Callable[[], bool]) -> _Layer | None:
        parts: list[_Layer] = []
        row, size = 0, 4
        while row < len(layer.parent):
            if stop():
                return None
            part, most = self._next(layer, np.arange(row, min(row + size, len(layer.parent))), end, target)
            row += size
            size = max(min(4 * size, size * CHUNK // max(most, 1)), 1)
            parts.append(part)
            if sum(len(one.parent) for one in parts) > 4 * CHUNK:
                parts = [self._undominated(_joined(parts))]
        return self._undominated(_joined(parts))

    def _next(self, layer: _Layer, rows: np.ndarray, end: int, target: int) -> tuple[_Layer, int]:
        """States at the end of the interval after some rows, unit after unit; the last one works as long as it may.

        Returns:
            The states, and how many rows there were at most on the way.
        """
        widest = 0
        step, limit = self.loads.interval, self.loads.limit * (1 + LEEWAY)
        units = len(self.minutes)
        parent: np.ndarray = rows
        used: np.ndarray = np.zeros(len(rows))
        empty = np.empty((len(rows), units), dtype=np.int64)
        over: np.ndarray = empty.copy()
        at: np.ndarray = empty.copy()
        rest: np.ndarray = empty.copy()
        # what must be drawn by units that come later: what is under way there goes on
        forced: np.ndarray = np.zeros((len(rows), units + 1))
        for u in range(units - 1, -1, -1):
            goes_on = np.minimum(layer.rest[rows, u], step) * self.power[u][layer.at[rows, u]]
            forced[:, u] = forced[:, u + 1] + goes_on
        keep = forced[:, 0] <= limit
        parent, used, over, at, rest, forced = (a[keep] for a in (parent, used, over, at, rest, forced))
        for u in range(units):
            if not len(parent):
                break
            now, heat, ahead_min = layer.over[parent, u], layer.at[parent, u], layer.rest[parent, u]
            goes_on = ahead_min > step
            base = np.minimum(ahead_min, step) * self.power[u][heat]
            behind = now | np.where(heat >= 0, np.left_shift(1, np.maximum(heat, 0)), 0)
            key = np.where(goes_on, -1, behind * REST + (step - np.minimum(ahead_min, step)))
            which, where = np.unique(key, return_inverse=True)
            tables = [None if k < 0 else self._ways(u, int(k) // REST, int(k) % REST) for k in which.tolist()]
            count = np.array([1 if table is None else len(table[0]) for table in tables])
            first = np.concatenate([[0], np.cumsum(count)])[:-1]
            columns = [
                np.concatenate([np.zeros(1) if table is None else table[c] for table in tables]) for c in range(4)
            ]
            times = count[where]
            widest = max(widest, int(times.sum()))
            source = np.repeat(np.arange(len(parent)), times)
            option = (
                np.arange(len(source)) - np.repeat(np.cumsum(times) - times, times) + np.repeat(first[where], times)
            )
            carry = goes_on[source]
            ready = np.where(carry, now[source], columns[0][option].astype(np.int64))
            next_at = np.where(carry, heat[source], columns[1][option].astype(np.int64))
            most = np.where(carry, 0, columns[2][option].astype(np.int64))
            before = used[source] + base[source] + np.where(carry, 0.0, columns[3][option])
            room = limit - before - forced[source, u + 1]
            power = self.power[u][next_at]
            works = most > 0
            fits = np.floor(np.divide(room, power, out=np.full(len(room), np.inf), where=power > 0))
            most = np.where(works, np.minimum(most, np.maximum(fits, 0)), 0).astype(np.int64)
            keep = (room >= 0) & (~works | (most > 0))
            if u + 1 < units:
                keep_at = np.flatnonzero(keep)
                many = np.maximum(most[keep_at], 1)
                places = np.repeat(keep_at, many)
                minutes = most[places] - (np.arange(len(places)) - np.repeat(np.cumsum(many) - many, many))
                widest = max(widest, len(places))
                if len(places) > WAYS_OF_A_STATE * len(rows):
                    self._whole_run = False
                    some = np.linspace(0, len(places) - 1, WAYS_OF_A_STATE * len(rows)).astype(np.int64)
                    places, minutes = places[some], minutes[some]
            else:
                places = np.flatnonzero(keep)
                minutes = most[places]
            minutes = np.where(works[places], minutes, 0)
            source = source[places]
            ahead = np.where(carry[places], ahead_min[source] - step, self.minutes[u][next_at[places]] - minutes)
            parent, forced = parent[source], forced[source]
            used = before[places] + minutes * power[places]
            over, at, rest = over[source], at[source], rest[source]
            over[:, u], at[:, u], rest[:, u] = ready[places], next_at[places], ahead
            keep = self._unit_in_time(u, over[:, u], at[:, u], rest[:, u], target - end)
            parent, used, over, at, rest, forced = (a[keep] for a in (parent, used, over, at, rest, forced))
        after = _Layer(over, at, rest, parent)
        if len(parent):
            _, energy = self._remaining(after)
            after = _rows(after, np.flatnonzero((energy <= self._capacity(end, target)) & self._goes_on(after)))
        return after, widest

    def _goes_on(self, layer: _Layer) -> np.ndarray:
        """Whether what is under way together may go on until it is over, shape (n,)."""
        fits, step = np.ones(len(layer.parent), dtype=bool), self.loads.interval
        for later in range(0, int(layer.rest.max(initial=0)), step):
            load = np.zeros(len(fits))
            for u, power in enumerate(self.power):
                load += np.clip(layer.rest[:, u] - later, 0, step) * power[layer.at[:, u]]
            fits &= load <= self.loads.limit * (1 + LEEWAY)
        return fits

    def _capacity(self, begin: int, target: int) -> float:
        """Energy that can be drawn from the beginning of an interval until the target."""
        return self.loads.capacity(target - begin) * (1 + LEEWAY)

    def _unit_in_time(self, u: int, over: np.ndarray, at: np.ndarray, rest: np.ndarray, minutes: int) -> np.ndarray:
        which, where = np.unique(over, return_inverse=True)
        sums = np.array([self._rest(u, int(one))[0] for one in which.tolist()], dtype=np.int64)
        return (sums[where] if len(over) else over) - self.minutes[u][at] + rest <= minutes

    def _undominated(self, layer: _Layer) -> _Layer:
        """Without states of which another one with the same heats has no more remaining."""
        if not len(layer.parent):
            return layer
        units = layer.over.shape[1]
        keys = [column for u in range(units) for column in (layer.over[:, u], layer.at[:, u])]
        order = np.lexsort([*(layer.rest[:, u] for u in range(units - 1, -1, -1)), *keys])
        layer = _rows(layer, order)
        same = np.concatenate(
            [[False], np.all(np.diff(layer.over, axis=0) == 0, 1) & np.all(np.diff(layer.at, axis=0) == 0, 1)]
        )
        group = np.cumsum(~same)
        if units <= 2:
            # sorted by the first unit's rest: the second one's must fall below all before it
            last = layer.rest[:, -1]
            big = int(last.max()) + 2
            falling = np.minimum.accumulate(last - group * big)
            before = np.concatenate([[np.iinfo(np.int64).max], falling[:-1]])
            return _rows(layer, np.flatnonzero(~same | (last - group * big < before)))
        for shift in range(1, COMPARED):
            if len(group) <= shift:
                break
            equal = group[shift:] == group[:-shift]
            if not equal.any():
                break
            worse = equal & np.all(layer.rest[shift:] >= layer.rest[:-shift], axis=1)
            keep = np.flatnonzero(np.concatenate([np.ones(shift, dtype=bool), ~worse]))
            layer, group = _rows(layer, keep), group[keep]
        return layer

    def _promising(self, layer: _Layer, width: int, weights: Weights) -> _Layer:
        minutes, energy = self._remaining(layer)
        score = energy * self.loads.interval / self.loads.limit + weights.load * minutes.max(axis=1)
        for u, of in enumerate(self.loads.minutes):
            which, where = np.unique(layer.over[:, u], return_inverse=True)
            score += weights.heat * np.array([int(over).bit_count() for over in which.tolist()])[where] if of else 0.0
        return _rows(layer, np.sort(np.argpartition(score, width)[:width]))

    def _plan(self, layers: Sequence[_Layer], row: int) -> Plan:
        """The plan that leads to a state and ends in the interval after it."""
        step = self.loads.interval
        path = [row]
        for layer in reversed(layers[1:]):
            path.append(int(layer.parent[path[-1]]))
        path.reverse()
        starts = [[-1] * len(minutes) for minutes in self.loads.minutes]
        makespan = 0
        for u, minutes in enumerate(self.loads.minutes):
            for number, (layer, here) in enumerate(zip(layers, path, strict=True)):
                over, at = int(layer.over[here, u]), int(layer.at[here, u])
                time = number * step + (int(layer.rest[here, u]) if at >= 0 else 0)
                last = number + 1 == len(path)
                goal = (1 << len(minutes)) - 1 if last else int(layers[number + 1].over[path[number + 1], u])
                behind = over | (1 << at if at >= 0 else 0)
                for j in range(len(minutes)):
                    if goal >> j & 1 and not behind >> j & 1:
                        starts[u][j], time = time, time + minutes[j]
                if last:
                    makespan = max(makespan, time if minutes else 0)
                    continue
                then = int(layers[number + 1].at[path[number + 1], u])
                if then >= 0 and then != at:
                    worked = minutes[then] - int(layers[number + 1].rest[path[number + 1], u])
                    starts[u][then] = (number + 1) * step - worked
        return Plan(tuple(tuple(of) for of in starts), makespan)


def _subsets(ahead: list[int], minutes: tuple[int, ...], rest: int) -> list[tuple[int, ...]]:
    """Sets of heats that fit into some minutes, the empty one first."""
    short = [j for j in ahead if minutes[j] <= rest]
    sets: list[tuple[int, ...]] = [()]
    for size in range(1, len(short) + 1):
        fitting = [some for some in combinations(short, size) if sum(minutes[j] for j in some) <= rest]
        if not fitting:
            break
        sets += fitting
    return sets


def _rows(layer: _Layer, rows: np.ndarray) -> _Layer:
    return _Layer(layer.over[rows], layer.at[rows], layer.rest[rows], layer.parent[rows])


def _joined(parts: list[_Layer]) -> _Layer:
    names = ("over", "at", "rest", "parent")
    return _Layer(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
