"""Who makes the plan and in what time, and what may take its place: by a clock of the test, without a search."""

from __future__ import annotations

import dataclasses
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from ruled_days import needs, shop, trial

from emberline.planning import planner
from emberline.planning.answer.choices import own_point, with_own
from emberline.planning.engine.progress import Deadline
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.record import Plan
from emberline.planning.plan.tuning import PLAN
from emberline.planning.planner import Steps, in_its_place, made_to_hold, make_plan


@cache
def base() -> Plan:
    """A plan that holds on all days, of objective 110; its draft has a bound of 90. Not to be changed."""
    return trial(needs(40, 10.0)).result.robust


def judged(**changes: Any) -> Plan:
    """The plan made again, of objective 105, as it is judged."""
    holding = base().holding
    assert holding is not None
    names = {field.name for field in dataclasses.fields(holding)}
    of_holding = {name: value for name, value in changes.items() if name in names}
    remaining = {name: value for name, value in changes.items() if name not in names}
    record = dataclasses.replace(holding, **{"rounds": 2, "seconds": 4.0, "limit_s": 7.0, "level": 0.5, **of_holding})
    return dataclasses.replace(base(), **{"objective": 105.0, "reason": "judged", "holding": record, **remaining})


BETTER = "better"
"""Reason of the plan that is to take the place."""


def instead(
    monkeypatch: pytest.MonkeyPatch, after: Plan, plan: Plan | None = None, better: Plan | None = None, **how: Any
) -> tuple[Plan | None, list[float]]:
    """What takes the place of a plan, and the time that is taken for spent [s]."""
    spent: list[float] = []

    def again(before: Plan, later: Plan, spent_s: float) -> Plan:
        spent.append(spent_s)
        return after

    monkeypatch.setattr(planner, "made_to_hold", again)
    now = [0.0]
    deadline = Deadline(300.0, clock=lambda: now[0])
    now[0] = how.pop("now", 100.0)
    return in_its_place(plan or base(), better or dataclasses.replace(base(), reason=BETTER), deadline, **how), spent


