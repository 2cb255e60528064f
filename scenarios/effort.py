"""Counted work instead of time, so that the same case with the same effort gives the same result on any machine.

A unit of work is about one second of an idle laptop. Algorithms report their work (``spend``): iterations and nodes of
the solver, rounds of heuristics, rows written, replays. Limits are compared with ``now``, as with a clock. Two threads
of a search access shared state in the order of their work (``turn``), independent of scheduling by the machine. Seconds
serve only as a safety net (``net``): when they have elapsed, all limits inside expire, and the plan reports it.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
OVER = 1e9
"""Work added when the seconds of a net have elapsed."""
LOOK = 0.25
"""Work between two looks of a running solver at the results of another thread; with less, the threads wait for each
other most of the time and one core is idle."""


@dataclass
class Net:
    """Time limit that applies independently of the effort left."""

    until: float
    """End of the time limit by ``time.perf_counter``."""
    acted: bool = False
    """Whether the time limit was reached before the effort was used up."""
    outer: Net | None = None

    @property
    def rest_s(self) -> float:
        """Remaining time [s]; negative after the limit."""
        return self.until - time.perf_counter()


@dataclass
class _Pair:
    """Pair of threads that share the state of a search."""

    work: list[float]
    """Work by thread; infinite: finished."""
    awaited: list[float] = field(default_factory=lambda: [math.inf, math.inf])
    """Work of the other thread that a thread waits for."""
    moved: threading.Condition = field(default_factory=threading.Condition)

    def advance(self, side: int, work: float) -> None:
        self.work[side] = work
        if work >= self.awaited[1 - side]:
            with self.moved:
                self.moved.notify_all()

    def wait(self, side: int, work: float) -> None:
        """Wait until the other thread has done all earlier work; on ties the first thread goes first."""

        def first() -> bool:
            other = self.work[1 - side]
            return work < other or (work == other and side == 0)

        if first():
            return
        with self.moved:
            self.awaited[side] = work
            self.moved.wait_for(first)
            self.awaited[side] = math.inf


class _Thread(threading.local):
    work = 0.0
    net: Net | None = None
    pair: _Pair | None = None
    side = 0
    looked = -math.inf


_THREAD = _Thread()


def now() -> float:
    """Return the work done in this thread so far; only differences are meaningful."""
    work, net = _THREAD.work, _THREAD.net
    while net is not None:
        net.acted = net.acted or net.rest_s <= 0
        work += OVER * net.acted
        net = net.outer
    return work


def spend(work: float) -> None:
    """Add work done."""
    reach(_THREAD.work + work)


def reach(work: float) -> None:
    """Raise the work done to a given amount, as of :func:`counted`; no effect if it is already higher."""
    if work > _THREAD.work:
        _THREAD.work = work
        if _THREAD.pair is not None:
            _THREAD.pair.advance(_THREAD.side, work)


def counted() -> float:
    """Return the work done in this thread so far, regardless of its nets."""
    return _THREAD.work


def turn() -> None:
    """Wait until the other thread of the search, if any, has done all earlier work."""
    if _THREAD.pair is not None:
        _THREAD.pair.wait(_THREAD.side, _THREAD.work)


def look_due() -> bool:
    """Return whether a running solver should look at shared state now; always true with a single thread."""
    if _THREAD.pair is not None and _THREAD.work - _THREAD.looked < LOOK:
        return False
    _THREAD.looked = _THREAD.work
    return True


def shared(default: T) -> T:
    """Return a field of a record that two threads read and write in turn."""
    value: Any = _Shared(default)
    return value


class _Shared:
    def __init__(self, default: Any) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self.default
        turn()
        return instance.__dict__.get(self.name, self.default)

    def __set__(self, instance: Any, value: Any) -> None:
        turn()
        instance.__dict__[self.name] = value


@contextmanager
def net(seconds: float) -> Iterator[Net]:
    """Context manager with a time limit that applies independently of the effort left."""
    before = _THREAD.net
    _THREAD.net = Net(min(time.perf_counter() + seconds, math.inf if before is None else before.until), outer=before)
    try:
        yield _THREAD.net
    finally:
        _THREAD.net = before


def current_net() -> Net | None:
    """Return the net of this thread."""
    return _THREAD.net


@contextmanager
def in_parallel(task: Callable[[], None], name: str) -> Iterator[threading.Thread]:
    """Context manager that runs a task in a second thread, which shares the state of the search; joins at the end.

    A thread waits for the other only when it accesses shared state while the other has done less work.
    """
    work, outer = _THREAD.work, _THREAD.net
    pair = _Pair([work, work])

    def run() -> None:
        _THREAD.work, _THREAD.looked, _THREAD.net, _THREAD.pair, _THREAD.side = work, work, outer, pair, 1
        try:
            task()
        finally:
            pair.advance(1, math.inf)

    before, _THREAD.looked, _THREAD.pair, _THREAD.side = (_THREAD.pair, _THREAD.side), work, pair, 0
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        pair.advance(0, math.inf)
        _THREAD.pair, _THREAD.side = before
        thread.join()
