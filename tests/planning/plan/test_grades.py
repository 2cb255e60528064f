"""Caps on the embedded emissions of a grade: obeyed by the model, checked by the twin's ledger."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emberline.planning.plan import Plan
from emberline.planning.plan.pipeline import follow
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.compliance import product_emissions
from emberline.scenarios import Case, ScenarioError, loads

TEXT = """
name: two-grades
horizon: {{start: 2026-03-10T00:00+00:00, length_h: 8, step_min: 60}}
line:
  stages:
  - name: melt
    units: [{{name: M, power_mw: 20}}]
    emissions: [{{source: electrodes, kg_per_t: 10}}]
  grades:
  - {{name: heavy, mass_t: 10, duration_min: {{melt: 60}}}}
  - {{name: light, mass_t: 10, duration_min: {{melt: 60}}, energy_kwh_per_t: {{melt: 1000}}}}
orders:
- {{name: A, heats: [{{grade: heavy, count: 2}}]}}
- {{name: B, heats: [{{grade: light, count: 2}}]}}
site: {{base_load_mw: 1}}
market: {{price_per_mwh: 50, carbon_intensity_kg_per_mwh: 500}}
goal: {{gap: 0, caps: {{extra_cost_share: null, embedded_kg_per_t: {caps}}}, {goal}}}
"""
BASE_KG = (100 * 2 + 500 * 6) / 4
"""Of the base load, by mass, for each heat."""


def shop(caps: str, goal: str = "signal: average") -> Case:
    """Two clean hours, six dirty ones, two heavy heats of 20 MWh and two light ones of 10 MWh."""
    built = loads(TEXT.format(caps=caps, goal=goal))
    name = "carbon_intensity_kg_per_mwh"
    kg = np.array([500.0, 500, 100, 100, 500, 500, 500, 500])
    return built.with_inputs(built.inputs.assign({name: built.inputs[name].copy(data=kg)}))


def kg_per_t(result: Plan) -> dict[str, float]:
    """What grades carry by the ledger of the replay."""
    assert result.ledger is not None
    return {name: 1000 * one.see_total for name, one in product_emissions(result.scenario, result.ledger).items()}


@pytest.mark.parametrize(
    ("caps", "light", "heavy"),
    [
        ("{}", 500.0, 200.0),
        ("{light: 400}", 300.0, 600.0),
        ("{light: 200}", 100.0, 1000.0),
        ("{light: 400, heavy: 700}", 300.0, 600.0),
    ],
)
def test_a_cap_gives_the_grade_its_clean_hours(caps: str, light: float, heavy: float) -> None:
    """Proves: the least carbon under the cap, by hand: 10 kg/t of electrodes, 80 kg/t of base load, and the mean of
    the hours that the grade has. Sensitivity: a cap on the site in place of the grade; the base load left out."""
    result = make_plan(shop(caps), PLAIN, replications=0)
    assert result.acceptable, result.verdict
    remaining = 10 + BASE_KG / 10
    assert kg_per_t(result) == pytest.approx({"light": light + remaining, "heavy": heavy + remaining}, rel=1e-9)


def test_the_goal_on_a_grade_gives_it_all_clean_hours() -> None:
    """Proves: both light heats lie in the clean hours, though the site emits more by it; the answer says that it is
    the best found. Sensitivity: a search that stops at the first plan that is lower."""
    result = make_plan(shop("{}", "grade: light"), PLAIN, replications=0)
    assert result.acceptable, result.verdict
    assert kg_per_t(result)["light"] == pytest.approx(100 + 10 + BASE_KG / 10, rel=1e-9)
    assert result.status == "best found"
    assert "light carries 190.0 kg CO2e/t, the least that" in result.verdict


def test_caps_that_cannot_be_kept_together_have_no_plan() -> None:
    """Proves: two grades cannot both have the clean hours, and that is said. Sensitivity: a cap that only guides."""
    result = make_plan(shop("{light: 200, heavy: 400}"), PLAIN, replications=0)
    assert not result.has_schedule
    assert result.ruled_out


def test_a_run_above_its_cap_is_not_acceptable() -> None:
    """Proves: the twin's ledger judges a schedule, whoever made it. Sensitivity: a schedule followed as it is."""
    free = make_plan(shop("{}"), PLAIN, replications=0)
    assert free.schedule is not None
    capped = follow(shop("{light: 400}"), schedule=free.schedule, replications=0)
    assert not capped.acceptable
    assert "light carries 590.0 kg CO2e/t by the twin's ledger, its cap is 400.0" in capped.verdict


