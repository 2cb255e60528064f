"""Workers of this process, this machine or a Dask cluster; deadlines and the memory that plans need."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.planning.engine import engine, memory
    from emberline.planning.engine.dask_workers import ClusterError

__all__ = ["ClusterError", "engine", "memory"]
_PLACES = {"ClusterError": "dask_workers"}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
