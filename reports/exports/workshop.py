"""Temporary folder in which a file is written, next to its final place, before it is renamed.

Its owner holds a lock as long as the folder exists. Folders of killed processes, whose locks the system has released,
are removed by the next export to the same place.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = ".emberline-"
NAME = re.compile(re.escape(PREFIX) + r"[0-9a-z_]{8}\Z")
OLD_S = 86_400.0
"""Age at which a folder without a lock (from an earlier release) or a lock without a folder is removed [s]."""


@contextmanager
def workshop(parent: Path) -> Iterator[Path]:
    """Context manager that provides an empty folder in a parent folder and removes it afterwards.

    Raises:
        OSError: the folder cannot be created.
    """
    if not parent.is_dir():  # FileLock would create it
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(parent))
    _sweep(parent)
    folder = parent / f"{PREFIX}{uuid.uuid4().hex[:8]}"
    lock = FileLock(_lock_of(folder))
    with suppress(NotImplementedError):  # file system without locks: abandoned folders are not removed
        lock.acquire()
    try:
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # some systems cannot remove an open file
            _lock_of(folder).unlink(missing_ok=True)
        lock.release()


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError, Timeout, NotImplementedError):
            if NAME.match(folder.name) and folder.is_dir() and not folder.is_symlink():
                _remove(folder)
            elif folder.suffix == ".lock" and NAME.match(folder.stem) and _is_old(folder):
                _remove(folder.with_suffix(""))


def _remove(folder: Path) -> None:
    """Remove a folder whose owner is dead; a live owner holds the lock from before its creation until its removal."""
    path = _lock_of(folder)
    if not path.is_file():
        if _is_old(folder):
            shutil.rmtree(folder)
        return
    with FileLock(path, timeout=0):
        shutil.rmtree(folder, ignore_errors=True)
        path.unlink(missing_ok=True)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > OLD_S
