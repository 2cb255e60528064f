"""Stored plans of the same orders on the same plant: where a search begins, and what it may not fall short of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import xarray as xr

from emberline.plans.plan.record import Plan
from emberline.plans.plan.replan import choose
from emberline.plans.store.run_folder import StoredRun
from emberline.plans.store.store import Store, StoreError
from emberline.scenarios import Scenario

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
        return choose(self.same.scenario, self.same.envelope, before, candidate, -ROUNDING, judged=True)


def earlier(store: Store, scenario: Scenario) -> Earlier:
    """What is stored of a scenario's orders."""
    schedules, best = [], None
    for run in _alike(store, _content(scenario.model_dump_json(exclude_defaults=True))):
        plan = run.plan
        if plan.schedule is None or plan.objective is None or not plan.acceptable:
            continue
        schedules.append(plan.schedule)
        if same_asked(scenario, plan.scenario) and (best is None or plan.objective < (best.objective or 0.0)):
            best = plan
    return Earlier(tuple(schedules), best)


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
            its = _content((folder / "scenario.json").read_text(encoding="utf-8"))
            objective = json.loads((folder / "plan.json").read_text(encoding="utf-8"))["summary"]["objective"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # torn, or of an earlier release
        if objective is not None and all(its.get(name) == content.get(name) for name in PLANT):
            ranking.append((its != content, objective if its == content else place, entry.id))
    for *_, run in sorted(ranking)[:MOST]:
        try:
            yield store.open(run)
        except StoreError:
            continue


def _content(text: str) -> dict[str, Any]:
    """A scenario as it is stored, without what it is called and how long it is searched."""
    content: dict[str, Any] = json.loads(text)
    goal = {name: value for name, value in content.get("goal", {}).items() if name not in ("time_limit_s", "gap")}
    return {name: value for name, value in content.items() if name not in NAMES} | {"goal": goal}
