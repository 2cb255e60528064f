"""A judge of runs of processes: reads the scenario's records and the table of flows, and nothing that makes plans.

Levels, deliveries, rates, shortest runs and rests are worked out once more from the recipes. A unit that changes its
mode within a step may have made either grade in it, so that what a store gets is known between two values only.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np
import xarray as xr
from closure import closure
from plan_judge import site_faults

from emberline.scenarios import Case

SMALL = 1e-6
"""As a share of a store's capacity, a rate or an amount."""


def faults(scenario: Case, run: xr.Dataset, skipped: tuple[str, ...] = ()) -> Iterator[str]:
    """Faults of a run of processes, in words.

    Args:
        scenario: the request; its deliveries follow no series.
        run: table ``RUN`` or ``SCHEDULE``.
        skipped: deliveries that a disturbed run may miss.
    """
    residual = closure(scenario, run).worst
    if residual > SMALL:
        yield f"balances leave {residual:g} unexplained"
    yield from site_faults(scenario, {name: run[name].to_numpy() for name in ("import_mw", "meter_mw", *BATTERY)})
    if "process" not in run.dims:
        return
    yield from _stores(scenario, run)
    yield from _deliveries(scenario, run, skipped)
    yield from _units(scenario, run)


BATTERY = ("charge_mw", "discharge_mw", "battery_mwh")


def _stores(scenario: Case, run: xr.Dataset) -> Iterator[str]:
    hours = scenario.horizon.step_h
    for store in scenario.stores:
        of = {name: run[f"stock_{name}t"].sel(stock=store.name).to_numpy() for name in ("", "in_", "out_", "lost_")}
        before = np.concatenate([[store.start_t], of[""][:-1]])
        small = SMALL * store.capacity_t
        residual = np.abs(before + of["in_"] - of["out_"] - of["lost_"] - of[""]).max()
        if residual > small:
            yield f"{store.name}: a level that its flows do not explain, by {residual:g} t"
        if of[""].min() < -small or of[""].max() > store.capacity_t + small:
            yield f"{store.name}: holds {of[''].min():g} to {of[''].max():g} t of {store.capacity_t:g}"
        if of[""][-1] < store.end_t - small:
            yield f"{store.name}: ends with {of[''][-1]:g} t, at least {store.end_t:g} are due"
        for side, total in (("inputs", of["out_"]), ("outputs", of["in_"])):
            low, high = np.zeros(len(total)), np.zeros(len(total))
            for unit, process in scenario.process_units:
                rate = run["process_tph"].sel(process=unit).to_numpy()
                if side == "outputs":  # off-spec product is given to none
                    rate = rate - run["off_spec_tph"].sel(process=unit).to_numpy()
                per_t = [
                    sum(item.per_t for item in getattr(mode, side) if item.store == store.name)
                    for mode in process.all_modes
                ]
                low, high = low + rate * min(per_t) * hours, high + rate * max(per_t) * hours
            trucks, moved, label = (
                (scenario.deliveries, "delivered_t", "delivery")
                if side == "inputs"
                else (scenario.arrivals, "arrived_t", "arrival")
            )
            for item in trucks:
                if item.store == store.name:
                    amount = run[moved].sel({label: item.name}).to_numpy()
                    low, high = low + amount, high + amount
            if (total < low - small).any() or (total > high + small).any():
                yield f"{store.name}: {side} of its units do not come to what it gives or gets"


def _deliveries(scenario: Case, run: xr.Dataset, skipped: tuple[str, ...]) -> Iterator[str]:
    hours, step = scenario.horizon.step_h, scenario.horizon.step_min
    for item in scenario.deliveries:
        gone = run["delivered_t"].sel(delivery=item.name).to_numpy()
        if item.name in skipped:
            continue
        if item.amount_t is None:
            due = item.rate_tph(scenario.horizon, None) * hours
            if np.abs(gone - due).max() > SMALL * max(due.max(), 1.0):
                yield f"{item.name}: {gone.sum():g} t of {due.sum():g} are delivered"
            continue
        first = 0.0 if item.release is None else scenario.horizon.minutes(item.release) / step
        last = len(gone) if item.due is None else scenario.horizon.minutes(item.due) / step
        inside = gone[int(np.floor(first + 1e-9)) : int(np.ceil(last - 1e-9))].sum()
        if abs(inside - item.amount_t) > SMALL * item.amount_t or abs(gone.sum() - inside) > SMALL * item.amount_t:
            yield f"{item.name}: {inside:g} t of {item.amount_t:g} are loaded in time"


def _units(scenario: Case, run: xr.Dataset) -> Iterator[str]:
    step_h = scenario.horizon.step_h
    for unit, process in scenario.process_units:
        rate = run["process_tph"].sel(process=unit).to_numpy()
        most = max(mode.rate.high for mode in process.all_modes if mode.rate)
        if rate.min() < -SMALL or rate.max() > most * (1 + SMALL):
            yield f"{unit}: runs at {rate.min():g} to {rate.max():g} t/h, at most {most:g}"
        modes = run["process_mode"].sel(process=unit).values.tolist()
        spans = [(mode, len(list(steps)) * step_h) for mode, steps in groupby(modes)]
        for mode, hours in spans[1:-1]:  # the first and the last may go on beyond the horizon
            least = process.min_run_h if mode else process.min_rest_h
            if hours < least - step_h - SMALL:
                yield f"{unit}: {mode or 'stands'} for {hours:g} h, at least {least:g} h"
