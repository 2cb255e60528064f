"""The state of works at a moment of a run: records of units, stores, deliveries and locks as they stand then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios import Scenario
from emberline.scenarios.process.delivery import Delivery
from emberline.scenarios.process.locks import mode_of, span
from emberline.scenarios.process.record import LONG_H, Process, UnitState
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.orders import RunLock
from emberline.scenarios.records.state import Outage
from emberline.twin.processes.observed import repair_min

SMALL = 1e-6
"""Share of an amount that counts as nothing."""


def later_works(scenario: Scenario, run: xr.Dataset, k: int, part: Horizon) -> dict[str, Any]:
    """Fields of a scenario with processes, as they stand at the beginning of a part of its horizon.

    Args:
        scenario: the whole.
        run: what happened (table ``RUN``), with how units stand (``WorksPlant.so_far``).
        k: step that begins.
        part: of the horizon, from there on.

    Raises:
        ValueError: the run does not tell how units stand.
    """
    if "unit_mode" not in run and k:
        raise ValueError("the run does not tell how the units of processes stand")
    return {
        "processes": tuple(_process(scenario, process, run, k, part) for process in scenario.processes),
        "stores": tuple(
            store.model_copy(
                update={"end_level_t": store.end_t}
                | ({"level_t": _level(run, store.name, k, store.capacity_t)} if k else {})
            )
            for store in scenario.stores
        ),
        "deliveries": tuple(_deliveries(scenario, run, k, part)),
        "run_locks": tuple(_locks(scenario, run, k, part)),
    }


def repairs(scenario: Scenario, run: xr.Dataset, k: int) -> Iterator[Outage]:
    """Outages of units that are being repaired, of those that need not run at all times, until their expected end."""
    at = scenario.horizon.instant(k * scenario.horizon.step_min)
    for process in scenario.processes:
        for unit in process.units if k and not process.must_run else ():
            if _down(scenario, run, unit, k):
                yield Outage(unit=unit, start=at, end=at + timedelta(minutes=repair_min(scenario, process, unit)))


def _down(scenario: Scenario, run: xr.Dataset, unit: str, k: int) -> bool:
    """Whether a unit is being repaired."""
    if "stop_unit" not in run:
        return False
    now, begin, lasts = k * scenario.horizon.step_min, run["stop_at_min"].to_numpy(), run["stop_min"].to_numpy()
    return bool(((run["stop_unit"].values == unit) & (begin < now) & (begin + lasts > now)).any())


def _level(run: xr.Dataset, store: str, k: int, capacity_t: float) -> float:
    return float(np.clip(run["stock_t"].sel(stock=store).to_numpy()[k - 1], 0.0, capacity_t))


def _process(scenario: Scenario, process: Process, run: xr.Dataset, k: int, part: Horizon) -> Process:
    update: dict[str, Any] = {}
    if k:
        update["state"] = tuple(_unit(scenario, process, unit, run, k) for unit in process.units)
    if process.planned_stop is not None:
        update["planned_stop"] = _stop(scenario, process, run, k, part)
    for steps, amount in process.days(scenario.horizon):
        if steps.start < k < steps.stop:
            used = run["process_mw"].sel(process=list(process.units)).to_numpy()[:, steps.start : k].sum()
            mode = max((float(mode.power_at(mode.rates.high)) for mode in process.all_modes), default=0.0)
            most = mode * process.count * (steps.stop - k) * scenario.horizon.step_h
            update["first_day_mwh"] = float(np.clip(amount - used * scenario.horizon.step_h, 0.0, most))
    return process.model_copy(update=update)


def _unit(scenario: Scenario, process: Process, unit: str, run: xr.Dataset, k: int) -> UnitState:
    row = run[[name for name in run if str(name).startswith("unit_")]].sel(process=unit).isel(time=k - 1)
    mode, leaves = str(row["unit_mode"].values), str(row["unit_leaves"].values)
    since_h, rate, ready_h, off_t = (
        float(row[f"unit_{name}"]) for name in ("since_h", "rate_tph", "ready_in_h", "off_spec_t")
    )
    since_h = min(max(since_h, 0.0), LONG_H)
    if not mode:
        if not process.must_run or not _down(scenario, run, unit, k):
            return UnitState(since_h=since_h)
        ran = [str(name) for name in run["unit_mode"].sel(process=unit).values[:k] if name]
        last = ran[-1] if ran else process.all_modes[0].name
        return UnitState(mode=last, since_h=since_h, repair_h=repair_min(scenario, process, unit) / 60)
    # a run that begins now may do so at any rate
    rates, free = process.mode[mode].rates, ready_h or not since_h
    return UnitState(
        mode=mode, since_h=since_h, ready_in_h=ready_h, leaves=leaves or None, off_spec_t=off_t,
        rate_tph=None if free or not rates.low <= rate <= rates.high else rate,
    )  # fmt: skip


def _stop(scenario: Scenario, process: Process, run: xr.Dataset, k: int, part: Horizon) -> Any:
    """Rest of a planned stop; None: it was made, or need not be made within the part."""
    stop, window = process.planned_stop, process.stop_window(scenario.horizon)
    assert stop is not None
    assert window is not None
    first, last, length = window
    stood = 0
    for name in run["process_mode"].sel(process=process.units[0]).values[first:k] if k > first else ():
        stood = stood + 1 if not name and stood < length else stood if stood >= length else 0
    if stood >= length or (not stood and last + length > k + part.n_steps):
        return None
    step_h = scenario.horizon.step_h
    if stood:
        now = {"earliest": timedelta(), "latest": timedelta()}
        return stop.model_copy(update={"hours": (length - stood) * step_h, **now})
    earliest, latest = (timedelta(hours=max(t - k, 0) * step_h) for t in (first, last))
    return stop.model_copy(update={"earliest": earliest, "latest": latest})


def _deliveries(scenario: Scenario, run: xr.Dataset, k: int, part: Horizon) -> Iterator[Delivery]:
    """Demands as they are; of orders what is left, of those that are due after the part a share of it by time."""
    horizon = scenario.horizon
    for delivery in scenario.deliveries:
        if delivery.amount_t is None:
            yield delivery
            continue
        first, last = delivery.span(horizon)
        end, begin = k + part.n_steps, max(first, k)
        amount_t = delivery.amount_t
        if k:
            amount_t -= float(run["delivered_t"].sel(delivery=delivery.name).to_numpy()[:k].sum())
        if last > end:
            amount_t *= max(end - begin, 0) / (last - begin)
        if last <= k or begin >= end or amount_t <= SMALL * delivery.amount_t:
            continue
        update = {
            "amount_t": amount_t,
            "release": horizon.instant(begin * horizon.step_min),
            "due": horizon.instant(min(last, end) * horizon.step_min),
            "loading_tph": delivery.most_tph(horizon.step_h),
        }
        yield delivery.model_copy(update=update)


def _locks(scenario: Scenario, run: xr.Dataset, k: int, part: Horizon) -> Iterator[RunLock]:
    """Locks that are not over; those under way from now on, as far as units run that they may be about."""
    horizon, processes = scenario.horizon, {process.name: process for process in scenario.processes}
    running: list[tuple[str, str]] = []
    for process in processes.values() if k else ():
        modes = run["unit_mode"].sel(process=list(process.units)).values[:, k - 1].tolist()
        running += [(process.name, str(mode)) for mode in modes]
    for lock in scenario.run_locks:
        process = processes[lock.process]
        first, last = span(lock, process, horizon)
        if last <= k or first >= k + part.n_steps:
            continue
        if first < k:
            key = (process.name, mode_of(lock, process))
            if key not in running:
                continue
            running.remove(key)
        begin, end = (horizon.instant(t * horizon.step_min) for t in (max(first, k), min(last, k + part.n_steps)))
        yield lock.model_copy(update={"start": begin, "end": end})
