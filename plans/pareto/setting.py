"""What all points of a Pareto front have in common, and how one plan is asked, searched, proven and judged on it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import xarray as xr

from emberline.plans.accounts.site_stores import ending_no_lower
from emberline.plans.plan.baseline import Baseline
from emberline.plans.plan.pipeline import Search, plan
from emberline.plans.plan.progress import Progress
from emberline.plans.plan.record import Plan
from emberline.scenarios import Scenario

if TYPE_CHECKING:
    from emberline.models import Study

CARBON, COST = "carbon", "cost_with_carbon_price"
"""Cost is what the bill comes to, the carbon price of the market's scheme included."""


def prepare(scenario: Scenario) -> Baseline:
    """The baseline, once for all points: of the scenario without its cap on extra cost."""
    caps = scenario.goal.caps.model_copy(update={"extra_cost_share": None})
    return Baseline.of(scenario.model_copy(update={"goal": scenario.goal.model_copy(update={"caps": caps})}))


def ask(ground: Baseline, minimize: str, carbon_kg: float | None = None, cost: float | None = None) -> Scenario:
    """The scenario with a goal and caps beside its own."""
    goal = ground.scenario.goal
    lower = {"carbon_kg": _lower(goal.caps.carbon_kg, carbon_kg), "cost": _lower(goal.caps.cost, cost)}
    caps = goal.caps.model_copy(update=lower)
    return ground.scenario.model_copy(update={"goal": goal.model_copy(update={"minimize": minimize, "caps": caps})})


def search(ground: Baseline, asked: Scenario, start: xr.Dataset | None, stop: Callable[[], bool]) -> Plan:
    """A searched plan, undisturbed."""
    how = Search(start=start, study=_study(ground), lists=False)
    return plan(asked, baseline=ground, search=how, replications=0, cancel=stop)


_KEPT = threading.local()
"""What the searches of a thread leave for the next point."""


def _study(ground: Baseline) -> Study | None:
    """For a site alone, whose points differ in bounds only; heats begin with the neighbours' plans instead.

    Every point begins with the cheapest plan, so that it does not matter which of them this process searches.
    """
    from emberline import models
    from emberline.models import Study

    if ground.scenario.orders or ground.scenario.processes:
        return None
    if getattr(_KEPT, "ground", None) is not ground:
        _KEPT.ground, _KEPT.study = ground, Study(steady=True)
        cheapest = ending_no_lower(ask(ground, COST), ground.run)
        models.optimize(cheapest, ground.envelope, study=_KEPT.study)
    study: Study = _KEPT.study
    return study


def follow(
    ground: Baseline, asked: Scenario, schedule: xr.Dataset, status: str, replications: int | None = 0,
    on_progress: Progress | None = None,
) -> Plan:  # fmt: skip
    """The plan of a schedule that is known, its objective in the measure of a search."""
    followed = plan(asked, baseline=ground, schedule=schedule, replications=replications, on_progress=on_progress)
    return dataclasses.replace(followed, status=status, objective=decidable(followed), bound=None, gap=None, reason="")


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
