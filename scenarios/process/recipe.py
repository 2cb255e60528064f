"""Recipe of a process or of one of its modes: rates, flows, power and heat."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from emberline.scenarios.assets.quantity import of_unit
from emberline.scenarios.records.base import NAME, Explicit, Misplaced, Record, repeated
from emberline.scenarios.records.emissions import Emissions
from emberline.scenarios.records.quantity import (
    Fraction,
    KilowattHoursPerTonne,
    Megawatts,
    TonnesPerHour,
    in_unit,
    read_in,
)

GigajoulesPerTonne = Annotated[float, read_in("GJ/t"), Field(gt=0, le=1e4)]
PER_TONNE = WithJsonSchema({"type": ["number", "string"], "description": "per tonne: a number, or with its unit"})
GJ_PER_MWH = 3.6


class Rate(Record):
    """Range of rates at which a process may run."""

    low: TonnesPerHour
    high: TonnesPerHour = Field(gt=0)
    usual: TonnesPerHour | None = None
    """Rate in the baseline; none: the highest."""

    def check(self) -> None:
        if self.low > self.high:
            raise Misplaced(f"low {self.low:g} t/h lies above high {self.high:g} t/h", "low")
        if self.usual is not None and not self.low <= self.usual <= self.high:
            raise Misplaced(f"usual {self.usual:g} t/h lies outside {self.low:g} to {self.high:g} t/h", "usual")

    @property
    def baseline(self) -> float:
        """Rate in the baseline [t/h]."""
        return self.high if self.usual is None else self.usual

    @property
    def fixed(self) -> bool:
        """Whether there is only one rate."""
        return self.low == self.high


def _rate(raw: Any, info: ValidationInfo) -> Any:
    """Convert a single quantity to a fixed rate."""
    if isinstance(raw, str | int | float) and not isinstance(raw, bool):
        value = in_unit("t/h")(raw, info)
        if not 0 < value < math.inf:
            raise ValueError(f"must be a finite number above 0, got {value:g}")
        return {"low": value, "high": value}
    return raw


OneOrRange = Annotated[Rate, BeforeValidator(_rate, json_schema_input_type=float | str | Rate)]


class PowerPoint(Record):
    """Electric power at one rate."""

    rate_tph: TonnesPerHour
    power_mw: Megawatts


class Stream(Explicit):
    """Flow between a process and a store or carrier of the site, per tonne of the rate."""

    store: str | None = None
    carrier: str | None = None
    per_t: Annotated[float, Field(ge=0, le=1e6), PER_TONNE] = 1.0
    """Amount per tonne: tonnes for a store, the unit of the carrier (MWh, t, Nm3) otherwise."""

    @field_validator("per_t", mode="before")
    @classmethod
    def _unit(cls, raw: Any, info: ValidationInfo) -> Any:
        carrier = info.data.get("carrier")
        if carrier is None:
            return in_unit("t/t")(raw, info)
        return of_unit("{unit}/t", carrier, raw, info)

    def check(self) -> None:
        if (self.store is None) == (self.carrier is None):
            raise ValueError("a flow names either a store or a carrier")
        if self.carrier is not None and "per_t" not in self.model_fields_set:
            raise Misplaced(f"carrier {self.carrier}: per_t is required, the amount per tonne", "per_t")

    @property
    def place(self) -> str:
        """Name of the store or carrier."""
        return self.store or self.carrier or ""


class Fuel(Record):
    """Component of the fuel mix."""

    carrier: str = Field(pattern=NAME)
    share: Fraction
    """Usual share of the heat, as used in the baseline and during start-ups."""
    least: Fraction = 0.0
    most: Fraction = 1.0
    """Largest share in each step."""

    def check(self) -> None:
        if not self.least - 1e-12 <= self.share <= self.most + 1e-12:
            text = f"fuel {self.carrier}: share {self.share:g} lies outside {self.least:g} to {self.most:g}"
            raise Misplaced(text, "share")


class Heat(Record):
    """Heat demand per tonne and its fuels, based on net calorific values."""

    gj_per_t: GigajoulesPerTonne
    fuels: tuple[Fuel, ...] = Field(min_length=1)

    def check(self) -> None:
        twice = repeated(fuel.carrier for fuel in self.fuels)
        if twice:
            raise Misplaced(f"fuel {', '.join(twice)} is named twice", "fuels")
        total = sum(fuel.share for fuel in self.fuels)
        if abs(total - 1) > 1e-9:
            raise Misplaced(f"the shares of the fuels add up to {total:g}, must be 1", "fuels")

    @property
    def mwh_per_t(self) -> float:
        """Heat per tonne [MWh/t]."""
        return self.gj_per_t / GJ_PER_MWH


class Recipe(Record):
    """Recipe of a process or mode: rates, flows, power and heat."""

    rate: OneOrRange | None = None
    power_mw: Megawatts | None = None
    """Constant power while it runs, independent of the rate."""
    kwh_per_t: KilowattHoursPerTonne | None = None
    """Additional electricity per tonne."""
    power_by_rate: tuple[PowerPoint, ...] = ()
    """Alternative to the two above: power at several rates, linear between them."""
    inputs: tuple[Stream, ...] = ()
    outputs: tuple[Stream, ...] = ()
    heat: Heat | None = None
    emissions: Emissions = ()
    """Direct emissions per tonne not included in the factors of fuels, such as calcination, electrodes or anodes."""
    water_m3_per_t: float = Field(default=0, ge=0)
    """Water consumption per tonne."""

    def check(self) -> None:
        points = self.power_by_rate
        if points and (self.power_mw is not None or self.kwh_per_t is not None):
            raise Misplaced("give power_by_rate, or power_mw and kwh_per_t, not both", "power_by_rate")
        rates = [point.rate_tph for point in points]
        if points and (len(points) < 2 or rates != sorted(set(rates))):
            raise Misplaced("power_by_rate needs at least two rates, rising", "power_by_rate")
        for side in ("inputs", "outputs"):
            twice = repeated(stream.place for stream in getattr(self, side))
            if twice:
                raise Misplaced(f"{side} name {', '.join(twice)} twice", side)


class Mode(Recipe, Explicit):
    """Operating mode of a process, usually a grade of product. Omitted keys are those of the process."""

    name: str = Field(pattern=NAME)

    @property
    def rates(self) -> Rate:
        """Range of rates, which is required by the process."""
        assert self.rate is not None
        return self.rate

    def power_at(self, rate_tph: np.ndarray | float) -> np.ndarray:
        """Compute the electric power at a rate [MW], same shape as ``rate_tph``."""
        if self.power_by_rate:
            rates = [point.rate_tph for point in self.power_by_rate]
            return np.asarray(np.interp(rate_tph, rates, [point.power_mw for point in self.power_by_rate]))
        return np.asarray((self.power_mw or 0.0) + (self.kwh_per_t or 0.0) / 1000 * np.asarray(rate_tph, dtype=float))

    @cached_property
    def knots(self) -> tuple[tuple[float, float], ...]:
        """Rates [t/h] and powers [MW] between which the power is linear, from the lowest to the highest rate."""
        low, high = self.rates.low, self.rates.high
        inside = {point.rate_tph for point in self.power_by_rate if low < point.rate_tph < high}
        return tuple((rate, float(self.power_at(rate))) for rate in sorted({low, high, *inside}))

    def off_spec_t(self, total_t: float, from_h: float, until_h: float) -> float:
        """Compute the off-spec product made between two times of a run [t].

        Args:
            total_t: off-spec product at the beginning of the run [t].
            from_h, until_h: times after the start of the run [h].

        A run yields off-spec product at the lowest rate of the mode (or the highest if that is zero) until ``total_t``
        are made; all other product is good.
        """
        pace = self.rates.low or self.rates.high
        return pace * max(min(until_h, total_t / pace) - max(from_h, 0.0), 0.0)
