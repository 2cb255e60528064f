"""Recipe of a process: its rates, and what goes with them. It may be that of the whole process, or of one mode."""

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
    """The rates at which a process may run."""

    low: TonnesPerHour
    high: TonnesPerHour = Field(gt=0)
    usual: TonnesPerHour | None = None
    """Rate that the baseline sets; none: the highest."""

    def check(self) -> None:
        if self.low > self.high:
            raise Misplaced(f"low {self.low:g} t/h lies above high {self.high:g} t/h", "low")
        if self.usual is not None and not self.low <= self.usual <= self.high:
            raise Misplaced(f"usual {self.usual:g} t/h lies outside {self.low:g} to {self.high:g} t/h", "usual")

    @property
    def baseline(self) -> float:
        """Rate that the baseline sets [t/h]."""
        return self.high if self.usual is None else self.usual

    @property
    def fixed(self) -> bool:
        """Whether there is one rate only."""
        return self.low == self.high


def _rate(raw: Any, info: ValidationInfo) -> Any:
    """A fixed rate may be written as one quantity."""
    if isinstance(raw, str | int | float) and not isinstance(raw, bool):
        value = in_unit("t/h")(raw, info)
        if not 0 < value < math.inf:
            raise ValueError(f"must be a finite number above 0, got {value:g}")
        return {"low": value, "high": value}
    return raw


OneOrRange = Annotated[Rate, BeforeValidator(_rate, json_schema_input_type=float | str | Rate)]


class PowerPoint(Record):
    """Electric power at a rate."""

    rate_tph: TonnesPerHour
    power_mw: Megawatts


class Stream(Explicit):
    """Flow between a process and a store, or a carrier of the site, for each tonne of its rate."""

    store: str | None = None
    carrier: str | None = None
    per_t: Annotated[float, Field(ge=0, le=1e6), PER_TONNE] = 1.0
    """Tonnes for each tonne; of a carrier its unit (MWh, t, Nm3) for each tonne."""

    @field_validator("per_t", mode="before")
    @classmethod
    def _unit(cls, raw: Any, info: ValidationInfo) -> Any:
        carrier = info.data.get("carrier")
        if carrier is None:
            return in_unit("t/t")(raw, info)
        return of_unit("{unit}/t", carrier, raw, info)

    def check(self) -> None:
        if (self.store is None) == (self.carrier is None):
            raise ValueError("a flow names a store or a carrier, one of them")
        if self.carrier is not None and "per_t" not in self.model_fields_set:
            raise Misplaced(f"carrier {self.carrier}: per_t is required, what flows for each tonne", "per_t")

    @property
    def place(self) -> str:
        """The store or carrier."""
        return self.store or self.carrier or ""


class Fuel(Record):
    """A part of the fuel mix."""

    carrier: str = Field(pattern=NAME)
    share: Fraction
    """Usual share of the heat: what the baseline burns, and what a start-up takes."""
    least: Fraction = 0.0
    most: Fraction = 1.0
    """Limits of the share in each step."""

    def check(self) -> None:
        if not self.least - 1e-12 <= self.share <= self.most + 1e-12:
            text = f"fuel {self.carrier}: share {self.share:g} lies outside {self.least:g} to {self.most:g}"
            raise Misplaced(text, "share")


class Heat(Record):
    """Heat demand by tonne and the fuels that serve it, net calorific values."""

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
        """Heat for each tonne [MWh/t]."""
        return self.gj_per_t / GJ_PER_MWH


class Recipe(Record):
    """Recipe of a process: its rates and what goes with them."""

    rate: OneOrRange | None = None
    power_mw: Megawatts | None = None
    """Drawn whenever it runs, whatever the rate."""
    kwh_per_t: KilowattHoursPerTonne | None = None
    """Drawn for each tonne besides."""
    power_by_rate: tuple[PowerPoint, ...] = ()
    """Power at some rates instead, linear between them."""
    inputs: tuple[Stream, ...] = ()
    outputs: tuple[Stream, ...] = ()
    heat: Heat | None = None
    emissions: Emissions = ()
    """Direct emissions by tonne that no fuel's factor holds: calcination, electrodes, anodes."""
    water_m3_per_t: float = Field(default=0, ge=0)
    """Water that a tonne draws."""

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
    """A way of running, mostly a grade of product. What it leaves out is the process's own."""

    name: str = Field(pattern=NAME)

    @property
    def rates(self) -> Rate:
        """Its rates, which a process makes sure of."""
        assert self.rate is not None
        return self.rate

    def power_at(self, rate_tph: np.ndarray | float) -> np.ndarray:
        """Electric power while it runs at a rate [MW], shape of ``rate_tph``."""
        if self.power_by_rate:
            rates = [point.rate_tph for point in self.power_by_rate]
            return np.asarray(np.interp(rate_tph, rates, [point.power_mw for point in self.power_by_rate]))
        return np.asarray((self.power_mw or 0.0) + (self.kwh_per_t or 0.0) / 1000 * np.asarray(rate_tph, dtype=float))

    @cached_property
    def knots(self) -> tuple[tuple[float, float], ...]:
        """Rate [t/h] and power [MW] between which power is linear, from the lowest to the highest rate."""
        low, high = self.rates.low, self.rates.high
        inside = {point.rate_tph for point in self.power_by_rate if low < point.rate_tph < high}
        return tuple((rate, float(self.power_at(rate))) for rate in sorted({low, high, *inside}))

    def off_spec_t(self, total_t: float, from_h: float, until_h: float) -> float:
        """Off-spec product made between two moments of a run [t].

        Args:
            total_t: off-spec product of the run's beginning.
            from_h, until_h: hours after the run has begun.

        The beginning gives off-spec product at the mode's lowest rate (the highest, where that is zero) until
        ``total_t`` are made; what is made besides is good.
        """
        pace = self.rates.low or self.rates.high
        return pace * max(min(until_h, total_t / pace) - max(from_h, 0.0), 0.0)
