"""Records of time series and their forecasts; ``scenarios/reading`` resolves them.

A forecast is either a file with the issue time of each value, or the series itself if it is published daily at a fixed
hour, such as day-ahead prices.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from emberline.scenarios.records.base import Place, Record
from emberline.scenarios.records.instants import Instant
from emberline.scenarios.records.quantity import Minutes, PositiveMinutes, in_unit
from emberline.scenarios.signals.catalogue import signal

Fill = Literal["refuse", "hold", "interpolate", "zero"]
Beyond = Literal["week_before", "refuse"]


def _signal(name: str) -> str:
    return str(signal(name))


SignalName = Annotated[str, AfterValidator(_signal)]


class Forecast(Record):
    """Forecast of a series. Exactly one of ``csv``, ``parquet``, ``signal`` and ``published`` is given."""

    csv: str | None = None
    """Path of a CSV file of forecasts, relative to the scenario's folder, with one row per issue and interval."""
    parquet: str | None = None
    """Path of a Parquet file of forecasts."""
    signal: SignalName | None = None
    """Public signal whose values are known from their issue time."""
    published: str | None = None
    """Local time of day, such as ``13:00``, at which the values of the next local day are published."""
    column: str | None = None
    """Column with the forecast values."""
    issued: str = "issued_utc"
    """Column with the issue time or day."""
    valid: str = "time_utc"
    """Column with the start of the forecast interval."""
    zone: str | None = None
    """Time zone of time stamps without offset, required for these."""
    unit: str | None = None
    """Unit of the column; none: unit of the series' field."""
    interval_min: PositiveMinutes = 60
    scale: float = 1.0
    delay_min: Minutes = 0
    """Time from the issue until the forecast is available."""
    beyond: Beyond = "week_before"
    """Substitute for intervals without a forecast: the values of 168 h before, or none."""

    @field_validator("published", mode="before")
    @classmethod
    def _clock(cls, raw: object) -> object:
        # YAML 1.1 reads 13:00 as a sexagesimal number
        if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw < 24 * 60:
            raw = f"{raw // 60:02d}:{raw % 60:02d}"
        if raw is not None and not (isinstance(raw, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", raw)):
            raise ValueError(f"{str(raw)[:20]!r} is not a time of day; write it as 13:00")
        return raw

    def check(self) -> None:
        sources = [kind for kind in ("csv", "parquet", "signal", "published") if getattr(self, kind) is not None]
        if len(sources) != 1:
            raise ValueError(f"give one of csv, parquet, signal or published; got {' and '.join(sources) or 'none'}")
        if sources[0] in ("csv", "parquet") and self.column is None:
            raise ValueError(f"{sources[0]} needs a column")
        _refuse_of_files(self, ("column", "issued", "valid", "zone", "interval_min"))
        of_files = [name for name in ("column", "zone", "unit", "delay_min") if name in self.model_fields_set]
        if self.published is not None and of_files:
            raise ValueError(f"published takes the series' own values; leave out {', '.join(of_files)}")


class Series(Record):
    """Time series, given by exactly one of ``value``, ``values``, ``table``, ``csv``, ``parquet`` and ``signal``."""

    value: float | None = None
    """Constant value."""
    values: tuple[float | None, ...] | None = Field(default=None, max_length=200_000)
    """One value per interval from ``start``; null if missing."""
    start: Instant | None = None
    """Start of the first interval of ``values``."""
    table: str | None = Field(default=None, pattern=r"^[a-z0-9_]{1,60}$")
    """Name of a bundled table of typical days or weeks."""
    csv: str | None = None
    """Path of a CSV file, relative to the scenario's folder."""
    parquet: str | None = None
    """Path of a Parquet file, relative to the scenario's folder."""
    signal: SignalName | None = None
    """Public signal as last fetched, such as ``smard/price/DE-LU``; see ``emberline signals``."""
    column: str | None = None
    time: str = "time_utc"
    """Column with the start of each interval."""
    unit: str | None = None
    """Unit of the values; none: unit of the field."""
    zone: str | None = None
    """Time zone of time stamps without offset, required for these."""
    interval_min: PositiveMinutes = 60
    """Length of the interval of each value."""
    gaps: Fill = "refuse"
    """Treatment of missing values: refuse, hold the last, interpolate, or use zero."""
    scale: float = 1.0
    """Factor applied to all values."""
    forecast: Forecast | None = None
    """Forecast of the series, for rolling horizons; none: all values are known in advance."""

    def check(self) -> None:
        kinds = ("value", "values", "table", "csv", "parquet", "signal")
        sources = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(sources) != 1:
            raise ValueError(f"give one of {', '.join(kinds[:-1])} or signal; got {' and '.join(sources) or 'none'}")
        if (self.start is not None) != (sources[0] == "values"):
            raise ValueError("values and start go together: the start of the first interval")
        if sources[0] in ("table", "csv", "parquet") and self.column is None:
            raise ValueError(f"{sources[0]} needs a column")
        if self.forecast is not None and sources[0] == "value":
            raise ValueError("a constant has no forecast; leave forecast out")
        _refuse_of_files(self, ("column", "time", "zone", "interval_min"))


def _refuse_of_files(record: Series | Forecast, names: tuple[str, ...]) -> None:
    """Check that keys of files are not given for a signal."""
    of_files = [name for name in names if name in record.model_fields_set]
    if record.signal is not None and of_files:
        raise ValueError(f"a signal defines its own times and values; leave out {', '.join(of_files)}")


def series_in(unit: str, minimum: float | None = None) -> BeforeValidator:
    """Return a validator that accepts a plain quantity as a constant series in ``unit``."""
    return constant_read_by(in_unit(unit), minimum, unit)


def constant_read_by(
    read: Callable[[Any, ValidationInfo], Any], minimum: float | None = None, unit: str = ""
) -> BeforeValidator:
    """Return a validator that accepts a plain quantity as a constant series.

    Args:
        read: converts the quantity to a number.
        minimum: smallest value allowed.
        unit: unit of the minimum, for messages.
    """

    def widen(raw: Any, info: ValidationInfo) -> Any:
        if isinstance(raw, dict) and isinstance(raw.get("value"), str):
            raw = {**raw, "value": read(raw["value"], info)}
        elif isinstance(raw, str | int | float):
            raw = {"value": read(raw, info)}
        elif hasattr(raw, "index") and hasattr(raw, "to_numpy"):
            raw = from_pandas(raw)
        if minimum is not None and isinstance(raw, dict):
            value = raw.get("value")
            if isinstance(value, int | float) and value < minimum:
                raise ValueError(f"{value:g} is below {minimum:g} {unit}".rstrip())
        return raw

    return BeforeValidator(widen, json_schema_input_type=SeriesInput)


def from_pandas(values: pd.Series) -> dict[str, Any]:
    """Convert a pandas Series to a series of a scenario.

    Raises:
        ValueError: the index is not a regular sequence of times with a time zone.
    """
    index = values.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None or len(index) < 2:
        raise ValueError("a series needs a time index with a zone and at least two values: series.tz_localize('UTC')")
    steps = np.unique(np.diff(index.tz_convert("UTC").as_unit("s").asi8))
    if len(steps) != 1 or steps[0] <= 0:
        raise ValueError(f"a series needs even steps; this one has steps of {steps.min()} to {steps.max()} s")
    numbers = [None if np.isnan(number) else float(number) for number in values.to_numpy(float)]
    return {"values": numbers, "start": index[0].isoformat(), "interval_min": float(steps[0]) / 60}


Entry = tuple[str, Place, Series, str]
"""Series of a scenario: name in ``INPUTS``, place, series and unit of measure."""
SeriesInput = Series | float | str
"""Notations of a series in a file: in full, or a constant as a number or quantity."""


PowerSeries = Annotated[Series, series_in("MW", 0)]


TonnageSeries = Annotated[Series, series_in("t/h", 0)]


PriceSeries = Annotated[Series, series_in("{currency}/MWh")]


IntensitySeries = Annotated[Series, series_in("kg/MWh", 0)]


FactorSeries = Annotated[Series, series_in("", 0)]
