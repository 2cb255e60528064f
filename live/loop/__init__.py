"""The loop next to the plant: it estimates, compares with the plan in force, plans again, and advises."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.live.loop.deciding import approved, decide, withdraw
    from emberline.live.loop.log import Log
    from emberline.live.loop.loop import Loop, message
    from emberline.live.loop.replay import replayed
    from emberline.live.loop.service import Service
    from emberline.live.loop.snapshot import current

__all__ = ["Log", "Loop", "Service", "approved", "current", "decide", "message", "replayed", "withdraw"]
_PLACES = {
    "Log": "log",
    "Loop": "loop",
    "message": "loop",
    "approved": "deciding",
    "decide": "deciding",
    "Service": "service",
    "current": "snapshot",
    "replayed": "replay",
    "withdraw": "deciding",
}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
