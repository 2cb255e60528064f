"""Read a file of unknown origin as a table of text: CSV, Excel or Parquet, detected from its content."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from emberline.scenarios.importing import sheets
from emberline.scenarios.records.base import Problem, ScenarioError

LARGEST_MB = 20
MAX_ROWS = 1_500_000
MAX_COLUMNS = 500
LONGEST_CELL = 500
SEPARATORS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8-sig", "cp1252")
"""Encodings to try; charset-normalizer fails on short headers, and mistakes "°C" in cp1252 for Chinese."""
DATA = re.compile(r"\s*(?:[+-]?[\d.,]+\s*$|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}\b)")
"""Cells that are not column names: numbers and dates."""
TIME = re.compile(r"\s*(?:\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|1\d{9}(?:\d{3})?\s*$)")
"""Cells that begin with a date or are seconds since 1970."""
MAX_SHEETS = 12
"""Largest number of sheets searched for times."""
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799
"""Range of Python's calendar in seconds since 1970."""
LOOKED_AT = 40
"""Number of lines examined to detect the structure of a file."""


@dataclass(frozen=True)
class Raw:
    """Contents of a file; all cells of text files are text."""

    name: str
    kind: str
    """``csv``, ``excel`` or ``parquet``."""
    frame: pd.DataFrame = field(repr=False)
    header: int = 1
    """Line of the column names."""
    separator: str = ","
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    sheet_key: str | None = None
    """Name of the selected sheet in the workbook."""

    def where(self, row: int) -> str:
        """Return the file and line of a row."""
        sheet = f"!{self.sheet}" if self.sheet else ""
        return f"{self.name}{sheet}:{row + 1 + (self.header if self.kind != 'parquet' else 0)}"


