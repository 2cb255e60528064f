"""A heat log as the twin makes it: the same list followed again and again, with the disturbances of a scenario."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from emberline import twin
from emberline.scenarios import Case
from emberline.scenarios.line.tables import shop
from emberline.scenarios.loading.heat_log import COLUMNS, TIMES
from emberline.twin.line.operations import operations_of
from emberline.twin.plant import follow
from emberline.twin.recorder import reheating

DAY_MIN = 1440.0


def twin_log(
    scenario: Case,
    schedule: xr.Dataset | None = None,
    replications: Iterable[int] = range(30),
    *,
    seed: int | None = None,
    disturbed: bool = True,
) -> pd.DataFrame:
    """A table with the columns of a heat log's file, one replication after the other on days of their own.

    Args:
        scenario: a plant with a line.
        schedule: the list that is followed (table ``SCHEDULE``); None: the baseline's.
        replications: which replications of the twin's random numbers, one for each day.
        seed: of the random numbers; None: the scenario's.
        disturbed: whether durations and energies scatter and units break down.

    Times are UTC, rounded to the second.
    """
    table = shop(scenario)
    operations = operations_of(table, twin.dispatch(scenario) if schedule is None else schedule)
    seed = scenario.disturbances.seed if seed is None else seed
    of = operations.arrays
    heat, unit = of["heat"], of["unit"]
    names, orders, units = np.array(table.names), np.array(table.orders), np.array(table.units)
    grades = np.array([item.grade.name for item in scenario.heats])
    planned = np.array(operations.scheduled), np.array(operations.scheduled) + np.array(operations.planned)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in COLUMNS}
    offset = 0.0
    for replication in replications:
        trajectory, factor = follow(operations, seed, replication, disturbed)
        start, end = np.array(trajectory.start), np.array(trajectory.end)
        indices = np.flatnonzero(~np.isnan(end))
        stops = [(i, at, at + stop_min) for i, spans in trajectory.stops.items() for at, stop_min in spans]
        stop_units = unit[np.array([i for i, _, _ in stops], dtype=int)]
        label, none = f"{replication}:", np.full(len(stops), "")
        nothing = np.full(len(stops), np.nan)
        energy = of["energy"] * factor + reheating(operations, start, end)
        for name, of_heats, of_stops in (
            ("heat", np.char.add(label, names[heat[indices]]), none),
            ("grade", grades[heat[indices]], none),
            ("unit", units[unit[indices]], units[stop_units]),
            ("start", start[indices] + offset, np.array([at for _, at, _ in stops]) + offset),
            ("end", end[indices] + offset, np.array([over for _, _, over in stops]) + offset),
            ("energy_mwh", energy[indices], nothing),
            ("mass_t", np.array(table.mass_t)[heat[indices]], nothing),
            ("order", np.char.add(label, orders[heat[indices]]), none),
            ("planned_start", planned[0][indices] + offset, nothing),
            ("planned_end", planned[1][indices] + offset, nothing),
            ("event", np.full(len(indices), ""), np.full(len(stops), "breakdown")),
        ):
            columns[name] += [of_heats, of_stops]
        last = max(float(np.nanmax(end, initial=0.0)), table.length)
        offset += math.ceil(last / DAY_MIN) * DAY_MIN
    log = pd.DataFrame({name: np.concatenate(parts) for name, parts in columns.items()})
    origin = pd.Timestamp(scenario.horizon.start_utc)
    for column in TIMES:
        log[column] = origin + pd.to_timedelta((log[column] * 60).round(), unit="s")
    return log
