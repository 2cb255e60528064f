"""netCDF files, one thread at a time: HDF5 below netCDF4 is not made for threads, and a server draws each page in one.

Without that two users who open stored runs at the same moment end it for everybody.
"""

from __future__ import annotations

from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

ALONE = RLock()
"""Whoever reads or writes netCDF in a process of several threads holds it."""


def read(path: Path) -> xr.Dataset:
    """A dataset as it is on the disk, in memory; the file is closed again."""
    import xarray as xr

    with ALONE, xr.open_dataset(path) as data:
        return data.load()
