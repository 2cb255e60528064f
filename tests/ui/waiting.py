"""Waiting for the state of a job."""

from __future__ import annotations

import time
from collections.abc import Callable

from emberline.runs.jobs import queue
from emberline.runs.jobs.status import JobStatus


def until(job: str, target: Callable[[JobStatus], bool] = lambda status: status.ended) -> JobStatus:
    """The status once it is as wanted; the limit only keeps a job that hangs from holding up the tests."""
    end = time.monotonic() + 900
    while time.monotonic() < end:
        status = queue.status(job)
        if target(status):
            return status
        time.sleep(0.1)
    raise AssertionError(queue.status(job))
