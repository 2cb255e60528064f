"""Faults of the system in one line: too little memory, a disk that is full or closed. No mistake of who asked.

Next to nothing is imported here, for there may be no memory to import more.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator

UNWRITABLE = (errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""A disk that is closed, full, full for this user, or that refuses so large a file; and one that fails."""
LEAST = 256 * 2**20
"""Addresses that a process needs to load anything at all [bytes]; with less the libraries end it in their own way."""
OUT_OF_MEMORY = "out of memory; allow more, or ask for less: a shorter horizon, a longer step, fewer at a time"
NO_MEMORY = ("allocate memory", "unable to allocate", "can't start new thread", "failed to map segment", "bad_alloc")
"""What libraries say instead of raising a MemoryError."""


def in_words(error: BaseException) -> str:
    """A fault of the system in one line; empty where the error is another."""
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in UNWRITABLE:
            return f"{one.filename or 'what was made could not be written'}: {one.strerror}"
        if _lacks_memory(one):
            return OUT_OF_MEMORY
    return ""


def begin() -> None:
    """Make do with few addresses where ``ulimit -v`` limits them.

    Raises:
        MemoryError: there are too few to load anything.
    """
    allowed = _addresses()
    if allowed is None:
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each of its threads reserves some
    if allowed < LEAST:
        raise MemoryError


def end(line: str) -> None:
    """Say a line and end at once, with the exit code of an error that is not the user's."""
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
    if any(says in str(error).lower() for says in NO_MEMORY):
        return True
    # a library that could not be loaded as a whole; a module that is not there is another matter
    half_loaded = isinstance(error, SystemError | ImportError) and not isinstance(error, ModuleNotFoundError)
    return half_loaded and _addresses() is not None


def _addresses() -> int | None:
    """Bytes of addresses that ``ulimit -v`` allows; None: any."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if soft == resource.RLIM_INFINITY else soft
