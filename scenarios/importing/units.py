"""Guessing the unit of values, and the words that stand where there is none."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from scenarios.importing.roles import Role, standard

if TYPE_CHECKING:
    import pandas as pd

NO_VALUE = (
    "#n/a", "#na", "#nv", "#value!", "#div/0!", "#ref!", "---", "--", "—", "?", "bad", "bad input", "no data", "nodata",
    "error", "err", "invalid", "missing", "fehlt", "k.a.", "k. a.", "n.a.", "n. a.", "i/o timeout", "pt created",
    "not connect", "comm fail", "offline",
)  # fmt: skip
"""Words that historians and workbooks write where there is no value."""
MANY_MW = 1000.0
"""A mean above it is more than a plant takes."""
KNOWN = ("kW", "MW", "GW", "W", "kWh", "MWh", "GWh", "EUR/MWh", "EUR/kWh", "USD/MWh", "CNY/MWh", "CNY/kWh", "GBP/MWh",
         "kg/MWh", "g/kWh", "t/MWh", "%")  # fmt: skip
"""Units as they are spelled, however a file writes them."""


def unit_of(name: str, role: Role, interval_min: float) -> str | None:
    """A unit at the end of a column's name, in brackets or after an underscore."""
    candidates = [*re.findall(r"[\[(]([^\])]{1,20})[\])]", name)[::-1], name]
    words = re.split(r"[_ .]", name)
    candidates += ["/".join(words[-2:]), words[-1]] if len(words) > 1 else []
    candidates += [part.replace("_per_", "/") for part in re.findall(r"[A-Za-z0-9]+_per_[A-Za-z0-9]+$", name)]
    for candidate in candidates:
        spelled = next((unit for unit in KNOWN if unit.lower() == candidate.lower()), candidate)
        try:
            standard(role, spelled, interval_min, 1.0)
        except ValueError:
            continue
        return spelled
    return None


def unit_unsaid(role: Role, values: pd.Series, decimal: str) -> tuple[str | None, str]:
    """The unit that a scenario asks for, where the file names none, and what is told of it; not for a price.

    Args:
        role: what the series is.
        values: as text.
        decimal: mark.
    """
    import pandas as pd

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
    import pandas as pd

    counts: Counter[str] = Counter()
    for cells in columns:
        if pd.api.types.is_numeric_dtype(cells):
            continue
        text = cells.astype(object).where(cells.notna(), "").astype(str).str.strip()
        found = text[text.str.lower().isin(NO_VALUE)].value_counts()
        counts.update({str(word): int(count) for word, count in found.items()})
    return counts
