"""Calibration of a scenario with a heat log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from emberline.runs.store.catalogue.errors import StoreError
from emberline.runs.work.tasks import Task
from emberline.scenarios.loading import heat_log
from emberline.scenarios.loading import meter as meters
from emberline.scenarios.messages import Message, mark
from emberline.studies.calibration.calibrate import calibrate
from emberline.studies.calibration.twin_log import twin_log

FILE = re.compile(r"[0-9a-f]{64}\.(csv|parquet)\Z")
PHASES = {
    "fitting": mark("fitting"),
    "meter": mark("fitting energies to the meter"),
    "goodness of fit": mark("testing the goodness of fit"),
    "hold-out": mark("simulating the last part of the log"),
    "drift": mark("looking for drift"),
}


def work_calibrate(task: Task) -> dict[str, Any]:
    """Fit the requested scenario to a log: an uploaded file, or days simulated by the twin."""
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
        task.report(Message(PHASES.get(phase, phase)), len(phases), len(PHASES) - (meter is None))
        phases.append(phase)

    result = calibrate(scenario, log, meter, confidence=float(options["confidence"]), on_progress=on_progress)
    thin = [{name: getattr(item, name) for name in ("unit", "kind", "grade", "reason")} for item in result.thin]
    return {**result.summary(), "thin": thin, "yaml": result.yaml()}


def _file(home: Path, name: str) -> Path:
    """Return the path of an uploaded file by its name, which is the hash of its content."""
    path = home / "analyses" / "files" / name
    if not FILE.match(name) or not path.is_file():
        raise StoreError(Message("the uploaded file is gone; choose it again"))
    return path


WORK = (work_calibrate,)
