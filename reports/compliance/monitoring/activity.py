"""Activity data: amounts of streams and processes by interval, changes of stock, and gaps filled by a stated rule.

A file of activity data is a CSV table with the columns ``name``, ``from``, ``to`` (last day), ``amount``, ``unit`` and,
where they matter, ``stock_start``, ``stock_end`` and ``source``. A name is a source stream of the monitoring plan, or a
process, a colon and one of ``production``, ``to market``, ``direct``, ``electricity``, ``electricity exported``,
``heat imported``, ``heat exported``, ``waste gas imported``, ``waste gas exported``, ``takes PROCESS``,
``precursor NAME``. What is used is ``amount + stock_start − stock_end``. A file with the columns of a stack's hours is
read as such (``reports/compliance/monitoring/stack.py``).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from emberline.reports.compliance.csv_table import Unreadable, csv_table, parsed_rows
from emberline.reports.compliance.monitoring.period import Period
from emberline.reports.compliance.monitoring.plan import GapRule
from emberline.reports.compliance.monitoring.stack import HOURLY, Hour, Stack, read_hours, stack
from emberline.scenarios.records.base import Problem, ScenarioError

REQUIRED = {
    "name": "a stream of the monitoring plan, or a process or unit with a quantity",
    "from": "first day, as in 2026-03-01",
    "to": "last day",
    "amount": "negative for what leaves by a mass balance",
    "unit": "as in the monitoring plan, or of the quantity",
}
OPTIONAL = {
    "stock_start": "stock at the start of the first day, at least 0",
    "stock_end": "stock at the end of the last day; what is used is amount + stock_start − stock_end",
    "source": "where the amount is from; the file by default",
}
"""Columns of a file, and what stands in them."""
STACK_UNIT = "t CO2"
SAME_STOCK = 1e-6
"""Share by which a stock may differ from one row to the next."""


@dataclass(frozen=True)
class Measured:
    """An amount over an interval."""

    name: str
    first: date
    last: date
    amount: float
    unit: str
    source: str = ""
    stock_start: float = 0.0
    stock_end: float = 0.0
    place: str = ""
    """File and row."""

    @property
    def used(self) -> float:
        """Amount used, changes of stock included."""
        return self.amount + self.stock_start - self.stock_end

    @property
    def days(self) -> int:
        """Days of the interval."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Gap:
    """Days without data, and what stands for them."""

    name: str
    first: date
    last: date
    rule: GapRule
    amount: float

    def __str__(self) -> str:
        filled = f"{self.amount:,.6g} by the {self.rule} daily rate"
        return f"{self.name}: no data from {self.first} to {self.last}, {filled}"


@dataclass(frozen=True)
class Amount:
    """An amount over a period."""

    amount: float
    unit: str
    rows: tuple[Measured, ...]
    gaps: tuple[Gap, ...] = ()
    stack: Stack | None = None
    """Stack with hourly measurements, if there is one."""

    @property
    def breaks(self) -> Iterator[str]:
        """Rows whose final stock differs from the initial stock of the next row."""
        for row, following in itertools.pairwise(self.rows):
            if abs(row.stock_end - following.stock_start) > SAME_STOCK * max(row.stock_end, following.stock_start):
                yield (
                    f"{row.name}: stock is {row.stock_end:,.6g} {self.unit} on {row.last} and "
                    f"{following.stock_start:,.6g} {self.unit} on {following.first}"
                )


class MissingData(ValueError):
    """Days of a period have no data, and no rule says what stands for them."""


