"""How two plans differ, and because of what."""

from plans.difference.difference import Difference, FigureChange, difference
from plans.difference.keys import KeyChange, SeriesChange
from plans.difference.moves import HeatMove, StageMove
from plans.difference.uses import UseChange

__all__ = [
    "Difference",
    "FigureChange",
    "HeatMove",
    "KeyChange",
    "SeriesChange",
    "StageMove",
    "UseChange",
    "difference",
]
