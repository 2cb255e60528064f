"""Plans that hold: plan, replay, read what broke, keep more margin there, and plan again, until it holds or cannot."""

from plans.holding.held import Held, Round
from plans.holding.hold import MOST_LEVEL, hold

__all__ = ["MOST_LEVEL", "Held", "Round", "hold"]
