"""Progress reports of a plan being made, and the limit on its work."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from emberline.scenarios import effort

Progress = Callable[[dict[str, Any]], None]
"""Callback with ``phase`` and, while optimizing, ``incumbent``, ``bound``, ``gap`` and ``seconds``; for a line also
``operations`` when there is a new incumbent."""


@dataclass
class Deadline:
    """Limit on work (``scenarios/effort.py``), counted from now on."""

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
        """Elapsed time since the beginning [s], for reports."""
        return self._watch() - self._began_s

    @property
    def spent(self) -> float:
        """Work since the beginning."""
        return self.clock() - self.began

    @property
    def remaining(self) -> float:
        """Work left until the deadline; negative afterwards."""
        return self.limit - self.spent

    def part(self, share: float) -> Deadline:
        """Return the deadline of a part that began at the same time and may use a share of the work."""
        part = Deadline(share * self.limit, self.clock)
        part.began = self.began
        return part

    def within(self, limit: float) -> Deadline:
        """Return a deadline that starts now, after some work but no later than this one."""
        return Deadline(min(self.remaining, limit), self.clock)
