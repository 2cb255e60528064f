"""Forecast of a signal where none is published: the same hour last week, or ridge regression on load and wind.

Each method forecasts past weeks from the values published before them. The method with the smaller mean absolute error
is used. Hours are those of the wall clock, including days with a change to or from daylight saving time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from emberline.scenarios.signals.catalogue import Signal
from emberline.scenarios.signals.forecasts import LAST_WEEK, RIDGE, Forecast, keep_forecast
from emberline.scenarios.signals.issues import NewestValues, newest_values, stored

DAY_S = 86_400
HISTORY_DAYS = 84
"""Days of history used for a forecast; older values reflect other market conditions."""
MIN_DAYS = 14
"""Smallest number of days of history before the days that are held out."""
LONGEST_DAYS = 14
"""Longest forecast [d]."""
WEEKS_BACK = 4
"""Largest number of weeks to look back for the same hour if later weeks have no value."""
PERIODS = 4
"""Largest number of past periods, of a week or the forecast's length, on which the error is measured."""
COVERED = 0.9
"""Share of the hours forecast by the last week that the regression must also forecast in order to be used."""
RIDGE_ALPHA = 1.0
"""Weight of the squared coefficients; columns have a standard deviation of 1."""
DRIVERS = ("load-forecast", "wind-onshore-forecast", "wind-offshore-forecast", "pv-forecast")
CLOCKS = {"watttime": ZoneInfo("America/New_York")}
"""Time zone by source. All European clocks change at the same moment, so one zone represents them all."""
EUROPE = ZoneInfo("Europe/Berlin")


def drivers(name: Signal) -> list[Signal]:
    """Stored signals of the same country that are published ahead: load, wind and solar power."""
    return [item for item in stored() if item.quantity in DRIVERS and item.zone[:2] == name.zone[:2] and item != name]


