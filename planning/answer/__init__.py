"""The first answer of a plan: its headline, what changed and why, and where the saving comes from."""

from emberline.planning.answer.answer import Answer, answer, costs_more, summary
from emberline.planning.answer.causes import Cause
from emberline.planning.answer.choices import OVERRIDES, other_points
from emberline.planning.answer.headline import headline
from emberline.planning.answer.tiles import Tile

__all__ = [
    "OVERRIDES", "Answer", "Cause", "Tile", "answer", "costs_more", "headline", "other_points", "summary",
]  # fmt: skip
