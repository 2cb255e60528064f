"""Stored plans of the same orders: where the next search begins, and what it may not fall short of."""

from __future__ import annotations

from pathlib import Path

import pytest
from enumerated_shops import best, shop

from emberline.planning.plan.earlier import same_asked
from emberline.planning.plan.pipeline import Search
from emberline.planning.plan.record import Plan
from emberline.planning.planner import PLAIN, make_plan
from emberline.runs.store.starts import stored_starts
from emberline.runs.store.store import Store
from emberline.scenarios import Case

INTENSITY = [900.0, 100.0, 500.0, 300.0, 400.0, 50.0]
HURRIED = 1e-3
"""A time limit in which no search finds anything."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


def save_run(store: Store, result: Plan) -> Plan:
    with store.working(result.scenario) as run:
        store.save(run, result)
    return result


def hurried(scenario: Case) -> Case:
    goal = scenario.goal.model_copy(update={"effort": HURRIED})
    return scenario.model_copy(update={"goal": goal})


def test_a_search_begins_with_stored_plans_of_the_same_orders(store: Store) -> None:
    """Proves: what is stored for other data is judged by the new ones and taken where it is good; without any time the
    plan is as good as the stored one there. Sensitivity: the baseline schedule, at the front of the day."""
    before = save_run(store, make_plan(shop(INTENSITY, [1, 1]), PLAIN))
    assert before.schedule is not None
    moved = hurried(shop([one * 1.1 for one in INTENSITY], [1, 1], price=20.0))
    stored = stored_starts(store, moved)
    assert stored.same is None
    assert [float(one["start_min"].sum()) for one in stored.schedules.values()] == [
        float(before.schedule["start_min"].sum())
    ]
    alone, start = (
        make_plan(moved, PLAIN),
        make_plan(moved, PLAIN, search=Search(others=list(stored.schedules.values()))),
    )
    truth = best(moved)
    assert truth is not None
    assert start.objective == pytest.approx(truth.kg, rel=1e-6)
    assert alone.objective is not None
    assert alone.objective > truth.kg + 1


def test_nothing_worse_than_a_stored_plan_of_the_same_scenario_is_shown(store: Store) -> None:
    """Proves: the stored plan stays, whatever time there was, and the plan names its run; another name, gap or limit
    make no other scenario.

    Sensitivity: a search in no time shows the baseline schedule."""
    before = save_run(store, make_plan(shop(INTENSITY, [1, 1]), PLAIN))
    scenario = hurried(shop(INTENSITY, [1, 1]))
    stored = stored_starts(store, scenario)
    assert stored.same is not None
    view = make_plan(scenario, PLAIN, search=Search(keep=stored.keep))
    assert view.objective == pytest.approx(before.objective or 0.0)
    (run,) = stored.schedules
    assert view.reason == f"The earlier plan stays: run {run[:8]}."
    assert view.acceptable
    again = make_plan(shop(INTENSITY, [1, 1]), starts=stored)
    assert again.objective == pytest.approx(before.objective or 0.0)
    assert again.reason == f"The schedule is that of run {run[:8]}."


def test_what_is_no_plan_of_the_same_orders_is_left_out(store: Store) -> None:
    """Proves: other heats, and runs without a plan, are nothing to begin with; other prices are no same scenario."""
    save_run(store, make_plan(shop(INTENSITY, [1, 2]), PLAIN))
    case = shop(INTENSITY, [1, 1])
    save_run(store, make_plan(hurried(shop(INTENSITY, [1, 1], due_h=[1, 1])), PLAIN))
    assert stored_starts(store, case).schedules == {}
    assert same_asked(case, hurried(case))
    assert not same_asked(case, shop(INTENSITY, [1, 1], price=11.0))
    assert not same_asked(case, shop([*INTENSITY[:-1], 51.0], [1, 1]))
