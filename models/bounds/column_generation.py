"""The bound of a long horizon: units are priced, and each cast takes its best way by itself.

What all casts cost at any prices, less the prices of what there is, is below every plan (Lagrangian relaxation of the
units). The prices come from column generation: the linear program that mixes the casts found so far (Dantzig & Wolfe,
Operations Research 8, 1960), solved to central multipliers. Between them and the best ones so far the next are tried
(Wentges, International Transactions in Operational Research 4, 1997). First they are level over hours, then over
shorter blocks.

A cast stays whole here with its heats and their waits, which the pooled relaxation averages; fractional are only the
furnaces. It proves more in ten seconds than the pooled relaxation of a week does in ninety.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod

import numpy as np

from emberline.models.bounds.cast_pricing import Way, Ways, exact_reheating, useful
from emberline.models.bounds.restricted_master import Casts, Master, Prices
from emberline.models.search.incumbent import Search

MOST_COLUMNS = 3000
"""Columns that are kept."""
COLUMN_SHARE = 0.7
"""Share of them that stays when there are more."""
STRETCH_MIN = 360
"""In each stretch of so many minutes the best cast of each kind on each caster becomes a column."""
SMOOTHING = 0.5
"""Weight of the best prices so far in the next ones."""
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-6)
"""Of the linear program: the next one where it brings no new cast."""
CLOSE = 5e-4
"""Distance between mix and bound, as a share, at which blocks are made shorter."""


def of(search: Search) -> CastBound | None:
    """The bound of a search; None where the line or the site is not of the kind."""
    data, problem = search.data, search.problem
    plain = data.battery is None and data.hub is None and data.purchase is None and not data.curtails
    if not plain or not useful(problem) or _limited(search):
        return None
    table = data.guide_per_mwh
    rows = np.array([table[search.aim.first], *(table[name] for name, *_ in search.aim.caps(data))])
    # what exports earn, what idle units draw, and waits that are taken as too short need weights that are not negative
    if (rows < 0).any() and (problem.states or not data.plain or not exact_reheating(problem)):
        return None
    if not data.plain and (data.export_price > data.price).any():
        return None
    return CastBound(search, rows)


def _limited(search: Search) -> bool:
    """Whether the import limit is felt when every unit draws its most: this bound knows no limit."""
    data, problem = search.data, search.problem
    most = dict.fromkeys(range(len(problem.units)), 0.0)
    works = [operation.cells for heat in problem.heats for operation in heat.operations]
    for cells in [*works, *(cast.cells for cast in problem.casts)]:
        for u, curve in cells.items():
            most[u] = max(most[u], float(curve.max()))
    per = data.meter_min / data.cell_min
    room = data.limit_mwh() - (data.base - data.pv) * data.meter_min / data.step_min
    room = room - problem.fixed_cells.reshape(problem.n_slots, -1).max(axis=1) * per
    return bool((room < sum(most.values()) * per - 1e-9).any())


class Bound(ABC):
    """Raises a search's bound until prices are as good as they get."""

    ways: Ways
    master: Casts
    prices: tuple[np.ndarray, ...]
    """The best so far: of units, then of what else the linear program prices."""
    settled = 0.0
    """What the linear program leaves out of its objective and the bound counts."""

    def __init__(self, search: Search) -> None:
        """Take a search, which gets the bound."""
        self.search = search
        self.over = False
        """Set by the search: nobody needs the bound any more."""
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
        level = 0
        while level < len(TOLERANCES) and not self._stop():
            prices = self._mix(block, TOLERANCES[level])
            if prices is None:
                return
            mixed = prices.objective + self.settled
            near = self.best > mixed - 0.1 * abs(mixed)
            share = SMOOTHING if near else 0.0
            new_prices = (prices.units, *prices.others)
            self._value(*((1 - share) * new + share * old for new, old in zip(new_prices, self.prices, strict=True)))
            new = self._price(prices)
            if self.best >= mixed - CLOSE * abs(mixed):
                return
            if not new and share:
                # nothing new between the two: what the prices themselves say
                self._value(*new_prices)
                new = self._price(prices)
            level += not new
            if len(self.master.columns) > MOST_COLUMNS:
                self.master.keep(prices, round(COLUMN_SHARE * MOST_COLUMNS))

    def _price(self, prices: Prices) -> int:
        """Make columns of the casts where they go, and of the best ones in each stretch of time; how many are new."""
        ways, master = self.ways, self.master
        best: list[Way] = [ways.way(kind, *place) for kind, place in zip(ways.kind, ways.best()[1], strict=True)]
        stretch = max(round(STRETCH_MIN / self.search.problem.step_min), 1)
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


class CastBound(Bound):
    """Where what a cast is worth follows from its energy alone."""

    master: Master

    def __init__(self, search: Search, weights: np.ndarray) -> None:
        """Work out the casts' curves.

        Args:
            search: gets the bound.
            weights: worth of a MWh by slot to the goal and to each cap, shape (1 + n_caps, n_slots).
        """
        began = time.perf_counter()
        super().__init__(search)
        problem, data, aim = search.problem, search.data, search.aim
        self.ways = Ways(problem, weights)
        base = weights @ (data.base - data.pv + problem.on_slots(problem.fixed_cells))
        self.settled = float(base[0]) - aim.constant
        self._room = np.array([cap for _, cap, _ in aim.caps(data)]) - base[1:]
        scales = np.maximum(np.abs(weights).mean(axis=1), 1e-9)
        latest = [max(cast.last.values()) for cast in problem.casts]
        self.master = Master(self.ways, latest, self._room, float(scales[0]), scales[1:])
        self.prices = (np.zeros_like(self.ways.capacity), np.zeros(len(self._room)))
        search.clock("build", began)

    def proven(self, *prices: np.ndarray) -> float:
        """What prices of units and caps prove."""
        units, caps = prices
        self.ways.price(units, np.concatenate(([1.0], caps)))
        total, _ = self.ways.best()
        return total + self.settled - float((units * self.ways.capacity).sum()) - float(caps @ self._room)

    def _mix(self, block: int, tolerance: float) -> Prices | None:
        return self.master.solve(block, tolerance=tolerance, time_limit=self.search.rest, cancel=self._stop)
