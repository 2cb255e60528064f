"""Purchases and sales other than grid electricity, and given flows: supply, sale, flare, load, source, PV, wind.

Each record has one carrier. Amounts are in the carrier's unit, rates in that unit per hour.
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
            return raw  # a stored scenario contains the numbers and is read without the units of carriers
        unit = units.get(info.data.get("carrier", ELECTRICITY))
        if unit is None:
            return raw  # an unknown carrier is reported elsewhere
        if field == "fossil_kg_per_unit":
            return by_factor(raw, factor.fossil_kg_per(unit), factor.name, field)
        if "fossil_kg_per_unit" not in info.data:
            return raw  # a wrong unit of the factor is reported there
        return by_factor(raw, factor.biogenic_kg_per(unit), factor.name, field)

    return take


FossilByFactor = Annotated[
    KilogramsPerUnit, BeforeValidator(_of_factor("fossil_kg_per_unit")), Field(validate_default=True)
]
BiogenicByFactor = Annotated[
    KilogramsPerUnit, BeforeValidator(_of_factor("biogenic_kg_per_unit")), Field(validate_default=True)
]


class OneFlow(Named):
    """Asset with a single flow."""

    @property
    def flows(self) -> Mapping[str, str]:
        """Its carrier, with an empty key."""
        return {"": self.carrier}

    if TYPE_CHECKING:

        @property
        def carrier(self) -> str: ...


class Trade(OneFlow):
    """Flow across the site boundary with optional limits."""

    if TYPE_CHECKING:

        @property
        def rate_limit(self) -> float | None: ...
        @property
        def horizon_limit(self) -> float | None: ...


class Supply(Trade):
    """Purchase of fuel, heat or gas, with the emissions of its use."""

    sign: ClassVar[int] = 1
    emits: ClassVar[bool] = True
    courses: ClassVar[Mapping[str, str]] = {"price_per_unit": PRICE}
    kind: Literal["supply"]
    carrier: str
    price_per_unit: UnitPriceSeries = Series(value=0.0)
    factor: FactorByName = None
    """Name of an emission factor that replaces the two numbers below."""
    fossil_kg_per_unit: FossilByFactor = 0
    """Fossil emissions per unit [kg CO2e]."""
    biogenic_kg_per_unit: BiogenicByFactor = 0
    """Biogenic emissions per unit [kg CO2]; reported separately, neither priced nor part of a goal."""
    scope: Literal[1, 2] = 1
    """1: burned on site and priced as direct emissions; 2: purchased heat or steam, priced as grid emissions."""
    rate_limit: PerHour | None = None
    horizon_limit: Amount | None = None
    """Largest amount over the horizon."""

    @property
    def bought(self) -> bool:
        """Whether it is purchased heat or steam (scope 2)."""
        return self.scope == 2

    def items(self, use: Use) -> tuple[Item, ...]:
        """Return the cost of the fuel."""
        return (Item("fuel", use.amount(""), use.series["price_per_unit"]),)

    def emitted(self, use: Use) -> Emitted:
        """Return its emissions by the factors per unit."""
        amount = use.amount("")
        return Emitted(amount * self.fossil_kg_per_unit, amount * self.biogenic_kg_per_unit)


class Sale(Trade):
    """Optional sale of heat, gas or electricity, other than export to the grid."""

    sign: ClassVar[int] = -1
    courses: ClassVar[Mapping[str, str]] = {"price_per_unit": PRICE}
    kind: Literal["sale"]
    carrier: str
    price_per_unit: UnitPriceSeries
    rate_limit: PerHour | None = None
    horizon_limit: Amount | None = None

    def items(self, use: Use) -> tuple[Item, ...]:
        """Return the revenue."""
        return (Item("sale", use.amount(""), use.series["price_per_unit"]),)


class Flare(Trade):
    """Flare or vent for a surplus, with its cost and emissions (scope 1)."""

    sign: ClassVar[int] = -1
    emits: ClassVar[bool] = True
    kind: Literal["flare", "vent"]
    carrier: str
    cost_per_unit: MoneyPerUnit = 0
    factor: FactorByName = None
    """Name of an emission factor that replaces the two numbers below."""
    fossil_kg_per_unit: FossilByFactor = 0
    """Fossil emissions per unit that are not counted with the fuel purchased or the stage that produced the gas."""
    biogenic_kg_per_unit: BiogenicByFactor = 0
    rate_limit: PerHour | None = None

    @property
    def burns(self) -> tuple[str, ...]:
        """Its carrier, unless it is a vent or has an emission factor."""
        counted = self.kind == "vent" or self.fossil_kg_per_unit or self.biogenic_kg_per_unit
        return () if counted else (self.carrier,)

    @property
    def horizon_limit(self) -> None:
        """None, since its amount is unlimited."""
        return

    def items(self, use: Use) -> tuple[Item, ...]:
        """Return the cost of flaring."""
        return (Item("flare", use.amount(""), -self.cost_per_unit),)

    def emitted(self, use: Use) -> Emitted:
        """Return its emissions by the factors per unit."""
        amount = -use.amount("")
        return Emitted(amount * self.fossil_kg_per_unit, amount * self.biogenic_kg_per_unit)


class Load(OneFlow):
    """Demand that must be met in every step."""

    sign: ClassVar[int] = -1
    decided: ClassVar[bool] = False
    courses: ClassVar[Mapping[str, str]] = {"rate": RATE}
    kind: Literal["load"]
    carrier: str
    rate: RateSeries


class Source(OneFlow):
    """Unavoidable by-product gas or waste heat of a plant that is not part of the plan."""

    sign: ClassVar[int] = 1
    decided: ClassVar[bool] = False
    courses: ClassVar[Mapping[str, str]] = {"rate": RATE}
    kind: Literal["source"]
    carrier: str
    rate: RateSeries


class Renewable(OneFlow):
    """PV or wind; unused power is curtailed."""

    sign: ClassVar[int] = 1
    electric: ClassVar[int] = 1
    courses: ClassVar[Mapping[str, str]] = {"capacity_factor": ""}
    kind: Literal["pv", "wind"]
    peak_mw: Megawatts
    capacity_factor: FactorSeries

    @property
    def carrier(self) -> str:
        """Electricity, for all records of this kind."""
        return ELECTRICITY

    def available_mw(self, capacity_factor: np.ndarray) -> np.ndarray:
        """Return the available power [MW], same shape as ``capacity_factor``."""
        return self.peak_mw * capacity_factor


def used_within(mean: np.ndarray, available: np.ndarray, load: np.ndarray) -> np.ndarray:
    """Distribute PV and wind power over the parts of a step, at the highest load first, to minimize export.

    Args:
        mean: mean power used over each step, shape (n_steps,).
        available: largest power at any time in the step, shape (n_steps,).
        load: load in each part in the same unit, shape (n_steps, n_parts).

    Returns:
        Power used in each part, shape (n_steps, n_parts); uniform if all available power is used or the load is.
    """
    used = np.repeat(mean[:, None], load.shape[1], axis=1)
    some = (mean < available - 1e-9) & (np.ptp(load, axis=1) > 1e-9)
    load, available = load[some], available[some, None]
    # use the load above a level, which is found by bisection
    low, high = load.min(axis=1) - available[:, 0], load.max(axis=1)
    for _ in range(60):
        level = (low + high) / 2
        more = np.clip(load - level[:, None], 0.0, available).mean(axis=1) > mean[some]
        low, high = np.where(more, level, low), np.where(more, high, level)
    used[some] = np.clip(load - high[:, None], 0.0, available)
    return used
