"""What a plan is held to: caps, locks and what has begun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import planned
import pytest
from agreeing import assert_agrees
from planned import shop
from shops import cast, melt_shop

from emberline import models
from emberline.planning import Plan
from emberline.planning.planner import PLAIN, make_plan
from emberline.runs.store.store import Store
from emberline.scenarios import Case


@pytest.fixture
def unplanned() -> Plan:
    return planned.unplanned()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


@pytest.mark.parametrize(
    ("goal", "figure"),
    [
        ({"caps": {"peak_mw": 41.0}}, "peak_mw"),
        ({"minimize": "cost", "caps": {"carbon_kg": 4000.0}}, "carbon_kg"),
        ({"caps": {"cost": 3275.5}}, "cost"),
    ],
)
def test_caps_are_kept(goal: dict[str, Any], figure: str) -> None:
    """Proves: a plan under a cap keeps it in the replay, where the baseline or the other goal would not.

    Sensitivity: the peak without its cap is 44 MW, carbon at equal prices is anything up to 26,200 kg."""
    result = make_plan(shop(goal={"gap": 0.2, **goal}), PLAIN)
    assert_agrees(result)
    (limit,) = goal["caps"].values()
    assert getattr(result.replay_figures, figure) <= limit * (1 + 1e-6)


@pytest.mark.parametrize("caps", [{"peak_mw": 20.0}, {"carbon_kg": 3000.0}, {"cost": 3000.0}])
def test_a_cap_that_cannot_be_kept_gives_no_plan(caps: dict[str, float]) -> None:
    """Proves: no plan that breaks a cap is ever shown. Sensitivity: the baseline schedule taken regardless."""
    result = make_plan(shop(goal={"caps": caps, "effort": 5}), PLAIN)
    assert not result.has_schedule
    assert not result.acceptable
    assert result.status in ("infeasible", "no plan within the limit")
    assert result.verdict.startswith("No plan")
    assert result.baseline_complete


def test_locks_are_kept() -> None:
    """Proves: a locked start, unit and window are kept to the minute. Sensitivity: unlocked, all lies after 10:00."""
    locks = [
        {"heat": "A-1", "stage": "melting", "unit": "F", "start": "3 h"},
        {"heat": "A-2", "stage": "ladle", "earliest": "5 h", "latest": "5.5 h"},
    ]
    result = make_plan(shop(locks=locks), PLAIN)
    assert_agrees(result)
    assert result.schedule is not None
    first = result.schedule.sel(heat="A-1", stage="melting")
    assert (str(first["unit"].item()), float(first["start_min"])) == ("F", 180)
    assert 300 <= float(result.schedule["start_min"].sel(heat="A-2", stage="ladle")) <= 330


def test_an_impossible_lock_is_infeasible_and_stored(unplanned: Plan, store: Store) -> None:
    """Proves: what only solving can show is said as ``infeasible``, and the run can be kept.

    Sensitivity: "unknown" taken for a solution would give a schedule."""
    schedule = models.optimize(unplanned.scenario, unplanned.envelope)
    assert (schedule.attrs["found"], schedule.attrs["status"]) == (0, "infeasible")
    assert np.isnan(schedule["start_min"].values).all()
    assert not unplanned.has_schedule
    with store.working(unplanned.scenario) as run:
        store.save(run, unplanned)
    assert store.open(run).plan.verdict == unplanned.verdict


def in_progress(**remaining: Any) -> Case:
    """The first heat is in the ladle furnace, the second in the furnace, when the horizon begins."""
    started = [
        {"heat": "A-1", "stage": "melting", "unit": "F", "start": "-65 min"},
        {"heat": "A-1", "stage": "ladle", "unit": "L", "start": "-5 min"},
        {"heat": "A-2", "stage": "melting", "unit": "F", "start": "-20 min"},
    ]
    return shop(state={"started": started}, orders=[cast("A", 2), cast("B", 1)], **remaining)


def test_heats_in_progress_are_kept() -> None:
    """Proves: what has begun stays where and when it began, and only the rest of its energy counts.

    Sensitivity: energy of what ran before the horizon counted again is 3 × 32.75 MWh."""
    result = make_plan(in_progress(), PLAIN)
    assert_agrees(result)
    assert result.schedule is not None
    began = (("A-1", "melting", "F", -65), ("A-1", "ladle", "L", -5), ("A-2", "melting", "F", -20))
    for heat, stage, unit, start in began:
        row = result.schedule.sel(heat=heat, stage=stage)
        assert (str(row["unit"].item()), float(row["start_min"])) == (unit, start)
    assert result.replay_figures is not None
    assert result.replay_figures.energy_mwh < 3 * 32.75 - 30 - 40 * 20 / 60 + 3


def test_idle_units_next_to_heats_in_progress() -> None:
    """Proves: a unit that works when the horizon begins has no gap before it, one that does not begins as planned.

    Sensitivity: gaps that count operations from before the horizon, or leave what is under way out.
    """
    line = melt_shop()
    way = {"start": "off", "end": "ready", "duration_min": 30, "power_mw": 4.0}
    for stage, mw in ((0, 2.0), (1, 0.5)):
        line["stages"][stage]["units"][0]["states"] = {
            "states": [{"name": "ready", "power_mw": mw}, {"name": "off", "power_mw": 0.1}],
            "transitions": [way, {"start": "ready", "end": "off", "duration_min": 0}],
            "ready": "ready",
        }
    built = in_progress(line=line)
    # the bound leaves idle units out, so that the gap stays open and the search would go on to its limit
    result = make_plan(built.model_copy(update={"goal": built.goal.model_copy(update={"effort": 4.0})}), PLAIN)
    assert_agrees(result)
    assert result.schedule is not None
    assert result.replay is not None
    assert np.abs(result.schedule["idle_mw"].values - result.replay["idle_mw"].values).max() < 1e-9
    # A-1 is in the ladle furnace and A-2 in the furnace, both until 25 min
    assert result.replay["idle_mw"].values[0] == 0
    assert result.replay["idle_mw"].values[1] > 0
