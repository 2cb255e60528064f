"""Contracts for electricity beside the spot price, and the price of deviating from the nominated import.

How they are settled: ``scenarios/tariff/settlement.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from emberline.scenarios.reading.series import PowerSeries, PriceSeries
from emberline.scenarios.records.base import Record, of_kind
from emberline.scenarios.records.line import NAME
from emberline.scenarios.records.quantity import Fraction, MegawattHours, in_unit

if TYPE_CHECKING:
    from emberline.scenarios.records.scenario import Scenario

PerMegawattHour = Annotated[
    float, BeforeValidator(in_unit("{currency}/MWh"), json_schema_input_type=float | str), Field(ge=-1e6, le=1e6)
]
Spread = Annotated[
    float, BeforeValidator(in_unit("{currency}/MWh"), json_schema_input_type=float | str), Field(ge=0, le=1e6)
]
KilogramsPerMegawattHour = Annotated[
    float, BeforeValidator(in_unit("kg/MWh"), json_schema_input_type=float | str), Field(ge=0, le=1e5)
]


class BaseBlock(Record):
    """So many MW in every step at a fixed price."""

    kind: Literal["base_block"]
    name: str = Field(pattern=NAME)
    mw: PowerSeries
    price_per_mwh: PerMegawattHour
    unused_spread_per_mwh: Spread = 0
    """What is not used is sold back at the spot price less this."""
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

    @model_validator(mode="after")
    def _one(self) -> Green:
        if (self.mw is None) == (self.share is None):
            raise ValueError("give mw, a profile that comes in any case, or share of the import; one of them")
        if self.share is not None and self.unused_spread_per_mwh:
            raise ValueError("unused_spread_per_mwh belongs to a profile; of a share nothing is left unused")
        return self


class Guarantees(Record):
    """Guarantees of origin bought apart from energy: MWh over the horizon, or a share of the import.

    They cover what no contract covers, evenly; more of them than import earns nothing.
    """

    kind: Literal["guarantees"]
    name: str = Field(pattern=NAME)
    mwh: MegawattHours | None = None
    share: Fraction | None = None
    price_per_mwh: PerMegawattHour

    @model_validator(mode="after")
    def _one(self) -> Guarantees:
        if (self.mwh is None) == (self.share is None):
            raise ValueError("give mwh over the horizon or share of the import; one of them")
        return self


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
    """What a deviation from the nominated import costs, in each metered interval.

    Prices are given, or lie a spread above and below the spot price.
    """

    short_price_per_mwh: PriceSeries | None = None
    """Paid for each MWh taken beyond the nomination."""
    long_price_per_mwh: PriceSeries | None = None
    """Earned by each MWh nominated and not taken."""
    short_spread_per_mwh: Spread = 0
    long_spread_per_mwh: Spread = 0

    @model_validator(mode="after")
    def _one(self) -> Imbalance:
        for side in ("short", "long"):
            if getattr(self, f"{side}_price_per_mwh") is not None and getattr(self, f"{side}_spread_per_mwh"):
                raise ValueError(f"give {side}_price_per_mwh or {side}_spread_per_mwh, not both")
        return self


def mistakes(scenario: Scenario) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong between contracts: the place within the market and the message."""
    market = scenario.market
    names: set[str] = set()
    shares = guaranteed = 0.0
    for i, contract in enumerate(market.contracts):
        if contract.name in names or contract.name in ("spot", "rest"):
            used = "used twice" if contract.name in names else "stands for what no contract delivers"
            yield ("contracts", i, "name"), f"contract name {contract.name!r} {used}"
        names.add(contract.name)
        if getattr(contract, "mw", None) is not None and not market.has_spot:
            yield (
                ("contracts", i, "mw"),
                "is settled against the spot price where more or less is used; give market.price_per_mwh",
            )
        share = getattr(contract, "share", None) or 0.0
        if isinstance(contract, Guarantees):
            guaranteed += share
        else:
            shares += share
    for total, what in ((shares, "contracts"), (guaranteed, "guarantees of origin")):
        if total > 1 + 1e-9:
            yield ("contracts",), f"the shares of {what} add up to {total:g} of the import; at most 1"
    if market.imbalance is not None and not market.has_spot:
        sides = ("short", "long")
        if any(getattr(market.imbalance, f"{side}_price_per_mwh") is None for side in sides):
            yield ("imbalance",), "its spreads lie on the spot price; give market.price_per_mwh or both prices"
