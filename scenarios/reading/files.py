"""Checks of paths given by a user before files are read."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

LONGEST_SHOWN = 200
OTHERS = (";", "\t", "|")
"""Unsupported separators of cells."""
_ABSENT = (errno.ENOENT, errno.ENOTDIR)


def unreadable(path: Path) -> str | None:
    """Return the reason why a path cannot be read, to follow its name; None if it can."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        return "no such file" if getattr(error, "errno", None) in _ABSENT else f"cannot be read: {reason(error)}"
    if stat.S_ISDIR(mode):
        return "is a folder, not a file"
    if not stat.S_ISREG(mode):
        return "is not a regular file"
    return None if os.access(path, os.R_OK) else f"cannot be read: {os.strerror(errno.EACCES)}"


def weighed(path: Path, largest_mb: float) -> os.stat_result:
    """Return size and time of a file to be read.

    Raises:
        ValueError: the file cannot be read, or is too large.
    """
    wrong = unreadable(path)
    if wrong:
        raise ValueError(f"{named(path)}: {wrong}")
    status = path.stat()
    if status.st_size > largest_mb * 1e6:
        raise ValueError(f"{path.name} has {status.st_size / 1e6:.0f} MB, at most {largest_mb:g} are read")
    return status


def reason(error: OSError | ValueError) -> str:
    """Return the reason why the system rejects a path, including paths with a NUL character."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "its name contains an invalid character" if "null" in str(error) else str(error)


def named(path: str | Path) -> str:
    """Return a path for display: on one line and not too long."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(path))
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def one_column(names: Sequence[str]) -> str:
    """Return an error message if the cells of a table are not separated by commas; otherwise an empty text."""
    sign = next((sign for sign in OTHERS if len(names) == 1 and sign in str(names[0])), "")
    return f"one column was read, as its cells are separated by {sign!r} instead of commas" if sign else ""
