"""Why a stored plan is as it is: one decision pinned or freed, planned again, and what it brings; why there is none."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.studies.why.answer import Answer, More, Why

__all__ = ["Answer", "More", "Why"]


__getattr__ = door(__name__)
