"""Market: prices, tariff, contracts, carbon intensity of the grid, and carbon price."""

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
"""Coverage by scheme: emissions trading in the EU (Directive 2003/87/EC) and China (steel and cement since 2025) covers
direct emissions only; an internal shadow price covers all."""
ABSENT = Series(value=0.0, scale=0.0)
"""Placeholder for a missing series, distinct from a price of 0 in a file."""


class CarbonPrice(Record):
    """Carbon price and the emissions that the scheme covers. Biogenic CO2 is zero-rated."""

    per_t: MoneyPerTonne = 0
    scheme: Scheme | None = None
    """Known scheme, which determines the coverage."""
    covers: Literal["direct", "all"] = "direct"
    """``direct``: scope 1 only (EU ETS, China ETS); ``all``: grid electricity and purchased heat too (shadow price)."""
    free_share: Fraction = 0
    """Share of the covered emissions with free allocation."""

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
        """Price of scope 1 emissions [currency/t]."""
        return self.per_t * (1 - self.free_share)

    @property
    def on_grid(self) -> float:
        """Price of location-based scope 2 emissions [currency/t]."""
        return self.on_direct if self.covers == "all" else 0.0


def _priced(raw: Any, info: ValidationInfo) -> Any:
    # an invalid tariff is reported separately
    if raw is ABSENT and info.data.get("tariff", raw) is None:
        raise PydanticCustomError("missing", "Field required")
    return raw


def _intensity(raw: Any, info: ValidationInfo) -> Any:
    if "factor" not in info.data:
        raise Unjudged("the factor from which it is computed is invalid")
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

    Imported energy costs the spot price (or contract prices) plus the tariff; either may be missing. For contracts see
    ``scenarios/tariff/contracts.py``.
    """

    currency: Currency = "EUR"
    tariff: Tariff | None = None
    """Network and energy charges of the utility on metered energy."""
    tariff_before: Before = Before()
    """Peaks and energy before the horizon; without ``peak_mw``, ``state.peak_so_far_mw`` applies to all charges."""
    price_per_mwh: Annotated[PriceSeries, BeforeValidator(_priced), Field(validate_default=True)] = ABSENT
    """Spot price; optional if there is a tariff."""
    export_price_per_mwh: PriceSeries | None = None
    """Price of exported energy; none: zero."""
    factor: FactorByName = None
    """Name of the grid's emission factor, which replaces the average intensity below."""
    carbon_intensity_kg_per_mwh: Annotated[
        IntensitySeries, BeforeValidator(_intensity), Field(validate_default=True)
    ] = ABSENT
    """Average intensity of the grid (location-based)."""
    marginal_carbon_intensity_kg_per_mwh: IntensitySeries | None = None
    """Marginal intensity of the grid; none: unknown, never replaced by the average."""
    residual_kg_per_mwh: IntensitySeries | None = None
    """Residual mix: market-based factor of import without contract; none: the average of the location is used."""
    contracts: tuple[Contract, ...] = Field(default=(), max_length=100)
    imbalance: Imbalance | None = None
    """Prices of deviations from the nominated import; none: they are settled at the spot price."""
    carbon_price: CarbonPrice = Field(default_factory=CarbonPrice)

    @property
    def has_spot(self) -> bool:
        """Whether there is a spot price."""
        return self.price_per_mwh != ABSENT

    def series(self) -> Iterator[Entry]:
        """Iterate over the given prices, contract profiles and intensities, with their places within the market."""
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
