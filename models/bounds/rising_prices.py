"""Prices that rise to what they can prove: casts are priced, mixed by a linear program, and priced again.

What the linear program prices besides units is its own matter: caps (``models/bounds/column_generation.py``), or what
the line draws from its site (``models/bounds/joint_prices.py``).
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod

import numpy as np

from emberline.models.bounds.cast_columns import Casts, Prices
from emberline.models.bounds.cast_pricing import Way, Ways
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE
from emberline.scenarios import effort

LOWEST = -1e30
"""A bound that says nothing."""


class Bound(ABC):
    """Raises a search's bound until prices are as good as they get."""

    ways: Ways
    master: Casts
    prices: tuple[np.ndarray, ...]
    """The best so far: of units, then of what else the linear program prices."""
    tolerances: tuple[float, ...] = LINE.tolerances
    patience = math.inf
    """Mixes without a better bound after which the linear program is solved more closely, or blocks get shorter."""
    settled = 0.0
    """What the linear program leaves out of its objective and the bound counts."""
    over = effort.shared(False)
    """Set by the search: nobody needs the bound any more."""

    def __init__(self, search: Search) -> None:
        """Take a search, which gets the bound."""
        self.search = search
        self.failure: BaseException | None = None
        self.best = -math.inf
        self._hour = max(round(60 / search.problem.step_min), 1)

    @abstractmethod
    def proven(self, *prices: np.ndarray) -> float:
        """What prices prove; the casts' curves are those of the prices afterwards. Infinite where a cast has no way."""

    @abstractmethod
    def _mix(self, block: int, tolerance: float) -> Prices | None:
        """The best mix of the columns."""

    def run(self) -> None:
        """Raise the bound until the search is over, or nothing is to be gained."""
        began = time.perf_counter()
        try:
            self._begin()
            block = self._hour
            while block and not self._stop():
                self._close_in(block)
                block //= 2
        except BaseException as error:
            self.failure = error
        self.search.clock("bound", began)

    def _stop(self) -> bool:
        return self.over or self.search.over()

    def _begin(self) -> None:
        """Casts at all hours, as if nothing else were made; where one has no place there is no plan."""
        total = self._value(*self.prices)
        self.search.infeasible |= total == math.inf and self.search.best is None
        for kind in range(len(self.ways.members)):
            for column in self._columns(kind):
                curve = self.ways.curves[kind, column]
                for t in range(0, self.master.latest(kind) + 1, self._hour):
                    if self._stop():
                        return
                    if np.isfinite(curve[t]):
                        self.master.add(self.ways.way(kind, column, t))

    def _columns(self, kind: int) -> range:
        return range(len(self.search.problem.casts[self.ways.members[kind][0]].units))

    def _value(self, *prices: np.ndarray) -> float:
        """What prices prove; the search gets it."""
        value = self.proven(*prices)
        if math.isfinite(value) and value > self.best:
            self.best, self.prices = value, prices
            self.search.raise_bound(value)
        return value

    def _close_in(self, block: int) -> None:
        """Find prices that are level over blocks of slots, until mix and bound nearly meet."""
        level, idle, height = 0, 0, max(self.best, LOWEST)
        while level < len(self.tolerances) and not self._stop():
            prices = self._mix(block, self.tolerances[level])
            if prices is None:
                return
            mixed = prices.objective + self.settled
            near = self.best > mixed - 0.1 * abs(mixed)
            share = LINE.smoothing if near else 0.0
            new_prices = (prices.units, *prices.others)
            self._value(*((1 - share) * new + share * old for new, old in zip(new_prices, self.prices, strict=True)))
            new = self._price(prices)
            if self.best >= mixed - LINE.close * abs(mixed):
                return
            if not new and share:
                # nothing new between the two: what the prices themselves say
                self._value(*new_prices)
                new = self._price(prices)
            rose = self.best > height + LINE.close * abs(height)
            height, idle = (self.best, 0) if rose else (height, idle + 1)
            if not new or idle >= self.patience:
                level, idle = level + 1, 0
            if len(self.master.columns) > LINE.columns:
                self.master.keep(prices, round(LINE.columns_share * LINE.columns))

    def _price(self, prices: Prices) -> int:
        """Make columns of the casts where they go, and of the best ones in each stretch of time; how many are new."""
        ways, master = self.ways, self.master
        best: list[Way] = [ways.way(kind, *place) for kind, place in zip(ways.kind, ways.best()[1], strict=True)]
        stretch = max(round(LINE.stretch_min / self.search.problem.step_min), 1)
        least = 1e-4 * self.master.scale
        for kind in range(len(ways.members)):
            for column in self._columns(kind):
                gain = ways.curves[kind, column] - prices.places[kind]
                gain[master.latest(kind) + 1 :] = np.inf
                for low in range(0, ways.n, stretch):
                    t = low + int(gain[low : low + stretch].argmin())
                    if gain[t] < -least:
                        best.append(ways.way(kind, column, t))
        return sum(master.add(way) for way in best)
