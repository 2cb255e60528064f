"""A clock for thousands of runs: the little of SimPy's environment that a line needs, with its order of events.

Events of a moment come in the order in which they were scheduled, as in SimPy, and times are the same sums, so that a
run is the same to the last bit. SimPy's events can do more than is needed here, which takes half of a run's time.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from heapq import heappop, heappush
from typing import Any, Protocol

Process = Generator[Any, Any, Any]


class Signal:
    """An event that one process waits for."""

    __slots__ = ("clock", "process")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.process: Process | None = None

    def succeed(self) -> None:
        """Let the process go on at this moment."""
        assert self.process is not None
        self.clock.schedule(self.clock.timeout(0.0), self.process)


class Clock:
    """Processes that wait for moments and signals."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self._queue: list[tuple[float, int, Process]] = []
        self._count = 0

    def timeout(self, delay: float) -> tuple[float, int]:
        """The moment after some minutes, and its place among those of the same time."""
        self._count += 1
        return self.now + delay, self._count

    def event(self) -> Signal:
        """A signal."""
        return Signal(self)

    def process(self, process: Process) -> None:
        """Begin a process."""
        self.schedule(self.timeout(0.0), process)

    def schedule(self, moment: tuple[float, int], process: Process) -> None:
        """Let a process go on at a moment."""
        heappush(self._queue, (*moment, process))

    def run(self, until: float = math.inf) -> None:
        """Run until nothing moves any more, or through a moment."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            self.now, _, process = heappop(queue)
            try:
                target = process.send(None)
            except StopIteration:
                continue
            if type(target) is tuple:
                heappush(queue, (*target, process))
            else:
                target.process = process
        if until < math.inf:
            self.now = until


class Environment(Protocol):
    """Interface of a line's clock: this one or SimPy's environment."""

    @property
    def now(self) -> float:
        """Time [min]."""

    def timeout(self, delay: float) -> Any:
        """Event that a process yields to wait for some minutes."""

    def event(self) -> Any:
        """Event that a process yields to wait until it succeeds."""

    def process(self, generator: Process) -> Any:
        """Begin a process."""

    def run(self, until: Any = ...) -> Any:
        """Run until nothing moves any more, or to a moment."""
