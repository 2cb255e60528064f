"""Electricity contracts other than spot purchases, and prices of deviations from the nominated import.

For their settlement see ``scenarios/flows/settlement.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo

from emberline.scenarios.records.base import NAME, Record, of_kind
from emberline.scenarios.records.quantity import Fraction, MegawattHours, read_in
from emberline.scenarios.records.series import PowerSeries, PriceSeries

PerMegawattHour = Annotated[float, read_in("{currency}/MWh"), Field(ge=-1e6, le=1e6)]
Spread = Annotated[float, read_in("{currency}/MWh"), Field(ge=0, le=1e6)]
KilogramsPerMegawattHour = Annotated[float, read_in("kg/MWh"), Field(ge=0, le=1e5)]


class BaseBlock(Record):
    """Fixed power in every step at a fixed price."""

    kind: Literal["base_block"]
    name: str = Field(pattern=NAME)
    mw: PowerSeries
    price_per_mwh: PerMegawattHour
    unused_spread_per_mwh: Spread = 0
    """Discount on the spot price at which unused energy is sold back."""
    kg_per_mwh: KilogramsPerMegawattHour | None = None
    """Market-based factor of the supplier; none: factor of the remaining import."""


class Green(Record):
    """Green contract or power purchase agreement for a fixed profile or a share of the import.

    Its guarantees of origin apply to energy used in the step of delivery; those of energy sold back are sold with it.
    """

    kind: Literal["green", "ppa"]
    name: str = Field(pattern=NAME)
    mw: PowerSeries | None = None
    share: Fraction | None = None
    price_per_mwh: PerMegawattHour
    unused_spread_per_mwh: Spread = 0
    kg_per_mwh: KilogramsPerMegawattHour = 0
    """Market-based factor."""

    def check(self) -> None:
        if (self.mw is None) == (self.share is None):
            raise ValueError("give either mw (a fixed profile) or share (of the import)")
        if self.share is not None and self.unused_spread_per_mwh:
            raise ValueError("unused_spread_per_mwh applies to a profile; a share leaves no energy unused")


class Guarantees(Record):
    """Guarantees of origin bought without energy, for a fixed amount over the horizon or a share of the import.

    They cover import without a green contract evenly; guarantees in excess of the import have no value.
    """

    kind: Literal["guarantees"]
    name: str = Field(pattern=NAME)
    mwh: MegawattHours | None = None
    share: Fraction | None = None
    price_per_mwh: PerMegawattHour

    def check(self) -> None:
        if (self.mwh is None) == (self.share is None):
            raise ValueError("give either mwh over the horizon or share of the import")


KINDS: dict[str, type[BaseBlock | Green | Guarantees]] = {
    "base_block": BaseBlock,
    "green": Green,
    "ppa": Green,
    "guarantees": Guarantees,
}


def _read(raw: Any, info: ValidationInfo) -> Any:
    return of_kind(raw, KINDS, "a contract", info.context)


Kind = BaseBlock | Green | Guarantees
if TYPE_CHECKING:
    Contract = Kind
else:
    Contract = Annotated[Any, BeforeValidator(_read, json_schema_input_type=Kind)]


class Imbalance(Record):
    """Prices of deviations from the nominated import in each metered interval.

    Prices are given directly, or by spreads above and below the spot price.
    """

    short_price_per_mwh: PriceSeries | None = None
    """Price paid for energy consumed beyond the nomination."""
    long_price_per_mwh: PriceSeries | None = None
    """Price received for energy nominated but not consumed."""
    short_spread_per_mwh: Spread = 0
    long_spread_per_mwh: Spread = 0

    def check(self) -> None:
        for side in ("short", "long"):
            if getattr(self, f"{side}_price_per_mwh") is not None and getattr(self, f"{side}_spread_per_mwh"):
                raise ValueError(f"give {side}_price_per_mwh or {side}_spread_per_mwh, not both")
