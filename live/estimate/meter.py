"""The mean power of metered intervals, and the month's peak so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from emberline.scenarios.records.horizon import Horizon


@dataclass
class Meter:
    """Means of metered intervals from single values. Times in minutes after the start of the horizon."""

    horizon: Horizon
    interval_min: float
    hold_min: float
    """A measured power counts for so long at most."""
    peak_before_mw: float = 0.0
    """Of the month, before anything was measured."""
    means: dict[int, float] = field(default_factory=dict)
    """By number of the interval, those that are over."""
    _energy: float = 0.0
    _measured_min: float = 0.0
    _interval: int | None = None
    _last: tuple[float, float] | None = None

    def measure(self, mw: float, at_min: float) -> None:
        """A power was measured."""
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
        """Mean of the current interval until now; None: nothing of it was measured."""
        if self._interval != int(now_min // self.interval_min) or not self._measured_min:
            return None
        return self._energy / self._measured_min

    def peak_mw(self, now_min: float) -> float:
        """Highest mean of the month of a moment."""
        month = self.horizon.instant(now_min).strftime("%Y-%m")
        mine = [mw for k, mw in self.means.items() if f"{self.horizon.instant(k * self.interval_min):%Y-%m}" == month]
        before = self.peak_before_mw if f"{self.horizon.instant(0):%Y-%m}" == month else 0.0
        return max([before, *mine])
