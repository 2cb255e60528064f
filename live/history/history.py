"""Measured values and events in the order of their arrival: Parquet in the home, or a table of PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from emberline.live.history.parquet import ParquetHistory
from emberline.live.history.postgresql import PostgresqlHistory
from emberline.live.history.rows import MICROSECONDS, Row
from emberline.live.tags import Plant
from emberline.scenarios import Problem, ScenarioError
from emberline.scenarios.home import home


class History(Protocol):
    """A place where rows are kept."""

    def add(self, rows: Iterable[Row]) -> None:
        """Keep rows; they are on the disk afterwards."""

    def table(self, begin: datetime, end: datetime, tags: Iterable[str] | None = None) -> pa.Table:
        """Rows that were measured within a time, in the order of their arrival."""

    def forget(self, before: datetime) -> int:
        """Delete whole days before a moment; how many days or rows are gone."""


def of_plant(plant: Plant, environment: Mapping[str, str] = os.environ) -> History:
    """The history of a plant.

    Raises:
        ScenarioError: the database that ``live.yaml`` names cannot be used.
    """
    variable = plant.live.history.database_from
    if variable is None:
        return ParquetHistory(home().absolute() / "live" / plant.name / "history")
    url = environment.get(variable, "")
    if not url.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
        says = f"the environment variable {variable} holds no address such as postgresql://USER@HOST/DATABASE"
        raise ScenarioError([Problem(f"{plant.name}.yaml", "history.database_from", says)])
    return PostgresqlHistory(url, plant.name)


def export(table: pa.Table, output: Path) -> None:
    """Write rows as CSV or Parquet, by the name of the file."""
    if output.suffix == ".parquet":
        pq.write_table(table, output)
        return
    import pyarrow.csv as csv

    columns: list[Any] = [
        pc.strftime(column, "%Y-%m-%dT%H:%M:%SZ") if column.type == MICROSECONDS else column for column in table.columns
    ]
    csv.write_csv(pa.table(columns, table.column_names), output)
