"""Progress of a plan in the making: how it is reported, and the limit on its work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from emberline.scenarios import effort

Progress = Callable[[dict[str, Any]], None]
"""Called with ``phase`` always, and while optimizing with ``incumbent``, ``bound``, ``gap`` and ``seconds``;
of a line also with ``operations`` where the best plan is a new one."""


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
    def remaining(self) -> float:
        """Work until it is over; negative afterwards."""
        return self.limit - self.spent

    def part(self, share: float) -> Deadline:
        """The deadline of a part that began with it and may take a share of its work."""
        part = Deadline(share * self.limit, self.clock)
        part.began = self.began
        return part

    def within(self, limit: float) -> Deadline:
        """A deadline that begins now: after some work, and no later than this one."""
        return Deadline(min(self.remaining, limit), self.clock)
