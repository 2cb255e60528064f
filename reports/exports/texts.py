"""Texts of files: their notation, and what they must not do in a spreadsheet or to the file that they stand in.

Words are those of the pages, in the language of ``spoken``. In English times and shares are written as programs do.
"""

from __future__ import annotations

import re
from datetime import datetime

from emberline.reports.text import numbers
from emberline.reports.text.language import LOCALES, current

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""With these a spreadsheet begins to calculate; the wide ones in some languages."""
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 forbids, and no other format needs."""


FONTS = {
    "en": "",
    "zh": "Noto Sans CJK SC, Noto Sans SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Micro Hei, ",
}
"""Fonts of languages whose glyphs common fonts lack."""


def tag() -> str:
    """The language (BCP 47)."""
    return LOCALES[current()].replace("_", "-")


def fonts() -> str:
    """Font families that have the language's glyphs, as CSS lists them."""
    return f"Helvetica, Arial, {FONTS[current()]}sans-serif"


def percent(share: float, digits: int) -> str:
    """A share in percent."""
    return f"{share:.{digits}%}" if current() == "en" else numbers.percent(share, digits)


def moment(at: datetime, offset: bool = True) -> str:
    """A local time in full."""
    if current() != "en":
        return numbers.moment(at, offset)
    text = at.isoformat(sep=" ", timespec="minutes")
    return text if offset else text[:16]


def clock(at: datetime) -> str:
    """A local time with its weekday and day."""
    return f"{at:%a %m-%d %H:%M}" if current() == "en" else numbers.clock(at)


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
