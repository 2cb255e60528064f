"""The linear program that mixes casts: prices of units from the casts found so far.

A column is a cast with all starts of its heats. Casts of a kind share their columns; how many of them must have begun
by the latest starts of its members is a row each. Capacity is kept in the mean over blocks of slots, which leaves fewer
prices to find; a price that is level over a block is as valid as any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emberline.models.bounds.cast_pricing import Way, Ways
from emberline.models.kernel.highs.interior_point import central

OVERUSE = 40.0
"""What a unit used beyond capacity costs in a slot, as MWh of mean worth: far above any price."""
OVER_CAP = 5.0
"""What a cap broken costs: a multiple of what it is worth to the goal."""


@dataclass(frozen=True)
class Prices:
    """What the linear program says units, caps and places among casts of a kind are worth, in units of the goal."""

    units: np.ndarray
    """Shape (n_resources, n_slots)."""
    caps: np.ndarray
    """Shape (n_caps,)."""
    places: np.ndarray
    """By kind of cast: what one that starts in a slot is worth, shape (n_kinds, n_slots)."""
    objective: float
    """Of the mix of casts: no bound, the prices' own value is."""


class Master:
    """Columns found so far and the linear program of them."""

    def __init__(self, ways: Ways, latest: list[int], room: np.ndarray, scale: float, cap_scales: np.ndarray) -> None:
        """Set up the rows.

        Args:
            ways: the casts.
            latest: of each cast, the latest slot of its start.
            room: what the casts may take of each cap, shape (n_caps,).
            scale: worth of a MWh, to bring objective and multipliers near one.
            cap_scales: the same of each cap.
        """
        self.ways, self.room, self.scale, self.cap_scales = ways, room, scale, cap_scales
        self.columns: list[Way] = []
        self._column_set: set[Way] = set()
        self._due = [(k, sorted(latest[c] for c in casts)) for k, casts in enumerate(ways.members)]
        self._rows = [(k, end, count + 1) for k, ends in self._due for count, end in enumerate(ends)]

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

    def solve(self, block: int, *, tolerance: float, time_limit: float, cancel: Callable[[], bool]) -> Prices | None:
        """The best mix of the columns, capacity kept in the mean over blocks of slots; None where it did not end."""
        from scipy.sparse import csc_matrix, eye_array, hstack

        ways, n_due, n_caps = self.ways, len(self._rows), len(self.room)
        n_blocks = -(-ways.n // block)
        edges = np.arange(0, ways.n, block)
        capacity = np.add.reduceat(ways.capacity, edges, axis=1)
        index, values, starts = [], [], [0]
        for way in self.columns:
            due = np.array([i for i, (k, end, _) in enumerate(self._rows) if k == way.kind and way.slot <= end])
            rows, used = self._used(way, block, n_blocks)
            caps = np.arange(n_caps)
            index += [due, n_due + rows, n_due + capacity.size + caps]
            values += [np.ones(len(due)), used, np.array(way.worth[1:]) / self.cap_scales]
            starts.append(starts[-1] + len(due) + len(rows) + n_caps)
        n_rows, n_held = n_due + capacity.size + n_caps, capacity.size + n_caps
        columns = csc_matrix((np.concatenate(values), np.concatenate(index), starts), shape=(n_rows, len(self.columns)))
        slack = eye_array(n_rows, n_held, k=-n_due, format="csc") * -1.0
        cost = np.concatenate(
            [
                [way.worth[0] / self.scale for way in self.columns],
                np.full(capacity.size, OVERUSE),
                np.full(n_caps, OVER_CAP),
            ]
        )
        high = [float(count) if end == self.latest(k) and count == len(ways.members[k]) else np.inf
                for k, end, count in self._rows]  # fmt: skip
        low = np.concatenate([[float(count) for *_, count in self._rows], np.full(n_held, -np.inf)])
        centre = central(
            cost, hstack([columns, slack], format="csc"), low,
            np.concatenate([high, capacity.ravel(), self.room / self.cap_scales]),
            tolerance=tolerance, time_limit=time_limit, cancel=cancel,
        )  # fmt: skip
        if centre is None:
            return None
        due_worth, rest = centre.multipliers[:n_due], np.maximum(-centre.multipliers[n_due:], 0.0)
        blocks = rest[: capacity.size].reshape(len(capacity), n_blocks)
        places = np.zeros((len(ways.members), ways.n))
        for (k, end, _), worth in zip(self._rows, due_worth.tolist(), strict=True):
            places[k, : end + 1] += worth
        return Prices(
            units=np.repeat(blocks, block, axis=1)[:, : ways.n] * self.scale,
            caps=rest[capacity.size :] * self.scale / self.cap_scales,
            places=places * self.scale,
            objective=centre.objective * self.scale,
        )

    def _used(self, way: Way, block: int, n_blocks: int) -> tuple[np.ndarray, np.ndarray]:
        """Slots that a cast holds of each resource in each block: places in the flat table that are not zero."""
        changes = np.zeros((len(self.ways.capacity), self.ways.n + 1))
        for use in way.uses:
            changes[use.resource, use.slot] += 1
            changes[use.resource, min(use.slot + use.slots, self.ways.n)] -= 1
        occupancy = np.add.reduceat(
            np.cumsum(changes, axis=1)[:, :-1], np.arange(0, self.ways.n, block), axis=1
        ).ravel()
        rows = np.flatnonzero(occupancy)
        return rows, occupancy[rows]

    def keep(self, prices: Prices, most: int) -> None:
        """Drop columns that are dear at these prices, as far as there are more than some."""
        if len(self.columns) <= most:
            return
        total = np.concatenate([np.zeros((len(prices.units), 1)), np.cumsum(prices.units, axis=1)], axis=1)

        def dear(way: Way) -> float:
            used = sum(
                total[use.resource, min(use.slot + use.slots, self.ways.n)] - total[use.resource, use.slot]
                for use in way.uses
            )
            return way.worth[0] + used + prices.caps @ np.array(way.worth[1:]) - prices.places[way.kind, way.slot]

        self.columns.sort(key=dear)
        self._column_set.difference_update(self.columns[most:])
        del self.columns[most:]
