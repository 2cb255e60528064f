"""Normalise spellings of units in files, and find units in the names of columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from emberline.scenarios.records.quantity import CURRENCIES, signs

UNITS = (
    *(f"{prefix}{unit}" for unit in ("W", "Wh") for prefix in ("", "k", "M", "G")),
    *(f"{prefix}{unit}" for unit in ("VA", "VAh") for prefix in ("k", "M")),
    *(f"{money}/{per}" for money in CURRENCIES for per in ("MWh", "kWh", "MW", "kW")),
    *(f"{mass}/{per}" for mass in ("g", "kg", "t") for per in ("kWh", "MWh", "GJ", "t")), "%",
)  # fmt: skip
"""Units in normalised spelling."""
_SPELLED = {unit.lower(): unit for unit in UNITS} | {
    "pct": "%", "percent": "%", "prozent": "%", "kwatt": "kW", "kilowatt": "kW", "megawatt": "MW",
    "kilowatthours": "kWh", "megawatthours": "MWh", "kw·h": "kWh", "mw·h": "MWh",
}  # fmt: skip
_CARBON = re.compile(r"[\s._-]*\(?CO2[\s._-]*(?:eq(?:uiv)?\.?|äq\.?|e)?\)?(?![a-z0-9])", re.IGNORECASE)
_PER = re.compile(r"([A-Za-z0-9]+?)_?(?:co2(?:eq|e)?)?_per_([A-Za-z]+\d?)$", re.IGNORECASE)


def spelled(unit: str) -> str:
    """Normalise the spelling of a unit: ``gCO₂eq/kWh`` becomes ``g/kWh``, ``Rs/MWh`` becomes ``INR/MWh``.

    Raises:
        ValueError: the sign of a currency is ambiguous.
    """
    text = unicodedata.normalize("NFKC", unit).strip().strip("[]()").strip()
    text = _CARBON.sub("", text)
    text = re.sub(r"\s*(?:/|\bper\b|\bje\b|\bpro\b)\s*", "/", re.sub(r"\s+", " ", signs(text)).strip())
    return _SPELLED.get(text.lower(), text)


def of_name(name: str) -> Iterator[str]:
    """Iterate over possible units in a column's name: in brackets, after ``_per_``, or at its end."""
    name = unicodedata.normalize("NFKC", name)
    # brackets may be nested, as in [Price (EUR/MWh)]
    yield from (part.strip() for part in re.findall(r"[\[(]([^\[\]()]{1,30})[\])]", name)[::-1])
    match = _PER.search(name.strip())
    if match:
        yield f"{match[1]}/{match[2]}"
        return
    yield from (part for part in name.split() if "/" in part)
    words = [word for word in re.split(r"[_ .,;\[\]()]+", name.strip()) if word]
    if len(words) > 1:
        yield "/".join(words[-2:])
        yield words[-1]
    yield name.strip()


def named(name: str) -> str | None:
    """Return the unit in a column's name if it is one of ``UNITS``."""
    for candidate in of_name(name):
        try:
            unit = spelled(candidate)
        except ValueError:
            continue
        if unit in UNITS and ("/" in unit or unit == candidate or len(unit) > 1):
            return unit
    return None
