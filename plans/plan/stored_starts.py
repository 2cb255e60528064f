"""Stored plans of the same orders on the same plant: where a search begins, and what it may not fall short of."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr

from emberline.plans.plan.baseline import Baseline
from emberline.plans.plan.proof import judged, proven
from emberline.plans.plan.record import Plan
from emberline.plans.plan.replan import choose
from emberline.plans.store.run_folder import StoredRun
from emberline.plans.store.store import Store, StoreError
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message
from emberline.scenarios.records.disturbances import MARGINS

PLANT = ("line", "orders", "processes", "stores", "horizon", "state")
"""What makes schedules of two scenarios alike: what is made, on what, when."""
NAMES = ("name", "title", "description")
LOOKED_AT = 60
"""Newest runs that are looked at."""
MOST = 6
"""Plans that a search is given."""
ROUNDING = 1e-6
"""Share of the objective by which two figures of the same plan may differ."""


@dataclass(frozen=True)
class Earlier:
    """What is stored already."""

    schedules: tuple[xr.Dataset, ...] = ()
    """Of the same orders, newest first; whatever they were planned for, a search judges them by its own scenario."""
    same: Plan | None = None
    """The best one of the very same scenario."""

    def keep(self, candidate: xr.Dataset) -> xr.Dataset:
        """What was found, unless a plan of the same scenario is better."""
        if self.same is None or self.same.schedule is None:
            return candidate
        before = self.same.schedule
        return choose(self.same.scenario, self.same.envelope, before, candidate, -ROUNDING, sound=True)

    def better(self, candidate: Plan) -> Plan:
        """A plan that was made to hold, unless one of the same scenario is better: it reaches its level, or comes
        closer to it, or costs less."""
        if self.same is None:
            return candidate
        bounds = [one.bound for one in (candidate, self.same) if one.bound is not None]
        bound = max(bounds, default=None)
        if _worth(candidate) >= _worth(self.same):
            return proven(candidate, bound)
        names = {name: getattr(candidate.scenario, name) for name in (*NAMES, "goal")}
        scenario = self.same.scenario.model_copy(update=names)
        plan = replace(self.same, scenario=scenario, reason=Message("The earlier plan stays."))
        return proven(plan, bound)


def earlier(store: Store, scenario: Scenario, baseline: Baseline | None = None) -> Earlier:
    """What is stored of a scenario's orders, judged by the goal that it was made for.

    Args:
        store: with plans.
        scenario: what is asked.
        baseline: a day that was run, which caps and levels at the end count from; None: the scenario's own.
    """
    schedules, best = [], None
    for run in _alike(store, _content(scenario.model_dump_json(exclude_defaults=True))):
        plan = run.plan
        if plan.schedule is None or plan.objective is None or not plan.acceptable:
            continue
        schedules.append(plan.schedule)
        if (plan.holding is not None) != scenario.holding or not same_asked(scenario, plan.requested):
            continue
        if plan.as_run is not None if baseline is None else plan.baseline_figures != baseline.figures:
            continue
        plan = judged(plan)
        if plan.holding is not None:  # an earlier release may have asked for another level
            reached = plan.holding.share >= scenario.level
            plan = replace(plan, holding=replace(plan.holding, level=scenario.level, reached=reached))
        if best is None or _worth(plan) > _worth(best):
            best = plan
    return Earlier(tuple(schedules), best)


def _worth(plan: Plan) -> tuple[bool, float, float]:
    """How good a plan is: whether it reaches its level, else by how much it does not, and then by its goal."""
    objective = math.inf if plan.objective is None else plan.objective
    share = 0.0 if plan.holding is None or plan.holding.reached else plan.holding.share - 1
    reached = plan.holding is None or plan.holding.reached
    return plan.schedule is not None and reached, share, -objective * (1 - math.copysign(ROUNDING, objective))


def same_asked(one: Scenario, other: Scenario) -> bool:
    """Whether two scenarios ask the same, name and time for it aside."""
    mine, others = (_content(scenario.model_dump_json(exclude_defaults=True)) for scenario in (one, other))
    return mine == others and bool(one.inputs.equals(other.inputs))


def _alike(store: Store, content: dict[str, Any]) -> Iterator[StoredRun]:
    """Runs of the same orders: those that ask the same, the least objective first, then the newest others."""
    ranking = []
    for place, entry in enumerate(store.search(state="stored", limit=LOOKED_AT)):
        folder = store.path(entry.id)
        try:
            summary = json.loads((folder / "plan.json").read_text(encoding="utf-8"))["summary"]
            objective, holding = summary["objective"], summary.get("holding")
            its = _content((folder / "scenario.json").read_text(encoding="utf-8"), holding and holding["request"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # torn, or of an earlier release
        if objective is not None and all(its.get(name) == content.get(name) for name in PLANT):
            ranking.append((its != content, objective if its == content else place, entry.id))
    for *_, run in sorted(ranking)[:MOST]:
        try:
            yield store.open(run)
        except StoreError:
            continue


def _content(text: str, request: dict[str, Any] | None = None) -> dict[str, Any]:
    """A scenario as it is stored, without what it is called and how long it is searched; with the margins that were
    asked for, where others were learnt."""
    content: dict[str, Any] = json.loads(text)
    goal = {name: value for name, value in content.get("goal", {}).items() if name not in ("time_limit_s", "gap")}
    if request is not None:
        rest = {name: value for name, value in content.get("disturbances", {}).items() if name not in MARGINS}
        content["disturbances"] = rest | request
    return {name: value for name, value in content.items() if name not in NAMES} | {"goal": goal}
