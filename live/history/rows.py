"""A row of the history, and its columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import datetime

import pyarrow as pa

MICROSECONDS = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("time_utc", MICROSECONDS),
        ("arrived_utc", MICROSECONDS),
        ("tag", pa.string()),
        ("value", pa.float64()),
        ("text", pa.string()),
        ("unit", pa.string()),
        ("quality", pa.string()),
        ("says", pa.string()),
    ]
)


@dataclass(frozen=True)
class Row:
    """A measured value, or an event, whose tag is empty."""

    time_utc: datetime
    """When it was measured or happened."""
    arrived_utc: datetime
    """When it was read, by the plant's clock."""
    tag: str
    value: float | None
    text: str
    """Of a state, heat or event."""
    unit: str
    quality: str
    says: str
    """What is wrong with the value."""


def as_table(rows: Iterable[Row]) -> pa.Table:
    """Rows as a table."""
    columns = list(zip(*map(astuple, rows), strict=True)) or [()] * len(fields(Row))
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)
