"""Rows of tariff tables in the format of the US Utility Rate Database as curated for the ``eeco`` library.

One row is one rate: its type (customer, demand, energy, export), name (or ``period``), block limit, window (months and
weekdays inclusive, 0 = Monday; hours of the local clock, the end exclusive) and charge. Rows of equal name are one
charge: the peak of a demand charge is that over all its rows. Rows without a name form a charge by window.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emberline.scenarios.reading.files import named, unreadable
from emberline.scenarios.records.base import Problem, ScenarioError
from emberline.scenarios.records.quantity import CURRENCIES, signs
from emberline.scenarios.tariff.record import DemandCharge, DemandRate, EnergyCharge, EnergyRate, FixedCharge, Tariff
from emberline.scenarios.tariff.windows import Window

LARGEST_BYTES = 64_000_000
LARGEST_CHARGE = 1e6
"""Largest charge per kWh, kW or month."""
LONGEST_NAME = 70
PER_MEGA = 1000.0
TYPES = {"customer": "month", "demand": "kw", "energy": "kwh", "export": "kwh"}
"""Types of rows, and what their charge is per."""
WINDOW = {
    "month_start": (1, 12),
    "month_end": (1, 12),
    "weekday_start": (0, 6),
    "weekday_end": (0, 6),
    "hour_start": (0, 24),
    "hour_end": (0, 24),
}
SPANS = (("month_start", "month_end"), ("weekday_start", "weekday_end"), ("hour_start", "hour_end"))


def from_table(path: Path | str, label: str | None = None) -> Tariff:
    """A tariff from a table of rows, CSV or gzipped CSV; rows of other utilities than ``electric`` are left out.

    Args:
        path: the file.
        label: which tariff, where the table has a column ``label`` and more than one; none: the only one.

    Raises:
        ScenarioError: (a ValueError) the file or the tariff cannot be had, or rows are wrong: one line each, with file,
            line, column, value and what is allowed.
    """
    path = Path(path)
    rows = _tariff_rows(path.name, list(_rows(path)), label)
    problems: list[Problem] = []
    read = [row_read for row in rows if (row_read := _read(row, problems)) is not None]
    currencies = {row.currency: row.where for row in reversed(read) if row.currency}
    if len(currencies) > 1:
        where = next(iter(currencies.values()))
        problems.append(Problem(where, "units", f"mixes {' and '.join(sorted(currencies))}; allowed is one currency"))
    if problems:
        raise ScenarioError(problems)
    demand = [
        DemandCharge(
            name=name,
            assessed=rows[0].assessed,
            rates=tuple(DemandRate(**r.window, per_mw=r.charge, above_mw=r.limit) for r in rows),
        )
        for name, rows in _grouped(read, "demand").items()
    ]
    fixed = [row for row in read if row.type == "customer"]
    return Tariff(
        name=label or (rows[0].cell("label") if rows else ""),
        currency=next(iter(currencies), None),
        energy=_energy(read, "energy"),
        export=_energy(read, "export"),
        demand=tuple(demand),
        fixed=tuple(
            FixedCharge(name=_numbered(row.name or "customer", i, fixed), per_month=row.charge)
            for i, row in enumerate(fixed)
        ),
    )


@dataclass(frozen=True)
class _Row:
    where: str
    cells: dict[str, str]

    def cell(self, *names: str) -> str:
        """The first of some columns that the table has."""
        return next((self.cells[name].strip() for name in names if name in self.cells), "")

    def column(self, name: str) -> str:
        """Name of a column in this table: as it is, or in metric units."""
        return name if name in self.cells else f"{name} (metric)"


@dataclass(frozen=True)
class _Rate:
    where: str
    type: str
    name: str
    assessed: Any
    window: dict[str, Any]
    limit: float
    charge: float
    currency: str


def _rows(path: Path) -> Iterator[_Row]:
    name, wrong = path.name, unreadable(path)
    if wrong:
        raise ScenarioError([Problem(named(path), "", wrong)])
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ScenarioError([Problem(name, "", f"has more than {LARGEST_BYTES / 1e6:.0f} MB")])
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(content)) as file:
                content = file.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise ScenarioError([Problem(name, "", f"has more than {LARGEST_BYTES / 1e6:.0f} MB")])
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError([Problem(name, "", f"is not UTF-8 text (byte {error.start})")]) from None
    except (OSError, EOFError, zlib.error) as error:
        raise ScenarioError([Problem(named(path), "", f"cannot be read: {error.args[-1]}")]) from None
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="")
    columns = list(reader.fieldnames or ())
    requirements = [("type",), ("charge", "charge (metric)"), ("units",), *((edge,) for edge in WINDOW)]
    missing = [" or ".join(names) for names in requirements if not set(names) & set(columns)]
    if missing:
        raise ScenarioError([Problem(f"{name}:1", "", f"has no column {', '.join(missing)}")])
    line = reader.line_num + 1
    try:
        for cells in reader:
            extra = cells.pop(None, None)
            if extra:
                raise ScenarioError([Problem(f"{name}:{line}", "", f"has more cells than the {len(columns)} columns")])
            yield _Row(f"{name}:{line}", cells)
            line = reader.line_num + 1  # a cell may hold line breaks
    except csv.Error as error:
        raise ScenarioError([Problem(f"{name}:{line}", "", f"is not CSV: {error}")]) from None


def _tariff_rows(file: str, rows: list[_Row], label: str | None) -> list[_Row]:
    labels = list(dict.fromkeys(row.cell("label") for row in rows))
    if label is not None:
        rows = [row for row in rows if row.cell("label") == label]
        if not rows:
            options = ", ".join(filter(None, labels[:5])) or "none"
            more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
            raise ScenarioError([Problem(file, "label", f"there is no tariff {label!r}; there are {options}{more}")])
    elif len(labels) > 1:
        raise ScenarioError(
            [Problem(file, "label", f"the table has {len(labels)} tariffs; name one, as {labels[0]!r}")]
        )
    rows = [row for row in rows if row.cell("utility") in ("", "electric")]
    if not rows:
        raise ScenarioError([Problem(file, "", "has no row of the utility electric")])
    return rows


def _read(row: _Row, problems: list[Problem]) -> _Rate | None:
    """A row's rate, or None and what is wrong with it: every mistake is reported."""
    problems_before = len(problems)

    def wrong(column: str, sentence: str) -> None:
        problems.append(Problem(row.where, column, sentence))

    def number(column: str, low: float, high: float, empty: float | None = None) -> float:
        text = row.cell(column)
        if not text and empty is not None:
            return empty
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high or math.isinf(value):
            allowed = f"{low:g} to {high:g}" if math.isfinite(high) else f"finite numbers from {low:g}"
            wrong(column, f"{text[:40]!r} is not allowed; allowed are {allowed}")
        return value

    kind = row.cell("type")
    if kind not in TYPES:
        wrong("type", f"{kind[:40]!r} is unknown; allowed are {', '.join(TYPES)}")
        return None
    assessed = row.cell("assessed") or "monthly"
    if assessed not in ("monthly", "daily"):
        wrong("assessed", f"{assessed[:40]!r} is unknown; allowed are monthly, daily or nothing")
    window: dict[str, Any] = {}
    if kind != "customer":
        edges = {name: number(name, *limits) for name, limits in WINDOW.items()}
        for name, value in edges.items():
            if not name.startswith("hour") and value % 1 and not math.isnan(value):
                wrong(name, f"{value:g} is no whole number")
        for start, end in SPANS:
            if edges[start] > edges[end] or (start == "hour_start" and edges[start] == edges[end]):
                wrong(start, f"{edges[start]:g} does not lie before {end} {edges[end]:g}; write two rows")
        if len(problems) == problems_before:
            months, weekdays, hours = (tuple(edges[edge] for edge in span) for span in SPANS)
            window = {
                "months": list(range(int(months[0]), int(months[1]) + 1)),
                "weekdays": list(range(int(weekdays[0]), int(weekdays[1]) + 1)),
                "hours": [hours],
            }
    lowest = 0.0 if kind == "demand" else -LARGEST_CHARGE
    charge = number(row.column("charge"), lowest, LARGEST_CHARGE)
    limit = number(row.column("basic_charge_limit"), 0.0, math.inf, 0.0)
    if len(row.cell("name", "period")) > LONGEST_NAME:
        wrong("name" if "name" in row.cells else "period", f"has more than {LONGEST_NAME} characters")
    for column in ("effective_start_date", "effective_end_date"):
        if row.cell(column):
            wrong(
                column,
                f"{row.cell(column)[:40]!r}: rows for some dates only are not taken; leave it empty",
            )
    money, _, per = row.cell("units").partition("/")
    try:
        currency = signs(money.strip()).upper()
    except ValueError:
        currency = money.strip()
    if currency not in CURRENCIES or per.strip().lower() != TYPES[kind]:
        unit = {"month": "month", "kw": "kW", "kwh": "kWh"}[TYPES[kind]]
        wrong("units", f"{row.cell('units')[:40]!r} is not allowed; allowed are $/{unit} and the like")
    if len(problems) > problems_before:
        return None
    mega = 1.0 if kind == "customer" else PER_MEGA
    return _Rate(
        row.where, kind, row.cell("name", "period"), assessed, window, limit / PER_MEGA, charge * mega, currency
    )


def _grouped(rates: list[_Rate], kind: str) -> dict[str, list[_Rate]]:
    """Rows of one type by the name of their charge."""
    groups: dict[tuple[str, str], list[_Rate]] = {}
    for rate in rates:
        if rate.type == kind:
            groups.setdefault((rate.name or str(Window(**rate.window)), rate.assessed), []).append(rate)
    names = [name for name, _ in groups]
    return {
        name if names.count(name) == 1 else f"{name} {assessed}": group for (name, assessed), group in groups.items()
    }


def _energy(rates: list[_Rate], kind: str) -> tuple[EnergyCharge, ...]:
    return tuple(
        EnergyCharge(
            name=name,
            rates=tuple(EnergyRate(**r.window, per_mwh=r.charge, above_mwh=r.limit) for r in rows),
        )
        for name, rows in _grouped(rates, kind).items()
    )


def _numbered(name: str, place: int, rows: list[_Rate]) -> str:
    """The name of a fixed charge, with a number where others have the same."""
    before = [(row.name or "customer") for row in rows[:place]].count(name)
    return f"{name} {before + 1}" if before else name
