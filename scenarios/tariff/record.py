"""Tariff of the utility for energy, peak demand and connection.

A charge has a name and one or more rates, each with a window. Blocks belong to the charge: a rate applies from its own
limit to the next limit of any rate of the charge; a block not covered by any rate is free. Overlapping rates with the
same charge and limit add up. A billing month is a calendar month in the plant's time zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.instants import Instant
from emberline.scenarios.records.quantity import (
    CURRENCIES,
    Fraction,
    MegawattHours,
    Megawatts,
    Money,
    PositiveMinutes,
    read_in,
)
from emberline.scenarios.tariff.china import PeakValley, TwoPart
from emberline.scenarios.tariff.windows import DAYS, HOLIDAY, Months, Weekday, Window, cells

LARGEST = 1e9
Name = Annotated[str, Field(min_length=1, max_length=80)]
PerMegawattHour = Annotated[float, read_in("{currency}/MWh"), Field(ge=-LARGEST, le=LARGEST)]
PerMegawatt = Annotated[float, read_in("{currency}/MW"), Field(ge=0, le=LARGEST)]
Kind = Literal["energy", "levy", "demand", "coincident", "fixed"]


class EnergyRate(Window):
    """Price of energy in a window, above a limit on the import of the month."""

    per_mwh: PerMegawattHour
    above_mwh: MegawattHours = 0
    """Import of the billing month above which the rate applies; blocks are filled in chronological order."""


class EnergyCharge(Record):
    """Energy charge; its blocks refer to the total import of the month in all windows."""

    name: Name
    rates: tuple[EnergyRate, ...] = Field(min_length=1)


class DemandRate(Window):
    """Price of the peak demand in a window."""

    per_mw: PerMegawatt
    above_mw: Megawatts = 0
    """Demand above which the rate applies."""


class Ratchet(Record):
    """Minimum billed demand as a share of the highest peak of earlier months."""

    share: Fraction
    look_back_months: int = Field(default=11, ge=1, le=120)
    months: Months = tuple(range(1, 13))
    """Months of the year whose peaks count, such as those of summer."""


class DemandCharge(Record):
    """Charge on the highest mean import of a metered interval in its windows, by month or by day.

    If the rates of a block differ between windows, the interval with the highest cost is billed.
    """

    name: Name
    rates: tuple[DemandRate, ...] = Field(min_length=1)
    assessed: Literal["monthly", "daily"] = "monthly"
    minimum_mw: Megawatts = 0
    """Minimum billed demand, such as a contracted demand."""
    ratchet: Ratchet | None = None

    def check(self) -> None:
        if self.assessed == "daily" and (self.ratchet or self.minimum_mw):
            raise ValueError("a ratchet or a minimum belongs to a monthly demand charge; this one is daily")


class CoincidentPeak(Record):
    """Charge on the mean import over listed intervals, such as the hours of system peaks."""

    name: Name
    per_mw: PerMegawatt
    starts: tuple[Instant, ...] = Field(min_length=1)
    length_min: PositiveMinutes = 60
    """Length of each listed interval."""

    def check(self) -> None:
        starts = sorted(self.starts)
        for i, later in enumerate(starts[1:]):
            if (later - starts[i]).total_seconds() < self.length_min * 60:
                raise ValueError(f"the intervals from {starts[i].isoformat()} and {later.isoformat()} overlap")


class FixedCharge(Record):
    """Charge for the connection, independent of consumption."""

    name: Name
    per_month: Money


class Levy(Record):
    """Levy on imported energy."""

    name: Name
    per_mwh: PerMegawattHour


class Tax(Record):
    """Tax as a share of some kinds of charges; taxes themselves are not taxed."""

    name: Name
    share: Annotated[float, read_in(""), Field(ge=0, le=10)]
    on: tuple[Kind, ...] = ("energy", "levy", "demand", "coincident", "fixed")


class Tariff(Record):
    """All payments to the utility, and its payments for exported energy."""

    name: str = ""
    currency: str | None = None
    """Currency of the tariff; none: that of the market."""
    energy: tuple[EnergyCharge, ...] = ()
    levies: tuple[Levy, ...] = ()
    demand: tuple[DemandCharge, ...] = ()
    coincident: tuple[CoincidentPeak, ...] = ()
    fixed: tuple[FixedCharge, ...] = ()
    export: tuple[EnergyCharge, ...] = ()
    """Rates paid for exported energy, without blocks."""
    taxes: tuple[Tax, ...] = ()
    peak_valley: PeakValley | None = None
    two_part: TwoPart | None = None
    holidays: tuple[date, ...] = ()
    holidays_count_as: Weekday = 6
    """Weekday as which holidays are billed; with ``holiday`` they are a separate kind of day for rates."""

    @field_validator("currency")
    @classmethod
    def _currency(cls, currency: str | None) -> str | None:
        if currency is not None and currency not in CURRENCIES:
            raise ValueError(f"unknown currency {currency!r}; known are {', '.join(CURRENCIES)}")
        return currency

    @field_validator("energy", "levies", "demand", "coincident", "fixed", "export", "taxes")
    @classmethod
    def _once(cls, charges: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [charge.name for charge in charges]
        twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
        if twice is not None:
            raise ValueError(f"two charges are named {twice!r}; rates of one charge belong into its list of rates")
        return charges

    @field_validator("export")
    @classmethod
    def _without_blocks(cls, charges: tuple[EnergyCharge, ...]) -> tuple[EnergyCharge, ...]:
        for charge in charges:
            if any(rate.above_mwh > 0 for rate in charge.rates):
                raise ValueError(f"{charge.name}: rates for exported energy have no blocks; leave above_mwh out")
        return charges

    def check(self) -> None:
        names = [charge.name for charge in self.demand] + [charge.name for charge in self.fixed]
        if self.two_part and self.two_part.name in names:
            raise ValueError(f"the two-part charge and another one are both named {self.two_part.name!r}")

    @property
    def demand_charges(self) -> tuple[DemandCharge, ...]:
        """Demand charges, including that of a two-part tariff."""
        part = self.two_part
        if part is None or part.basis == "transformer":
            return self.demand
        rates = [DemandRate(per_mw=price, above_mw=above) for above, price in part.blocks()]
        return (*self.demand, DemandCharge(name=part.name, rates=tuple(rates), minimum_mw=part.least_mw))

    @property
    def fixed_charges(self) -> tuple[FixedCharge, ...]:
        """Fixed charges, including that of a two-part tariff based on transformer capacity."""
        part = self.two_part
        if part is None or part.basis != "transformer":
            return self.fixed
        return (*self.fixed, FixedCharge(name=part.name, per_month=part.per_mw_month * (part.transformer_mva or 0.0)))


PeakByCharge = Megawatts | dict[str, Megawatts]
"""Peak by name of the demand charge, or one peak for all charges."""


class Before(Record):
    """Peaks and energy before the horizon that affect the bill."""

    energy_mwh: MegawattHours = 0
    """Import in the billing month before the horizon."""
    peak_mw: PeakByCharge = 0.0
    """Highest metered mean in the billing month before the horizon."""
    day_peak_mw: PeakByCharge = 0.0
    """Highest metered mean on the first day before the horizon, for charges assessed daily."""
    earlier_peak_mw: dict[Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")], PeakByCharge] = {}
    """Peaks of earlier months for ratchets, such as ``2024-02: 12.5``."""


def by_charge(peak: float | dict[str, float], name: str) -> float:
    """Return the peak that applies to a charge [MW]; zero if the charge is not listed."""
    return peak.get(name, 0.0) if isinstance(peak, dict) else peak


def remarks(tariff: Tariff) -> tuple[str, ...]:
    """Return remarks on hours in which energy is free, entirely or above a limit, and on rates that add up."""
    windows = [rate for charge in tariff.energy for rate in charge.rates]
    month, weekday, minute = cells(windows)
    at = (month, weekday, minute)
    real = (weekday < HOLIDAY) | (tariff.holidays_count_as == HOLIDAY)
    lines = [line for charge in tariff.energy for line in _of_charge(charge, at, real)]
    if tariff.energy and not tariff.peak_valley:
        bare = real & ~np.any([window.covers(*at) for window in windows], axis=0)
        lines += [f"no charge on energy {_first(bare, at)}"] if bare.any() else []
    return tuple(lines)


def _of_charge(charge: EnergyCharge, at: tuple[np.ndarray, ...], real: np.ndarray) -> Iterator[str]:
    limits = sorted({rate.above_mwh for rate in charge.rates})
    count = np.zeros((len(limits), len(real)), int)
    for rate in charge.rates:
        count[limits.index(rate.above_mwh)] += rate.covers(*at)
    for k, limit in enumerate(limits):
        twice = real & (count[k] > 1)
        if twice.any():
            yield f"{charge.name}: {count[k].max()} rates above {limit:g} MWh add up {_first(twice, at)}"
        free = real & (count[k] == 0) & (count[:k].sum(axis=0) > 0)
        if free.any():
            yield f"{charge.name}: nothing is charged above {limit:g} MWh {_first(free, at)}"


def _first(where: np.ndarray, at: tuple[np.ndarray, ...]) -> str:
    """Describe the first of the marked times, and mention if there are more."""
    month, weekday, minute = (int(part[np.flatnonzero(where)[0]]) for part in at)
    more = " and at other times" if where.sum() > 1 else ""
    return f"in month {month}, {DAYS[weekday]}, from {minute // 60:02d}:{minute % 60:02d}{more}"
