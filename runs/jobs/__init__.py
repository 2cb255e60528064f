"""Long work in processes of its own: the queue of jobs, and what becomes of each."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.runs.jobs import queue
    from emberline.runs.jobs.queue import JobStatus

__all__ = ["JobStatus", "queue"]
_PLACES = {"JobStatus": "queue"}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
