"""Estimate of the plant's state with its uncertainty: heats in progress, levels and the month's peak."""

from emberline.live.estimate.estimator import Estimator, State, TagValue
from emberline.live.estimate.heats import HeatInProgress, Remaining

__all__ = ["Estimator", "HeatInProgress", "Remaining", "State", "TagValue"]
