"""All starts that are left of a day at their best times: the order on each unit stays, and margins count in minutes.

What has begun and what a running cast needs is fixed. The rest is a graph of least and most times between starts with a
cost of each start, so that a minimum cut finds the best times of all together
(``models/heuristics/line/minimum_cut_retiming.py``). The import limit has no place in a cut: energy in the intervals
that break it is made dearer until none is broken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from emberline.models.line import Cut, Lags
from emberline.scenarios.line.tables import LineShop
from emberline.twin.line.line import LineHistory
from emberline.twin.line.operations import Operations

GRID_MIN = 5.0
"""Starts lie on moments so far apart [min]."""
REACH_MIN = 240.0
"""By how much a start may move from where it is expected [min]."""
CUTS = 4
"""Cuts until the import limit is kept."""
DEARER, GROWTH, FADING, LEAST_OVER_MWH, DEAREST = 0.1, 1.6, 0.9, 0.5, 10.0
"""What a MWh above the limit adds to the price of its interval, in mean worths of a MWh; how that price grows from cut
to cut and falls from look to look; the least that counts as above the limit; the highest price."""
WAIT_SHARE = 0.5
"""Share of a longest wait that a margin takes at most."""
CLOSE = 1e-6


@dataclass(frozen=True)
class Margins:
    """Minutes that a list keeps beyond what the line asks for."""

    slack_min: float = 0.0
    """By which a heat is there before the next stage takes it."""
    wait_min: float = 0.0
    """By which it waits less than it might."""
    due_min: float = 0.0
    """By which it is finished before it is due, or before the horizon ends."""


class Retiming:
    """Best times of a line's starts, by what energy is worth."""

    def __init__(self, shop: LineShop, worth: np.ndarray, room_mw: np.ndarray, meter_min: float) -> None:
        """Args:
        shop: the line.
        worth: of a MWh in each step, shape (n_steps,).
        room_mw: what the import limit leaves to the line in each metered interval, infinite for none, shape (n_meter,).
        meter_min: length of such an interval.
        """
        self.shop, self._room, self._meter = shop, room_mw, meter_min
        self._n = math.ceil(shop.length / GRID_MIN)
        self._grid = np.arange(self._n + 1) * GRID_MIN
        step_min = shop.scenario.horizon.step_min
        self._edges = np.arange(len(worth) + 1) * step_min
        self._sum = np.concatenate([[0.0], np.cumsum(worth)]) * step_min
        """Worth of a MWh in every minute until each edge."""
        self._scale = float(np.abs(worth).mean())
        self._meters = np.arange(len(room_mw) + 1) * meter_min
        self._prices = np.zeros(len(room_mw))
        """Of energy in each metered interval, for the limit's sake."""
        self._curves: dict[tuple[int, float, float], np.ndarray] = {}

    def forget(self) -> None:
        """A new day begins: what the import limit cost on the one before does not count."""
        self._prices[:] = 0.0

    def best(self, todo: Operations, ahead: LineHistory, now: float, margins: Margins) -> list[float] | None:
        """Starts of all operations [min], of those that have begun as they were; None: none keep the margins.

        Args:
            todo: what is left of a list, after what has begun.
            ahead: how it is expected to go on.
            now: the moment [min].
            margins: that are to be kept.
        """
        graph = _Graph(self.shop, todo, ahead, now, margins, self._n)
        if not graph.possible:
            return None
        self._prices *= FADING
        starts = list(ahead.start)
        for _ in range(CUTS if graph.members else 0):
            dearer = np.concatenate([[0.0], np.cumsum(self._prices)]) * self._meter if self._prices.any() else None
            costs = [self._cost(todo, members, dearer) for members in graph.members]
            windows = zip(costs, graph.low.tolist(), graph.high.tolist(), strict=True)
            parts = np.concatenate([curve[low : high + 1] for curve, low, high in windows])
            starts = graph.starts(Cut(graph.low, graph.high, graph.lags).best(parts))
            over = self._over(todo, ahead, starts)
            if not over.any():
                break
            rise = DEARER * self._scale * np.maximum(over, LEAST_OVER_MWH)
            higher = np.minimum(GROWTH * self._prices + rise, DEAREST * self._scale)
            self._prices = np.where(over > 0, higher, self._prices)
        return starts

    def _cost(self, todo: Operations, members: list[tuple[int, float]], dearer: np.ndarray | None) -> np.ndarray:
        """Cost of operations that move together by the start of the first on the grid, shape (n + 1,)."""
        total = np.zeros(self._n + 1)
        for i, offset in members:
            curve = self._curve(todo, i)
            if dearer is not None:
                curve = curve + self._energy(todo, i, self._meters, dearer)
            total += np.interp(self._grid + offset, self._grid, curve) if offset else curve
        return total

    def _curve(self, todo: Operations, i: int) -> np.ndarray:
        """Worth of an operation's energy by its start on the grid, with what its heat loses until it is reheated."""
        shop, u, h, k = self.shop, todo.unit[i], todo.heat[i], todo.stage[i]
        key = (u, todo.planned[i], shop.energy[h][u])
        if key not in self._curves:
            self._curves[key] = self._energy(todo, i, self._edges, self._sum)
        curve, rate = self._curves[key], shop.reheat_mwh_per_min[h]
        if shop.reheating < 0 or not rate or k > shop.reheating:
            return curve
        lost = rate * np.interp(self._grid, self._edges, self._sum)
        if k == shop.reheating:
            return curve + lost
        return curve - lost if todo.before[i] < 0 else curve

    def _energy(self, todo: Operations, i: int, edges: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Worth of an operation's energy by its start on the grid; ``sums``: of a MWh in every minute until an edge."""
        u, minutes = todo.unit[i], todo.planned[i]
        profile = self.shop.profiles[u]
        phases = np.concatenate([[0.0], profile.ends]) * minutes
        until = np.interp(self._grid[:, None] + phases[None, :], edges, sums)
        return np.asarray(np.diff(until, axis=1) @ profile.relative * (self.shop.energy[todo.heat[i]][u] / minutes))

    def _over(self, todo: Operations, ahead: LineHistory, starts: list[float]) -> np.ndarray:
        """Energy above the import limit in each metered interval [MWh]."""
        load = np.zeros(len(self._room))
        if not np.isfinite(self._room).any():
            return load
        for i, at in enumerate(starts):
            minutes = ahead.end[i] - ahead.start[i] if i in todo.actuals else todo.planned[i]
            if minutes > 0 and at + minutes > 0:
                profile = self.shop.profiles[todo.unit[i]]
                shares = np.concatenate([[0.0], profile.ends])
                energy = np.concatenate([[0.0], np.cumsum(np.diff(shares) * profile.relative)])
                mwh = self.shop.energy[todo.heat[i]][todo.unit[i]]
                load += mwh * np.diff(np.interp((self._meters - at) / minutes, shares, energy))
        return np.maximum(load - self._room * self._meter / 60 - CLOSE, 0.0)


class _Graph:
    """Starts that may move as numbers, with a window of each and lags between them on the grid."""

    def __init__(
        self, shop: LineShop, todo: Operations, ahead: LineHistory, now: float, margins: Margins, n: int
    ) -> None:
        self.shop, self.todo, self.ahead = shop, todo, ahead
        self.members: list[list[tuple[int, float]]] = []
        """By number: the operations that move together, each with its minutes after the first one."""
        self.place: dict[int, tuple[int, float]] = {}
        """Number and minutes after the first one of each operation that may move."""
        self._number()
        self.low = np.full(len(self.members), max(math.ceil((now + CLOSE) / GRID_MIN), 0))
        self.high = np.full(len(self.members), n)
        self._rows: list[tuple[int, int, int]] = []
        self._of_heats(now, margins)
        self._of_units()
        self.lags = Lags(*np.array(self._rows, dtype=int).reshape(-1, 3).T)
        self.possible = self._narrow()

    def _number(self) -> None:
        """Heats of a cast move together; those of a cast that runs do not move."""
        todo = self.todo
        for sequence in todo.sequence:
            members: list[tuple[int, float]] | None = None
            for i in sequence:
                if i in todo.actuals:
                    members = None
                elif not todo.follows[i]:
                    members = []
                    self.members.append(members)
                    self._join(members, i, 0.0)
                elif members is not None:
                    last, offset = members[-1]
                    self._join(members, i, offset + todo.planned[last])

    def _join(self, members: list[tuple[int, float]], i: int, offset: float) -> None:
        members.append((i, offset))
        self.place[i] = len(self.members) - 1, offset

    def _took(self, i: int) -> float:
        """Minutes of an operation."""
        return self.ahead.end[i] - self.ahead.start[i] if i in self.todo.actuals else self.todo.planned[i]

    def _least(self, a: int, b: int, minutes: float) -> None:
        """So many minutes at least from one start to another."""
        start = self.ahead.start
        if a in self.place and b in self.place:
            (one, before), (other, after) = self.place[a], self.place[b]
            if one != other:
                self._rows.append((one, other, _up(minutes + before - after)))
        elif b in self.place:
            self._not_before(b, start[a] + minutes)
        elif a in self.place:
            self._not_after(a, start[b] - minutes)

    def _not_before(self, i: int, at: float) -> None:
        number, offset = self.place[i]
        self.low[number] = max(self.low[number], _up(at - offset))

    def _not_after(self, i: int, at: float) -> None:
        number, offset = self.place[i]
        self.high[number] = min(self.high[number], _down(at - offset))

    def _of_heats(self, now: float, margins: Margins) -> None:
        """From stage to stage, release and due time."""
        shop, todo = self.shop, self.todo
        for i, b in enumerate(todo.before):
            h = todo.heat[i]
            if i in self.place and b < 0:
                self._not_before(i, shop.release[h])
            if i in self.place and todo.stage[i] == shop.route[h][-1]:
                self._not_after(i, min(shop.due[h], shop.length) - margins.due_min - todo.planned[i])
            if b < 0 or (i not in self.place and b not in self.place):
                continue
            over = b in todo.actuals and self.ahead.end[b] <= now
            took, longest = self._took(b), shop.longest_wait[todo.stage[b]]
            self._least(b, i, took + todo.travel[i] + (0.0 if over else margins.slack_min))
            if longest < math.inf:
                wait = min(margins.wait_min, WAIT_SHARE * max(longest - todo.travel[i], 0.0))
                self._least(i, b, wait - took - longest)

    def _of_units(self) -> None:
        """One after the other on each unit, outside its outages, and not far from where it is expected."""
        todo, start = self.todo, self.ahead.start
        for sequence in todo.sequence:
            for a, b in pairwise(sequence):
                if b in self.place and not todo.follows[b]:
                    self._least(a, b, self._took(a) + todo.gap[b])
        for members in self.members:
            first, (last, offset) = members[0][0], members[-1]
            for begin, over in self.shop.outages[todo.unit[first]]:
                if start[first] >= over - CLOSE:
                    self._not_before(first, over)
                else:
                    self._not_after(first, begin - offset - todo.planned[last])
            self._not_before(first, start[first] - REACH_MIN)
            self._not_after(first, start[first] + REACH_MIN)

    def _narrow(self) -> bool:
        """Narrow the windows by the lags; whether there are any starts."""
        lags = self.lags
        for _ in range(len(self.members) + 2):
            if (self.low > self.high).any():
                return False
            earliest, latest = self.low.copy(), self.high.copy()
            np.maximum.at(earliest, lags.later, self.low[lags.earlier] + lags.least)
            np.minimum.at(latest, lags.earlier, self.high[lags.later] - lags.least)
            if (earliest == self.low).all() and (latest == self.high).all():
                return True
            self.low, self.high = earliest, latest
        return False

    def starts(self, slots: np.ndarray) -> list[float]:
        """Starts of all operations [min]."""
        starts, grid = list(self.ahead.start), (slots * GRID_MIN).tolist()
        for i, (number, offset) in self.place.items():
            starts[i] = grid[number] + offset
        return starts


def _up(minutes: float) -> int:
    return math.ceil(minutes / GRID_MIN - CLOSE)


def _down(minutes: float) -> int:
    return math.floor(minutes / GRID_MIN + CLOSE)
