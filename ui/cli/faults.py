"""System faults in one line: not enough memory, a disk that is full or read-only. They are not the user's mistake.

Almost nothing is imported here, since there may be no memory left for imports.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator

UNWRITABLE = (errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""The disk is read-only, full, over the user's quota, refuses a file of this size, or fails."""
MIN_BYTES = 256 * 2**20
"""Address space that a process needs to load anything [bytes]; with less, libraries end the process in their own
way."""
OUT_OF_MEMORY = "out of memory; allow more, or reduce the request: a shorter horizon, a longer step, fewer at a time"
NO_MEMORY = ("allocate memory", "unable to allocate", "can't start new thread", "failed to map segment", "bad_alloc")
"""Messages of libraries that do not raise a MemoryError."""
NO_TEMPORARY = "no usable temporary directory"
"""Python's words where every folder for temporary files is full; by its number a file is missing."""


def in_words(error: BaseException) -> str:
    """A system fault in one line; empty for any other error."""
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in UNWRITABLE:
            return f"{one.filename or 'the output could not be written'}: {one.strerror}"
        if isinstance(one, FileNotFoundError) and NO_TEMPORARY in str(one).lower():
            return f"temporary files could not be written: {one.strerror}"
        if _lacks_memory(one):
            return OUT_OF_MEMORY
    return ""


def begin() -> None:
    """Reduce the use of address space where ``ulimit -v`` limits it.

    Raises:
        MemoryError: there is too little to load anything.
    """
    allowed = _addresses()
    if allowed is None:
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each of its threads reserves some
    if allowed < MIN_BYTES:
        raise MemoryError


def end(line: str) -> None:
    """Print a line and end at once, with the exit code of an internal error."""
    os.write(2, f"{line}\n".encode(errors="replace"))
    os._exit(3)


def _chain(error: BaseException) -> Iterator[BaseException]:
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        yield following
        following = following.__cause__ or following.__context__


def _lacks_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    if any(text in str(error).lower() for text in NO_MEMORY):
        return True
    # a library that failed to load completely; a missing module is different
    half_loaded = isinstance(error, SystemError | ImportError) and not isinstance(error, ModuleNotFoundError)
    return half_loaded and _addresses() is not None


def _addresses() -> int | None:
    """Address space that ``ulimit -v`` allows [bytes]; None: no limit."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft
