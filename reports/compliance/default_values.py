"""Default values of embedded emissions with their mark-up (Implementing Regulation (EU) 2025/2621).

A table is a CSV file with the columns ``cn_code``, ``country``, ``goods``, ``see_total`` and ``source``, and where it
has them ``see_direct``, ``see_indirect`` and the values with mark-up, ``marked_up_2026`` and so on. A row whose figures
do not fit together is reported with its number and never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emberline.reports.compliance.csv_table import amount, csv_table, placed_rows

MARK_UP = {2026: 0.10, 2027: 0.20, 2028: 0.30}
"""By year; the last one holds from then on."""
REQUIRED = {
    "cn_code": "4, 6, 8 or 10 digits; a shorter one stands for all that begin with it",
    "country": "code of two letters",
    "see_total": "value without mark-up [t CO2e/t]",
    "source": "where it is from",
}
OPTIONAL = {
    "goods": "name of the goods",
    "see_direct": "direct part of see_total [t CO2e/t]",
    "see_indirect": "indirect part [t CO2e/t]",
    **{f"marked_up_{year}": f"value with the mark-up of {year}, compared with see_total" for year in MARK_UP},
}
"""Columns of a file, and what stands in them."""
SEE = ("see_total", "see_direct", "see_indirect")
ROUNDING = 0.0051
"""Official figures are rounded to two decimals, some to more."""


def mark_up(year: int) -> float:
    """Mark-up on default values in a year.

    Raises:
        ValueError: a year before the definitive period.
    """
    if year < min(MARK_UP):
        raise ValueError(f"default values have no mark-up in {year}: the definitive period begins in {min(MARK_UP)}")
    return MARK_UP[min(year, max(MARK_UP))]


@dataclass(frozen=True)
class DefaultValue:
    """Default value of a good from a country."""

    cn_code: str
    country: str
    """Two letters."""
    goods: str
    see_total: float
    """t CO2e/t, without mark-up."""
    source: str
    see_direct: float | None = None
    see_indirect: float | None = None

    def marked_up(self, year: int) -> float:
        """Value with the mark-up of a year [t CO2e/t]."""
        return self.see_total * (1 + mark_up(year))


@dataclass(frozen=True)
class DefaultValues:
    """The rows of a table that can be used, and what is wrong with the others."""

    rows: tuple[DefaultValue, ...]
    faults: tuple[str, ...] = field(default=())
    """File, number of the row, and what is wrong with it."""

    def find(self, cn_code: str, country: str) -> DefaultValue:
        """The row of a good and a country; a shorter code stands for all codes that begin with it.

        Raises:
            ValueError: there is none.
        """
        code = cn_code.replace(" ", "")
        matches = [row for row in self.rows if row.country == country.upper() and code.startswith(row.cn_code)]
        if not matches:
            countries = sorted({row.country for row in self.rows if code.startswith(row.cn_code)})
            hint = f"; there are values for {', '.join(countries[:10])}" if countries else ""
            raise ValueError(f"no default value of {cn_code} from {country}{hint}")
        return max(matches, key=lambda row: len(row.cn_code))


def read_default_values(path: Path) -> DefaultValues:
    """Read a table of default values.

    Raises:
        ValueError: the file cannot be read or lacks a column.
    """
    rows, faults = [], []
    for place, values in placed_rows(csv_table(path, REQUIRED), path.name):
        problems = list(_problems(values))
        faults += [f"{place}: {problem}" for problem in problems]
        if not problems:
            fields: dict[str, Any] = {name: float(values[name]) for name in SEE if values.get(name)}
            fields |= {"cn_code": values["cn_code"].replace(" ", ""), "country": values["country"].upper()}
            fields |= {"goods": values.get("goods", ""), "source": values["source"]}
            rows.append(DefaultValue(**fields))
    return DefaultValues(tuple(rows), tuple(faults))


def bundled_default_values() -> DefaultValues:
    """The few values that come with Emberline; the whole table is the user's to load."""
    return read_default_values(Path(__file__).parent / "data" / "default_values.csv")


def _problems(values: dict[str, str]) -> Iterator[str]:
    code = values["cn_code"].replace(" ", "")
    if not code.isdigit() or len(code) not in (4, 6, 8, 10):
        yield f"cn_code {values['cn_code'][:20]!r} is no code of 4, 6, 8 or 10 digits"
    if len(values["country"]) != 2 or not values["country"].isalpha():
        yield f"country {values['country'][:20]!r} is no code of two letters"
    years = {year: f"marked_up_{year}" for year in MARK_UP}
    numbers: dict[str, float] = {}
    for name in (*SEE, *years.values()):
        text = values.get(name, "")
        if not text and name != "see_total":
            continue
        value = amount(text)
        if value is None:
            yield f"{name} {text[:20]!r} is no number of at least 0"
        else:
            numbers[name] = value
    total = numbers.get("see_total")
    if total is None:
        return
    if "see_direct" in numbers and "see_indirect" in numbers:
        both = numbers["see_direct"] + numbers["see_indirect"]
        if abs(both - total) > 2 * ROUNDING:
            yield f"see_total {total:g} is not see_direct and see_indirect together, {both:g}"
    for year, name in years.items():
        if name in numbers and abs(numbers[name] - total * (1 + MARK_UP[year])) > 2 * ROUNDING:
            yield f"{name} {numbers[name]:g} is not see_total {total:g} with {MARK_UP[year]:.0%} mark-up"
