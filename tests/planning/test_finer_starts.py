"""Starts between steps: what they save, how often they hold, and what follows of a plan that has them."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import numpy as np
import planned
import pytest
import xarray as xr
from ruled_days import GAP, Day, slack, trial

from emberline.models.strategies.redispatch import Redispatch
from emberline.planning.engine.engine import Engine
from emberline.planning.loop.finer_starts import FinerStarts
from emberline.planning.plan.alternatives.nearest import neighbours
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import Search, substitute
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replan import with_locks
from emberline.planning.planner import PLAIN, Steps, make_plan
from emberline.planning.robustness.holding.hold import seed_of
from emberline.planning.robustness.holding.violation_amounts import violation_amounts
from emberline.scenarios import Case, load
from emberline.scenarios.records.orders import Lock
from emberline.studies.board import HeatBoard, of_plan
from emberline.studies.why.question import why
from emberline.studies.why.resolver import better_of

DAYS = 60
MADE_TO_HOLD = Steps(front=False, rules=False, again=False)


def two_casts() -> Case:
    """A day of five heats whose durations scatter by a tenth."""
    return planned.shop(
        orders=[{"name": name, "heats": [{"grade": "G", "count": count}]} for name, count in (("A", 3), ("B", 2))],
        disturbances={"duration_spread": 0.1, "replications": 2},
        goal={"gap": 0.05, "effort": 60},
        tolerances={"wait_min": 0, "cast_gap_min": 0},
    )


@cache
def drafts() -> dict[str, Plan]:
    """The reference day on steps, and at other times by the price of slack."""
    scenario = load("melt-shop-day", ["goal.effort=2", "goal.caps.other_signal=off"])
    draft = make_plan(scenario, PLAIN, replications=0)
    assert draft.schedule is not None
    baseline = Baseline.of(scenario)
    starts = FinerStarts(scenario, draft.envelope, draft.schedule, baseline.start)
    plans = {"draft": draft}
    for price in (0.0, 0.3, 1.0):
        schedule = starts.at(price)
        assert schedule is not None
        plans[f"{price:g}"] = substitute(draft, schedule, baseline)
    return plans


def kept_days(plan: Plan) -> int:
    """Days of the same sixty on which a plan keeps all limits."""
    assert plan.schedule is not None
    days = violation_amounts(plan.scenario, plan.schedule, DAYS, Engine(), seed=11)
    assert days is not None
    return days.successes


def test_between_steps_more_is_saved_and_more_days_hold() -> None:
    """Proves: without a price of slack the same list saves more than on steps, and the more slack is worth, the less it
    saves and the more often it holds; the draft's bound speaks of steps alone. Sensitivity: starts that stay on steps.
    """
    plans = drafts()
    objectives = [plans[name].objective or 0.0 for name in ("0", "0.3", "1")]
    assert objectives == sorted(objectives)
    assert objectives[0] < (plans["draft"].objective or 0.0)
    assert kept_days(plans["draft"]) + DAYS // 2 < kept_days(plans["0.3"])
    assert kept_days(plans["0"]) < kept_days(plans["0.3"])
    for name in ("0", "0.3", "1"):
        plan = plans[name]
        assert plan.acceptable
        assert plan.bound is None or plan.bound <= (plan.objective or 0.0)
        assert plan.between_steps


def test_starts_lie_on_moments_and_both_engines_agree() -> None:
    """Proves: casts and operations begin on whole moments, some of them between steps; order and units are those of the
    draft; load and import of schedule and twin are the same. Sensitivity: a load of the draft's starts."""
    draft, plan = drafts()["draft"].schedule, drafts()["0.3"]
    schedule, run = plan.schedule, plan.replay
    assert draft is not None
    assert schedule is not None
    assert run is not None
    assert (schedule["unit"].values == draft["unit"].values).all()
    starts = schedule["start_min"].sel(stage=["melting"]).to_numpy()
    before = draft["start_min"].sel(stage=["melting"]).to_numpy()
    assert np.abs(starts % 5).max() < 1e-9
    assert (np.abs(starts - before) > 1).any()
    assert (starts % 15 > 1).any()
    for name in ("line_mw", "import_mw"):
        assert np.allclose(schedule[name], run[name], atol=1e-6)


@pytest.mark.parametrize(("holding", "prices"), [({0.1, 0.3}, [0.3, 0.1, 0.0]), ({0.3}, [0.3, 0.1]), (set(), None)])
def test_the_cheapest_that_holds_is_taken(holding: set[float], prices: list[float] | None) -> None:
    """Proves: from the first price on lower ones follow while the plan holds, and the plan is the best by the goal of
    those that hold; where the first does not, margins are raised.
    Sensitivity: the first that holds, the dearest, or a search with margins that is not needed."""
    lists, at = dict[float, xr.Dataset | None](), FinerStarts.at

    def between(starts: FinerStarts, price: float) -> xr.Dataset | None:
        lists[price] = at(starts, price)
        return lists[price]

    case = two_casts()
    steering = seed_of(case, "steering 0")

    def rule(now: Case, day: int, seed: int) -> Day:
        holds = next(reversed(lists), None) in holding or seed != steering
        return {GAP: 10.0 - slack(now)} if day < 50 and not holds and slack(now) < 10 else {}

    run = trial(rule, case=case, between=between)
    assert run.result.status == "holds"
    if prices is None:
        assert slack(run.result.robust.scenario) == 10
        assert set(lists) == {0.3, 0.1, 0.0}
        return
    assert list(lists) == prices
    assert len(run.lists.requests) == 1
    plan = run.result.robust
    objectives = [float(one.attrs["objective"]) for price, one in lists.items() if one is not None and price in holding]
    assert plan.objective == pytest.approx(min(objectives))
    assert plan.between_steps


