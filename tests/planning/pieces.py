"""Pieces of work for the engine's tests, where workers can import them."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def doubled(_: object, number: int) -> int:
    """The simplest piece of work."""
    return 2 * number


def killed_once(folder: Path, number: int) -> int:
    """A piece of work whose worker is killed in the middle of number 3, the first time that it is tried."""
    if number == 3 and not (folder / "killed").exists():
        (folder / "killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def refused(_: object, number: int) -> int:
    """A piece of work that goes wrong once."""
    if number == 1:
        raise ValueError("the second one")
    return number
