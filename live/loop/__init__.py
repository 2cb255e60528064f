"""Planning loop at the plant: estimates the state, compares it with the plan in force, replans and advises."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.live.loop.deciding import approved, decide, withdraw
    from emberline.live.loop.log import Log
    from emberline.live.loop.loop import Loop, message
    from emberline.live.loop.replay import replayed
    from emberline.live.loop.service import Service
    from emberline.live.loop.snapshot import current

__all__ = ["Log", "Loop", "Service", "approved", "current", "decide", "message", "replayed", "withdraw"]


__getattr__ = door(__name__)
