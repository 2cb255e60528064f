"""Measured values and events in order of arrival, stored as Parquet files or in a PostgreSQL table."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock
from sqlalchemy import Column, DateTime, Float, Index, MetaData, String, Table, Text, create_engine, delete, select
from sqlalchemy.pool import NullPool

from emberline.live.tags import Plant
from emberline.scenarios import Problem, ScenarioError
from emberline.scenarios.home import home
from emberline.scenarios.whole_file import replacing

MICROSECONDS = pa.timestamp("us", tz="UTC")
METADATA = MetaData()
MEASURED = Table(
    "emberline_measured",
    METADATA,
    Column("plant", String(120), nullable=False),
    Column("time_utc", DateTime(timezone=True), nullable=False),
    Column("arrived_utc", DateTime(timezone=True), nullable=False),
    Column("tag", Text, nullable=False),
    Column("value", Float),
    Column("text", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("quality", String(12), nullable=False),
    Column("says", Text, nullable=False),
    Index("ix_emberline_measured", "plant", "time_utc"),
)
ARROW = {DateTime: MICROSECONDS, Float: pa.float64()}
SCHEMA = pa.schema(
    [(column.name, ARROW.get(type(column.type), pa.string())) for column in MEASURED.columns if column.name != "plant"]
)
"""Columns of the Parquet files: all columns of the table except the plant's name."""


@dataclass(frozen=True)
class Row:
    """A measured value or an event. The tag of an event is empty."""

    time_utc: datetime
    """Time of the measurement or event."""
    arrived_utc: datetime
    """Time at which the value was read, by the plant's clock."""
    tag: str
    value: float | None
    text: str
    """Text value of a state, heat or event."""
    unit: str
    quality: str
    says: str
    """Problem with the value; empty if there is none."""


def as_table(rows: Iterable[Row]) -> pa.Table:
    """Convert rows to a table."""
    columns = list(zip(*map(astuple, rows), strict=True)) or [()] * len(fields(Row))
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)


MAX_FILES = 60
"""Largest number of files per day; above this number the files are merged."""
LOCK_S = 60


class ParquetHistory:
    """History in Parquet files, with one folder for each day of measurement.

        home/live/<plant>/history/day=2026-06-16/<written>.parquet

    Files are written atomically. The small files of a day are merged when there are more than ``MAX_FILES``.
    """

    def __init__(self, folder: Path) -> None:
        """Use a folder, which is created when the first rows are stored."""
        self.folder = folder

    def add(self, rows: Iterable[Row]) -> None:
        """Store rows."""
        by_day: dict[date, list[Row]] = {}
        for row in rows:
            by_day.setdefault(row.time_utc.astimezone(UTC).date(), []).append(row)
        for day, rows_of_day in by_day.items():
            folder = self.folder / f"day={day}"
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder, as_table(rows_of_day))
            if len(list(folder.glob("*.parquet"))) > MAX_FILES:
                self._merge(folder)

    def table(self, begin: datetime, end: datetime, tags: Iterable[str] | None = None) -> pa.Table:
        """Return the rows measured within a period."""
        first, last = (moment.astimezone(UTC).date().isoformat() for moment in (begin, end))
        parts = [SCHEMA.empty_table()]
        for folder in sorted(self.folder.glob("day=*")):
            if first <= folder.name.removeprefix("day=") <= last:
                with FileLock(self.folder / "merge.lock", timeout=LOCK_S):
                    parts += [pq.read_table(path, schema=SCHEMA) for path in sorted(folder.glob("*.parquet"))]
        table = pa.concat_tables(parts)
        at = table["time_utc"]
        mask = pc.and_(pc.greater_equal(at, _scalar(begin)), pc.less(at, _scalar(end)))
        if tags is not None:
            mask = pc.and_(mask, pc.is_in(table["tag"], pa.array(list(tags), pa.string())))
        return table.filter(mask).sort_by([("arrived_utc", "ascending")])

    def forget(self, before: datetime) -> int:
        """Delete the days before a moment, and return how many were deleted."""
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


class PostgresqlHistory:
    """History in one PostgreSQL table, which is created if it is missing."""

    def __init__(self, url: str, plant: str) -> None:
        """Create the table if it is missing. Later connections are opened only when rows are read or stored."""
        self._engine = create_engine(f"postgresql+psycopg://{url.partition('://')[2]}", poolclass=NullPool)
        self._plant = plant
        METADATA.create_all(self._engine)

    def add(self, rows: Iterable[Row]) -> None:
        """Store all rows in one transaction."""
        values = [{"plant": self._plant, **asdict(row)} for row in rows]
        if values:
            with self._engine.begin() as connection:
                connection.execute(MEASURED.insert(), values)

    def table(self, begin: datetime, end: datetime, tags: Iterable[str] | None = None) -> pa.Table:
        """Return the rows measured within a period."""
        columns = [MEASURED.c[name] for name in SCHEMA.names]
        query = select(*columns).where(
            MEASURED.c.plant == self._plant, MEASURED.c.time_utc >= begin, MEASURED.c.time_utc < end
        )
        if tags is not None:
            query = query.where(MEASURED.c.tag.in_(list(tags)))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(MEASURED.c.arrived_utc)).all()
        return as_table(Row(*row) for row in rows)

    def forget(self, before: datetime) -> int:
        """Delete the rows measured before a moment, and return how many were deleted."""
        with self._engine.begin() as connection:
            result = connection.execute(
                delete(MEASURED).where(MEASURED.c.plant == self._plant, MEASURED.c.time_utc < before)
            )
        return int(result.rowcount)


class History(Protocol):
    """Storage of measured values and events."""

    def add(self, rows: Iterable[Row]) -> None:
        """Store rows durably before returning."""

    def table(self, begin: datetime, end: datetime, tags: Iterable[str] | None = None) -> pa.Table:
        """Return the rows measured within a period, in order of arrival."""

    def forget(self, before: datetime) -> int:
        """Delete rows before a moment, and return the number of deleted days or rows."""


def of_plant(plant: Plant, environment: Mapping[str, str] = os.environ) -> History:
    """Return the history of a plant.

    Raises:
        ScenarioError: the environment variable of the database holds no PostgreSQL URL.
    """
    variable = plant.live.history.database_from
    if variable is None:
        return ParquetHistory(home().absolute() / "live" / plant.name / "history")
    url = environment.get(variable, "")
    if not url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        text = f"the environment variable {variable} holds no address such as postgresql://USER@HOST/DATABASE"
        raise ScenarioError([Problem(f"{plant.name}.yaml", "history.database_from", text)])
    return PostgresqlHistory(url, plant.name)


def export(table: pa.Table, output: Path) -> None:
    """Write rows as CSV or Parquet, depending on the file's extension."""
    if output.suffix == ".parquet":
        pq.write_table(table, output)
        return
    import pyarrow.csv as csv

    columns: list[Any] = [
        pc.strftime(column, "%Y-%m-%dT%H:%M:%SZ") if column.type == MICROSECONDS else column for column in table.columns
    ]
    csv.write_csv(pa.table(columns, table.column_names), output)
