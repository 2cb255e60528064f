"""Tables of energy and variables from CSV files with times, aggregated by day, week or month."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from emberline.scenarios.reading.files import named, one_column, unreadable
from emberline.scenarios.reading.table import csv_rows
from emberline.scenarios.records.base import Problem, ScenarioError

TIMES = ("time", "date", "day", "week", "month", "timestamp", "time_utc")
"""Possible names of the time column."""
FREQUENCY = {"day": "D", "week": "W-SUN", "month": "M"}
POWER = {"_mw": "_mwh", "_kw": "_kwh"}
"""Suffixes of power columns, and of the energy that they are converted to."""
MEANS = ("temperature", "_c", "_share", "_percent", "_ratio", "humidity")
"""Suffixes of columns that are averaged rather than added up."""
MAX_PROBLEMS = 20
CHANGES = "clock changes"
"""Attribute of a table of numbers: its clock changes, so that a day of 23 hours counts as complete."""
NAME = "file"
"""Attribute of a table of numbers: the name of its file."""
WEEK = "week of "
Step = Literal["day", "week", "month"]


def read_table(path: Path, zone: str = "") -> pd.DataFrame:
    """Read numbers by time from a file.

    Args:
        path: CSV file with a column ``time``, ``date`` or ``month``; text columns are left out.
        zone: time zone of the plant; empty: days and months follow the file's own clock.

    Raises:
        ScenarioError: all errors, with file and row.
    """
    reason = unreadable(path)
    if reason:
        raise ScenarioError([Problem(named(path), "", reason)])
    return read_content(path.read_bytes(), path.name, zone)


def read_content(content: bytes, name: str, zone: str = "") -> pd.DataFrame:
    """Read numbers by time from the content of a file.

    Args:
        content: content of a CSV file.
        name: file name for error messages.
        zone: time zone of the plant; empty: days and months follow the file's own clock. Times without offset are local
        times of the zone, those of a column ``time_utc`` are UTC.

    Raises:
        ScenarioError: all errors, with file and row.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError([Problem(name, "", f"is not UTF-8 text (byte {error.start})")]) from None
    table = csv.DictReader(text.splitlines())
    columns = list(table.fieldnames or ())
    time = next((column for column in columns if column.strip().lower() in TIMES), None)
    if time is None:
        sentence = one_column(columns) or f"has no column of times; name one of {', '.join(TIMES)}"
        raise ScenarioError([Problem(name, "", sentence)])
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
        raise ScenarioError(problems[:MAX_PROBLEMS])
    frame = pd.DataFrame({column: values for column, values in numbers.items() if values is not None})
    local = _local(index, zone, name, utc=time.strip().lower() == "time_utc")
    frame.index = pd.DatetimeIndex([at.replace(tzinfo=None) for at in local])
    instants = pd.DatetimeIndex(pd.to_datetime(local, utc=True))
    if instants.has_duplicates:
        twice = frame.index[instants.duplicated()][0]
        raise ScenarioError([Problem(name, time, f"{twice} occurs twice")])
    frame.attrs[NAME] = name
    frame.attrs[CHANGES] = _clock_changes([local[i] for i in np.argsort(instants)])
    return frame.sort_index()


