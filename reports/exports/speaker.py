"""Who words the files for people: English by itself; a face that knows more languages gives its own.

Files for programs are the same in every language. Names out of a scenario are never given to a speaker.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from emberline.reports.exports.texts import number


def mark(message: str) -> str:
    """A text to be worded where it is written: the text itself."""
    return message


class Speaker:
    """English, and what another language has to tell."""

    tag = "en"
    """Of the language (BCP 47)."""
    fonts = "Helvetica, Arial, sans-serif"
    """Families that have the language's glyphs, as CSS lists them."""
    excel_time = "yyyy-mm-dd hh:mm"
    """How Excel writes a time."""

    def say(self, message: str, **values: Any) -> str:
        """A text, with values set in for ``{names}``."""
        return message.format(**values) if values else message

    def word(self, text: str, message: str, **values: Any) -> str:
        """A text that needs other words to be understood elsewhere: itself in English, else what the message says."""
        return text

    def worded(self, sentence: str) -> str:
        """A status, verdict, reason or word of a bill, as plans and models say it in English."""
        return sentence

    def missed(self, kind: str) -> str:
        """What a limit is called that a run misses."""
        return kind

    def number(self, value: float, digits: int) -> str:
        """A number with its thousands apart."""
        return number(value, digits)

    def percent(self, share: float, digits: int) -> str:
        """A share in percent."""
        return f"{share:.{digits}%}"

    def listed(self, parts: list[str]) -> str:
        """Things side by side."""
        return ", ".join(parts)

    def moment(self, at: datetime, offset: bool = True) -> str:
        """A local time in full."""
        text = at.isoformat(sep=" ", timespec="minutes")
        return text if offset else text[:16]

    def clock(self, at: datetime) -> str:
        """A local time with its weekday and day."""
        return f"{at:%a %m-%d %H:%M}"

    def duration(self, minutes: float) -> str:
        """A time in minutes, from an hour on in hours and minutes."""
        whole = round(minutes)
        hours, rest = divmod(whole, 60)
        if not hours:
            return self.say(mark("{minutes} min"), minutes=rest)
        if not rest:
            return self.say(mark("{hours} h"), hours=hours)
        return self.say(mark("{hours} h {minutes} min"), hours=hours, minutes=rest)

    def day(self, at: datetime) -> str:
        """A day on an axis of time."""
        return f"{at:%m-%d}"


ENGLISH = Speaker()
