"""Form fields derived from the records: label with unit, help, kind of widget and default.

When an item is renamed, the references to the item are renamed too."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from emberline.reports.text import mark, tr
from emberline.scenarios import Scenario
from emberline.scenarios.descriptions import documented, labels, units
from emberline.scenarios.goal_metrics import IN_MINUTES
from emberline.scenarios.process.recipe import Rate
from emberline.scenarios.reading.document import Keys, plain
from emberline.scenarios.reading.editing import ABSENT, flow
from emberline.scenarios.records.series import Series

REFERENCES: dict[str, tuple[str, ...]] = {
    "stores": ("store",),
    "carriers": (
        "carrier", "fuel", "heat", "source", "input", "exhaust", "oxygen", "hydrogen", "waste_heat",
    ),
    "processes": ("unit",),
    "assets": ("unit",),
    "stages": ("stage", "reheating_stage"),
    "units": ("unit", "units", "start", "end"),
    "grades": ("grade", "before", "after"),
    "modes": ("mode", "start", "end"),
}  # fmt: skip
"""Keys that refer to an item by name, by the list that contains the item."""
BY_NAME = {
    "stages": ("duration_min", "energy_kwh_per_t"), "units": ("duration_min", "energy_kwh_per_t"),
    "carriers": ("takes",),
}  # fmt: skip
"""Fields that map names of items to amounts."""


def renamed(data: dict[str, Any], path: Keys, before: list[Any], after: list[Any]) -> dict[Keys, Any]:
    """Values to set so that references to the items of a list follow their new names.

    Args:
        data: plain data of the draft.
        path: path of the list.
        before: items of the list before the change.
        after: the same items, some with another name. If the items differ otherwise, nothing is set.
    """
    of = str(path[-1])
    if of not in REFERENCES or len(before) != len(after):
        return {}
    pairs = [
        (old.get("name"), new.get("name"))
        for old, new in zip(before, after, strict=True)
        if isinstance(old, dict) and isinstance(new, dict)
    ]
    words = {old: new for old, new in pairs if isinstance(old, str) and isinstance(new, str) and old != new}
    words = {old: new for old, new in words.items() if new not in {old for old, _ in pairs}}
    return dict(_within(data, (), path, of, words)) if words else {}


def _within(value: Any, at: Keys, path: Keys, of: str, words: dict[str, str]) -> Iterator[tuple[Keys, Any]]:
    if at == path:
        return  # the list itself is set as a whole
    if isinstance(value, dict):
        for key, item in value.items():
            if key in REFERENCES[of] and isinstance(item, str) and item in words:
                yield (*at, key), words[item]
            elif key in REFERENCES[of] and isinstance(item, list) and any(str(name) in words for name in item):
                yield (*at, key), [words.get(name, name) if isinstance(name, str) else name for name in item]
            elif key in BY_NAME.get(of, ()) and isinstance(item, dict) and set(item) & set(words):
                yield (*at, key), {words.get(name, name): amount for name, amount in item.items()}
            else:
                yield from _within(item, (*at, key), path, of, words)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _within(item, (*at, place), path, of, words)


SHARE = mark("share or %")
FIXED = ("switch", "choice", "zone")
"""Kinds of fields that offer a choice of options. All other kinds accept any text."""
NOT_ASKED = {("Accounting", "table")}
"""Fields that refer to the user's files, for the command line only."""


@dataclass(frozen=True)
class FormField:
    """A field of a record in a form."""

    name: str
    words: str
    help: str
    widget: str
    """``choice``, ``switch``, ``zone``, ``words``, ``series``, ``rate`` (one value, or a record below) or ``value``."""
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    unit: str = ""

    @property
    def label(self) -> str:
        """Label with unit in the current language."""
        return label_of(self.words, self.unit)


WINDOWS = ("months", "weekdays", "hours")
"""Lists that are written as a single text: ``mon-fri``, ``5-12``."""


@dataclass(frozen=True)
class Inner:
    """A field of a record that contains other records or amounts by name."""

    name: str
    widget: str
    """``record`` (or one value), ``rows`` (a list of records) or ``amounts`` (numbers by name)."""
    record: type[BaseModel] | None
    help: str


@cache
def inner(record: type[BaseModel]) -> tuple[Inner, ...]:
    """Fields of a record that are drawn as separate forms and tables."""
    entries = []
    for name, field in record.model_fields.items():
        annotation = _bare(field.annotation)
        origin, parts = get_origin(annotation), get_args(annotation)
        item = _bare(parts[0]) if parts else None
        text = documented(record).get(name, "")
        if _is_record(annotation) and annotation is not Series and name != "factor":
            entries.append(Inner(name, "record", annotation, text))
        elif origin is tuple and _is_record(item):
            entries.append(Inner(name, "rows", item, text))
        elif origin is dict:
            entries.append(Inner(name, "amounts", None, text))
    return tuple(entries)


