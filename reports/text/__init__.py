"""Translated texts and number formats for people.

Names are loaded on first use, so that the command line imports little before it knows its command.
"""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.reports.text.language import current, mark, tr, trn
    from emberline.reports.text.messages import say
    from emberline.reports.text.numbers import number, percent, sentence, signed, stamp

__all__ = ["current", "mark", "number", "percent", "say", "sentence", "signed", "stamp", "tr", "trn"]


__getattr__ = door(__name__)
