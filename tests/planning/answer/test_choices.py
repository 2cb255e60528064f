"""The quick front of a plan: each point is what it says, and none is worse than another at it."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from emberline import twin
from emberline.planning import Plan, follow
from emberline.planning.answer import answer, other_points
from emberline.planning.answer.choices import with_choices
from emberline.planning.engine.progress import Deadline
from emberline.planning.plan.alternatives import Choice
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.text.language import spoken
from emberline.reports.text.messages import say
from emberline.runs.store import Store
from emberline.scenarios import load, loads
from emberline.scenarios.goal_metrics import goal_text

MILL = """
name: mill-house
horizon: {start: 2026-03-09, zone: UTC, length_h: 12, step_min: 60}
site: {grid: {metered_interval_min: 60}}
stores: [{name: cement, capacity_t: 2000 t, level_t: 500 t, end_level_t: 500 t}]
processes: [{name: mill, rate: 100 t/h, power_mw: 4, outputs: [{store: cement}]}]
deliveries: [{name: trucks, store: cement, rate: 25 t/h}]
market:
  price_per_mwh: {table: de_typical_2018, column: price_eur_per_mwh}
  carbon_intensity_kg_per_mwh: {table: de_typical_2018, column: carbon_intensity_average_kg_per_mwh}
disturbances: {replications: 0}
goal: {minimize: cost, gap: 0.1 %, effort: 10, caps: {extra_cost_share: null}}
"""


@pytest.fixture(scope="module")
def dirty() -> Plan:
    """A mill that is cheapest when electricity is dirtiest."""
    case = loads(MILL)
    price = case.inputs["price_per_mwh"]
    intensity = case.inputs["carbon_intensity_kg_per_mwh"]
    again = case.inputs.assign(carbon_intensity_kg_per_mwh=("time", 600.0 - 4 * price.to_numpy(), intensity.attrs))
    return make_plan(case.with_inputs(again), PLAIN)


def test_three_points_of_a_small_shop(tmp_path: Path) -> None:
    """Proves: next to the plan of least carbon stand one of least carbon that costs no more than the baseline, for
    which some carbon is given up, and one of least cost; figures are those of the undisturbed replays, the sentence
    says each, and a stored run gives them back. Sensitivity: no-regret that costs more; a point another one beats."""
    result = make_plan(load("melt-shop-small", ["goal.gap=8 %", "disturbances.replications=0"]), PLAIN)
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
    assert (
        "To choose from, undisturbed: least carbon, cost at most 2 % above the baseline's (this plan): " in first.says
    )
    assert "; least carbon, cost not above the baseline's: " in first.says
    store = Store(tmp_path / "home")
    with store.working(result.scenario) as run:
        store.save(run, front)
    assert store.open(run).plan.choices == front.choices


def test_a_plan_that_a_point_beats_gives_way() -> None:
    """Proves: where a search for another point comes upon less carbon than the plan has, that schedule is the plan,
    with the plan's bound and the gap to it, and the objective falls as the twin's carbon; unless the judge refuses.
    Sensitivity: a plan called least carbon next to one with less."""
    result = make_plan(load("melt-shop-small", ["goal.gap=60 %", "disturbances.replications=0"]), PLAIN)
    front = with_choices(result, deadline=Deadline(300.0), judge=lambda better: better)
    assert result.replay_figures is not None
    assert front.replay_figures is not None
    assert front.replay_figures.carbon_kg < result.replay_figures.carbon_kg - 1
    assert max(front.choices, key=lambda point: point.carbon_kg).is_plan
    assert front.objective is not None
    assert front.bound is not None
    assert front.bound == result.bound
    assert result.objective is not None
    gain = result.replay_figures.carbon_kg - front.replay_figures.carbon_kg
    assert result.objective - front.objective == pytest.approx(gain, rel=1e-6)
    assert front.gap == pytest.approx((front.objective - front.bound) / front.objective)
    assert with_choices(result, deadline=Deadline(300.0), judge=lambda _: None).schedule is result.schedule


def test_what_was_not_searched_is_no_point(dirty: Plan) -> None:
    """Proves: next to a plan of least cost that emits more than the baseline no point is named while there was no time
    to search for any, and what was not searched is said; with time least carbon is another plan, below the baseline.
    Sensitivity: the plan itself as the least carbon known."""
    saved = dirty.saved()
    assert saved["carbon_kg"] < 0 < saved["cost"]
    late = with_choices(dirty, deadline=Deadline(0.0))
    assert [point.name for point in late.choices] == ["least cost"]
    assert late.omissions == (
        "No time was left to search for: least carbon, whatever it costs; least carbon, cost not above the baseline's.",
    )
    assert _says(late) == []
    calm = with_choices(dirty, deadline=Deadline(300.0))
    assert calm.omissions == ()
    points = {point.name: point for point in calm.choices}
    assert points["least carbon"].carbon_kg > 0
    assert not any(point.worse for point in calm.choices)


def test_a_point_that_is_worse_than_the_baseline_is_not_named(dirty: Plan) -> None:
    """Proves: a stored front whose least carbon emits more than the baseline is not named as one; where short searches
    had nothing better than the plan, that is what is said. Sensitivity: one plan is called the best known for all."""
    assert dirty.replay_figures is not None
    cost = Choice("least cost", dirty.replay_figures, -3580.0, 100.0, "feasible", 0.1, is_plan=True)
    worse = dataclasses.replace(cost, name="least carbon", is_plan=False)
    assert _says(dataclasses.replace(dirty, choices=(worse, cost))) == []
    same = [dataclasses.replace(point, carbon_kg=20.0) for point in (worse, cost)]
    assert _says(dataclasses.replace(dirty, choices=tuple(same))) == [
        "Short searches for other goals (least carbon, whatever it costs) ended with this plan, too."
    ]


def _says(result: Plan) -> list[str]:
    """The sentences on the front."""
    first = answer(result)
    assert first is not None
    return [line for line in first.lines if "least" in line or "choose" in line]


def test_a_goal_in_minutes_has_no_front() -> None:
    """Proves: a stored plan for least lateness is left as it is. Sensitivity: searches for carbon that nobody asked
    for."""
    case = load("melt-shop-small", ["goal.minimize=lateness", "disturbances.replications=0"])
    result = follow(case, schedule=twin.dispatch(case))
    assert with_choices(result).choices == ()


@pytest.mark.parametrize(
    ("goal", "share", "points"),
    [
        ("carbon", 0.02, [
            "least carbon, cost at most 2 % above the baseline's, more by the marginal intensity allowed",
            "least carbon, cost not above the baseline's", "least cost",
        ]),
        ("carbon", 0.0, [
            "least carbon, cost not above the baseline's, more by the marginal intensity allowed", "least carbon",
            "least cost",
        ]),
        ("cost", 0.02, [
            "least carbon, cost at most 2 % above the baseline's", "least carbon, cost not above the baseline's",
        ]),
        ("cost_with_carbon_price", None, [
            "least carbon, whatever it costs", "least carbon, cost not above the baseline's",
        ]),
        ("lateness", 0.02, []),
    ],
)  # fmt: skip
def test_a_point_is_said_in_the_words_of_its_goal(goal: str, share: float | None, points: list[str]) -> None:
    """Proves: what else can be searched is named as the goal of that search is named once it is the plan's, its cap on
    cost included, in both languages. Sensitivity: words for the goal that its settings do not make true."""
    base = load("melt-shop-small", [f"goal.minimize={goal}", f"goal.caps.extra_cost_share={json.dumps(share)}"])
    other = other_points(base)
    assert [str(words) for words, _ in other] == points
    for words, overrides in other if share else ():
        target = load("melt-shop-small", [f"goal.caps.extra_cost_share={share}", *overrides]).goal
        text = goal_text(target, "EUR").replace(" (average intensity)", "").replace("; ", ", ")
        assert text == words
    with spoken("zh"):
        assert not any(re.search("[a-z]{3}", say(words)) for words, _ in other)
