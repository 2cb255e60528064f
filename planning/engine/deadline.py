"""The time that a plan may take in all: search, margins, replays, quick front and rules share it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Deadline:
    """A limit that counts from now on."""

    limit_s: float
    clock: Callable[[], float] = time.perf_counter
    """Seconds of a clock; another one in tests."""
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def gone_s(self) -> float:
        """Seconds since it began."""
        return self.clock() - self.began

    @property
    def rest_s(self) -> float:
        """Seconds until it is over; negative afterwards."""
        return self.limit_s - self.gone_s

    def part(self, share: float) -> Deadline:
        """The deadline of a part that began with it and may take a share of its time."""
        part = Deadline(share * self.limit_s, self.clock)
        part.began = self.began
        return part

    def within(self, limit_s: float) -> Deadline:
        """A deadline that begins now: after some seconds, and no later than this one."""
        return Deadline(min(self.rest_s, limit_s), self.clock)
