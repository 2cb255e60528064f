"""Reading a file of unknown origin as a table of text: CSV, Excel or Parquet, known by its content, not by its name."""

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
"""Not guessed by charset-normalizer: a header has too little text for it; it takes "°C" in cp1252 for Chinese."""
DATA = re.compile(r"\s*(?:[+-]?[\d.,]+\s*$|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}\b)")
"""Cells that are no name of a column: numbers and dates."""
TIME = re.compile(r"\s*(?:\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|1\d{9}(?:\d{3})?\s*$)")
"""Cells that begin with a date, or are seconds since 1970."""
MAX_SHEETS = 12
"""Sheets that are looked at for one with times."""
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799
"""Ends of Python's calendar, seconds after 1970."""
LOOKED_AT = 40
"""Lines that are looked at to learn how a file is built."""


@dataclass(frozen=True)
class Raw:
    """A file as it was read: every cell of a text file as text."""

    name: str
    kind: str
    """``csv``, ``excel`` or ``parquet``."""
    frame: pd.DataFrame = field(repr=False)
    header: int = 1
    """Line of the columns' names."""
    separator: str = ","
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    sheet_key: str | None = None
    """The sheet that was read, as the workbook names it."""

    def where(self, row: int) -> str:
        """File and line of a row."""
        sheet = f"!{self.sheet}" if self.sheet else ""
        return f"{self.name}{sheet}:{row + 1 + (self.header if self.kind != 'parquet' else 0)}"


def display_name(name: str) -> str:
    """A file's name to be shown: never a path, never long, nothing that cannot be seen."""
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
        content: of the file.
        name: shown in messages only.
        sheet: of a workbook; None: the first.
        header: line of the columns' names; None: found.
        separator: of a CSV file; None: found.
        largest_mb: what is larger is refused.

    Raises:
        ScenarioError: it is too large, of another kind, or cannot be read.
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
    except Exception as error:  # parsers raise many kinds; to the user the file is unreadable
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
    """The separator that gives most lines the same number of columns, more than one.

    ``clevercsv`` finds the same ones in 0.2 s rather than 1 ms, and would bring chardet and regex.
    """

    def even(separator: str) -> tuple[int, int]:
        counts = Counter(len(row) for row in csv.reader(lines, delimiter=separator) if row)
        width, times = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        return (times, width) if width > 1 else (0, 0)

    return max(SEPARATORS, key=even)


def _header(rows: list[list[str]]) -> int:
    """Line of the columns' names: the first one that is as wide as most and holds neither numbers nor times."""
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
    """Whether most cells of a column are times, as a cover sheet has none."""
    head = raw.frame.head(LOOKED_AT)
    return len(head) > 1 and any(head[name].astype(str).str.match(TIME).mean() > 0.5 for name in head.columns)


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """The first row as names of the columns, each of them once."""
    if frame.shape[1] > MAX_COLUMNS:
        raise ValueError(f"has {frame.shape[1]} columns, at most {MAX_COLUMNS} are read")
    if len(frame) > MAX_ROWS:
        raise ValueError(f"has more than {MAX_ROWS:,} rows, which is the most that is read; import it in parts")
    counts: Counter[str] = Counter()
    names = []
    for i, cell in enumerate(frame.iloc[0] if len(frame) else []):
        name = " ".join(str(cell).split())[:LONGEST_CELL] or f"column {i + 1}"
        counts[name] += 1
        names.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    named = frame.iloc[1:].reset_index(drop=True)
    named.columns = names
    # an end of empty lines is no gap in the data
    full = (named != "").any(axis=1).to_numpy().nonzero()[0]
    return named.iloc[: int(full[-1]) + 1] if len(full) else named.iloc[:0]


def _parquet(content: bytes) -> pd.DataFrame:
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(content))
        metadata, schema = file.metadata, file.schema_arrow
        texts = [f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    except Exception as error:  # pyarrow raises many kinds; to the user the file is unreadable
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
        # texts stay a list of what occurs: one long text repeated a million times takes no room
        table = pq.read_table(io.BytesIO(content), read_dictionary=texts)
        if table.num_rows != metadata.num_rows:
            raise ValueError("has other rows than it tells")
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
    """Typed times that Python can tell: those at the ends of its calendar in UTC, where no offset leads out of it."""
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
