"""Analysis of shadow prices: the value of one more unit of a carrier, a level or a limit, for every step."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from emberline.runs.store.store import Store, StoreError
from emberline.scenarios.messages import Message
from emberline.studies.why import shadow_prices as pricing

if TYPE_CHECKING:
    from emberline.runs.work.tasks import Task

DIGITS = 6


def work(task: Task) -> dict[str, Any]:
    """Price the site of the requested run."""
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
        rows.append({**asdict(row), "values": _plain(np.atleast_1d(values))})
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


def _plain(values: np.ndarray) -> list[float]:
    return [round(float(value), DIGITS) for value in values]
