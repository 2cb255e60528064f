"""Robust plans: plan, replay, raise the margins where limits were violated, and plan again until the plan holds."""

from emberline.planning.robustness.holding.hold import MAX_LEVEL, hold, refuse
from emberline.planning.robustness.holding.robustness import Robustness, Round

__all__ = ["MAX_LEVEL", "Robustness", "Round", "hold", "refuse"]
