"""Work that is counted instead of timed, so that the same case with the same effort takes the same way on any machine.

A unit is about what an idle laptop does in a second. Who works says so (``spend``): iterations and nodes of the solver,
rounds of a heuristic, rows written, replays. Who has a limit compares it with ``now``, as with a clock. Two threads of
one search meet what they share in the order of their work (``turn``), whichever of them the machine favours. Seconds
matter only as a net (``net``): where they are over, all that is inside is over, and the plan says so.
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
"""Work that counts as done where the seconds of a net are over."""
LOOK = 0.25
"""Work from one look of a running solver at what another thread has found to the next: with less two threads wait for
each other in turn, and one core is idle."""


@dataclass
class Net:
    """Seconds within which all must be done, however much of the effort is left."""

    until: float
    """By ``time.perf_counter``."""
    acted: bool = False
    """Whether they were over before the effort was."""
    outer: Net | None = None

    @property
    def rest_s(self) -> float:
        """Seconds left; negative afterwards."""
        return self.until - time.perf_counter()


@dataclass
class _Pair:
    """Two threads that share the state of a search."""

    work: list[float]
    """Work by thread; infinite: it has left."""
    awaited: list[float] = field(default_factory=lambda: [math.inf, math.inf])
    """Work of the other that a thread waits for."""
    moved: threading.Condition = field(default_factory=threading.Condition)

    def advance(self, side: int, work: float) -> None:
        self.work[side] = work
        if work >= self.awaited[1 - side]:
            with self.moved:
                self.moved.notify_all()

    def wait(self, side: int, work: float) -> None:
        """Until all that the other does before has been done; of equals the first thread comes first."""

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
    """Work done in this thread so far; differences are what counts."""
    work, net = _THREAD.work, _THREAD.net
    while net is not None:
        net.acted = net.acted or net.rest_s <= 0
        work += OVER * net.acted
        net = net.outer
    return work


def spend(work: float) -> None:
    """Count work as done."""
    reach(_THREAD.work + work)


def reach(work: float) -> None:
    """Count work as done up to some work, as of :func:`counted`; nothing where more is done already."""
    if work > _THREAD.work:
        _THREAD.work = work
        if _THREAD.pair is not None:
            _THREAD.pair.advance(_THREAD.side, work)


def counted() -> float:
    """Work done in this thread so far, whatever its nets say."""
    return _THREAD.work


def turn() -> None:
    """Wait until the other thread of the search has done all that it does before, where there is another one."""
    if _THREAD.pair is not None:
        _THREAD.pair.wait(_THREAD.side, _THREAD.work)


def look_due() -> bool:
    """Whether a running solver looks at what is shared now: always where no other thread shares it."""
    if _THREAD.pair is not None and _THREAD.work - _THREAD.looked < LOOK:
        return False
    _THREAD.looked = _THREAD.work
    return True


def shared(default: T) -> T:
    """A field of a record that two threads read and write, each in its turn."""
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
    """Let what is inside be over after some seconds, whatever effort it has left."""
    before = _THREAD.net
    _THREAD.net = Net(min(time.perf_counter() + seconds, math.inf if before is None else before.until), outer=before)
    try:
        yield _THREAD.net
    finally:
        _THREAD.net = before


def current_net() -> Net | None:
    """The net of this thread."""
    return _THREAD.net


@contextmanager
def in_parallel(task: Callable[[], None], name: str) -> Iterator[threading.Thread]:
    """Do a task in a thread of its own that shares its search's state with what is inside; both end here.

    Neither waits for the other but where it reads or writes what both share, and the other has done less by then.
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
