"""Texts and numbers for people, in every language.

What most pages need comes from here, loaded when it is named: the command line imports little before it knows its
command.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emberline.reports.text.language import current, mark, tr, trn
    from emberline.reports.text.messages import say
    from emberline.reports.text.numbers import number, percent, sentence, signed, stamp

__all__ = ["current", "mark", "number", "percent", "say", "sentence", "signed", "stamp", "tr", "trn"]
_PLACES = {
    **dict.fromkeys(("current", "mark", "tr", "trn"), "language"),
    "say": "messages",
    **dict.fromkeys(("number", "percent", "sentence", "signed", "stamp"), "numbers"),
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
