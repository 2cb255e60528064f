"""Resolve time series: a constant, a bundled typical table, a signal, or a column of a CSV or Parquet file.

A value holds for the interval that begins at its time stamp. Series are resampled to the plan's time step by exact
averaging (integral over a step divided by its length), so that energy, cost and carbon do not depend on the step.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emberline.scenarios.messages import Message
from emberline.scenarios.reading.files import one_column, weighed
from emberline.scenarios.reading.unit_spelling import named as named_unit
from emberline.scenarios.records.base import Misplaced
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.quantity import CURRENCIES, factor
from emberline.scenarios.records.series import Fill, Forecast, Series
from emberline.scenarios.signals import catalogue, forecasts, issues

LARGEST_FILE_MB = 64
EARLIEST, LATEST = -2_208_988_800, 7_289_654_400
"""Range of times in a file: 1900 to 2201, in seconds since 1970."""


LARGEST = 1e7
"""Largest value of a series: above any price, intensity or power, yet small enough for a solver."""


@dataclass(frozen=True)
class Resolved:
    """Values of a series on the time steps of the plan, with their source."""

    values: np.ndarray
    """Shape (n_steps,)."""
    source: str
    filled: int = 0
    """Number of source intervals that were filled."""
    first_filled: str = ""


def resolve(series: Series, horizon: Horizon, unit: str, folder: Path) -> Resolved:
    """Resample a series to the time steps of a horizon and convert it to ``unit``.

    Raises:
        ValueError: a file or column is missing, times have no zone, gaps must not be filled, or units do not convert.
    """
    resolved = _resolved(series, horizon, unit, folder)
    largest = float(np.abs(resolved.values).max(initial=0.0))
    if not largest <= LARGEST:
        raise ValueError(f"values reach {largest:g} {unit}; at most {LARGEST:g} is taken")
    return resolved


def _resolved(series: Series, horizon: Horizon, unit: str, folder: Path) -> Resolved:
    if series.value is not None:
        return Resolved(np.full(horizon.n_steps, series.value * series.scale), "constant")
    _contradiction(series, unit)
    if series.table is not None:
        return _from_table(series, horizon, unit)
    if series.values is not None and series.start is not None:
        seconds = round(series.start.timestamp()) + np.arange(len(series.values)) * round(series.interval_min * 60)
        return _onto(series, horizon, unit, seconds, np.array(series.values, dtype=float), "values")
    if series.signal is not None:
        return _from_signal(series, horizon, unit)
    path = folder / (series.csv or series.parquet or "")
    (seconds,), values = read_columns(
        path, (series.time,), series.column or "", series.zone, parquet=series.parquet is not None
    )
    return _onto(series, horizon, unit, seconds, values, path.name)


def _contradiction(series: Series, unit: str) -> None:
    """Check that the unit in a column's name agrees with the unit in which it is read.

    Raises:
        Misplaced: the units differ; another currency needs an explicit unit and exchange rate.
    """
    stated_unit, column = series.unit or unit, series.column or ""
    name = named_unit(column)
    if name is None:
        return
    stated = "unit" if series.unit else "column"
    money, currency = _currency(name), _currency(stated_unit)
    if money and currency and money != currency:
        if series.unit and series.scale != 1:
            return  # the exchange rate is given
        text = f"column {column!r} counts in {money}, not in {currency}, and there are no exchange rates; "
        raise Misplaced(
            f"{text}give a series in {currency}, or state the rate: "
            f"unit: {unit} and scale: how many {currency} one {money} is",
            stated,
        )
    try:
        times = factor(name, stated_unit)
    except ValueError:
        if not series.unit or name == "%":
            return  # the name is not a unit
        times = 0.0
    if abs(times - 1) > 1e-9:
        text = f"column {column!r} is named in {name}, and is read in {stated_unit}"
        raise Misplaced(f"{text}; say unit: {name}, or give the column another name", stated)


def _from_table(series: Series, horizon: Horizon, unit: str) -> Resolved:
    columns = typical(series.table or "")
    if series.column not in columns:
        text = f"table {series.table} has no column {(series.column or '')[:60]!r}; it has {', '.join(sorted(columns))}"
        raise Misplaced(text, "column")
    by_hour = columns[series.column]
    quarter = horizon.times.astype("datetime64[s]").astype(int)
    # offsets of time zones are multiples of 15 min, so hours of the table begin on quarter hours
    even = math.gcd(round(horizon.step_min), 15, horizon.start_utc.minute)
    sub = np.arange(0, round(horizon.step_min * 60), even * 60)
    local = [
        [horizon.instant((second + shift - quarter[0]) / 60) for shift in sub.tolist()] for second in quarter.tolist()
    ]
    values = np.array([np.mean([by_hour[at.month - 1, at.weekday(), at.hour] for at in row]) for row in local])
    scale = factor(series.unit, unit) if series.unit else 1.0
    return Resolved(values * scale * series.scale, Message("table {name}", name=series.table))


def _from_signal(series: Series, horizon: Horizon, unit: str) -> Resolved:
    signal = catalogue.signal(series.signal or "")
    published = newest = issues.newest_values(signal)
    if (forecast := forecasts.forecast_of(signal)) is not None:
        newest = _continued(published, forecast)
    of_file = {"column": "the signal", "interval_min": newest.seconds / 60, "unit": None, "scale": 1.0}
    as_file, name = series.model_copy(update=of_file), f"signal {series.signal}"
    try:
        resolved = _onto(as_file, horizon, unit, newest.starts, newest.values, name)
    except ValueError as error:
        if newest.starts[-1] + newest.seconds < horizon.end_utc.timestamp():
            raise ValueError(f"{error}; emberline signals forecast {signal} continues it") from None
        raise
    start, end = horizon.start_utc.timestamp(), horizon.end_utc.timestamp()
    inside = (newest.starts + newest.seconds > start) & (newest.starts < end)
    facts = {"name": series.signal, "at": stamp(int(newest.issued.timestamp())), "licence": newest.licence}
    estimated = int(newest.estimated[inside].sum())
    ahead = int(inside[len(published.starts) :].sum())
    if ahead and forecast is not None:
        source = Message(
            "signal {name}, issued {at}, {count} values estimated, {ahead} of them a forecast of {time} ({method}), "
            "{licence}", **facts, count=estimated, ahead=ahead,
            time=stamp(int(forecast.issued.timestamp())), method=forecast.text(signal.measure.unit),
        )  # fmt: skip
    elif estimated:
        source = Message("signal {name}, issued {at}, {count} values estimated, {licence}", **facts, count=estimated)
    else:
        source = Message("signal {name}, issued {at}, {licence}", **facts)
    return replace(resolved, values=resolved.values * signal_factor(series, unit), source=source)


def _continued(newest: issues.NewestValues, forecast: forecasts.Forecast) -> issues.NewestValues:
    """Extend a signal beyond its last published value by its forecast, marked as estimated."""
    parts = forecast.seconds // newest.seconds
    if parts * newest.seconds != forecast.seconds or not len(newest.starts):
        return newest
    starts = (forecast.starts[:, None] + np.arange(parts) * newest.seconds).ravel()
    later = starts >= newest.starts[-1] + newest.seconds
    return replace(
        newest,
        starts=np.append(newest.starts, starts[later]),
        values=np.append(newest.values, np.repeat(forecast.values, parts)[later]),
        estimated=np.append(newest.estimated, np.ones(int(later.sum()), dtype=bool)),
    )


def signal_factor(series: Series | Forecast, unit: str) -> float:
    """Return the factor from a signal's values to the unit of a field.

    Conversion to another currency needs an explicit unit and exchange rate.

    Raises:
        Misplaced: the unit of the signal cannot be converted.
    """
    measure = catalogue.signal(series.signal or "").measure
    stated = getattr(series, "unit", None)
    try:
        times = factor(measure.unit, unit)
    except ValueError:
        if stated == unit and series.scale != 1 and _currency(measure.unit) and _currency(unit):
            return series.scale  # the rate is stated
        text = f"signal {series.signal} is in {measure.unit}, and is read in {unit}"
        if _currency(measure.unit) and _currency(unit):
            text += f"; there are no exchange rates, state the rate: unit: {unit} and scale: how many one is"
        raise Misplaced(text, "signal") from None
    if stated is not None and abs(factor(stated, unit) - times) > 1e-9 * times:
        raise Misplaced(f"signal {series.signal} is in {measure.unit}; leave unit out", "unit")
    return times * series.scale


def _currency(unit: str) -> str | None:
    return next((code for code in CURRENCIES if unit.startswith(f"{code}/")), None)


@cache
def typical(table: str) -> dict[str, np.ndarray]:
    """Load a bundled table: an array by month, weekday (0 is Monday) and local hour, shape (12, 7, 24), per column.

    In a table of typical days, all weekdays of a month have the same values.
    """
    folder = files("emberline.scenarios") / "data"
    resource = folder / f"{table}.csv"
    if not resource.is_file():
        names = sorted(path.name[:-4] for path in folder.iterdir() if path.name.endswith(".csv"))
        raise ValueError(f"no bundled table {table!r}; there are {', '.join(names)}")
    rows = list(csv.DictReader(resource.read_text(encoding="utf-8").splitlines()))
    if not rows or not {"month", "hour"} <= set(rows[0]):
        raise ValueError(f"table {table} is not a table of typical days or weeks")
    columns = {name: np.zeros((12, 7, 24)) for name in rows[0] if name not in ("month", "weekday", "hour")}
    for row in rows:
        weekdays = slice(None) if "weekday" not in row else int(row["weekday"])
        for name, array in columns.items():
            array[int(row["month"]) - 1, weekdays, int(row["hour"])] = float(row[name])
    return columns


def read_columns(
    path: Path, times: Sequence[str], column: str, zone: str | None, *, parquet: bool = False
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Read columns of a file: time stamps as seconds since 1970 UTC, and unconverted numbers.

    The arrays are cached and must not be modified.

    Args:
        path: CSV or Parquet file.
        times: names of the columns with time stamps.
        column: name of the column with numbers.
        zone: time zone of time stamps without offset.
        parquet: whether the file is a Parquet file.

    Raises:
        ValueError: the file or a column is missing, a number is invalid, or local times are ambiguous.
    """
    return _columns(path, weighed(path, LARGEST_FILE_MB).st_mtime_ns, tuple(times), column, zone, parquet)


