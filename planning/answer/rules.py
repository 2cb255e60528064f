"""Fair baselines: results of simple rules that a shift can follow without a computer.

*Rest*: the units with the highest consumption rest in the k worst hours of each day by the goal, as long as everything
is finished in time; the best k by the goal's figure is used. *Peak*: if peaks cost money, the lowest peak limit that
allows finishing in time is set and kept. Both together are tried too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from emberline.planning.accounts.figures import Rule, comparable
from emberline.planning.accounts.site_stores import ending_no_lower, stores_of
from emberline.planning.accounts.stock import goal_value
from emberline.planning.accounts.sums import figures
from emberline.planning.engine.progress import Deadline
from emberline.planning.plan import caps
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import keeps, substitute
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replay_outcome import Followed, outcomes
from emberline.planning.plan.replays import QUANTILES, saved
from emberline.planning.plan.start_lists import lower_peaks, rests, ruled, shift_rules, worst_hours
from emberline.planning.plan.tuning import PLAN
from emberline.scenarios import Case, effort
from emberline.scenarios.goal_metrics import IN_MINUTES, goal_metric
from emberline.scenarios.messages import Message

NO_TIME = Message("No time was left to compare it with all rules that a shift may follow.")
TIME_OF_DAYS = Message(
    "The disturbed days took the time that the search had left, so that not all rules that a shift may follow were "
    "compared."
)


def with_rules(
    plan: Plan, deadline: Deadline | None = None, judge: Callable[[Plan], Plan | None] | None = None
) -> Plan:
    """Return the plan with its reference rules: the best simple one, and the baseline without locks.

    Args:
        plan: plan to extend.
        deadline: no rule is tried after it, and the best rule is followed on no further days; None: no deadline.
        judge: judges a rule that saves more on the same days and holds about as often; returns the plan to use instead,
            or None to keep the plan.
    """
    scenario, references = plan.scenario, []
    if not plan.acceptable or not scenario.producers:
        return plan
    clock = _Limit(PLAN.rule_work, deadline)
    free, reference, days = scenario, plan.baseline_figures, plan
    if scenario.locks:
        free = scenario.model_copy(update={"locks": ()})
        unlocked = Baseline.of(free, over=clock.over)
        if not comparable(unlocked.figures, plan.baseline_figures) or not unlocked.complete:
            return plan
        reference, days = unlocked.figures, replace(plan, replays=None)
        references.append(Rule("unlocked", reference))
    rules = []
    if scenario.goal.minimize not in IN_MINUTES and scenario.goal.grade is None:  # rules improve no other figure
        limits = ending_no_lower(free, plan.baseline) if plan.no_lower else free
        rules = [pair for pair in _candidates(free, limits, clock.over) if comparable(reference, pair[0].figures)]
    if rules:
        best, followed = min(rules, key=lambda pair: goal_value(free, reference, pair[0].figures))
        rule = _on_the_same_days(days, best, followed, _Limit(PLAN.rule_days_work, deadline))
        after = None if judge is None or not _beats(rule, followed, plan) else judge(_as_plan(plan, followed))
        if after is not None:
            plan, rule = after, _on_the_same_days(after, best, followed, _Limit(PLAN.rule_days_work, deadline))
        references.append(rule)
    return replace(plan, rules=tuple(references), omissions=(*plan.omissions, *_missing(plan, clock)))


def _missing(plan: Plan, clock: _Limit) -> tuple[Message, ...]:
    """Note on rules that were not compared, and the reason: a search that reached its gap had time left."""
    if not clock.late:
        return ()
    if plan.holding is None:
        return (NO_TIME,)
    gap = plan.gap if plan.holding.margins_gap is None else plan.holding.margins_gap
    return (TIME_OF_DAYS if gap is not None and gap <= plan.scenario.goal.gap else NO_TIME,)


def _beats(rule: Rule, followed: Followed, plan: Plan) -> bool:
    """Return whether a rule whose list can serve as the plan saves more than a robust plan within its cap and holds
    about as often."""
    is_list = followed.scenario is followed.dispatched_in
    if plan.holding is None or not is_list or plan.scenario.locks or not rule.days:
        return False
    cap = caps.fixed(plan.scenario, plan.envelope, Baseline.of(plan.requested, plan.envelope).schedule)
    if cap.cost is not None and rule.figures.cost > cap.cost:
        return False
    if cap.other_carbon_kg is not None and (rule.figures.other_carbon_kg or 0.0) > cap.other_carbon_kg:
        return False
    assert rule.expected is not None
    often = rule.successes / rule.days >= min(plan.holding.level, plan.holding.share) - PLAN.rule_about
    return often and rule.expected["p50"] > max(rule.expected["plan_p50"], 0.0)


def _as_plan(plan: Plan, followed: Followed) -> Plan:
    """Return the list of a rule as the plan, with the rule as its reason."""
    reason = Message("No plan was found that holds as often and saves as much as a simple rule, so that is the plan.")
    baseline = Baseline.of(plan.requested, plan.envelope)
    return substitute(plan, followed.schedule, baseline, reason=reason)


class _Limit:
    """Limit on work, within a deadline."""

    def __init__(self, work: float, deadline: Deadline | None) -> None:
        self.until, self.deadline = effort.now() + work, deadline
        self.late = False
        """Whether the deadline had passed at the last check."""

    def over(self) -> bool:
        """Return whether the limit is reached."""
        self.late = self.deadline is not None and self.deadline.remaining <= 0
        return self.late or effort.now() > self.until


def _on_the_same_days(plan: Plan, rule: Rule, followed: Followed, clock: _Limit) -> Rule:
    """Return the rule with its saving and its share of successes on the first disturbed days of the plan."""
    replays, name = plan.replays, goal_metric(plan.scenario).figure
    if replays is None or not replays.n or f"baseline_{name}" not in replays.data:
        return rule
    seed = replays.data.attrs.get("seed")
    rows = []
    for outcome in outcomes(
        replace(followed, seed=None if seed is None else int(seed)), range(min(replays.n, PLAN.rule_days))
    ):
        rows.append(outcome.figures)
        if clock.over() and len(rows) >= PLAN.rule_least_days:
            break
    n, ours = len(rows), saved(replays.data, name)
    more = np.array([row.get(f"more_{name}", 0.0) for row in rows])
    theirs = replays.data[f"baseline_{name}"].to_numpy()[:n] - np.array([row[name] for row in rows]) + more
    expected = {f"p{round(100 * q)}": float(np.quantile(theirs, q)) for q in QUANTILES}
    expected["plan_p50"] = float(np.median(ours[:n]))
    return replace(rule, days=n, successes=int(sum(row["held"] for row in rows)), expected=expected)


def _candidates(scenario: Case, limits: Case, over: Callable[[], bool]) -> Iterator[tuple[Rule, Followed]]:
    """Yield rules that keep every limit and finish everything in time, with the data to follow them.

    Args:
        scenario: scenario of the plan, without locks.
        limits: the same scenario with the final levels that the plan keeps.
        over: polled; True: no further rule is tried.
    """
    from emberline import twin

    if over():
        return
    baseline = Baseline.of(scenario, over=over)
    envelope = baseline.envelope
    (rules,) = map(shift_rules, scenario.producers)
    peaks: list[float | None] = [None]
    if rules.as_list:
        lists = list(lower_peaks(scenario, envelope, baseline.schedule))
        peaks += [float(lists[-1]["meter_mw"].max())] if lists else []
    worst = worst_hours(scenario, envelope)
    for peak_mw in peaks:
        for hours in (0, *(PLAN.rule_hours if rules.units else ())):
            if (not hours and peak_mw is None) or over():
                continue
            variant = ruled(scenario, rules, worst, hours, peak_mw)
            listed = Baseline.of(variant, over=over)
            if not listed.complete:
                break
            schedule = listed.schedule
            # a shift that decides step by step rests only in the variant
            run = twin.replay(scenario, schedule) if rules.as_list else listed.run
            sums = figures(scenario, run, nominated=schedule)
            if not keeps(limits, run, sums):
                continue
            name = " and ".join(word for word, used in (("rest", hours), ("peak", peak_mw)) if used)
            resting = rules.units if hours else ()
            credited = baseline.schedule if any(stores_of(scenario)) else None
            request = scenario if rules.as_list else variant
            followed = Followed(request, schedule, credited, dispatched_in=scenario)
            ties = max(which for _, which in rests(scenario, rules, worst, hours))
            yield Rule(name, sums, resting, float(hours), ties, peak_mw), followed
