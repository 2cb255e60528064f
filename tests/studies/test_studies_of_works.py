"""Rolls, fronts and levers of works that newcomers wrote, each plan judged by rules that no planner reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from works_judge import faults

from emberline import twin
from emberline.scenarios import Case, bundled, load
from emberline.studies.levers import levers, refused
from emberline.studies.pareto import pareto
from emberline.studies.pareto.front import rows
from emberline.studies.pareto.point import front_plan
from emberline.studies.rolling.horizon import How
from emberline.studies.rolling.roll import roll

HOUR = 60.0
NAMES = ("cement-week", "c_cement", "e_chloralkali", "k_asu")


@pytest.fixture(scope="module", params=NAMES)
def works(request: pytest.FixtureRequest, shared: Path) -> Case:
    """A works as it is written, with little effort for each search."""
    changes = ["goal.effort=0.5", "disturbances.replications=0"]
    if request.param in bundled():
        return load(request.param, [*changes, "horizon.step_min=60"])
    return load(shared / "cases" / "newcomer" / f"{request.param}.yaml", changes)


def test_a_works_is_rolled(works: Case) -> None:
    """Proves: planned once a day for what lies ahead, a run has no violation and no fault by the records. Sensitivity:
    a unit, a machine or a store that begins its second day otherwise than the first has left it."""
    result = roll(works, How(every_min=24 * HOUR, look_ahead_min=48 * HOUR))
    assert result.steps[0].adopted
    assert not result.violations
    assert not list(faults(works, result.run))


def test_a_works_has_a_front(works: Case) -> None:
    """Proves: each plan of a front is without fault and has the carbon of its row. Sensitivity: a point that takes
    from a silo what the next day needs, or whose figures are not those of its plan."""
    front = pareto(works, 3)
    assert front.has_points
    for row in rows(front.data):
        plan = front_plan(front, row["point"])
        assert plan.replay is not None
        assert plan.replay_figures is not None
        assert not list(faults(works, plan.replay)), row
        assert plan.replay_figures.carbon_kg == pytest.approx(row["carbon_kg"], rel=1e-6)


def test_the_judge_sees_faults(works: Case) -> None:
    """Proves: tonnes that come from nowhere, a silo that is taken too low, a missed truck and a run that is too short
    are faults. Sensitivity: a judge that is content with anything."""
    run = twin.simulate(works)
    assert not list(faults(works, run))
    if not works.producers:
        run["import_mw"] = run["import_mw"] + 1.0
        assert list(faults(works, run))
        return
    for name, change in (("stock_t", -1e5), ("stock_in_t", 1.0), ("delivered_t", -1.0), ("process_tph", 1e3)):
        spoilt = run.copy(deep=True)
        spoilt[name][:, 5] += change
        assert list(faults(works, spoilt)), name
    runs = run.copy(deep=True)
    modes = runs["process_mode"].to_numpy()
    for row, process in zip(modes, (each for _, each in works.process_units), strict=True):
        if process.min_run_h >= 2:
            row[10:12], row[12], row[13:15] = "", process.all_modes[0].name, ""
            assert any("at least" in fault for fault in faults(works, runs))


def test_levers_of_a_works(works: Case) -> None:
    """Proves: the plans that levers compare are without fault, and planned together is no worse than one after the
    other; a site alone has its reason. Sensitivity: a case that forgets stocks at the end."""
    if not works.producers:
        assert "nothing is produced" in refused(works)
        return
    study = levers(works)
    assert study.has_plan
    for plan in (study.heats_first, study.search):
        assert plan.replay is not None
        assert not list(faults(plan.scenario, plan.replay))
    saving = study.saved(study.sequential)
    assert saving is not None
    assert saving.cost >= -1e-6 * abs(study.joint.figures.cost if study.joint.figures else 1.0)
