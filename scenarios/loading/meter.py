"""Meter record: mean power of the interval that begins at each time stamp."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.reading.table import Table, read_table
from emberline.scenarios.records.base import Problem, ScenarioError

COLUMNS = ("time", "power_mw")
LONGEST_INTERVAL_MIN = 60


@dataclass(frozen=True)
class Meter:
    """Validated readings of a meter; arrays have shape (n,)."""

    name: str
    start_min: np.ndarray
    """Start of each interval in minutes since 1970 UTC, increasing; gaps are omitted."""
    power_mw: np.ndarray
    interval_min: float

    def after(self, origin: datetime) -> np.ndarray:
        """Return the start of each interval in minutes after an origin."""
        return self.start_min - (origin - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / 60


def read(path: Path, scenario: Scenario) -> Meter:
    """Read a CSV or Parquet file with the columns ``time`` (with offset, or local time of the plant) and ``power_mw``.

    Raises:
        ScenarioError: the file is invalid; lists all mistakes with file, line and column.
    """
    table = Table(read_table(path, "a meter's record"), path.name, scenario.horizon.zone)
    for column in COLUMNS:
        if column not in table.frame:
            table.problems.append(Problem(f"{path.name}:1", "", f"has no column {column}; it needs time and power_mw"))
    table.stop()
    every = np.ones(len(table.frame), dtype=bool)
    start, power = table.times("time", every), table.numbers("power_mw", every, zero=True)
    table.each(~np.isnan(start), "time", None, "is required")
    table.stop()
    mask = ~np.isnan(power)
    start, power = start[mask], power[mask]
    if len(start) < 2:
        raise ScenarioError([Problem(path.name, "power_mw", "has fewer than two values")])
    order = np.argsort(start, kind="stable")
    start, power = start[order], power[order]
    steps = np.diff(start)
    if (steps == 0).any():
        at = datetime.fromtimestamp(float(start[int(np.argmin(steps))]) * 60, UTC)
        raise ScenarioError([Problem(path.name, "time", f"{at:%Y-%m-%dT%H:%M}Z is there twice")])
    lengths, times = np.unique(steps, return_counts=True)
    interval = float(lengths[np.argmax(times)])
    if interval > LONGEST_INTERVAL_MIN or (np.abs(steps / interval - np.round(steps / interval)) > 1e-6).any():
        text = f"intervals differ, or are longer than {LONGEST_INTERVAL_MIN} min; most are {interval:g} min"
        raise ScenarioError([Problem(path.name, "time", text)])
    return Meter(path.name, start, power, interval)
