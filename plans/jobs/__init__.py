"""Long work in processes of its own: job queue, workers, and where ensembles and sweeps are computed."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.plans.jobs import engine, memory, queue
    from emberline.plans.jobs.dask_workers import ClusterError
    from emberline.plans.jobs.queue import JobStatus

__all__ = ["ClusterError", "JobStatus", "engine", "memory", "queue"]
_PLACES = {"ClusterError": "dask_workers", "JobStatus": "queue"}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
