"""The market: prices, carbon intensity of the grid, carbon price."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scenarios.quantity import CURRENCIES, Fraction, MoneyPerTonne
from scenarios.record import Record
from scenarios.series import IntensitySeries, PriceSeries

Currency = Literal["EUR", "USD", "CNY", "GBP", "KRW", "JPY", "INR", "BRL"]
assert set(CURRENCIES) == set(Currency.__args__)  # type: ignore[attr-defined]


class CarbonPrice(Record):
    """What a tonne of CO2e costs, and which emissions the scheme covers."""

    per_t: MoneyPerTonne = 0
    covers: Literal["direct", "all"] = "direct"
    """``direct``: scope 1 only (EU ETS, China ETS); ``all``: a shadow price on grid electricity too."""
    free_share: Fraction = 0
    """Share of the covered emissions that is allocated free of charge."""

    @property
    def on_direct(self) -> float:
        """Price on a tonne of scope 1 [currency/t]."""
        return self.per_t * (1 - self.free_share)

    @property
    def on_grid(self) -> float:
        """Price on a tonne of scope 2 [currency/t]."""
        return self.on_direct if self.covers == "all" else 0.0


class Market(Record):
    """Prices and carbon intensities, each a series or a constant."""

    currency: Currency = "EUR"
    price_per_mwh: PriceSeries
    export_price_per_mwh: PriceSeries | None = None
    """None: exported energy earns nothing."""
    carbon_intensity_kg_per_mwh: IntensitySeries
    """Average intensity of the grid, location-based."""
    marginal_carbon_intensity_kg_per_mwh: IntensitySeries | None = None
    """None: not given; the average is never substituted for it."""
    carbon_price: CarbonPrice = Field(default_factory=CarbonPrice)
