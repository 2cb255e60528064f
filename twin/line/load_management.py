"""Load management: power or the next start is held back where a metered interval would exceed the import limit.

It knows what the site draws besides the line as planned, and of the operations that have begun their planned power.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

import numpy as np

from emberline.twin.line.operations import Actual, Key, Operations
from emberline.twin.run_variables import TOLERANCE

TRIED_MIN = 1.0
"""Starts are tried so far apart."""
TRIED_SHARES = 10
"""Shares of the power that are tried, up to the largest."""


class LoadManagement:
    """Of one run of a line."""

    def __init__(
        self, operations: Operations, room_mwh: np.ndarray, meter_min: float, most_min: float, most_share: float = 0.0
    ) -> None:
        """Args:
        operations: the operations.
        room_mwh: energy that the import limit leaves to the line in each metered interval, shape (n_meter,).
        meter_min: length of an interval.
        most_min: how long a start is held back at most.
        most_share: share of its power that is held back from an operation at most.
        """
        self._operations, self._room, self._meter_min, self._most_min = operations, room_mwh, meter_min, most_min
        self._shares = np.linspace(0.0, most_share, TRIED_SHARES + 1)[1:] if most_share else np.zeros(0)
        self._used = np.zeros(len(room_mwh))

    def onward(self, operations: Operations, actuals: Mapping[Key, Actual]) -> LoadManagement:
        """For a list that goes on from what has begun."""
        other = copy(self)
        other._operations, other._used = operations, np.zeros(len(self._room))
        for i, key in enumerate(zip(operations.heat, operations.stage, strict=True)):
            if key in actuals:
                first, energy = other._energy(i, actuals[key].start, actuals[key].planned)
                other._used[first : first + len(energy)] += energy
        return other

    def start(self, i: int, at: float) -> tuple[float, float]:
        """Permitted start of an operation that could start at a moment [min], and the share of its power held back;
        from then on it counts as begun.

        Power is held back before the start is. Where neither keeps the limit the operation starts as it is.
        """
        minutes = self._operations.planned[i]
        begin, share = at, 0.0
        if not self._fits(i, at, minutes):
            less = (float(each) for each in self._shares if self._fits(i, at, minutes / (1 - float(each))))
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
        """The first interval that an operation draws in, and its energy in that and the next ones [MWh]."""
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
