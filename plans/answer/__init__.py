"""The first answer of a plan: its headline, what changed and why, and where the saving comes from."""

from emberline.plans.answer.answer import Answer, answer, summary
from emberline.plans.answer.causes import Cause, causes
from emberline.plans.answer.changes import Change
from emberline.plans.answer.headline import Headline, headline
from emberline.plans.answer.rules import with_rules
from emberline.plans.answer.tiles import Tile

__all__ = [
    "Answer", "Cause", "Change", "Headline", "Tile", "answer", "causes", "headline", "summary", "with_rules",
]  # fmt: skip
