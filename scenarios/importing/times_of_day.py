"""Times of day separate from dates: in a column of their own, or as names of columns if each row contains a day."""

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
"""Pattern of a time of day."""
SPAN = re.compile(rf"({CLOCK})\s*(?:-|–|to|bis)\s*{CLOCK}", re.IGNORECASE)
"""Span between two times of day, of which the first is used."""
OF_A_CELL = re.compile(r"^(?:1[89]\d{2}-\d{2}-\d{2}[T ])(?=\d{2}:)")
"""Date of the epoch that workbooks add to times of day."""
DATE = r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}"
MIDNIGHT = re.compile(r"[T ]+0{1,2}[:.]00(?:[:.]00(?:[.,]0+)?)?$")
NAME = re.compile(
    r"(?:(?:he?|hour|stunde|std\.?|qh?)[ _]?)?0*(?P<number>\d{1,2})"
    r"(?:[:.](?P<minute>\d{2})(?:[:.]00)?)?(?:\s*(?:-|–|to|bis)\s*\d{1,2}[:.]\d{2}(?:[:.]00)?)?"
    r"\s*(?P<mark>[ab*]|\(2\))?"
)
"""Column name that is a time of day or the number of an interval: 02:00, 02:00-03:00, H03, 3B, 02:00*."""
ENDS = re.compile(r"(?:^|[^a-z])(?:end|ending|until|bis|he)(?:$|[^a-z])")
"""Words in names of columns with the ends of intervals."""
FEWEST = 12
"""Smallest number of columns named by times of day that is not considered coincidental."""


def clocks(cells: pd.Series) -> pd.Series:
    """Convert times of day to text; spans are reduced to their start, and epoch dates of workbooks removed."""
    text = cells.astype(object).where(cells.notna(), "").astype(str).str.strip()
    text = text.str.replace(OF_A_CELL, "", regex=True).str.replace(r"^1 day, 0?0:00:00$", "24:00", regex=True)
    text = text.str.replace(SPAN, r"\1", regex=True)
    return text.str.replace(r"\s*(?:Uhr|h)$", "", regex=True)


def share_of_clocks(cells: pd.Series) -> float:
    """Return the share of cells with a time of day but no date; 12.50 counts as a number."""
    text = clocks(cells)
    text = text[text != ""]
    return float((text.str.fullmatch(CLOCK) & text.str.contains(":")).mean()) if len(text) else 0.0


def share_of_dates(cells: pd.Series) -> float:
    """Return the share of cells with a date but no time of day other than midnight."""
    text = dates(cells)
    text = text[text != ""]
    return float(text.str.fullmatch(DATE).mean()) if len(text) else 0.0


def dates(cells: pd.Series) -> pd.Series:
    """Convert dates to text, without the midnight added by workbooks."""
    text = cells.astype(object).where(cells.notna(), "").astype(str).str.strip()
    return text.str.replace(MIDNIGHT, "", regex=True)


def joined(days: pd.Series, times: pd.Series) -> pd.Series:
    """Join dates and times of day to one text each.

    If a file gives the end of a day as 00:00 with the date of that day, which breaks the order of the times, it is
    converted to hour 24 of that day.
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
    """Columns of a table with one row per day."""

    names: tuple[str, ...]
    """Columns in the order of their intervals, excluding those for the repeated hour in autumn."""
    places: tuple[int, ...]
    """Interval of the day of each column, 0 at midnight."""
    twice: dict[int, str]
    """Columns for the repeated hour in autumn, by interval."""
    interval_min: float
    ends: bool
    """Whether the names denote the ends of intervals."""

    @property
    def count(self) -> int:
        """Number of intervals in a day."""
        return round(DAY_MIN / self.interval_min)


def day_columns(columns: list[str]) -> DayColumns | None:
    """Find columns named by time of day or by consecutive numbers; return None if they do not form a day.

    At most one hour may be missing, as on the day when clocks go forward.
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
    """Return the number of columns named by a time of day."""
    return sum(bool((match := NAME.fullmatch(name.strip().lower())) and match["minute"]) for name in columns)
