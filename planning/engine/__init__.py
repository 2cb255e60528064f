"""Workers in this process, on this machine or on a Dask cluster; deadlines and memory limits."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.planning.engine.dask_workers import ClusterError

__all__ = ["ClusterError"]


__getattr__ = door(__name__)
