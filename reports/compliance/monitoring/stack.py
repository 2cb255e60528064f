"""Measured stacks: hours of concentration and flow, and what stands for hours that are missing.

Implementing Regulation (EU) 2018/2066, articles 43 and 45 and annex VIII, equations 3 and 4::

    t CO2 = Σ concentration [g/Nm3] · flow [Nm3/h] / 1e6        substitute of a concentration = mean + 2 · sd

A missing flow has no substitute of its own there: the rule for gaps of the stream stands for it. A stack that stands
still has hours with a flow of 0, not missing ones.

A file of hours is a CSV table with the columns ``name``, ``hour``, ``g_per_nm3`` and ``nm3_per_h``; an empty cell is a
missing value. Hours are standard time all year, or have an offset; then the file's smallest offset is standard time.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import numpy as np

from emberline.reports.compliance.csv_table import amount, parsed_rows
from emberline.reports.compliance.monitoring.period import Period
from emberline.scenarios.records.base import Problem

HOURLY = {
    "name": "a stream of the method measurement",
    "hour": "its start, standard time all year or with an offset",
    "g_per_nm3": "concentration; empty: missing",
    "nm3_per_h": "flow; empty: missing",
}
"""Columns of a file, and what stands in them."""
SUBSTITUTE_SD = 2.0
"""Standard deviations above the mean that stand for a missing concentration."""
LONGEST_OUTAGE_H = 120
"""More consecutive hours without a value must be reported to the authority (article 45, paragraph 1)."""


@dataclass(frozen=True)
class Hour:
    """Measured concentration and flow of a stack in an hour; NaN: no valid value."""

    at: datetime
    """Its start."""
    g_per_nm3: float
    nm3_per_h: float
    place: str
    """File and row."""


@dataclass(frozen=True)
class Stack:
    """A stack over a period, missing hours substituted."""

    t_co2: float
    hours: int
    """With flow."""
    nm3: float
    concentrations_missing: int
    """Hours."""
    flows_missing: int
    """Hours."""
    substituted_t_co2: float
    longest_outage_h: int

    @property
    def g_per_nm3(self) -> float:
        """Mean concentration, weighted by flow."""
        return self.t_co2 * 1e6 / self.nm3 if self.nm3 else 0.0

    @property
    def nm3_per_h(self) -> float:
        """Mean flow of the hours with flow."""
        return self.nm3 / self.hours if self.hours else 0.0


def stack(name: str, hours: Sequence[Hour], period: Period, rule: str) -> Stack:
    """Emissions of a stack.

    Args:
        name: of the stream.
        hours: of the stack, in any order.
        period: what they are to cover.
        rule: for missing flows: ``refuse``, or ``mean``, ``highest`` or ``lowest`` hour.

    Raises:
        ValueError: an hour occurs twice, nothing is measured, or flows are missing and the rule is to refuse.
    """
    begin = datetime.combine(period.first, time())
    table = np.full((2, 24 * period.days), math.nan)
    rows: dict[int, str] = {}
    for hour, at in zip(hours, _standard(name, hours), strict=True):
        place = int((at - begin).total_seconds() // 3600)
        if not 0 <= place < table.shape[1]:
            continue
        if place in rows:
            raise ValueError(f"{hour.place}: hour: {name} has {at:%Y-%m-%d %H:%M} in {rows[place]} too")
        rows[place] = hour.place
        table[:, place] = hour.g_per_nm3, hour.nm3_per_h
    concentration, flow = table
    no_flow = np.isnan(flow)
    # what nothing flows past has no concentration that is missing
    no_concentration = np.isnan(concentration) & ~(flow == 0)
    measured = concentration[~np.isnan(concentration)]
    if not len(measured) or no_flow.all():
        raise ValueError(f"{name} has no measured hours in {period}")
    if no_flow.any() and rule == "refuse":
        raise ValueError(
            f"{name} has no flow in {no_flow.sum()} of {len(flow)} hours; name a rule (gap: mean, highest or lowest)"
        )
    if no_flow.any():
        rates = flow[~no_flow]
        flow = np.where(no_flow, {"mean": rates.mean(), "highest": rates.max(), "lowest": rates.min()}[rule], flow)
    deviation = float(measured.std(ddof=1)) if len(measured) > 1 else 0.0
    concentration = np.where(no_concentration, measured.mean() + SUBSTITUTE_SD * deviation, concentration)
    t_co2 = np.where(flow > 0, concentration * flow, 0.0) / 1e6
    missing = no_flow | no_concentration
    return Stack(
        float(t_co2.sum()),
        int((flow > 0).sum()),
        float(flow.sum()),
        int(no_concentration.sum()),
        int(no_flow.sum()),
        float(t_co2[missing].sum()),
        _longest(missing),
    )


def _standard(name: str, hours: Sequence[Hour]) -> Iterator[datetime]:
    """Starts of the hours in standard time, naive."""
    offsets = {hour.at.utcoffset() for hour in hours}
    if None in offsets and len(offsets) > 1:
        raise ValueError(f"{name}: some hours have an offset and some have none")
    smallest = min((offset for offset in offsets if offset is not None), default=None)
    for hour in hours:
        offset = hour.at.utcoffset()
        ahead = timedelta() if offset is None or smallest is None else offset - smallest
        yield hour.at.replace(tzinfo=None) - ahead


def _longest(missing: np.ndarray) -> int:
    """Length of the longest run of missing hours."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(int), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def read_hours(table: csv.DictReader[str], file: str, problems: list[Problem]) -> dict[str, list[Hour]]:
    """Hours by stack, from a table with the columns of ``HOURLY``; mistakes are added to the problems."""
    stacks: dict[str, list[Hour]] = {}
    for name, hour in parsed_rows(table, file, _hour, problems):
        stacks.setdefault(name, []).append(hour)
    return stacks


def _hour(cells: dict[str, str], place: str) -> tuple[str, Hour]:
    if not cells["name"]:
        raise ValueError("name: is required")
    try:
        at = datetime.fromisoformat(cells["hour"])
    except ValueError:
        raise ValueError(f"hour: must be an hour such as 2026-03-12T08:00, got {cells['hour'][:40]!r}") from None
    if at.minute or at.second or at.microsecond:
        raise ValueError(f"hour: must be a full hour, got {cells['hour'][:40]!r}")
    numbers = []
    for key in ("g_per_nm3", "nm3_per_h"):
        number = amount(cells[key]) if cells[key] else math.nan
        if number is None:
            raise ValueError(f"{key}: must be a number of at least 0, or empty where it is missing, got {cells[key]!r}")
        numbers.append(number)
    return cells["name"], Hour(at, numbers[0], numbers[1], place)
