"""Tables of energy and variables: a CSV file with times, added up by day, week or month."""

from __future__ import annotations

import csv
import math
from datetime import datetime
from pathlib import Path
from typing import Literal

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
Step = Literal["day", "week", "month"]


def read_table(path: Path) -> pd.DataFrame:
    """Numbers by time, from a file.

    Args:
        path: CSV file with a column ``time``, ``date`` or ``month``; columns of text are left out.

    Raises:
        ScenarioError: every mistake, with file and row.
    """
    reason = unreadable(path)
    if reason:
        raise ScenarioError([Problem(named(path), "", reason)])
    return read_content(path.read_bytes(), path.name)


def read_content(content: bytes, name: str) -> pd.DataFrame:
    """Numbers by time, from what a file holds.

    Args:
        content: of a CSV file.
        name: of the file, for mistakes.

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
    # the file's own clock says which day and month a value belongs to
    frame.index = pd.DatetimeIndex([at.replace(tzinfo=None) for at in index])
    instants = pd.DatetimeIndex(pd.to_datetime(index, utc=True))
    if instants.has_duplicates:
        twice = frame.index[instants.duplicated()][0]
        raise ScenarioError([Problem(name, time, f"{twice} occurs twice")])
    return frame.sort_index()


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
    spans = [(period.end_time - period.start_time).total_seconds() / 3600 for period in sizes.index]
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


def _step_hours(data: pd.DataFrame) -> float:
    """Length of a row [h]: the most frequent distance between times."""
    distances = pd.Series(data.index[1:] - data.index[:-1])
    return float(distances.mode()[0].total_seconds()) / 3600 if len(distances) else 1.0
