"""Guessing the unit of values, and the words that stand where there is none."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pandas as pd

from emberline.scenarios.importing.roles import Role, standard
from emberline.scenarios.reading.unit_spelling import named, of_name, spelled

NO_VALUE = (
    "#n/a", "#na", "#nv", "#value!", "#div/0!", "#ref!", "---", "--", "—", "?", "bad", "bad input", "no data", "nodata",
    "error", "err", "invalid", "missing", "fehlt", "k.a.", "k. a.", "n.a.", "n. a.", "i/o timeout", "pt created",
    "not connect", "comm fail", "offline",
)  # fmt: skip
"""Words that historians and workbooks write where there is no value."""
UNIT_COLUMNS = (
    "unit",
    "units",
    "uom",
    "unit of measure",
    "unitofmeasure",
    "einheit",
    "eng units",
    "engunits",
    "engineering units",
    "单位",
)
NO_VALUES = {
    "hour", "hours", "hr", "block", "day", "month", "year", "week", "id", "index", "no", "nr", "row", "flag", "quality",
    "status", "estimated", "interval", "period", "stunde", "tag", "monat", "jahr", "weekday", "nsm", "zone",
}  # fmt: skip
"""Words in the names of columns of numbers that count something else."""
REGISTER = re.compile(r"register|reading|counter|cumul|zähler|zaehler|stand\b|total|index|import kwh|表底|示数")
MANY_MW = 1000.0
"""A mean above it is more than a plant takes."""


def unit_of(name: str, role: Role, interval_min: float) -> str | None:
    """A unit at the end of a column's name, in brackets or after an underscore."""
    for candidate in of_name(name):
        try:
            unit = spelled(candidate)
            standard(role, unit, interval_min, 1.0)
        except ValueError:
            continue
        return unit
    return None


def unit_unsaid(role: Role, values: pd.Series, decimal: str) -> tuple[str | None, str]:
    """The unit that a scenario asks for, where the file names none, and the remark on it; not for a price.

    Args:
        role: what the series is.
        values: as text.
        decimal: mark.
    """
    if not role.unit:
        return None, "values are shares of the peak, as the file names no unit"
    if decimal == ",":
        values = values.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    numbers = pd.to_numeric(values, errors="coerce").dropna()
    mean = abs(float(numbers.mean())) if len(numbers) else 0.0
    doubt = f"; their mean of {mean:,.0f} MW is much for a plant" if mean > MANY_MW and role.unit == "MW" else ""
    return role.unit, f"unit {role.unit}, as the file names none{doubt}"


def words_for_none(columns: list[pd.Series]) -> Counter[str]:
    """Words in some columns that stand where there is no value, and how often."""
    counts: Counter[str] = Counter()
    for cells in columns:
        if pd.api.types.is_numeric_dtype(cells):
            continue
        text = cells.astype(object).where(cells.notna(), "").astype(str).str.strip()
        occurrences = text[text.str.lower().isin(NO_VALUE)].value_counts()
        counts.update({str(word): int(count) for word, count in occurrences.items()})
    return counts


def column_of_units(frame: pd.DataFrame) -> str | None:
    """The column that says the unit of each row."""
    for column in map(str, frame.columns):
        if column.strip().lower() in UNIT_COLUMNS:
            return column
    return None


def fits(name: str, role: Role, interval_min: float) -> bool:
    """Whether a column's name does not say that it holds something else than the role."""
    words = set(re.split(r"[^a-z0-9%]+", name.lower()))
    if words & NO_VALUES:
        return False
    shares = {"%", "pct", "percent", "share", "prozent", "anteil"}
    if role.unit and words & shares:
        return False
    unit = named(name)
    if unit is None:
        return True
    try:
        standard(role, unit, interval_min, 1.0)
    except ValueError:
        return False
    return True


def looks_like_register(values: pd.Series, name: str) -> bool:
    """Whether energies go on from row to row, as the register of a meter does.

    By name they may rise in any way; without one they must rise for long, unevenly, and by little of what they are.
    """
    numbers = values.dropna().to_numpy(float)
    steps = np.diff(numbers)
    if len(steps) < 4 or (steps < 0).mean() > 0.05 or (steps > 0).mean() < 0.5:
        return False
    rising = steps[steps >= 0]
    if REGISTER.search(name.lower()):
        return True
    little = np.median(rising) < 0.05 * np.median(np.abs(numbers))
    usual = np.percentile(rising, [10, 90])  # a gap makes one step of two
    return bool(len(steps) >= 48 and little and usual[1] > (1 + 1e-6) * usual[0])
