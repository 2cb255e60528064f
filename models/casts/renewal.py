"""Ruin and recreate on casts: a few that lie near in time are taken out of the plan and put back another way.

Either one after the other at their best places, or all moved a little, two of them exchanged, and their heats placed
anew, those needed last first. Worse plans are taken at first with a chance that falls to nothing (simulated annealing).
Moves of the second kind are tried many at once from the same plan (``models/casts/shifts.py``); one whose casts or hours
another has changed meanwhile is dropped. Cooling goes by moves, so that with time enough equal input gives an equal plan.
(Schrimpf, Schneider, Stamm-Wilbrandt, Dueck, Journal of Computational Physics 159, 2000.)
"""

from __future__ import annotations

import math
import time

import numpy as np

from models.aim import weights
from models.casts import ways
from models.casts.shifts import Moves, Shifts
from models.casts.shop import Placed, Shop
from models.search import Search
from models.slots import SlotProblem

MOST_CASTS = 4
"""Casts that are taken out together at most."""
TRIES = 3
"""Places that are tried for a cast."""
TOGETHER = 32
"""Shifts of casts that are tried at once."""
PUT_BACK = 3
"""Moves that put casts back one by one, after each such round."""
REACH_MIN = 60
"""By how much casts are shifted at most."""
LATER = 0.7
"""Share of casts that are shifted in such a move."""
OTHER_CASTER = 0.15
"""Share of them that may change their caster."""
EXCHANGED = 0.3
"""Share of moves in which two casts change places."""
NEAR_MIN = 240
"""Casts near in time: by how much more than others the one taken out may be away."""
ELSEWHERE = 0.2
"""Share of moves with a cast from anywhere."""
NEEDED_MIN = 20
"""Standard deviation of the times by which heats are put in order."""
FORWARD = 0.1
"""Share of shifts after which the heats needed first are placed first."""
WARMTH = 0.018
"""Loss that is taken with a chance of 1/e at the start, as a share of the distance from first plan to bound."""
UNKNOWN = 0.05
"""That distance as long as there is no bound, as a share of the plan."""
CAP_SHARE = 0.02
"""What a cap's weight counts beside the goal's where a cast's place is chosen, as a share of it."""
LIMIT = 50.0
"""How much more a MWh above the import limit counts than elsewhere: a plan that keeps the limit never leaves it."""
BROKEN = 3.0
"""What a broken cap counts beside that."""
MOST = 0.15
"""The distance that counts at most, as a share of the plan."""
TOLD_S = 1.0
"""Seconds between plans that are told."""


def useful(search: Search) -> bool:
    """Whether what a plan is worth follows from the line's load alone."""
    data = search.data
    plain = data.battery is None and data.hub is None and data.purchase is None
    return plain and search.best is not None and ways.useful(search.problem)


def run(search: Search, seconds: float) -> None:
    """Improve the best plan for some seconds."""
    began = time.perf_counter()
    _Renewal(search, seconds).run()
    search.clock("renew", began)


