"""Keeping stdout clean."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what libraries print on stdout to stderr: the solver writes its banner there, whatever its options are."""
    sys.stdout.flush()
    stored = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(stored, 1)
        os.close(stored)
