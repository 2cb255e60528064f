"""State of a run at a moment: the scenario for planning from that moment on.

The state is read from the run: heats that have begun, levels, how long machines have been on or off and at which load,
the remaining part of limits over the horizon, and the quantities of the month that the tariff needs. Times relative to
the horizon's start become instants, and defaults that refer to the horizon's start or end become explicit, so that
nothing moves with the window.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios import Case, Scenario
from emberline.scenarios.assets.base import Named
from emberline.scenarios.flows.asset_flows import used
from emberline.scenarios.loading.issued_forecasts import part
from emberline.scenarios.records.horizon import Moment
from emberline.scenarios.records.orders import Lock, Order
from emberline.scenarios.records.state import Started, State
from emberline.scenarios.tariff.record import Before, by_charge
from emberline.twin.processes.state import later_works, repairs

BEGUN_MIN = 1e-6
"""An operation counts as begun at a moment if it started earlier by more than this [min]."""


def later(scenario: Case, run: xr.Dataset, begin_min: float, end_min: float) -> Case:
    """Part of a scenario's horizon, in the state that a run has reached at its beginning.

    Args:
        scenario: the scenario of the whole horizon.
        run: the run (table ``RUN``); for processes with the state of their units (``WorksPlant.so_far``). Its part
            after ``begin_min`` is planned and used only for the progress of a machine's ramp.
        begin_min: beginning of the part, at the end of a step and of a metered interval; 0: nothing has happened yet.
        end_min: end of the part.

    Raises:
        ValueError: the beginning lies within a step or a metered interval, or the run lacks the state of units.
    """
    horizon, meter_min = scenario.horizon, scenario.site.grid.metered_interval_min
    if begin_min % horizon.step_min or end_min % horizon.step_min or begin_min % meter_min or end_min % meter_min:
        raise ValueError(f"{begin_min:g} to {end_min:g} min are not whole steps and metered intervals")
    k, last = round(begin_min / horizon.step_min), round(end_min / horizon.step_min)
    battery = scenario.site.battery
    site = scenario.site.model_copy(
        update={
            "battery": battery and battery.model_copy(update={"end_level_share": _battery_end(scenario)}),
            "assets": tuple(_asset(scenario, asset, run, k) for asset in scenario.site.assets),
        }
    )
    before, peak_mw = remembered(scenario, run["meter_mw"].to_numpy(), begin_min)
    if before.peak_mw:
        peak_mw = 0.0  # limits are given by charge
    market = scenario.market.model_copy(update={"tariff_before": before})
    started = _started(scenario, run, begin_min)
    operations = {(item.heat, item.stage) for item in started}
    window = part(horizon, k, last)
    state = State(
        started=started,
        outages=tuple(
            outage.model_copy(update={name: _instant(scenario, getattr(outage, name)) for name in ("start", "end")})
            for outage in scenario.state.outages
            if horizon.minutes(outage.end) > begin_min
        )
        + tuple(repairs(scenario, run, k)),
        battery_level_mwh=_level(scenario, run, k),
        peak_so_far_mw=peak_mw,
    )
    return scenario.with_inputs(
        scenario.inputs.isel(time=slice(k, last)),
        horizon=window,
        site=site,
        market=market,
        state=state,
        orders=tuple(_order(scenario, order) for order in scenario.orders),
        locks=tuple(_lock(scenario, lock) for lock in scenario.locks if (lock.heat, lock.stage) not in operations),
        **(later_works(scenario, run, k, window) if scenario.processes else {}),
    )


def _battery_end(scenario: Scenario) -> float:
    """Target level of the battery at the end, as a share, independent of its initial level."""
    store, battery = scenario.battery, scenario.site.battery
    assert battery is not None
    if store is None:
        return battery.level_share if battery.end_level_share is None else battery.end_level_share
    return store.level_share if store.end_level_share is None else store.end_level_share


def _level(scenario: Scenario, run: xr.Dataset, k: int) -> float | None:
    if scenario.site.battery is None or not k:
        return scenario.state.battery_level_mwh
    return float(np.clip(run["battery_mwh"].to_numpy()[k - 1], 0.0, scenario.site.battery.energy_mwh))


def _asset(scenario: Case, asset: Named, run: xr.Dataset, k: int) -> Named:
    """An asset in its state at the beginning of step ``k``."""
    core = scenario.site.cores.get(asset.name, asset)
    use = used(scenario, core, run)
    if asset.name in scenario.site.stores:
        use = replace(use, level=run["asset_level"].sel(store=asset.name).to_numpy())
    return asset.model_copy(update=asset.later(core, use, k, scenario.horizon))


def _started(scenario: Scenario, run: xr.Dataset, begin_min: float) -> tuple[Started, ...]:
    if not scenario.heats:
        return ()
    indices = np.flatnonzero(run["op_start_min"].to_numpy() < begin_min - BEGUN_MIN)
    heat, stage, unit, start = (run[f"op_{name}"].values for name in ("heat", "stage", "unit", "start_min"))
    return tuple(
        Started(
            heat=str(heat[i]), stage=str(stage[i]), unit=str(unit[i]), start=scenario.horizon.instant(float(start[i]))
        )
        for i in indices.tolist()
    )


def _order(scenario: Scenario, order: Order) -> Order:
    end = scenario.horizon.end_utc
    heats = tuple(
        entry if entry.due is None else entry.model_copy(update={"due": _instant(scenario, entry.due)})
        for entry in order.heats
    )
    due = end if order.due is None else _instant(scenario, order.due)
    release = None if order.release is None else _instant(scenario, order.release)
    return order.model_copy(update={"due": due, "release": release, "heats": heats})


def _lock(scenario: Scenario, lock: Lock) -> Lock:
    values = {name: getattr(lock, name) for name in ("start", "earliest", "latest")}
    return lock.model_copy(
        update={name: moment if moment is None else _instant(scenario, moment) for name, moment in values.items()}
    )


def _instant(scenario: Scenario, moment: Moment) -> datetime:
    """A moment as an instant. Time spans count from the scenario's start."""
    return scenario.horizon.start_utc + moment if isinstance(moment, timedelta) else moment


