"""The other signal: a plan of least carbon by one intensity emits no more than the baseline by the other one."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from enumerated_shops import shop
from plan_sequences import optimum

from emberline import scenarios, twin
from emberline.planning import make_plan
from emberline.planning.answer.headline import headline
from emberline.planning.answer.sentences import lines
from emberline.planning.plan import caps
from emberline.planning.plan.alternatives import ONE_SIGNAL
from emberline.planning.planner import PLAIN
from emberline.scenarios import Case, ScenarioError
from emberline.scenarios.goal_metrics import no_worse
from emberline.scenarios.records.goal import OtherSignal

MARKET = {"price_per_mwh": 10.0, "carbon_intensity_kg_per_mwh": 1.0, "marginal_carbon_intensity_kg_per_mwh": 1.0}


def request(average: list[float], marginal: list[float], hours: list[int], **limits: Any) -> Case:
    """A shop of one furnace with both series, and caps of the goal."""
    built = shop(average, hours, market=MARKET)
    name = "marginal_carbon_intensity_kg_per_mwh"
    built = built.with_inputs(built.inputs.assign({name: ("time", marginal, built.inputs[name].attrs)}))
    capped = built.goal.caps.model_copy(update=limits)
    return built.model_copy(update={"goal": built.goal.model_copy(update={"caps": capped})})


CROSSED = ([500.0, 400.0, 100.0, 300.0, 250.0], [300.0, 400.0, 900.0, 350.0, 500.0])


def test_no_plan_is_worse_by_either_signal() -> None:
    """Proves: on random shops the plan emits no more than the baseline by both signals and is the least of all lists
    that do not. Sensitivity: without the cap eight of twenty plans are worse by the other."""
    worse = 0
    for seed in range(20):
        dice = random.Random(seed)
        n, heats = dice.randint(5, 7), [dice.choice((1, 1, 2)) for _ in range(2)]
        average, marginal = ([round(dice.uniform(20, 500), 1) for _ in range(n)] for _ in range(2))
        case = request(average, marginal, heats)
        plan = make_plan(case, PLAIN)
        assert plan.schedule is not None
        assert plan.replay_figures is not None
        ours, theirs = plan.replay_figures, plan.baseline_figures
        assert ours.carbon_kg <= theirs.carbon_kg + 1e-6
        assert (ours.other_carbon_kg or 0.0) <= (theirs.other_carbon_kg or 0.0) + 1e-6
        worth = case.inputs["carbon_intensity_kg_per_mwh"].to_numpy()
        other = case.inputs["marginal_carbon_intensity_kg_per_mwh"].to_numpy()
        least = optimum(case, worth, [(other, theirs.other_carbon_kg or 0.0)])
        assert plan.objective == pytest.approx(least, rel=1e-6)
        free = make_plan(request(average, marginal, heats, other_signal=OtherSignal.OFF), PLAIN).replay_figures
        assert free is not None
        worse += (free.other_carbon_kg or 0.0) > (theirs.other_carbon_kg or 0.0) + 1e-6
    assert worse >= 8


def test_what_the_cap_costs_is_said() -> None:
    """Proves: the plan without the cap stands among the points of the front, and the headline says what it would save
    more and emit more by the other signal. Sensitivity: a point with the cap."""
    case = request(*CROSSED, [1, 1])
    plan = make_plan(case, replace(PLAIN, front=True))
    point = next(each for each in plan.choices if each.name == ONE_SIGNAL)
    free = make_plan(request(*CROSSED, [1, 1], other_signal=OtherSignal.OFF), PLAIN).replay_figures
    assert free is not None
    assert point.figures.carbon_kg == pytest.approx(free.carbon_kg)
    first = headline(plan)
    assert first is not None
    assert first.one_signal == pytest.approx(
        (plan.replay_figures.carbon_kg - free.carbon_kg, free.other_carbon_kg - plan.baseline_figures.other_carbon_kg)  # type: ignore[union-attr, operator]
    )
    assert any(line.startswith("A draft by the average intensity alone saves") for line in lines(first))


def test_the_cap_as_an_amount_is_the_same_cap() -> None:
    """Proves: planned with the baseline's amount in its place the plan is the same. Sensitivity: direct emissions left
    out of the amount."""
    case = request(*CROSSED, [1, 2])
    limits = caps.fixed(case, twin.envelope(case), twin.dispatch(case))
    assert limits.other_signal == "off"
    amount = case.model_copy(update={"goal": case.goal.model_copy(update={"caps": limits})})
    assert make_plan(amount, PLAIN).objective == pytest.approx(make_plan(case, PLAIN).objective)


@pytest.mark.parametrize(
    ("changes", "capped"),
    [
        ([], True),
        (["goal.caps.other_signal=off"], False),
        (["goal.minimize=cost"], False),
        (["goal.minimize=cost", "goal.caps.other_signal=no_worse"], True),
        (["goal.caps.other_carbon_kg=3000 t"], False),
        (["market.marginal_carbon_intensity_kg_per_mwh=null"], False),
    ],
)
def test_the_cap_is_the_default_where_both_series_are_given(changes: list[str], capped: bool) -> None:
    """Proves: carbon with both series, or by name. Sensitivity: a cap on plans of least cost."""
    assert no_worse(scenarios.load("melt-shop-small", changes)) is capped


def test_a_cap_without_its_series_is_refused() -> None:
    """Proves: one line with key and reason. Sensitivity: a cap that silently does not hold."""
    changes = ["market.marginal_carbon_intensity_kg_per_mwh=null", "goal.caps.other_signal=no_worse"]
    with pytest.raises(ScenarioError, match=r"goal\.caps\.other_signal: needs both intensities"):
        scenarios.load("melt-shop-small", changes)
