"""The one planner: ``make_plan`` is the only place where a plan comes about, step by step.

It knows no disk, no queue and no screen. What is stored already enters as ``starts``, or as the plan ``before`` that is
made again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any

from emberline.planning.answer.choices import own_point, with_choices, with_own
from emberline.planning.answer.rules import with_rules
from emberline.planning.engine.engine import Engine, Workers
from emberline.planning.engine.progress import Deadline, Progress
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.earlier import EarlierPlans
from emberline.planning.plan.pipeline import Search, draft
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replan import again
from emberline.planning.plan.tuning import PLAN
from emberline.planning.robustness.holding.hold import hold
from emberline.planning.robustness.planned_again import followed
from emberline.scenarios import Case, effort
from emberline.scenarios.checking import to_the_minute
from emberline.scenarios.messages import Message

if TYPE_CHECKING:
    from emberline.models import Study


@dataclass(frozen=True)
class Steps:
    """Steps of a plan after its schedule."""

    margins: bool = True
    """Margins are learnt until the plan holds, where ``Scenario.holding`` says so."""
    front: bool = True
    """The other points of the quick front are searched for; one that is better by the plan's own goal takes its place,
    judged on disturbed days."""
    again: bool = True
    """The plan is followed on disturbed days on which it is planned again, where its scenario says that it is."""
    rules: bool = True
    """The plan is compared with the simple rules of a shift, the best of which may take its place likewise."""


PLAIN = Steps(margins=False, front=False, again=False, rules=False)
"""The schedule and its replays alone, as studies compare them."""


def make_plan(
    scenario: Case,
    steps: Steps = Steps(),
    *,
    before: Plan | None = None,
    starts: EarlierPlans | None = None,
    search: Search | None = None,
    baseline: Baseline | None = None,
    replications: int | None = None,
    days: int = PLAN.days,
    deadline: Deadline | None = None,
    workers: Workers | None = None,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Plan:
    """Make the plan of a scenario, with its effort for all steps together.

    ``Plan.holding`` tells how a plan does that was made to hold; ``Plan.omissions`` says what there was no time for.

    Args:
        scenario: what is asked.
        steps: what follows the schedule.
        before: a plan of the same plant that is made again under the locks of the scenario: it stays where it holds and
            nothing clearly better is found, and its margins are raised only where they must be.
        starts: plans of the same orders, where the search begins and what it may not fall short of; the reason names
            the run whose schedule was taken.
        search: how the schedule is searched.
        baseline: what the plan is compared with; None: it is simulated.
        replications: disturbed replays of a plan that need not hold; None: the scenario's.
        days: fresh days on which a plan that must hold is judged, at most.
        deadline: of all steps; None: the scenario's effort from now on.
        workers: who follows the plan through disturbed days where that takes long; None: this process.
        on_progress: called with ``phase`` and what belongs to it; ``draft`` has the figures of the draft.
        cancel: polled; True takes the best plan so far.

    Raises:
        ScenarioError: a lock is mistaken, or no plan is made for the goal or the line.
    """
    to_the_minute.refuse(scenario)
    limit_s = scenario.goal.time_limit_s
    follow = partial(followed, baseline=baseline, workers=workers, on_progress=on_progress, cancel=cancel)
    with effort.net(limit_s) as net:
        result = _steps(
            scenario, steps, before, search or Search(), starts or EarlierPlans(), baseline, replications, days,
            deadline or Deadline(scenario.goal.budget), on_progress, cancel,
        )  # fmt: skip
        if steps.again and scenario.goal.time_limited:
            result = follow(result)
    if steps.again and not scenario.goal.time_limited:  # the safety net ends searches, not the judgement
        result = follow(result)
    if not net.acted:
        return result
    late = Message("The time limit of {seconds:g} s was over before the effort was.", seconds=limit_s)
    return dataclasses.replace(result, omissions=(*result.omissions, late))


def _steps(
    scenario: Case,
    steps: Steps,
    before: Plan | None,
    search: Search,
    starts: EarlierPlans,
    baseline: Baseline | None,
    replications: int | None,
    days: int,
    deadline: Deadline,
    on_progress: Progress | None,
    cancel: Callable[[], bool] | None,
) -> Plan:
    """The steps of :func:`make_plan`, within its time limit."""
    from emberline.models import Study

    if before is not None:
        return _make_again(before, scenario, steps, search, deadline, on_progress, cancel)
    if steps == PLAIN and not starts.schedules:
        return draft(
            scenario, baseline=baseline, search=search, replications=replications, on_progress=on_progress,
            cancel=cancel,
        )  # fmt: skip
    search = dataclasses.replace(
        search, study=search.study or Study(), others=[*search.others, *starts.schedules.values()]
    )
    front = PLAN.front_share if steps.front and own_point(scenario) is not None else 0.0
    rules = PLAN.rules_share if steps.rules else 0.0
    first = deadline.part(1 - front - rules)
    if steps.margins and scenario.holding:
        same = starts.same
        result = starts.better(
            hold(
                scenario, Engine(), replications=days, deadline=first, baseline=baseline, search=search,
                begin=None if same is None else same.scenario.disturbances, whole=True,
                on_progress=on_progress, cancel=cancel,
            ).robust
        )  # fmt: skip
    else:
        goal = scenario.goal.model_copy(update={"effort": max(first.remaining, PLAN.least)})
        result = draft(
            scenario.model_copy(update={"goal": goal}), baseline=baseline,
            search=dataclasses.replace(search, keep=search.keep or starts.keep), replications=replications,
            on_progress=on_progress, cancel=cancel,
        )  # fmt: skip
        result = dataclasses.replace(result, scenario=scenario)
    if baseline is not None and result.baseline is not baseline.run:  # a stored plan was better
        result = dataclasses.replace(
            result, baseline=baseline.run, baseline_figures=baseline.figures, baseline_complete=baseline.complete,
            replays=None,
        )  # fmt: skip
    result = dataclasses.replace(starts.named(result), omissions=())
    # a day that was really run is not what the twin follows through disturbed days: no other plan is judged on them
    if steps.front:
        result = with_choices(
            result, deadline=deadline.part(1 - rules).within(PLAN.front_most * deadline.limit), baseline=baseline,
            study=search.study, on_progress=on_progress, cancel=cancel,
            judge=None if baseline is not None else lambda better: in_its_place(result, better, deadline, rules),
        )  # fmt: skip
    if not steps.rules:
        return result

    def judge(better: Plan) -> Plan | None:
        after = in_its_place(result, better, deadline, spare=0.0)
        return None if after is None else dataclasses.replace(after, choices=with_own(after, result.choices))

    return with_rules(result, deadline.part(1 - PLAN.judged_share), judge if baseline is None else None)


def _make_again(
    before: Plan,
    scenario: Case,
    steps: Steps,
    search: Search,
    deadline: Deadline,
    on_progress: Progress | None,
    cancel: Callable[[], bool] | None,
) -> Plan:
    """A stored plan made again; its margins are raised where they must be. It is compared with the rules, whatever time
    is left, and has no quick front: that is of its first planning."""
    result = again(before, scenario, search)
    if not isinstance(result, Plan):
        variant, search = result
        result = draft(variant, search=search, on_progress=on_progress, cancel=cancel)
        if steps.margins:
            result = made_to_hold(
                before, result, deadline.spent, study=search.study, on_progress=on_progress, cancel=cancel
            )
    return with_rules(result) if steps.rules else result


def in_its_place(base: Plan, better: Plan, deadline: Deadline, spare: float = PLAN.rules_share) -> Plan | None:
    """Replacement of a plan: one with its margins that is better by the goal, judged on disturbed days.

    Args:
        base: the plan.
        better: undisturbed; it has not been judged.
        deadline: of all of the plan.
        spare: share of the time limit that comes after it.

    Returns:
        The better plan, its price and draft those of the plan; None: it holds less often, below the level, or there is
        no time to see that.
    """
    if base.holding is None:
        return better if better.acceptable else None
    if deadline.remaining <= PLAN.least:
        return None
    after = made_to_hold(base, better, deadline.spent + spare * deadline.limit)
    before, holding = base.holding, after.holding
    if after.objective is None or base.objective is None or after.objective >= base.objective:
        return None
    if holding is None or not (holding.reached or holding.share >= before.share):
        return None
    price = {}
    for name, row in before.price.items():
        now = {"nominal": row["nominal"] + getattr(after.replay_figures, name) - getattr(base.replay_figures, name)}
        if "mean" in row and "baseline" in row:
            now["mean"] = row["mean"] + row["baseline"] - holding.price[name]["baseline"]
        price[name] = now | {"baseline": holding.price[name]["baseline"]}
    draft: dict[str, Any] = {
        field.name: getattr(before, field.name) for field in fields(before) if field.name.startswith("draft_")
    }
    record = dataclasses.replace(
        holding, level=before.level, price=price, rounds=before.rounds + holding.rounds, limit_s=before.limit_s,
        seconds=before.seconds + holding.seconds, **draft,
        most_price=None if before.draft_bound is None else after.objective - before.draft_bound,
    )  # fmt: skip
    reason = better.reason if after.schedule is better.schedule else after.reason
    return dataclasses.replace(after, holding=record, reason=reason, omissions=base.omissions)


def made_to_hold(
    before: Plan,
    after: Plan,
    spent: float,
    *,
    study: Study | None = None,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Plan:
    """A plan that was made again, made to hold where the one before was: its margins are raised where they must be.

    Args:
        before: the stored plan.
        after: made again from it, with its margins.
        spent: what that took of the effort.
        study, on_progress, cancel: as of :func:`make_plan`.
    """
    if before.holding is None or after is before or not after.acceptable:
        return after
    answer = hold(
        after.scenario, Engine(), replications=PLAN.days, level=before.holding.level, plain=after, whole=True,
        work=max(after.scenario.goal.budget - spent, PLAN.least), search=Search(study=study),
        on_progress=on_progress, cancel=cancel,
    )  # fmt: skip
    robust, holding = answer.robust, answer.robust.holding
    goal = after.scenario.goal
    robust = dataclasses.replace(robust, scenario=robust.scenario.model_copy(update={"goal": goal}))
    if holding is None:
        return robust
    return dataclasses.replace(robust, holding=dataclasses.replace(holding, request=before.holding.request))
