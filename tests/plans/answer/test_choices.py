"""The quick front of a plan: each point is what it says, and none is worse than another at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from emberline.plans import plan
from emberline.plans.answer import answer
from emberline.plans.answer.choices import with_choices
from emberline.plans.jobs.deadline import Deadline
from emberline.plans.store import Store
from emberline.scenarios import load


def test_three_points_of_a_small_shop(tmp_path: Path) -> None:
    """Proves: next to the plan of least carbon stand one with less carbon at no more cost, which it costs to give up
    some carbon for, and one of least cost; figures are those of the undisturbed replays, the sentence says each, and a
    stored run gives them back. Sensitivity: no-regret that costs more; a point that another one beats."""
    result = plan(load("melt-shop-small", ["goal.gap=2 %", "disturbances.replications=0"]))
    front = with_choices(result, deadline=Deadline(300.0))
    most, calm, cheap = front.choices
    assert [point.name for point in front.choices] == ["least carbon", "no regret", "least cost"]
    assert [point.is_plan for point in front.choices] == [True, False, False]
    saved = result.saved()
    assert (most.carbon_kg, most.cost) == pytest.approx((saved["carbon_kg"], saved["cost"]))
    assert most.carbon_kg >= calm.carbon_kg > 0.5 * most.carbon_kg
    assert cheap.cost >= calm.cost > 0 > most.cost
    assert calm.carbon_kg >= cheap.carbon_kg
    for point in (calm, cheap):
        assert point.carbon_kg == pytest.approx(result.baseline_figures.carbon_kg - point.figures.carbon_kg, abs=1.0)
    first = answer(front)
    assert first is not None
    assert "To choose from, undisturbed: least carbon (this plan): " in first.says
    assert "less carbon at no more cost: " in first.says
    store = Store(tmp_path / "home")
    with store.working(result.scenario) as run:
        store.save(run, front)
    assert store.open(run).plan.choices == front.choices


def test_a_goal_in_minutes_has_no_front() -> None:
    """Proves: a plan for least lateness is left as it is. Sensitivity: searches for carbon that nobody asked for."""
    result = plan(load("melt-shop-small", ["goal.minimize=lateness", "disturbances.replications=0"]))
    assert with_choices(result).choices == ()
