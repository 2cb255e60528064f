"""Analyses of a scenario: plans at lower loads, without levers, with other values, and over a rolling horizon."""

from __future__ import annotations

from typing import Any

import numpy as np

from emberline.planning.engine import memory
from emberline.planning.engine.engine import Engine
from emberline.runs.store.store import Store
from emberline.runs.work.tasks import Task
from emberline.scenarios import Problem, ScenarioError
from emberline.scenarios.messages import Message, mark
from emberline.studies import headroom, sweep
from emberline.studies.levers.study import levers, refused
from emberline.studies.rolling.comparison import compare
from emberline.studies.rolling.horizon import How, load_span


def work_headroom(task: Task) -> dict[str, Any]:
    """Plan the requested scenario at several loads."""
    scenario = task.scenario()
    loads = headroom.checked(scenario, [float(load) for load in task.options["loads"]])
    memory.refuse(memory.of_plan(scenario), scenario.name)
    task.report(Message("planning at each load"), 0, len(loads))

    def on_progress(event: dict[str, Any]) -> None:
        load = event["load"]
        text = Message("{load:.0f} % load: {status}", load=100 * load.share, status=Message(load.status))
        task.report(text, event["done"], event["of"])

    how: dict[str, Any] = {"threshold": float(task.options["threshold"]), "cancel": task.cancelled}
    return headroom.headroom(scenario, Engine(), loads, on_progress=on_progress, **how).summary()


PHASES = {
    "sequential": mark("searching: production first, site after"),
    "joint": mark("searching: heats and site together"),
}


def work_levers(task: Task) -> dict[str, Any]:
    """Evaluate the levers of the requested scenario."""
    scenario = task.scenario()
    text = refused(scenario)
    if text:
        raise ScenarioError([Problem(scenario.name, "", text)])
    last: list[str] = []

    def on_progress(event: dict[str, Any]) -> None:
        phase = event["phase"]
        if "lever" in event:
            task.report(Message("weighed: {lever}", lever=event["lever"]), event["done"], event["of"])
        elif last != [phase]:
            last[:] = [phase]
            task.report(Message(PHASES[phase]) if phase in PHASES else phase)

    return levers(scenario, on_progress=on_progress, cancel=task.cancelled).summary()


def work_sweep(task: Task) -> dict[str, Any]:
    """Plan the requested scenario for every combination of values."""
    name, fixed = str(task.request["scenario"]), list(task.request["overrides"])
    axes, same = sweep.axes(task.options["axes"])  # lists in the other overrides are values, not axes
    cases = sweep.settings(name, axes, [*fixed, *same])
    task.report(Message("{count} plans", count=len(cases)), 0, len(cases))

    def on_progress(event: dict[str, Any]) -> None:
        row = event["row"]
        setting = ", ".join(f"{key} = {value}" for key, value in row.setting.items())
        text = Message("{setting}: {status}", setting=setting, status=Message(row.status))
        task.report(text, event["done"], event["of"])

    result = sweep.sweep(axes, cases, Engine(), Store(task.home), on_progress=on_progress, cancel=task.cancelled)
    return result.summary()


DIGITS = 3


def work_roll(task: Task) -> dict[str, Any]:
    """Roll through the requested scenario, or a period of it."""
    options = task.options
    scenario = load_span(
        str(task.request["scenario"]), task.request["overrides"], options.get("start"), options.get("end")
    )
    every = [float(minutes) for minutes in options["every_min"]]
    how = How(every[0], float(options["look_ahead_min"]), float(options["frozen_min"]), float(options["keep_share"]))
    length = scenario.horizon.length_min

    def on_step(name: str, step: Any) -> None:
        if step is None:
            task.report(Message("one plan over the whole period, with everything known"))
            return
        at, percent = scenario.horizon.instant(step.at_min), round(100 * step.at_min / length)
        text = {
            "roll": Message("planned at {at}", at=at),
            "foresight": Message("planned at {at}, with everything known", at=at),
        }
        task.report(text.get(name, Message("planned at {at}, {how}", at=at, how=name)), percent, 100)

    more: dict[str, Any] = {"foresight": bool(options["foresight"]), "replication": options.get("replication")}
    comparison = compare(scenario, how, every[1:], **more, on_step=on_step, cancel=task.cancelled)
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


def _plain(values: np.ndarray) -> list[float]:
    return [round(float(value), DIGITS) for value in values]


WORK = (work_levers, work_headroom, work_sweep, work_roll)
