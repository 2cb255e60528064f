"""Plans that hold: plan, replay, read what broke, keep more margin there, and plan again, until it holds or cannot."""

from emberline.planning.robustness.holding.hold import MAX_LEVEL, hold, refuse
from emberline.planning.robustness.holding.robustness import Robustness, Round

__all__ = ["MAX_LEVEL", "Robustness", "Round", "hold", "refuse"]
