"""The linear program that mixes casts: prices of units from the casts found so far.

A column is a cast with all starts of its heats. Casts of a kind share their columns; how many of them must have begun
by the latest starts of its members is a row each. Capacity is kept in the mean over blocks of slots, which leaves fewer
prices to find; a price that is level over a block is as valid as any.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from emberline.models.bounds.cast_columns import Casts, Prices
from emberline.models.bounds.cast_pricing import Ways
from emberline.models.kernel.highs.interior_point import central
from emberline.models.search.tuning import LINE


class Master(Casts):
    """The linear program where what a cast is worth follows from its energy alone, and caps."""

    def __init__(self, ways: Ways, latest: list[int], room: np.ndarray, scale: float, cap_scales: np.ndarray) -> None:
        """Set up the rows.

        Args:
            ways: the casts.
            latest: of each cast, the latest slot of its start.
            room: what the casts may take of each cap, shape (n_caps,).
            scale: worth of a MWh, to bring objective and multipliers near one.
            cap_scales: the same of each cap.
        """
        super().__init__(ways, latest)
        self.room, self.scale, self.cap_scales = room, scale, cap_scales

    def solve(self, block: int, *, tolerance: float, work: float, cancel: Callable[[], bool]) -> Prices | None:
        """The best mix of the columns, capacity kept in the mean over blocks of slots; None where it did not end."""
        from scipy.sparse import csc_matrix, eye_array, hstack, vstack

        matrix, low, high = self.rows(block)
        n_caps, n_rows = len(self.room), matrix.shape[0] + len(self.room)
        worth = np.array([way.worth for way in self.columns])
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
