"""Analysis of a scenario without a plan: which limits conflict, and the smallest change that helps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from emberline.scenarios import load
from emberline.studies.why.why_not import why_not

if TYPE_CHECKING:
    from emberline.runs.work.tasks import Task

COUNT = re.compile(r"(\d+) of (\d+): ")


def work(task: Task) -> dict[str, Any]:
    """Explain why the requested scenario has no plan."""
    name, overrides = str(task.request["scenario"]), list(task.request["overrides"])
    scenario = load(name, overrides)

    def on_progress(says: str) -> None:
        count = COUNT.match(says)
        task.report(says, int(count[1]) - 1 if count else 0, int(count[2]) if count else 0)

    answer = why_not(
        lambda more: load(name, [*overrides, *more]), time_limit_s=float(task.options["time_limit_s"]),
        on_progress=on_progress, cancel=task.cancelled,
    )  # fmt: skip
    return {"scenario": scenario.name, **answer.summary()}
