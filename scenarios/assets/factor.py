"""What a unit of a carrier emits, as a number of its own or by the name of an emission factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo

from emberline.scenarios.assets.quantity import CARRIERS, ELECTRICITY, KilogramsPerUnit
from emberline.scenarios.records.emissions import by_factor
from emberline.scenarios.records.factors import Factor


def _of_factor(field: str) -> Callable[[Any, ValidationInfo], Any]:
    def take(raw: Any, info: ValidationInfo) -> Any:
        found: Factor | None = info.data.get("factor")
        if found is None:
            return raw
        known = (info.context or {}).get(CARRIERS)
        if known is None:
            return raw  # a stored scenario holds the numbers, and is read without the units of carriers
        unit = known.get(info.data.get("carrier", ELECTRICITY))
        if unit is None:
            return raw  # a carrier that is not known is told at its own place
        if field == "fossil_kg_per_unit":
            return by_factor(raw, found.fossil_kg_per(unit), found.name, field)
        if "fossil_kg_per_unit" not in info.data:
            return raw  # what is wrong with the factor's unit is told there
        return by_factor(raw, found.biogenic_kg_per(unit), found.name, field)

    return take


FossilByFactor = Annotated[
    KilogramsPerUnit, BeforeValidator(_of_factor("fossil_kg_per_unit")), Field(validate_default=True)
]
BiogenicByFactor = Annotated[
    KilogramsPerUnit, BeforeValidator(_of_factor("biogenic_kg_per_unit")), Field(validate_default=True)
]