@cache
def printed() -> Plan:
    """A day of two casts that is made to hold. Not to be changed."""
    return make_plan(two_casts(), MADE_TO_HOLD, days=60)


def test_the_board_has_its_moments() -> None:
    """Proves: the board of a plan between steps counts in moments and has nothing against its places; a move by one of
    them is a lock there. Sensitivity: steps of a quarter of an hour, or margins as rules."""
    plan = printed()
    assert plan.between_steps
    board = of_plan(plan)
    assert isinstance(board, HeatBoard)
    assert board.problem.step_min == 5
    assert board.conflicts({}) == []
    key = board.key_of["A-1", "melting"]
    unit, slot = board.place(key)
    lock = board.lock(key, (unit, slot + 1))
    assert lock.start == timedelta(minutes=5 * (slot + 1))
    rules = board.rules()
    assert len(rules["worth"]["values"]) == rules["slots"] == 288


@pytest.mark.parametrize("by", [-5.0, 5.0])
def test_a_lock_between_steps_is_kept_to_the_moment(by: float) -> None:
    """Proves: a heat that is locked a moment earlier or later is planned there, and the rest of the plan is as near to
    what it was as can be. Sensitivity: the next step, or a plan from scratch."""
    plan = printed()
    assert plan.schedule is not None
    start = float(plan.schedule["start_min"].sel(heat="B-1", stage="melting"))
    lock = Lock(heat="B-1", stage="melting", start=timedelta(minutes=start + by))
    scenario = with_locks(plan.scenario, [lock])
    near = neighbours(scenario, plan.envelope, plan.schedule)
    after = make_plan(scenario, PLAIN, before=plan, search=Search(others=near))
    assert after.acceptable
    assert after.schedule is not None
    assert float(after.schedule["start_min"].sel(heat="B-1", stage="melting")) == start + by
    moved = np.abs(after.schedule["start_min"].to_numpy() - plan.schedule["start_min"].to_numpy()) > 1
    assert 0 < moved.sum() < moved.size / 2


def test_the_site_around_it_is_used_as_before() -> None:
    """Proves: the best use of the site for the heats of a plan between steps is the plan's own.

    Sensitivity: heats taken to steps."""
    plan = printed()
    assert plan.schedule is not None
    best = Redispatch(plan.scenario, plan.envelope, None).best(plan.schedule)
    assert best.schedule is not None
    assert best.schedule.attrs["objective"] == pytest.approx(plan.objective)
    assert best.schedule["start_min"].equals(plan.schedule["start_min"])


def test_why_of_a_heat_between_steps() -> None:
    """Proves: a question about a heat is answered, a lock a moment later among the answers, without a claim of a bound.

    Sensitivity: an assertion that starts lie on steps."""
    answer = why(printed(), heat="A-1", stage="melting", time_limit_s=5)
    assert {one.key for one in answer.answers} >= {"earlier", "later"}
    assert all(one.low is None for one in answer.answers)
    assert any(one.schedule is not None for one in answer.answers)


def test_locks_between_steps_are_refused_where_plans_stay_on_them() -> None:
    """Proves: a plan that need not hold starts heats on steps, and a lock between is refused; one on no moment always.
    Sensitivity: a search that cannot keep it."""

    def overrides(minute: float, *more: str) -> list[str]:
        return [f"locks=[{{heat: C1-1, stage: melting, start: {minute:g} min}}]", *more]

    assert load("melt-shop-small", overrides(185)).moment_min == 5
    for wrong in (overrides(185, "goal.hold=off"), overrides(187)):
        with pytest.raises(Exception, match="lies between steps of"):
            load("melt-shop-small", wrong)


def test_a_bound_on_steps_is_not_said_of_a_list_between_them() -> None:
    """Proves: a list between steps that takes the place of a search's schedule has no bound, though it is better than
    the bound of that search; one on steps has it. Sensitivity: a plan below its bound, which ends with an error."""
    schedule = printed().schedule
    assert schedule is not None
    search = schedule.assign_attrs(found=1, objective=110.0, bound=105.0, constant=0.0)
    between = schedule.assign_attrs(objective=100.0)
    on_steps = between.assign_attrs()
    del on_steps.attrs["grid_min"]
    assert np.isnan(better_of(search, between).attrs["bound"])
    assert better_of(search, on_steps).attrs["bound"] == 105
