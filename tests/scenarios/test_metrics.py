"""The table of metrics: each row has what objective, caps, figures and pages ask of it."""

from __future__ import annotations

import random

import pytest

from emberline import planning, scenarios
from emberline.planning.accounts.figures import Figures
from emberline.scenarios.goal_metrics import GOALS as GOAL_WORDS
from emberline.scenarios.goal_metrics import NAMES, goal_metric
from emberline.scenarios.metrics import COMPONENTS, FIGURES, METRICS, gap, legible_bound
from emberline.scenarios.records.goal import Caps, Target

GOALS = [name for name, row in METRICS.items() if not row.only_capped]


@pytest.mark.parametrize("name", GOALS)
def test_a_row_is_whole(name: str) -> None:
    """Proves: a metric can be a goal, its figure and cap exist, and it counts components that flows add up to.

    Sensitivity: a row whose cap no record knows, or that has no words."""
    row, market = METRICS[name], scenarios.load("melt-shop-small").market
    assert name in list(Target)
    assert name in GOAL_WORDS
    assert name in NAMES
    assert row.figure in FIGURES
    assert {row.figure, *row.less} <= set(Figures.__dataclass_fields__)
    assert not row.cap or row.cap in Caps.model_fields
    assert set(row.parts(market.carbon_price)) <= set(COMPONENTS)
    assert row.tie_break in METRICS
    assert METRICS[row.tie_break].figure != row.figure


@pytest.mark.parametrize("name", GOALS)
def test_objective_and_figures_count_the_same(name: str) -> None:
    """Proves: the figures of a schedule are its objective and constant, for each metric as the goal.

    Sensitivity: a component that the model leaves out."""
    plan = planning.make_plan(
        scenarios.load("works-hub-year", ["horizon.length_h=6", "horizon.days=null", f"goal.minimize={name}"]),
        planning.PLAIN,
    )
    assert plan.schedule_figures is not None
    assert plan.objective is not None
    sunk = plan.constant + (0.0 if not METRICS[name].money else float(plan.schedule.attrs.get("sunk_cost", 0.0)))  # type: ignore[union-attr]
    assert goal_metric(plan.scenario).of(plan.schedule_figures) == pytest.approx(plan.objective + sunk, rel=1e-6)


@pytest.mark.parametrize(
    ("best", "bound", "digit", "result"),
    [
        (6340.53, 6340.48, 1.0, 6340.53),
        (6340.53, 6339.9, 1.0, 6339.9),
        (6340.5, 6340.5 + 1e-9, 1.0, 6340.5),
        (5.0, 4.996, 0.01, 5.0),
        (5.0, 4.99, 0.01, 4.99),
        (None, 4.0, 1.0, 4.0),
        (4.0, None, 1.0, None),
    ],
)
def test_a_bound_reads_as_the_plan_where_they_agree(
    best: float | None, bound: float | None, digit: float, result: float | None
) -> None:
    """Proves: a bound within half of the last digit is written as the plan's value, any other as itself, so that what
    is written is never above the plan. Sensitivity: 6,341 next to 6,340, which mean 6,340.5 both."""
    assert legible_bound(best, bound, digit) == result


def test_rounding_at_zero_is_no_gap() -> None:
    """Proves: a plan that costs nothing has no gap by what a solver rounds, one that costs a thousandth more has.

    Sensitivity: 1e-13 above a bound of 0 was 0.01 %."""
    assert gap(1e-10, 0.0) < 1e-6
    assert gap(1e-3, 0.0) == pytest.approx(1.0)


def test_rounding_keeps_the_order() -> None:
    """Proves: for any plan and bound below it, with any digits, the bound that is written is not above the plan's
    value, and both differ in writing only where they do by half a digit."""
    draw = random.Random(5)
    for _ in range(2_000):
        digits = draw.choice([0, 1, 2, 3])
        best = draw.uniform(-1e4, 1e4)
        bound = best - draw.choice([0.0, 0.3, 0.5, 0.7, 1.0, 3.0]) * 10**-digits
        legible = legible_bound(best, bound, 10**-digits)
        assert legible is not None
        texts = float(f"{best:.{digits}f}"), float(f"{legible:.{digits}f}")
        assert texts[1] <= texts[0]
        assert (texts[0] == texts[1]) or best - bound >= 0.5 * 10**-digits * (1 - 1e-9)
