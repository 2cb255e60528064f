"""The plan that a scenario asks for: the draft where it need not hold, else the plan that holds on disturbed days."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from emberline.planning.answer.choices import MOST_SHARE, SHARE, own_point, with_choices, with_own
from emberline.planning.answer.rules import with_rules
from emberline.planning.engine.deadline import Deadline
from emberline.planning.engine.engine import Engine
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import Search, plan
from emberline.planning.plan.progress import Progress
from emberline.planning.plan.record import Plan
from emberline.planning.plan.starts import Starts
from emberline.planning.robustness.holding.hold import hold
from emberline.scenarios import Scenario

if TYPE_CHECKING:
    from emberline.models import Study

DAYS = 400
"""Fresh disturbed days on which a plan is judged at most; fewer where the time limit is short."""
LEAST_S = 1.0
"""Time for holding after a search that took all there was [s]."""
RULES_SHARE, JUDGED_SHARE = 0.1, 0.04
"""Of the time limit, that is kept for simple rules, and of that for the judgement of one that beats the plan."""


def plan_that_holds(
    scenario: Scenario,
    *,
    starts: Starts | None = None,
    study: Study | None = None,
    draft: Plan | None = None,
    baseline: Baseline | None = None,
    deadline: Deadline | None = None,
    replications: int = DAYS,
    engine: Engine | None = None,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Plan:
    """Make the plan of a scenario, with its time limit for all of it.

    Where ``Scenario.holding`` says so, margins are learnt until it holds on the share ``goal.hold`` of disturbed days,
    and ``Plan.holding`` tells how it does; else the plan is made as ``emberline.planning.plan.plan`` makes it.

    Args:
        scenario: what is asked.
        starts: plans of the same orders, where the search begins, and what it may not fall short of.
        study: what earlier plans in this process have left.
        draft: a plan of the scenario to begin with; None: one is made.
        baseline: what it is compared with; None: it is simulated.
        deadline: of all of it; None: the scenario's time limit from now on.
        replications: fresh days on which it is judged, at most.
        engine: who replays; None: this process.
        on_progress: called with ``phase`` and what belongs to it; ``draft`` has the figures of the draft.
        cancel: polled; True takes the best plan so far.
    """
    deadline = deadline or Deadline(scenario.goal.time_limit_s)
    before = starts or Starts()
    search = Search(study=study, others=before.schedules)
    if not scenario.holding:
        if draft is not None:
            return draft
        goal = scenario.goal.model_copy(update={"time_limit_s": max(deadline.rest_s, LEAST_S)})
        result = plan(
            scenario.model_copy(update={"goal": goal}).with_inputs(scenario.inputs), baseline=baseline,
            search=dataclasses.replace(search, keep=before.keep), on_progress=on_progress, cancel=cancel,
        )  # fmt: skip
        return dataclasses.replace(result, scenario=scenario)
    same = before.same
    answer = hold(
        scenario, engine or Engine(), replications=replications, deadline=deadline, plain=draft,
        baseline=baseline, search=search, begin=None if same is None else same.scenario.disturbances, whole=True,
        on_progress=on_progress, cancel=cancel,
    )  # fmt: skip
    return before.better(answer.robust)


def answered(
    scenario: Scenario,
    *,
    starts: Starts | None = None,
    study: Study | None = None,
    baseline: Baseline | None = None,
    clock: Callable[[], float] = time.perf_counter,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Plan:
    """Make the plan of a scenario, with its time limit for the plan, its quick front and simple rules together.

    ``Plan.omissions`` says what there was no time for.

    Args:
        scenario: what is asked.
        starts: plans of the same orders, where the search begins.
        study: what earlier plans in this process have left.
        baseline: what the plan is compared with; None: it is simulated.
        clock: by which the time limit counts.
        on_progress, cancel: as of :func:`plan_that_holds`.
    """
    deadline = Deadline(scenario.goal.time_limit_s, clock)
    from emberline.models import Study

    study = study or Study()
    front = 0.0 if own_point(scenario) is None else SHARE
    result = plan_that_holds(
        scenario, starts=starts, study=study, baseline=baseline, deadline=deadline.part(1 - front - RULES_SHARE),
        on_progress=on_progress, cancel=cancel,
    )  # fmt: skip
    if baseline is not None and result.baseline is not baseline.run:  # a stored plan was better
        result = dataclasses.replace(
            result, baseline=baseline.run, baseline_figures=baseline.figures, baseline_complete=baseline.complete,
            replays=None,
        )  # fmt: skip
    result = dataclasses.replace(result, omissions=())
    result = with_choices(
        result,
        deadline=deadline.part(1 - RULES_SHARE).within(MOST_SHARE * deadline.limit_s), baseline=baseline, study=study,
        judge=None if baseline is not None else lambda better: in_its_place(result, better, deadline),
        on_progress=on_progress, cancel=cancel,
    )  # fmt: skip

    def judge(better: Plan) -> Plan | None:
        after = in_its_place(result, better, deadline, spare=0.0)
        return None if after is None else dataclasses.replace(after, choices=with_own(after, result.choices))

    # a day that was really run is not what the twin follows through disturbed days
    return with_rules(result, deadline.part(1 - JUDGED_SHARE), judge if baseline is None else None)


def in_its_place(base: Plan, better: Plan, deadline: Deadline, spare: float = RULES_SHARE) -> Plan | None:
    """What takes the place of a plan: one with its margins that is better by the goal, judged on disturbed days.

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
    if deadline.rest_s <= LEAST_S:
        return None
    after = again_that_holds(base, better, deadline.gone_s + spare * deadline.limit_s)
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


def again_that_holds(
    before: Plan,
    after: Plan,
    spent_s: float,
    *,
    study: Study | None = None,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Plan:
    """A plan that was made again, made to hold where the one before was: its margins are raised where they must be.

    Args:
        before: the stored plan.
        after: made again from it, with its margins.
        spent_s: what that took of the time limit [s].
        study, on_progress, cancel: as of :func:`plan_that_holds`.
    """
    if before.holding is None or after is before or not after.acceptable:
        return after
    answer = hold(
        after.scenario, Engine(), replications=DAYS, level=before.holding.level, plain=after, whole=True,
        time_limit_s=max(after.scenario.goal.time_limit_s - spent_s, LEAST_S), search=Search(study=study),
        on_progress=on_progress, cancel=cancel,
    )  # fmt: skip
    robust, holding = answer.robust, answer.robust.holding
    goal = after.scenario.goal
    robust = dataclasses.replace(robust, scenario=robust.scenario.model_copy(update={"goal": goal}))
    if holding is None:
        return robust
    return dataclasses.replace(robust, holding=dataclasses.replace(holding, request=before.holding.request))
