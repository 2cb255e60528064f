"""Energy, emissions and cost by hour or day of the plant's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from emberline.planning.accounts.bill import hourly_cost, import_price
from emberline.planning.accounts.emissions import INTENSITY
from emberline.planning.accounts.ledger import ledger
from emberline.reports.text.activities import replay_of
from emberline.runs.store.run_folder import StoredRun
from emberline.scenarios.flows.asset_flows import flow, unused_mw
from emberline.scenarios.records.horizon import clock_hours

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr

    from emberline.scenarios import Case
    from emberline.scenarios.tariff import Rates

FLOWS_MW = {
    "import_mw": "grid import",
    "export_mw": "grid export",
    "line_mw": "line or processes",
    "base_load_mw": "base load",
    "pv_mw": "PV used or exported",
    "pv_curtailed_mw": "PV not used",
    "charge_mw": "battery charge",
    "discharge_mw": "battery discharge",
}
PRICE, PRICE_OF_BLOCKS = "price with tariff", "price with tariff in the first block"
SCOPES = {
    "direct_kg": "scope 1",
    "bought_kg": "scope 2, heat bought",
    "grid_average_kg": "scope 2, average intensity",
    "grid_marginal_kg": "scope 2, marginal intensity",
    "grid_market_kg": "scope 2, market-based",
}


def hours(run: StoredRun, by_day: bool = False, assets: bool = True) -> pd.DataFrame:
    """One row for each hour of the plant's clock: energy, what assets move, emissions, cost; means of the prices.

    Where clocks go back an hour of that name stands twice; a day may have 23 or 25. What a tariff asks for peaks, and
    the carbon price, belong to no hour and are left out of the cost.

    Args:
        run: what is tabulated.
        by_day: one row for each local day instead.
        assets: whether each flow of each asset has a column.
    """
    plan = run.plan
    scenario, replay, step_h = plan.scenario, replay_of(plan), plan.scenario.horizon.step_h
    times = scenario.horizon.times
    here = local(run, times)
    groups = pd.Index(here.date if by_day else clock_hours(times, scenario.horizon.zone))
    money = scenario.market.currency
    powers = {name: replay[name].to_numpy() for name in FLOWS_MW if name in replay} | short_mw(scenario, replay)
    sums = {f"{label} [MWh]": powers[name] * step_h for name, label in FLOWS_MW.items()}
    sums["grid import, baseline [MWh]"] = plan.baseline["import_mw"].to_numpy() * step_h
    if assets:
        data = replay["asset_rate"].drop_sel(flow=[asset.name for asset in scenario.site.short])
        for key, measure in zip(data["flow"].values.tolist(), data["flow_unit"].values.tolist(), strict=True):
            moved = data.sel(flow=key).to_numpy() * step_h
            sums[f"{key} [{'MWh' if measure == 'MW' else measure.removesuffix('/h')}]"] = moved
    book = ledger(scenario, replay)
    sums |= {f"{label} [kg CO2e]": book.by_step[n].to_numpy() for n, label in SCOPES.items() if n in book.by_step}
    sums[f"energy and assets [{money}]"] = hourly_cost(scenario, replay)
    means = {}
    if scenario.market.has_spot:
        means[f"spot price [{money}/MWh]"] = scenario.inputs["price_per_mwh"].to_numpy()
    if scenario.rates is not None:
        means[f"{with_tariff(scenario.rates)} [{money}/MWh]"] = import_price(scenario)
    for signal, name in INTENSITY.items():
        if name in scenario.inputs:
            means[f"{signal} intensity [kg CO2e/MWh]"] = scenario.inputs[name].to_numpy()
    grouped = pd.concat(
        [pd.DataFrame(sums).groupby(groups).sum(), pd.DataFrame(means).groupby(groups).mean()], axis=1
    ).rename_axis(None)
    if by_day:
        grouped.insert(0, "day", [day.isoformat() for day in grouped.index])
        grouped.insert(1, "hours", pd.Series(step_h, index=range(len(here))).groupby(groups).sum())
    else:
        grouped.insert(0, "start", local(run, pd.Series(times).groupby(groups).min().to_numpy()))
    return grouped.reset_index(drop=True)


SMALL = 1e-6
"""Smaller numbers are noise of the search."""


def without_zeros(frame: pd.DataFrame, may: Callable[[str], bool] = lambda name: True) -> pd.DataFrame:
    """The table without the columns that are zero throughout.

    Args:
        frame: a table.
        may: whether a column of a name may be left out.
    """
    return frame[[name for name in frame if not may(str(name)) or _says_something(frame[name])]]


def _says_something(column: pd.Series) -> bool:
    return not all(isinstance(value, int | float) and abs(value) < SMALL for value in column)


def with_tariff(rates: Rates) -> str:
    """What the price of a MWh imported is called where there is a tariff."""
    return PRICE_OF_BLOCKS if rates.in_blocks else PRICE


def short_mw(scenario: Case, run: xr.Dataset) -> dict[str, np.ndarray]:
    """Base load and PV as they are tabulated [MW], by column."""
    base, sun, none = scenario.site.base_load, scenario.site.sun, np.zeros(scenario.horizon.n_steps)
    return {
        "base_load_mw": -flow(run, base.name),
        "pv_mw": none if sun is None else flow(run, sun.name),
        "pv_curtailed_mw": none if sun is None else unused_mw(scenario, run, sun),
    }


def local(run: StoredRun, times: np.ndarray) -> pd.DatetimeIndex:
    """Naive UTC times in the plant's zone."""
    return pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(run.plan.scenario.horizon.zone)
