"""How two plans differ, and because of what."""

from emberline.plans.difference.difference import DIFFERENT_HEATS, Difference, FigureChange, difference
from emberline.plans.difference.heat_move import HeatMove, StageMove
from emberline.plans.difference.keys import KeyChange, SeriesChange, changes_between
from emberline.plans.difference.uses import UseChange

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
