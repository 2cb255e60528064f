"""Detect the columns of a file by purpose: dates and times, values, and names of series."""

from __future__ import annotations

import re

import pandas as pd

from emberline.scenarios.importing.mapping_draft import MappingDraft
from emberline.scenarios.importing.roles import WORDS, fits, unit_of
from emberline.scenarios.importing.times import TIMESTAMP, cleaned
from emberline.scenarios.importing.times_of_day import (
    ENDS,
    FEWEST,
    day_columns,
    named_by_clock,
    share_of_clocks,
    share_of_dates,
)
from emberline.scenarios.reading.unit_spelling import named

MAX_SERIES = 2000
"""Largest number of distinct names in a column of series names."""


def times(draft: MappingDraft) -> str | None:
    """Detect the column of the times."""

    def share_of_times(column: str) -> float:
        cells = draft.head[column]
        if pd.api.types.is_datetime64_any_dtype(cells):
            return 1.0
        if pd.api.types.is_numeric_dtype(cells) or share_of_clocks(cells) > 0.5:
            return 0.0
        text = cleaned(cells)
        text = text[text != ""]
        good = text.str.fullmatch(TIMESTAMP.pattern).mean() if len(text) else 0.0
        epoch = text.str.fullmatch(r"1\d{9}(?:\d{3})?").mean() if len(text) else 0.0
        return float(max(good, epoch))

    share = {column: share_of_times(column) for column in draft.head.columns}
    good = [column for column, part in share.items() if part > 0.5]
    if not good:
        others = ", ".join(name[:40] for name in draft.raw.sheets if name != draft.raw.sheet_key)
        hint = f"; its other sheets are {others}" if others else ""
        draft.refuse("", f"has no column of times; name it, or say which line has the columns' names{hint}")
    by_name = [column for column in good if any(word in column.lower() for word in WORDS["times"])]
    # UTC is preferred to local time, since it is never ambiguous
    utc = [column for column in good if "utc" in column.lower()]
    choice = (utc or by_name or good)[0]
    among = f", one of {len(good)} columns of times" if len(good) > 1 else ""
    draft.note(f"times from {choice!r}{among}")
    return choice


def clock(draft: MappingDraft) -> str | None:
    """Detect the column with the time of day if the column of the times has only dates; starts are preferred."""
    time = draft.fields["time"]
    if draft.settings.get("through") or time not in draft.head or share_of_dates(draft.head[time]) < 0.9:
        return None
    there = [column for column in map(str, draft.head) if column != time and share_of_clocks(draft.head[column]) > 0.9]
    if not there:
        return None
    choice = next((column for column in there if not ENDS.search(column.lower())), there[0])
    draft.note(f"times joined from {time!r} and {choice!r}")
    return choice


def last_of_day(draft: MappingDraft) -> str | None:
    """Detect the last column of a day if each row contains a day; also sets the first column."""
    time, columns = draft.fields["time"], list(draft.head.columns)
    if draft.fields.get("clock") or time not in columns or share_of_dates(draft.head[time]) < 0.9:
        return None
    value = draft.settings.get("value")
    days = day_columns([column for column in columns if column != time])
    if days is None:
        if value is None and named_by_clock(columns) >= FEWEST:
            draft.refuse(
                "",
                f"has {named_by_clock(columns)} columns named by the clock, which make no day of even intervals "
                "from 00:00 on; complete them, or give a row for each time",
            )
        return None
    mine = [column for column in columns if column in (*days.names, *days.twice.values())]
    if value is not None and value not in mine:
        return None
    draft.fields["value"] = value or mine[0]
    how = ", named by their ends" if days.ends else ""
    more = f", {len(days.twice)} for the hour that autumn has twice" if days.twice else ""
    draft.note(f"a day in each row: {len(mine)} columns from {mine[0]!r} to {mine[-1]!r}{how}{more}")
    return mine[-1]


