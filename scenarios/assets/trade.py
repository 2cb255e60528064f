"""Trade other than the grid's electricity, and flows that are given: supply, sale, flare, load, source, PV, wind.

Amounts are in the carrier's unit, rates in that unit per hour; every record has one carrier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo

from emberline.scenarios.assets.base import Emitted, Item, Named, Use
from emberline.scenarios.assets.quantity import (
    CARRIERS,
    ELECTRICITY,
    PRICE,
    RATE,
    Amount,
    KilogramsPerUnit,
    MoneyPerUnit,
    PerHour,
    of_carrier,
)
from emberline.scenarios.records.emissions import FactorByName, by_factor
from emberline.scenarios.records.factors import Factor
from emberline.scenarios.records.quantity import Megawatts
from emberline.scenarios.records.series import FactorSeries, Series, constant_read_by

UnitPriceSeries = Annotated[Series, constant_read_by(of_carrier(PRICE))]
RateSeries = Annotated[Series, constant_read_by(of_carrier(RATE), 0)]


def _of_factor(field: str) -> Callable[[Any, ValidationInfo], Any]:
    def take(raw: Any, info: ValidationInfo) -> Any:
        factor: Factor | None = info.data.get("factor")
        if factor is None:
            return raw
        units = (info.context or {}).get(CARRIERS)
        if units is None:
            return raw  # a stored scenario holds the numbers, and is read without the units of carriers
        unit = units.get(info.data.get("carrier", ELECTRICITY))
        if unit is None:
            return raw  # a carrier that is not known is reported at its own place
        if field == "fossil_kg_per_unit":
            return by_factor(raw, factor.fossil_kg_per(unit), factor.name, field)
        if "fossil_kg_per_unit" not in info.data:
            return raw  # what is wrong with the factor's unit is reported there
        return by_factor(raw, factor.biogenic_kg_per(unit), factor.name, field)

    return take


FossilByFactor = Annotated[
    KilogramsPerUnit, BeforeValidator(_of_factor("fossil_kg_per_unit")), Field(validate_default=True)
]
BiogenicByFactor = Annotated[
    KilogramsPerUnit, BeforeValidator(_of_factor("biogenic_kg_per_unit")), Field(validate_default=True)
]


class OneFlow(Named):
    """An asset with one flow of one carrier."""

    @property
    def flows(self) -> Mapping[str, str]:
        """Its carrier."""
        return {"": self.carrier}

    if TYPE_CHECKING:

        @property
        def carrier(self) -> str: ...


class Trade(OneFlow):
    """A flow across the fence that may be limited."""

    if TYPE_CHECKING:

        @property
        def rate_limit(self) -> float | None: ...
        @property
        def horizon_limit(self) -> float | None: ...


class Supply(Trade):
    """Fuel, heat or gas bought, and what its use emits."""

    sign: ClassVar[int] = 1
    emits: ClassVar[bool] = True
    courses: ClassVar[Mapping[str, str]] = {"price_per_unit": PRICE}
    kind: Literal["supply"]
    carrier: str
    price_per_unit: UnitPriceSeries = Series(value=0.0)
    factor: FactorByName = None
    """Name of an emission factor; it takes the place of the two numbers below."""
    fossil_kg_per_unit: FossilByFactor = 0
    """kg CO2e of fossil origin per unit."""
    biogenic_kg_per_unit: BiogenicByFactor = 0
    """kg CO2 of biogenic origin per unit: reported separately, never part of a goal nor priced."""
    scope: Literal[1, 2] = 1
    """1: burned on the site, priced as direct emissions are; 2: heat or steam bought, priced as the grid's are."""
    rate_limit: PerHour | None = None
    horizon_limit: Amount | None = None
    """Most of it over the horizon."""

    @property
    def bought(self) -> bool:
        """Whether it is heat or steam whose emissions are its maker's."""
        return self.scope == 2

    def items(self, use: Use) -> tuple[Item, ...]:
        """The fuel at its price."""
        return (Item("fuel", use.amount(""), use.series["price_per_unit"]),)

    def emitted(self, use: Use) -> Emitted:
        """Emissions by its factors."""
        amount = use.amount("")
        return Emitted(amount * self.fossil_kg_per_unit, amount * self.biogenic_kg_per_unit)


