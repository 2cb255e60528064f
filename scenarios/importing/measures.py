"""Meaning of the numbers of a file: their unit, whether they are a meter's register, and what stands for none."""

from __future__ import annotations

import pandas as pd

from emberline.scenarios.importing.mapping_draft import MappingDraft
from emberline.scenarios.importing.roles import energy
from emberline.scenarios.importing.units import (
    column_of_units,
    fits,
    looks_like_register,
    unit_of,
    unit_unsaid,
    words_for_none,
)
from emberline.scenarios.reading.unit_spelling import named


def unit(draft: MappingDraft) -> str | None:
    """The unit of the values; None: the role's own, or none can be said."""
    if draft.role is None:
        return None
    value = str(draft.fields["value"])
    of_rows = _unit_of_rows(draft)
    if of_rows is not None:
        return of_rows
    minutes = float(draft.fields.get("interval_min", 60))
    by_name = unit_of(value, draft.role, minutes)
    if by_name is not None:
        draft.tell(f"unit {by_name}, by the column's name")
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
    texts = draft.texts(value)[draft.matching_rows(draft.head).index]
    usual, says = unit_unsaid(draft.role, texts, str(draft.fields.get("decimal", ".")))
    draft.tell(says)
    return usual


def _unit_of_rows(draft: MappingDraft) -> str | None:
    """The unit that a column of units says for the rows that are taken."""
    frame = draft.matching_rows(draft.raw.frame)
    column = column_of_units(frame)
    if column is None or column == draft.fields["value"]:
        return None
    units = [unit for unit in dict.fromkeys(frame[column].astype(str).str.strip()) if unit]
    if len(units) > 1:
        there = ", ".join(unit[:20] for unit in units[:6])
        draft.refuse(column, f"the rows have several units ({there}); say which series is taken (--where)")
    if not units:
        return None
    draft.tell(f"unit {units[0][:20]}, by the column {column!r}")
    return units[0]


def counts(draft: MappingDraft) -> str | None:
    """Whether an energy is the register of a meter."""
    value = str(draft.fields["value"])
    if draft.role is None or draft.role.unit != "MW" or draft.fields.get("through") or value not in draft.head:
        return None
    if not energy(draft.fields.get("unit")):
        return None
    frame = draft.matching_rows(draft.head)
    cells = frame[value].astype(str).str.strip()
    if draft.fields.get("decimal") == ",":
        cells = cells.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    if not looks_like_register(pd.to_numeric(cells, errors="coerce"), value):
        return None
    draft.tell("the values go on from row to row, as a meter's register does: taken are their differences")
    draft.fields["stamps"] = "start"
    return "register"


def missing(draft: MappingDraft) -> tuple[str, ...] | None:
    """Words in the place of values that mean none."""
    frame, columns = draft.matching_rows(draft.raw.frame), list(draft.head.columns)
    first, last = draft.fields["value"], draft.fields.get("through") or draft.fields["value"]
    if first not in columns or last not in columns:
        return None
    names = columns[columns.index(first) : columns.index(last) + 1]
    words = words_for_none([frame[name] for name in names])
    if not words:
        return None
    examples = ", ".join(f"{word!r} ({count})" for word, count in words.items())
    draft.tell(f"taken as missing: {examples}")
    return tuple(words)
