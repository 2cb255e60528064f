"""Files for people in a language of the pages: the speaker that ``emberline.reports.exports`` asks for texts.

The language is chosen in advance: a file is made when its button is pressed, outside the page that drew it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from emberline.reports.exports import ENGLISH, Speaker
from emberline.reports.text import numbers
from emberline.reports.text.language import LOCALES, spoken, tr
from emberline.reports.text.messages import say

FONTS = {
    "zh": "Noto Sans CJK SC, Noto Sans SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Micro Hei",
}
"""Fonts of languages whose glyphs common fonts lack."""


class PageSpeaker(Speaker):
    """Words files in the same way as the pages."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.tag = LOCALES[language].replace("_", "-")
        common, _, last = Speaker.fonts.rpartition(", ")
        self.fonts = ", ".join(filter(None, (common, FONTS.get(language), last)))
        self.excel_time = self.say("yyyy-mm-dd hh:mm")

    def say(self, message: str, **values: Any) -> str:
        with spoken(self.language):
            return tr(message, **values)

    def word(self, text: str, message: str, **values: Any) -> str:
        return self.say(message, **values)

    def worded(self, sentence: str) -> str:
        with spoken(self.language):
            return say(sentence)

    def missed(self, kind: str) -> str:
        from emberline.reports.text.wording import KINDS

        return self.say(KINDS.get(kind, kind))

    def number(self, value: float, digits: int) -> str:
        with spoken(self.language):
            return numbers.number(value, digits)

    def percent(self, share: float, digits: int) -> str:
        with spoken(self.language):
            return numbers.percent(share, digits)

    def listed(self, parts: list[str]) -> str:
        with spoken(self.language):
            return numbers.listed(parts)

    def moment(self, at: datetime, offset: bool = True) -> str:
        with spoken(self.language):
            return numbers.moment(at, offset)

    def clock(self, at: datetime) -> str:
        with spoken(self.language):
            return numbers.clock(at)

    def day(self, at: datetime) -> str:
        with spoken(self.language):
            return numbers.day(at)


def speaker(language: str) -> Speaker:
    """The speaker of a language; code as in ``emberline.reports.text.language.LANGUAGES``."""
    return ENGLISH if language == "en" else PageSpeaker(language)