class _Renewal:
    def __init__(self, search: Search, seconds: float) -> None:
        self.search, self.seconds, self.began = search, seconds, time.perf_counter()
        problem, data, aim = search.problem, search.data, search.aim
        table = weights(data)
        self._cells = problem.cells_per_slot
        both = aim.both_weights(data)
        size = float(np.abs(both).mean())
        guide = both.copy()
        for name, *_ in aim.caps(data):
            guide += CAP_SHARE * size / max(float(np.abs(table[name]).mean()), 1e-9) * table[name]
        self.shop = Shop(problem, guide)
        assert search.best is not None
        self.shop.read(search.best)
        net = (data.base - data.pv) / self._cells
        self._given = problem.fixed_cells + np.repeat(net, self._cells)
        self._weight = np.repeat(both, self._cells)
        self._caps = [
            (np.repeat(table[name], self._cells), cap, size / max(float(np.abs(table[name]).mean()), 1e-9))
            for name, cap, _ in aim.caps(data)
        ]
        """Weight of each cap by cell, the cap, and what brings it to the goal's scale."""
        self._per_meter = round(data.meter_min / data.cell_min)
        self._limit, self._over = data.limit_mwh(), LIMIT * aim.over_price(data)
        self.own = np.array([self.shop.cells([c]) for c in range(len(problem.casts))])
        """Load of each cast, shape (n_casts, n_cells)."""
        self.load = self.own.sum(axis=0)
        self.value, self._broken = self._judged(self.load)
        self.best = math.inf if self._broken else self._worth(self.load)
        self.kept: list[Placed | None] | None = None
        """Where the casts lie in the best plan found here."""
        self.shifts = Shifts(self.shop)
        self.shifts.read()
        self._draw = _Draw(problem)
        self._random = np.random.Generator(np.random.Philox(key=len(problem.heats)))

    def _worth(self, load: np.ndarray) -> float:
        """Both goals as one of a load of the line."""
        return float(self._weight @ (load + self._given))

    def _values(self, loads: np.ndarray) -> np.ndarray:
        """Both goals as one with what caps and broken limits count, of loads by cell, shape (..., n_cells)."""
        return self._parts(loads)[0]

    def _judged(self, load: np.ndarray) -> tuple[float, bool]:
        """The same of one load, and whether anything is broken."""
        value, more = self._parts(load)
        return float(value), bool(more > 0)

    def _parts(self, loads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        taken = loads + self._given
        counted, more = taken @ self._weight, np.zeros(loads.shape[:-1])
        if math.isfinite(self._limit):
            metered = taken.reshape(*loads.shape[:-1], -1, self._per_meter).sum(axis=-1)
            more = self._over * np.maximum(metered - self._limit - 1e-9, 0.0).sum(axis=-1)
        for weight, cap, scale in self._caps:
            above = scale * (taken @ weight - cap)
            counted = counted + CAP_SHARE * above
            more = more + BROKEN * np.maximum(above, 0.0)
        return counted + more, more

    def run(self) -> None:
        """Move after move until the time is over."""
        search, told, new = self.search, time.perf_counter(), False
        value = search.value
        assert value is not None
        best = None
        while not search.done():
            passed = (time.perf_counter() - self.began) / self.seconds
            if passed >= 1:
                break
            self.round(WARMTH * self._open(value) * (1 - passed) ** 2)
            if new and best is not None and time.perf_counter() - told > TOLD_S:
                search.offer(best)
                told, new = time.perf_counter(), False
        if new and best is not None:
            search.offer(best)

    def _open(self, first: float) -> float:
        """What may be gained on the first plan."""
        most = UNKNOWN * abs(first) if self.search.bound is None else max(first - self.search.bound, 0.0)
        return min(most, MOST * abs(first))

    def round(self, warmth: float) -> int:
        """Shifts tried at once, then casts put back; how many moves have changed the plan."""
        return self._shift(warmth) + sum(self._put_back(warmth) for _ in range(PUT_BACK))

    def _took(self) -> None:
        """Keep the plan where it is the best so far."""
        if not self._broken:
            worth = self._worth(self.load)
            if worth < self.best - 1e-9 * abs(self.value):
                self.best, self.kept = worth, list(self.shop.at)

    def _slots(self) -> np.ndarray:
        return np.array([placed.slot for placed in self.shop.at if placed is not None])

    def _shift(self, warmth: float) -> int:
        """Try shifts of casts, and make those that pass and do not meet."""
        random, shop, shifts = self._random, self.shop, self.shifts
        units = [placed.unit for placed in shop.at if placed is not None]
        moves = self._draw.shifts(random, self._slots(), np.array(units), TOGETHER)
        losses = -warmth * np.log(1 - random.uniform(size=TOGETHER))
        tried = shifts.tried(moves)
        left = np.flatnonzero(tried.fits)
        if not len(left):
            return 0
        low, high = self._hours(moves)
        own = np.concatenate([self.own, np.zeros((1, self.own.shape[1]))])
        change = tried.cells[left] - own[moves.casts[left]].sum(axis=1)
        made = 0
        while len(left):
            values = self._values(self.load + change)
            good = np.flatnonzero(values < self.value + losses[left])
            if not len(good):
                break
            m = int(left[good[0]])
            self._make(shifts.placed(moves, tried, m), self.load + change[good[0]])
            made += 1
            rest = np.arange(len(left)) > good[0]
            meets = ((low[left][:, :, None] < high[m]) & (high[left][:, :, None] > low[m])).any(axis=(1, 2))
            stays = rest & ~meets
            left, change = left[stays], change[stays]
        return made

    def _hours(self, moves: Moves) -> tuple[np.ndarray, np.ndarray]:
        """Slots that a move looks at, around where its casts were and will be: first and end, shape (n_moves, 2 casts)."""
        before, after = self.shifts.reach
        slots = np.append(self._slots(), 0)
        both = np.concatenate([moves.slots, slots[moves.casts]], axis=1)
        none = np.concatenate([moves.casts, moves.casts], axis=1) < 0
        return np.where(none, 2**30, both - before), np.where(none, -(2**30), both + after)

    def _make(self, places: dict[int, Placed], load: np.ndarray) -> None:
        """Change the plan."""
        before = {c: self.shop.take(c) for c in places}
        for c, placed in places.items():
            self.shop.put(c, placed)
        self._changed(before, load)

    def _changed(self, before: dict[int, Placed], load: np.ndarray) -> None:
        """The shop has changed: take that over."""
        for c, placed in before.items():
            self.shifts.clear(c, placed)
        for c in before:
            self.shifts.hold(c)
            self.own[c] = self.shop.cells([c])
        self.load = load
        self.value, self._broken = self._judged(load)
        self._took()

    def _put_back(self, warmth: float) -> bool:
        """Take casts out and put them back one after the other, each at its best place or one nearly as good."""
        random, shop = self._random, self.shop
        row = self._draw.near(random, self._slots(), 1)[0]
        chosen = row[row >= 0].tolist()
        loose = len(chosen) > 1 and random.uniform() < 0.5
        loss = -warmth * math.log(1 - random.uniform())

        def noise(n: int) -> np.ndarray:
            return random.uniform(1, 1.01, n) if loose else np.ones(n)

        before = {c: shop.take(c) for c in chosen}
        if all(shop.insert(c, TRIES, noise) for c in random.permutation(chosen).tolist()):
            load = self.load - self.own[chosen].sum(axis=0) + shop.cells(chosen)
            if self._judged(load)[0] < self.value + loss:
                self._changed(before, load)
                return True
        for c in chosen:
            if shop.at[c] is not None:
                shop.take(c)
        for c, placed in before.items():
            shop.put(c, placed)
        return False


class _Draw:
    """Draws moves by chance."""

    def __init__(self, problem: SlotProblem) -> None:
        self.problem = problem
        casts = problem.casts
        most, casters = max(len(cast.heats) for cast in casts), max(len(cast.units) for cast in casts)
        self._heats = np.full((len(casts) + 1, most), -1)
        self._offsets = np.zeros((len(casts) + 1, casters, most))
        self._column = np.full((len(casts) + 1, len(problem.units)), -1)
        self._columns = np.ones(len(casts) + 1, dtype=int)
        for c, cast in enumerate(casts):
            self._heats[c, : len(cast.heats)] = cast.heats
            self._columns[c] = len(cast.units)
            for j, u in enumerate(cast.units):
                self._offsets[c, j, : len(cast.heats)] = cast.offsets[u]
                self._column[c, u] = j

    def near(self, random: np.random.Generator, slots: np.ndarray, n_moves: int) -> np.ndarray:
        """A few casts near in time, sometimes one from elsewhere, shape (n_moves, MOST_CASTS), -1 where fewer."""
        n = len(slots)
        middle = slots[random.integers(n, size=n_moves)]
        far = np.abs(slots - middle[:, None]) + random.uniform(0, NEAR_MIN / self.problem.step_min, (n_moves, n))
        most = min(MOST_CASTS, n)
        chosen = np.argsort(far, axis=1)[:, :most]
        counts = random.integers(1, most + 1, size=n_moves)
        chosen = np.where(np.arange(most) < counts[:, None], chosen, -1)
        other = random.integers(n, size=n_moves)
        swap = (random.uniform(size=n_moves) < ELSEWHERE) & (counts > 1) & ~(chosen == other[:, None]).any(axis=1)
        chosen[swap, counts[swap] - 1] = other[swap]
        return chosen

    def shifts(self, random: np.random.Generator, slots: np.ndarray, units: np.ndarray, n_moves: int) -> Moves:
        """Move casts a little, exchange two of them sometimes, and place their heats anew."""
        casts = self.near(random, slots, n_moves)
        most, step = casts.shape[1], self.problem.step_min
        unit, slot = np.append(units, 0)[casts], np.append(slots, 0)[casts]
        count = (casts >= 0).sum(axis=1)
        swap = np.flatnonzero((count > 1) & (random.uniform(size=n_moves) < EXCHANGED))
        a = random.integers(count[swap])
        b = (a + random.integers(1, count[swap])) % count[swap]
        for places in (unit, slot):
            places[swap, a], places[swap, b] = places[swap, b], places[swap, a]
        column = self._column[casts, unit]
        anew = (random.uniform(size=casts.shape) < OTHER_CASTER) | (column < 0)
        column = np.where(anew, random.integers(self._columns[casts]), column)
        reach = max(round(REACH_MIN / step), 1)
        moved = random.uniform(size=casts.shape) < LATER
        slot = slot + np.where(moved, random.integers(-reach, reach + 1, size=casts.shape), 0)
        heats = self._heats[casts]
        needed = (slot * step)[:, :, None] + self._offsets[casts, column] + random.normal(0, NEEDED_MIN, heats.shape)
        backward = random.uniform(size=n_moves) >= FORWARD
        needed = np.where(backward[:, None, None], -needed, needed)
        heats, needed = heats.reshape(n_moves, -1), np.where(heats < 0, np.inf, needed).reshape(n_moves, -1)
        heats = np.take_along_axis(heats, np.argsort(needed, axis=1), axis=1)
        return Moves(casts, np.where(casts < 0, -1, column), np.where(casts < 0, -1, slot), heats)
