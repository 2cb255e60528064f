"""The effort that a plan may take in all: search, margins, replays, quick front and rules share it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from emberline.scenarios import effort


@dataclass
class Deadline:
    """A limit on work (``scenarios/effort.py``) that counts from now on."""

    limit: float
    clock: Callable[[], float] = effort.now
    """Clock of work; replaced in tests."""
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()
        self._watch = time.perf_counter if self.clock is effort.now else self.clock
        self._began_s = self._watch()

    @property
    def seconds(self) -> float:
        """Seconds since it began, to be reported."""
        return self._watch() - self._began_s

    @property
    def spent(self) -> float:
        """Work since it began."""
        return self.clock() - self.began

    @property
    def rest(self) -> float:
        """Work until it is over; negative afterwards."""
        return self.limit - self.spent

    def part(self, share: float) -> Deadline:
        """The deadline of a part that began with it and may take a share of its work."""
        part = Deadline(share * self.limit, self.clock)
        part.began = self.began
        return part

    def within(self, limit: float) -> Deadline:
        """A deadline that begins now: after some work, and no later than this one."""
        return Deadline(min(self.rest, limit), self.clock)
