"""A store whose level records itself: constant flows in and out, taken in part where it is full or empty.

SimPy's ``Container.put`` takes all or nothing and blocks; a plant's store takes what fits and the rest goes elsewhere.
"""

from __future__ import annotations

from emberline.scenarios.assets.storage import effective_hours, retention


class StoreLevel:
    """A level between zero and a capacity, with a share lost per hour.

    Between the recorded moments the level is linear where nothing is lost by itself, and else decays towards its
    equilibrium, in both cases without turning: a level that is within its limits at both ends is so in between.
    """

    def __init__(self, capacity: float, level: float, loss_per_h: float = 0.0) -> None:
        """Start with ``level``.

        Raises:
            ValueError: the level does not lie between zero and the capacity.
        """
        if not 0 <= level <= capacity * (1 + 1e-12):
            raise ValueError(f"level {level:g} lies outside 0 … {capacity:g}")
        self.capacity = capacity
        self.level = level
        self._loss_per_h = loss_per_h
        self.levels: list[float] = [level]
        """Level at each recorded moment."""
        self.lost = 0.0
        """Self-loss until now."""

    def retention(self, hours: float) -> float:
        """Share of the level that remains after some hours."""
        return retention(self._loss_per_h, hours)

    def counting(self, hours: float) -> float:
        """Hours that count for a constant flow, its own loss until the end taken off."""
        return effective_hours(self._loss_per_h, hours)

    def flow(self, into: float, out: float, hours: float) -> tuple[float, float]:
        """Let constant flows run for some hours and record the level.

        Args:
            into, out: flows per hour that are wanted, at the store itself.
            hours: for how long.

        Returns:
            The flows that were possible: the inflow falls where the store would overflow, the outflow where it
            would run empty.
        """
        remaining, counting = self.level * self.retention(hours), self.counting(hours)
        level = remaining + (into - out) * counting
        if level > self.capacity:
            into = max(0.0, into - (level - self.capacity) / counting)
            level = min(self.capacity, remaining + (into - out) * counting)
        elif level < 0:
            out = max(0.0, out + level / counting) if counting else 0.0
            level = max(0.0, remaining + (into - out) * counting)
        self.lost += self.level + (into - out) * hours - level
        self.level = level
        self.levels.append(level)
        return into, out
