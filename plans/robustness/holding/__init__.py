"""Plans that hold: plan, replay, read what broke, keep more margin there, and plan again, until it holds or cannot."""

from emberline.plans.robustness.holding.held import Held, Round
from emberline.plans.robustness.holding.hold import MOST_LEVEL, hold, refuse

__all__ = ["MOST_LEVEL", "Held", "Round", "hold", "refuse", "report", "sampled"]
