"""The first answer of a plan: its headline, what changed and why, and where the saving comes from."""

from emberline.plans.answer.answer import Answer, answer, costs_more, summary
from emberline.plans.answer.causes import Cause
from emberline.plans.answer.choices import OVERRIDES, other_points
from emberline.plans.answer.headline import headline
from emberline.plans.answer.tiles import Tile
from emberline.plans.answer.wording import of_days

__all__ = [
    "OVERRIDES", "Answer", "Cause", "Tile", "answer", "costs_more", "headline", "of_days", "other_points", "summary",
]  # fmt: skip
