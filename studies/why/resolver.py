"""Repeated planning of a stored plan's plant with one decision changed, warm-started, and the effect of the change."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import xarray as xr

from emberline.models import Study
from emberline.models.strategies import redispatch
from emberline.planning.accounts.figures import Figures
from emberline.planning.accounts.site_stores import ending_no_lower
from emberline.planning.accounts.stock import difference
from emberline.planning.engine.progress import Deadline
from emberline.planning.plan.alternatives.nearest import neighbours
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.caps import fixed
from emberline.planning.plan.pipeline import Search
from emberline.planning.plan.record import Plan
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, Problem, ScenarioError
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.messages import Message
from emberline.scenarios.records.state import Outage
from emberline.studies.why.answer import ESTIMATE, Answer, More
from emberline.studies.why.tuning import WHY

CLOSE = 1e-9


@dataclass
class Resolver:
    """Plans the plant of a stored plan repeatedly, with each search starting from earlier results."""

    plan: Plan
    deadline: Deadline
    tell: Callable[[str], None]
    cancel: Callable[[], bool]
    asks: int = 1
    """Number of answers still to be computed, which share the remaining time."""
    study: Study = field(default_factory=Study)
    better_schedules: list[xr.Dataset] = field(default_factory=list)
    """Better schedules of the stored plan's own scenario."""
    hurried: bool = False
    """Whether the time was over before all alternatives were tried."""

    @classmethod
    def of(
        cls, plan: Plan, work: float, tell: Callable[[str], None] | None, cancel: Callable[[], bool] | None
    ) -> Resolver:
        """Return a resolver with default callbacks for None."""
        return cls(plan, Deadline(work), tell or (lambda line: None), cancel or (lambda: False))

    def __post_init__(self) -> None:
        assert self.plan.schedule is not None
        assert self.plan.replay_figures is not None
        self.listed = Baseline.of(self.plan.scenario, self.plan.envelope).schedule
        """Baseline schedule."""
        # like the stored plan, so that no alternative gains by using up stock
        self.scenario = ending_no_lower(capped(self.plan, self.listed), self.plan.baseline, self.plan.schedule)
        self.schedule: xr.Dataset = self.plan.schedule
        self.sums: Figures = self.plan.replay_figures
        attrs = self.schedule.attrs
        self.value = float(attrs.get("objective", math.nan)) + float(attrs.get("constant", 0.0))
        """Value of the stored plan by the goal, in the measure of the search."""

    @property
    def head(self) -> dict[str, Any]:
        """Data of scenario and plan at the head of every report."""
        plan, goal, currency = self.plan, self.plan.scenario.goal, self.plan.scenario.market.currency
        unit = goal_metric(plan.scenario).unit_in(currency)
        names = {"scenario": plan.scenario.name, "currency": currency, "goal": goal.minimize, "unit": unit}
        return {**names, "status": plan.status, "gap": plan.gap}

    @property
    def share(self) -> float:
        """Work for one of the answers still to be computed."""
        return max(self.deadline.remaining / max(self.asks, 1), WHY.least)

    @property
    def over(self) -> bool:
        """Whether no further answers are computed."""
        over = self.deadline.remaining <= 0 or self.cancel()
        self.hurried = self.hurried or over
        return over

    @property
    def slack(self) -> float | None:
        """Maximum possible improvement of the stored plan, in the goal's measure; None: no bound is known."""
        value, bound = self.plan.objective, self.plan.bound
        return None if value is None or bound is None else max(value - bound, 0.0)

    def as_it_is(self) -> list[Answer]:
        """Continue the search of the unchanged plan if its gap exceeds the differences of interest.

        This improvement is not due to any decision, and the other searches start from it.
        """
        if self.plan.between_steps or (self.plan.gap is not None and self.plan.gap <= WHY.gap):
            return []
        self.asks += 1
        answer = self.ask("as it is", Message("as it is, only searched on"), self.scenario)
        self.better_schedules += [] if answer.schedule is None else [answer.schedule]
        return [answer]

    def ask(
        self,
        key: str,
        text: str,
        variant: Case,
        *,
        envelope: xr.Dataset | None = None,
        begin: Sequence[xr.Dataset] = (),
        dispatches: Sequence[redispatch.Redispatched] = (),
    ) -> Answer:
        """Plan again with a changed decision.

        Args:
            key, text: key and words of the answer.
            variant: :attr:`scenario` with a changed decision, so that the cap on cost is the same.
            envelope: envelope of the variant; None: the stored plan's.
            begin: initial schedules in addition to the baseline's and the stored one.
            dispatches: results of :meth:`ask_near`, used if the search finds no better plan.
        """
        self.tell(text)
        share = self.share
        self.asks -= 1
        variant = variant.with_goal(gap=min(variant.goal.gap, WHY.gap), effort=share)
        stands = [dispatch.schedule for dispatch in dispatches if dispatch.schedule is not None and not dispatch.reason]
        least = min(stands, key=lambda schedule: float(schedule.attrs["objective"]), default=None)
        search = Search(
            others=[*begin, *self.better_schedules, self.schedule],
            study=self.study,
            lists=False,
            end_levels=False,
            keep=None if least is None else lambda schedule: better_of(schedule, least),
        )
        baseline = Baseline.of(variant, self.plan.envelope if envelope is None else envelope)
        return self._answer(key, text, make_plan(variant, PLAIN, baseline=baseline, search=search, cancel=self.cancel))

    def _answer(self, key: str, text: str, changed: Plan) -> Answer:
        constant, bound, objective = changed.constant, changed.bound, changed.objective
        bound = None if self.plan.between_steps else bound  # bounds do not cover starts between steps
        answer = Answer(
            key=key,
            says=text,
            status=changed.status,
            gap=changed.gap,
            bound=None if bound is None else bound + constant,
            low=None if bound is None or self.sums.stock else bound + constant - self.value,
        )
        sums, schedule = changed.replay_figures, changed.schedule
        if sums is None or schedule is None or objective is None:
            return replace(answer, reason=changed.reason)
        if changed.violations:
            text = Message("the twin missed {count} limits with it", count=len(changed.violations))
            return replace(answer, reason=text)
        value, more = objective + constant, self.more(sums)
        high, low = value - self.value, answer.low
        if self.sums.stock:
            # final stocks differ: their value in the figures counts, not the search's own credit
            metric = goal_metric(self.scenario)
            credit = difference(self.sums, sums).credit(metric.figure)
            high = metric.of(sums) - metric.of(self.sums) - credit
            low = None if bound is None else high - max(objective - bound, 0.0)
        how = ESTIMATE if schedule.attrs.get("strategy") == ESTIMATE else answer.how
        return replace(answer, how=how, objective=value, high=high, low=low, more=more, schedule=schedule)

    def more(self, sums: Figures) -> More:
        """Increase of figures over the stored plan's, with stock credited."""
        credit, before = difference(self.sums, sums), self.sums
        carbon_kg = sums.carbon_kg - before.carbon_kg - credit.carbon_kg
        return More(carbon_kg, sums.cost - before.cost - credit.cost, sums.peak_mw - before.peak_mw)

    def ask_near(
        self,
        key: str,
        text: str,
        variant: Case,
        envelope: xr.Dataset | None = None,
        target: xr.Dataset | None = None,
    ) -> tuple[Answer, list[redispatch.Redispatched]]:
        """Plan again from the schedules nearest to the stored one; also return the best use of the site under these.

        Args:
            key, text, variant, envelope: as for :meth:`ask`.
            target: another schedule near which to start.
        """
        of_variant = self.plan.envelope if envelope is None else envelope
        near = neighbours(variant, of_variant, self.schedule)
        begin = [*near, *([] if target is None else neighbours(variant, of_variant, target))]
        dispatches = self._dispatched(variant, near, of_variant) if near else []
        return self.ask(key, text, variant, envelope=envelope, begin=begin, dispatches=dispatches), dispatches

    def _dispatched(
        self, variant: Case, near: Sequence[xr.Dataset], envelope: xr.Dataset
    ) -> list[redispatch.Redispatched]:
        """Optimize the site under the heats of the schedules; only for the first one if the site has assets, as this
        takes time."""
        site = redispatch.Redispatch(variant.with_goal(effort=self.share), envelope, None)
        return [site.best(schedule) for schedule in (near[:1] if variant.site.assets else near)]

    def held_up(self, dispatches: Sequence[redispatch.Redispatched]) -> tuple[str, ...]:
        """Limits of the site and caps of the goal that the plans nearest to the stored one violate, in words."""
        reasons = [dispatch.reason for dispatch in dispatches]
        # a time limit of the site's search is not a limit of the site
        if not reasons or not all(reason.startswith(("draws", "breaks")) for reason in reasons):
            return ()
        caps, reason = self.scenario.goal.caps, reasons[0]
        if caps.cost is not None and caps.carbon_kg is None:
            reason = reason.replace("breaks a cap of the goal", "costs more than the cap allows")
        return (Message("with as few moves as possible: {reason}", reason=reason),)


