"""Workers of this process, this machine or a Dask cluster; deadlines and the memory that plans need."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.planning.engine.dask_workers import ClusterError

__all__ = ["ClusterError"]


__getattr__ = door(__name__)
