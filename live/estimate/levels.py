"""Levels of stores, reconciled with what flows in and out: a Kalman filter for each."""

from __future__ import annotations

from dataclasses import dataclass

FLOW_ERROR = 0.25
"""Standard error of a change that the twin expects, as a share of it."""
DRIFT_PER_H = 0.01
"""Share of the capacity by which a level may drift in an hour without being expected to."""
ODD = 5.0
"""A level that differs by so many standard errors is suspect."""
MOST_ODD = 3
"""After so many in a row the measurements are believed."""


@dataclass
class Level:
    """A store's level and its variance, both in the store's unit."""

    capacity: float
    value: float
    variance: float
    at_min: float = 0.0
    _odd: int = 0

    def move(self, change: float, at_min: float) -> None:
        """Time has passed, in which the twin expects a change."""
        hours = max(at_min - self.at_min, 0.0) / 60
        self.value = min(max(self.value + change, 0.0), self.capacity)
        drift = DRIFT_PER_H * self.capacity
        self.variance += (FLOW_ERROR * change) ** 2 + drift**2 * hours
        self.at_min = max(at_min, self.at_min)

    def measure(self, value: float, error: float) -> bool:
        """A level was measured; False: it does not fit what flowed, so that it is suspect."""
        innovation, variance = value - self.value, self.variance + error**2
        if innovation**2 > ODD**2 * variance and self._odd < MOST_ODD:
            self._odd += 1
            return False
        if self._odd:  # it has jumped
            self.variance = max(self.variance, innovation**2)
            variance = self.variance + error**2
        self._odd = 0
        gain = self.variance / variance
        self.value += gain * innovation
        self.variance *= 1 - gain
        return True

    @property
    def error(self) -> float:
        """Standard error."""
        return float(self.variance**0.5)
