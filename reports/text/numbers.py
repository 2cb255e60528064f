"""Numbers, times and lists in the notation of the page's language (Unicode CLDR, from Babel); units are SI.

English uses thin spaces as thousands separators and a true minus sign. Date patterns are messages of the catalogue.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache

from emberline.reports.text.language import LOCALES, current, tr, trn
from emberline.scenarios.metrics import share_digits


@cache
def symbols(language: str) -> tuple[str, str, str]:
    """Return the thousands separator, decimal mark and minus sign."""
    if language == "en":
        return "\u202f", ".", "−"
    from babel import Locale

    marks = Locale.parse(LOCALES[language]).number_symbols["latn"]
    return marks["group"], marks["decimal"], marks["minusSign"]


def number(value: float | None, digits: int = 1) -> str:
    """Format a number with thousands separators; a dash for None."""
    if value is None:
        return "–"
    return grouped(f"{value:,.{digits}f}")


def grouped(text: str) -> str:
    """Convert a number such as ``-1,234.5`` to the page's notation, without a sign before zero."""
    group, decimal, minus = symbols(current())
    text = text.translate({ord(","): group, ord("."): decimal, ord("-"): minus})
    return text.removeprefix(minus) if not any(c in "123456789" for c in text) else text


def percent(share: float | None, digits: int | None = None) -> str:
    """Format a share in percent; by default with as many digits as in the headline of a plan."""
    if share is None:
        return "–"
    return tr("{number} %", number=number(100 * share, share_digits(share) if digits is None else digits))


def signed(value: float, digits: int) -> str:
    """Format a number with its sign."""
    return f"{'+' if value > 0 else ''}{number(value, digits)}"


def listed(parts: Iterable[str]) -> str:
    """Join a list with commas."""
    return tr(", ").join(parts)


def clauses(parts: Iterable[str]) -> str:
    """Join clauses of a sentence with semicolons."""
    return tr("; ").join(parts)


def sentence(text: str) -> str:
    """Turn a clause into a sentence."""
    return tr("{sentence}.", sentence=f"{text[:1].upper()}{text[1:]}")


@cache
def names(language: str) -> tuple[list[str], list[str]]:
    """Return the short names of weekdays from Monday and of months from January."""
    from babel import Locale

    locale = Locale.parse(LOCALES[language])
    days, months = locale.days["format"]["abbreviated"], locale.months["format"]["abbreviated"]
    return [days[i] for i in range(7)], [months[i] for i in range(1, 13)]


def weekday(at: dt.date) -> str:
    """Format a weekday: Tue."""
    return names(current())[0][at.weekday()]


def month(at: dt.date) -> str:
    """Format a month: Jun."""
    return names(current())[1][at.month - 1]


def day(at: datetime) -> str:
    """Format a day: 16 Jun."""
    return tr("{day} {month}", **_parts(at))


def _parts(at: dt.date) -> dict[str, str | int]:
    """Return the parts of a date or time, by their names in messages."""
    return {"weekday": weekday(at), "day": at.day, "month": month(at), "year": at.year, "time": f"{at:%H:%M}"}


def date(at: dt.date) -> str:
    """Format a day with weekday: Tue 16 Jun."""
    return tr("{weekday} {day} {month}", **_parts(at))


def date_of_year(at: datetime) -> str:
    """Format a day with weekday and year: Tue 16 Jun 2026."""
    return tr("{weekday} {day} {month} {year}", **_parts(at))


def clock(at: datetime) -> str:
    """Format a day and time: Tue 16 Jun 06:15."""
    return tr("{weekday} {day} {month} {time}", **_parts(at))


def stamp(at: datetime) -> str:
    """Format a time of creation: 06 Jun 06:15."""
    return tr("{day:02d} {month} {time}", **_parts(at))


def moment(at: datetime, with_offset: bool = True) -> str:
    """Format a full local time: Tue 16 Jun 2026 06:15 +02:00."""
    text = tr("{weekday} {day} {month} {year} {time}", **_parts(at))
    return f"{text} {offset(at)}" if with_offset else text


def offset(at: datetime) -> str:
    """Format the offset from UTC, such as +01:00."""
    minutes = round((at.utcoffset() or timedelta()).total_seconds() / 60)
    return f"{'−' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def duration(minutes: float) -> str:
    """Format a duration in minutes; from one hour on in hours and minutes."""
    hours, remaining = divmod(round(minutes), 60)
    if not hours:
        return tr("{minutes} min", minutes=remaining)
    if not remaining:
        return tr("{hours} h", hours=hours)
    return tr("{hours} h {minutes} min", hours=hours, minutes=remaining)


def age(span: timedelta) -> str:
    """Format an age in its largest unit."""
    minutes = max(int(span.total_seconds() // 60), 0)
    if minutes < 120:
        return tr("{count} min", count=minutes)
    if minutes < 48 * 60:
        return tr("{count} h", count=minutes // 60)
    return trn("{count} day", "{count} days", minutes // 1440)
