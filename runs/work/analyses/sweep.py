"""Analysis that plans a scenario for every combination of some values; each plan is a stored run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emberline.planning.engine.engine import Engine
from emberline.runs.store.store import Store
from emberline.scenarios.messages import Message
from emberline.studies import sweep

if TYPE_CHECKING:
    from emberline.runs.work.tasks import Task


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