@dataclass(frozen=True)
class Activity:
    """Activity data of an installation."""

    rows: tuple[Measured, ...]
    stacks: Mapping[str, tuple[Hour, ...]] = field(default_factory=dict)
    """Hours of measured stacks, by name."""

    @property
    def places(self) -> Iterator[tuple[str, str]]:
        """Names in the data, and where they occur first."""
        yield from {row.name: row.place for row in reversed(self.rows)}.items()
        yield from ((name, hours[0].place) for name, hours in self.stacks.items())

    def measured(self, name: str, unit: str, period: Period, rule: GapRule) -> Amount:
        """Emissions of a stack from its hourly values [t CO2].

        Raises:
            ValueError: an amount is given too, another unit, or hours that are missing or occur twice.
        """
        twice = next((row for row in self.rows if row.name == name), None)
        if twice is not None:
            raise ValueError(f"{twice.place}: {name} is measured hour by hour already")
        if unit != STACK_UNIT:
            raise ValueError(f"{name} is measured in {STACK_UNIT}, the monitoring plan has {unit}")
        hours = self.stacks[name]
        figures = stack(name, hours, period, rule)
        file = hours[0].place.rpartition(" row ")[0]
        row = Measured(name, period.first, period.last, figures.t_co2, unit, file, place=hours[0].place)
        return Amount(figures.t_co2, unit, (row,), stack=figures)

    def amount(self, name: str, unit: str, period: Period, rule: GapRule = "refuse") -> Amount | None:
        """Amount over a period; None where the name does not occur at all.

        Raises:
            MissingData: days are missing, and the rule is to refuse.
            ValueError: rows overlap, have another unit, or cross the end of the period.
        """
        rows = sorted((row for row in self.rows if row.name == name), key=lambda row: row.first)
        inside: list[Measured] = []
        for row in rows:
            if row.last < period.first or row.first > period.last:
                continue
            if row.unit != unit:
                raise ValueError(f"{row.place}: {name} is in {row.unit or 'no unit'}, the monitoring plan has {unit}")
            if row.first < period.first or row.last > period.last:
                raise ValueError(f"{row.place}: {name} from {row.first} to {row.last} crosses the end of the period")
            if inside and row.first <= inside[-1].last:
                raise ValueError(f"{row.place}: {name} overlaps {inside[-1].place}")
            inside.append(row)
        if not rows:
            return None
        gaps = tuple(_filled(name, inside, period, rule))
        total = sum(row.used for row in inside) + sum(gap.amount for gap in gaps)
        return Amount(total, unit, tuple(inside), gaps)


def _filled(name: str, rows: list[Measured], period: Period, rule: GapRule) -> Iterator[Gap]:
    missing, following = [], period.first
    for row in rows:
        if row.first > following:
            missing.append((following, row.first - timedelta(days=1)))
        following = row.last + timedelta(days=1)
    if following <= period.last:
        missing.append((following, period.last))
    if not missing:
        return
    if rule == "refuse" or not rows:
        spans = ", ".join(f"{first} to {last}" for first, last in missing)
        reason = "there are no data to fill them from" if not rows else "name a rule (gap: mean, highest or lowest)"
        raise MissingData(f"{name} has no data from {spans}; {reason}")
    rates = [row.used / row.days for row in rows]
    mean = sum(row.used for row in rows) / sum(row.days for row in rows)
    rate = {"mean": mean, "highest": max(rates), "lowest": min(rates)}[rule]
    for first, last in missing:
        yield Gap(name, first, last, rule, rate * ((last - first).days + 1))


def read_activity(paths: Iterable[Path]) -> Activity:
    """Read files of activity data.

    Raises:
        ScenarioError: with every mistake, file and row.
    """
    rows: list[Measured] = []
    stacks: dict[str, list[Hour]] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            table = csv_table(path, HOURLY, REQUIRED)
        except Unreadable as error:
            problems.append(Problem(error.file, "", error.says))
            continue
        if set(HOURLY) <= set(table.fieldnames or ()):
            for name, hours in read_hours(table, path.name, problems).items():
                stacks.setdefault(name, []).extend(hours)
            continue
        rows += parsed_rows(table, path.name, _row, problems)
    if problems:
        raise ScenarioError(problems)
    return Activity(tuple(rows), {name: tuple(hours) for name, hours in stacks.items()})


def _row(values: dict[str, str], place: str) -> Measured:
    if not values["name"]:
        raise ValueError("name: is required")
    days = {}
    for key in ("from", "to"):
        try:
            days[key] = date.fromisoformat(values[key])
        except ValueError:
            raise ValueError(f"{key}: must be a date such as 2026-03-12, got {values[key][:40]!r}") from None
    if days["to"] < days["from"]:
        raise ValueError(f"to: {days['to']} lies before from, {days['from']}")
    numbers = {}
    for key in ("amount", "stock_start", "stock_end"):
        cell = values.get(key, "")
        if not cell and key != "amount":
            continue
        try:
            numbers[key] = float(cell)
        except ValueError:
            numbers[key] = math.nan
        if not math.isfinite(numbers[key]):
            raise ValueError(f"{key}: must be a number, got {cell[:40]!r}")
        if numbers[key] < 0 and key != "amount":
            raise ValueError(f"{key}: a stock is at least 0, got {cell[:40]!r}")
    source = values.get("source") or place.rpartition(" row ")[0]
    fields: dict[str, Any] = {**numbers, "unit": values["unit"], "source": source, "place": place}
    return Measured(values["name"], days["from"], days["to"], **fields)
