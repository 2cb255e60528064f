"""Points in time as a planner writes them: 03:15, Tue 03:15, 16 Jun 03:15, +2 h, -30 min."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta

from emberline.reports.text import numbers
from emberline.reports.text.language import mark, tr
from emberline.scenarios.records.horizon import Horizon

SPAN = re.compile(r"([+−-])\s*(\d{1,5}(?:[.,]\d{1,3})?)\s*(min|m|h|d|分钟|分|小时|天)?", re.IGNORECASE)
CLOCK = re.compile(
    r"(?:(?P<day>[^\d\s]{1,3}|\d{1,2}\.?\s*[^\d\s]{1,4}|\d{4}-\d{2}-\d{2}|\d{1,2}月\d{1,2}日)[,\s]+)?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?:\s*(?P<offset>[+−-]\d{2}:\d{2}))?"
)
MINUTES = {"m": 1, "分": 1, "h": 60, "小": 60, "d": 1440, "天": 1440}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONGEST = 40
"""Maximum number of characters in a point in time."""
HOW = mark("A time such as 03:15 or Tue 03:15, or a shift such as +2 h or -30 min")


def on_step(text: str, horizon: Horizon, at_min: float) -> float:
    """Convert a written point in time to the nearest step [min after the start of the horizon].

    A time of day without a date is the one nearest to the current start; a signed span is relative to it. The result
    differs from the current start by whole steps, because later heats of a cast start between steps.

    Args:
        text: text as written.
        horizon: horizon with the steps and the time zone.
        at_min: current start [min].

    Raises:
        ValueError: not a valid time, or outside the horizon; the message is in the language of the page.
    """
    minute = _minute(text.strip(), horizon, at_min)
    step, start = horizon.step_min, minute
    if math.isfinite(minute):
        start = at_min + round((minute - at_min) / step) * step
    if not (0 <= minute < horizon.length_min and 0 <= start < horizon.length_min):
        first, last = (numbers.clock(horizon.instant(at)) for at in (0, horizon.length_min))
        sentence = tr("{text} is outside the plan: {first} to {last}", text=text.strip(), first=first, last=last)
        raise ValueError(sentence)
    return start


def short(minute: float, horizon: Horizon) -> str:
    """Format a time for :func:`on_step`: with the day if there are several, and the UTC offset if clocks change."""
    at = horizon.instant(minute)
    offset = f" {numbers.offset(at)}" if horizon.clocks_change else ""
    days = horizon.length_min / 1440
    day = "" if days < 1.1 else f"{numbers.weekday(at)} " if days < 7.1 else f"{numbers.day(at)} "
    return f"{day}{at:%H:%M}{offset}"


def _minute(text: str, horizon: Horizon, at_min: float) -> float:
    span = SPAN.fullmatch(text)
    if span is not None:
        sign, amount, unit = span.groups()
        size = MINUTES[(unit or "m").lower()[0]]
        return at_min + (1 if sign == "+" else -1) * float(amount.replace(",", ".")) * size
    clock = CLOCK.fullmatch(text[:LONGEST])
    days = None if clock is None else _days(clock["day"], horizon)
    if clock is None or days is None or len(text) > LONGEST or int(clock["hour"]) > 23 or int(clock["minute"]) > 59:
        sentence = tr("{text} is no time: write 03:15, Tue 03:15, +2 h or -30 min", text=text[:LONGEST] or "–")
        raise ValueError(sentence)
    zone = horizon.instant(at_min).tzinfo
    hour, minute = int(clock["hour"]), int(clock["minute"])
    # an hour that occurs twice means the one nearer to the current start
    moments = [
        horizon.minutes(datetime(d.year, d.month, d.day, hour, minute, tzinfo=zone, fold=fold))
        for d in days for fold in (0, 1)
    ]  # fmt: skip
    if clock["offset"]:
        offset = clock["offset"].replace("-", "−")
        moments = [moment for moment in moments if numbers.offset(horizon.instant(moment)) == offset]
    inside = [moment for moment in moments if 0 <= moment < horizon.length_min]
    return min(inside or moments, key=lambda moment: abs(moment - at_min), default=math.inf)


def _days(text: str | None, horizon: Horizon) -> list[date] | None:
    """Return the days that a weekday or date refers to: all in the horizon if none is given, None if it is invalid."""
    first, count = horizon.instant(0).date(), math.ceil(horizon.length_min / 1440) + 1
    every = [first + timedelta(days=i) for i in range(count)]
    if text is None:
        return every
    word = text.lower()
    for names in WEEKDAYS:
        if word in names:
            return [day for day in every if day.weekday() == names.index(word)]
    numeric = re.fullmatch(r"(\d{1,2})月(\d{1,2})日", word)
    named = re.fullmatch(r"(\d{1,2})\.?\s*([a-z]{3})[a-z]?", word)
    if numeric is not None:
        return [day for day in every if (day.month, day.day) == (int(numeric[1]), int(numeric[2]))]
    if named is not None and named[2] in MONTHS:
        return [day for day in every if (day.month, day.day) == (MONTHS.index(named[2]) + 1, int(named[1]))]
    try:
        return [date.fromisoformat(word)]
    except ValueError:
        return None
