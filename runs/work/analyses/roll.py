"""Analysis of planning as time goes on: a period is rolled through with the forecasts as they were issued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emberline.planning.engine import memory
from emberline.scenarios.messages import Message
from emberline.studies.rolling.comparison import compare
from emberline.studies.rolling.horizon import How, refuse
from emberline.studies.rolling.span import load_span

if TYPE_CHECKING:
    from emberline.runs.work.tasks import Task

DIGITS = 3


def work(task: Task) -> dict[str, Any]:
    """Roll through the requested scenario, or a period of it."""
    options = task.options
    scenario = load_span(
        str(task.request["scenario"]), task.request["overrides"], options.get("start"), options.get("end")
    )
    every = [float(minutes) for minutes in options["every_min"]]
    how = How(every[0], float(options["look_ahead_min"]), float(options["frozen_min"]), float(options["keep_share"]))
    replication = options.get("replication")
    for minutes in every:
        refuse(scenario, How(minutes, *_rest(how)), disturbed=replication is not None)
    memory.refuse(memory.of_plan(scenario), scenario.name)
    length = scenario.horizon.length_min

    def on_step(name: str, step: Any) -> None:
        if step is None:
            task.report(Message("one plan over the whole period, with everything known"))
            return
        at, percent = scenario.horizon.instant(step.at_min), round(100 * step.at_min / length)
        says = {
            "roll": Message("planned at {at}", at=at),
            "foresight": Message("planned at {at}, with everything known", at=at),
        }
        task.report(says.get(name, Message("planned at {at}, {how}", at=at, how=name)), percent, 100)

    comparison = compare(
        scenario, how, every[1:], foresight=bool(options["foresight"]), replication=replication, on_step=on_step,
        cancel=task.cancelled,
    )  # fmt: skip
    runs = {"roll": comparison.rolled.run, "baseline": comparison.baseline.run}
    if comparison.best is not None:
        runs["perfect"] = comparison.best.run
    plans = [step.import_mw for step in comparison.rolled.steps]
    return {
        **comparison.summary(),
        "horizon": scenario.horizon.model_dump(mode="json"),
        "import_mw": {name: _plain(run["import_mw"].to_numpy()) for name, run in runs.items()},
        "planned_mw": [_plain(values) if values is not None else [] for values in plans],
    }


def _rest(how: How) -> tuple[float, float, float]:
    return how.look_ahead_min, how.frozen_min, how.keep_share


def _plain(values: np.ndarray) -> list[float]:
    return [round(float(value), DIGITS) for value in values]
