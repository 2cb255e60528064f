"""What a text must not do in a file: be calculated by a spreadsheet, or break the file that it stands in."""

from __future__ import annotations

import re

from emberline.scenarios.messages import thin

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""With these a spreadsheet begins to calculate; the wide ones in some languages."""
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 forbids, and no other format needs."""


def number(value: float, digits: int) -> str:
    """A number as the pages write it."""
    return thin(f"{value:,.{digits}f}")


def printable(text: str) -> str:
    """The text with characters that no file may hold replaced by ``\N{REPLACEMENT CHARACTER}``."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def uncalculated(text: str) -> str:
    """The text as a cell of a CSV file that no spreadsheet calculates: with an apostrophe where it might."""
    text = printable(text)
    return f"'{text}" if text.startswith(FORMULA) else text


def one_line(text: str) -> str:
    """The text without line breaks, for a title."""
    return " ".join(printable(text).split())
