"""Series of a scenario as known at a given time, with the forecasts issued by then.

The newest available forecast of each interval is used. Intervals without a forecast have the values of 168 h before, or
of the first earlier week that lies in the past; the source mentions it.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import numpy as np
import xarray as xr

from emberline.scenarios.case.case import Case
from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.datasets import INPUTS, check
from emberline.scenarios.reading.inputs import row_of
from emberline.scenarios.reading.series import Resolved, on_steps, read_forecast, resolve, signal_factor
from emberline.scenarios.records.base import Problem, ScenarioError
from emberline.scenarios.records.horizon import DAY, Horizon
from emberline.scenarios.records.quantity import factor
from emberline.scenarios.records.series import Forecast, Series
from emberline.scenarios.signals.catalogue import signal
from emberline.scenarios.signals.issues import newest_values

WEEK = timedelta(days=7)


def foreseen(scenario: Case, horizon: Horizon, at: datetime) -> xr.Dataset:
    """Return the series of part of a horizon as known at a given time, as a dataset of table ``INPUTS``.

    Args:
        scenario: scenario whose series without forecasts are known in advance.
        horizon: part of the scenario's horizon on the same steps.
        at: time of planning.

    Raises:
        ScenarioError: a forecast or its substitute is not available.
    """
    data = scenario.inputs.sel(time=horizon.times).copy(deep=True)
    for name, path, series, unit in scenario.series():
        if series.forecast is None:
            continue
        try:
            forecast = forecast_at(series, horizon, unit, scenario.folder, at)
        except ValueError as error:
            raise ScenarioError([Problem(scenario.name, name, str(error))]) from None
        row = row_of(path)
        if row is not None:
            data[row[0]].loc[{row[1]: name}] = forecast.values
            continue
        size = scenario.site.pv.peak_mw if name == "pv_available_mw" and scenario.site.pv else 1.0
        attrs = data[name].attrs | {"source": forecast.source, "filled": 0, "first_filled": ""}
        data[name] = ("time", forecast.values * size, attrs)
    return check(data, INPUTS)


def uncertain(scenario: Scenario) -> list[str]:
    """Return the names of the series with forecasts."""
    return [name for name, _, series, _ in scenario.series() if series.forecast is not None]


def forecast_at(series: Series, horizon: Horizon, unit: str, folder: Path, at: datetime) -> Resolved:
    """Resolve a series on the steps of a horizon, in ``unit``, as known at a given time.

    Raises:
        ValueError: as for ``resolve``, or an interval has neither a forecast nor a substitute.
    """
    forecast = series.forecast
    if forecast is None:
        return resolve(series, horizon, unit, folder)
    if forecast.published is not None:
        until = _published_until(time.fromisoformat(forecast.published), horizon, at)
        values, source = np.full(horizon.n_steps, np.nan), f"published {forecast.published}"
        n = _steps_before(horizon, until)
        if n:
            values[:n] = resolve(series, part(horizon, 0, n), unit, folder).values
    else:
        until = at
        values, source = _issued(forecast, horizon, unit, folder, at)
    missing = np.flatnonzero(np.isnan(values))
    if len(missing) and forecast.beyond == "refuse":
        first = horizon.instant(float(missing[0]) * horizon.step_min)
        raise ValueError(f"no forecast known at {_stamp(at)} covers {first.isoformat(timespec='minutes')}")
    for span in _spans(missing):
        values[span[0] : span[1]] = _weeks_before(series, horizon, span, unit, folder, until)
    if len(missing):
        source += f"; {len(missing)} of {horizon.n_steps} steps as 168 h before"
    return Resolved(values, source)


def _published_until(published: time, horizon: Horizon, at: datetime) -> datetime:
    """Return the end of the published values: the end of the local day, or of the next one after the publication."""
    local = at.astimezone(horizon.tz)
    days = 2 if local.time() >= published else 1
    day = local.date() + days * DAY
    return datetime(day.year, day.month, day.day, tzinfo=horizon.tz).astimezone(UTC)


def _issued(forecast: Forecast, horizon: Horizon, unit: str, folder: Path, at: datetime) -> tuple[np.ndarray, str]:
    """Return the values of a forecast file on the steps, NaN if not covered, and their source."""
    issued, valid, raw = read_forecast(forecast, folder)
    name = forecast.signal or Path(forecast.csv or forecast.parquet or "").name
    if forecast.signal is not None:
        width, scale = newest_values(signal(forecast.signal)).seconds, signal_factor(forecast, unit)
    else:
        width = round(forecast.interval_min * 60)
        scale = (factor(forecast.unit, unit) if forecast.unit else 1.0) * forecast.scale
    start, end = int(horizon.start_utc.timestamp()), int(horizon.end_utc.timestamp())
    now = at.timestamp() - forecast.delay_min * 60
    here = np.flatnonzero((issued <= now) & (valid > start - width) & (valid < end) & ~np.isnan(raw))
    if not len(here):
        return np.full(horizon.n_steps, np.nan), f"{name}, nothing issued by {_stamp(at)}"
    # the newest value of each interval is last
    order = here[np.lexsort((issued[here], valid[here]))]
    newest = np.append(valid[order][1:] != valid[order][:-1], True)
    order = order[newest]
    first = start - (start - int(valid[order[0]])) % width
    grid = np.arange(first, end, width)
    place = (valid[order] - first) / width
    off = np.flatnonzero(place != np.round(place))
    if len(off):
        at_s = np.datetime64(int(valid[order][off[0]]), "s")
        raise ValueError(f"{name}: {at_s}Z is off the raster of {width / 60:g} min in {forecast.valid}")
    values, covered = np.zeros(len(grid)), np.zeros(len(grid))
    values[place.astype(int)], covered[place.astype(int)] = raw[order], 1.0
    values_on_steps = on_steps(grid, width, values, horizon) * scale
    whole = on_steps(grid, width, covered, horizon) > 1 - 1e-9
    latest = datetime.fromtimestamp(int(issued[order].max()), UTC)
    return np.where(whole, values_on_steps, np.nan), f"{name}, issued {_stamp(latest)}"


def _weeks_before(
    series: Series, horizon: Horizon, span: tuple[int, int], unit: str, folder: Path, until: datetime
) -> np.ndarray:
    """Return the values of a span 168 h before, or in the first earlier week in which they are known."""
    values = np.zeros(span[1] - span[0])
    k = span[0]
    weeks = 0
    while k < span[1]:
        weeks += 1
        n = min(_steps_before(horizon, until + weeks * WEEK), span[1])
        if n > k:
            here = part(horizon, k, n)
            earlier = here.model_copy(update={"start": here.start_utc - weeks * WEEK})
            try:
                values[k - span[0] : n - span[0]] = resolve(series, earlier, unit, folder).values
            except ValueError as error:
                raise ValueError(f"substitute for the forecast, {weeks} week(s) before: {error}") from None
            k = n
    return values


def part(horizon: Horizon, first: int, last: int) -> Horizon:
    """Return the part of a horizon from step ``first`` to before step ``last``."""
    start = horizon.start_utc + timedelta(minutes=first * horizon.step_min)
    return horizon.model_copy(update={"start": start, "days": None, "length_h": (last - first) * horizon.step_h})


def _steps_before(horizon: Horizon, moment: datetime) -> int:
    """Return the number of steps that end by a given time."""
    return min(max(int(horizon.minutes(moment) / horizon.step_min + 1e-9), 0), horizon.n_steps)


def _spans(places: np.ndarray) -> list[tuple[int, int]]:
    """Group consecutive indices into half-open spans."""
    if not len(places):
        return []
    runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
    return [(int(run[0]), int(run[-1]) + 1) for run in runs]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
