"""Samples of prices and intensities, built from the forecast errors of earlier days.

A sample is the forecast known when the day ahead is settled, half a day before the horizon starts, plus the forecast
errors of an earlier day with the same lead time, step by step. All series take their errors from the same day, so that
their correlation is kept. If no series has a forecast, the values 168 h earlier serve as the forecast of each.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import numpy as np
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.loading.issued_forecasts import WEEK, forecast_at
from emberline.scenarios.reading.series import resolve
from emberline.scenarios.records.base import Problem, ScenarioError
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.series import Series

AHEAD = timedelta(hours=12)
"""Lead time of the first-stage decision [h]: day-ahead markets close at about noon."""
LOOK_BACK_DAYS = 365
MAX_MISSING = 30
"""Consecutive days without errors that count as a gap; a longer run marks the beginning of the series."""
MIN_ERROR = 1e-9
"""Errors below this count as zero."""
PRICES = ("price_per_mwh", "export_price_per_mwh", "short_price_per_mwh", "long_price_per_mwh")


class Samples(NamedTuple):
    """Scenarios that differ only in prices and intensities."""

    foretold: Case
    """Case with forecast values."""
    planned: tuple[Case, ...]
    """Cases to plan over."""
    fresh: tuple[Case, ...]
    """Cases of other days, used for evaluation."""
    names: tuple[str, ...]
    """Names of the uncertain series."""


def samples(scenario: Case, count: int, fresh: int) -> Samples:
    """Draw ``count`` samples to plan over and at most ``fresh`` others for evaluation, with the scenario's seed.

    Raises:
        ScenarioError: no series is uncertain, or the series do not reach far enough back.
    """
    rows = [(name, series, unit) for name, path, series, unit in scenario.series() if _of_market(path, series)]
    forecast_rows = [row for row in rows if row[1].forecast is not None]
    rows = forecast_rows or [row for row in rows if row[1].value is None]
    horizon = scenario.horizon
    centre = {name: _foretold(series, horizon, unit, scenario) for name, series, unit in rows} if rows else {}
    days: list[dict[str, np.ndarray]] = []
    missing = 0
    for back in range(1, LOOK_BACK_DAYS + 1):
        earlier = horizon.model_copy(
            update={
                "start": horizon.start_utc - timedelta(days=back),
                "days": None,
                "length_h": horizon.n_steps * horizon.step_h,
            }
        )
        try:
            errors = {
                name: resolve(series, earlier, unit, scenario.folder).values
                - _foretold(series, earlier, unit, scenario)
                for name, series, unit in rows
            }
        except (ValueError, ScenarioError):
            missing += 1
            if missing > MAX_MISSING:
                break  # the series begin here
            continue
        missing = 0
        if any(np.abs(error).max() > MIN_ERROR for error in errors.values()):
            days.append(errors)
    if len(days) < count + 2:
        text = (
            f"only {len(days)} earlier days with forecast errors were found, at least {count + 2} are needed; give "
            "market.price_per_mwh or carbon_intensity_kg_per_mwh a forecast, or series that begin earlier"
        )
        raise ScenarioError([Problem(scenario.name, "market", text)])
    generator = np.random.Generator(np.random.Philox(key=scenario.disturbances.seed))
    error_draws = [days[i] for i in generator.permutation(len(days))[: count + fresh]]
    scenarios = [_with(scenario, centre, errors) for errors in error_draws]
    names = tuple(name for name, _, _ in rows)
    return Samples(_with(scenario, centre, {}), tuple(scenarios[:count]), tuple(scenarios[count:]), names)


def _of_market(path: tuple[str | int, ...], series: Series) -> bool:
    return path[0] == "market" and "contracts" not in path and series is not None


def _foretold(series: Series, horizon: Horizon, unit: str, scenario: Case) -> np.ndarray:
    """Return a series as forecast before a horizon begins."""
    if series.forecast is not None:
        return forecast_at(series, horizon, unit, scenario.folder, horizon.start_utc - AHEAD).values
    before = {"start": horizon.start_utc - WEEK, "days": None, "length_h": horizon.n_steps * horizon.step_h}
    return resolve(series, horizon.model_copy(update=before), unit, scenario.folder).values


def _with(scenario: Case, centre: dict[str, np.ndarray], errors: dict[str, np.ndarray]) -> Case:
    """Return the scenario with its series set to the forecast plus errors."""
    inputs: xr.Dataset = scenario.inputs.copy(deep=True)
    for name, values in centre.items():
        wrong = values + errors.get(name, 0.0)
        inputs[name] = ("time", wrong if name in PRICES else np.maximum(wrong, 0.0), inputs[name].attrs)
    return scenario.with_inputs(inputs)
