"""Chinese tariffs: flat price with ratios for peak and valley hours, and two-part charge on demand or capacity.

The peak price must be at least three times the valley price, or four times if the system load varies by more than 40 %
(notice of the National Development and Reform Commission on time-of-use prices, 2021). Ratios and hours are set by the
provinces and may change, so none are built in.
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
    """Peak, flat and valley hours, with optional sharp-peak and deep-valley hours.

    Sharp-peak hours take precedence over peak hours and deep-valley hours over valley hours; all other hours are flat.
    Components that do not depend on the hour (grid fees, funds) are levies of the tariff.
    """

    flat_per_mwh: Annotated[float, read_in("{currency}/MWh"), Field(ge=0, le=1e6)]
    peak_ratio: Ratio
    """Ratio of peak to flat price."""
    valley_ratio: Ratio
    """Ratio of valley to flat price."""
    peak: tuple[Window, ...] = Field(min_length=1)
    valley: tuple[Window, ...] = Field(min_length=1)
    sharp_on_peak: Ratio = 1.2
    """Ratio of sharp-peak to peak price; the notice requires at least 1.2."""
    sharp: tuple[Window, ...] = ()
    deep_on_valley: Ratio | None = None
    """Ratio of deep-valley to valley price."""
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
        """Compute the price by kind of hour, zero in other hours [currency/MWh]; same shape as the instants."""
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
    # the capacity of transformers is in MVA; prices per MW and per MVA have the same number
    of_transformers = info.data.get("basis") == "transformer" and isinstance(raw, str) and "VA" in raw
    return in_unit("{currency}/MVA" if of_transformers else "{currency}/MW")(raw, info)


class TwoPart(Record):
    """Basic charge of a two-part tariff.

    ``demand``: on the highest metered mean of the month. ``contract``: on the contracted demand as a minimum; demand
    above the tolerance is charged at a multiple. ``transformer``: on the installed capacity.
    """

    name: str = "basic charge"
    basis: Literal["demand", "contract", "transformer"]
    per_mw_month: Annotated[float, BeforeValidator(_basic, json_schema_input_type=float | str), Field(ge=0, le=1e9)]
    """Price per month and MW of demand or MVA of transformers; ``40 CNY/kW`` is 40000."""
    contract_mw: Megawatts | None = None
    tolerance: Fraction = 0.05
    """Share by which the contracted demand may be exceeded."""
    excess_ratio: Annotated[float, Field(ge=1, le=10)] = 2.0
    """Ratio of the price of excess demand to the normal price."""
    transformer_mva: Annotated[float, read_in("MVA"), Field(gt=0, le=1e5)] | None = None

    def check(self) -> None:
        for basis, field in (("contract", "contract_mw"), ("transformer", "transformer_mva")):
            if (self.basis == basis) != (getattr(self, field) is not None):
                raise ValueError(f"{field} belongs to basis: {basis}, and only to it")

    @property
    def least_mw(self) -> float:
        """Minimum billed demand [MW]."""
        return self.contract_mw or 0.0

    def blocks(self) -> tuple[tuple[float, float], ...]:
        """Return the lower limit [MW] and price [currency/MW] of each block of demand."""
        if self.basis != "contract" or not self.contract_mw:
            return ((0.0, self.per_mw_month),)
        beyond = self.contract_mw * (1 + self.tolerance)
        free = ((self.contract_mw, 0.0),) if self.tolerance > 0 else ()
        return ((0.0, self.per_mw_month), *free, (beyond, self.per_mw_month * self.excess_ratio))