def display_name(name: str) -> str:
    """Return a short, printable version of a file's name without its path."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^\w .()\[\]+-]", "", last).strip()[:60] or "file"


def read(
    content: bytes,
    name: str,
    *,
    sheet: str | None = None,
    header: int | None = None,
    separator: str | None = None,
    largest_mb: float = LARGEST_MB,
) -> Raw:
    """Read a file.

    Args:
        content: content of the file.
        name: name of the file, for messages only.
        sheet: sheet of a workbook; None: the first, or the first with times.
        header: line of the column names; None: detected.
        separator: separator of a CSV file; None: detected.
        largest_mb: largest size of the file [MB].

    Raises:
        ScenarioError: the file is too large, of an unknown kind, or unreadable.
    """
    name = display_name(name)
    try:
        if len(content) > largest_mb * 1e6:
            raise ValueError(f"has {len(content) / 1e6:.0f} MB, at most {largest_mb:g} are read")
        if not content.strip():
            raise ValueError("is empty")
        if content[:4] == b"PAR1":
            return Raw(name, "parquet", _parquet(content))
        if content[:2] == b"PK":
            return _excel(content, name, sheet, header)
        return _csv(content, name, header, separator)
    except (ValueError, csv.Error) as error:
        raise ScenarioError([Problem(name, "", str(error))]) from None


def _csv(content: bytes, name: str, header: int | None, separator: str | None) -> Raw:
    text = _decoded(content)
    first = text[:200_000].splitlines()[:LOOKED_AT]
    separator = separator or _separator(first)
    rows = list(islice(csv.reader(first, delimiter=separator), LOOKED_AT))
    header = header or _header(rows)
    try:
        frame = pd.read_csv(
            io.StringIO(text), dtype=str, sep=separator, header=None, skiprows=header - 1, keep_default_na=False,
            skip_blank_lines=False, nrows=MAX_ROWS + 2, index_col=False,
        )  # fmt: skip
    except Exception as error:  # parsers raise many types of exception; all mean that the file is unreadable
        raise ValueError(f"cannot be read as CSV: {' '.join(str(error).split())[:120]}") from None
    return Raw(name, "csv", _named(frame), header, separator)


def _decoded(content: bytes) -> str:
    encodings: tuple[str, ...] = () if b"\0" in content else ENCODINGS
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ("utf-16",)
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError("is neither CSV, Excel (.xlsx) nor Parquet")


def _separator(lines: list[str]) -> str:
    """Return the separator with which most lines have the same number of columns, at least two.

    ``clevercsv`` gives the same results, but takes 0.2 s instead of 1 ms and depends on chardet and regex.
    """

    def even(separator: str) -> tuple[int, int]:
        counts = Counter(len(row) for row in csv.reader(lines, delimiter=separator) if row)
        width, times = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return (times, width) if width > 1 else (0, 0)

    return max(SEPARATORS, key=even)


def _header(rows: list[list[str]]) -> int:
    """Return the line of the column names: the first line of usual width without numbers and times."""
    counts = Counter(len(row) for row in rows if any(cell.strip() for cell in row))
    width = max(counts.items(), key=lambda item: (item[1], item[0]), default=(1, 0))[0]
    for unnamed in (0, 1):
        for number, row in enumerate(rows, start=1):
            texts = [cell for cell in row[:width] if cell.strip()]
            if len(row) >= width and len(texts) >= max(1, width - unnamed) and not any(map(DATA.match, texts)):
                return number
    return 1


def _excel(content: bytes, name: str, sheet: str | None, header: int | None) -> Raw:
    names, rows = sheets.rows_of(content, sheet)
    raw = _sheet(names, sheet or names[0], rows, name, header)
    for other in names[1:MAX_SHEETS] if sheet is None and not _has_times(raw) else ():
        there = _sheet(names, other, sheets.rows_of(content, other)[1], name, header)
        if _has_times(there):
            return there
    if not len(raw.frame.columns):
        raise ValueError(f"sheet {raw.sheet_key} is empty")
    return raw


def _sheet(names: list[str], sheet: str, rows: list[list[str]], name: str, header: int | None) -> Raw:
    header = header or _header(rows[:LOOKED_AT])
    frame = pd.DataFrame(rows[header - 1 :], dtype=str).fillna("")
    frame = _named(frame) if len(rows) else frame
    return Raw(name, "excel", frame, header, sheet=display_name(sheet), sheets=tuple(names), sheet_key=sheet)


def _has_times(raw: Raw) -> bool:
    """Return whether most cells of any column are times; a cover sheet has no such column."""
    head = raw.frame.head(LOOKED_AT)
    return len(head) > 1 and any(head[name].astype(str).str.match(TIME).mean() > 0.5 for name in head.columns)


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """Use the first row as unique column names."""
    if frame.shape[1] > MAX_COLUMNS:
        raise ValueError(f"has {frame.shape[1]} columns, at most {MAX_COLUMNS} are read")
    if len(frame) > MAX_ROWS:
        raise ValueError(f"has more than {MAX_ROWS:,} rows, the largest number that can be read; import it in parts")
    counts: Counter[str] = Counter()
    names = []
    for i, cell in enumerate(frame.iloc[0] if len(frame) else []):
        name = " ".join(str(cell).split())[:LONGEST_CELL] or f"column {i + 1}"
        counts[name] += 1
        names.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    named = frame.iloc[1:].reset_index(drop=True)
    named.columns = names
    # empty lines at the end are not a gap in the data
    full = (named != "").any(axis=1).to_numpy().nonzero()[0]
    return named.iloc[: int(full[-1]) + 1] if len(full) else named.iloc[:0]


def _parquet(content: bytes) -> pd.DataFrame:
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(content))
        metadata, schema = file.metadata, file.schema_arrow
        texts = [f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    except Exception as error:  # pyarrow raises many types of exception; all mean that the file is unreadable
        raise ValueError(f"cannot be read as Parquet: {' '.join(str(error).split())[:100]}") from None
    if metadata.num_rows > MAX_ROWS or metadata.num_columns > MAX_COLUMNS:
        raise ValueError(
            f"has {metadata.num_rows} rows and {metadata.num_columns} columns; "
            f"at most {MAX_ROWS} and {MAX_COLUMNS} are read"
        )
    nested = [f.name for f in schema if pa.types.is_nested(f.type) or pa.types.is_binary(f.type)]
    if nested:
        raise ValueError(f"column {nested[0][:60]!r} holds neither numbers, times nor text")
    try:
        # dictionary encoding keeps a long text that is repeated a million times small
        table = pq.read_table(io.BytesIO(content), read_dictionary=texts)
        if table.num_rows != metadata.num_rows:
            raise ValueError("has another number of rows than its metadata states")
        frame: Any = table.to_pandas()
    except Exception as error:
        raise ValueError(f"cannot be read as Parquet: {' '.join(str(error).split())[:100]}") from None
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    frame.columns = [str(name)[:LONGEST_CELL] for name in frame.columns]
    if len(set(frame.columns)) < len(frame.columns):
        raise ValueError("has two columns of the same name")
    return _within_the_calendar(pd.DataFrame(frame))


def _within_the_calendar(frame: pd.DataFrame) -> pd.DataFrame:
    """Check that times are within Python's calendar; those near its ends are converted to UTC to stay within it."""
    for name in frame.columns:
        if not pd.api.types.is_datetime64_any_dtype(frame[name]):
            continue
        index = pd.DatetimeIndex(frame[name])
        seconds = index.as_unit("s").asi8
        mask = ~np.asarray(index.isna())
        beyond = np.flatnonzero(mask & ((seconds < FIRST_SECOND) | (seconds > LAST_SECOND)))
        if len(beyond):
            raise ValueError(f"row {int(beyond[0]) + 1}: {name[:60]}: lies outside the years 1 to 9999")
        edge = (seconds < FIRST_SECOND + 86_400) | (seconds > LAST_SECOND - 86_400)
        if index.tz is not None and (mask & edge).any():
            frame[name] = frame[name].dt.tz_convert("UTC")
    return frame
