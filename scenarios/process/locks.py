"""Locks on runs of processes, by step: when runs must begin, and how many units must run until when.

Identical units are counted, so a lock names a process and a mode. Twin and models read locks here;
``scenarios/checking/flow_sheet.py`` refuses those that no plan can keep.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emberline.scenarios.process.record import Process
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.orders import RunLock

HAIR = 1e-6
"""Share of a step that counts as nothing."""


@dataclass(frozen=True)
class LockedRuns:
    """Requirements of locks on the units of a process in one mode."""

    begins: dict[int, int]
    """Least number of runs that begin with a step; a run from the first step on may have begun before."""
    running: np.ndarray
    """Least number of units that run in each step, shape (n_steps,)."""


def mode_of(lock: RunLock, process: Process) -> str:
    """Name of the mode that a lock is about."""
    return process.all_modes[0].name if lock.mode is None else lock.mode


def span(lock: RunLock, process: Process, horizon: Horizon) -> tuple[int, int]:
    """First step of the run that is locked and the one after the last, in whole steps within its times."""
    first = math.ceil(horizon.minutes(lock.start) / horizon.step_min - HAIR)
    if lock.end is not None:
        return first, math.floor(horizon.minutes(lock.end) / horizon.step_min + HAIR)
    return first, min(first + max(math.ceil(process.min_run_h / horizon.step_h - HAIR), 1), horizon.n_steps)


def locked_runs(
    locks: Sequence[RunLock], processes: Sequence[Process], horizon: Horizon
) -> dict[tuple[str, str], LockedRuns]:
    """All locks on runs together, by process and mode."""
    by_name = {process.name: process for process in processes}
    result: dict[tuple[str, str], LockedRuns] = {}
    for lock in locks:
        process = by_name[lock.process]
        first, last = span(lock, process, horizon)
        key = process.name, mode_of(lock, process)
        runs = result.setdefault(key, LockedRuns({}, np.zeros(horizon.n_steps, dtype=int)))
        runs.running[first:last] += 1
        if 0 < first < horizon.n_steps:
            runs.begins[first] = runs.begins.get(first, 0) + 1
    return result
