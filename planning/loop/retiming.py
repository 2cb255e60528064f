"""All starts that are left of a day at their best times: the order on each unit stays, and slack has a price.

What has begun and what a running cast needs is fixed. The rest is a graph of least and most times between starts with a
cost of each start, so that a minimum cut finds the best times of all together
(``models/heuristics/line/minimum_cut_retiming.py``). Slack that is missing costs what being late is likely to cost
(``planning/loop/risks.py``): it is kept where it is cheap and where a limit hangs on it. The import limit has no place
in a cut: energy in the intervals that break it is made dearer until none is broken.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from emberline.models.line import Cut, Lags
from emberline.planning.loop.risks import GRID_MIN, LEVELS, Risks
from emberline.scenarios.line.tables import LineShop
from emberline.twin.line.line import LineHistory
from emberline.twin.line.operations import Operations, Reason

REACH_MIN = 30.0
"""By how much a start may move from where it is expected [min]: with 60 no more is saved on days of ``melt-shop-day``,
and days of ``melt-shop-small``, whose import limit binds, lose 2 t in 46."""
CUTS = 8
"""Cuts until the import limit is kept."""
DEARER, GROWTH, FADING, MIN_OVER_MWH, DEAREST = 0.1, 1.6, 0.9, 0.5, 10.0
"""Rise of an interval's price for a MWh above the limit, in mean worths of a MWh; its growth from cut to cut and its
fall from look to look; the least energy that counts as above the limit; the highest price."""
STARTING = 0.2
"""Weight of a cast that begins late next to a heat that is late within one."""
CLOSE = 1e-6


class Retimed(NamedTuple):
    """Better times of a list."""

    starts: list[float]
    """Of all operations [min], of those that have begun as they were."""
    gain: float
    """By how much they are better than what is expected, energy and the price of slack together."""


class Retiming:
    """Best times of a line's starts, by what energy is worth."""

    def __init__(self, shop: LineShop, worth: np.ndarray, room_mw: np.ndarray, meter_min: float) -> None:
        """Args:
        shop: the line.
        worth: of a MWh in each step, shape (n_steps,).
        room_mw: what the import limit leaves to the line in each metered interval, infinite for none, shape (n_meter,).
        meter_min: length of such an interval.
        """
        self.shop, self.room_mw, self._meter = shop, room_mw, meter_min
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

    def forget(self, room_mw: np.ndarray) -> None:
        """A new day begins, with its room: what the import limit cost on the one before does not count."""
        self.room_mw = room_mw
        self._prices[:] = 0.0

    def tighten(self, by_mw: np.ndarray) -> None:
        """Leave less room in some metered intervals from now on, shape (n_meter,)."""
        self.room_mw = self.room_mw - by_mw

    def best(
        self,
        operations: Operations,
        ahead: LineHistory,
        now: float,
        risks: Risks,
        until: float = math.inf,
        *,
        exact: bool = False,
    ) -> Retimed | None:
        """The best times; None: no times near those that are expected keep all limits.

        Args:
            operations: what is left of a list, after what has begun.
            ahead: how it is expected to go on.
            now: the moment [min].
            risks: what slack is worth.
            until: starts that are expected later stay as they are expected [min].
            exact: whether locks are kept as they stand; else one that is late is kept as soon as can be.
        """
        graph = _Graph(self.shop, operations, ahead, now, until, self._n, exact)
        if not graph.members or not graph.possible:
            return None
        graph.soften(now, risks)
        self._prices *= FADING
        cut = Cut(graph.low, graph.high, graph.lags, graph.soft)
        plain = [self._cost(operations, *each, None) for each in zip(graph.members, graph.late, strict=True)]
        slots = graph.low
        for _ in range(CUTS):
            costs = plain
            if self._prices.any():
                dearer = np.concatenate([[0.0], np.cumsum(self._prices)]) * self._meter
                costs = [self._cost(operations, *each, dearer) for each in zip(graph.members, graph.late, strict=True)]
            windows = zip(costs, graph.low.tolist(), graph.high.tolist(), strict=True)
            slots = cut.best(np.concatenate([curve[low : high + 1] for curve, low, high in windows]))
            over = self._over(operations, ahead, graph.starts(slots), now, until)
            if not over.any():
                break
            rise = DEARER * self._scale * np.maximum(over, MIN_OVER_MWH)
            higher = np.minimum(GROWTH * self._prices + rise, DEAREST * self._scale)
            self._prices = np.where(over > 0, higher, self._prices)
        gain = graph.cost(plain, graph.expected) - graph.cost(plain, slots)
        return Retimed(graph.starts(slots), gain)

    def _cost(
        self, operations: Operations, members: list[tuple[int, float]], late: np.ndarray, dearer: np.ndarray | None
    ) -> np.ndarray:
        """Cost of operations that move together by the start of the first on the grid, shape (n + 1,)."""
        total = late.copy()
        for i, offset in members:
            curve = self._curve(operations, i)
            if dearer is not None:
                curve = curve + self._energy(operations, i, self._meters, dearer)
            total += np.interp(self._grid + offset, self._grid, curve) if offset else curve
        return total

    def _curve(self, operations: Operations, i: int) -> np.ndarray:
        """Worth of an operation's energy by its start on the grid, with what its heat loses until it is reheated."""
        shop, u, h, k = self.shop, operations.unit[i], operations.heat[i], operations.stage[i]
        key = (u, operations.planned[i], shop.energy[h][u])
        if key not in self._curves:
            self._curves[key] = self._energy(operations, i, self._edges, self._sum)
        curve, rate = self._curves[key], shop.reheat_mwh_per_min[h]
        if shop.reheating < 0 or not rate or k > shop.reheating:
            return curve
        lost = rate * np.interp(self._grid, self._edges, self._sum)
        if k == shop.reheating:
            return curve + lost
        return curve - lost if operations.before[i] < 0 else curve

    def _energy(self, operations: Operations, i: int, edges: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Worth of an operation's energy by its start on the grid; ``sums``: of a MWh in every minute until an edge."""
        u, minutes = operations.unit[i], operations.planned[i]
        profile = self.shop.profiles[u]
        phases = np.concatenate([[0.0], profile.ends]) * minutes
        until = np.interp(self._grid[:, None] + phases[None, :], edges, sums)
        return np.asarray(
            np.diff(until, axis=1) @ profile.relative * (self.shop.energy[operations.heat[i]][u] / minutes)
        )

    def _over(
        self, operations: Operations, ahead: LineHistory, starts: list[float], now: float, until: float
    ) -> np.ndarray:
        """Energy above the import limit in each metered interval that starts decide on [MWh]."""
        load = np.zeros(len(self.room_mw))
        if not np.isfinite(self.room_mw).any():
            return load
        for i, at in enumerate(starts):
            minutes = ahead.end[i] - ahead.start[i] if i in operations.actuals else operations.planned[i]
            if minutes > 0 and at + minutes > max(now - self._meter, 0.0) and at < until + self._meter:
                profile = self.shop.profiles[operations.unit[i]]
                shares = np.concatenate([[0.0], profile.ends])
                energy = np.concatenate([[0.0], np.cumsum(np.diff(shares) * profile.relative)])
                mwh = self.shop.energy[operations.heat[i]][operations.unit[i]]
                load += mwh * np.diff(np.interp((self._meters - at) / minutes, shares, energy))
        over = np.maximum(load - self.room_mw * self._meter / 60 - CLOSE, 0.0)
        over[(self._meters[:-1] < now) | (self._meters[1:] > until)] = 0.0
        return over


class _Graph:
    """Starts that may move as numbers, with a window of each and lags between them on the grid."""

    def __init__(
        self, shop: LineShop, operations: Operations, ahead: LineHistory, now: float, until: float, n: int, exact: bool
    ) -> None:
        self.shop, self.operations, self.ahead, self._until, self._exact = shop, operations, ahead, until, exact
        self.members: list[list[tuple[int, float]]] = []
        """By number: the operations that move together, each with its minutes after the first one."""
        self.place: dict[int, tuple[int, float]] = {}
        """Number and minutes after the first one of each operation that may move."""
        self._number(until)
        self.low = np.full(len(self.members), max(math.ceil((now + CLOSE) / GRID_MIN), 0))
        self.high = np.full(len(self.members), n)
        self._rows: list[tuple[int, int, int]] = []
        planned = enumerate(operations.planned)
        self._took = [ahead.end[i] - ahead.start[i] if i in operations.actuals else took for i, took in planned]
        """Minutes of each operation."""
        self._limits()
        self.lags = Lags(*np.array(self._rows, dtype=int).reshape(-1, 3).T)
        self.low, self.high = self.lags.narrow(self.low, self.high)
        self.possible = not (self.low > self.high).any()
        self.expected = np.array([ahead.start[members[0][0]] / GRID_MIN for members in self.members])
        """Expected place of each number, in slots."""
        self._slots = np.arange(n + 1)
        self.late = [np.zeros(n + 1) for _ in self.members]
        """By number: price of slack by its slot, as far as it follows from that alone."""
        self._soft: list[tuple[int, int, int, float]] = []

    def _number(self, until: float) -> None:
        """Heats of a cast move together; those of a cast that runs do not move."""
        operations, start = self.operations, self.ahead.start
        for sequence in operations.sequence:
            members: list[tuple[int, float]] | None = None
            for i in sequence:
                if i in operations.actuals or (start[i] > until and not operations.follows[i]):
                    members = None
                elif not operations.follows[i]:
                    members = []
                    self.members.append(members)
                    self._join(members, i, 0.0)
                elif members is not None:
                    last, offset = members[-1]
                    self._join(members, i, offset + operations.planned[last])

    def _join(self, members: list[tuple[int, float]], i: int, offset: float) -> None:
        members.append((i, offset))
        self.place[i] = len(self.members) - 1, offset

    # ---- limits ---------------------------------------------------------------------------------------------------

    def _limit(self, a: int, b: int, minutes: float) -> None:
        """So many minutes at least from one start to another; -1: the beginning of the horizon."""
        start = [*self.ahead.start, 0.0]
        if a in self.place and b in self.place:
            (one, before), (other, after) = self.place[a], self.place[b]
            if one != other:
                self._rows.append((one, other, _up(minutes + before - after)))
        elif b in self.place:
            number, offset = self.place[b]
            self.low[number] = max(self.low[number], _up(start[a] + minutes - offset))
        elif a in self.place:
            number, offset = self.place[a]
            self.high[number] = min(self.high[number], _down(start[b] - minutes - offset))

    def _limits(self) -> None:
        """The rules of the line, and no start far from where it is expected."""
        start = self.ahead.start
        for a, b, least, most, reason in self.operations.edges(start, self._took):
            if reason is Reason.UNIT and b not in self.place:
                continue  # what is not decided yet makes way
            if reason is Reason.LOCK and b in self.place:
                # one that is late already, or lies between two moments of the grid, is not held up further
                offset = self.place[b][1]
                late = most if self._exact else max(most, start[b] + GRID_MIN)
                most = max(late, _up(least - offset) * GRID_MIN + offset)
            if least > -math.inf:
                self._limit(a, b, least)
            if most < math.inf:
                self._limit(b, a, -most)
        for (first, _), *_ in self.members:
            self._limit(-1, first, start[first] - REACH_MIN)
            self._limit(first, -1, -start[first] - REACH_MIN)

    # ---- slack ----------------------------------------------------------------------------------------------------

    def soften(self, now: float, risks: Risks) -> None:
        """Price slack: of heats before casters, of waits, and before due times."""
        operations, shop, start, end, until = self.operations, self.shop, self.ahead.start, self.ahead.end, self._until
        works = [
            (operations.unit[i], max(end[i] - now, 0.0) if i in operations.actuals else operations.planned[i])
            for i in range(len(operations))
        ]
        """Unit and minutes that are left of each operation."""
        after = {a: b for sequence in operations.sequence for a, b in pairwise(sequence)}
        for i, (number, offset) in self.place.items():
            b, h = operations.before[i], operations.heat[i]
            if b >= 0 and operations.longest[i] < math.inf:
                most = self._took[b] + operations.longest[i]
                self._slack(i, b, -most, risks.steps(works[j] for j in self._together(i)))
            if operations.stage[i] == shop.route[h][-1]:
                slack = min(shop.due[h], shop.length) - operations.planned[i] - offset - self._slots * GRID_MIN
                before = [works[j] for j in self._chain(i, now)]
                self.late[number] += risks.of(before, np.maximum(slack, 0.0))
        for b, work in enumerate(works):
            if not work[1] or operations.stage[b] == shop.campaign or start[b] > until:
                continue
            prices = risks.steps([work])
            for minutes, i in self._paths(b, after):
                self._slack(b, i, minutes, prices * (1.0 if operations.follows[i] else STARTING))

    def _together(self, i: int) -> Iterator[int]:
        """Operations of the same cast before one, or the one before it on its unit."""
        operations = self.operations
        sequence, k = operations.sequence[operations.unit[i]], operations.rank[i]
        if k and not operations.follows[i]:
            yield sequence[k - 1]
        while k and operations.follows[sequence[k]]:
            k -= 1
            yield sequence[k]

    def _chain(self, i: int, now: float) -> set[int]:
        """One operation and all before it that have not ended, on its unit and in its heat."""
        operations, chain, remaining = self.operations, set[int](), [i]
        while remaining:
            j = remaining.pop()
            if j < 0 or j in chain or self.ahead.end[j] <= now:
                continue
            chain.add(j)
            rank = operations.rank[j]
            remaining += [operations.before[j], operations.sequence[operations.unit[j]][rank - 1] if rank else -1]
        return chain

    def _paths(self, b: int, after: dict[int, int]) -> Iterator[tuple[float, int]]:
        """Castings that an operation makes late, of its heat and of the next one on its unit, each with the least time
        from its start."""
        operations, minutes = self.operations, 0.0
        for j in (b, after.get(b, -1)):
            if j < 0:
                return
            minutes += self._took[j] + (operations.gap[j] if j != b else 0.0)
            way = minutes
            for i in range(j + 1, operations.last_of(j) + 1):
                way += operations.travel[i]
                if operations.stage[i] == self.shop.campaign:
                    yield way, i
                    break
                way += self._took[i]

    def _slack(self, a: int, b: int, minutes: float, prices: np.ndarray) -> None:
        """Price the slack between two starts beyond so many minutes."""
        start = self.ahead.start
        if a in self.place and b in self.place:
            (one, before), (other, after) = self.place[a], self.place[b]
            least = _up(minutes + before - after)
            if one != other:
                rows = zip(LEVELS[1:], prices, strict=True)
                self._soft += [(one, other, least + more, price) for more, price in rows]
        elif b in self.place:
            number, offset = self.place[b]
            self.late[number] += _short(self._slots - _up(start[a] + minutes - offset), prices)
        elif a in self.place:
            number, offset = self.place[a]
            self.late[number] += _short(_down(start[b] - minutes - offset) - self._slots, prices)

    @property
    def soft(self) -> Lags:
        """Lags that should be kept, at their prices."""
        one, other, least, price = np.array(self._soft, dtype=float).reshape(-1, 4).T
        return Lags(one.astype(int), other.astype(int), least.astype(int), price)

    # ---- starts ---------------------------------------------------------------------------------------------------

    def cost(self, curves: list[np.ndarray], slots: np.ndarray) -> float:
        """Cost of starts, between slots too."""
        soft = self.soft
        missing = np.maximum(soft.least - (slots[soft.later] - slots[soft.earlier]), 0.0)
        alone = sum(float(np.interp(at, self._slots, curve)) for at, curve in zip(slots, curves, strict=True))
        return alone + float(missing @ soft.price) if soft.price is not None else alone

    def starts(self, slots: np.ndarray) -> list[float]:
        """Starts of all operations [min]."""
        starts, grid = list(self.ahead.start), (slots * GRID_MIN).tolist()
        for i, (number, offset) in self.place.items():
            starts[i] = grid[number] + offset
        return starts


def _short(slack: np.ndarray, prices: np.ndarray) -> np.ndarray:
    """Price of slack [slots] by what each level costs that is not reached."""
    return np.maximum(LEVELS[1:, None] - slack, 0).T @ prices


def _up(minutes: float) -> int:
    return math.ceil(minutes / GRID_MIN - CLOSE)


def _down(minutes: float) -> int:
    return math.floor(minutes / GRID_MIN + CLOSE)