def remembered(scenario: Case, meter_mw: np.ndarray, at_min: float) -> tuple[Before, float]:
    """Quantities that the tariff needs at a moment of a run, and the highest metered mean of the month so far [MW].

    Args:
        scenario: the scenario of the whole horizon, with these quantities at its start.
        meter_mw: mean import in each metered interval of its horizon [MW], shape (n_meter,).
        at_min: the moment, at the end of a metered interval.
    """
    interval, horizon = scenario.site.grid.metered_interval_min, scenario.horizon
    n = round(at_min / interval)
    values = scenario.market.tariff_before
    so_far = values.peak_mw or scenario.state.peak_so_far_mw
    if not n:
        return values, scenario.state.peak_so_far_mw
    now, first = horizon.instant(n * interval), horizon.instant(0)
    month_start = horizon.minutes(datetime(now.year, now.month, 1, tzinfo=horizon.tz))
    same_month = month_start <= 0
    power = np.maximum(meter_mw, 0.0)
    of_month = power[max(math.ceil(month_start / interval), 0) : n]
    highest = float(of_month.max(initial=0.0))
    if same_month:
        highest = max(highest, max(so_far.values(), default=0.0) if isinstance(so_far, dict) else so_far)
    energy = float(of_month.sum()) * interval / 60 + (values.energy_mwh if same_month else 0.0)
    peak: dict[str, float] = {}
    day: dict[str, float] = {}
    earlier: dict[str, Any] = dict(values.earlier_peak_mw)
    for item in () if scenario.rates is None else scenario.rates.peaks:
        peak_mw = float(power[item.intervals[item.intervals < n]].max(initial=0.0))
        if item.period == f"{now:%Y-%m-%d}":
            day[item.name] = max(
                peak_mw, by_charge(values.day_peak_mw, item.name) if now.date() == first.date() else 0.0
            )
        elif len(item.period) == len("2024-07"):
            if item.period == f"{first:%Y-%m}":
                peak_mw = max(peak_mw, by_charge(so_far, item.name))
            if item.period == f"{now:%Y-%m}":
                peak[item.name] = peak_mw
            elif item.period < f"{now:%Y-%m}":
                earlier[item.period] = {**earlier.get(item.period, {}), item.name: peak_mw}
    if scenario.rates is None:
        return values, highest
    return Before(energy_mwh=energy, peak_mw=peak, day_peak_mw=day, earlier_peak_mw=earlier), highest
