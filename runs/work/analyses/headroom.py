"""Analysis of headroom: the saving at lower order loads, and where flexibility ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emberline.planning.engine import memory
from emberline.planning.engine.engine import Engine
from emberline.scenarios.messages import Message
from emberline.studies import headroom

if TYPE_CHECKING:
    from emberline.runs.work.tasks import Task


def work(task: Task) -> dict[str, Any]:
    """Plan the requested scenario at several loads."""
    scenario = task.scenario()
    loads = headroom.checked(scenario, [float(load) for load in task.options["loads"]])
    memory.refuse(memory.of_plan(scenario), scenario.name)
    task.report(Message("planning at each load"), 0, len(loads))

    def on_progress(event: dict[str, Any]) -> None:
        load = event["load"]
        says = Message("{load:.0f} % load: {status}", load=100 * load.share, status=Message(load.status))
        task.report(says, event["done"], event["of"])

    curve = headroom.headroom(
        scenario, Engine(), loads, threshold=float(task.options["threshold"]), on_progress=on_progress,
        cancel=task.cancelled,
    )  # fmt: skip
    return curve.summary()
