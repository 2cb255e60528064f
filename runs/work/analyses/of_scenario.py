"""Analyses of a scenario: planned at lower loads, without levers, other values, as time goes on; fitted to a log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from emberline.planning.engine import memory
from emberline.planning.engine.engine import Engine
from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.store.store import Store
from emberline.runs.work.tasks import Task
from emberline.scenarios import Problem, ScenarioError
from emberline.scenarios.loading import heat_log
from emberline.scenarios.loading import meter as meters
from emberline.scenarios.messages import Message, mark
from emberline.studies import headroom, sweep
from emberline.studies.calibration.calibrate import calibrate
from emberline.studies.calibration.twin_log import twin_log
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
    """Weigh the levers of the requested scenario."""
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
    """Plan the requested scenario for every combination."""
    name, fixed = str(task.request["scenario"]), list(task.request["overrides"])
    axes, same = sweep.axes(task.options["axes"])  # lists among the other overrides are values, not axes
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


FILE = re.compile(r"[0-9a-f]{64}\.(csv|parquet)\Z")
CALIBRATION_PHASES = {
    "fitting": mark("fitting"),
    "meter": mark("fitting energies to the meter"),
    "goodness of fit": mark("testing the goodness of fit"),
    "hold-out": mark("simulating the last part of the log"),
    "drift": mark("looking for drift"),
}


def work_calibrate(task: Task) -> dict[str, Any]:
    """Fit the requested scenario to a log: a file that was uploaded, or days that the twin generates."""
    scenario, options = task.scenario(), task.options
    if not scenario.line.stages:
        raise StoreError(Message("this scenario has no line, so a heat log cannot belong to it"))
    if options.get("days"):
        task.report(Message("simulating {count} days", count=int(options["days"])))
        path = task.folder / "twin-log.csv"
        table = twin_log(scenario, replications=range(int(options["days"])))
        table.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    else:
        path = _file(task.home, str(options["log"]))
    log = heat_log.read(path, scenario)
    meter = meters.read(_file(task.home, str(options["meter"])), scenario) if options.get("meter") else None
    phases: list[str] = []

    def on_progress(phase: str) -> None:
        task.report(Message(CALIBRATION_PHASES.get(phase, phase)), len(phases), len(PHASES) - (meter is None))
        phases.append(phase)

    result = calibrate(scenario, log, meter, confidence=float(options["confidence"]), on_progress=on_progress)
    thin = [{"unit": one.unit, "kind": one.kind, "grade": one.grade, "reason": one.reason} for one in result.thin]
    return {**result.summary(), "thin": thin, "yaml": result.yaml()}


def _file(home: Path, name: str) -> Path:
    """An uploaded file by its name, which is the hash of its content."""
    path = home / "analyses" / "files" / name
    if not FILE.match(name) or not path.is_file():
        raise StoreError(Message("the uploaded file is gone; choose it again"))
    return path
