"""Objective, bound and gap of schedules that are stored, compared and put in the place of others."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from enumerated_shops import best, shop
from plan_sequences import faults, sequence

from emberline import twin
from emberline.models import Study
from emberline.models.search.record import Record
from emberline.models.search.schedule import outcome
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import Search, follow, substitute
from emberline.planning.plan.proof import judge, proven
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replan import without_margins
from emberline.planning.planner import PLAIN, make_plan
from emberline.runs.store.starts import stored_starts
from emberline.runs.store.store import Store
from emberline.scenarios import Case
from emberline.scenarios.metrics import ContradictionError

INTENSITY = [900.0, 100.0, 500.0, 300.0, 400.0, 50.0]


def request(minimize: str = "carbon", **remaining: float) -> Case:
    """Two heats of an hour; electricity costs a hundredth of a EUR where it is dirtiest."""
    built = shop(INTENSITY, [1, 1], minimize=minimize)
    price = built.inputs["price_per_mwh"]
    prices = price.copy(data=np.array(INTENSITY) / 100 + 10)
    built = built.with_inputs(built.inputs.assign(price_per_mwh=prices))
    goal = built.goal.model_copy(update=remaining)
    return built.model_copy(update={"goal": goal})


def poor() -> tuple[Plan, float]:
    """A plan of least carbon that is the baseline's, with a bound, and what the best emits."""
    truth = best(request())
    assert truth is not None
    result = follow(request(), schedule=twin.dispatch(request()))
    assert result.objective is not None
    assert result.objective > truth.kg + 1
    return proven(dataclasses.replace(result, status="best found"), truth.kg - 50), truth.kg


def test_a_schedule_of_another_goal_counts_by_the_goal_of_the_plan(tmp_path: Path) -> None:
    """Proves: a schedule of least cost in the place of a plan of least carbon has objective, constant, bound and gap of
    that, in its file too, and what is stored is compared by it: the same request is not proven by its own EUR.

    Sensitivity: attributes of the search for cost, 10.75 per MWh, below every bound in kg."""
    base, least = poor()
    cheap = make_plan(request("cost"), PLAIN)
    assert cheap.schedule is not None
    after = substitute(base, cheap.schedule, Baseline.of(request()))
    assert after.schedule is not None
    assert after.objective == pytest.approx(least)
    assert after.bound == base.bound
    assert after.gap == pytest.approx(50 / least)
    for name in ("objective", "constant", "bound", "gap", "status"):
        assert after.schedule.attrs[name] == getattr(after, name)
    assert after.schedule.attrs["goal"] == "carbon"
    store = Store(tmp_path)
    with store.working(after.scenario) as run:
        store.save(run, after)
    again = make_plan(request(effort=1e-3), PLAIN, search=Search(keep=stored_starts(store, request()).keep))
    assert again.objective == pytest.approx(least)
    assert again.gap is not None
    assert again.gap * least <= 50 + 1e-6
    assert again.bound is not None
    assert again.bound <= least + 1e-6


class Ended(Record):
    """A search that is over with a plan worth 10."""

    @property
    def value(self) -> float:
        return 10.0


def test_a_bound_above_a_plan_is_an_error() -> None:
    """Proves: wherever a bound meets a plan that refutes it, in a search, in a record or in the place of another plan,
    the end is an error and no gap of 0; a list whose starts may lie between steps refutes none, and then nothing is
    proven.

    Sensitivity: ``max(value - bound, 0)``; a search that drops its bound."""
    result = make_plan(request(), PLAIN)
    assert result.objective is not None
    assert result.schedule is not None
    with pytest.raises(ContradictionError, match="lies above a plan"):
        dataclasses.replace(result, bound=result.objective + 1)
    with pytest.raises(ContradictionError, match="lies above a plan"):
        proven(result, result.objective + 1)
    with pytest.raises(ContradictionError, match="lies above a plan"):
        outcome(Ended(limit=1.0, gap=0.0, on_progress=print, cancel=lambda: False, bound=11.0), ("", ""))
    listed = follow(request(), schedule=twin.dispatch(request()))
    assert listed.objective is not None
    after = proven(listed, listed.objective + 1)
    assert (after.bound, after.gap, after.status) == (None, None, "best found")
    assert proven(listed, listed.objective - 1).gap == pytest.approx(1 / listed.objective)