def refuse_plan(plan: Plan, text: str) -> None:
    """Reject a plan that cannot be questioned; ``text`` is the complaint if it has no schedule.

    Raises:
        ScenarioError: there is no schedule, or the goal is lateness.
    """
    name = plan.scenario.name
    if plan.schedule is None or plan.replay_figures is None:
        raise ScenarioError([Problem(name, "", f"{text}: {plan.verdict}")])
    if plan.scenario.by_the_minute:
        raise ScenarioError([Problem(name, "goal.minimize", "lateness counts neither carbon nor cost; plan for one")])


def capped(plan: Plan, listed: xr.Dataset) -> Case:
    """Return a plan's scenario with its cap on extra cost as a fixed amount, which no change affects.

    Disturbed replays are left out.

    Args:
        plan: stored plan.
        listed: baseline schedule of its scenario.
    """
    scenario = plan.scenario
    limits = fixed(scenario, plan.envelope, listed)
    calm = scenario.disturbances.model_copy(update={"replications": 0})
    return scenario.with_goal(caps=limits).model_copy(update={"disturbances": calm})


def better_of(schedule: xr.Dataset, other: xr.Dataset) -> xr.Dataset:
    """Return the schedule of a search, or another known one if it is better."""
    value = float(schedule.attrs["objective"]) if schedule.attrs["found"] else math.inf
    if value <= float(other.attrs["objective"]) + CLOSE * abs(value):
        return schedule
    # starts between steps may be better than every bound of a search on steps
    bound = math.nan if "grid_min" in other.attrs else schedule.attrs["bound"]
    proven = {"bound": bound, "constant": schedule.attrs["constant"]}
    return other.assign_attrs(**proven, gap=math.nan, status="best found", strategy=ESTIMATE)


def away(scenario: Case, units: tuple[str, ...], begin_min: float, end_min: float) -> Case:
    """Return the scenario with some units unavailable for a time; started operations on them are finished first."""
    outages = []
    for unit in units:
        operations = [item for item in scenario.state.started if item.unit == unit]
        grades = {heat.name: heat.grade for heat in scenario.heats}
        first = begin_min
        for item in operations:
            minutes = scenario.line.duration_min(grades[item.heat], unit) or 0.0
            over = scenario.horizon.minutes(item.start) + minutes
            first = max(first, float(np.ceil(over / scenario.horizon.step_min - 1e-9)) * scenario.horizon.step_min)
        if first < end_min:
            outages.append(Outage(unit=unit, start=timedelta(minutes=first), end=timedelta(minutes=end_min)))
    state = scenario.state.model_copy(update={"outages": (*scenario.state.outages, *outages)})
    return scenario.model_copy(update={"state": state})
