"""The history as a table of a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

import pyarrow as pa
from sqlalchemy import Column, DateTime, Float, Index, MetaData, String, Table, Text, create_engine, delete, select
from sqlalchemy.pool import NullPool

from emberline.live.history.rows import SCHEMA, Row

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


class PostgresqlHistory:
    """Rows in one table, which is made where it is missing."""

    def __init__(self, url: str, plant: str) -> None:
        """Connect when something is read or kept."""
        scheme, rest = url.split("://", 1)
        del scheme
        self._engine = create_engine(f"postgresql+psycopg://{rest}", poolclass=NullPool)
        self._plant = plant
        METADATA.create_all(self._engine)

    def add(self, rows: Iterable[Row]) -> None:
        """Keep rows, all or none."""
        values = [{"plant": self._plant, **asdict(row)} for row in rows]
        if values:
            with self._engine.begin() as connection:
                connection.execute(MEASURED.insert(), values)

    def table(self, begin: datetime, end: datetime, tags: Iterable[str] | None = None) -> pa.Table:
        """Rows within a time."""
        columns = [MEASURED.c[name] for name in SCHEMA.names]
        query = select(*columns).where(
            MEASURED.c.plant == self._plant, MEASURED.c.time_utc >= begin, MEASURED.c.time_utc < end
        )
        if tags is not None:
            query = query.where(MEASURED.c.tag.in_(list(tags)))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(MEASURED.c.arrived_utc)).all()
        of_rows = list(zip(*rows, strict=True)) or [()] * len(SCHEMA)
        return pa.table([pa.array(part, field.type) for part, field in zip(of_rows, SCHEMA, strict=True)], SCHEMA)

    def forget(self, before: datetime) -> int:
        """Delete rows that were measured earlier."""
        with self._engine.begin() as connection:
            result = connection.execute(
                delete(MEASURED).where(MEASURED.c.plant == self._plant, MEASURED.c.time_utc < before)
            )
        return int(result.rowcount)
