"""Clock times apart from their dates: in a column of their own, or as names of columns, where a row holds a day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

DAY_MIN = 24 * 60
CLOCK = (
    r"\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d{1,9})?)?(?:\s*[AaPp][Mm])?(?:\s*(?:Uhr|h))?"
    r"(?:\s*(?:Z|UTC|[+-]\d{2}:\d{2}))?"
)
"""A time of the day."""
SPAN = re.compile(rf"({CLOCK})\s*(?:-|–|to|bis)\s*{CLOCK}", re.IGNORECASE)
"""Two of them, where the first one counts."""
OF_A_CELL = re.compile(r"^(?:1[89]\d{2}-\d{2}-\d{2}[T ])(?=\d{2}:)")
"""The day on which a workbook's clock begins."""
DATE = r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}"
MIDNIGHT = re.compile(r"[T ]+0{1,2}[:.]00(?:[:.]00(?:[.,]0+)?)?$")
NAME = re.compile(
    r"(?:(?:he?|hour|stunde|std\.?|qh?)[ _]?)?0*(?P<number>\d{1,2})"
    r"(?:[:.](?P<minute>\d{2})(?:[:.]00)?)?(?:\s*(?:-|–|to|bis)\s*\d{1,2}[:.]\d{2}(?:[:.]00)?)?"
    r"\s*(?P<mark>[ab*]|\(2\))?"
)
"""A column's name that is a time of the day or the number of an interval: 02:00, 02:00-03:00, H03, 3B, 02:00*."""
ENDS = re.compile(r"(?:^|[^a-z])(?:end|ending|until|bis|he)(?:$|[^a-z])")
"""Names of columns that hold the ends of intervals."""
FEWEST = 12
"""Columns that are named by the clock, below which it may be by chance."""


def clocks(cells: pd.Series) -> pd.Series:
    """Times of the day as text; of a span the beginning, of a workbook without the day that its clock begins on."""
    text = cells.astype(object).where(cells.notna(), "").astype(str).str.strip()
    text = text.str.replace(OF_A_CELL, "", regex=True).str.replace(r"^1 day, 0?0:00:00$", "24:00", regex=True)
    text = text.str.replace(SPAN, r"\1", regex=True)
    return text.str.replace(r"\s*(?:Uhr|h)$", "", regex=True)


def share_of_clocks(cells: pd.Series) -> float:
    """Share of the cells that tell a time of the day and no date; 12.50 is a number."""
    text = clocks(cells)
    text = text[text != ""]
    return float((text.str.fullmatch(CLOCK) & text.str.contains(":")).mean()) if len(text) else 0.0


def share_of_dates(cells: pd.Series) -> float:
    """Share of the cells that tell a date and no time of the day but midnight."""
    text = dates(cells)
    text = text[text != ""]
    return float(text.str.fullmatch(DATE).mean()) if len(text) else 0.0


def dates(cells: pd.Series) -> pd.Series:
    """Dates as text, without the midnight that a workbook gives them."""
    text = cells.astype(object).where(cells.notna(), "").astype(str).str.strip()
    return text.str.replace(MIDNIGHT, "", regex=True)


def joined(days: pd.Series, times: pd.Series) -> pd.Series:
    """Dates and the times next to them as one text each.

    Some give the end of a day as 00:00 next to the date of the day that ends; it goes back in a file that else runs on,
    and is the day's hour 24.
    """
    day, clock = dates(days), clocks(times)
    parts = clock.str.extract(r"^(\d{1,2})[:.](\d{2})")
    minutes = pd.to_numeric(parts[0], errors="coerce") * 60 + pd.to_numeric(parts[1], errors="coerce")
    half = clock.str.contains(r"[AaPp][Mm]")
    steps = np.diff(minutes.to_numpy(float))
    rising = not len(steps) or np.nanmedian(steps) >= 0
    neighbour = 1 if rising else -1
    same = (day == day.shift(neighbour)) & (minutes.shift(neighbour) >= DAY_MIN / 2)
    ends = (minutes == 0) & same & ~half
    clock = clock.where(~ends, clock.str.replace(r"^0{1,2}(?=[:.])", "24", regex=True))
    return (day + " " + clock).where((day != "") & (clock != ""), "")


@dataclass(frozen=True)
class DayColumns:
    """Columns of which a row holds a day."""

    names: tuple[str, ...]
    """In order of their intervals; those of the hour that autumn has twice are left out."""
    places: tuple[int, ...]
    """Interval of the day for each name, 0 at midnight."""
    twice: dict[int, str]
    """Columns of the second of the two hours, by interval."""
    interval_min: float
    ends: bool
    """Whether the names are the ends of intervals."""

    @property
    def count(self) -> int:
        """Intervals of a day."""
        return round(DAY_MIN / self.interval_min)


def day_columns(columns: list[str]) -> DayColumns | None:
    """The columns that are named by the clock or by a running number; None: they make no day.

    At most one hour of the day may have no column, as on the day when clocks skip it.
    """
    matches = [(name, match) for name in columns if (match := NAME.fullmatch(name.strip().lower()))]
    if len(matches) < FEWEST:
        return None
    clock = sum(match["minute"] is not None for _, match in matches) > len(matches) / 2
    single: dict[int, str] = {}
    twice: dict[int, str] = {}
    for name, match in matches:
        if (match["minute"] is not None) != clock:
            return None
        at = int(match["number"]) * 60 + int(match["minute"]) if clock else int(match["number"])
        if at in single or match["mark"] in ("b", "*", "(2)"):
            if at in twice:
                return None
            twice[at] = name
        else:
            single[DAY_MIN if at == 0 and single and clock else at] = name
    keys = list(single)
    if any(b <= a for a, b in pairwise(keys)):
        return None
    if clock:
        step = min(b - a for a, b in pairwise(keys))
        first = keys[0]
    else:
        count = next((n for n in (24, 48, 96) if n - max(1, n // 24) <= len(keys) <= n), None)
        if count is None:
            return None
        step, first = DAY_MIN // count, keys[0] * (DAY_MIN // count)
        single = {key * step: name for key, name in single.items()}
        twice = {key * step: name for key, name in twice.items()}
    ends = clock and first == step
    places = tuple((at - first) // step for at in single)
    late = {(at - first) // step: name for at, name in twice.items()}
    lacking = DAY_MIN // step - len(places) if not DAY_MIN % step else -1
    even = all((at - first) % step == 0 for at in (*single, *twice))
    if first not in (0, step) or not even or not 0 <= lacking * step <= 60 or places[-1] != DAY_MIN // step - 1:
        return None
    if any(place not in places for place in late):
        return None
    return DayColumns(tuple(single.values()), places, late, float(step), ends)


def named_by_clock(columns: list[str]) -> int:
    """Number of columns whose name is a time of the day."""
    return sum(bool((match := NAME.fullmatch(name.strip().lower())) and match["minute"]) for name in columns)
