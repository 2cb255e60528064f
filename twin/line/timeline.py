"""Capacity occupied by a partial schedule: time on each unit, power in each metered interval."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from itertools import pairwise

from emberline.scenarios.line.tables import Profile

TOLERANCE = 1e-6


class Timeline:
    """Occupations of one unit, with set-up before and after each, and its outages."""

    def __init__(self, setup_min: float, outages: list[tuple[float, float]]) -> None:
        self.setup = setup_min
        self.outages = outages
        self.occupations: list[tuple[float, float]] = []
        """Start and end of each occupation, in order."""

    def conflict(self, start: float, end: float) -> float | None:
        """None if the unit is free from ``start`` to ``end``, else the earliest later start to try."""
        spans = self.occupations
        place = bisect_right(spans, (start + TOLERANCE, math.inf))
        if place and spans[place - 1][1] + self.setup > start + TOLERANCE:
            return spans[place - 1][1] + self.setup
        if place < len(spans) and end + self.setup > spans[place][0] + TOLERANCE:
            return spans[place][1] + self.setup
        for begin, over in self.outages:
            if start < over - TOLERANCE and end > begin + TOLERANCE:
                return over
        return None

    def latest(self, start: float, end: float) -> float | None:
        """None if the unit is free from ``start`` to ``end``, else the latest earlier end to try."""
        spans = self.occupations
        place = bisect_right(spans, (start + TOLERANCE, math.inf))
        if place < len(spans) and end + self.setup > spans[place][0] + TOLERANCE:
            return spans[place][0] - self.setup
        if place and spans[place - 1][1] + self.setup > start + TOLERANCE:
            return spans[place - 1][0] - self.setup
        for begin, over in self.outages:
            if start < over - TOLERANCE and end > begin + TOLERANCE:
                return begin
        return None

    def take(self, start: float, end: float) -> None:
        """Occupy the unit."""
        insort(self.occupations, (start, end))

    def give(self, start: float, end: float) -> None:
        """Remove an occupation."""
        self.occupations.remove((start, end))


Load = tuple[int, tuple[float, ...]]
"""First metered interval, and the mean power in this and each following interval [MW]."""


class PowerHeadroom:
    """Mean power available to the line in each metered interval under the import limit."""

    def __init__(
        self,
        left_mw: list[float] | None,
        meter_min: float,
        profiles: list[Profile],
        idle_mw: dict[int, float] | None = None,
    ) -> None:
        """Start with an empty schedule: all units are idle.

        Args:
            left_mw: power available to the line in each metered interval [MW]; None: no limit.
            meter_min: length of a metered interval.
            profiles: power profile by phase of each unit.
            idle_mw: highest idle power of each unit that draws power when idle [MW].
        """
        self._idle = idle_mw or {}
        idle = sum(self._idle.values())
        self.room_mw = [mw - idle for mw in left_mw] if left_mw is not None and idle else left_mw
        self.meter = meter_min
        self._profiles = [(profile.ends.tolist(), profile.relative.tolist()) for profile in profiles]
        self._shapes: dict[tuple[int, float, float], tuple[float, ...]] = {}

    def _shape(self, unit: int, duration: float, offset: float) -> tuple[float, ...]:
        """Mean power by metered interval of an operation with mean power 1 that starts ``offset`` into the first."""
        key = unit, duration, offset
        shape = self._shapes.get(key)
        if shape is None:
            ends, relative = self._profiles[unit]
            cells = [0.0] * math.ceil((offset + duration - TOLERANCE) / self.meter)
            before = offset
            for share, power in zip(ends, relative, strict=True):
                until = offset + share * duration
                for m in range(int(before // self.meter), len(cells)):
                    overlap = min(until, (m + 1) * self.meter) - max(before, m * self.meter)
                    if overlap <= 0 and m * self.meter >= until:
                        break
                    cells[m] += max(overlap, 0.0) / self.meter * power
                before = until
            shape = self._shapes[key] = tuple(cells)
        return shape

    def load(
        self,
        unit: int,
        start: float,
        duration: float,
        energy_mwh: float,
        extra_mwh: float = 0.0,
        *,
        working: bool = False,
    ) -> Load:
        """Load of an operation in each metered interval of the horizon.

        The idle power of the unit, which is counted already, is subtracted unless an earlier load of the same operation
        did so (``working``).
        """
        if self.room_mw is None:
            return 0, ()
        first = math.floor(start / self.meter)
        offset = round(start - first * self.meter, 9)
        mean = energy_mwh / duration * 60
        cells = tuple(mean * share for share in self._shape(unit, duration, offset))
        even = extra_mwh / duration * 60 - (0.0 if working else self._idle.get(unit, 0.0))
        if even:
            cells = tuple(mw + even * share for mw, share in zip(cells, self._even(duration, offset), strict=True))
        if first < 0:
            cells, first = cells[-first:], 0
        return first, cells

    def _even(self, duration: float, offset: float) -> tuple[float, ...]:
        """Share of each metered interval that an operation covers."""
        key = -1, duration, offset
        if key not in self._shapes:
            cells = math.ceil((offset + duration - TOLERANCE) / self.meter)
            edges = [min(max(m * self.meter, offset), offset + duration) for m in range(cells + 1)]
            self._shapes[key] = tuple((b - a) / self.meter for a, b in pairwise(edges))
        return self._shapes[key]

    def fits(self, load: Load) -> bool:
        """Whether the import limit still holds with this load."""
        room_mw = self.room_mw
        if room_mw is None:
            return True
        first, cells = load
        return all(mw <= room + TOLERANCE for mw, room in zip(cells, room_mw[first : first + len(cells)], strict=False))

    def take(self, load: Load, sign: float = 1.0) -> None:
        """Occupy power for a load, or release it with ``sign`` -1."""
        if self.room_mw is not None:
            first, cells = load
            for m, mw in enumerate(cells[: max(len(self.room_mw) - first, 0)], start=first):
                self.room_mw[m] -= sign * mw
