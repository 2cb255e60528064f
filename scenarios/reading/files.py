"""Files that a user names: what is wrong with a path, reported before anything is read from it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

LONGEST_SHOWN = 200
OTHERS = (";", "\t", "|")
"""Separators of cells that are not read."""
_ABSENT = (errno.ENOENT, errno.ENOTDIR)


def unreadable(path: Path) -> str | None:
    """Why a path cannot be read as a file, to be said after its name; None: it can."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        return "no such file" if getattr(error, "errno", None) in _ABSENT else f"cannot be read: {reason(error)}"
    if stat.S_ISDIR(mode):
        return "is a folder, not a file"
    if not stat.S_ISREG(mode):
        return "is no file that can be read twice, such as one on the disk"
    return None if os.access(path, os.R_OK) else f"cannot be read: {os.strerror(errno.EACCES)}"


def weighed(path: Path, largest_mb: float) -> os.stat_result:
    """Size and time of a file that is to be read.

    Raises:
        ValueError: it cannot be read, or is too large.
    """
    wrong = unreadable(path)
    if wrong:
        raise ValueError(f"{named(path)}: {wrong}")
    status = path.stat()
    if status.st_size > largest_mb * 1e6:
        raise ValueError(f"{path.name} has {status.st_size / 1e6:.0f} MB, at most {largest_mb:g} are read")
    return status


def reason(error: OSError | ValueError) -> str:
    """Reason why the system refuses a path; it does not even look at one with a NUL."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "its name has a character that no name may have" if "null" in str(error) else str(error)


def named(path: str | Path) -> str:
    """A path to be shown: in one line, and not too long."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(path))
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def one_column(names: Sequence[str]) -> str:
    """Error message for a table whose cells are separated by another sign than commas; empty: none."""
    sign = next((sign for sign in OTHERS if len(names) == 1 and sign in str(names[0])), "")
    return f"one column was read, as its cells are separated by {sign!r} instead of commas" if sign else ""
