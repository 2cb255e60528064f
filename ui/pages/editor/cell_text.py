"""YAML values in table cells in plain words: names of fields, numbers with units."""

from __future__ import annotations

from typing import Any

from emberline.scenarios.reading.editing import flow
from emberline.ui.pages.editor.fields import SHARE, label_parts
from emberline.ui.text.language import mark, tr

MOST = 12
"""Most items of a list that are written out."""
NAMED = ("name", "source", "store", "carrier", "load", "share")
"""Fields that identify list items: if an item begins with one, only its value is written."""
ALONE = ("per_t", "per_mwh", "per_unit", "kg_per_t", "gj_per_t", "kwh_per_t")
"""Fields whose unit makes the name superfluous."""
PER = {"per_t": mark("t"), "per_mwh": mark("MWh"), "per_unit": mark("unit")}
"""Reference of specific amounts; the store or carrier is named next to it."""
WORDS = (
    mark("off spec"), mark("share"), mark("load"),
    mark("low"), mark("high"), mark("usual"), mark("least"), mark("most"), mark("weekdays"), mark("hours"),
    mark("mode"), mark("minutes"), mark("between"), mark("column"), mark("table"), mark("used"), mark("electric"),
    mark("fuels"), mark("earliest"), mark("latest"), mark("cold after"),
)  # fmt: skip
"""Fields that occur only inside braces, so neither form nor tables have marked their names for translation."""


def nested(value: Any) -> bool:
    """Whether a value contains others."""
    return isinstance(value, dict | list) and bool(value)


def in_words(value: Any, money: str, field: str = "") -> str:
    """A value in words: ``low 192 t/h · high 220 t/h``; list items are separated by semicolons.

    Args:
        value: as in the text.
        money: currency, for units.
        field: name of the value's field, for the unit of a plain number.
    """
    if isinstance(value, dict):
        return " · ".join(
            _pair(str(key), inner, money, first=place == 0) for place, (key, inner) in enumerate(value.items())
        )
    if isinstance(value, list):
        parts = [in_words(inner, money, field) for inner in value[:MOST]]
        parts += [tr("… and {count} more", count=len(value) - MOST)] if len(value) > MOST else []
        return "; ".join(parts)
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, int | float) and field in PER:
        return tr("{amount} per {unit}", amount=f"{value:g}", unit=tr(PER[field]))
    if isinstance(value, int | float) and field:
        unit = label_parts(field, money)[1]
        return f"{value:g} {unit}" if unit and unit != SHARE else f"{value:g}"
    return value if isinstance(value, str) else flow(value)


def _pair(key: str, inner: Any, money: str, first: bool) -> str:
    says = in_words(inner, money, key)
    if (key in ALONE or (first and key in NAMED)) and not nested(inner):
        return says
    words = label_parts(key, money)[0]
    words = tr(words) if tr(words) != words else tr(words[:1].lower() + words[1:])
    return f"{words} ({says})" if nested(inner) else f"{words} {says}"
