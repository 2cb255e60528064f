"""netCDF files, one thread at a time: HDF5 below netCDF4 is not made for threads, and a server draws each page in one.

Without that two users who open stored runs at the same moment end it for everybody.
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
"""A disk with less left is full [bytes]."""


def read(path: Path) -> xr.Dataset:
    """A dataset as it is on the disk, in memory, in today's words; the file is closed again."""
    with ALONE, xr.open_dataset(path) as data:
        whole = data.load()
    messages = json.loads(whole.attrs.pop(MESSAGES, "{}"))
    for attrs in (whole.attrs, *(variable.attrs for variable in whole.variables.values())) if messages else ():
        attrs.update(restored({**attrs, MESSAGES: messages}))
    return with_assets(whole.assign_attrs(renamed(whole.attrs)))


def is_full(folder: Path) -> bool:
    """Whether next to nothing is free on the disk of a folder."""
    return shutil.disk_usage(folder).free < FULL


def write(data: xr.Dataset | xr.DataTree, path: Path) -> None:
    """Write a dataset, or a tree of them, to a new file.

    Raises:
        OSError: it cannot be written, such as on a full disk.
    """
    if isinstance(data, xr.Dataset) and (
        messages := table([data.attrs, *(variable.attrs for variable in data.variables.values())])
    ):
        data = data.assign_attrs({MESSAGES: json.dumps(messages)})
    try:
        with ALONE:
            data.to_netcdf(path, engine="netcdf4")
    except (OSError, RuntimeError) as error:  # the library has errors of its own, and others' names for a full disk
        cause = _refusal(path) or error
        with suppress(OSError):  # the library leaves it open, so that its room would be free only when the process ends
            os.truncate(path, 0)
        number, text = getattr(cause, "errno", None) or errno.EIO, getattr(cause, "strerror", None) or str(cause)
        raise OSError(number, text, str(path)) from error


def _refusal(path: Path) -> OSError | None:
    """Why the system takes no more into a file, which the library does not say; None: it takes more."""
    try:
        with path.open("ab") as file:
            file.write(bytes(FULL))
    except OSError as error:
        return error
    return None
