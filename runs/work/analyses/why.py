"""Analysis of one decision of a stored plan: fix or free it, plan again, and report the cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emberline.runs.store.store import Store
from emberline.studies.why.question import why

if TYPE_CHECKING:
    from emberline.runs.work.tasks import Task

ASKS = ("heat", "stage", "at", "unit", "hour", "every", "time_limit_s")


def work(task: Task) -> dict[str, Any]:
    """Explain a decision of the requested run."""
    plan = Store(task.home).open(str(task.options["run"])).plan
    question = {name: task.options[name] for name in ASKS if task.options.get(name) is not None}
    answer = why(plan, **question, on_progress=task.report, cancel=task.cancelled)
    return {**answer.summary(), "horizon": plan.scenario.horizon.model_dump(mode="json")}
