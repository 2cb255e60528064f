"""What each lever saves: shifting, stores and each asset, alone and together."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.studies.levers.case import NOTE, Change, Levers, parts
    from emberline.studies.levers.study import levers, refused

__all__ = ["NOTE", "Change", "Levers", "levers", "parts", "refused"]
_PLACES = {"NOTE": "case", "Change": "case", "Levers": "case", "levers": "study", "parts": "case", "refused": "study"}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
