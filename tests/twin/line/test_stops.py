"""Breakdowns as a run tells them: when, which unit, how long."""

from __future__ import annotations

import numpy as np
import pytest

from emberline import twin
from emberline.scenarios import load


def test_of_heats_they_are_the_standstills_within_operations() -> None:
    """Proves: by unit they add up to what operations stood still, each within one of them."""
    scenario = load("melt-shop-site", ["horizon.days=2", "orders=[{name: Mo1, heats: [{grade: A, count: 8}]}]"])
    many = [twin.simulate(scenario, replication=number, disturbed=True) for number in range(12)]
    broken = [run for run in many if "stop_unit" in run]
    assert broken
    for run in many:
        down = float(run["op_down_min"].sum())
        assert (down > 0) == ("stop_unit" in run)
        if "stop_unit" not in run:
            continue
        assert float(run["stop_min"].sum()) == pytest.approx(down)
        for unit, at in zip(run["stop_unit"].values, run["stop_at_min"].values, strict=True):
            mine = run["op_unit"].values == unit
            inside = (run["op_start_min"].values[mine] <= at) & (at < run["op_end_min"].values[mine])
            assert inside.any(), (unit, at)
        assert (np.diff(run["stop_at_min"].values) >= 0).all()
    assert "stop_unit" not in twin.simulate(scenario)


def test_of_processes_nothing_is_made_while_they_last() -> None:
    """Proves: in the whole steps of a breakdown its unit makes nothing and draws nothing."""
    scenario = load("cement-week", ["horizon.days=3", "deliveries=[]", "arrivals=[]"])
    step = scenario.horizon.step_min
    runs = [twin.simulate(scenario, replication=number, disturbed=True) for number in range(4)]
    checked = 0
    for run in runs:
        for unit, at, minutes in (
            zip(*(run[f"stop_{name}"].values for name in ("unit", "at_min", "min")), strict=True)
            if "stop_unit" in run
            else ()
        ):
            first, last = int(np.ceil(at / step)), int((at + minutes) // step)
            result = run["process_tph"].sel(process=unit).values[first:last]
            assert not result.any(), (unit, at)
            checked += last > first
    assert checked
    assert "stop_unit" not in twin.simulate(scenario)
