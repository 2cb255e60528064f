"""Why a stored plan is as it is: one decision pinned or freed, planned again, and what it brings; why there is none."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.studies.why import doubts, lock_prices, question, quick, shadow_prices, slack, why_not
    from emberline.studies.why.answer import Answer, More, Why

__all__ = ["Answer", "More", "Why", "doubts", "lock_prices", "question", "quick", "shadow_prices", "slack", "why_not"]
_PLACES = {"Answer": "answer", "More": "answer", "Why": "answer"}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
