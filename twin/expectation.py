"""Expected course of a run from what has happened: begun operations as measured, the rest as the twin expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.datasets import Policy
from emberline.scenarios.line.tables import shop
from emberline.twin.line.clock import Clock
from emberline.twin.line.line import ListReplay
from emberline.twin.line.operations import Actual, SoFar, onward, operations_of, rows_of
from emberline.twin.recorder import course, record
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
    table = shop(scenario)
    listed = operations_of(table, schedule)
    planned = [(h, k, u, at, at + table.duration[h][u]) for h, k, u, at, _ in rows_of(listed)]
    by_index = {
        (table.index[heat], table.stages.index(stage)): _actual(table.unit_index[one.unit], one)
        for (heat, stage), one in actuals.items()
    }
    so_far = SoFar(now_min, by_index, {}, frozenset(), ())
    operations = onward(table, so_far, planned, listed.missing)
    # what has begun is past judging
    operations = replace(
        operations, started=[before or i in operations.actuals for i, before in enumerate(operations.started)]
    )
    history = ListReplay(operations, operations.planned, {}, clock=Clock(now_min), so_far=so_far).run()
    setpoints = None if schedule.attrs.get("policy") == Policy.BASELINE else Setpoints.read(schedule)
    attrs = run_attrs(scenario.disturbances.seed, 0, False, Policy.SCHEDULE)
    ran = course(operations, history, np.ones(len(operations)), SiteGrid(scenario), setpoints, disturbed=False)
    return record(ran, attrs)


def _actual(unit: int, one: Operation) -> Actual:
    minutes = max(one.end_min - one.start_min, SHORTEST_MIN)
    return Actual(unit, one.start_min, one.start_min + minutes, minutes, minutes)