def test_a_stored_objective_is_counted_again(tmp_path: Path) -> None:
    """Proves: a run whose file has the objective of another goal is worth what its schedule is, and its bound nothing;
    one whose bound lies above its objective is read without it. Sensitivity: what is stored is believed."""
    result, store = make_plan(request(), PLAIN), Store(tmp_path)
    with store.working(result.scenario) as run:
        store.save(run, result)
    path = store.path(run) / "plan.json"
    for objective, bound in ((9e9, 8e9), (10.0, 20.0)):
        record = json.loads(path.read_text(encoding="utf-8"))
        record["summary"] |= {"objective": objective, "bound": bound, "gap": 0.0, "status": "within gap"}
        path.write_text(json.dumps(record), encoding="utf-8")
        same = stored_starts(store, request()).same
        assert same is not None
        assert same.objective == pytest.approx(result.objective)
        assert (same.bound, same.gap, same.status) == (None, None, "best found")
    assert store.open(run).plan.bound is None


def test_a_bound_of_margins_is_none_without_them() -> None:
    """Proves: planned again without its margins, a plan takes along no bound of plans with them, from its schedule
    either. Sensitivity: the schedule's attributes, by which the plan with margins would be proven the best."""
    margins = {"replications": 0, "due_margin_min": 60.0}
    case = shop(INTENSITY, [1, 1], disturbances=margins)
    tight = make_plan(case, PLAIN)
    free = best(shop(INTENSITY, [1, 1]))
    assert tight.objective is not None
    assert free is not None
    assert tight.objective > free.kg + 1
    free_request = dataclasses.replace(without_margins(tight), scenario=shop(INTENSITY, [1, 1]))
    study = Study()
    again = make_plan(free_request.scenario, PLAIN, before=free_request, search=Search(study=study))
    assert again.objective == pytest.approx(free.kg)
    assert again.bound is not None
    assert again.bound <= free.kg + 1e-6


def test_a_plan_next_to_a_day_that_was_run_is_none_of_the_same_request(tmp_path: Path) -> None:
    """Proves: caps and bounds that count from another baseline are not taken over. Sensitivity: the same scenario."""
    result, store = make_plan(request(), PLAIN), Store(tmp_path)
    with store.working(result.scenario) as run:
        store.save(run, result)
    ran = Baseline.of(request())
    assert stored_starts(store, request(), ran).same is not None
    vars(ran)["figures"] = dataclasses.replace(ran.figures, cost=ran.figures.cost + 1)
    assert stored_starts(store, request(), ran).same is None


@pytest.mark.parametrize("seed", [3, 7])
def test_a_sequence_of_requests_leaves_true_numbers(seed: int, tmp_path: Path) -> None:
    """Proves: goal, step, margins, limits and caps change in one home, and each stored objective is that of an
    independent count, no bound lies above it or the optimum, no gap below the true one (200 of them:
    ``python -m benchmarks sequences``). Sensitivity: numbers of the plan before."""
    store = Store(tmp_path)
    for scenario in sequence(seed, 3):
        with store.working(scenario) as run:
            store.save(run, make_plan(scenario, starts=stored_starts(store, scenario)))
        assert faults(scenario, store.path(run)) == []


def test_each_kind_of_plan_is_judged_as_its_search_counts() -> None:
    """Proves: objective and constant of a judged schedule are those of the search, for lines (sites:
    ``tests/planning/accounts/test_purchase.py``). Sensitivity: a part of the goal that is counted twice."""
    for case in (request(), request("cost_with_carbon_price")):
        result = make_plan(case, PLAIN)
        assert result.schedule is not None
        attrs = judge(result.scenario, result.envelope, result.schedule).attrs
        assert (attrs["objective"], attrs["constant"]) == pytest.approx((result.objective, result.constant))
        assert math.isnan(attrs["bound"])
