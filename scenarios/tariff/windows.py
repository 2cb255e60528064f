"""Windows of charges: months, weekdays and hours of the plant's local time, and the instants that they cover."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator

from emberline.scenarios.records.base import Record

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
"""Weekdays by number, from 0 (Monday); 7 is a holiday if holidays are a separate kind of day."""
HOLIDAY = 7
Ranges = int | str | list[int | str]
_HOUR = r"(\d{1,2}(?:\.\d+)?|\d{1,2}:[0-5]\d)"
_SPAN = re.compile(rf"\s*{_HOUR}\s*[-–]\s*{_HOUR}\s*")


def _numbers(raw: Any, low: int, high: int, what: str, names: tuple[str, ...] = ()) -> Any:
    """Parse numbers and ranges such as ``5-10`` or ``11-2, 7``; ranges past the end wrap around."""
    if raw is None or isinstance(raw, bool):
        raise ValueError(f"{raw} is not a {what}")
    entries = raw if isinstance(raw, list | tuple) else str(raw).split(",")
    numbers: list[int] = []

    def number(text: str) -> int:
        text = text.strip().lower()
        if text[:3] in [name[:3] for name in names]:
            return [name[:3] for name in names].index(text[:3])
        if not re.fullmatch(r"\d{1,2}", text) or not low <= int(text) <= high:
            allowed = f"{low} to {high}" + (f" or {', '.join(names)}" if names else "")
            raise ValueError(f"{text[:20]!r} is not a {what}; allowed are {allowed} and ranges such as {low}-{low + 4}")
        return int(text)

    for entry in entries:
        first, dash, last = str(entry).replace("–", "-").partition("-")
        begin, end = number(first), number(last) if dash else number(first)
        top = 6 if names and begin < HOLIDAY else high  # a range of weekdays that wraps around skips the holiday
        numbers += range(begin, end + 1) if begin <= end else [*range(begin, top + 1), *range(low, end + 1)]
    if not numbers:
        raise ValueError(f"give at least one {what}")
    return tuple(sorted(set(numbers)))


def _months(raw: Any) -> Any:
    return _numbers(raw, 1, 12, "month")


def _weekdays(raw: Any) -> Any:
    return _numbers(raw, 0, HOLIDAY, "weekday", DAYS)


def _weekday(raw: Any) -> Any:
    weekdays = _weekdays(raw)
    if len(weekdays) != 1:
        raise ValueError(f"{raw!r} is more than one weekday")
    return weekdays[0]


def _hours(raw: Any) -> Any:
    """Parse spans such as ``8.5-12``, ``8:30-12`` or ``23-7``, which means 23 to 24 and 0 to 7 of the same day."""
    entries = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(entries, list | tuple) or not entries:
        raise ValueError(f"{str(raw)[:40]!r} are not valid hours; write them as 8.5-12 or 8:30-12")
    spans: list[tuple[float, float]] = []
    for entry in entries:
        pair = list(entry) if isinstance(entry, list | tuple) and len(entry) == 2 else None
        if isinstance(entry, str) and (match := _SPAN.fullmatch(entry)):
            pair = [_clock(match[1]), _clock(match[2])]
        if pair is None or any(isinstance(edge, bool) or not isinstance(edge, int | float) for edge in pair):
            raise ValueError(f"{str(entry)[:40]!r} are not valid hours; write them as 8.5-12 or 8:30-12")
        begin, end = pair
        if not (0 <= begin <= 24 and 0 <= end <= 24) or begin == end:
            raise ValueError(f"hours {begin:g}-{end:g} must lie between 0 and 24 and not be empty")
        spans += [(begin, end)] if begin < end else [span for span in ((begin, 24), (0, end)) if span[0] < span[1]]
    return tuple(sorted((float(begin), float(end)) for begin, end in spans))


def _clock(text: str) -> float:
    hour, _, minute = text.partition(":")
    return float(hour) + (int(minute) / 60 if minute else 0.0)


Months = Annotated[tuple[int, ...], BeforeValidator(_months, json_schema_input_type=Ranges)]
Weekdays = Annotated[tuple[int, ...], BeforeValidator(_weekdays, json_schema_input_type=Ranges)]
Weekday = Annotated[int, BeforeValidator(_weekday, json_schema_input_type=int | str)]
Hours = Annotated[
    tuple[tuple[float, float], ...],
    BeforeValidator(_hours, json_schema_input_type=str | list[str | tuple[float, float]]),
]


class Window(Record):
    """Window of local time; omitted keys mean always."""

    months: Months = tuple(range(1, 13))
    weekdays: Weekdays = tuple(range(8))
    hours: Hours = ((0.0, 24.0),)

    def covers(self, month: np.ndarray, weekday: np.ndarray, minute: np.ndarray) -> np.ndarray:
        """Return a mask of instants within the window, given their month, weekday and minute of the local day."""
        within = np.zeros(np.shape(minute), bool)
        for begin, end in self.hours:
            within |= (minute >= begin * 60 - 1e-6) & (minute < end * 60 - 1e-6)
        return within & np.isin(month, self.months) & np.isin(weekday, self.weekdays)

    def __str__(self) -> str:
        hours = ", ".join(f"{begin:g}-{end:g}" for begin, end in self.hours)
        return f"months {_spans(self.months)}, weekdays {_spans(self.weekdays)}, hours {hours}"


def _spans(numbers: tuple[int, ...]) -> str:
    """Format numbers as ranges such as ``1-3, 5``."""
    breaks = [i for i in range(1, len(numbers)) if numbers[i] != numbers[i - 1] + 1]
    runs = [numbers[i:j] for i, j in zip([0, *breaks], [*breaks, len(numbers)], strict=True)]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def cells(windows: Sequence[Window]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return month, weekday and minute of one instant in each cell into which windows divide the year."""
    edges = sorted({0.0} | {edge * 60 for window in windows for span in window.hours for edge in span if edge < 24})
    month, weekday, minute = np.meshgrid(np.arange(1, 13), np.arange(8), np.array(edges), indexing="ij")
    return month.ravel(), weekday.ravel(), minute.ravel()
