"""Misses without the record of a run: what steers a search is what a whole replay tells."""

from __future__ import annotations

import pytest

from emberline.scenarios import Scenario, load
from emberline.twin import dispatch, misses, replays


@pytest.mark.parametrize(("name", "days"), [("melt-shop-small", 300), ("melt-shop-day", 100), ("aluminium-potline", 2)])
def test_misses_are_those_of_the_replays(name: str, days: int) -> None:
    """Proves: kinds, heats, moments and amounts are the same to the last bit on every day, of a list followed as
    a plan; late heats have their last unit and by how many minutes.

    Sensitivity: a shorter way that forgets a limit or rounds."""
    case = load(name)
    schedule = dispatch(case).assign_attrs(policy="schedule")
    late = 0
    for rows, run in zip(misses(case, schedule, range(days)), replays(case, schedule, range(days)), strict=True):
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


def _due(case: Scenario, name: str) -> float:
    return next(heat.due_min for heat in case.heats if heat.name == name)
