"""How a file that cannot be made is refused."""

from __future__ import annotations


class CannotExport(ValueError):
    """What was asked for cannot be written; one line that says why, and what could be."""
