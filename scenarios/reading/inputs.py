"""Resolve all series of a scenario on its time steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.datasets import INPUTS, check
from emberline.scenarios.process.delivery import Arrival
from emberline.scenarios.reading.series import Resolved, read_forecast, resolve
from emberline.scenarios.records.base import Place
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.quantity import CURRENCIES
from emberline.scenarios.records.series import Entry

MAX_SHARE = 1.2
"""Largest capacity factor; measured values sometimes exceed 1 slightly."""
PRICES = tuple(f"{currency}/" for currency in CURRENCIES)
"""Prefixes of units in which values may be negative."""
ROWS = {
    "assets": ("asset_values", "series"),
    "contracts": ("contract_mw", "contract"),
    "deliveries": ("demand_tph", "demand"),
    "arrivals": ("arrival_tph", "arrival"),
}
"""Variable of ``INPUTS`` and its dimension, by field whose items are rows; other series are separate variables."""


def row_of(place: Place) -> tuple[str, str] | None:
    """Return the variable and dimension in which a series is a row, by its place; None if it is a separate variable."""
    return next((ROWS[str(key)] for key in place[:2] if key in ROWS), None)


NONE = {"source": "none", "filled": 0, "first_filled": ""}
"""Attributes of a missing series."""


def resolve_one(entry: Entry, horizon: Horizon, folder: Path) -> Resolved:
    """Resolve a series on the steps of a horizon, in its unit of measure.

    Args:
        entry: series, with its name or label in table ``INPUTS``.
        horizon: horizon with the time steps.
        folder: folder to which paths of files are relative.

    Raises:
        ValueError: it cannot be read, is negative but not a price, or is a share well above 1.
    """
    name, _, series, unit = entry
    values = resolve(series, horizon, unit, folder)
    if series.forecast is not None and series.forecast.published is None:
        read_forecast(series.forecast, folder)
    lowest, highest = values.values.min(), values.values.max()
    if not unit.startswith(PRICES) and lowest < 0:
        raise ValueError(f"{values.source}: negative value {lowest:g} {unit}")
    share = name == "pv_available_mw" or name.endswith((".capacity_factor", ".availability"))
    if share and highest > MAX_SHARE:
        raise ValueError(f"{values.source}: {highest:g} is not a share of a capacity; at most 1, or write %")
    return values


def as_inputs(scenario: Scenario, values: Iterable[tuple[Entry, Resolved]]) -> xr.Dataset:
    """Combine the series of a scenario in a dataset of table ``INPUTS``."""
    horizon = scenario.horizon
    columns: dict[str, Any] = {}
    tables: dict[str, dict[str, Resolved]] = {field: {} for field in ROWS}
    for (name, place, series, _), column in values:
        table = next((tables[str(key)] for key in place[:2] if key in tables), None)
        if table is None:
            attrs = {"source": column.source, "filled": column.filled, "first_filled": column.first_filled}
            columns[name] = ("time", column.values, attrs)
        elif series.value is None or place[0] in tables:  # constants of assets and contracts need no table
            table[name] = column
    zeros = np.zeros(horizon.n_steps)
    columns.setdefault("export_price_per_mwh", ("time", zeros, NONE))
    _, factor, attrs = columns.get("pv_available_mw", ("time", zeros, NONE))
    columns["pv_available_mw"] = ("time", factor * (scenario.site.pv.peak_mw if scenario.site.pv else 0.0), attrs)
    data = xr.Dataset(columns, coords={"time": horizon.times})
    tables["deliveries"] = _rates(scenario.demands, tables["deliveries"], horizon)
    tables["arrivals"] = _rates(scenario.arrivals, tables["arrivals"], horizon)
    for field, (variable, label) in ROWS.items():
        if rows := tables[field]:
            data = data.assign({variable: _together(label, rows)}).assign_coords({label: list(rows)})
    return check(data.assign_attrs(zone=horizon.zone, currency=scenario.market.currency), INPUTS)


def _rates(items: Iterable[Arrival], series: dict[str, Resolved], horizon: Horizon) -> dict[str, Resolved]:
    """Return the rate of each delivery or arrival from its series or weekly schedule [t/h]."""
    rates = {}
    for item in items:
        source = series.get(item.name)
        values = item.rate_tph(horizon, None if source is None else source.values)
        rates[item.name] = Resolved(values, "weekly") if source is None else replace(source, values=values)
    return rates


def _together(label: str, rows: dict[str, Resolved]) -> tuple[tuple[str, str], np.ndarray, dict[str, Any]]:
    """Combine several series in one variable."""
    incomplete = {name: row for name, row in rows.items() if row.filled}
    attrs = {
        "source": ", ".join(sorted({row.source for row in rows.values()})),
        "filled": sum(row.filled for row in incomplete.values()),
        "first_filled": next((f"{name} {row.first_filled}" for name, row in incomplete.items()), ""),
    }
    return (label, "time"), np.array([row.values for row in rows.values()]), attrs