def decimal_mark(draft: MappingDraft) -> str:
    """Detect the decimal mark of the numbers: point or comma."""
    others = [column for column in draft.head.columns if column != draft.fields.get("time")]
    point, comma = (sum(draft.share(column, mark) > 0.9 for column in others) for mark in (".", ","))
    text = "\n".join("\n".join(draft.texts(column).head(200)) for column in others[:20])
    grouped = re.search(r"(?m)^[+-]?\d{1,3}(?:\.\d{3})+,\d", text) is not None
    mark = "," if comma > point or (comma == point and grouped) else "."
    name = "comma" if mark == "," else "point"
    either = rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+"
    marked = [cell for cell in re.findall(r"(?m)^[+-]?[\d.,]+$", text) if mark in cell]
    if marked and all(re.fullmatch(either, cell) for cell in marked):
        draft.note(f"decimal {name}: {marked[0]} might be thousands as well, which --decimal would say")
    elif mark == ",":
        draft.note("decimal comma")
    return mark


def _numeric(draft: MappingDraft) -> list[str]:
    mark = str(draft.fields.get("decimal", "."))
    return [
        column
        for column in draft.head.columns
        if column not in (draft.fields.get("time"), draft.fields.get("clock"))
        and not pd.api.types.is_datetime64_any_dtype(draft.head[column])
        and draft.share(column, mark) > 0.5
    ]


def values(draft: MappingDraft) -> str | None:
    """Detect the column of the values."""
    if draft.fields.get("through"):
        return None
    numeric = _numeric(draft)
    if not numeric:
        draft.refuse("", "has no column of numbers next to its times; name it, or say the decimal mark")
    words = draft.role.words if draft.role else []
    minutes = float(draft.settings.get("interval_min") or 60)

    def score(column: str) -> tuple[int, int, int]:
        name = column.lower()
        measured = not re.search(r"forecast|predict|prognos|estimate|plan", name)
        of_unit = draft.role is not None and unit_of(column, draft.role, minutes) is not None
        return of_unit, sum(len(words) - i for i, word in enumerate(words) if word in name), measured

    suited = [column for column in numeric if draft.role is None or fits(column, draft.role, minutes)]
    if not suited:
        names = ", ".join(name[:40] for name in numeric[:8])
        what = draft.role.title if draft.role else "values"
        hint = "; kVA times the power factor are kW" if any("VA" in (named(n) or "") for n in numeric) else ""
        draft.refuse("", f"has no column that can be the {what}; there are {names}{hint}")
    best = max(suited, key=score)
    like = [
        column for column in suited if column != best and score(column)[:2] == score(best)[:2] and any(score(best)[:2])
    ]
    reason = "by its name" if any(score(best)[:2]) else "the first of numbers"
    also = f"; {', '.join(repr(name[:40]) for name in like[:4])} fits as well" if like else ""
    draft.note(f"values from {best!r}, {reason}{also}" if len(numeric) > 1 else f"values from {best!r}")
    return best


def series(draft: MappingDraft) -> dict[str, str] | None:
    """Detect a long table, in which each time occurs once per series; return the column and name of the series."""
    if draft.settings.get("through") or draft.fields["time"] not in draft.head:
        return None
    repeated = draft.times(draft.head).duplicated().mean()
    if repeated < 0.3:
        return None
    for column in draft.head.columns:
        if column in (draft.fields.get("time"), draft.fields.get("value"), *_numeric(draft)):
            continue
        if share_of_clocks(draft.head[column]) > 0.5:
            continue
        names = list(dict.fromkeys(draft.texts(column)))
        if 1 < len(names) <= MAX_SERIES and "" not in names:
            words = draft.role.words if draft.role else []
            best = max(names, key=lambda name: sum(word in name.lower() for word in words))
            draft.note(f"a long table: {len(names)} series by {column!r}, of which {best!r} is taken")
            return {str(column): best}
    return None