@pytest.mark.parametrize(
    ("changes", "replaces"),
    [
        ({}, True), ({"objective": 109.9}, True), ({"objective": 110.0}, False), ({"objective": None}, False),
        ({"holding": None}, False), ({"reached": False, "share": 0.99}, False), ({"reached": False}, True),
        ({"reached": True, "share": 0.9}, True),
    ],
)  # fmt: skip
def test_a_plan_takes_the_place_where_it_is_better_and_holds(
    changes: dict[str, Any], replaces: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: a plan of less objective takes the place where it reaches the level or holds as often; else none does.
    Sensitivity: an equal plan, one that was never judged, one that holds less often below the level."""
    after = judged(**changes) if "holding" not in changes else dataclasses.replace(judged(), holding=None)
    result, spent = instead(monkeypatch, after)
    assert (result is not None) == replaces
    assert spent == [130.0]
    assert instead(monkeypatch, judged(), dataclasses.replace(base(), objective=None))[0] is None


def test_the_record_of_what_takes_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: level, limit and draft stay, rounds and seconds add up, the price is counted from the same draft: what
    the plan before cost more and this one besides, by the baseline on its own days. Sensitivity: a price between both
    plans, the draft of the second search."""
    figures = base().replay_figures
    assert figures is not None
    price = {
        "carbon_kg": {"nominal": 5.0, "mean": 3.0, "baseline": 93.0}, "cost": {"nominal": 1.0, "baseline": 11.0},
        "peak_mw": {"nominal": 0.0, "mean": 1.0, "baseline": 4.0},
    }  # fmt: skip
    less = dataclasses.replace(figures, carbon_kg=figures.carbon_kg - 7.0, cost=figures.cost + 2.0)
    after = judged(price=price, draft_objective=1.0, draft_bound=0.5, replay_figures=less, omissions=("x",))
    holding = base().holding
    assert holding is not None
    missing = {name: dict(row) for name, row in holding.price.items()}
    del missing["cost"]["mean"]
    before = dataclasses.replace(
        base(), holding=dataclasses.replace(holding, price=missing, seconds=3.0), omissions=("none",)
    )
    result, _ = instead(monkeypatch, after, before)
    assert result is not None
    record = result.holding
    assert record is not None
    assert record.price == {
        "carbon_kg": {"nominal": -7.0, "mean": 10.0 + 90.0 - 93.0, "baseline": 93.0},
        "cost": {"nominal": 2.0, "baseline": 11.0}, "peak_mw": {"nominal": 0.0, "mean": 1.0, "baseline": 4.0},
    }  # fmt: skip
    assert (record.level, record.limit_s, record.rounds, record.seconds) == (0.8, 100.0, 5, 7.0)
    assert (record.draft_objective, record.draft_bound, record.draft_share) == (100.0, 90.0, 0.6)
    assert record.most_price == 15.0
    assert (result.reason, result.omissions) == (BETTER, ("none",))
    assert base().schedule is not None
    other = dataclasses.replace(after, schedule=base().schedule.copy())  # type: ignore[union-attr]
    result, _ = instead(monkeypatch, other, before)
    assert result is not None
    assert result.reason == "judged"
    unproven = dataclasses.replace(before, holding=dataclasses.replace(holding, draft_bound=None))
    result, _ = instead(monkeypatch, after, unproven)
    assert result is not None
    assert result.holding is not None
    assert result.holding.most_price is None


def test_time_to_judge_what_takes_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: without more than a second there is no judgement; a tenth of the limit is kept for what follows, or what
    is asked. A plan that needed not hold is replaced by any acceptable one. Sensitivity: a plan taken unjudged."""
    assert instead(monkeypatch, judged(), now=299.0) == (None, [])
    assert instead(monkeypatch, judged(), now=298.5)[1] == [328.5]
    assert instead(monkeypatch, judged(), now=50.0, spare=0.0)[1] == [50.0]
    draft = dataclasses.replace(base(), holding=None)
    better = dataclasses.replace(base(), reason=BETTER)
    result, spent = instead(monkeypatch, judged(), draft, better, now=299.5)
    assert (result, spent) == (better, [])
    assert instead(monkeypatch, judged(), draft, dataclasses.replace(better, schedule=None))[0] is None


class Loop:
    """In the place of the loop: remembers how it was called, and answers with a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.calls = plan, list[dict[str, Any]]()

    def __call__(self, scenario: Any, engine: Any, **how: Any) -> Any:
        self.calls.append({"scenario": scenario, "workers": engine.workers, **how})
        return SimpleNamespace(robust=self.plan)


@pytest.mark.parametrize(("spent", "remaining"), [(20.0, 40.0), (59.5, 1.0), (1e6, 1.0)])
def test_a_plan_made_again_has_the_time_that_is_left(
    spent: float, remaining: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: the loop gets what is left of the goal's 60 s, a second at least, the level of the plan before and 400
    days; the goal and what was asked stay. Nothing is judged where the plan before needed not hold, where it is the
    same, or where it is no plan. Sensitivity: the level as a goal of the plan, time that begins again."""
    holding = base().holding
    assert holding is not None
    before = dataclasses.replace(base(), holding=dataclasses.replace(holding, request={"due_margin_min": 3.0}))
    case = base().scenario.model_copy(update={"goal": shop().goal})
    after = dataclasses.replace(base(), scenario=case, holding=None)
    loop = Loop(base())
    monkeypatch.setattr(planner, "hold", loop)
    result = made_to_hold(before, after, spent)
    (call,) = loop.calls
    assert (call["work"], call["level"], call["replications"], call["whole"]) == (remaining, 0.8, 400, True)
    assert (call["plain"], call["workers"]) == (after, 1)
    assert (base().scenario.goal.hold, result.scenario.goal) == (0.8, shop().goal)
    assert result.holding is not None
    assert result.holding.request == {"due_margin_min": 3.0}
    loop.plan = dataclasses.replace(base(), holding=None)
    assert made_to_hold(before, after, spent).holding is None
    assert made_to_hold(before, before, spent) is before
    assert made_to_hold(dataclasses.replace(before, holding=None), after, spent) is after
    none = dataclasses.replace(after, schedule=None)
    assert made_to_hold(before, none, spent) is none
    assert len(loop.calls) == 2


def test_a_draft_or_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where a plan need not hold, a draft is made in the time that is left, a second at least, and keeps the
    scenario's own limit; else the loop has one deadline for all and 400 days. Sensitivity: a limit that begins again
    after the draft."""
    loop, goals = Loop(base()), list[float]()

    def search(scenario: Any, **how: Any) -> Plan:
        goals.append(scenario.goal.budget)
        return dataclasses.replace(base(), scenario=scenario)

    monkeypatch.setattr(planner, "hold", loop)
    monkeypatch.setattr(planner, "draft", search)
    off, alone = shop(replications=0), Steps(front=False, rules=False)
    now = [0.0]
    deadline = Deadline(60.0, clock=lambda: now[0])
    for at in (0.0, 20.0, 59.5):
        now[0] = at
        assert make_plan(off, alone, deadline=deadline).scenario is off
    assert goals == [60.0, 40.0, 1.0]
    assert loop.calls == []
    assert make_plan(shop(), alone, deadline=deadline).schedule is base().schedule
    (call,) = loop.calls
    assert (call["deadline"].limit, call["deadline"].began, call["replications"]) == (60.0, 0.0, 400)
    assert (call["whole"], call["begin"], call["workers"]) == (True, None, 1)


@pytest.mark.parametrize("as_run", [False, True])
def test_shares_of_the_time(as_run: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: of 60 s the plan has what the quick front and the rules leave, a tenth is kept for rules, and 4 % for the
    judgement of one; omissions of a stored plan are forgotten. With a day that was run its baseline is the plan's, and
    nothing takes the plan's place. Sensitivity: phases one after the other, each with a limit of its own."""
    record: dict[str, Any] = {}
    now = [0.0]
    choice = base()

    def holds(scenario: Any, engine: Any, **how: Any) -> Any:
        record["plan"] = how["deadline"].limit
        now[0] = 10.0
        return SimpleNamespace(robust=dataclasses.replace(base(), omissions=("no time",)))

    def front(plan: Plan, **how: Any) -> Plan:
        record["front"], record["front judge"], record["omissions"] = (
            how["deadline"].limit,
            how["judge"],
            plan.omissions,
        )
        record["replays"] = plan.replays
        now[0] = 20.0
        return plan

    def rules(plan: Plan, deadline: Deadline, judge: Any) -> Plan:
        record["rules"], record["left"], record["rules judge"] = deadline.limit, deadline.remaining, judge
        return plan

    for name, function in (("hold", holds), ("with_choices", front), ("with_rules", rules)):
        monkeypatch.setattr(planner, name, function)
    baseline = Baseline.of(shop()) if as_run else None
    result = make_plan(shop(), deadline=Deadline(60.0, lambda: now[0]), baseline=baseline)
    share = 0.0 if own_point(shop()) is None else PLAN.front_share
    assert record["plan"] == pytest.approx(60 * (1 - share - 0.1))
    assert record["front"] == pytest.approx(min(54.0 - 10.0, PLAN.front_most * 60))
    assert (record["rules"], record["left"]) == pytest.approx((57.6, 37.6))
    assert record["omissions"] == ()
    assert (record["front judge"] is None, record["rules judge"] is None) == (as_run, as_run)
    if baseline is not None:
        assert result.baseline is baseline.run
        assert (result.baseline_figures, result.baseline_complete) == (baseline.figures, baseline.complete)
        assert record["replays"] is None
        return
    assert result.baseline is base().baseline
    assert record["replays"] is not None
    spares: list[float] = []

    def place(plan: Plan, better: Plan, deadline: Deadline, spare: float = 0.1) -> Plan | None:
        spares.append(spare)
        return better if better is choice else None

    monkeypatch.setattr(planner, "in_its_place", place)
    assert record["front judge"](choice) is choice
    assert record["rules judge"](dataclasses.replace(choice)) is None
    after = record["rules judge"](choice)
    assert after is not None
    assert after.choices == with_own(choice, result.choices)
    assert spares == [0.1, 0.0, 0.0]
