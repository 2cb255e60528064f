"""A store that records its level: constant flows in and out, reduced when it is full or empty.

SimPy's ``Container.put`` takes all or nothing and blocks; a plant's store takes what fits, and the surplus goes
elsewhere.
"""

from __future__ import annotations

from emberline.scenarios.assets.storage import effective_hours, retention


class StoreLevel:
    """A level between zero and a capacity, with a loss per hour as a share of the level.

    Between the recorded moments the level is linear if there is no self-loss. Otherwise it decays towards its
    equilibrium. In both cases it is monotonic: a level within its limits at both ends is within them in between.
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
        """Effective hours of a constant flow, after its own self-loss until the end."""
        return effective_hours(self._loss_per_h, hours)

    def flow(self, into: float, out: float, hours: float) -> tuple[float, float]:
        """Apply constant flows for some hours and record the level.

        Args:
            into, out: desired flows per hour, at the store itself.
            hours: duration of the flows.

        Returns:
            The possible flows: the inflow is reduced if the store would overflow, and the outflow if it would run
                empty.
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
