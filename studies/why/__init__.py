"""Explanations of a stored plan: decisions are fixed or freed and the plant is planned again; reasons for
infeasibility."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.studies.why.answer import Answer, More, Why

__all__ = ["Answer", "More", "Why"]


__getattr__ = door(__name__)