def read_forecast(forecast: Forecast, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read issue time, start of the interval (seconds since 1970 UTC) and value of each row of a forecast file.

    Raises:
        ValueError: the file is not a valid forecast file.
    """
    if forecast.signal is not None:
        return issues.issued(catalogue.signal(forecast.signal))
    path = folder / (forecast.csv or forecast.parquet or "")
    parquet = forecast.parquet is not None
    try:
        (issued, valid), raw = read_columns(
            path, (forecast.issued, forecast.valid), forecast.column or "", forecast.zone, parquet=parquet
        )
    except ValueError as error:
        raise ValueError(f"forecast: {error}") from None
    return issued, valid, raw


@lru_cache(maxsize=16)
def _columns(
    path: Path, changed: int, times: tuple[str, ...], column: str, zone: str | None, parquet: bool
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    # cached since rolling horizons read the same file repeatedly
    names = [*times, column]
    try:
        frame = pd.read_parquet(path) if parquet else pd.read_csv(path, usecols=lambda name: name in names)
    except Exception as error:  # parsers raise many types of exception; all mean that the file is unreadable
        raise ValueError(f"{path.name} cannot be read: {str(error).splitlines()[0][:120]}") from None
    for name in names:
        if name not in frame.columns:
            hint = "" if parquet else one_column(list(pd.read_csv(path, nrows=0).columns))
            hint = f": {hint}; emberline import {path.name} reads such a file" if hint else ""
            raise ValueError(f"{path.name} has no column {name!r}{hint}")
    values = pd.to_numeric(frame[column], errors="coerce")
    text = frame[column].notna() & values.isna()
    if text.any():
        row = int(np.flatnonzero(text)[0])
        raise ValueError(f"{path.name} line {row + 2}: {frame[column].iloc[row]!r} in {column} is not a number")
    raw = values.to_numpy(float)
    if np.isinf(raw).any():
        raise ValueError(f"{path.name} line {int(np.flatnonzero(np.isinf(raw))[0]) + 2}: {column} is infinite")
    return tuple(_utc_seconds(frame[name], zone, name, path.name) for name in times), raw


def _utc_seconds(stamps: Any, zone: str | None, column: str, name: str) -> np.ndarray:
    """Convert time stamps to seconds since 1970 UTC."""
    if pd.api.types.is_datetime64_any_dtype(stamps):
        times = pd.DatetimeIndex(stamps)
    else:
        text = stamps.astype(str)
        offset = text.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True)
        if offset.any() and not offset.all():
            row = int(np.flatnonzero(offset != offset.iloc[0])[0])
            raise ValueError(f"{name} line {row + 2}: time stamps with and without offset are mixed")
        times = pd.DatetimeIndex(pd.to_datetime(text, utc=bool(offset.all()), format="ISO8601", errors="coerce"))
    if times.hasnans:
        row = int(np.flatnonzero(times.isna())[0])
        stamp = stamps.iloc[row]
        wrong = "is empty" if pd.isna(stamp) else f"{stamp[:40]!r} is not a time; write it as 2024-03-12T06:00+01:00"
        raise ValueError(f"{name} line {row + 2}: {column} {wrong}")
    seconds = np.asarray(times.as_unit("s").asi8)
    far = np.flatnonzero((seconds < EARLIEST) | (seconds >= LATEST))
    if len(far):
        raise ValueError(f"{name} line {int(far[0]) + 2}: {column} lies outside 1900 to 2200")
    if times.tz is None:
        if zone is None:
            raise ValueError(f"{name}: {column} has times without offset; add 'zone' (such as UTC or Europe/Berlin)")
        try:
            times = times.tz_localize(zone, ambiguous="infer", nonexistent="raise")
        except Exception as error:  # pandas raises several types of exception
            raise ValueError(f"{name}: local times of {zone} are not clear: {str(error)[:120]}") from None
    return np.asarray(times.tz_convert("UTC").as_unit("s").asi8)


def _onto(series: Series, horizon: Horizon, unit: str, seconds: np.ndarray, raw: np.ndarray, name: str) -> Resolved:
    width = round(series.interval_min * 60)
    order = np.argsort(seconds, kind="stable")
    seconds, raw = seconds[order], raw[order]
    twice = np.flatnonzero(np.diff(seconds) == 0)
    if len(twice):
        raise ValueError(f"{name}: {stamp(seconds[twice[0]])} occurs twice in {series.time}")
    start, end = int(horizon.start_utc.timestamp()), int(horizon.end_utc.timestamp())
    if len(seconds):
        close = np.flatnonzero(np.diff(seconds) < width)
        if len(close):
            raise ValueError(
                f"{name}: at {stamp(seconds[close[0]])} intervals are shorter than {series.interval_min:g} min"
            )
    first = start - (start - (int(seconds[0]) if len(seconds) else start)) % width
    grid = np.arange(first, end, width)
    values = np.full(len(grid), np.nan)
    inside = (seconds > start - width) & (seconds < end)
    place = (seconds[inside] - first) / width
    off = np.flatnonzero(place != np.round(place))
    if len(off):
        raise ValueError(f"{name}: {stamp(seconds[inside][off[0]])} is off the raster of {series.interval_min:g} min")
    values[place.astype(int)] = raw[inside]
    missing = np.flatnonzero(np.isnan(values))
    if len(missing):
        if len(missing) == len(grid) and len(seconds):
            raise ValueError(
                f"{name}: covers {stamp(seconds[0])} to {stamp(seconds[-1] + width)}, nothing of the horizon from "
                f"{stamp(start)} to {stamp(end)}; give data of the horizon, or move horizon.start"
            )
        if series.gaps == "refuse":
            of = f" of {series.column}" if series.column else ""
            raise ValueError(
                f"{name}: {len(missing)} of {len(grid)} values{of} are missing in the "
                f"horizon, first at {stamp(grid[missing[0]])}; give data, or say gaps: hold, interpolate or zero"
            )
        values = _fill(values, series.gaps, name)
    scale = (factor(series.unit, unit) if series.unit else 1.0) * series.scale
    filled = stamp(grid[missing[0]]) if len(missing) else ""
    return Resolved(on_steps(grid, width, values, horizon) * scale, name, len(missing), filled)


def on_steps(grid: np.ndarray, width: int, values: np.ndarray, horizon: Horizon) -> np.ndarray:
    """Average values that are constant over regular intervals onto the steps of a horizon, shape (n_steps,).

    Args:
        grid: start of each interval, seconds since 1970 UTC, covering the horizon.
        width: length of an interval [s].
        values: value of each interval.
        horizon: horizon with the target steps.
    """
    start, step = int(horizon.start_utc.timestamp()), round(horizon.step_min * 60)
    edges = start + np.arange(horizon.n_steps + 1) * step
    # the integral of a piecewise constant function is piecewise linear, so interpolation is exact
    integral = np.concatenate([[0.0], np.cumsum(values) * width])
    at = np.interp(edges, np.append(grid, grid[-1] + width), integral)
    return np.diff(at) / step


def _fill(values: np.ndarray, how: Fill, name: str) -> np.ndarray:
    indices = np.flatnonzero(~np.isnan(values))
    if how == "zero":
        return np.nan_to_num(values, nan=0.0)
    if not len(indices):
        raise ValueError(f"{name}: the horizon has no value at all to fill from")
    if how == "interpolate":
        return np.interp(np.arange(len(values)), indices, values[indices])
    last = np.searchsorted(indices, np.arange(len(values)), side="right") - 1
    return values[indices[np.maximum(last, 0)]]


def stamp(second: int) -> str:
    """Format a time in seconds since 1970 as readable UTC."""
    return f"{np.datetime64(int(second), 's')}Z".replace(":00Z", "Z")
