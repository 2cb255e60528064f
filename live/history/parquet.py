"""The history as Parquet files, a folder for each day of measurement.

    home/live/<plant>/history/day=2026-06-16/<written>.parquet

Each file appears whole. Small files of a day are merged into one when there are many.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock

from emberline.live.history.rows import MICROSECONDS, SCHEMA, Row, as_table
from emberline.scenarios.whole_file import replacing

MOST_FILES = 60
"""Of a day; more are merged."""
LOCK_S = 60


class ParquetHistory:
    """Parquet files, a folder for each day of measurement."""

    def __init__(self, folder: Path) -> None:
        """Keep rows in a folder, which is made when something is kept."""
        self.folder = folder

    def add(self, rows: Iterable[Row]) -> None:
        """Keep rows."""
        by_day: dict[date, list[Row]] = {}
        for row in rows:
            by_day.setdefault(row.time_utc.astimezone(UTC).date(), []).append(row)
        for day, some in by_day.items():
            folder = self.folder / f"day={day}"
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder, as_table(some))
            if len(list(folder.glob("*.parquet"))) > MOST_FILES:
                self._merge(folder)

    def table(self, begin: datetime, end: datetime, tags: Iterable[str] | None = None) -> pa.Table:
        """Rows within a time."""
        first, last = (moment.astimezone(UTC).date().isoformat() for moment in (begin, end))
        parts = []
        for folder in sorted(self.folder.glob("day=*")):
            if first <= folder.name.removeprefix("day=") <= last:
                with FileLock(self.folder / "merge.lock", timeout=LOCK_S):
                    parts += [pq.read_table(path, schema=SCHEMA) for path in sorted(folder.glob("*.parquet"))]
        if not parts:
            return SCHEMA.empty_table()
        table = pa.concat_tables(parts)
        at = table["time_utc"]
        mask = pc.and_(pc.greater_equal(at, _scalar(begin)), pc.less(at, _scalar(end)))
        if tags is not None:
            mask = pc.and_(mask, pc.is_in(table["tag"], pa.array(list(tags), pa.string())))
        return table.filter(mask).sort_by([("arrived_utc", "ascending")])

    def forget(self, before: datetime) -> int:
        """Delete whole days."""
        limit = before.astimezone(UTC).date().isoformat()
        days = [folder for folder in self.folder.glob("day=*") if folder.name.removeprefix("day=") < limit]
        for folder in days:
            shutil.rmtree(folder)
        return len(days)

    def _merge(self, folder: Path) -> None:
        with FileLock(self.folder / "merge.lock", timeout=LOCK_S):
            paths = sorted(folder.glob("*.parquet"))
            _write(folder, pa.concat_tables([pq.read_table(path, schema=SCHEMA) for path in paths]))
            for path in paths:
                path.unlink()


def _scalar(at: datetime) -> pa.Scalar:
    return pa.scalar(at.astimezone(UTC), MICROSECONDS)


def _write(folder: Path, table: pa.Table) -> None:
    with replacing(folder / f"{time.time_ns():020d}-{os.getpid()}.parquet") as partial:
        pq.write_table(table, partial, compression="zstd")
