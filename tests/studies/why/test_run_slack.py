"""Slack of process runs and buffers of silos, solved by hand."""

from __future__ import annotations

from typing import Any

import pytest
import works as small
import xarray as xr

from emberline.planning.accounts.unit_runs import UnitRun, unit_runs
from emberline.scenarios import Case
from emberline.studies.why import run_slack

CLINKER = {"name": "clinker", "capacity_t": 1000.0, "level_t": 900.0}


def milled(capacity_t: float, steps: dict[int, float], mill: dict[str, Any] | None = None, **rest: Any) -> Any:
    """A mill of 100 t/h that runs in some of 8 hours; trucks take 30 t/h from a silo that holds 100 t at the start."""
    cement = {"name": "cement", "capacity_t": capacity_t, "level_t": 100.0, "end_level_t": 0.0}
    scenario = small.works(small.MILL | (mill or {}), hours=8, stores=[CLINKER, cement], **rest)
    rows = [("mill", steps[i]) if i in steps else ("", 0.0) for i in range(8)]
    run = small.trajectory(scenario, {"mill": rows})
    return scenario, run, list(unit_runs(scenario, run))


@pytest.mark.parametrize(("capacity", "earlier", "kind", "at"), [(150, 0, "full", 240), (200, 60, "full", 180)])
def test_a_silo_stops_a_run(capacity: float, earlier: float, kind: str, at: float) -> None:
    """Proves: from 3 to 5 h the silo goes 70, 40, 10, 80, 150 t: an hour later it would run empty at 4 h; earlier it
    is full, 180 t at 4 h or 210 t at 3 h. Sensitivity: slack that looks at the unit alone is 180 min."""
    scenario, run, (one,) = milled(capacity, {3: 100.0, 4: 100.0})
    slack = run_slack.slack(scenario, run, one)
    assert (slack.later_min, slack.later.kind, slack.later.other, slack.later.at_min) == (0, "empty", "cement", 240)
    assert (slack.earlier_min, slack.earlier.kind, slack.earlier.other) == (earlier, kind, "cement")
    assert slack.earlier.at_min == at


def test_buffers_are_those_of_the_run() -> None:
    """Proves: while it runs, the silo lies between 80 t at 4 h and 150 t at 5 h; the clinker falls to 740 t."""
    scenario, run, (one,) = milled(200, {3: 100.0, 4: 100.0})
    rows = {row.store: row for row in run_slack.buffers(scenario, run, one)}
    cement, clinker = rows["cement"], rows["clinker"]
    assert (cement.lowest_t, cement.lowest_min, cement.highest_t, cement.highest_min) == (80, 240, 150, 300)
    assert (clinker.lowest_t, clinker.capacity_t) == (740, 1000)


def test_other_runs_and_the_horizon_stop_a_run() -> None:
    """Proves: between runs in hours 0 and 5 one in hour 2 keeps the rest of an hour to both; a run of a unit
    that runs before the plan begins has started, another cannot come before it; the last may move to the end.
    Sensitivity: no rest between."""
    scenario, run, every = milled(1000, {0: 100.0, 2: 100.0, 5: 100.0}, {"min_rest_h": 1.0}, deliveries=[])
    first, second, third = (run_slack.slack(scenario, run, one) for one in every)
    assert (first.earlier_min, first.earlier.kind) == (0, "horizon")
    assert (second.earlier_min, second.earlier.kind) == (0, "unit")
    assert (second.later_min, second.later.kind) == (60, "unit")
    assert (third.later_min, third.later.kind) == (120, "horizon")
    scenario, run, (first, *_) = milled(1000, {0: 100.0, 2: 100.0}, {"state": {"mode": "mill"}}, deliveries=[])
    assert run_slack.slack(scenario, run, first).earlier.kind == "started"


def test_the_import_limit_stops_a_run() -> None:
    """Proves: with 8 MW of base load from 5 h on and a limit of 10 MW, a mill of 4 MW may not enter that hour."""
    scenario, run, (one,) = milled(1000, {2: 100.0}, deliveries=[], site={"grid": {
        "import_limit_mw": 10.0, "metered_interval_min": 60}})  # fmt: skip
    meter = run["meter_mw"].copy()
    meter[5:] = 8.0
    slack = run_slack.slack(scenario, run.assign(meter_mw=meter), one)
    assert (slack.later_min, slack.later.kind, slack.later.at_min) == (120, "import", 300)


def test_a_run_that_is_changed_over_cannot_move() -> None:
    """Proves: where a run of another mode follows at once, the one before cannot move alone."""
    modes = [{"name": name, "outputs": [{"store": "cement"}]} for name in ("one", "two")]
    cement = {"name": "cement", "capacity_t": 1000.0, "level_t": 100.0}
    scenario: Case = small.works(small.MILL | {"modes": modes}, hours=8, stores=[CLINKER, cement], deliveries=[])
    rows = [("", 0.0), ("one", 100.0), ("two", 100.0), *[("", 0.0)] * 5]
    run: xr.Dataset = small.trajectory(scenario, {"mill": rows})
    every: list[UnitRun] = list(unit_runs(scenario, run))
    slack = run_slack.slack(scenario, run, every[0])
    assert (slack.earlier_min, slack.later_min, slack.later.other) == (0, 0, "two")
