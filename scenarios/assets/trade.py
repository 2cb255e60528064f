"""What crosses the fence beside the grid's electricity, and what is fixed: supply, sale, flare, load, source, PV, wind.

Amounts are in the carrier's unit, rates in that unit per hour; every record has one carrier.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import BeforeValidator

from emberline.scenarios.assets.base import Named, Wanted
from emberline.scenarios.assets.factor import BiogenicByFactor, FossilByFactor
from emberline.scenarios.assets.quantity import (
    ELECTRICITY,
    PRICE,
    RATE,
    Amount,
    MoneyPerUnit,
    PerHour,
    of_carrier,
)
from emberline.scenarios.records.emissions import FactorByName
from emberline.scenarios.records.quantity import Megawatts
from emberline.scenarios.records.series import FactorSeries, Given, Series, constant_read_by

UnitPriceSeries = Annotated[Series, BeforeValidator(constant_read_by(of_carrier(PRICE)), json_schema_input_type=Given)]
RateSeries = Annotated[Series, BeforeValidator(constant_read_by(of_carrier(RATE), 0), json_schema_input_type=Given)]


class Supply(Named):
    """Fuel, heat or gas bought, and what its use emits."""

    kind: Literal["supply"]
    carrier: str
    price_per_unit: UnitPriceSeries = Series(value=0.0)
    factor: FactorByName = None
    """Name of an emission factor; it takes the place of the two numbers below."""
    fossil_kg_per_unit: FossilByFactor = 0
    """kg CO2e of fossil origin per unit."""
    biogenic_kg_per_unit: BiogenicByFactor = 0
    """kg CO2 of biogenic origin per unit: told apart, never part of a goal nor priced."""
    scope: Literal[1, 2] = 1
    """1: burned on the site, priced as direct emissions are; 2: heat or steam bought, priced as the grid's are."""
    rate_limit: PerHour | None = None
    horizon_limit: Amount | None = None
    """Most of it over the horizon."""

    def wants(self) -> Iterator[Wanted]:
        """Its price."""
        yield Wanted("price_per_unit", ("price_per_unit",), self.price_per_unit, PRICE, self.carrier)


class Sale(Named):
    """Heat, gas or electricity sold beside the grid; nothing has to be sold."""

    kind: Literal["sale"]
    carrier: str
    price_per_unit: UnitPriceSeries
    rate_limit: PerHour | None = None
    horizon_limit: Amount | None = None

    def wants(self) -> Iterator[Wanted]:
        """Its price."""
        yield Wanted("price_per_unit", ("price_per_unit",), self.price_per_unit, PRICE, self.carrier)


class Flare(Named):
    """A flare or vent: takes a surplus, at a price and with what it emits (scope 1)."""

    kind: Literal["flare", "vent"]
    carrier: str
    cost_per_unit: MoneyPerUnit = 0
    factor: FactorByName = None
    """Name of an emission factor; it takes the place of the two numbers below."""
    fossil_kg_per_unit: FossilByFactor = 0
    """What emissions counted elsewhere, with the fuel bought or the stage that made the gas, do not hold already."""
    biogenic_kg_per_unit: BiogenicByFactor = 0
    rate_limit: PerHour | None = None


class Load(Named):
    """A demand that must be met in every step."""

    kind: Literal["load"]
    carrier: str
    rate: RateSeries

    def wants(self) -> Iterator[Wanted]:
        """Its demand per hour."""
        yield Wanted("rate", ("rate",), self.rate, RATE, self.carrier)


class Source(Named):
    """What comes whether it is wanted or not: by-product gas or waste heat of a plant that is not planned here."""

    kind: Literal["source"]
    carrier: str
    rate: RateSeries

    def wants(self) -> Iterator[Wanted]:
        """What comes per hour."""
        yield Wanted("rate", ("rate",), self.rate, RATE, self.carrier)


class Renewable(Named):
    """PV or wind; what is not used is curtailed."""

    kind: Literal["pv", "wind"]
    peak_mw: Megawatts
    capacity_factor: FactorSeries

    @property
    def carrier(self) -> str:
        """What it delivers."""
        return ELECTRICITY

    def wants(self) -> Iterator[Wanted]:
        """Its capacity factor."""
        yield Wanted("capacity_factor", ("capacity_factor",), self.capacity_factor)

    def available_mw(self, capacity_factor: np.ndarray) -> np.ndarray:
        """What it could give [MW], shape as the factor's."""
        return self.peak_mw * capacity_factor
