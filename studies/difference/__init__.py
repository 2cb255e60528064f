"""Differences between two plans and the reasons for them."""

from emberline.studies.difference.difference import DIFFERENT_HEATS, Difference, difference
from emberline.studies.difference.keys import changes_between
from emberline.studies.difference.moves import HeatMove

__all__ = ["DIFFERENT_HEATS", "Difference", "HeatMove", "changes_between", "difference"]