def forecast(name: Signal, days: int, on: list[Signal] | None = None) -> tuple[Forecast, dict[str, float]]:
    """Forecast a signal for some days from its last published value on, and keep the forecast in the home.

    Args:
        name: the signal.
        days: 1 to 14.
        on: signals that the regression uses; by default :func:`drivers`. Those that end before the forecast does are
            left out, so that the error is measured with what is known ahead.

    Returns:
        The forecast, and the mean absolute error of each method, in the signal's unit.

    Raises:
        ValueError: too few values were fetched, or a number of days that is not allowed.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"--days: {days} days; 1 to {LONGEST_DAYS} are allowed")
    grid = _Grid(newest_values(name), days, CLOCKS.get(name.source, EUROPE))
    period = max(days, 7) * DAY_S // grid.seconds
    origins = [grid.end - count * period for count in range(1, PERIODS + 1)]
    least = MIN_DAYS * DAY_S // grid.seconds
    origins = [origin for origin in origins if origin >= least]
    if not origins:
        present = grid.end * grid.seconds / DAY_S
        raise ValueError(
            f"signal {name} has {present:.0f} days of values; a forecast needs {MIN_DAYS + max(days, 7)}: "
            f"emberline signals fetch {name} --from DATE"
        )
    table = [grid.driver(newest_values(driver)) for driver in (drivers(name) if on is None else on)]
    columns = [column for column in table if column is not None]
    methods = [LAST_WEEK, RIDGE] if columns else [LAST_WEEK]
    lags = {origin: grid.last_week(grid.values, origin) for origin in (*origins, grid.end)}

    def values(method: str, origin: int) -> np.ndarray:
        result = lags[origin] if method == LAST_WEEK else grid.ridge(lags[origin], columns, origin)
        return np.asarray(np.clip(result, name.measure.lowest, name.measure.highest))

    misses = {
        method: np.concatenate(
            [np.abs(values(method, origin) - grid.values)[origin : origin + period] for origin in origins]
        )
        for method in methods
    }
    text = f"signal {name} has too many gaps for a forecast; fetch more of its days"
    counts = {method: np.isfinite(miss).sum() for method, miss in misses.items()}
    misses = {method: miss for method, miss in misses.items() if counts[method] >= COVERED * counts[LAST_WEEK]}
    both = np.all([np.isfinite(miss) for miss in misses.values()], axis=0)
    if not both.any():
        raise ValueError(text)
    errors = {method: float(miss[both].mean()) for method, miss in misses.items()}
    best = min(errors, key=lambda method: errors[method])
    ahead = values(best, grid.end)[grid.end :]
    usable = np.isfinite(ahead)
    if not usable.any():
        raise ValueError(text)
    result = Forecast(
        datetime.now(UTC).replace(microsecond=0), best, errors[best], len(origins) * period * grid.seconds / DAY_S,
        grid.starts[grid.end :][usable], grid.seconds, np.round(ahead[usable], 6),
    )  # fmt: skip
    keep_forecast(name, result)
    return result, errors


class _Grid:
    """Published values on a regular time grid, and the steps of the forecast after them."""

    def __init__(self, newest: NewestValues, days: int, clock: ZoneInfo) -> None:
        self.seconds = newest.seconds
        present = np.isfinite(newest.values)
        if not present.any():
            raise ValueError("the signal has no values")
        starts, values = newest.starts[present], newest.values[present]
        stop = int(starts[-1]) + self.seconds
        first = max(int(starts[0]), stop - HISTORY_DAYS * DAY_S)
        self.starts = np.arange(first, stop + days * DAY_S, self.seconds)
        self.end = (stop - first) // self.seconds
        """Index of the first step without a published value."""
        self.values = pd.Series(values, starts).reindex(self.starts).to_numpy()
        """Published values; nan where there are none."""
        offsets = [datetime.fromtimestamp(at, clock).utcoffset() for at in self.starts.tolist()]
        self._offsets = np.array([0 if offset is None else int(offset.total_seconds()) for offset in offsets])

    def driver(self, newest: NewestValues) -> np.ndarray | None:
        """Mean values of another signal on this grid; None if the signal ends before the forecast."""
        shortest = int(np.gcd(newest.seconds, self.seconds))
        parts, pieces = newest.seconds // shortest, self.seconds // shortest
        fine = pd.Series(
            np.repeat(newest.values, parts), (newest.starts[:, None] + np.arange(parts) * shortest).ravel()
        ).reindex((self.starts[:, None] + np.arange(pieces) * shortest).ravel())
        result = np.asarray(fine.to_numpy().reshape(-1, pieces).mean(axis=1))
        return result if np.isfinite(result[self.end :]).all() else None

    def last_week(self, values: np.ndarray, origin: int) -> np.ndarray:
        """Value at the same hour of the wall clock a week before each step, from values known at ``origin``."""
        result, week = np.full(len(values), np.nan), 7 * DAY_S // self.seconds
        steps = np.arange(len(values))
        for weeks in range(1, WEEKS_BACK + 1):
            earlier = steps - weeks * week
            shift = (self._offsets - self._offsets[np.maximum(earlier, 0)]) // self.seconds
            earlier = earlier + shift
            usable = np.isnan(result) & (earlier >= 0) & (earlier < origin)
            result[usable] = values[earlier[usable]]
        return result

    def ridge(self, lag: np.ndarray, columns: list[np.ndarray], origin: int) -> np.ndarray:
        """Ridge regression on last week's value and on present and last week's drivers, fitted before ``origin``."""
        past = [self.last_week(column, len(column)) for column in columns]
        table = np.column_stack([lag, *columns, *past])
        complete = np.isfinite(table).all(axis=1)
        train = complete & np.isfinite(self.values) & (np.arange(len(lag)) < origin)
        if train.sum() * self.seconds < 7 * DAY_S:
            return np.full(len(lag), np.nan)
        mean, spread = table[train].mean(axis=0), table[train].std(axis=0)
        scaled, level = (table - mean) / np.where(spread > 0, spread, 1.0), self.values[train].mean()
        normal = scaled[train].T @ scaled[train] + RIDGE_ALPHA * np.eye(table.shape[1])
        return np.asarray(level + scaled @ np.linalg.solve(normal, scaled[train].T @ (self.values[train] - level)))
