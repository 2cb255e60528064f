"""Background jobs in processes of their own: the queue of jobs, and their status."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.runs.jobs.queue import JobStatus

__all__ = ["JobStatus"]


__getattr__ = door(__name__)
