"""Runs of process units, derived from their steps: the basis of shift instructions and of counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr

from emberline.planning.accounts.emissions import told_modes
from emberline.scenarios import Scenario

__all__ = ["RUN", "UnitRun", "counts", "unit_runs"]

RUN, START_UP, CHANGE_OVER, WAIT = "run", "start-up", "change-over", "waits"


@dataclass(frozen=True)
class UnitRun:
    """Consecutive steps in which a unit does one thing."""

    unit: str
    what: str
    """``run``, ``start-up``, ``change-over``, or ``waits``: it should run but cannot."""
    mode: str
    """Current or coming mode."""
    first: int
    """Index of its first step."""
    last: int
    """Index of the step after its last one."""
    tonnes: float
    """Production, including off-spec product."""
    off_spec_t: float
    energy_mwh: float


@dataclass(frozen=True)
class Count:
    """Use of a unit."""

    runs: int
    """Number of runs, each in one mode; a run that continues from before the horizon is included."""
    change_overs: int
    hours: float
    """Production time, in whole steps."""


def unit_runs(scenario: Scenario, data: xr.Dataset) -> Iterator[UnitRun]:
    """Yield runs, start-ups and changeovers of each unit, unit by unit, in whole steps.

    Args:
        scenario: scenario with processes.
        data: dataset of table ``RUN`` or ``SCHEDULE``.
    """
    hours, n = scenario.horizon.step_h, scenario.horizon.n_steps
    for unit, mode, runs in _modes(scenario, data):
        mine = data.sel(process=unit)
        sums = [mine[name].to_numpy() * hours for name in ("process_tph", "off_spec_tph", "process_mw")]
        cuts = 1 + np.flatnonzero((mode[2:] != mode[1:-1]) | (runs[1:] != runs[:-1]))
        for first, last in pairwise([0, *cuts.tolist(), n]):
            before, after = str(mode[first]), str(mode[first + 1])
            if not after and not runs[first]:
                continue
            what = RUN if runs[first] else START_UP if not before else CHANGE_OVER if before != after else WAIT
            tonnes, off_spec, energy = (float(part[first:last].sum()) for part in sums)
            yield UnitRun(unit, what, after, first, last, tonnes, off_spec, energy)


def counts(scenario: Scenario, data: xr.Dataset) -> dict[str, Count]:
    """Use of each unit, by unit."""
    by_unit = {}
    for unit, mode, runs in _modes(scenario, data):
        begins = runs & ~np.concatenate([[False], runs[:-1] & (mode[2:] == mode[1:-1])])
        changed = (mode[1:] != mode[:-1]) & (mode[1:] != "") & (mode[:-1] != "")
        by_unit[unit] = Count(int(begins.sum()), int(changed.sum()), float(runs.sum()) * scenario.horizon.step_h)
    return by_unit


def _modes(scenario: Scenario, data: xr.Dataset) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield each unit, its mode before the horizon and in each step, shape (1 + n_steps,), and the steps in which it
    runs."""
    for process in scenario.processes:
        for unit, state in zip(process.units, process.start, strict=True):
            mode = data["process_mode"].sel(process=unit).values.astype(str)
            runs = data["process_tph"].sel(process=unit).to_numpy() > 0
            # idle at the beginning of the step, running later in it
            mode = np.where(runs & (mode == ""), told_modes(mode), mode)
            yield unit, np.concatenate([[state.mode or ""], mode]), runs
