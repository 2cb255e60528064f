"""Differences between two plans and the reasons for them."""

from emberline.planning.answer.uses import UseChange
from emberline.studies.difference.difference import DIFFERENT_HEATS, Difference, FigureChange, difference
from emberline.studies.difference.keys import KeyChange, SeriesChange, changes_between
from emberline.studies.difference.moves import HeatMove, StageMove

__all__ = [
    "DIFFERENT_HEATS",
    "Difference",
    "FigureChange",
    "HeatMove",
    "KeyChange",
    "SeriesChange",
    "StageMove",
    "UseChange",
    "changes_between",
    "difference",
]
