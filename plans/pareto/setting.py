"""What all points of a Pareto front have in common, and how one plan is asked, searched, proven and judged on it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import xarray as xr

from emberline.plans.accounts.figures import Figures, figures
from emberline.plans.accounts.site_stores import ending_no_lower, searched
from emberline.plans.plan.plan import Plan, number_told
from emberline.scenarios import Scenario

if TYPE_CHECKING:
    from emberline.models import Study

CARBON, COST = "carbon", "cost_with_carbon_price"
"""Cost is what the bill comes to, the carbon price of the market's scheme included."""


@dataclass(frozen=True)
class Ground:
    """What all points have in common: the scenario without its cap on extra cost, and the baseline run."""

    scenario: Scenario
    envelope: xr.Dataset
    dispatched: xr.Dataset
    """The baseline schedule."""
    baseline: xr.Dataset
    baseline_figures: Figures
    ruled: bool
    """Whether the list keeps every limit."""


def prepare(scenario: Scenario) -> Ground:
    """The twin's part, once for all points."""
    from emberline import twin

    caps = scenario.goal.caps.model_copy(update={"extra_cost_share": None})
    free = scenario.model_copy(update={"goal": scenario.goal.model_copy(update={"caps": caps})})
    envelope = twin.envelope(free)
    dispatched = twin.dispatch(free, envelope)
    baseline = twin.replay(free, dispatched).assign_attrs(policy="baseline")
    sums = figures(free, baseline, float(baseline.attrs["tonnes"]))
    return Ground(free, envelope, dispatched, baseline, sums, bool(dispatched.attrs["complete"]))


def ask(ground: Ground, minimize: str, carbon_kg: float | None = None, cost: float | None = None) -> Scenario:
    """The scenario with a goal and caps beside its own."""
    goal = ground.scenario.goal
    lower = {"carbon_kg": _lower(goal.caps.carbon_kg, carbon_kg), "cost": _lower(goal.caps.cost, cost)}
    caps = goal.caps.model_copy(update=lower)
    return ground.scenario.model_copy(update={"goal": goal.model_copy(update={"minimize": minimize, "caps": caps})})


def search(ground: Ground, asked: Scenario, start: xr.Dataset | None, stop: Callable[[], bool]) -> Plan:
    """A searched plan."""
    from emberline import models

    study = _study(ground)
    found = searched(
        asked,
        ground.baseline,
        lambda one: models.optimize(one, ground.envelope, start, cancel=stop, study=study),
    )
    attrs = found.attrs
    plan = empty(ground, asked, str(attrs["status"]), "" if attrs["found"] else str(attrs["reason"]))
    plan = dataclasses.replace(
        plan,
        objective=number_told(found, "objective"),
        bound=number_told(found, "bound"),
        gap=number_told(found, "gap"),
    )
    return prove(plan, found) if attrs["found"] else plan


_KEPT = threading.local()
"""What the searches of a thread leave for the next point."""


def _study(ground: Ground) -> Study | None:
    """For a site alone, whose points differ in bounds only; heats begin with the neighbours' plans instead.

    Every point begins with the cheapest plan, so that it does not matter which of them this process searches.
    """
    from emberline import models
    from emberline.models import Study

    if ground.scenario.orders or ground.scenario.processes:
        return None
    if getattr(_KEPT, "ground", None) is not ground:
        _KEPT.ground, _KEPT.study = ground, Study(steady=True)
        cheapest = ending_no_lower(ask(ground, COST), ground.baseline)
        models.optimize(cheapest, ground.envelope, study=_KEPT.study)
    study: Study = _KEPT.study
    return study


def empty(ground: Ground, asked: Scenario, status: str, reason: str = "") -> Plan:
    """A plan that has no schedule yet."""
    return Plan(
        scenario=asked,
        envelope=ground.envelope,
        baseline=ground.baseline,
        baseline_figures=ground.baseline_figures,
        baseline_complete=ground.ruled,
        status=status,
        objective=None,
        bound=None,
        gap=None,
        reason=reason,
    )


def prove(plan: Plan, schedule: xr.Dataset) -> Plan:
    """The plan with a schedule that the twin has followed without disturbance."""
    from emberline import twin

    asked = plan.scenario
    replay = twin.replay(asked, schedule)
    return dataclasses.replace(
        plan,
        schedule=schedule,
        schedule_figures=figures(asked, schedule, asked.tonnes),
        replay=replay,
        replay_figures=figures(asked, replay, float(replay.attrs["tonnes"])),
    )


def judge(plan: Plan) -> Plan:
    """The plan with the gap that its bound leaves."""
    if plan.objective is None or plan.bound is None:
        return plan
    bound = min(plan.bound, plan.objective)
    gap = (plan.objective - bound) / max(abs(plan.objective), 1e-9)
    status = "within gap" if gap <= plan.scenario.goal.gap + 1e-9 else plan.status
    return dataclasses.replace(plan, bound=bound, gap=gap, status=status)


def decidable(plan: Plan) -> float:
    """Objective of a plan that was not searched for: its goal, less what no plan can change."""
    from emberline.models import site

    assert plan.schedule_figures is not None
    asked, sums = plan.scenario, plan.schedule_figures
    direct = site.direct_kg(asked, plan.envelope)
    data = site.read(asked, plan.envelope)
    constant = site.read_aim(asked, data, None, direct).constant
    if asked.goal.minimize == CARBON:
        return sums.carbon_kg - direct - constant
    return sums.cost - data.sunk_cost - asked.market.carbon_price.on_direct * direct / 1000 - constant


def _lower(*caps: float | None) -> float | None:
    known = [cap for cap in caps if cap is not None]
    return min(known) if known else None
