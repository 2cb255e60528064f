"""Stored plans of the same orders on the same plant, as start and lower limit of quality for a search."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.earlier import EarlierPlans, content_of, same_asked, worth
from emberline.planning.plan.proof import judged
from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.store.run_folder import StoredRun
from emberline.runs.store.store import Store
from emberline.scenarios import Case

PLANT = ("line", "orders", "processes", "stores", "horizon", "state")
"""Keys that must be equal for schedules of two scenarios to be compatible."""
LOOKED_AT = 60
"""Number of newest runs to consider."""
MAX_STARTS = 6
"""Maximum number of plans given to a search."""


def stored_starts(store: Store, scenario: Case, baseline: Baseline | None = None) -> EarlierPlans:
    """Return stored plans of a scenario's orders, compared by their own goal.

    Args:
        store: store with plans.
        scenario: scenario to plan.
        baseline: actual day that is the reference of caps and final levels; None: the scenario's own baseline.
    """
    schedules, best, best_run = {}, None, ""
    for run in _alike(store, content_of(scenario.model_dump_json(exclude_defaults=True))):
        plan = run.plan
        if plan.schedule is None or plan.objective is None or not plan.acceptable:
            continue
        schedules[run.id] = plan.schedule
        if (plan.holding is not None) != scenario.holding or not same_asked(scenario, plan.requested):
            continue
        if plan.as_run is not None if baseline is None else plan.baseline_figures != baseline.figures:
            continue
        plan = judged(plan)
        if plan.holding is not None:  # an earlier release may have used another level
            reached = plan.holding.share >= scenario.level
            plan = replace(plan, holding=replace(plan.holding, level=scenario.level, reached=reached))
        if best is None or worth(plan) > worth(best):
            best, best_run = plan, run.id
    return EarlierPlans(schedules, best, best_run)


def _alike(store: Store, content: dict[str, Any]) -> Iterator[StoredRun]:
    """Yield runs of the same orders: those with the same request by increasing objective, then the newest others."""
    ranking = []
    for place, entry in enumerate(store.search(state="stored", limit=LOOKED_AT)):
        folder = store.path(entry.id)
        try:
            summary = json.loads((folder / "plan.json").read_text(encoding="utf-8"))["summary"]
            objective, holding = summary["objective"], summary.get("holding")
            its = content_of((folder / "scenario.json").read_text(encoding="utf-8"), holding and holding["request"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # corrupt, or of an earlier release
        if objective is not None and all(its.get(name) == content.get(name) for name in PLANT):
            ranking.append((its != content, objective if its == content else place, entry.id))
    for *_, run in sorted(ranking)[:MAX_STARTS]:
        try:
            yield store.open(run)
        except StoreError:
            continue
