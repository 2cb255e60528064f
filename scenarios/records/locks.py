"""Combined locks of the planner: permitted units and start times of each heat at each stage.

Twin, models and plans use these locks; ``scenarios/checking/locks.py`` rejects those that no plan can meet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.orders import Lock

NEVER = math.inf
SECOND = 1 / 60
"""Tolerance of locks: one second [min]."""
Operation = tuple[str, str]
"""Heat and stage."""
Range = tuple[float, float]
"""First and last possible start, in steps, or in minutes if starts are not on the time grid."""


@dataclass(frozen=True)
class Window:
    """Unit and time window for the start of a heat at a stage, combining all its locks."""

    unit: str | None = None
    """Locked unit; None: any suitable unit."""
    earliest_min: float = -NEVER
    """Earliest start after the start of the horizon [min]."""
    latest_min: float = NEVER
    numbers: tuple[int, ...] = ()
    """Indices of its locks in the scenario."""

    @classmethod
    def of(cls, lock: Lock, number: int, horizon: Horizon) -> Window:
        """Return the window of one lock with index ``number`` in the scenario."""
        first, last = (lock.start, lock.start) if lock.start is not None else (lock.earliest, lock.latest)
        return cls(
            unit=lock.unit,
            earliest_min=-NEVER if first is None else horizon.minutes(first),
            latest_min=NEVER if last is None else horizon.minutes(last),
            numbers=(number,),
        )

    @property
    def fixed(self) -> bool:
        """Whether its start is fixed."""
        return self.earliest_min == self.latest_min

    def steps(self, step_min: float, offset_min: float = 0.0) -> Range:
        """Return the first and last possible step for the start of a heat or its cast; infinite if not locked.

        Args:
            step_min: length of a step [min].
            offset_min: time from the start on the grid, such as that of a cast, to the start of the heat [min].
        """
        first = (self.earliest_min - offset_min - SECOND) / step_min
        last = (self.latest_min - offset_min + SECOND) / step_min
        return (
            math.ceil(first) if math.isfinite(first) else first,
            math.floor(last) if math.isfinite(last) else last,
        )

    def missed_min(self, start_min: float, leeway_min: float = 0.0) -> float:
        """Return the distance of a start from the window [min]; 0 within a tolerance of one second.

        Args:
            start_min: start after the start of the horizon [min].
            leeway_min: assumed minimum length of the window [min].
        """
        if start_min < self.earliest_min - SECOND:
            return self.earliest_min - start_min
        late = start_min > max(self.latest_min, self.earliest_min + leeway_min) + SECOND
        return start_min - self.latest_min if late else 0.0

    def __and__(self, other: Window) -> Window:
        """Return the intersection of two windows, which is empty if they contradict each other."""
        first, last = max(self.earliest_min, other.earliest_min), min(self.latest_min, other.latest_min)
        if self.unit is not None and other.unit not in (None, self.unit):
            first, last = NEVER, -NEVER
        elif last < first <= last + SECOND:
            first = last  # equal within the tolerance
        return Window(self.unit or other.unit, first, last, (*self.numbers, *other.numbers))

    @property
    def empty(self) -> bool:
        """Whether the window contains no start."""
        return self.earliest_min > self.latest_min


def merged(locks: Iterable[Lock], horizon: Horizon) -> dict[Operation, Window]:
    """Return the window of each locked operation, by heat and stage."""
    windows: dict[Operation, Window] = {}
    for number, lock in enumerate(locks):
        key = lock.heat, lock.stage
        windows[key] = windows.get(key, Window()) & Window.of(lock, number, horizon)
    return windows
