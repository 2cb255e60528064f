"""Quick front of a plan: least carbon within its cap on cost, least carbon at no more than the baseline's cost, and
least cost.

The plan itself is one of the three points. The others come from short searches with the same limits and margins,
starting from its schedule. Each point is the best of all known schedules by its own criterion. A point is left out if
it was not searched for, or if it is worse than the baseline by its own criterion.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from emberline.planning.accounts.figures import Figures
from emberline.planning.accounts.stock import difference
from emberline.planning.answer.record import SAME
from emberline.planning.answer.wording import amount, joined, point_label
from emberline.planning.engine.progress import Deadline, Progress
from emberline.planning.plan.alternatives.record import LEAST_CARBON, LEAST_COST, NO_REGRET, ONE_SIGNAL, Choice
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import Search, draft, follow, substitute
from emberline.planning.plan.record import Plan
from emberline.planning.plan.tuning import PLAN
from emberline.scenarios import Case, Scenario
from emberline.scenarios.goal_metrics import GOALS, no_worse
from emberline.scenarios.messages import Message
from emberline.scenarios.metrics import METRICS
from emberline.scenarios.records.goal import OtherSignal, Target

if TYPE_CHECKING:
    from emberline.models import Study

NO_TIME = Message("No time was left to search all points between least carbon and least cost.")
OVERRIDES = {
    ONE_SIGNAL: ["goal.minimize=carbon", "goal.caps.other_signal=off"],
    LEAST_CARBON: ["goal.minimize=carbon"],
    NO_REGRET: ["goal.minimize=carbon", "goal.caps.extra_cost_share=0"],
    LEAST_COST: ["goal.minimize=cost"],
}
"""Settings that make a plan of each point."""


def own_point(scenario: Scenario) -> str | None:
    """Return the point that corresponds to the scenario's goal; None: its goal is neither carbon nor money."""
    goal = scenario.goal
    if goal.minimize == "carbon":
        return NO_REGRET if goal.caps.extra_cost_share == 0 else LEAST_CARBON
    metric = METRICS.get(goal.minimize)
    return LEAST_COST if metric is not None and metric.money else None


def other_points(scenario: Scenario) -> list[tuple[Message, list[str]]]:
    """Return the other points of a scenario: each goal in words, with the settings that make a plan of it."""
    mine, goal = own_point(scenario), scenario.goal
    if mine is None:
        return []
    words = {
        name: point_label(name, goal.minimize, goal.signal, goal.caps.extra_cost_share) for name in _points(scenario)
    }
    if mine == NO_REGRET:  # without its setting the scenario's own cap applies again, whatever it is
        words[LEAST_CARBON] = Message(GOALS["carbon"])
    return [(words[name], OVERRIDES[name]) for name in words if name != mine]


def _points(scenario: Scenario) -> list[str]:
    """Points of the quick front of a scenario; its own cap on the other signal applies to all except ``ONE_SIGNAL``."""
    return [name for name in OVERRIDES if name != ONE_SIGNAL or no_worse(scenario)]


