"""Chinese tariffs: one flat price with ratios for peak and valley, and the two-part charge on demand or capacity.

The state asks for a peak of at least three times the valley, four times where the system's load swings by more than
40 % (notice of the National Development and Reform Commission on time-of-use prices, 2021). Ratios and hours are set
by the provinces and change: none is built in.
"""

from __future__ import annotations

from itertools import product
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.quantity import Fraction, Megawatts, in_unit, read_in
from emberline.scenarios.tariff.windows import DAYS, Window, cells

Ratio = Annotated[float, Field(gt=0, le=10)]


class PeakValley(Record):
    """Peak, flat and valley hours, with sharp peak and deep valley where the province has them.

    Sharp hours go before peak and flat ones, deep hours before valley and flat ones; all else is flat. What does not
    float with the hours (grid fees, funds) is a levy of the tariff.
    """

    flat_per_mwh: Annotated[float, read_in("{currency}/MWh"), Field(ge=0, le=1e6)]
    peak_ratio: Ratio
    """Peak price over the flat one."""
    valley_ratio: Ratio
    """Valley price over the flat one."""
    peak: tuple[Window, ...] = Field(min_length=1)
    valley: tuple[Window, ...] = Field(min_length=1)
    sharp_on_peak: Ratio = 1.2
    """Sharp-peak price over the peak one; a rise of at least 20 % is what the notice asks for."""
    sharp: tuple[Window, ...] = ()
    deep_on_valley: Ratio | None = None
    """Deep-valley price over the valley one."""
    deep_valley: tuple[Window, ...] = ()

    def check(self) -> None:
        if not self.valley_ratio < 1 < self.peak_ratio:
            raise ValueError(
                f"valley_ratio {self.valley_ratio:g} must lie below 1, peak_ratio {self.peak_ratio:g} above"
            )
        if self.deep_valley and self.deep_on_valley is None:
            raise ValueError("deep_valley hours need deep_on_valley: the deep-valley price over the valley one")
        every = [*self.peak, *self.valley, *self.sharp, *self.deep_valley]
        month, weekday, minute = cells(every)
        for one, other in product(("peak", "sharp"), ("valley", "deep_valley")):
            both = _any(getattr(self, one), month, weekday, minute) & _any(getattr(self, other), month, weekday, minute)
            if both.any():
                i = int(np.flatnonzero(both)[0])
                at = f"month {month[i]}, {DAYS[weekday[i]]}, {int(minute[i]) // 60:02d}:{int(minute[i]) % 60:02d}"
                raise ValueError(f"{one} and {other} overlap at {at}")

    def prices(self, month: np.ndarray, weekday: np.ndarray, minute: np.ndarray) -> dict[str, np.ndarray]:
        """Price by kind of hour [currency/MWh], zero in the other hours; arrays of the shape of the instants."""
        peak = self.flat_per_mwh * self.peak_ratio
        valley = self.flat_per_mwh * self.valley_ratio
        priced = {
            "sharp peak": (self.sharp, peak * self.sharp_on_peak),
            "peak": (self.peak, peak),
            "deep valley": (self.deep_valley, valley * (self.deep_on_valley or 1.0)),
            "valley": (self.valley, valley),
            "flat": ((Window(),), self.flat_per_mwh),
        }
        remaining = np.ones(np.shape(minute), bool)
        prices = {}
        for name, (windows, price) in priced.items():
            here = remaining & _any(windows, month, weekday, minute)
            remaining &= ~here
            if here.any():
                prices[name] = np.where(here, price, 0.0)
        return prices


def _any(windows: tuple[Window, ...], month: np.ndarray, weekday: np.ndarray, minute: np.ndarray) -> np.ndarray:
    return np.asarray(np.any([window.covers(month, weekday, minute) for window in windows], axis=0))


def _basic(raw: Any, info: ValidationInfo) -> Any:
    # transformers are counted in MVA; written in MW or MVA, the number is the same
    of_transformers = info.data.get("basis") == "transformer" and isinstance(raw, str) and "VA" in raw
    return in_unit("{currency}/MVA" if of_transformers else "{currency}/MW")(raw, info)


class TwoPart(Record):
    """The basic charge of a two-part tariff, on what the plant has chosen.

    ``demand``: the month's highest metered mean. ``contract``: the contracted demand in any case; what exceeds it by
    more than the tolerance is charged at a multiple. ``transformer``: the capacity installed.
    """

    name: str = "basic charge"
    basis: Literal["demand", "contract", "transformer"]
    per_mw_month: Annotated[float, BeforeValidator(_basic, json_schema_input_type=float | str), Field(ge=0, le=1e9)]
    """Price of a MW of demand, or of a MVA of transformers, in a month; ``40 CNY/kW`` is 40000."""
    contract_mw: Megawatts | None = None
    tolerance: Fraction = 0.05
    """Share by which a contract may be exceeded."""
    excess_ratio: Annotated[float, Field(ge=1, le=10)] = 2.0
    """Price of what lies beyond, over the price."""
    transformer_mva: Annotated[float, read_in("MVA"), Field(gt=0, le=1e5)] | None = None

    def check(self) -> None:
        for basis, field in (("contract", "contract_mw"), ("transformer", "transformer_mva")):
            if (self.basis == basis) != (getattr(self, field) is not None):
                raise ValueError(f"{field} belongs to basis: {basis}, and only to it")

    @property
    def least_mw(self) -> float:
        """Demand that is billed in any case [MW]."""
        return self.contract_mw or 0.0

    def blocks(self) -> tuple[tuple[float, float], ...]:
        """Lower limit [MW] and price [currency/MW] of each block of demand."""
        if self.basis != "contract" or not self.contract_mw:
            return ((0.0, self.per_mw_month),)
        beyond = self.contract_mw * (1 + self.tolerance)
        free = ((self.contract_mw, 0.0),) if self.tolerance > 0 else ()
        return ((0.0, self.per_mw_month), *free, (beyond, self.per_mw_month * self.excess_ratio))
