"""Protocol by which a plan in the making reports its progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Progress = Callable[[dict[str, Any]], None]
"""Called with ``phase`` always, and while optimizing with ``incumbent``, ``bound``, ``gap`` and ``seconds``;
of a line also with ``operations`` where the best plan is a new one."""
