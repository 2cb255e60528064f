"""Quantities of a carrier, whose unit of measure depends on the carrier named in the same record.

Carriers are measured in MWh, t or Nm3, and fields of type ``PerHour`` accordingly in MW, t/h or Nm3/h. The units of the
carriers are in the validation context under ``carriers``, where ``Site`` adds them before its assets are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from emberline.scenarios.records.base import UP, Misplaced, Unjudged, unknown
from emberline.scenarios.records.quantity import NUMBER, convert

CARRIERS = "carriers"
"""Key of the validation context: unit of measure by carrier."""
ELECTRICITY = "electricity"


def unit_in(template: str, unit: str, currency: str) -> str:
    """Return a unit of measure from a template with ``{unit}`` (of the carrier) and ``{currency}`` (of the market)."""
    return "MW" if (template, unit) == ("{unit}/h", "MWh") else template.format(unit=unit, currency=currency)


def _counted_in(carrier: str, info: ValidationInfo) -> str:
    """Return the unit of measure of the record's carrier."""
    units = (info.context or {}).get(CARRIERS, {ELECTRICITY: "MWh"})
    if units is None:
        raise Unjudged("the carriers of the site are invalid")
    if carrier not in units:
        raise Misplaced(unknown("carrier", carrier, units), UP, "carrier")
    return str(units[carrier])


def of_unit(template: str, carrier: str, raw: Any, info: ValidationInfo) -> Any:
    """Convert a quantity to a unit derived from that of a carrier."""
    if isinstance(raw, bool):
        raise ValueError(f"{str(raw).lower()} is not a quantity")
    if not isinstance(raw, str):
        return raw
    unit = _counted_in(carrier, info)
    return convert(raw, unit_in(template, unit, (info.context or {}).get("currency", "EUR")))


def of_carrier(template: str) -> Callable[[Any, ValidationInfo], Any]:
    """Return a validator that reads quantities in a unit derived from that of the record's ``carrier``."""

    return lambda raw, info: of_unit(template, info.data.get("carrier", ELECTRICITY), raw, info)


def _schema(unit: str, **limits: float) -> WithJsonSchema:
    number = {"type": "number", **limits}
    text = {"type": "string", "pattern": rf"^\s*{NUMBER}\s*\S.*$"}
    return WithJsonSchema({"anyOf": [number, text], "description": f"a number in {unit}, or a quantity with its unit"})


Amount = Annotated[
    float, BeforeValidator(of_carrier("{unit}")), Field(ge=0), _schema("the carrier's unit (MWh, t, Nm3)", minimum=0)
]
PerHour = Annotated[
    float, BeforeValidator(of_carrier("{unit}/h")), Field(ge=0), _schema("the carrier's unit per hour", minimum=0)
]
KilogramsPerUnit = Annotated[
    float, BeforeValidator(of_carrier("kg/{unit}")), Field(ge=0), _schema("kg per unit of the carrier", minimum=0)
]
MoneyPerUnit = Annotated[
    float, BeforeValidator(of_carrier("{currency}/{unit}")), Field(), _schema("currency per unit of the carrier")
]
PRICE = "{currency}/{unit}"
RATE = "{unit}/h"
