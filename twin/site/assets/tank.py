"""One store on its way through the steps; its physics is that of ``emberline.scenarios.assets.Storage``."""

from __future__ import annotations

import numpy as np

from emberline.scenarios.assets import Storage


class TankRun:
    """A store in the course of the horizon. Rates count at its terminals."""

    def __init__(self, store: Storage, hours: float, n: int) -> None:
        self.store = store
        self.name, self.carrier = store.name, store.carrier
        self.level = store.start_level
        self.end_level = store.end_level
        self._retention, counting = store.retention(hours), store.effective_hours(hours)
        self._gain, self._loss = counting * store.in_efficiency, counting / store.out_efficiency
        # of a step, from its beginning on
        self._most_in: float
        self._most_out: float
        self._rest: float
        self.put_in: float
        self.put_out: float
        self.ins, self.outs, self.levels = np.zeros(n), np.zeros(n), np.zeros(n)

    def begin(self) -> None:
        """Start a step, with nothing put in or out."""
        self._most_in, self._most_out = self.store.rate_limits(self.level)
        self._rest = self.level * self._retention
        self.put_in = self.put_out = 0.0

    @property
    def after(self) -> float:
        """Level at the step's end, as things stand."""
        return self._rest + self.put_in * self._gain - self.put_out * self._loss

    def room(self, until: float | None = None) -> float:
        """What may be put in per hour besides, until a level; None: until the highest one."""
        highest = self.store.highest if until is None else min(until, self.store.highest)
        if not self._gain:
            return 0.0
        return max(min(self._most_in - self.put_in, (highest - self.after) / self._gain), 0.0)

    def stock(self, until: float | None = None) -> float:
        """What may be put out per hour besides, until a level; None: until the lowest one."""
        lowest = self.store.lowest if until is None else max(until, self.store.lowest)
        if not self._loss:
            return 0.0
        return max(min(self._most_out - self.put_out, (self.after - lowest) / self._loss), 0.0)

    def may_leave(self) -> float:
        """By how much less may be put in per hour without leaving the band of levels."""
        if not self._gain:
            return self.put_in
        return max(min(self.put_in, (self.after - self.store.lowest) / self._gain), 0.0)

    def follow(self, put_in: float, put_out: float) -> None:
        """Put in and out the set-points, as far as rates and levels allow."""
        self.put_in, self.put_out = min(max(put_in, 0.0), self._most_in), min(max(put_out, 0.0), self._most_out)
        over, under = self.after - self.store.highest, self.store.lowest - self.after
        if over > 0 and self._gain:
            self.put_in = max(self.put_in - over / self._gain, 0.0)
        elif under > 0 and self._loss:
            self.put_out = max(self.put_out - under / self._loss, 0.0)

    def end(self, t: int) -> None:
        """Write down what it did."""
        self.level = max(self.after, 0.0)
        self.ins[t], self.outs[t], self.levels[t] = self.put_in, self.put_out, self.level
