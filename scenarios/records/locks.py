"""Locks of the planner, merged: on which unit and from when until when each heat may start at each stage.

Twin, models and plans read locks here; ``scenarios/checking/locks.py`` refuses those that no plan can meet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.orders import Lock

NEVER = math.inf
SECOND = 1 / 60
"""Locks are kept to the second [min]: a start that is less off than this is on time."""
Operation = tuple[str, str]
"""Heat and stage."""
Range = tuple[float, float]
"""First and last start that is left: in steps, or in minutes where nothing has to begin on a step."""


@dataclass(frozen=True)
class Window:
    """Unit and time window in which a heat may start at a stage, by all of the planner's locks on it together."""

    unit: str | None = None
    """None: on any that can take it."""
    earliest_min: float = -NEVER
    """After the start of the horizon."""
    latest_min: float = NEVER
    numbers: tuple[int, ...] = ()
    """Places of its locks in the scenario, from 0."""

    @classmethod
    def of(cls, lock: Lock, number: int, horizon: Horizon) -> Window:
        """The window of one lock, whose place in the scenario is ``number``."""
        first, last = (lock.start, lock.start) if lock.start is not None else (lock.earliest, lock.latest)
        return cls(
            unit=lock.unit,
            earliest_min=-NEVER if first is None else horizon.minutes(first),
            latest_min=NEVER if last is None else horizon.minutes(last),
            numbers=(number,),
        )

    @property
    def fixed(self) -> bool:
        """Whether its start is named."""
        return self.earliest_min == self.latest_min

    def steps(self, step_min: float, offset_min: float = 0.0) -> Range:
        """First and last step on which what takes the heat may begin; infinite where nothing is locked.

        Args:
            step_min: length of a step.
            offset_min: from the start of what begins on a step, such as a cast, to that of the heat.
        """
        first = (self.earliest_min - offset_min - SECOND) / step_min
        last = (self.latest_min - offset_min + SECOND) / step_min
        return (
            math.ceil(first) if math.isfinite(first) else first,
            math.floor(last) if math.isfinite(last) else last,
        )

    def missed_min(self, start_min: float, leeway_min: float = 0.0) -> float:
        """By how much a start lies outside [min]; 0 within a second.

        Args:
            start_min: after the start of the horizon.
            leeway_min: least time that the window is taken to last.
        """
        if start_min < self.earliest_min - SECOND:
            return self.earliest_min - start_min
        late = start_min > max(self.latest_min, self.earliest_min + leeway_min) + SECOND
        return start_min - self.latest_min if late else 0.0

    def __and__(self, other: Window) -> Window:
        """Both windows at once; one that ends before it begins where they contradict each other."""
        first, last = max(self.earliest_min, other.earliest_min), min(self.latest_min, other.latest_min)
        if self.unit is not None and other.unit not in (None, self.unit):
            first, last = NEVER, -NEVER
        elif last < first <= last + SECOND:
            first = last  # the same time
        return Window(self.unit or other.unit, first, last, (*self.numbers, *other.numbers))

    @property
    def empty(self) -> bool:
        """Whether no start lies in it."""
        return self.earliest_min > self.latest_min


def merged(locks: Iterable[Lock], horizon: Horizon) -> dict[Operation, Window]:
    """The window of each operation that is locked, by heat and stage."""
    windows: dict[Operation, Window] = {}
    for number, lock in enumerate(locks):
        key = lock.heat, lock.stage
        windows[key] = windows.get(key, Window()) & Window.of(lock, number, horizon)
    return windows
