"""Estimates of required memory before work begins, and the available memory.

Requirements are measured, not derived: a plan needs memory per step for each asset, mode, store, and grade at each
stage; a replay needs memory per value of its dataset. The coefficients match the peaks of the bundled scenarios; long
searches and fine grids take somewhat more. The purpose is to reject hopeless work in the first second rather than after
hours, not to be exact.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from emberline.scenarios import Scenario
from emberline.scenarios.records.base import Problem, ScenarioError

__all__ = ["of_plan", "refuse"]

BASE = 250e6
"""Process with all modules imported."""
RESERVED = 600e6
"""Addresses reserved but not used by libraries and threads, which count towards ``ulimit -v``."""
ADDRESSES = f"ulimit -v less {RESERVED / 2**20:.0f} MiB for libraries"
PER_VALUE = 80.0
"""Per value of a replay's dataset, including its computation and figures."""
PER_REPLICATION = 5_000.0
"""Per replication when an ensemble is assembled."""
PER_STEP = 12_000.0
PER_ASSET_STEP = 2_500.0
PER_MODE_STEP = 20_000.0
"""Per mode and per store of processes."""
PER_GRADE_STEP = 12_000.0
"""Per grade at each stage of a line."""
CONTROL_GROUP = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Read here, since psutil ignores control groups and ``distributed.system`` ignores ``ulimit -v``."""
SIZE = re.compile(r"\s*(\d+(?:\.\d*)?)\s*(kB|MB|GB|TB|KiB|MiB|GiB|TiB)\s*")
UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@dataclass(frozen=True)
class Limit:
    """Available memory and its source."""

    size: float
    """Memory size [bytes]."""
    of: str


def limit() -> Limit:
    """Minimum of the machine's memory, the limits of its control group and ``ulimit -v``, and ``EMBERLINE_MEMORY``.

    Raises:
        ScenarioError: ``EMBERLINE_MEMORY`` is not a valid size.
    """
    import psutil

    limits = [Limit(float(psutil.virtual_memory().total), "this machine")]
    for path in map(Path, CONTROL_GROUP):
        if path.is_file() and (text := path.read_text(encoding="ascii").strip()).isdigit():
            limits.append(Limit(float(text), "the control group"))
    limits += _address_space()
    named = os.environ.get("EMBERLINE_MEMORY", "")
    if named:
        match = SIZE.fullmatch(named)
        if not match or not float(match[1]):
            sentence = f"{named[:40]!r} is no size; write it as 4 GiB (units: {', '.join(UNITS)})"
            raise ScenarioError([Problem("EMBERLINE_MEMORY", "", sentence)])
        limits.append(Limit(float(match[1]) * UNITS[match[2]], "EMBERLINE_MEMORY"))
    return min(limits, key=lambda limit: limit.size)


def _address_space() -> list[Limit]:
    try:
        import resource
    except ImportError:  # no such limit on this system
        return []
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return [] if soft == resource.RLIM_INFINITY else [Limit(max(soft - RESERVED, 0.0), ADDRESSES)]


def of_replay(schedule: xr.Dataset) -> float:
    """Bytes needed to follow a schedule of table ``SCHEDULE`` in one process."""
    return BASE + PER_VALUE * sum(variable.size for variable in schedule.variables.values())


def of_ensemble(schedule: xr.Dataset, replications: int, workers: int) -> float:
    """Bytes needed for an ensemble on this machine; ``workers`` counts the local ones."""
    return BASE + PER_REPLICATION * replications + workers * of_replay(schedule)


def of_plan(scenario: Scenario) -> float:
    """Peak memory of a process that makes a plan [bytes]."""
    per_step = PER_STEP + PER_ASSET_STEP * len(scenario.site.assets)
    per_step += PER_MODE_STEP * (len(scenario.process_modes) + len(scenario.stores))
    per_step += PER_GRADE_STEP * len({heat.grade.name for heat in scenario.heats}) * len(scenario.line.stages)
    return BASE + per_step * scenario.horizon.n_steps


def refuse(need: float, what: str, remedy: str = "") -> None:
    """Reject work that needs more memory than is available.

    Args:
        need: required memory [bytes].
        what: description of the work.
        remedy: advice for reducing the memory.

    Raises:
        ScenarioError: the memory does not suffice; one line with both figures.
        MemoryError: no work at all would fit.
    """
    has = limit()
    if has.of == ADDRESSES and has.size < BASE:  # a failed allocation in a thread would abort the process
        raise MemoryError
    if need > has.size:
        text = f"would need about {in_words(need)} of memory, {has.of} has {in_words(has.size)}"
        raise ScenarioError([Problem(what, "", f"{text}; {remedy}" if remedy else text)])


def in_words(size: float) -> str:
    """Format a size for people."""
    return f"{size / 2**30:.3g} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
