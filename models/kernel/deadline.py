"""Deadline for writing a model; code that writes rows checks it from time to time, which costs almost nothing.

A solver stops at its time limit by itself; rows by unit and step are written by Python, which on a long horizon may
take far longer than the whole search is allowed to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LATE_S = 5.0
"""Seconds after the time limit that may still be used to finish work in progress."""
_THREAD = threading.local()


class TimeIsOverError(Exception):
    """Signal that the model being written is no longer needed."""


@contextmanager
def writing(over: Callable[[], bool]) -> Iterator[None]:
    """Raise ``TimeIsOverError`` in this thread if a model is written inside after the time is over."""
    before = getattr(_THREAD, "over", None)
    _THREAD.over = over
    try:
        yield
    finally:
        _THREAD.over = before


def look() -> None:
    """Check the deadline.

    Raises:
        TimeIsOverError: it is too late to write a model.
    """
    over: Callable[[], bool] | None = getattr(_THREAD, "over", None)
    if over is not None and over():
        raise TimeIsOverError
