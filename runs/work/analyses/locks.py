"""Analysis of the locks of a stored plan: the price of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emberline.runs.store.store import Store
from emberline.studies.why import lock_prices

if TYPE_CHECKING:
    from emberline.runs.work.tasks import Task


def work(task: Task) -> dict[str, Any]:
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
