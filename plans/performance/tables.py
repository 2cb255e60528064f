"""Tables of energy and variables: a CSV file with times, added up by day, week or month."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from emberline.scenarios.reading.csv_file import csv_rows
from emberline.scenarios.reading.files import named, unreadable
from emberline.scenarios.records.base import Problem, ScenarioError

TIMES = ("time", "date", "day", "week", "month", "timestamp", "time_utc")
"""Names of the column of times."""
FREQUENCY = {"day": "D", "week": "W-SUN", "month": "M"}
POWER = {"_mw": "_mwh", "_kw": "_kwh"}
"""Ends of the names of power columns, and of the energy that they become."""
MEANS = ("temperature", "_c", "_share", "_percent", "_ratio", "humidity")
"""Ends of the names of columns that are averaged, not added up."""
MOST_PROBLEMS = 20
CHANGES = "clock changes"
"""Attribute of a table of numbers: changes of its clock, so that a day of 23 hours is whole."""
Step = Literal["day", "week", "month"]


def read_table(path: Path, zone: str = "") -> pd.DataFrame:
    """Numbers by time, from a file.

    Args:
        path: CSV file with a column ``time``, ``date`` or ``month``; columns of text are left out.
        zone: of the plant; empty: days and months are those of the file's own clock.

    Raises:
        ScenarioError: every mistake, with file and row.
    """
    reason = unreadable(path)
    if reason:
        raise ScenarioError([Problem(named(path), "", reason)])
    return read_content(path.read_bytes(), path.name, zone)


def read_content(content: bytes, name: str, zone: str = "") -> pd.DataFrame:
    """Numbers by time, from what a file holds.

    Args:
        content: of a CSV file.
        name: of the file, for mistakes.
        zone: of the plant; empty: days and months are those of the file's own clock. Times without offset are local
            times of the zone, those of a column ``time_utc`` are UTC.

    Raises:
        ScenarioError: every mistake, with file and row.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError([Problem(name, "", f"is not UTF-8 text (byte {error.start})")]) from None
    table = csv.DictReader(text.splitlines())
    columns = list(table.fieldnames or ())
    time = next((column for column in columns if column.strip().lower() in TIMES), None)
    if time is None:
        raise ScenarioError([Problem(name, "", f"has no column of times; name one of {', '.join(TIMES)}")])
    problems: list[Problem] = []
    index, cells = [], []
    for number, row in csv_rows(table, name):
        place = f"{name} row {number}"
        try:
            index.append(datetime.fromisoformat(_day(row[time] or "")))
        except ValueError:
            problems.append(Problem(place, time, f"must be a time such as 2026-03-12, got {str(row[time])[:40]!r}"))
            continue
        cells.append((place, row))
    numbers = {column: _column(column, cells, problems) for column in columns if column != time}
    if problems:
        raise ScenarioError(problems[:MOST_PROBLEMS])
    frame = pd.DataFrame({column: values for column, values in numbers.items() if values is not None})
    local = _local(index, zone, name, utc=time.strip().lower() == "time_utc")
    frame.index = pd.DatetimeIndex([at.replace(tzinfo=None) for at in local])
    instants = pd.DatetimeIndex(pd.to_datetime(local, utc=True))
    if instants.has_duplicates:
        twice = frame.index[instants.duplicated()][0]
        raise ScenarioError([Problem(name, time, f"{twice} occurs twice")])
    frame.attrs[CHANGES] = _clock_changes([local[i] for i in np.argsort(instants)])
    return frame.sort_index()


