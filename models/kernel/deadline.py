"""The moment by which a model must be written. Whoever writes rows looks at it now and then, which takes nothing.

A solver ends at its time limit by itself; rows by unit and step are written by Python, and on a long horizon that alone
may take far longer than the whole search is given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LATE_S = 5.0
"""Seconds after the time limit that may still be used to end what was begun."""
_THREAD = threading.local()


class TimeIsOverError(Exception):
    """Signal that the model being written is not needed any more."""


@contextmanager
def writing(over: Callable[[], bool]) -> Iterator[None]:
    """Raise ``TimeIsOverError`` inside, in this thread, where a model is written after the time is over."""
    before = getattr(_THREAD, "over", None)
    _THREAD.over = over
    try:
        yield
    finally:
        _THREAD.over = before


def look() -> None:
    """Look at the clock.

    Raises:
        TimeIsOverError: it is too late to write a model.
    """
    over: Callable[[], bool] | None = getattr(_THREAD, "over", None)
    if over is not None and over():
        raise TimeIsOverError
