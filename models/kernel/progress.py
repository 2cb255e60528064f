"""Progress reports of a search while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Progress = Callable[[dict[str, Any]], None]
"""Function called with ``incumbent``, ``bound``, ``gap`` if it is known, and ``seconds``."""
