"""The market: prices, tariff and contracts, carbon intensity of the grid, carbon price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from emberline.scenarios.records.base import Record, Unjudged
from emberline.scenarios.records.emissions import FactorByName, by_factor
from emberline.scenarios.records.quantity import CURRENCIES, Fraction, MoneyPerTonne
from emberline.scenarios.records.series import Entry, IntensitySeries, PriceSeries, Series
from emberline.scenarios.tariff.contracts import Contract, Imbalance
from emberline.scenarios.tariff.record import Before, Tariff

Currency = Literal["EUR", "USD", "CNY", "GBP", "KRW", "JPY", "INR", "BRL"]
assert set(CURRENCIES) == set(Currency.__args__)  # type: ignore[attr-defined]
Scheme = Literal["eu_ets", "china_ets", "shadow"]
COVERS = {"eu_ets": "direct", "china_ets": "direct", "shadow": "all"}
"""Scope by scheme: emission trading in the EU (Directive 2003/87/EC) and China (steel and cement since 2025) prices
direct emissions only, a company's own shadow price all."""
ABSENT = Series(value=0.0, scale=0.0)
"""Stands for a series that is not given; a price of 0 in a file is another one."""


class CarbonPrice(Record):
    """Price of a tonne of CO2e, and the emissions that the scheme covers. Biogenic CO2 is rated zero."""

    per_t: MoneyPerTonne = 0
    scheme: Scheme | None = None
    """A known scheme, which says what is covered."""
    covers: Literal["direct", "all"] = "direct"
    """``direct``: scope 1 only (EU ETS, China ETS); ``all``: a shadow price on grid electricity and bought heat too."""
    free_share: Fraction = 0
    """Share of the covered emissions that is allocated free of charge."""

    @model_validator(mode="before")
    @classmethod
    def _of_scheme(cls, raw: Any) -> Any:
        covers = COVERS.get(str(raw.get("scheme"))) if isinstance(raw, dict) else None
        if covers is None:
            return raw
        if raw.get("covers", covers) != covers:
            raise ValueError(f"scheme {raw['scheme']} covers {covers}, not {raw['covers']}; leave one of the two out")
        return {**raw, "covers": covers}

    @property
    def on_direct(self) -> float:
        """Price on a tonne of scope 1 [currency/t]."""
        return self.per_t * (1 - self.free_share)

    @property
    def on_grid(self) -> float:
        """Price on a tonne of scope 2, which counts by the location's average [currency/t]."""
        return self.on_direct if self.covers == "all" else 0.0


def _priced(raw: Any, info: ValidationInfo) -> Any:
    # a tariff that is wrong is reported at its own place
    if raw is ABSENT and info.data.get("tariff", raw) is None:
        raise PydanticCustomError("missing", "Field required")
    return raw


def _intensity(raw: Any, info: ValidationInfo) -> Any:
    if "factor" not in info.data:
        raise Unjudged("the factor that it follows from is faulty")
    factor = info.data["factor"]
    if factor is None:
        if raw is ABSENT:
            raise PydanticCustomError("missing", "Field required")
        return raw
    kg = factor.fossil_kg_per("MWh")
    stated = raw.get("value") if isinstance(raw, dict) else raw
    return {"value": by_factor(None if raw is ABSENT else stated, kg, factor.name, "carbon_intensity_kg_per_mwh")}


class Market(Record):
    """Prices and carbon intensities, each a series or a constant.

    What is imported costs the spot price (or what contracts say) and the tariff on top; either may be missing.
    Contracts and their settlement: ``scenarios/tariff/contracts.py``.
    """

    currency: Currency = "EUR"
    tariff: Tariff | None = None
    """Network and energy charges of the utility, on what the meter counts."""
    tariff_before: Before = Before()
    """Memory of the tariff; without ``peak_mw``, the state's ``peak_so_far_mw`` is that of all its charges."""
    price_per_mwh: Annotated[PriceSeries, BeforeValidator(_priced), Field(validate_default=True)] = ABSENT
    """Spot price; may be left out where there is a tariff."""
    export_price_per_mwh: PriceSeries | None = None
    """None: exported energy earns nothing."""
    factor: FactorByName = None
    """Name of the grid's emission factor, in place of the average intensity below."""
    carbon_intensity_kg_per_mwh: Annotated[
        IntensitySeries, BeforeValidator(_intensity), Field(validate_default=True)
    ] = ABSENT
    """Average intensity of the grid, location-based."""
    marginal_carbon_intensity_kg_per_mwh: IntensitySeries | None = None
    """None: not given; the average is never substituted for it."""
    residual_kg_per_mwh: IntensitySeries | None = None
    """Residual mix: market-based factor of what no contract covers. None: the location's average is taken, and said."""
    contracts: tuple[Contract, ...] = Field(default=(), max_length=100)
    imbalance: Imbalance | None = None
    """None: a deviation from the nominated import is settled at the spot price."""
    carbon_price: CarbonPrice = Field(default_factory=CarbonPrice)

    @property
    def has_spot(self) -> bool:
        """Whether there is a spot price."""
        return self.price_per_mwh != ABSENT

    def series(self) -> Iterator[Entry]:
        """Prices, profiles of contracts and intensities that are given, each with its place within the market."""
        money = f"{self.currency}/MWh"
        yield "price_per_mwh", ("price_per_mwh",), self.price_per_mwh, money
        for i, contract in enumerate(self.contracts):
            profile: Series | None = getattr(contract, "mw", None)
            if profile is not None:
                yield contract.name, ("contracts", i, "mw"), profile, "MW"
        for side in ("short_price_per_mwh", "long_price_per_mwh"):
            price: Series | None = getattr(self.imbalance, side, None)
            if price is not None:
                yield side, ("imbalance", side), price, money
        for field, unit in (
            ("export_price_per_mwh", money),
            ("carbon_intensity_kg_per_mwh", "kg/MWh"),
            ("marginal_carbon_intensity_kg_per_mwh", "kg/MWh"),
            ("residual_kg_per_mwh", "kg/MWh"),
        ):
            series: Series | None = getattr(self, field)
            if series is not None:
                yield field, (field,), series, unit
