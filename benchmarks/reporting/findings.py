"""What a bench found: tables of rows with spread, ratio and bar, and curves to plot; plain data for JSON."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

NEVER = math.inf
"""A value that was not reached, such as seconds to a gap."""


@dataclass(frozen=True)
class Bar:
    """What is asked of a row, at most."""

    limit: float
    on: Literal["median", "worst", "ratio"] = "median"

    def keeps(self, values: Sequence[float], ratio: float | None) -> bool:
        """Whether measured values, or their ratio to the reference, keep it.

        Raises:
            ValueError: a bar on a ratio, and there is no reference.
        """
        if self.on == "ratio":
            if ratio is None:
                raise ValueError("a bar on a ratio needs a reference")
            return ratio <= self.limit
        return (statistics.median(values) if self.on == "median" else max(values)) <= self.limit + 1e-9

    def words(self, unit: str) -> str:
        """In a table's cell."""
        if self.on == "ratio":
            return f"≤ {self.limit:g}×"
        return f"{self.on} ≤ {self.limit:,g} {unit}".rstrip()


@dataclass(frozen=True)
class Row:
    """One measured thing."""

    what: str
    unit: str
    median: float
    least: float
    most: float
    ratio: float | None = None
    """Median ÷ the reference's median."""
    bar: str = ""
    within: bool | None = None
    """Whether the bar is kept; None where there is none."""
    says: str = ""


def measured(
    what: str,
    values: Iterable[float],
    unit: str = "s",
    *,
    reference: Iterable[float] | None = None,
    bars: Sequence[Bar] = (),
    says: str = "",
) -> Row:
    """The row of some measurements of one thing.

    Args:
        what: the thing.
        values: one or more, in the unit; what is no number was not reached.
        unit: of the values.
        reference: measurements of what it is compared with, in the same unit.
        bars: what is asked.
        says: a remark.
    """
    rows = [NEVER if math.isnan(value) else value for value in values]
    median = statistics.median(rows)
    base = None if reference is None else statistics.median(reference)
    ratio = None if not base else median / base
    return Row(
        what, unit, median, min(rows), max(rows), ratio,
        bar="; ".join(bar.words(unit) for bar in bars),
        within=all(bar.keeps(rows, ratio) for bar in bars) if bars else None,
        says=says,
    )  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Rows under a title."""

    title: str
    rows: list[Row]
    reference: str = ""
    """What the ratios are to."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plot:
    """Curves over one axis."""

    name: str
    """Of the picture's file."""
    title: str
    x: str
    y: str
    """Labels of the axes, with unit."""
    curves: dict[str, list[tuple[float, float]]]
    logarithmic: bool = False
    steps: bool = False
    """Whether a value holds until the next one."""


@dataclass(frozen=True)
class Findings:
    """All that one run of a bench found."""

    tables: list[Table] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        """As plain data for JSON, which knows no infinite number: None stands for what was not reached."""
        return _finite(asdict(self))

    @property
    def missed(self) -> list[str]:
        """What is not within its bar."""
        return [row.what for table in self.tables for row in table.rows if row.within is False]


def read(data: dict[str, Any]) -> Findings:
    """The findings of plain data."""
    tables = [Table(**{**table, "rows": [_row(row) for row in table["rows"]]}) for table in data["tables"]]
    curves = (
        {name: [(x, _reached(y)) for x, y in curve] for name, curve in plot["curves"].items()} for plot in data["plots"]
    )
    return Findings(
        tables, [Plot(**{**plot, "curves": item}) for plot, item in zip(data["plots"], curves, strict=True)]
    )


def _row(data: dict[str, Any]) -> Row:
    return Row(**{**data, **{key: _reached(data[key]) for key in ("median", "least", "most")}})


def _reached(value: float | None) -> float:
    return NEVER if value is None else value


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value


HEAD = ("what", "median (least–most)", "÷ reference", "bar", "within", "")


def cells(row: Row) -> list[str]:
    """A row in words, a cell for each word of ``HEAD``."""
    unit = f" {row.unit}" if row.unit else ""
    spread = "" if row.least == row.most else f" ({number(row.least)}–{number(row.most)})"
    within = "" if row.within is None else "yes" if row.within else "NO"
    ratio = "" if row.ratio is None or not math.isfinite(row.ratio) else f"{row.ratio:.3g}"
    return [row.what, f"{number(row.median)}{spread}{unit}", ratio, row.bar, within, row.says]


def number(value: float) -> str:
    """Three digits; what was not reached as a word."""
    if not math.isfinite(value):
        return "not reached"
    digits = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 4)}f}"


def text(table: Table) -> str:
    """A table for the terminal."""
    lines = [list(HEAD), *(cells(row) for row in table.rows)]
    used = [i for i in range(len(HEAD)) if any(line[i] for line in lines[1:])]
    width = {i: max(len(line[i]) for line in lines) for i in used}
    rows = ["  ".join(line[i].ljust(width[i]) for i in used).rstrip() for line in lines]
    under = [f"reference: {table.reference}"] if table.reference else []
    return "\n".join([table.title, *rows, *under, *table.notes])


def piped(words: Iterable[str]) -> str:
    """A row of a table in Markdown; what is in a cell breaks none."""
    return "| " + " | ".join(word.replace("|", "\\|") for word in words) + " |"


def markdown(table: Table) -> str:
    """A table for a page."""
    lines = [list(HEAD), *(cells(row) for row in table.rows)]
    used = [i for i in range(len(HEAD)) if any(line[i] for line in lines[1:])]
    rows = [piped(line[i] for i in used) for line in lines]
    rows.insert(1, "|" + " --- |" * len(used))
    under = [f"Reference: {table.reference}.", ""] if table.reference else []
    return "\n".join([f"### {table.title}", "", *under, *rows, *(f"\n{note}" for note in table.notes)])