@pytest.mark.parametrize(
    ("caps", "goal", "words"),
    [
        ("{medium: 200}", "signal: average", "goal.caps.embedded_kg_per_t.medium: unknown grade 'medium'"),
        ("{light: -1}", "signal: average", "goal.caps.embedded_kg_per_t.light: must be more than 0"),
        ("{}", "grade: medium", "goal.grade: unknown grade 'medium'"),
        ("{}", "grade: light, minimize: cost", "goal.grade: goes with minimize: carbon, not cost"),
    ],
)
def test_caps_that_mean_nothing_are_refused(caps: str, goal: str, words: str) -> None:
    """Proves: each by its key. Sensitivity: a misspelt grade that counts as no cap."""
    with pytest.raises(ScenarioError, match=words):
        shop(caps, goal)


def test_the_model_counts_what_the_ledger_does() -> None:
    """Proves: the same kilograms by grade from the schedule's slots and from the replay, with reheating and casts.

    Sensitivity: reheating of another grade's heats, a cast by the first of its heats."""
    from cast_shops import search
    from cast_shops import shop as cast_shop
    from shops import cast

    from emberline import twin
    from emberline.models.problem.assignment import from_schedule
    from emberline.models.problem.constants import grade_caps
    from emberline.planning.accounts.ledger import ledger

    built = cast_shop(3, orders=[cast("A", 2), cast("B", 1)])
    grade = built.heats[0].grade.name
    caps: dict[str, Any] = {"embedded_kg_per_t": {grade: 1.0}}
    built = built.model_copy(
        update={"goal": built.goal.model_copy(update={"caps": built.goal.caps.model_copy(update=caps)})}
    )
    state = search(built)
    schedule = twin.dispatch(built, twin.envelope(built))
    starts = from_schedule(state.problem, schedule)
    assert starts is not None
    (cap,) = grade_caps(built, twin.envelope(built))
    flows = state.flows(starts)
    assert flows is not None
    mine = state.carried_kg(cap, starts, flows) - cap.top_kg
    product = product_emissions(built, ledger(built, twin.replay(built, schedule)))[grade]
    assert mine == pytest.approx((1000 * product.see_total - 1.0) * product.tonnes, rel=1e-6)


def test_the_model_counts_mixed_casts_and_pv_as_the_ledger_does() -> None:
    """Proves: the same kilograms for each of eleven grades, some of which share a cast, on a site with PV.

    Sensitivity: PV that counts for all heats alike, a cast whose heats all draw at its mean."""
    from emberline import twin
    from emberline.models.formulations.site import objective as aims
    from emberline.models.formulations.site.dispatch import Dispatcher
    from emberline.models.problem import line_reader
    from emberline.models.problem import site as sites
    from emberline.models.problem.assignment import from_schedule
    from emberline.models.problem.line_reader import with_floors
    from emberline.models.search.incumbent import Search
    from emberline.planning.accounts.ledger import grades_kg_per_t, ledger
    from emberline.scenarios import load

    grades = sorted({heat.grade.name for heat in load("melt-shop-day").heats})
    caps = ", ".join(f"{grade}: 1" for grade in grades)
    day = load("melt-shop-day", [f"goal.caps.embedded_kg_per_t={{{caps}}}"])
    envelope = twin.envelope(day)
    schedule = twin.dispatch(day, envelope)
    problem, data = with_floors(line_reader.from_scenario(day, envelope)), sites.read(day, envelope)
    search = Search(
        problem=problem, data=data, aim=aims.of(day, envelope, data, schedule), limit=60, gap=0,
        on_progress=lambda event: None, cancel=lambda: False, dispatching=Dispatcher,
    )  # fmt: skip
    starts = from_schedule(problem, schedule)
    assert starts is not None
    flows = search.flows(starts)
    assert flows is not None
    theirs = grades_kg_per_t(day, ledger(day, twin.replay(day, schedule)))
    tonnes = {grade: sum(heat.grade.mass_t for heat in day.heats if heat.grade.name == grade) for grade in grades}
    mine = {cap.grade: 1 + (search.carried_kg(cap, starts, flows) - cap.top_kg) / tonnes[cap.grade]
            for cap in search.aim.grades}  # fmt: skip
    assert mine == pytest.approx(theirs, rel=1e-6)
