"""Locks on runs of processes by step: required starts of runs and required numbers of running units.

A lock names a process and a mode, since units are identical and only their number matters. Twin and models use these
locks; ``scenarios/checking/flow_sheet.py`` rejects those that no plan can keep.
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
"""Tolerance as a share of a step."""


@dataclass(frozen=True)
class LockedRuns:
    """Requirements of locks on the units of a process in one mode."""

    begins: dict[int, int]
    """Minimum number of runs that start in a step; runs locked from the first step may have begun earlier."""
    running: np.ndarray
    """Minimum number of running units in each step, shape (n_steps,)."""


def mode_of(lock: RunLock, process: Process) -> str:
    """Return the name of the locked mode."""
    return process.all_modes[0].name if lock.mode is None else lock.mode


def span(lock: RunLock, process: Process, horizon: Horizon) -> tuple[int, int]:
    """Return the half-open range of whole steps of a locked run."""
    first = math.ceil(horizon.minutes(lock.start) / horizon.step_min - HAIR)
    if lock.end is not None:
        return first, math.floor(horizon.minutes(lock.end) / horizon.step_min + HAIR)
    return first, min(first + max(math.ceil(process.min_run_h / horizon.step_h - HAIR), 1), horizon.n_steps)


def locked_runs(
    locks: Sequence[RunLock], processes: Sequence[Process], horizon: Horizon
) -> dict[tuple[str, str], LockedRuns]:
    """Combine all locks on runs by process and mode."""
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
