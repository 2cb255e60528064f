"""Tables exported by plant systems, with times in any zone and positive numbers; mistakes are reported by line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emberline.scenarios.reading.files import named, one_column, unreadable
from emberline.scenarios.reading.series import LARGEST_FILE_MB
from emberline.scenarios.records.base import Problem, ScenarioError

MAX_MISTAKES = 20
"""Largest number of mistakes reported for a table."""
EARLIEST, LATEST = "1971-01-01", "2201-01-01"
OUTSIDE = "lies outside 1971 to 2200"


def read_table(path: Path, what: str) -> pd.DataFrame:
    """Read a CSV file, with all cells as text, or a Parquet file.

    Raises:
        ScenarioError: the file is missing, of another kind, too large or unreadable.
    """

    def refuse(text: str) -> ScenarioError:
        return ScenarioError([Problem(path.name, "", text)])

    if path.suffix.lower() not in (".csv", ".parquet"):
        raise refuse(f"{what} is a .csv or .parquet file")
    wrong = unreadable(path)
    if wrong:
        raise ScenarioError([Problem(named(path), "", wrong)])
    if path.stat().st_size > LARGEST_FILE_MB * 1e6:
        raise refuse(f"has {path.stat().st_size / 1e6:.0f} MB, at most {LARGEST_FILE_MB} are read")
    try:
        if path.suffix.lower() == ".csv":
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False, encoding="utf-8-sig")
        else:
            return pd.read_parquet(path)
    except Exception as error:  # parsers raise many types of exception; all mean that the file is unreadable
        raise refuse(f"cannot be read: {(str(error).splitlines() or ['empty'])[0][:120]}") from None
    if text := one_column(list(frame.columns)):
        raise refuse(text)
    return frame


def csv_rows(table: csv.DictReader[str], name: str) -> Iterator[tuple[int, dict[str | Any, str | Any]]]:
    """Iterate over the rows of a CSV file with their last line numbers.

    Raises:
        ScenarioError: a row cannot be read, for example because a cell is too long.
    """
    try:
        for row in table:
            yield table.line_num, row
    except csv.Error as error:
        raise ScenarioError([Problem(f"{name} row {table.line_num}", "", f"cannot be read: {error}")]) from None


class Table:
    """Reader of a table that collects the mistakes found."""

    def __init__(self, frame: pd.DataFrame, name: str, zone: str) -> None:
        self.frame = frame.rename(columns=lambda column: str(column).strip())
        self.name = name
        self.zone = zone
        """Time zone of times without offset."""
        self.problems: list[Problem] = []
        self.resolution_min = 1.0
        """Resolution of the times [min]."""

    def where(self, row: int) -> str:
        """Return the file and line of a row."""
        return f"{self.name}:{row + 2}"

    def each(self, good: Any, column: str, values: Any, text: str) -> None:
        """Record a mistake for each row that is not good."""
        for row in np.flatnonzero(~np.asarray(good, dtype=bool)).tolist():
            value = "" if values is None else f"{str(values.iloc[row])[:40]!r}: "
            self.problems.append(Problem(self.where(row), column, f"{value}{text}"))

    def stop(self) -> None:
        """Report the mistakes found so far.

        Raises:
            ScenarioError: there are mistakes.
        """
        if not self.problems:
            return
        problems = sorted(dict.fromkeys(self.problems), key=lambda problem: int(problem.where.rpartition(":")[2]))
        more = len(problems) - MAX_MISTAKES
        if more > 0:
            problems = [*problems[:MAX_MISTAKES], Problem(self.name, "", f"and {more} more mistakes")]
        raise ScenarioError(problems)

    def numbers(self, column: str, mask: np.ndarray, zero: bool = False) -> np.ndarray:
        """Return a column of positive numbers, with zeros only if ``zero``; NaN for empty cells."""
        raw = self.frame[column]
        empty = (raw.isna() | (raw.astype(str).str.strip() == "")).to_numpy()
        values = pd.to_numeric(raw, errors="coerce").to_numpy(float, na_value=np.nan)
        good = empty | ~mask | (np.isfinite(values) & ((values > 0) | (zero & (values == 0))) & (values < 1e6))
        self.each(good, column, raw, f"is not a number {'of at least' if zero else 'above'} 0 (decimal point, no unit)")
        return np.where(empty, np.nan, values)

    def times(self, column: str, mask: np.ndarray) -> np.ndarray:
        """Return a column of times as minutes since 1970 UTC; NaN for empty cells."""
        raw = self.frame[column]
        if pd.api.types.is_datetime64_any_dtype(raw):
            stamps = pd.Series(pd.DatetimeIndex(raw))
            local = stamps if stamps.dt.tz is None else None
            utc = stamps.dt.tz_convert("UTC") if local is None else None
        else:
            text = raw.astype(object).where(raw.notna(), "").astype(str).str.strip().where(mask, "")
            empty = text == ""
            offset = text.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True) & text.str.contains(":")
            mixed = offset.ne(offset[~empty].iloc[0]) & ~empty if (~empty).any() else empty & False
            self.each(~mixed, column, raw, "times with and without offset are mixed")
            if mixed.any():
                return np.full(len(raw), np.nan)
            zoned = bool((offset | empty).all())
            stamps = pd.to_datetime(text.where(~empty), errors="coerce", utc=zoned, format="ISO8601")
            self.each(empty | stamps.notna(), column, raw, "is not a time; write it as 2024-03-12T06:00+01:00")
            local, utc = (None, stamps) if zoned else (stamps, None)
        if local is not None:
            # reject distant times before the time zone is applied, since the calendar is limited
            far = local.notna() & ~local.dt.year.between(int(EARLIEST[:4]) - 1, int(LATEST[:4]))
            self.each(~far, column, raw, OUTSIDE)
            local = local.where(~far, pd.Timestamp("1972-01-01"))  # placeholder, so that only one mistake is reported
            utc = self._localized(local, column, raw)
        assert utc is not None
        near = utc.isna() | ((utc > pd.Timestamp(EARLIEST, tz="UTC")) & (utc < pd.Timestamp(LATEST, tz="UTC")))
        self.each(near, column, raw, OUTSIDE)
        seconds = utc.dt.as_unit("s").dt.tz_localize(None).to_numpy().astype("datetime64[s]")
        minutes = np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64) / 60)
        valid = seconds[~np.isnat(seconds)].astype(np.int64)
        if (valid % 60).any():
            self.resolution_min = 1 / 60
        return minutes

    def _localized(self, local: pd.Series, column: str, raw: pd.Series) -> pd.Series:
        """Convert local times of the plant to UTC; times repeated or skipped by clock changes are rejected."""
        zone = self.zone
        utc = local.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        unclear = local.notna() & utc.isna()
        text = f"local time that the change of clocks in {zone} skips or has twice; write its offset"
        self.each(~unclear, column, raw, text)
        return utc.dt.tz_convert("UTC")
