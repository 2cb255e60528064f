"""Load management: reduce power or delay the next start if a metered interval would exceed the import limit.

Load management knows the planned load of the site without the line, and the planned power of started operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

import numpy as np

from emberline.twin.line.operations import Actual, Key, Operations
from emberline.twin.run_variables import TOLERANCE

TRIED_MIN = 1.0
"""Interval between the starts that are tried."""
TRIED_SHARES = 10
"""Number of power reductions that are tried, up to the largest."""


class LoadManagement:
    """Load management of one run of a line."""

    def __init__(
        self, operations: Operations, room_mwh: np.ndarray, meter_min: float, most_min: float, most_share: float = 0.0
    ) -> None:
        """Args:
        operations: the operations.
        room_mwh: energy available to the line under the import limit in each metered interval [MWh], shape (n_meter,).
        meter_min: length of a metered interval.
        most_min: longest delay of a start.
        most_share: largest reduction of the power of an operation, as a share.
        """
        self._operations, self._room, self._meter_min, self._most_min = operations, room_mwh, meter_min, most_min
        self._shares = np.linspace(0.0, most_share, TRIED_SHARES + 1)[1:] if most_share else np.zeros(0)
        self._used = np.zeros(len(room_mwh))

    def onward(self, operations: Operations, actuals: Mapping[Key, Actual]) -> LoadManagement:
        """Load management of a schedule that continues from started operations."""
        other = copy(self)
        other._operations, other._used = operations, np.zeros(len(self._room))
        for i, key in enumerate(zip(operations.heat, operations.stage, strict=True)):
            if key in actuals:
                first, energy = other._energy(i, actuals[key].start, actuals[key].planned)
                other._used[first : first + len(energy)] += energy
        return other

    def start(self, i: int, at: float) -> tuple[float, float]:
        """Permitted start of an operation that could start at ``at`` [min], and its power reduction as a share.

        The operation then counts as started. Reducing power is tried before delaying the start. If neither keeps the
        limit, the operation starts at once with full power.
        """
        minutes = self._operations.planned[i]
        begin, share = at, 0.0
        if not self._fits(i, at, minutes):
            less = (float(cut) for cut in self._shares if self._fits(i, at, minutes / (1 - float(cut))))
            share = next(less, 0.0)
            if not share:
                moments = np.arange(at, at + self._most_min + TOLERANCE, TRIED_MIN)
                begin = next((float(moment) for moment in moments if self._fits(i, float(moment), minutes)), at)
        first, energy = self._energy(i, begin, minutes / (1 - share))
        self._used[first : first + len(energy)] += energy
        return begin, share

    def _fits(self, i: int, at: float, minutes: float) -> bool:
        first, energy = self._energy(i, at, minutes)
        span = slice(first, first + len(energy))
        return bool((self._used[span] + energy <= self._room[span] + TOLERANCE).all())

    def _energy(self, i: int, at: float, minutes: float) -> tuple[int, np.ndarray]:
        """First metered interval of an operation, and its energy in this and the following intervals [MWh]."""
        operations = self._operations
        profile = operations.shop.profiles[operations.unit[i]]
        first = max(int(at // self._meter_min), 0)
        last = min(int(np.ceil((at + minutes) / self._meter_min)), len(self._room))
        if last <= first:
            return first, np.zeros(0)
        edges = np.arange(first, last + 1) * self._meter_min
        shares = np.concatenate([[0.0], profile.ends])
        energy = np.concatenate([[0.0], np.cumsum(np.diff(shares) * profile.relative)]) * operations.arrays["energy"][i]
        return first, np.diff(np.interp((edges - at) / minutes, shares, energy))
