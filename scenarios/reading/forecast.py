"""A forecast: what was known of a series at a moment. How it is read: ``scenarios/reading/issued_forecasts.py``.

A file tells when each value was issued; or the series itself is published day by day at a certain hour, as day-ahead
prices are.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import field_validator, model_validator

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.quantity import Minutes, PositiveMinutes

Beyond = Literal["week_before", "refuse"]


class Forecast(Record):
    """What is known of a series in advance. Exactly one of ``csv``, ``parquet`` and ``published`` is given."""

    csv: str | None = None
    """Path of a CSV file of forecasts, relative to the scenario's folder: a row for each issue and interval."""
    parquet: str | None = None
    """Path of a Parquet file of forecasts."""
    published: str | None = None
    """Local time of day, such as ``13:00``, from which on the values of the whole next local day are known."""
    column: str | None = None
    """The column of the file that holds the forecast values."""
    issued: str = "issued_utc"
    """The column that holds when a value was issued, a time or a day."""
    valid: str = "time_utc"
    """The column that holds the start of the interval that it is for."""
    zone: str | None = None
    """Zone of time stamps without offset; required where they have none."""
    unit: str | None = None
    """Unit of the column; none: the unit that the series' field asks for."""
    interval_min: PositiveMinutes = 60
    scale: float = 1.0
    delay_min: Minutes = 0
    """From the time of issue until the forecast is at hand."""
    beyond: Beyond = "week_before"
    """What stands for intervals that no forecast covers: the series as it was 168 h before, or nothing."""

    @field_validator("published", mode="before")
    @classmethod
    def _clock(cls, raw: object) -> object:
        # YAML 1.1 reads 13:00 as sixties
        if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw < 24 * 60:
            raw = f"{raw // 60:02d}:{raw % 60:02d}"
        if raw is not None and not (isinstance(raw, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", raw)):
            raise ValueError(f"{str(raw)[:20]!r} is no time of day; write it as 13:00")
        return raw

    @model_validator(mode="after")
    def _one(self) -> Forecast:
        given = [kind for kind in ("csv", "parquet", "published") if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of csv, parquet or published; got {' and '.join(given) or 'none'}")
        if self.published is None and self.column is None:
            raise ValueError(f"{given[0]} needs a column")
        told = [name for name in ("column", "zone", "unit", "delay_min") if name in self.model_fields_set]
        if self.published is not None and told:
            raise ValueError(f"published takes the series' own values; leave out {', '.join(told)}")
        return self

    @property
    def published_min(self) -> int:
        """Minute of the local day at which the next day's values are published."""
        hour, minute = (self.published or "00:00").split(":")
        return int(hour) * 60 + int(minute)
