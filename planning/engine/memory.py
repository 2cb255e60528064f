"""The memory that work needs, estimated before it begins, and the memory that there is.

The needs are measured, not derived: for each step of the horizon a plan holds so much for every asset, mode and store,
and every grade at every stage, a replay so much for every number of its dataset. They are what the bundled scenarios
took at their peak, long searches and fine grids somewhat more; they are meant to refuse what cannot end well, in the
first second instead of after hours, not to be exact.
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
"""A process with everything imported."""
RESERVED = 600e6
"""Addresses that libraries and threads reserve and do not use: ``ulimit -v`` counts them."""
ADDRESSES = f"ulimit -v less {RESERVED / 2**20:.0f} MiB for libraries"
PER_VALUE = 80.0
"""Of a replay in the making, and its figures, for each number of its dataset."""
PER_REPLICATION = 5_000.0
"""Of an ensemble where it comes together."""
PER_STEP = 12_000.0
PER_ASSET_STEP = 2_500.0
PER_MODE_STEP = 20_000.0
"""Of processes: for each mode and each store."""
PER_GRADE_STEP = 12_000.0
"""Of a line: for each grade at each stage."""
CONTROL_GROUP = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Read here, as psutil knows of no control group, and ``distributed.system`` of no ``ulimit -v``."""
SIZE = re.compile(r"\s*(\d+(?:\.\d*)?)\s*(kB|MB|GB|TB|KiB|MiB|GiB|TiB)\s*")
UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@dataclass(frozen=True)
class Limit:
    """Available memory and its source."""

    size: float
    """Bytes."""
    of: str


def limit() -> Limit:
    """The least of what the machine has, what its control group or ``ulimit -v`` allows, and ``EMBERLINE_MEMORY``.

    Raises:
        ScenarioError: ``EMBERLINE_MEMORY`` is no size.
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
    return min(limits, key=lambda one: one.size)


def _address_space() -> list[Limit]:
    try:
        import resource
    except ImportError:  # no such limit on this system
        return []
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return [] if soft == resource.RLIM_INFINITY else [Limit(max(soft - RESERVED, 0.0), ADDRESSES)]


def of_replay(schedule: xr.Dataset) -> float:
    """Bytes that a process which follows a schedule of table ``SCHEDULE`` needs."""
    return BASE + PER_VALUE * sum(variable.size for variable in schedule.variables.values())


def of_ensemble(schedule: xr.Dataset, replications: int, workers: int) -> float:
    """Bytes that an ensemble needs on this machine, where so many of its workers are here."""
    return BASE + PER_REPLICATION * replications + workers * of_replay(schedule)


def of_plan(scenario: Scenario) -> float:
    """Bytes that a process which makes a plan needs at its peak."""
    per_step = PER_STEP + PER_ASSET_STEP * len(scenario.site.assets)
    per_step += PER_MODE_STEP * (len(scenario.process_modes) + len(scenario.stores))
    per_step += PER_GRADE_STEP * len({heat.grade.name for heat in scenario.heats}) * len(scenario.line.stages)
    return BASE + per_step * scenario.horizon.n_steps


def refuse(need: float, what: str, remedy: str = "") -> None:
    """Refuse work that needs more memory than there is.

    Args:
        need: bytes.
        what: is to be done.
        remedy: what would need less.

    Raises:
        ScenarioError: one line with both figures.
        MemoryError: no work at all would fit.
    """
    has = limit()
    if has.of == ADDRESSES and has.size < BASE:  # where this fails in a thread, the system's library ends the process
        raise MemoryError
    if need > has.size:
        text = f"would need about {in_words(need)} of memory, {has.of} has {in_words(has.size)}"
        raise ScenarioError([Problem(what, "", f"{text}; {remedy}" if remedy else text)])


def in_words(size: float) -> str:
    """A size in words."""
    return f"{size / 2**30:.3g} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
