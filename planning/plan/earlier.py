"""Plans that a search is given to begin with, and the one of the same scenario that it may not fall short of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import xarray as xr

from emberline.planning.plan.proof import proven
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replan import STAYS, choose
from emberline.scenarios import Case
from emberline.scenarios.messages import Message
from emberline.scenarios.records.disturbances import MARGINS

NAMES = ("name", "title", "description")
ROUNDING = 1e-6
"""Share of the objective by which two figures of the same plan may differ."""


@dataclass(frozen=True)
class EarlierPlans:
    """Plans that there are already: where a search begins, and what it may not fall short of."""

    schedules: Mapping[str, xr.Dataset] = field(default_factory=dict)
    """Of the same orders, by their runs, newest first; whatever they were planned for, a search judges them by its own
    scenario."""
    same: Plan | None = None
    """The best one of the very same scenario."""
    run: str = ""
    """Of that one."""

    def keep(self, candidate: xr.Dataset) -> xr.Dataset:
        """The schedule of a search, unless a plan of the same scenario is better."""
        if self.same is None or self.same.schedule is None:
            return candidate
        before = self.same.schedule
        result = choose(self.same.scenario, self.same.envelope, before, candidate, -ROUNDING, sound=True)
        return result.assign_attrs(reason=self._stays) if result.attrs["reason"] == STAYS else result

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
        plan = replace(self.same, scenario=scenario, reason=self._stays)
        return proven(plan, bound)

    @property
    def _stays(self) -> Message:
        return Message("The earlier plan stays: run {run}.", run=self.run[:8])

    def named(self, plan: Plan) -> Plan:
        """The plan; where its schedule is an earlier one and nothing else is said of it, with the run of that."""
        if plan.schedule is None or plan.reason:
            return plan
        same = (run for run, schedule in self.schedules.items() if _alike(schedule, plan.schedule))
        run = next(same, None)
        if run is None:
            return plan
        return replace(plan, reason=Message("The schedule is that of run {run}.", run=run[:8]))


def _alike(one: xr.Dataset, other: xr.Dataset) -> bool:
    """Whether heats, runs and set-points of two schedules are the same."""
    names = [name for name in ("unit", "start_min", "line_mw", "charge_mw") if name in one and name in other]
    return bool(names) and all(one[name].equals(other[name]) for name in names)


def worth(plan: Plan) -> tuple[bool, float, float]:
    """Rank of a plan: whether it reaches its level, else by how much it does not, and then its goal."""
    objective = math.inf if plan.objective is None else plan.objective
    share = 0.0 if plan.holding is None or plan.holding.reached else plan.holding.share - 1
    reached = plan.holding is None or plan.holding.reached
    return plan.schedule is not None and reached, share, -objective * (1 - math.copysign(ROUNDING, objective))


def same_asked(one: Case, other: Case) -> bool:
    """Whether two scenarios ask the same, name and time for it aside."""
    mine, others = (content_of(scenario.model_dump_json(exclude_defaults=True)) for scenario in (one, other))
    return mine == others and bool(one.inputs.equals(other.inputs))


def content_of(text: str, request: dict[str, Any] | None = None) -> dict[str, Any]:
    """A scenario as it is stored, without what it is called and how long it is searched; with the margins that were
    asked for, where others were learnt."""
    content: dict[str, Any] = json.loads(text)
    goal = {
        name: value for name, value in content.get("goal", {}).items() if name not in ("time_limit_s", "effort", "gap")
    }
    if request is not None:
        remaining = {name: value for name, value in content.get("disturbances", {}).items() if name not in MARGINS}
        content["disturbances"] = remaining | request
    return {name: value for name, value in content.items() if name not in NAMES} | {"goal": goal}