def _local(times: list[datetime], zone: str, name: str, *, utc: bool) -> list[datetime]:
    """Times by the clock of a zone; where none is named, as they are."""
    if not zone:
        return times
    try:
        info = ZoneInfo(zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        says = f"unknown zone {zone[:40]!r}; write one such as Europe/Berlin"
        raise ScenarioError([Problem(name, "", says)]) from None
    result: list[datetime] = []
    for at in times:
        if at.tzinfo is None:
            # of an hour that occurs twice the second is after the first in the file
            at = at.replace(tzinfo=UTC if utc else info)
            again = not utc and bool(result) and at.replace(tzinfo=None) <= result[-1].replace(tzinfo=None)
            at = at.replace(fold=int(again and at.utcoffset() != at.replace(fold=1).utcoffset()))
        result.append(at.astimezone(info))
    return result


def _clock_changes(times: list[datetime]) -> list[tuple[datetime, float]]:
    """When the clock was put on, and by how many hours, negative where back."""
    changes = []
    for before, at in itertools.pairwise(times):
        ahead = (at.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
        if ahead:
            changes.append((at.replace(tzinfo=None), ahead.total_seconds() / 3600))
    return changes


def _day(text: str) -> str:
    """A time as Python reads it; a month stands for its first day."""
    text = text.strip()
    return f"{text}-01" if len(text) == 7 and text[4:5] == "-" else text


def _column(name: str, cells: list[tuple[str, dict[str, str]]], problems: list[Problem]) -> list[float] | None:
    """Numbers of a column; None where it holds text."""
    values, wrong = [], []
    for place, row in cells:
        cell = (row[name] or "").strip()
        try:
            value = float(cell) if cell else math.nan
        except ValueError:
            value = math.nan
            wrong.append((place, cell))
        values.append(value)
    if len(wrong) > len(cells) / 2:
        return None
    problems += [Problem(place, name, f"must be a number, got {cell[:40]!r}") for place, cell in wrong]
    return values


def by_period(data: pd.DataFrame, step: Step) -> pd.DataFrame:
    """Rows by day, week or month: amounts added up, temperatures and shares averaged, power made into energy.

    A period with a value that is missing has none; the first and last are left out where data do not cover them.

    Raises:
        ScenarioError: rows are longer than a day and shorter than a month, which months are asked for.
    """
    hours = _step_hours(data)
    if step == "month" and 24 < hours < 28 * 24:
        raise ScenarioError([Problem("", "", f"rows of {hours / 24:g} days do not add up to months; use --by week")])
    groups = data.groupby(pd.DatetimeIndex(data.index).to_period(FREQUENCY[step]))
    sizes = groups.size()
    changes = data.attrs.get(CHANGES, [])
    spans = [
        (period.end_time - period.start_time).total_seconds() / 3600
        - sum(ahead for at, ahead in changes if period.start_time <= at <= period.end_time)
        for period in sizes.index
    ]
    rows = np.maximum(np.round(np.array(spans) / hours), 1)
    columns: dict[str, pd.Series] = {}
    for column in map(str, data.columns):
        suffix = next((end for end in POWER if column.lower().endswith(end)), None)
        whole = groups[column].count() >= rows
        if suffix is not None:
            columns[f"{column[: -len(suffix)]}{POWER[suffix]}"] = (groups[column].sum() * hours).where(whole)
        elif column.lower().endswith(MEANS):
            columns[column] = groups[column].mean().where(whole)
        else:
            columns[column] = groups[column].sum().where(whole)
    frame = pd.DataFrame(columns)
    frame.index = pd.Index([str(period) if step != "week" else str(period.start_time.date()) for period in sizes.index])
    covered = np.flatnonzero(sizes.to_numpy() >= rows)
    return frame.iloc[covered[0] : covered[-1] + 1] if len(covered) else frame.iloc[:0]


def joined(tables: Sequence[pd.DataFrame], step: Step, first: date, last: date) -> pd.DataFrame:
    """Rows of a period from several tables, each with a step of its own: those that all of them have.

    Args:
        tables: numbers by time, such as a meter by the quarter-hour and production by the day.
        step: of the rows.
        first: day of the period.
        last: day of the period.

    Raises:
        ScenarioError: two tables have a column of one name, or none has rows in the period.
    """
    spans = [table.loc[str(first) : str(last)] for table in tables]
    if any(span.empty for span in spans):
        raise ScenarioError([Problem("", "", f"there are no rows from {first} to {last}")])
    parts = [by_period(span, step) for span in spans]
    names = [str(column) for part in parts for column in part.columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ScenarioError([Problem("", "", f"two files have a column {twice}; give one of them another name")])
    rows = pd.concat(parts, axis=1, join="inner")
    if rows.empty:
        says = f"no {step} from {first} to {last} is whole" + (" in every file" if len(tables) > 1 else "")
        raise ScenarioError([Problem("", "", says)])
    return rows


def _step_hours(data: pd.DataFrame) -> float:
    """Length of a row [h]: the most frequent distance between times."""
    distances = pd.Series(data.index[1:] - data.index[:-1])
    return float(distances.mode()[0].total_seconds()) / 3600 if len(distances) else 1.0
