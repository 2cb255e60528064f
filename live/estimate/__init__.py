"""The state of the plant as far as it is known: heats in progress, levels, the month's peak, and how sure that is."""

from emberline.live.estimate.estimator import Estimator, State, TagValue
from emberline.live.estimate.heats import HeatInProgress, Remaining

__all__ = ["Estimator", "HeatInProgress", "Remaining", "State", "TagValue"]