class Sale(Trade):
    """Heat, gas or electricity sold, the grid's export left out; nothing has to be sold."""

    sign: ClassVar[int] = -1
    courses: ClassVar[Mapping[str, str]] = {"price_per_unit": PRICE}
    kind: Literal["sale"]
    carrier: str
    price_per_unit: UnitPriceSeries
    rate_limit: PerHour | None = None
    horizon_limit: Amount | None = None

    def items(self, use: Use) -> tuple[Item, ...]:
        """Its earnings."""
        return (Item("sale", use.amount(""), use.series["price_per_unit"]),)


class Flare(Trade):
    """A flare or vent: takes a surplus, at a price and with what it emits (scope 1)."""

    sign: ClassVar[int] = -1
    emits: ClassVar[bool] = True
    kind: Literal["flare", "vent"]
    carrier: str
    cost_per_unit: MoneyPerUnit = 0
    factor: FactorByName = None
    """Name of an emission factor; it takes the place of the two numbers below."""
    fossil_kg_per_unit: FossilByFactor = 0
    """Fossil emissions not yet counted elsewhere, with the fuel bought or with the stage that made the gas."""
    biogenic_kg_per_unit: BiogenicByFactor = 0
    rate_limit: PerHour | None = None

    @property
    def burns(self) -> tuple[str, ...]:
        """Its carrier, unless it is a vent or has a factor."""
        counted = self.kind == "vent" or self.fossil_kg_per_unit or self.biogenic_kg_per_unit
        return () if counted else (self.carrier,)

    @property
    def horizon_limit(self) -> None:
        """None: its amount has no limit."""
        return

    def items(self, use: Use) -> tuple[Item, ...]:
        """The cost of flaring."""
        return (Item("flare", use.amount(""), -self.cost_per_unit),)

    def emitted(self, use: Use) -> Emitted:
        """Emissions by its factors."""
        amount = -use.amount("")
        return Emitted(amount * self.fossil_kg_per_unit, amount * self.biogenic_kg_per_unit)


class Load(OneFlow):
    """A demand that must be met in every step."""

    sign: ClassVar[int] = -1
    decided: ClassVar[bool] = False
    courses: ClassVar[Mapping[str, str]] = {"rate": RATE}
    kind: Literal["load"]
    carrier: str
    rate: RateSeries


class Source(OneFlow):
    """By-product gas or waste heat of a plant that is not planned here: it comes whether it is wanted or not."""

    sign: ClassVar[int] = 1
    decided: ClassVar[bool] = False
    courses: ClassVar[Mapping[str, str]] = {"rate": RATE}
    kind: Literal["source"]
    carrier: str
    rate: RateSeries


class Renewable(OneFlow):
    """PV or wind; what is not used is curtailed."""

    sign: ClassVar[int] = 1
    electric: ClassVar[int] = 1
    courses: ClassVar[Mapping[str, str]] = {"capacity_factor": ""}
    kind: Literal["pv", "wind"]
    peak_mw: Megawatts
    capacity_factor: FactorSeries

    @property
    def carrier(self) -> str:
        """Electricity."""
        return ELECTRICITY

    def available_mw(self, capacity_factor: np.ndarray) -> np.ndarray:
        """Power that is available [MW], shape as the factor's."""
        return self.peak_mw * capacity_factor


def used_within(mean: np.ndarray, available: np.ndarray, load: np.ndarray) -> np.ndarray:
    """Sun and wind used in each part of a step: where the load is highest first, so that least is exported.

    Args:
        mean: used in the mean over each step, shape (n_steps,).
        available: the most at any time of the step, shape (n_steps,).
        load: in each of its parts, in the same unit, shape (n_steps, n_parts).

    Returns:
        Shape (n_steps, n_parts); even where all that is available is used, or the load is even.
    """
    used = np.repeat(mean[:, None], load.shape[1], axis=1)
    some = (mean < available - 1e-9) & (np.ptp(load, axis=1) > 1e-9)
    load, available = load[some], available[some, None]
    # what is left of the load above a level is used; the level by halving
    low, high = load.min(axis=1) - available[:, 0], load.max(axis=1)
    for _ in range(60):
        level = (low + high) / 2
        more = np.clip(load - level[:, None], 0.0, available).mean(axis=1) > mean[some]
        low, high = np.where(more, level, low), np.where(more, high, level)
    used[some] = np.clip(load - high[:, None], 0.0, available)
    return used
