"""Why a stored plan is as it is: one decision pinned or freed, planned again, and what it brings."""

from emberline.plans.why.answer import Answer, More, Slot, Why, Worth
from emberline.plans.why.why import TIME_LIMIT_S, refuse, why

__all__ = ["TIME_LIMIT_S", "Answer", "More", "Slot", "Why", "Worth", "refuse", "why"]
