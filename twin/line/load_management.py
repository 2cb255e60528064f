"""Load management: the next start is held back where a metered interval would otherwise exceed the import limit.

It knows what the site draws besides the line as planned, and of the operations that have begun their planned power.
"""

from __future__ import annotations

import numpy as np

from emberline.twin.line.operations import Operations
from emberline.twin.violation import TOLERANCE

TRIED_MIN = 1.0
"""Starts are tried so far apart."""


class LoadManagement:
    """Of one run of a line."""

    def __init__(self, todo: Operations, room_mwh: np.ndarray, meter_min: float, most_min: float) -> None:
        """Args:
        todo: the operations.
        room_mwh: energy that the import limit leaves to the line in each metered interval, shape (n_meter,).
        meter_min: length of an interval.
        most_min: how long a start is held back at most.
        """
        self._todo, self._room, self._meter_min, self._most_min = todo, room_mwh, meter_min, most_min
        self._used = np.zeros(len(room_mwh))

    def start(self, i: int, at: float) -> float:
        """When an operation that could start at a moment may do so; from then on it counts as begun [min].

        Where no start within reach keeps the limit it is not held back.
        """
        minutes = self._todo.planned[i]
        moments = np.arange(at, at + self._most_min + TOLERANCE, TRIED_MIN)
        begin = next((float(moment) for moment in moments if self._fits(i, float(moment), minutes)), at)
        first, energy = self._energy(i, begin, minutes)
        self._used[first : first + len(energy)] += energy
        return begin

    def _fits(self, i: int, at: float, minutes: float) -> bool:
        first, energy = self._energy(i, at, minutes)
        span = slice(first, first + len(energy))
        return bool((self._used[span] + energy <= self._room[span] + TOLERANCE).all())

    def _energy(self, i: int, at: float, minutes: float) -> tuple[int, np.ndarray]:
        """The first interval that an operation draws in, and its energy in that and the next ones [MWh]."""
        todo = self._todo
        profile = todo.shop.profiles[todo.unit[i]]
        first = max(int(at // self._meter_min), 0)
        last = min(int(np.ceil((at + minutes) / self._meter_min)), len(self._room))
        if last <= first:
            return first, np.zeros(0)
        edges = np.arange(first, last + 1) * self._meter_min
        shares = np.concatenate([[0.0], profile.ends])
        energy = np.concatenate([[0.0], np.cumsum(np.diff(shares) * profile.relative)]) * todo.arrays["energy"][i]
        return first, np.diff(np.interp((edges - at) / minutes, shares, energy))
