"""Analyses that explain a plan or its absence: decisions, conflicting limits, locks, shadow prices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.store.store import Store
from emberline.runs.work.tasks import Task
from emberline.scenarios import Case, load
from emberline.scenarios.messages import Message
from emberline.studies.why import lock_prices
from emberline.studies.why import shadow_prices as pricing
from emberline.studies.why.question import why
from emberline.studies.why.why_not import why_not

ASKS = ("heat", "stage", "at", "unit", "hour", "every", "time_limit_s")


def work_why(task: Task) -> dict[str, Any]:
    """Explain a decision of the requested run."""
    plan = Store(task.home).open(str(task.options["run"])).plan
    question = {name: task.options[name] for name in ASKS if task.options.get(name) is not None}
    answer = why(plan, **question, on_progress=task.report, cancel=task.cancelled)
    return {**answer.summary(), "horizon": plan.scenario.horizon.model_dump(mode="json")}


COUNT = re.compile(r"(\d+) of (\d+): ")


def work_why_not(task: Task) -> dict[str, Any]:
    """Explain why the requested scenario has no plan."""
    name, overrides = str(task.request["scenario"]), list(task.request["overrides"])
    scenario = load(name, overrides)

    def on_progress(says: str) -> None:
        count = COUNT.match(says)
        task.report(says, int(count[1]) - 1 if count else 0, int(count[2]) if count else 0)

    def changed(more: Sequence[str]) -> Case:
        return load(name, [*overrides, *more])

    limit_s = float(task.options["time_limit_s"])
    answer = why_not(changed, time_limit_s=limit_s, on_progress=on_progress, cancel=task.cancelled)
    return {"scenario": scenario.name, **answer.summary()}


def work_locks(task: Task) -> dict[str, Any]:
    """Price the locks of the requested run."""
    plan = Store(task.home).open(str(task.options["run"])).plan
    of = len(plan.scenario.locks)
    steps: list[str] = []

    def on_progress(says: str) -> None:
        steps.append(says)
        task.report(says, min(len(steps) - 1, of), of)

    limit_s = float(task.options["time_limit_s"])
    prices = lock_prices.lock_prices(plan, time_limit_s=limit_s, on_progress=on_progress, cancel=task.cancelled)
    return prices.summary()


DIGITS = 6


def work_prices(task: Task) -> dict[str, Any]:
    """Compute the shadow prices of the requested run's site."""
    plan = Store(task.home).open(str(task.options["run"])).plan
    if not plan.has_schedule:
        raise StoreError(Message("this run has no schedule, hence no shadow prices"))
    task.report(Message("solving the site with the schedule fixed"))
    data = pricing.prices(plan)
    if data is None:
        raise StoreError(Message("no shadow prices were found within the time limit"))
    rows = []
    for row in pricing.summary(plan, data):
        values = data[row.kind].to_numpy()
        label = pricing.KINDS[row.kind][0]
        if label != "meter":
            values = values[data[row.kind][label].values.tolist().index(row.name)]
        rows.append({**asdict(row), "values": _rounded(np.atleast_1d(values))})
    scenario = plan.scenario
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "goal": scenario.goal.minimize,
        "horizon": scenario.horizon.model_dump(mode="json"),
        "metered_interval_min": scenario.site.grid.metered_interval_min,
        "processes": bool(scenario.processes),
        "exact": data.attrs["whole_numbers"] != "fixed",
        "prices": rows,
    }


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), DIGITS) for value in values]


WORK = (work_prices, work_why, work_locks, work_why_not)
