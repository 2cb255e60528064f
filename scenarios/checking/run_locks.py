"""Checks of locks on runs of processes: names, times, and more runs at once than there are units."""

from __future__ import annotations

import numpy as np

from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.process import locks
from emberline.scenarios.process.record import Process
from emberline.scenarios.records.base import Mistakes
from emberline.scenarios.records.orders import RunLock


def mistakes(scenario: Scenario) -> Mistakes:
    """Place and text of each mistake."""
    by_name = {process.name: process for process in scenario.processes}
    wrong = False
    for i, lock in enumerate(scenario.run_locks):
        process = by_name.get(lock.process)
        if process is None:
            wrong, names = True, ", ".join(by_name) or "none"
            yield ("run_locks", i, "process"), f"unknown process {lock.process!r}; processes are {names}"
            continue
        for place, says in _of_lock(scenario, lock, process):
            wrong = True
            yield ("run_locks", i, *place), says
    if not wrong:
        yield from _too_many(scenario)


def _of_lock(scenario: Scenario, lock: RunLock, process: Process) -> Mistakes:
    horizon = scenario.horizon
    if lock.mode is None and process.modes:
        yield ("mode",), f"which mode of {process.name}: {', '.join(process.mode)}"
    elif lock.mode is not None and lock.mode not in process.mode:
        yield ("mode",), f"unknown mode {lock.mode!r} of {process.name}; modes are {', '.join(process.mode)}"
    if process.must_run and len(process.all_modes) == 1:
        yield ("process",), f"{process.name} runs all the time (must_run): no start of a run is to be locked"
    for field in ("start", "end"):
        moment = getattr(lock, field)
        if moment is None:
            continue
        steps = horizon.minutes(moment) / horizon.step_min
        if not 0 <= steps <= horizon.n_steps - (field == "start"):
            yield (field,), "lies outside the horizon"
        elif abs(steps - round(steps)) > locks.HAIR:
            yield (field,), f"lies between two steps of {horizon.step_min:g} min"
    if lock.end is not None and horizon.minutes(lock.end) <= horizon.minutes(lock.start):
        yield ("end",), "is not after the start"


def _too_many(scenario: Scenario) -> Mistakes:
    """Steps in which more units are locked than a process has."""
    counts: dict[str, np.ndarray] = {}
    for (name, _), runs in locks.locked_runs(scenario.run_locks, scenario.processes, scenario.horizon).items():
        counts[name] = counts.get(name, 0) + runs.running
    for process in scenario.processes:
        most = int(np.max(counts.get(process.name, 0)))
        if most > process.count:
            last = max(i for i, lock in enumerate(scenario.run_locks) if lock.process == process.name)
            says = f"{most} runs are locked at once, {process.name} has {process.count} unit(s)"
            yield ("run_locks", last), says
