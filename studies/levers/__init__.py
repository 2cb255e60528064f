"""Saving of each lever (shifting, stores and each asset), alone and together."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.studies.levers.case import NOTE, Change, Levers, parts
    from emberline.studies.levers.study import levers, refused

__all__ = ["NOTE", "Change", "Levers", "levers", "parts", "refused"]


__getattr__ = door(__name__)
