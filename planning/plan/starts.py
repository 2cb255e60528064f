"""Plans that a search is given to begin with, and the one of the same scenario that it may not fall short of."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr

from emberline.planning.plan.proof import proven
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replan import choose
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message
from emberline.scenarios.records.disturbances import MARGINS

NAMES = ("name", "title", "description")
ROUNDING = 1e-6
"""Share of the objective by which two figures of the same plan may differ."""


@dataclass(frozen=True)
class Starts:
    """Plans that there are already: where a search begins, and what it may not fall short of."""

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
        if worth(candidate) >= worth(self.same):
            return proven(candidate, bound)
        names = {name: getattr(candidate.scenario, name) for name in (*NAMES, "goal")}
        scenario = self.same.scenario.model_copy(update=names)
        plan = replace(self.same, scenario=scenario, reason=Message("The earlier plan stays."))
        return proven(plan, bound)


def worth(plan: Plan) -> tuple[bool, float, float]:
    """How good a plan is: whether it reaches its level, else by how much it does not, and then by its goal."""
    objective = math.inf if plan.objective is None else plan.objective
    share = 0.0 if plan.holding is None or plan.holding.reached else plan.holding.share - 1
    reached = plan.holding is None or plan.holding.reached
    return plan.schedule is not None and reached, share, -objective * (1 - math.copysign(ROUNDING, objective))


def same_asked(one: Scenario, other: Scenario) -> bool:
    """Whether two scenarios ask the same, name and time for it aside."""
    mine, others = (content_of(scenario.model_dump_json(exclude_defaults=True)) for scenario in (one, other))
    return mine == others and bool(one.inputs.equals(other.inputs))


def content_of(text: str, request: dict[str, Any] | None = None) -> dict[str, Any]:
    """A scenario as it is stored, without what it is called and how long it is searched; with the margins that were
    asked for, where others were learnt."""
    content: dict[str, Any] = json.loads(text)
    goal = {name: value for name, value in content.get("goal", {}).items() if name not in ("time_limit_s", "gap")}
    if request is not None:
        rest = {name: value for name, value in content.get("disturbances", {}).items() if name not in MARGINS}
        content["disturbances"] = rest | request
    return {name: value for name, value in content.items() if name not in NAMES} | {"goal": goal}
