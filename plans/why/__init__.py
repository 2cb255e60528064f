"""Why a stored plan is as it is: one decision pinned or freed, planned again, and what it brings."""

from emberline.plans.why.answer import Answer, More, Why
from emberline.plans.why.why import refuse, why

__all__ = ["Answer", "More", "Why", "lock_prices", "quick", "refuse", "shadow_prices", "slack", "why", "why_not"]
