"""Contracts for electricity other than at the spot price, and the price of deviating from the nominated import.

How they are settled: ``scenarios/flows/settlement.py``.
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
    """So many MW in every step at a fixed price."""

    kind: Literal["base_block"]
    name: str = Field(pattern=NAME)
    mw: PowerSeries
    price_per_mwh: PerMegawattHour
    unused_spread_per_mwh: Spread = 0
    """Discount on the spot price at which unused energy is sold back."""
    kg_per_mwh: KilogramsPerMegawattHour | None = None
    """Of the supplier, market-based; none: what the rest of the import has."""


class Green(Record):
    """A green contract or power purchase agreement: a profile that comes in any case, or a share of the import.

    Its guarantees of origin go with the energy that is used in the step in which it comes; those of energy that is sold
    back are sold with it.
    """

    kind: Literal["green", "ppa"]
    name: str = Field(pattern=NAME)
    mw: PowerSeries | None = None
    share: Fraction | None = None
    price_per_mwh: PerMegawattHour
    unused_spread_per_mwh: Spread = 0
    kg_per_mwh: KilogramsPerMegawattHour = 0
    """Market-based."""

    def check(self) -> None:
        if (self.mw is None) == (self.share is None):
            raise ValueError("give mw, a profile that comes in any case, or share of the import; one of them")
        if self.share is not None and self.unused_spread_per_mwh:
            raise ValueError("unused_spread_per_mwh belongs to a profile; of a share nothing is left unused")


class Guarantees(Record):
    """Guarantees of origin bought apart from energy: MWh over the horizon, or a share of the import.

    They cover what no contract covers, evenly; more of them than import earns nothing.
    """

    kind: Literal["guarantees"]
    name: str = Field(pattern=NAME)
    mwh: MegawattHours | None = None
    share: Fraction | None = None
    price_per_mwh: PerMegawattHour

    def check(self) -> None:
        if (self.mwh is None) == (self.share is None):
            raise ValueError("give mwh over the horizon or share of the import; one of them")


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
    """Prices of a deviation from the nominated import, in each metered interval.

    Prices are given, or lie a spread above and below the spot price.
    """

    short_price_per_mwh: PriceSeries | None = None
    """Paid for each MWh taken beyond the nomination."""
    long_price_per_mwh: PriceSeries | None = None
    """Earned by each MWh nominated and not taken."""
    short_spread_per_mwh: Spread = 0
    long_spread_per_mwh: Spread = 0

    def check(self) -> None:
        for side in ("short", "long"):
            if getattr(self, f"{side}_price_per_mwh") is not None and getattr(self, f"{side}_spread_per_mwh"):
                raise ValueError(f"give {side}_price_per_mwh or {side}_spread_per_mwh, not both")
