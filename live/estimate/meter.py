"""Mean power by metered interval with the month's peak, and levels of stores, each with a Kalman filter."""

from __future__ import annotations

from dataclasses import dataclass, field

from emberline.scenarios.records.horizon import Horizon


@dataclass
class Meter:
    """Mean power of metered intervals from single values. Times are in minutes after the start of the horizon."""

    horizon: Horizon
    interval_min: float
    hold_min: float
    """Longest time for which a measured power is valid [min]."""
    peak_before_mw: float = 0.0
    """Peak of the month before the first measurement."""
    means: dict[int, float] = field(default_factory=dict)
    """Mean power of completed intervals, by number of the interval."""
    _energy: float = 0.0
    _measured_min: float = 0.0
    _interval: int | None = None
    _last: tuple[float, float] | None = None

    def measure(self, mw: float, at_min: float) -> None:
        """Process a measured power."""
        if self._last is not None:
            before, power = self._last
            if at_min <= before:
                return
            self._hold(power, before, min(at_min, before + self.hold_min))
        self._enter(at_min)
        self._last = at_min, mw

    def _hold(self, mw: float, begin: float, end: float) -> None:
        while begin < end:
            self._enter(begin)
            assert self._interval is not None
            until = min(end, (self._interval + 1) * self.interval_min)
            self._energy += mw * (until - begin)
            self._measured_min += until - begin
            begin = until

    def _enter(self, at_min: float) -> None:
        k = int(at_min // self.interval_min)
        if self._interval is not None and k > self._interval:
            if self._measured_min >= self.interval_min / 2:
                self.means[self._interval] = self._energy / self._measured_min
            self._energy = self._measured_min = 0.0
        if self._interval is None or k > self._interval:
            self._interval = k

    def mean_so_far(self, now_min: float) -> float | None:
        """Mean power of the current interval so far; None if nothing was measured in the interval."""
        if self._interval != int(now_min // self.interval_min) or not self._measured_min:
            return None
        return self._energy / self._measured_min

    def peak_mw(self, now_min: float) -> float:
        """Highest mean power so far in the month of a moment."""
        month = self.horizon.instant(now_min).strftime("%Y-%m")
        means = [mw for k, mw in self.means.items() if f"{self.horizon.instant(k * self.interval_min):%Y-%m}" == month]
        before = self.peak_before_mw if f"{self.horizon.instant(0):%Y-%m}" == month else 0.0
        return max([before, *means])


FLOW_ERROR = 0.25
"""Standard error of an expected change, as a share of the change."""
DRIFT_PER_H = 0.01
"""Standard deviation of unexpected drift in one hour, as a share of the capacity."""
ODD = 5.0
"""Difference in standard errors above which a level is suspect."""
MAX_ODD = 3
"""Number of consecutive suspect measurements after which the next one is accepted."""


@dataclass
class Level:
    """Level of a store and its variance."""

    capacity: float
    value: float
    variance: float
    at_min: float = 0.0
    _odd: int = 0

    def move(self, change: float, at_min: float) -> None:
        """Advance the time, with the change that the twin expects."""
        hours = max(at_min - self.at_min, 0.0) / 60
        self.value = min(max(self.value + change, 0.0), self.capacity)
        drift = DRIFT_PER_H * self.capacity
        self.variance += (FLOW_ERROR * change) ** 2 + drift**2 * hours
        self.at_min = max(at_min, self.at_min)

    def measure(self, value: float, error: float) -> bool:
        """Process a measured level. Return False if the level does not match the flows and is therefore suspect."""
        innovation, variance = value - self.value, self.variance + error**2
        if innovation**2 > ODD**2 * variance and self._odd < MAX_ODD:
            self._odd += 1
            return False
        if self._odd:  # the level has jumped
            self.variance = max(self.variance, innovation**2)
            variance = self.variance + error**2
        self._odd = 0
        gain = self.variance / variance
        self.value += gain * innovation
        self.variance *= 1 - gain
        return True

    @property
    def error(self) -> float:
        """Standard error of the level."""
        return float(self.variance**0.5)
