"""Bound of a long horizon: units are priced, and each cast takes its own cheapest route.

The cost of all casts at any prices, minus the value of the capacity, is below every plan (Lagrangian relaxation of the
units). The prices come from column generation: the linear program that mixes the casts generated so far (Dantzig &
Wolfe, Operations Research 8, 1960), solved to central multipliers. The next prices to try lie between these and the
best ones so far (Wentges, International Transactions in Operational Research 4, 1997). Prices are first constant over
hours, then over shorter blocks.

A column is a cast with all starts of its heats. Casts of a kind share their columns; a row for each latest start of its
members states how many of them must have begun. Capacity is kept on average over blocks of slots, which leaves fewer
prices to find; a price that is constant over a block is equally valid. Subclasses define the other rows of the linear
program: caps, or the draw of the line from its site (``models/bounds/joint_prices.py``).

Here a cast stays whole with its heats and their waits, which the pooled relaxation averages; only the furnaces are
fractional. For a week this proves more in ten seconds than the pooled relaxation does in ninety.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from emberline.models.bounds.cast_pricing import CastColumn, PricingTables, exact_reheating, useful
from emberline.models.kernel.highs.program import central
from emberline.models.problem.line import SlotProblem
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE
from emberline.scenarios import effort

PER_COLUMN = 6e-5
"""Work per column, for its rows."""


@dataclass(frozen=True)
class Prices:
    """Values of units, other rows and due casts in the linear program, in units of the goal."""

    units: np.ndarray
    """Values of units, shape (n_resources, n_slots)."""
    others: tuple[np.ndarray, ...]
    """Values of caps, shape (n_caps,); or of the line's draw by cell and its output of each carrier by slot."""
    places: np.ndarray
    """Value of a cast that starts in a slot, by kind of cast, shape (n_kinds, n_slots)."""
    worth: np.ndarray
    """Value of each column at these prices without its units, shape (n_columns,)."""
    objective: float
    """Objective of the mix of casts; only the value of the prices is a bound."""


