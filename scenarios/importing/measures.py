"""Detect the meaning of numbers in a file: unit, meter register or interval energy, and words for missing values."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pandas as pd

from emberline.scenarios.importing.mapping_draft import MappingDraft
from emberline.scenarios.importing.roles import WORDS, energy, fits, unit_of
from emberline.scenarios.reading.unit_spelling import named

REGISTER = re.compile(r"register|reading|counter|cumul|zähler|zaehler|stand\b|total|index|import kwh|表底|示数")
MANY_MW = 1000.0
"""Mean power above which a warning is given, since few plants consume more [MW]."""


def looks_like_register(values: pd.Series, name: str) -> bool:
    """Return whether energies are cumulative, like the register of a meter.

    If the name suggests a register, any increase suffices; otherwise the values must increase over many rows, unevenly,
    and in steps that are small compared to the values.
    """
    numbers = values.dropna().to_numpy(float)
    steps = np.diff(numbers)
    if len(steps) < 4 or (steps < 0).mean() > 0.05 or (steps > 0).mean() < 0.5:
        return False
    rising = steps[steps >= 0]
    if REGISTER.search(name.lower()):
        return True
    little = np.median(rising) < 0.05 * np.median(np.abs(numbers))
    usual = np.percentile(rising, [10, 90])  # robust against gaps, which join two steps
    return bool(len(steps) >= 48 and little and usual[1] > (1 + 1e-6) * usual[0])


def unit(draft: MappingDraft) -> str | None:
    """Detect the unit of the values; None for the unit of the role, or if it is unknown."""
    if draft.role is None:
        return None
    value = str(draft.fields["value"])
    of_rows = _unit_of_rows(draft)
    if of_rows is not None:
        return of_rows
    minutes = float(draft.fields.get("interval_min", 60))
    by_name = unit_of(value, draft.role, minutes)
    if by_name is not None:
        draft.note(f"unit {by_name}, by the column's name")
        return by_name
    if not fits(value, draft.role, minutes):
        hint = "; kVA times the power factor are kW" if "VA" in (named(value) or "") else ""
        draft.refuse(
            value[:60], f"holds something else by its name; say the unit if it is the {draft.role.title}{hint}"
        )
    if "¥" in value:
        draft.refuse(value[:60], "¥ stands for JPY and CNY; say the unit, such as JPY/kWh or CNY/kWh")
    if "{" in draft.role.unit or value not in draft.head:
        return None
    if not draft.role.unit:
        draft.note("values are shares of the peak, as the file names no unit")
        return None
    numbers = _numbers(draft, value).dropna()
    mean = abs(float(numbers.mean())) if len(numbers) else 0.0
    doubt = f"; their mean of {mean:,.0f} MW is much for a plant" if mean > MANY_MW and draft.role.unit == "MW" else ""
    draft.note(f"unit {draft.role.unit}, as the file names none{doubt}")
    return draft.role.unit


def _numbers(draft: MappingDraft, column: str) -> pd.Series:
    """Return the numbers in a column of the selected rows; NaN for other cells."""
    cells = draft.texts(column)[draft.matching_rows(draft.head).index]
    if draft.fields.get("decimal") == ",":
        cells = cells.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    return pd.to_numeric(cells, errors="coerce")


def _unit_of_rows(draft: MappingDraft) -> str | None:
    """Return the unit of the selected rows from a column of units, if there is one."""
    frame = draft.matching_rows(draft.raw.frame)
    column = next((name for name in map(str, frame.columns) if name.strip().lower() in WORDS["units"]), None)
    if column is None or column == draft.fields["value"]:
        return None
    units = [unit for unit in dict.fromkeys(frame[column].astype(str).str.strip()) if unit]
    if len(units) > 1:
        there = ", ".join(unit[:20] for unit in units[:6])
        draft.refuse(column, f"the rows have several units ({there}); say which series is taken (--where)")
    if not units:
        return None
    draft.note(f"unit {units[0][:20]}, by the column {column!r}")
    return units[0]


def counts(draft: MappingDraft) -> str | None:
    """Return ``register`` if the energies are readings of a meter register."""
    value = str(draft.fields["value"])
    if draft.role is None or draft.role.unit != "MW" or draft.fields.get("through") or value not in draft.head:
        return None
    if not energy(draft.fields.get("unit")):
        return None
    if not looks_like_register(_numbers(draft, value), value):
        return None
    draft.note("the values go on from row to row, as a meter's register does: taken are their differences")
    draft.fields["stamps"] = "start"
    return "register"


def missing(draft: MappingDraft) -> tuple[str, ...] | None:
    """Detect words used for missing values."""
    frame, columns = draft.matching_rows(draft.raw.frame), list(draft.head.columns)
    first, last = draft.fields["value"], draft.fields.get("through") or draft.fields["value"]
    if first not in columns or last not in columns:
        return None
    names = columns[columns.index(first) : columns.index(last) + 1]
    words: Counter[str] = Counter()
    for cells in (frame[name] for name in names if not pd.api.types.is_numeric_dtype(frame[name])):
        text = cells.astype(object).where(cells.notna(), "").astype(str).str.strip()
        occurrences = text[text.str.lower().isin(WORDS["no_value"])].value_counts()
        words.update({str(word): int(count) for word, count in occurrences.items()})
    if not words:
        return None
    examples = ", ".join(f"{word!r} ({count})" for word, count in words.items())
    draft.note(f"taken as missing: {examples}")
    return tuple(words)
