"""Thread-safe access to netCDF files: HDF5 below netCDF4 is not thread-safe, and a server draws each page in a thread.

Without the lock, two users who open stored runs simultaneously could crash the server.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from threading import RLock

import xarray as xr

from emberline.runs.store.earlier_releases import renamed, with_assets
from emberline.scenarios.messages import MESSAGES, restored, table

ALONE = RLock()
"""Lock for reading and writing netCDF in a process with several threads."""
FULL = 2**20
"""Free space below which a disk counts as full [bytes]."""


def read(path: Path) -> xr.Dataset:
    """Load a dataset into memory, converted to current words, and close the file."""
    with ALONE, xr.open_dataset(path) as data:
        whole = data.load()
    messages = json.loads(whole.attrs.pop(MESSAGES, "{}"))
    for attrs in (whole.attrs, *(variable.attrs for variable in whole.variables.values())) if messages else ():
        attrs.update(restored({**attrs, MESSAGES: messages}))
    return with_assets(whole.assign_attrs(renamed(whole.attrs)))


def is_full(folder: Path) -> bool:
    """Return whether the disk of a folder has almost no free space."""
    return shutil.disk_usage(folder).free < FULL


def write(data: xr.Dataset | xr.DataTree, path: Path) -> None:
    """Write a dataset, or a tree of them, to a new file.

    Raises:
        OSError: the file cannot be written, for example on a full disk.
    """
    if isinstance(data, xr.Dataset) and (
        messages := table([data.attrs, *(variable.attrs for variable in data.variables.values())])
    ):
        data = data.assign_attrs({MESSAGES: json.dumps(messages)})
    try:
        with ALONE:
            data.to_netcdf(path, engine="netcdf4")
    except (OSError, RuntimeError) as error:  # the library has its own errors, and misleading ones for a full disk
        cause = _refusal(path) or error
        with suppress(OSError):  # the library keeps it open, so its space would only be freed at the end of the process
            os.truncate(path, 0)
        number, text = getattr(cause, "errno", None) or errno.EIO, getattr(cause, "strerror", None) or str(cause)
        raise OSError(number, text, str(path)) from error


def _refusal(path: Path) -> OSError | None:
    """Return the system's reason for not extending a file, which the library does not report; None: there is none."""
    try:
        with path.open("ab") as file:
            file.write(bytes(FULL))
    except OSError as error:
        return error
    return None
