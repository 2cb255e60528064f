"""Violations without the record of a run: what steers a search is what a whole replay tells."""

from __future__ import annotations

import math

import numpy as np
import pytest
from shops import cast, melt_shop, scenario

from emberline.scenarios import Case, load
from emberline.scenarios.line.tables import shop
from emberline.twin import dispatch, replays, violations
from emberline.twin.line.missed import late_min, missed
from emberline.twin.line.operations import operations_of


@pytest.mark.parametrize(("name", "days"), [("melt-shop-small", 300), ("melt-shop-day", 100), ("aluminium-potline", 2)])
def test_violations_are_those_of_the_replays(name: str, days: int) -> None:
    """Proves: kinds, heats, moments and amounts are the same to the last bit on every day, of a list followed as
    a plan; late heats have their last unit and by how many minutes.

    Sensitivity: a shorter way that forgets a limit or rounds."""
    case = load(name)
    schedule = dispatch(case).assign_attrs(policy="schedule")
    late = 0
    for rows, run in zip(violations(case, schedule, range(days)), replays(case, schedule, range(days)), strict=True):
        assert [row.kind for row in rows] == run["violation_kind"].values.tolist()
        assert [row.heat for row in rows] == run["violation_heat"].values.tolist()
        assert [row.at_min for row in rows] == run["violation_at_min"].values.tolist()
        for row, unit, amount in zip(
            rows, run["violation_unit"].values.tolist(), run["violation_amount"].values.tolist(), strict=True
        ):
            if row.kind not in ("due", "unfinished"):
                assert (row.unit, row.amount) == (unit, amount)
                continue
            late += 1
            assert row.unit
            ends = run["op_end_min"].values[run["op_heat"].values == row.heat]
            assert row.amount == pytest.approx(ends.max() - min(_due(case, row.heat), case.horizon.length_min))
    assert late or name != "melt-shop-day"


def _due(case: Case, name: str) -> float:
    return next(heat.due_min for heat in case.heats if heat.name == name)


@pytest.mark.parametrize(
    ("due", "end", "violations", "late"),
    [
        ("6 h", 390.0, [("due", 30.0)], 30.0),
        ("6 h", 510.0, [("unfinished", 100.0), ("due", 150.0)], 150.0),
        ("6 h", math.nan, [("unfinished", 100.0)], 480.0),
        ("8 h", 510.0, [("unfinished", 100.0)], 30.0),
        ("8 h", 480.0, [], 0.0),
    ],
)
def test_a_late_heat_by_due_time_and_horizon(due: str, end: float, violations: list[object], late: float) -> None:
    """Proves: on 8 h a heat due after 6 h that is cast until 390 is 30 min late; until 510 it is not finished either,
    by its 100 t; one that is never cast is not finished, and late by the whole horizon, and no due time is missed
    besides. Due at the end of the horizon it is not finished, and no due time is missed besides.

    Sensitivity: a due time missed where the horizon ends, or by a heat that never ends."""
    case = scenario(melt_shop(), [cast("A", 1, due=due)], horizon={"length_h": 8.0})
    operations = operations_of(shop(case), dispatch(case))
    starts, ends = np.array(operations.scheduled), np.array(operations.scheduled) + 1.0
    last = operations.last[0]
    starts[last], ends[last] = end - 60, end
    kinds = ("due", "unfinished")
    assert [(row.kind, row.amount) for row in missed(operations, starts, ends, 0.0) if row.kind in kinds] == violations
    assert late_min(operations, ends, "A-1") == ("C", late)
