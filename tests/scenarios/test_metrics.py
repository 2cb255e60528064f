"""The table of metrics: each row has what objective, caps, figures and pages ask of it."""

from __future__ import annotations

import pytest

from emberline import plans, scenarios
from emberline.plans.accounts.figures import Figures
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.metrics import COMPONENTS, FIGURES, METRICS
from emberline.scenarios.records.goal import Caps, Target


@pytest.mark.parametrize("name", METRICS)
def test_a_row_is_whole(name: str) -> None:
    """Proves: a metric can be a goal, its figure and cap exist, and it counts components that flows add up to.

    Sensitivity: a row whose cap no record knows."""
    row, market = METRICS[name], scenarios.load("melt-shop-small").market
    assert name in list(Target)
    assert row.figure in FIGURES
    assert {row.figure, *row.less} <= set(Figures.__dataclass_fields__)
    assert not row.cap or row.cap in Caps.model_fields
    assert set(row.parts(market.carbon_price)) <= set(COMPONENTS)
    assert row.tie_break in METRICS
    assert METRICS[row.tie_break].figure != row.figure


@pytest.mark.parametrize("name", METRICS)
def test_objective_and_figures_count_the_same(name: str) -> None:
    """Proves: the figures of a schedule are its objective and constant, for each metric as the goal.

    Sensitivity: a component that the model leaves out."""
    plan = plans.plan(
        scenarios.load("works-hub-year", ["horizon.length_h=6", "horizon.days=null", f"goal.minimize={name}"])
    )
    assert plan.schedule_figures is not None
    assert plan.objective is not None
    sunk = plan.constant + (0.0 if not METRICS[name].money else float(plan.schedule.attrs.get("sunk_cost", 0.0)))  # type: ignore[union-attr]
    assert goal_metric(plan.scenario).of(plan.schedule_figures) == pytest.approx(plan.objective + sunk, rel=1e-6)
