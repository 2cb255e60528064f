"""Places and values of a draft in the words of form and tables, and the records whose fields these show."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from emberline.reports.text.language import tr
from emberline.scenarios.assets import KINDS
from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.reading.document import Keys
from emberline.scenarios.reading.editing import ABSENT
from emberline.ui.pages.editor.fields import SHARE, as_typed, fields, inner, label_of, label_parts
from emberline.ui.pages.editor.form import BETWEEN, SECTIONS
from emberline.ui.pages.editor.nested import record_of
from emberline.ui.pages.editor.tables import TABLES

TITLES = {(groups[-1].path[:1] if groups else ()) or (name,): title for name, (title, groups) in SECTIONS.items()} | {
    path: title for title, path in TABLES.values()
}
"""Titles of sections and tables by their place."""


def records() -> list[type[BaseModel]]:
    """The records that form and tables show, with what lies within them."""
    entries: list[type[BaseModel]] = list(dict.fromkeys([Scenario, *KINDS.values()]))
    for record in entries:  # grows while it is gone through
        entries += [one.record for one in inner(record) if one.record is not None and one.record not in entries]
    return entries


def of_place(path: Keys, currency: str, *roots: Any) -> tuple[str, type[BaseModel] | None]:
    """A place in words, with the unit of its value, and the record that the value or its items are of.

    Args:
        path: of the value.
        currency: of the draft.
        roots: data in which items of lists are looked up by their names.
    """
    record: type[BaseModel] | None = Scenario
    places, words = list(roots), []
    for n, part in enumerate(path, 1):
        places = [inside for one in places if (inside := _inside(one, part)) is not ABSENT]
        if isinstance(part, int):
            names = [one["name"] for one in places if isinstance(one, dict) and isinstance(one.get("name"), str)]
            words.append(names[0] if names else str(part + 1))
            record = record_of(record, places[0] if places else None)
            continue
        label, record = _part(part, record, currency)
        if path[:n] in TITLES:
            label = tr(TITLES[path[:n]])
            words = []
        elif n < len(path):
            label = label.partition(" [")[0]
        words.append(label)
    return BETWEEN.join(words), record


def _inside(value: Any, part: str | int) -> Any:
    try:
        return value[part]
    except (KeyError, IndexError, TypeError):
        return ABSENT


def _part(name: str, record: type[BaseModel] | None, currency: str) -> tuple[str, type[BaseModel] | None]:
    """Label of a field of a record, and the record that it holds."""
    if record is None:
        return name, None
    entry = next((one for one in inner(record) if one.name == name), None)
    field = next((one for one in fields(record, currency) if one.name == name), None)
    words, unit = label_parts(name, currency, record=record.__name__)
    label = field.label if field is not None else label_of(words, unit)
    return (label if name in record.model_fields else name), entry.record if entry is not None else None


def of_value(data: Any, record: type[BaseModel] | None, currency: str, unit: str = "") -> str:
    """A value in words: fields by their labels, numbers without a unit of their own with the field's.

    Args:
        data: plain data; ``ABSENT``: there is none.
        record: that it, or each of its items, is of.
        currency: of the draft.
        unit: of the value.
    """
    if data is ABSENT:
        return "–"
    if isinstance(data, list):
        return "; ".join(of_value(one, record, currency, unit) for one in data)
    if not isinstance(data, dict):
        return (
            f"{as_typed(data)} {unit}" if unit and unit != SHARE and isinstance(data, int | float) else as_typed(data)
        )
    of = record_of(record, data)
    parts = []
    for name, one in data.items():
        if name == "name":
            continue
        label, within = _part(name, of, currency)
        words, _, end = label.removesuffix("]").partition(" [")
        says = of_value(one, within, currency, end)
        parts.append(f"{words} ({says})" if isinstance(one, dict | list) else f"{words} {says}")
    heading = [str(data["name"])] if "name" in data else []
    return ": ".join([*heading, ", ".join(parts)] if parts else heading)