def with_choices(
    base: Plan,
    *,
    deadline: Deadline | None = None,
    baseline: Baseline | None = None,
    study: Study | None = None,
    judge: Callable[[Plan], Plan | None] | None = None,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Plan:
    """Return the plan with the other points of its quick front; unchanged without a comparable baseline.

    Args:
        base: plan to extend.
        deadline: deadline of the searches; None: their share of the time limit from now on.
        baseline: baseline of the plan's scenario; None: it is simulated.
        study: study of the search that made the plan.
        judge: judges a schedule that is better by the plan's own goal and returns the plan to use instead, or None to
            keep the plan. Such schedules occur because a cap can hide solutions that a price finds.
        on_progress: called with ``phase``, ``elapsed`` and ``limit``.
        cancel: polled; True skips the remaining points.
    """
    mine = own_point(base.scenario)
    if mine is None or base.replay_figures is None or not base.acceptable or not base.comparable:
        return base
    deadline = deadline or Deadline(PLAN.front_share * base.scenario.goal.budget)
    # a list that keeps the margins may leave heats out, which would prevent a comparison
    baseline = baseline or Baseline.of(base.requested, base.envelope)
    search = _Search(base, deadline, baseline, study, on_progress or (lambda event: None), cancel or (lambda: False))
    search.run(mine)
    better = search.better(mine)
    after = judge(better) if judge is not None and better is not None else None
    notes = [search.no_time] if search.late else []
    if better is not None and after is None:
        notes.append(search.left_out(mine))
    elif after is not None:
        base = search.base = after
        search.points[0] = _own_choice(after)
    choices = search.named(mine)
    return dataclasses.replace(base, choices=choices, omissions=(*base.omissions, *notes))


def with_own(plan: Plan, points: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """Return the points of a quick front with a new plan as its own point and wherever it beats another point."""
    first = _own_choice(plan)

    def beats(point: Choice) -> bool:
        if point.name == LEAST_COST:
            return first.cost > point.cost
        if point.name == ONE_SIGNAL:
            return False
        return first.carbon_kg > point.carbon_kg and (point.name == LEAST_CARBON or first.cost >= 0)

    return tuple(
        dataclasses.replace(first, name=point.name, is_plan=point.is_plan) if point.is_plan or beats(point) else point
        for point in points
    )


@dataclass
class _Search:
    """Searches of a quick front."""

    base: Plan
    deadline: Deadline
    baseline: Baseline
    study: Study | None
    tell: Progress
    stop: Callable[[], bool]
    late: bool = False
    searches: set[str] = field(default_factory=set)
    """Points that were searched for."""

    def __post_init__(self) -> None:
        self.scenario, self.points = self.base.scenario, [_own_choice(self.base)]
        self.schedules = [] if self.base.schedule is None else [self.base.schedule]

    def run(self, mine: str) -> None:
        """Search for the points other than the plan's own."""
        self.searches.add(mine)
        if mine != LEAST_COST:
            self._find(LEAST_COST, self._goal(Target.COST, None))
        if mine != LEAST_CARBON:
            self._find(LEAST_CARBON, self._goal(Target.CARBON, self.scenario.goal.caps.extra_cost_share or None))
        if ONE_SIGNAL in _points(self.scenario):
            self._find(ONE_SIGNAL, self._goal(Target.CARBON, self.scenario.goal.caps.extra_cost_share, OtherSignal.OFF))
        if mine != NO_REGRET:
            self._between()
            if not self.late and LEAST_CARBON in self.searches and self._best(LEAST_CARBON) == self._best(NO_REGRET):
                self.searches.add(NO_REGRET)  # nothing lies between

    def better(self, mine: str) -> Plan | None:
        """Plan of the best schedule by the plan's own criterion if it has less carbon than the plan; not judged on
        disturbed days."""
        first, best = self.points[0], self._best(mine)
        if mine == LEAST_COST or best is None or self.base.schedule is None or self.base.objective is None:
            return None
        gain = best.carbon_kg - first.carbon_kg
        if gain <= SAME * abs(first.figures.carbon_kg):
            return None
        schedule = self.schedules[self.points.index(best)]
        return substitute(self.base, schedule, self.baseline, judged=self.base.holding is None)

    def left_out(self, mine: str) -> Message:
        """Note on a schedule that is better undisturbed but was not chosen as the plan."""
        best, (unit, factor, _) = self._best(mine), METRICS["carbon"].display_in("")
        assert best is not None
        return Message(
            "A plan that saves {amount} {unit} more undisturbed was left out: it holds on fewer disturbed days, or "
            "there was no time to judge it.",
            amount=amount((best.carbon_kg - self.points[0].carbon_kg) * factor), unit=unit,
        )  # fmt: skip

    def named(self, mine: str) -> tuple[Choice, ...]:
        """Known points, including the plan's own."""
        points = {name: self.points[0] if name == mine else self._best(name) for name in _points(self.scenario)}
        if points.get(ONE_SIGNAL) == points.get(mine):
            points.pop(ONE_SIGNAL, None)
        named = [
            dataclasses.replace(point, name=name, is_plan=name == mine)
            for name, point in points.items()
            if point is not None and name in self.searches
        ]
        return tuple(point for point in named if point.is_plan or not point.worse)

    @property
    def no_time(self) -> Message:
        """Note on points for which no search time was left."""
        goal = self.scenario.goal
        missing = [
            point_label(name, goal.minimize, goal.signal, goal.caps.extra_cost_share)
            for name in _points(self.scenario)
            if name not in self.searches
        ]
        if not missing:
            return NO_TIME
        return Message("No time was left to search for: {points}.", points=joined(missing))

    def _between(self) -> None:
        """Search for points between least carbon and least cost: least cost at the carbon price that makes both ends
        equal, repeatedly (Aneja and Nair 1979, "Bicriteria transportation problem", Management Science 25)."""
        price = self.scenario.market.carbon_price
        # a carbon price applies only to the average intensity
        if self.scenario.goal.signal != "average" or no_worse(self.scenario):
            self._find(NO_REGRET, self._goal(Target.CARBON, 0.0))
            return
        for _ in range(PLAN.front_between):
            low, high = self._best(NO_REGRET), self._best(LEAST_CARBON)
            if low is None or high is None or high.carbon_kg <= low.carbon_kg or high.cost >= low.cost:
                return
            per_t = 1000 * (low.cost - high.cost) / (high.carbon_kg - low.carbon_kg)
            price = price.model_copy(update={"per_t": per_t, "covers": "all", "free_share": 0.0})
            market = self.scenario.market.model_copy(update={"carbon_price": price})
            goal = self._goal(Target.COST_WITH_CARBON_PRICE, None).goal
            if not self._find(NO_REGRET, self.scenario.model_copy(update={"goal": goal, "market": market})):
                return
            if self._best(NO_REGRET) == low and self._best(LEAST_CARBON) == high:
                return

    def _goal(self, target: Target, extra_cost_share: float | None, other: OtherSignal | None = None) -> Case:
        """Return the scenario with another goal and its share of the remaining time."""
        changes = {"extra_cost_share": extra_cost_share, "other_signal": other or self.scenario.goal.caps.other_signal}
        caps = self.scenario.goal.caps.model_copy(update=changes)
        limit = max(
            min(max(PLAN.front_search_share * self.deadline.limit, PLAN.front_least), self.deadline.remaining), 0.0
        )
        return self.scenario.with_goal(minimize=target, caps=caps, effort=limit)

    def _find(self, name: str, request: Case) -> bool:
        """Search for one point; False: the time is over, or nothing was found."""
        self.late = self.late or self.deadline.remaining <= 0
        if self.stop() or self.late:
            return False
        self.tell(
            {"phase": "choices", "elapsed": min(self.deadline.spent, self.deadline.limit), "limit": self.deadline.limit}
        )
        search = Search(study=self.study, others=self.schedules)
        result = draft(request, baseline=self.baseline, search=search, replications=0, cancel=self.stop)
        if result.schedule is None:
            return False
        counted = follow(self.scenario, baseline=self.baseline, schedule=result.schedule, replications=0)
        if counted.replay_figures is None or not counted.acceptable:
            return False
        self.searches.add(name)
        self.schedules = [*self.schedules, result.schedule]
        self.points.append(_choice(self.base, counted.replay_figures, result.status, result.gap))
        return True

    def _best(self, name: str) -> Choice | None:
        """Return the best point by a criterion; None: no point satisfies it."""
        points = self.points
        if name == LEAST_COST:
            return max(points, key=lambda point: point.cost)
        most_kg = self.base.baseline_figures.other_carbon_kg
        if name != ONE_SIGNAL and most_kg is not None and no_worse(self.scenario):
            points = [point for point in points if (point.figures.other_carbon_kg or 0.0) <= most_kg * (1 + SAME)]
        if name == NO_REGRET:
            points = [
                point for point in points if point.cost >= -SAME * abs(point.figures.cost) and point.carbon_kg > 0
            ]
        else:
            share = self.scenario.goal.caps.extra_cost_share
            share = share if name == ONE_SIGNAL else share or None  # a cap of zero is a different point
            most = math.inf if share is None else share * abs(self.base.baseline_figures.cost)
            points = [point for point in points if point.cost >= -most - SAME * abs(point.figures.cost)]
        return max(points, key=lambda point: point.carbon_kg, default=None)


def _own_choice(plan: Plan) -> Choice:
    assert plan.replay_figures is not None
    return _choice(plan, plan.replay_figures, plan.status, plan.gap)


def _choice(base: Plan, sums: Figures, status: str, gap: float | None) -> Choice:
    """Return a point without a name."""
    before, more = base.baseline_figures, difference(base.baseline_figures, sums)
    carbon = before.carbon_kg - sums.carbon_kg + more.credit("carbon_kg")
    cost = before.cost - sums.cost + more.credit("cost")
    return Choice("", sums, carbon, cost, status, gap)
