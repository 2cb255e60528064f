"""Repair of a schedule's switches for the present state of units: changes that are not possible yet are delayed."""

from __future__ import annotations

import numpy as np
import xarray as xr

from emberline.models.formulations.processes.runs import UnderWay, under_way
from emberline.models.problem.plant import Plant, Units
from emberline.scenarios.process.record import UnitState


def repaired(plant: Plant, schedule: xr.Dataset) -> xr.Dataset:
    """Return a schedule whose modes keep the state of each unit, its availability, and minimum runs and rests."""
    place = {str(unit): row for row, unit in enumerate(schedule["process"].values)}
    modes, rates = schedule["process_mode"].values.astype(object), schedule["process_tph"].to_numpy().copy()
    for units in plant.units:
        for name, state in zip(units.names, units.process.start[units.first :], strict=False):
            row = place[name]
            modes[row], runs = _unit(plant, units, state, modes[row].tolist())
            usual = {mode.name: mode.rates.baseline for mode in units.modes}
            rates[row] = [
                (rate or usual[mode]) if mode and on else 0.0
                for mode, on, rate in zip(modes[row], runs, rates[row], strict=True)
            ]
    dims = ("process", "time")
    return schedule.assign(process_mode=(dims, modes.astype(np.str_)), process_tph=(dims, rates))


def _unit(plant: Plant, units: Units, state: UnitState, modes: list[str]) -> tuple[list[str], list[bool]]:
    """Return the mode of a unit by slot, and whether it runs in it."""
    process, steps = units.process, plant.steps
    going_on = under_way(units, plant, state) or UnderWay(0, 0, 0, -1, *(np.zeros(0),) * 3)
    up, down = steps(process.min_run_h), steps(process.min_rest_h)
    since = -int(state.since_h / plant.hours + 1e-9)
    now, ready = state.mode or "", going_on.begins if going_on.begins >= 0 else since
    stopping = process.name in plant.stops
    fitting, runs = [], []
    for t, planned in enumerate(modes):
        available = units.count > 1 or units.available[t] > 0
        target = planned if available else ""
        if t < going_on.first:
            fitting.append("")
            runs.append(False)
            continue
        if available and now and (t < ready or t - ready < up):
            target = now
        elif not now and t - ready < down and not process.must_run:
            target = ""
        elif available and not target and process.must_run and not stopping:
            target = now or units.modes[0].name
        if target != now:
            lasts_h = (
                process.start_up.hours if not now else process.changing(now, target).minutes / 60 if target else 0.0
            )
            slots = steps(lasts_h)
            if not target or t + slots < plant.n or process.must_run:
                now, ready = target, t + slots
        fitting.append(now)
        runs.append(bool(now) and t >= ready)
    return fitting, runs