def _local(times: list[datetime], zone: str, name: str, *, utc: bool) -> list[datetime]:
    """Convert times to local time of a zone; without a zone they are unchanged."""
    if not zone:
        return times
    try:
        info = ZoneInfo(zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        text = f"unknown zone {zone[:40]!r}; write one such as Europe/Berlin"
        raise ScenarioError([Problem(name, "", text)]) from None
    result: list[datetime] = []
    for at in times:
        if at.tzinfo is None:
            # in an hour that occurs twice, the second occurrence follows the first in the file
            at = at.replace(tzinfo=UTC if utc else info)
            again = not utc and bool(result) and at.replace(tzinfo=None) <= result[-1].replace(tzinfo=None)
            at = at.replace(fold=int(again and at.utcoffset() != at.replace(fold=1).utcoffset()))
        result.append(at.astimezone(info))
    return result


def _clock_changes(times: list[datetime]) -> list[tuple[datetime, float]]:
    """Return the times of clock changes and the shift of each [h]; negative if clocks go back."""
    changes = []
    for before, at in itertools.pairwise(times):
        ahead = (at.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
        if ahead:
            changes.append((at.replace(tzinfo=None), ahead.total_seconds() / 3600))
    return changes


def _day(text: str) -> str:
    """Return a time in ISO format; a month becomes its first day."""
    text = text.strip()
    return f"{text}-01" if len(text) == 7 and text[4:5] == "-" else text


def _column(name: str, cells: list[tuple[str, dict[str, str]]], problems: list[Problem]) -> list[float] | None:
    """Return the numbers of a column; None if it contains text."""
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


@dataclass(frozen=True)
class Periods:
    """Days, weeks or months in a span, aggregated from the values of tables."""

    first: date
    last: date
    frame: pd.DataFrame
    """Table with a row for each period; NaN for missing values."""
    values: dict[str, pd.Series]
    """Values by time from which each column is computed, named as in the file."""

    def whole(self, columns: Sequence[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
        """Return the rows that have values in the given columns, and remarks on omitted rows at the edges.

        Raises:
            ScenarioError: a value is missing between the first and the last one of a column, or no rows remain.
        """
        index = pd.PeriodIndex(self.frame.index)
        edges = [edge for day in (self.first, self.last) if (edge := pd.Period(day, index.freqstr)) not in index]
        part = f"only part of it lies between {self.first} and {self.last}"
        remarks = dict.fromkeys(f"{_label(edge)} is left out: {part}" for edge in edges)
        outside: dict[tuple[str, str], dict[str, list[str]]] = {}
        missing: dict[tuple[str, str], list[str]] = {}
        for column in dict.fromkeys(columns):
            series = self.values[column]
            file, valid = series.attrs.get(NAME, ""), pd.DatetimeIndex(series.dropna().index)
            for period in index[self.frame[column].isna()]:
                bound = _bound(valid, period, _step(series))
                if bound:
                    outside.setdefault((file, bound), {}).setdefault(str(series.name), []).append(_label(period))
                    continue
                text = f"no value for {_gap(series, valid, period)}, so {_label(period)} is not whole; "
                text += "fill it in, or choose periods without it"
                missing.setdefault((file, text), []).append(str(series.name))
        for (file, bound), names in outside.items():
            labels = next(iter(names.values()))
            span = f"{labels[0]} is" if len(labels) == 1 else f"{labels[0]} to {labels[-1]} are"
            where = f" in {file}" if file else ""
            remarks[f"{span} left out: values of {', '.join(names)}{where} {bound}"] = None
        if missing:
            problems = [Problem(file, ", ".join(names), text) for (file, text), names in missing.items()]
            raise ScenarioError(problems[:MAX_PROBLEMS])
        rows = self.frame.dropna(subset=list(columns))
        if rows.empty:
            text = f"no day, week or month that is asked for is whole from {self.first} to {self.last}"
            raise ScenarioError([Problem("", "", "; ".join([text, *remarks]))])
        return rows.set_axis([_label(period).removeprefix(WEEK) for period in rows.index]), tuple(remarks)


def _label(period: pd.Period) -> str:
    """Format a day, week or month; a week is named by its first day."""
    return f"{WEEK}{period.start_time.date()}" if period.freqstr.startswith("W") else str(period)


def _bound(valid: pd.DatetimeIndex, period: pd.Period, step: timedelta) -> str:
    """Return why a period is not covered if values begin or end within or before it; empty if they do not."""
    if not len(valid):
        return "are missing"
    if valid[0] >= min(period.start_time + step, period.end_time):
        return f"begin at {valid[0]:%Y-%m-%d %H:%M}"
    if valid[-1] < period.start_time or valid[-1] + step <= period.end_time:
        return f"end at {valid[-1]:%Y-%m-%d %H:%M}"
    return ""


def _gap(series: pd.Series, valid: pd.DatetimeIndex, period: pd.Period) -> str:
    """Return the first missing time of a period between existing values."""
    step, before, after = _step(series), valid[:-1], valid[1:]
    distance = after - before
    for at, ahead in series.attrs.get(CHANGES, ()):
        distance -= pd.to_timedelta(max(ahead, 0) * ((before < at) & (at <= after)), unit="h")
    apart = distance.total_seconds() > 1.5 * step.total_seconds()
    holes = before[apart & (after > period.start_time) & (before + step <= period.end_time)]
    if not len(holes) or step > timedelta(days=1):
        return f"a part of {_label(period)}"
    return f"{max(holes[0] + step, period.start_time):%Y-%m-%d %H:%M}"


def joined(tables: Sequence[pd.DataFrame], step: Step, first: date, last: date) -> Periods:
    """Aggregate several tables, each with its own time step, to the days, weeks or months of a span.

    Amounts are added up, temperatures and shares are averaged, and power is converted to energy.

    Args:
        tables: numbers by time, such as a meter every quarter of an hour and production by day.
        step: length of the rows.
        first: first day of the span.
        last: last day of the span.

    Raises:
        ScenarioError: two tables have a column of the same name, a table has no rows in the span, or months are
        requested from rows that are longer than a day and shorter than a month.
    """
    freq = FREQUENCY[step]
    periods = pd.period_range(first, last, freq=freq)
    periods = periods[(periods.start_time.date >= first) & (periods.end_time.date <= last)]
    columns: dict[str, pd.Series] = {}
    values: dict[str, pd.Series] = {}
    for table in tables:
        data = table.loc[str(first) : str(last)]
        file = table.attrs.get(NAME, "")
        if data.empty:
            raise ScenarioError([Problem(file, "", f"there are no rows from {first} to {last}")])
        hours = _step(data) / timedelta(hours=1)
        if step == "month" and 24 < hours < 28 * 24:
            text = f"rows of {hours / 24:g} days do not add up to months; use --by week"
            raise ScenarioError([Problem(file, "", text)])
        groups = data.groupby(pd.DatetimeIndex(data.index).to_period(freq))
        changes = table.attrs.get(CHANGES, [])
        spans = [
            (period.end_time - period.start_time).total_seconds() / 3600
            - sum(ahead for at, ahead in changes if period.start_time <= at <= period.end_time)
            for period in periods
        ]
        rows = np.maximum(np.round(np.array(spans) / hours), 1)
        for column in map(str, data.columns):
            suffix = next((end for end in POWER if column.lower().endswith(end)), None)
            name = column if suffix is None else f"{column[: -len(suffix)]}{POWER[suffix]}"
            if name in columns:
                text = f"two files have a column {name}; give one of them another name"
                raise ScenarioError([Problem("", "", text)])
            mean = suffix is None and column.lower().endswith(MEANS)
            total = (groups[column].mean() if mean else groups[column].sum()).reindex(periods)
            whole = groups[column].count().reindex(periods, fill_value=0).to_numpy() >= rows
            columns[name] = (total if suffix is None else total * hours).where(whole)
            values[name] = table[column]
            values[name].attrs.update(table.attrs)
    return Periods(first, last, pd.DataFrame(columns, index=periods), values)


def _step(data: pd.DataFrame | pd.Series) -> timedelta:
    """Return the length of a row: the most frequent difference between times."""
    distances = pd.Series(data.index[1:] - data.index[:-1])
    return timedelta(seconds=distances.mode()[0].total_seconds()) if len(distances) else timedelta(hours=1)
