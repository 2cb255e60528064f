"""Numbers, times and lists as the language of the page writes them (Unicode CLDR, by Babel); units stay SI.

English has thin spaces between thousands and a true minus. Patterns of dates are messages of the catalogue.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache

from emberline.ui.text.language import LOCALES, current, tr


@cache
def symbols(language: str) -> tuple[str, str, str]:
    """What stands between thousands, before decimals and before what is negative."""
    if language == "en":
        return "\u202f", ".", "−"
    from babel import Locale

    found = Locale.parse(LOCALES[language]).number_symbols["latn"]
    return found["group"], found["decimal"], found["minusSign"]


def number(value: float | None, digits: int = 1) -> str:
    """A number with its thousands apart; a dash where there is none."""
    if value is None:
        return "–"
    group, decimal, minus = symbols(current())
    text = f"{value:,.{digits}f}".translate({ord(","): group, ord("."): decimal, ord("-"): minus})
    return text.removeprefix(minus) if not any(c in "123456789" for c in text) else text


def percent(share: float | None, digits: int = 2) -> str:
    """A share in percent."""
    return "–" if share is None else tr("{number} %", number=number(100 * share, digits))


def signed(value: float, digits: int) -> str:
    """A number that always tells its sign."""
    return f"{'+' if value > 0 else ''}{number(value, digits)}"


def listed(parts: Iterable[str]) -> str:
    """Things side by side."""
    return tr(", ").join(parts)


def clauses(parts: Iterable[str]) -> str:
    """Parts of one sentence."""
    return tr("; ").join(parts)


def sentence(text: str) -> str:
    """A clause that stands by itself."""
    return tr("{sentence}.", sentence=f"{text[:1].upper()}{text[1:]}")


@cache
def names(language: str) -> tuple[list[str], list[str]]:
    """Weekdays from Monday and months from January, short."""
    from babel import Locale

    locale = Locale.parse(LOCALES[language])
    days, months = locale.days["format"]["abbreviated"], locale.months["format"]["abbreviated"]
    return [days[i] for i in range(7)], [months[i] for i in range(1, 13)]


def weekday(at: dt.date) -> str:
    """Its day of the week: Tue."""
    return names(current())[0][at.weekday()]


def month(at: dt.date) -> str:
    """Its month: Jun."""
    return names(current())[1][at.month - 1]


def day(at: datetime) -> str:
    """Its day: 16 Jun."""
    return tr("{day} {month}", day=at.day, month=month(at))


def date(at: datetime) -> str:
    """Its day with the day of the week: Tue 16 Jun."""
    return tr("{weekday} {day} {month}", weekday=weekday(at), day=at.day, month=month(at))


def date_of_year(at: datetime) -> str:
    """The same with the year: Tue 16 Jun 2026."""
    told = {"weekday": weekday(at), "day": at.day, "month": month(at), "year": at.year}
    return tr("{weekday} {day} {month} {year}", **told)


def clock(at: datetime) -> str:
    """Day and time: Tue 16 Jun 06:15."""
    told = {"weekday": weekday(at), "day": at.day, "month": month(at), "time": f"{at:%H:%M}"}
    return tr("{weekday} {day} {month} {time}", **told)


def stamp(at: datetime) -> str:
    """When something was made: 06 Jun 06:15."""
    return tr("{day:02d} {month} {time}", day=at.day, month=month(at), time=f"{at:%H:%M}")


def moment(at: datetime, with_offset: bool = True) -> str:
    """A local time in full: Tue 16 Jun 2026 06:15 +02:00."""
    told = {"weekday": weekday(at), "day": at.day, "month": month(at), "year": at.year, "time": f"{at:%H:%M}"}
    text = tr("{weekday} {day} {month} {year} {time}", **told)
    return f"{text} {offset(at)}" if with_offset else text


def offset(at: datetime) -> str:
    """Offset from UTC, as in +01:00."""
    minutes = round((at.utcoffset() or timedelta()).total_seconds() / 60)
    return f"{'−' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
