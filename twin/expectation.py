"""How a run goes on from what has happened: begun operations as measured, the rest as the twin expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.datasets import Policy
from emberline.scenarios.line.tables import shop
from emberline.twin.line.line import ListReplay
from emberline.twin.line.operations import Operations, arrange, operations
from emberline.twin.recorder import record
from emberline.twin.run_variables import run_attrs
from emberline.twin.site.site import Setpoints, SiteGrid

SHORTEST_MIN = 1e-3


@dataclass(frozen=True)
class Operation:
    """An operation that has begun; its end is measured, or expected while it goes on."""

    unit: str
    start_min: float
    end_min: float


def expect(
    scenario: Case, schedule: xr.Dataset, actuals: Mapping[tuple[str, str], Operation], now_min: float
) -> xr.Dataset:
    """The run that is expected at a moment, a dataset of table ``RUN``.

    Args:
        scenario: with heats and without processes.
        schedule: that is followed (table ``SCHEDULE``).
        actuals: operations by heat and stage.
        now_min: the moment; what has not begun starts no earlier.
    """
    todo = _operations(scenario, schedule, actuals, now_min)
    history = ListReplay(todo, todo.planned, {}).run()
    setpoints = None if schedule.attrs.get("policy") == Policy.BASELINE else Setpoints.read(schedule)
    attrs = run_attrs(scenario.disturbances.seed, 0, False, Policy.SCHEDULE)
    return record(todo, history, np.ones(len(todo)), SiteGrid(scenario), setpoints, attrs)


def _operations(
    scenario: Case, schedule: xr.Dataset, actuals: Mapping[tuple[str, str], Operation], now_min: float
) -> Operations:
    table = shop(scenario)
    todo = operations(table, schedule)
    rows, planned, started = [], [], []
    for i in range(len(todo)):
        h, k, u = todo.heat[i], todo.stage[i], todo.unit[i]
        actual = actuals.get((table.names[h], table.stages[k]))
        if actual is not None:
            start, end = actual.start_min, max(actual.end_min, actual.start_min + SHORTEST_MIN)
            rows.append((h, k, table.unit_index[actual.unit], start, end))
            planned.append(end - start)
        else:
            start = todo.scheduled[i] if todo.started[i] else max(todo.scheduled[i], now_min)
            # the end as planned keeps the order of those that wait
            rows.append((h, k, u, start, todo.scheduled[i] + todo.planned[i]))
            planned.append(table.duration[h][u])
        started.append(actual is not None or todo.started[i])
    arranged = arrange(table, rows, todo.missing)
    pace = [minutes if before else 0.0 for minutes, before in zip(planned, arranged.pace, strict=True)]
    return replace(arranged, planned=planned, started=started, pace=pace)
