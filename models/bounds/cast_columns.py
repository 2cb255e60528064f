"""Columns of casts, and their rows in any linear program that mixes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emberline.models.bounds.cast_pricing import Way, Ways
from emberline.scenarios import effort

PER_COLUMN = 6e-5
"""Work of a column's rows."""


@dataclass(frozen=True)
class Prices:
    """What the linear program says units, the rest and places among casts of a kind are worth, in units of the goal."""

    units: np.ndarray
    """Shape (n_resources, n_slots)."""
    others: tuple[np.ndarray, ...]
    """Of caps, shape (n_caps,); or of what the line draws by cell, and gives of each carrier by slot."""
    places: np.ndarray
    """By kind of cast: what one that starts in a slot is worth, shape (n_kinds, n_slots)."""
    worth: np.ndarray
    """Of each column at these prices, its units left aside, shape (n_columns,)."""
    objective: float
    """Of the mix of casts: no bound, the prices' own value is."""


class Casts:
    """Columns found so far, and their rows in the linear program: casts that must have begun, units that are held."""

    scale: float
    """Worth of a MWh, which brings objective and multipliers near one."""

    def __init__(self, ways: Ways, latest: list[int]) -> None:
        """Set up the rows.

        Args:
            ways: the casts.
            latest: of each cast, the latest slot of its start.
        """
        self.ways = ways
        self.columns: list[Way] = []
        self._column_set: set[Way] = set()
        self._due = [(k, sorted(latest[c] for c in casts)) for k, casts in enumerate(ways.members)]
        self._rows = [(k, end, count + 1) for k, ends in self._due for count, end in enumerate(ends)]
        self._block = 0
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []
        """Rows and coefficients of the first columns, for blocks of so many slots."""

    def latest(self, kind: int) -> int:
        """Latest start of any cast of a kind."""
        return self._due[kind][1][-1]

    def add(self, way: Way) -> bool:
        """Take a column; False where it is known."""
        if way in self._column_set:
            return False
        self._column_set.add(way)
        self.columns.append(way)
        return True

    def rows(self, block: int) -> tuple[Any, np.ndarray, np.ndarray]:
        """Matrix by columns, lower and upper bounds of the rows: first of what is due, then of units by block."""
        from scipy.sparse import csc_matrix

        ways, n_due = self.ways, len(self._rows)
        capacity = np.add.reduceat(ways.capacity, np.arange(0, ways.n, block), axis=1)
        if block != self._block:
            self._block, self._parts = block, []
        self._parts += [self._column(way, block) for way in self.columns[len(self._parts) :]]
        index = np.concatenate([np.zeros(0, dtype=int), *(rows for rows, _ in self._parts)])
        values = np.concatenate([np.zeros(0), *(used for _, used in self._parts)])
        starts = np.cumsum([0, *(len(rows) for rows, _ in self._parts)])
        matrix = csc_matrix((values, index, starts), shape=(n_due + capacity.size, len(self.columns)))
        high = [float(count) if end == self.latest(k) and count == len(ways.members[k]) else np.inf
                for k, end, count in self._rows]  # fmt: skip
        low = np.concatenate([[float(count) for *_, count in self._rows], np.full(capacity.size, -np.inf)])
        return matrix, low, np.concatenate([high, capacity.ravel()])

    def priced(self, multipliers: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray]:
        """What units and places are worth by slot, from the multipliers of the rows."""
        ways, n_due = self.ways, len(self._rows)
        n_blocks = -(-ways.n // block)
        blocks = np.maximum(-multipliers[n_due : n_due + len(ways.capacity) * n_blocks], 0.0)
        places = np.zeros((len(ways.members), ways.n))
        for (k, end, _), worth in zip(self._rows, multipliers[:n_due].tolist(), strict=True):
            places[k, : end + 1] += worth
        return np.repeat(blocks.reshape(-1, n_blocks), block, axis=1)[:, : ways.n], places

    @property
    def n_due(self) -> int:
        """Rows of what is due."""
        return len(self._rows)

    def _column(self, way: Way, block: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of a cast and its coefficients: what is due, and the slots that it holds of each resource in a block."""
        effort.spend(PER_COLUMN)
        due = [i for i, (k, end, _) in enumerate(self._rows) if k == way.kind and way.slot <= end]
        changes = np.zeros((len(self.ways.capacity), self.ways.n + 1))
        for use in way.uses:
            changes[use.resource, use.slot] += 1
            changes[use.resource, min(use.slot + use.slots, self.ways.n)] -= 1
        occupancy = np.add.reduceat(
            np.cumsum(changes, axis=1)[:, :-1], np.arange(0, self.ways.n, block), axis=1
        ).ravel()
        rows = np.flatnonzero(occupancy)
        return np.concatenate([np.array(due, dtype=int), len(self._rows) + rows]), np.append(
            np.ones(len(due)), occupancy[rows]
        )

    def keep(self, prices: Prices, most: int) -> None:
        """Drop columns that are dear at these prices, as far as there are more than some."""
        if len(self.columns) <= most:
            return
        total = np.concatenate([np.zeros((len(prices.units), 1)), np.cumsum(prices.units, axis=1)], axis=1)

        def dear(place: int) -> float:
            way = self.columns[place]
            used = sum(
                total[use.resource, min(use.slot + use.slots, self.ways.n)] - total[use.resource, use.slot]
                for use in way.uses
            )
            return float(prices.worth[place] + used - prices.places[way.kind, way.slot])

        costs = {place: dear(place) for place in range(len(prices.worth))}
        order = sorted(range(len(self.columns)), key=lambda place: costs.get(place, -np.inf))
        self.columns = [self.columns[place] for place in order[:most]]
        self._column_set, self._parts = set(self.columns), []
