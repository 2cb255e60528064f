"""Analysis that plans a scenario for every combination of some values; each plan is a stored run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emberline.plans.jobs.engine import Engine
from emberline.plans.store.store import Store
from emberline.plans.studies import sweep
from emberline.scenarios.messages import Message

if TYPE_CHECKING:
    from emberline.plans.jobs.tasks import Task


def work(task: Task) -> dict[str, Any]:
    """Plan the requested scenario for every combination."""
    name, fixed = str(task.request["scenario"]), list(task.request["overrides"])
    axes, same = sweep.axes(task.options["axes"])  # lists among the other overrides are values, not axes
    cases = sweep.settings(name, axes, [*fixed, *same])
    task.report(Message("{count} plans", count=len(cases)), 0, len(cases))

    def on_progress(event: dict[str, Any]) -> None:
        row = event["row"]
        setting = ", ".join(f"{key} = {value}" for key, value in row.setting.items())
        says = Message("{setting}: {status}", setting=setting, status=Message(row.status))
        task.report(says, event["done"], event["of"])

    result = sweep.sweep(axes, cases, Engine(), Store(task.home), on_progress=on_progress, cancel=task.cancelled)
    return result.summary()
