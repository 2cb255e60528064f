"""What a form needs of a record's fields: label with unit, help, kind of widget, default. Made from the records."""

from __future__ import annotations

import types
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from emberline.scenarios.descriptions import documented
from emberline.scenarios.reading.editing import flow
from emberline.scenarios.records.series import Series
from emberline.ui.text.language import mark, tr

SHARE = mark("share or %")
UNITS = {
    "cost_per_h": "{currency}/h", "mwh_per_unit": "MWh/{unit}", "mwh_per_mwh": "MWh/MWh", "kwh_per_kg": "kWh/kg",
    "exhaust_per_unit": "{unit}/{unit}",
    "kwh_per_t_k": "kWh/t/K", "k_per_min": "K/min", "kwh_per_t": "kWh/t", "gj_per_t": "GJ/t",
    "kg_per_unit": "kg/{unit}", "m3_per_unit": "m3/{unit}", "m3_per_t": "m3/t", "m3": "m3",
    "kg_per_mwh": "kg CO2e/MWh", "tph_per_h": "t/h per h", "kg_per_t": "kg/t", "per_mwh": "{currency}/MWh",
    "per_unit": "{currency}/{unit}", "per_t": "{currency}/t", "per_mw": "{currency}/MW", "per_h": "1/h", "mwh": "MWh",
    "mw": "MW", "tph": "t/h", "min": "min", "kg": "kg", "gj": "GJ", "share": SHARE, "h": "h", "t": "t", "s": "s",
}  # fmt: skip
"""Unit of a field by the end of its name, longest first."""
TITLES = {
    "minimize": "Goal", "signal": "Grid intensity that counts", "covers": "Carbon price is paid on",
    "per_t": "Price of a tonne", "credit_stock": "Credit what stores end with", "factor": "Emission factor by name",
    "residual_kg_per_mwh": "Residual mix", "by_products": "By-products carry away", "hold": "Share of days to be held",
    "rate_k_per_min": "Lost while waiting", "mtbf_h": "Mean time between failures", "mttr_min": "Mean time to repair",
    "kwh_per_t": "Electricity", "kwh_per_kg": "Electricity", "mwh_per_unit": "Electricity", "pv": "PV",
    "exhaust_per_unit": "Exhaust", "running_cost_per_h": "Running cost", "cop": "Coefficient of performance",
}  # fmt: skip
"""Where a field's name alone says too little."""
NOT_ASKED = {("Accounting", "table")}
"""Fields of a file of one's own, which is for the command line."""


@dataclass(frozen=True)
class FieldOf:
    """A field of a record as a form shows it."""

    name: str
    words: str
    help: str
    kind: str
    """``choice``, ``switch``, ``zone``, ``words``, ``series`` or ``value``."""
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    unit: str = ""

    @property
    def label(self) -> str:
        """What it is called in the current language, with its unit."""
        return label_of(self.words, self.unit)


@cache
def fields(record: type[BaseModel], currency: str) -> tuple[FieldOf, ...]:
    """Fields of a record that hold one value or one series; what has fields of its own is left out."""
    found = []
    for name, field in record.model_fields.items():
        kind, choices = _kind(field.annotation, name)
        if kind and (record.__name__, name) not in NOT_ASKED:
            default = None if field.default is PydanticUndefined else field.default
            share = any(getattr(mark, "le", None) == 1 for mark in field.metadata)
            words, unit = labelled(name, currency, share)
            found.append(
                FieldOf(
                    name, words, documented(record).get(name, ""), kind, choices, default, field.is_required(), unit
                )
            )
    return tuple(found)


def labelled(name: str, currency: str, share: bool = False) -> tuple[str, str]:
    """What a field is called, and its unit."""
    end = next((end for end in UNITS if name == end or name.endswith(f"_{end}")), None)
    unit = UNITS[end].format(currency=currency, unit="unit") if end else SHARE if share else ""
    words = name.removesuffix(f"_{end}") if end and end != "share" else name
    said = TITLES.get(name) or words.replace("_", " ").strip()
    return said[0].upper() + said[1:], unit


def label_of(words: str, unit: str) -> str:
    """A label in the current language, with its unit."""
    return f"{tr(words)} [{tr(unit)}]" if unit else tr(words)


def _kind(annotation: Any, name: str) -> tuple[str, tuple[str, ...]]:
    """Kind of widget and its choices; empty where a field is no single value."""
    annotation = _bare(annotation)
    if get_origin(annotation) is Literal:
        return "choice", tuple(map(str, get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return "choice", tuple(member.value for member in annotation)
    if annotation is bool:
        return "switch", ()
    if annotation is Series:
        return "series", ()
    if name == "zone":
        return "zone", ()
    if annotation is str:
        return "words", ()
    parts = set(get_args(annotation)) if get_origin(annotation) in (Union, types.UnionType) else {annotation}
    parts = {_bare(part) for part in parts}
    if parts and all(isinstance(part, type) and issubclass(part, int | float | date) for part in parts):
        return "value", ()
    if name in ("due", "release", "earliest", "latest", "start", "end", "factor"):
        return "value", ()
    return "", ()


def _bare(annotation: Any) -> Any:
    """An annotation without what validates it, and without None."""
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


def written(value: Any) -> str:
    """A value as it is typed: words as they are, all else as YAML on one line."""
    if value is None:
        return ""
    return value if isinstance(value, str) else flow(value)


def shown_default(field: FieldOf) -> str:
    """A field's default as it is typed; empty where there is none."""
    value = field.default
    if value is None or isinstance(value, BaseModel):
        return ""
    return written(value) if isinstance(value, str | int | float | bool) else ""