@cache
def record_at(path: Keys) -> type[BaseModel] | None:
    """Record at a path of a scenario; for a list, the record of its items. None if there is none or several kinds."""
    record: type[BaseModel] | None = Scenario
    for part in path:
        if isinstance(part, str) and record is not None:
            record = next((entry.record for entry in inner(record) if entry.name == part), None)
    return record


def _is_record(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def columns(record: type[BaseModel], currency: str) -> tuple[str, ...]:
    """Fields of a record that fit into a cell, in declared order: single values, and lists of names or spans."""
    single = {field.name for field in fields(record, currency)}
    nested = {entry.name for entry in inner(record)}
    lists = {name for name, field in record.model_fields.items() if get_origin(_bare(field.annotation)) is tuple}
    return tuple(name for name in record.model_fields if name in single or name in lists - nested)


@cache
def fields(record: type[BaseModel], currency: str) -> tuple[FormField, ...]:
    """Fields of a record with a single value or a series; nested records are omitted."""
    entries = []
    for name, field in record.model_fields.items():
        kind, choices = _kind(field.annotation, name)
        choices = tuple(choice for choice in choices if choice not in IN_MINUTES)  # no plan is made for these goals
        if kind and (record.__name__, name) not in NOT_ASKED:
            default = None if field.default is PydanticUndefined else field.default
            share = any(getattr(mark, "le", None) == 1 for mark in field.metadata)
            words, unit = label_parts(name, currency, share, record.__name__)
            unit = "t/h" if kind == "rate" else unit
            about = documented(record).get(name, "")
            entries.append(FormField(name, words, about, kind, choices, default, field.is_required(), unit))
    return tuple(sorted(entries, key=lambda field: field.name != "name"))


def label_parts(name: str, currency: str, share: bool = False, record: str = "") -> tuple[str, str]:
    """Label and unit of a field."""
    label = labels().get(f"{record}.{name}", labels().get(name, ""))
    title, bracket, unit = label.partition(" [")
    if bracket:
        return title, unit.removesuffix("]").format(currency=currency)
    end, unit = next((end for end in units().items() if name == end[0] or name.endswith(f"_{end[0]}")), ("", ""))
    unit = unit.format(currency=currency, unit="unit") if end else SHARE if share else ""
    words = name.removesuffix(f"_{end}") if end and end != "share" else name
    title = title or words.replace("_", " ").strip()
    return title[0].upper() + title[1:], unit


def label_of(words: str, unit: str) -> str:
    """Label with unit in the current language."""
    return f"{tr(words)} [{tr(unit)}]" if unit else tr(words)


KIND_OF: dict[Any, str] = {Rate: "rate", bool: "switch", Series: "series", str: "words"}


def _kind(annotation: Any, name: str) -> tuple[str, tuple[str, ...]]:
    """Kind of widget and its choices; empty if the field is not a single value."""
    annotation = _bare(annotation)
    if name == "zone":
        return "zone", ()
    if get_origin(annotation) is Literal:
        return "choice", tuple(map(str, get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return "choice", tuple(member.value for member in annotation)
    if annotation in KIND_OF:
        return KIND_OF[annotation], ()
    parts = set(get_args(annotation)) if get_origin(annotation) in (Union, types.UnionType) else {annotation}
    parts = {_bare(part) for part in parts}
    if parts and all(isinstance(part, type) and issubclass(part, int | float | date) for part in parts):
        return "value", ()
    if name in ("due", "release", "earliest", "latest", "start", "end", "factor"):
        return "value", ()
    return "", ()


def _bare(annotation: Any) -> Any:
    """An annotation without validators and without None."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
            continue
        if get_origin(annotation) in (Union, types.UnionType):
            parts = tuple(part for part in get_args(annotation) if part is not type(None))
            if len(parts) == 1:
                annotation = parts[0]
                continue
        return annotation


def value_at(data: Any, path: Keys, otherwise: Any = ABSENT) -> Any:
    """Value at a path of plain data; ``otherwise`` if there is none."""
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return otherwise
    return data


DECIMAL_COMMA = re.compile(r"([+-]?(?:0(?=,)|\d+(?=,(?!\d{3}(?!\d))))),(\d+(?:[^\d,.].*)?)")
"""Number with a decimal comma and an optional unit. Three digits after the comma may be thousands, except after 0."""


def value_of(text: str) -> Any:
    """Value of a typed text. An unambiguous decimal comma is converted to a point."""
    match = DECIMAL_COMMA.fullmatch(text)
    return plain(f"{match[1]}.{match[2]}" if match else text)


def as_typed(value: Any) -> str:
    """Value as a user would type it: text unchanged, everything else as YAML on one line."""
    if value is None:
        return ""
    return value if isinstance(value, str) else flow(value)


def typed_default(field: FormField) -> str:
    """Default of a field as a user would type it; empty if there is none."""
    return as_typed(field.default) if isinstance(field.default, str | int | float | bool) else ""
