"""First answer of a plan: its headline, the changes with their reasons, and the sources of the saving."""

from emberline.planning.answer.answer import Answer, answer, costs_more, summary
from emberline.planning.answer.causes import Cause
from emberline.planning.answer.choices import OVERRIDES, other_points
from emberline.planning.answer.figure_table import Figure, figure_data, figure_rows, figure_totals, figures_of
from emberline.planning.answer.headline import headline
from emberline.planning.answer.tiles import Tile

__all__ = [
    "OVERRIDES", "Answer", "Cause", "Figure", "Tile", "answer", "costs_more", "figure_data", "figure_rows",
    "figure_totals", "figures_of", "headline", "other_points", "summary",
]  # fmt: skip
