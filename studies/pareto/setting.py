"""What all points of a Pareto front have in common, and how one plan is asked, searched, proven and judged on it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import xarray as xr

from emberline.planning.accounts.site_stores import ending_no_lower
from emberline.planning.engine.progress import Progress
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import Search, follow
from emberline.planning.plan.record import Plan
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case
from emberline.scenarios.records.goal import OtherSignal
from emberline.studies.pareto.axis import COST, Axis

if TYPE_CHECKING:
    from emberline.models import Study


@dataclasses.dataclass(frozen=True)
class Ground:
    """The baseline, once for all points, and what is traded against cost."""

    baseline: Baseline
    axis: Axis


def prepare(scenario: Case, metric: str) -> Ground:
    """The baseline of the scenario without caps that count from it, but for one that is asked for by name."""
    other = scenario.goal.caps.other_signal or OtherSignal.OFF
    caps = scenario.goal.caps.model_copy(update={"extra_cost_share": None, "other_signal": other})
    goal = scenario.goal.model_copy(update={"caps": caps})
    return Ground(Baseline.of(scenario.model_copy(update={"goal": goal})), Axis(metric))


def ask(ground: Ground, minimize: str, cap: float | None = None, cost: float | None = None) -> Case:
    """The scenario with a goal, and caps on the axis and on cost in addition to its own."""
    scenario = ground.baseline.scenario
    caps, name = scenario.goal.caps, ground.axis.row.cap
    lower = {name: _lower(getattr(caps, name), cap), "cost": _lower(caps.cost, cost)}
    goal = scenario.goal.model_copy(update={"minimize": minimize, "caps": caps.model_copy(update=lower)})
    return scenario.model_copy(update={"goal": goal})


def search(ground: Ground, scenario: Case, start: xr.Dataset | None, stop: Callable[[], bool]) -> Plan:
    """A searched plan, undisturbed."""
    how = Search(start=start, study=_study(ground), lists=False)
    return make_plan(scenario, PLAIN, baseline=ground.baseline, search=how, replications=0, cancel=stop)


_MEMORY = threading.local()
"""What the searches of a thread leave for the next point."""


def _study(ground: Ground) -> Study | None:
    """For a site alone, whose points differ in bounds only; heats begin with the neighbours' plans instead.

    Every point begins with the cheapest plan, so that it does not matter which of them this process searches.
    """
    from emberline import models
    from emberline.models import Study

    baseline = ground.baseline
    if baseline.scenario.producers:
        return None
    if getattr(_MEMORY, "ground", None) is not ground:
        _MEMORY.ground, _MEMORY.study = ground, Study(steady=True)
        cheapest = ending_no_lower(ask(ground, COST), baseline.run)
        models.optimize(cheapest, baseline.envelope, study=_MEMORY.study)
    study: Study = _MEMORY.study
    return study


def plan_of(
    ground: Ground, scenario: Case, schedule: xr.Dataset, status: str, replications: int | None = 0,
    on_progress: Progress | None = None,
) -> Plan:  # fmt: skip
    """The plan of a schedule that is known."""
    followed = follow(
        scenario, baseline=ground.baseline, schedule=schedule, replications=replications, on_progress=on_progress
    )
    return dataclasses.replace(followed, status=status, reason="")


def _lower(*caps: float | None) -> float | None:
    limits = [cap for cap in caps if cap is not None]
    return min(limits) if limits else None