class Casts(ABC):
    """Columns generated so far, and their rows in the linear program: due casts and occupied units."""

    scale: float
    """Value of a MWh, which scales objective and multipliers to about one."""

    def __init__(self, tables: PricingTables, latest: list[int]) -> None:
        """Set up the rows.

        Args:
            tables: the casts.
            latest: latest start slot of each cast.
        """
        self.tables = tables
        self.columns: list[CastColumn] = []
        self._column_set: set[CastColumn] = set()
        self._due = [(k, sorted(latest[c] for c in casts)) for k, casts in enumerate(tables.members)]
        self._rows = [(k, end, count + 1) for k, ends in self._due for count, end in enumerate(ends)]
        self._block = 0
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []
        """Rows and coefficients of the first columns, for the present length of blocks."""

    @abstractmethod
    def solve(self, block: int, *, tolerance: float, work: float, cancel: Callable[[], bool]) -> Prices | None:
        """Compute the best mix of columns, with capacity kept on average over blocks; None if it does not finish."""

    def latest(self, kind: int) -> int:
        """Return the latest start of any cast of a kind."""
        return self._due[kind][1][-1]

    def add(self, cast_column: CastColumn) -> bool:
        """Add a column; return False if it is known."""
        if cast_column in self._column_set:
            return False
        self._column_set.add(cast_column)
        self.columns.append(cast_column)
        return True

    def rows(self, block: int) -> tuple[Any, np.ndarray, np.ndarray]:
        """Return the matrix by columns and the lower and upper row bounds: first due casts, then units by block."""
        from scipy.sparse import csc_matrix

        tables, n_due = self.tables, len(self._rows)
        capacity = np.add.reduceat(tables.capacity, np.arange(0, tables.n, block), axis=1)
        if block != self._block:
            self._block, self._parts = block, []
        self._parts += [self._column(cast_column, block) for cast_column in self.columns[len(self._parts) :]]
        index = np.concatenate([np.zeros(0, dtype=int), *(rows for rows, _ in self._parts)])
        values = np.concatenate([np.zeros(0), *(used for _, used in self._parts)])
        starts = np.cumsum([0, *(len(rows) for rows, _ in self._parts)])
        matrix = csc_matrix((values, index, starts), shape=(n_due + capacity.size, len(self.columns)))
        high = [float(count) if end == self.latest(k) and count == len(tables.members[k]) else np.inf
                for k, end, count in self._rows]  # fmt: skip
        low = np.concatenate([[float(count) for *_, count in self._rows], np.full(capacity.size, -np.inf)])
        return matrix, low, np.concatenate([high, capacity.ravel()])

    def priced(self, multipliers: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the values of units and due casts by slot, from the multipliers of the rows."""
        tables, n_due = self.tables, len(self._rows)
        n_blocks = -(-tables.n // block)
        blocks = np.maximum(-multipliers[n_due : n_due + len(tables.capacity) * n_blocks], 0.0)
        places = np.zeros((len(tables.members), tables.n))
        for (k, end, _), worth in zip(self._rows, multipliers[:n_due].tolist(), strict=True):
            places[k, : end + 1] += worth
        return np.repeat(blocks.reshape(-1, n_blocks), block, axis=1)[:, : tables.n], places

    @property
    def n_due(self) -> int:
        """Number of rows of due casts."""
        return len(self._rows)

    def _column(self, cast_column: CastColumn, block: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and coefficients of a cast: due casts, and its occupied slots of each resource by block."""
        effort.spend(PER_COLUMN)
        due = [i for i, (k, end, _) in enumerate(self._rows) if k == cast_column.kind and cast_column.slot <= end]
        changes = np.zeros((len(self.tables.capacity), self.tables.n + 1))
        for use in cast_column.uses:
            changes[use.resource, use.slot] += 1
            changes[use.resource, min(use.slot + use.slots, self.tables.n)] -= 1
        occupancy = np.add.reduceat(
            np.cumsum(changes, axis=1)[:, :-1], np.arange(0, self.tables.n, block), axis=1
        ).ravel()
        rows = np.flatnonzero(occupancy)
        return np.concatenate([np.array(due, dtype=int), len(self._rows) + rows]), np.append(
            np.ones(len(due)), occupancy[rows]
        )

    def keep(self, prices: Prices, most: int) -> None:
        """Drop the columns of highest reduced cost until at most ``most`` remain."""
        if len(self.columns) <= most:
            return
        total = np.concatenate([np.zeros((len(prices.units), 1)), np.cumsum(prices.units, axis=1)], axis=1)

        def reduced_cost(place: int) -> float:
            cast_column = self.columns[place]
            used = sum(
                total[use.resource, min(use.slot + use.slots, self.tables.n)] - total[use.resource, use.slot]
                for use in cast_column.uses
            )
            return float(prices.worth[place] + used - prices.places[cast_column.kind, cast_column.slot])

        costs = {place: reduced_cost(place) for place in range(len(prices.worth))}
        order = sorted(range(len(self.columns)), key=lambda place: costs.get(place, -np.inf))
        self.columns = [self.columns[place] for place in order[:most]]
        self._column_set, self._parts = set(self.columns), []


class Master(Casts):
    """Linear program in which the value of a cast follows from its energy alone, with caps."""

    def __init__(
        self, tables: PricingTables, latest: list[int], room: np.ndarray, scale: float, cap_scales: np.ndarray
    ) -> None:
        """Set up the rows.

        Args:
            tables: the casts.
            latest: latest start slot of each cast.
            room: amount of each cap available to the casts, shape (n_caps,).
            scale: value of a MWh, which scales objective and multipliers to about one.
            cap_scales: scale of each cap.
        """
        super().__init__(tables, latest)
        self.room, self.scale, self.cap_scales = room, scale, cap_scales

    def solve(self, block: int, *, tolerance: float, work: float, cancel: Callable[[], bool]) -> Prices | None:
        """Compute the best mix of columns, with capacity kept on average over blocks; None if it does not finish."""
        from scipy.sparse import csc_matrix, eye_array, hstack, vstack

        matrix, low, high = self.rows(block)
        n_caps, n_rows = len(self.room), matrix.shape[0] + len(self.room)
        worth = np.array([cast_column.worth for cast_column in self.columns])
        columns = vstack([matrix, csc_matrix((worth[:, 1:] / self.cap_scales).T)], format="csc")
        n_held = n_rows - self.n_due
        slack = eye_array(n_rows, n_held, k=-self.n_due, format="csc") * -1.0
        cost = np.concatenate(
            [worth[:, 0] / self.scale, np.full(n_held - n_caps, LINE.overuse), np.full(n_caps, LINE.over_cap)]
        )
        centre = central(
            cost, hstack([columns, slack], format="csc"), np.concatenate([low, np.full(n_caps, -np.inf)]),
            np.concatenate([high, self.room / self.cap_scales]),
            tolerance=tolerance, work=work, cancel=cancel,
        )  # fmt: skip
        if centre is None:
            return None
        units, places = self.priced(centre.multipliers, block)
        caps = np.maximum(-centre.multipliers[n_rows - n_caps :], 0.0) * self.scale / self.cap_scales
        return Prices(
            units=units * self.scale, others=(caps,), places=places * self.scale,
            worth=worth[:, 0] + worth[:, 1:] @ caps, objective=centre.objective * self.scale,
        )  # fmt: skip


LOWEST = -1e30
"""Bound without information."""


class Bound(ABC):
    """Column generation that raises the bound of a search until its prices no longer improve."""

    tables: PricingTables
    master: Casts
    prices: tuple[np.ndarray, ...]
    """Best prices so far: of units, then of the other rows of the linear program."""
    tolerances: tuple[float, ...] = LINE.tolerances
    patience = math.inf
    """Mixes without a better bound after which the tolerance is tightened or blocks become shorter."""
    settled = 0.0
    """Part of the bound that is not in the objective of the linear program."""
    over = effort.shared(False)
    """Set by the search when the bound is no longer needed."""

    def __init__(self, search: Search) -> None:
        """Store the search that receives the bound."""
        self.search = search
        self.failure: BaseException | None = None
        self.best = -math.inf
        self._hour = max(round(60 / search.problem.step_min), 1)

    @abstractmethod
    def proven(self, *prices: np.ndarray) -> float:
        """Return the bound that prices prove and set the casts' curves to them; infinite if a cast has no route."""

    def run(self) -> None:
        """Raise the bound until the search is over or no improvement is possible."""
        with self.search.timed("bound"):
            try:
                self._begin()
                block = self._hour
                while block and not self._stop():
                    self._close_in(block)
                    block //= 2
            except BaseException as error:
                self.failure = error

    def _stop(self) -> bool:
        return self.over or self.search.over()

    def _begin(self) -> None:
        """Add casts at all hours, as if nothing else were produced; a cast without a place proves infeasibility."""
        total = self._value(*self.prices)
        self.search.infeasible |= total == math.inf and self.search.best is None
        for kind in range(len(self.tables.members)):
            for column in self._columns(kind):
                curve = self.tables.curves[kind, column]
                for t in range(0, self.master.latest(kind) + 1, self._hour):
                    if self._stop():
                        return
                    if np.isfinite(curve[t]):
                        self.master.add(self.tables.cast_column(kind, column, t))

    def _columns(self, kind: int) -> range:
        return range(len(self.search.problem.casts[self.tables.members[kind][0]].units))

    def _value(self, *prices: np.ndarray) -> float:
        """Return the bound that prices prove and report it to the search."""
        value = self.proven(*prices)
        if math.isfinite(value) and value > self.best:
            self.best, self.prices = value, prices
            self.search.raise_bound(value)
        return value

    def _close_in(self, block: int) -> None:
        """Improve prices that are constant over blocks of slots until mix and bound nearly agree."""
        level, idle, height = 0, 0, max(self.best, LOWEST)
        while level < len(self.tolerances) and not self._stop():
            prices = self.master.solve(
                block, tolerance=self.tolerances[level], work=self.search.total_remaining, cancel=self._stop
            )
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
                # nothing new between the two: try the prices themselves
                self._value(*new_prices)
                new = self._price(prices)
            rose = self.best > height + LINE.close * abs(height)
            height, idle = (self.best, 0) if rose else (height, idle + 1)
            if not new or idle >= self.patience:
                level, idle = level + 1, 0
            if len(self.master.columns) > LINE.columns:
                self.master.keep(prices, round(LINE.columns_share * LINE.columns))

    def _price(self, prices: Prices) -> int:
        """Add the casts at their best places, overall and in each stretch of time; return how many are new."""
        tables, master = self.tables, self.master
        best = [tables.cast_column(kind, *place) for kind, place in zip(tables.kind, tables.best()[1], strict=True)]
        stretch = max(round(LINE.stretch_min / self.search.problem.step_min), 1)
        least = 1e-4 * self.master.scale
        for kind in range(len(tables.members)):
            for column in self._columns(kind):
                gain = tables.curves[kind, column] - prices.places[kind]
                gain[master.latest(kind) + 1 :] = np.inf
                for low in range(0, tables.n, stretch):
                    t = low + int(gain[low : low + stretch].argmin())
                    if gain[t] < -least:
                        best.append(tables.cast_column(kind, column, t))
        return sum(master.add(cast_column) for cast_column in best)


def of(search: Search) -> CastBound | None:
    """Return the bound of a search; None if it does not apply to the line or the site."""
    data, problem = search.data, search.problem
    plain = data.battery is None and data.hub is None and data.purchase is None and not data.curtails
    if not plain or not useful(problem) or _limited(search):
        return None
    table = data.guide_per_mwh
    rows = np.array([table[search.aim.first], *(table[name] for name, *_ in search.aim.caps(data))])
    # export revenue, the draw of idle units and underestimated waits require non-negative weights
    if (rows < 0).any() and (problem.states or not data.plain or not exact_reheating(problem)):
        return None
    if not data.plain and (data.export_price > data.price).any():
        return None
    return CastBound(search, rows)


def _limited(search: Search) -> bool:
    """Return whether the import limit can bind when every unit draws its maximum, as this bound ignores it."""
    data, problem = search.data, search.problem
    per = data.meter_min / data.cell_min
    room = data.limit_mwh() - (data.base - data.pv) * data.meter_min / data.step_min
    room = room - problem.fixed_cells.reshape(problem.n_slots, -1).max(axis=1) * per
    return bool((room < most_of_units(problem) * per - 1e-9).any())


def most_of_units(problem: SlotProblem) -> float:
    """Return the energy of all units in a cell in which each draws its maximum [MWh]."""
    most = dict.fromkeys(range(len(problem.units)), 0.0)
    for _, work in problem.works():
        for u, curve in work.cells.items():
            most[u] = max(most[u], float(np.abs(curve).max(initial=0.0)))
    return sum(most.values())


class CastBound(Bound):
    """Bound in which the value of a cast follows from its energy alone."""

    master: Master

    def __init__(self, search: Search, weights: np.ndarray) -> None:
        """Compute the curves of the casts.

        Args:
            search: search that receives the bound.
            weights: value of a MWh by slot for the goal and for each cap, shape (1 + n_caps, n_slots).
        """
        super().__init__(search)
        problem, data, aim = search.problem, search.data, search.aim
        self.tables = PricingTables(problem, weights)
        base = weights @ (data.base - data.pv + problem.on_steps(problem.fixed_cells))
        self.settled = float(base[0]) - aim.constant
        self._room = np.array([cap for _, cap, _ in aim.caps(data)]) - base[1:]
        scales = np.maximum(np.abs(weights).mean(axis=1), 1e-9)
        latest = [max(cast.last.values()) for cast in problem.casts]
        self.master = Master(self.tables, latest, self._room, float(scales[0]), scales[1:])
        self.prices = (np.zeros_like(self.tables.capacity), np.zeros(len(self._room)))

    def proven(self, *prices: np.ndarray) -> float:
        """Return the bound that prices of units and caps prove."""
        units, caps = prices
        self.tables.price(units, np.concatenate(([1.0], caps)))
        total, _ = self.tables.best()
        return total + self.settled - float((units * self.tables.capacity).sum()) - float(caps @ self._room)
