"""Rates of a tariff on metered intervals, shared by the bill and the model.

An interval belongs to the window, day and month in which it begins by the local clock. A window whose edge lies within
an interval is rejected. When clocks change, the skipped hour has no intervals and the repeated hour has twice as many.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.tariff.record import Before, DemandCharge, EnergyCharge, Tariff, by_charge
from emberline.scenarios.tariff.windows import Window


class Clock:
    """Metered intervals by the local clock of a time zone.

    Args:
        times: start of each interval, naive UTC ``datetime64[ns]``, shape (n,).
        zone: IANA name.
        interval_min: length of an interval [min].
        holidays: dates that are billed as another weekday.
        counts_as: weekday as which holidays are billed.

    Raises:
        ValueError: the intervals are not consecutive.
    """

    def __init__(
        self, times: np.ndarray, zone: str, interval_min: float, holidays: Iterable[date], counts_as: int
    ) -> None:
        self.times, self.zone, self.interval_min = times, ZoneInfo(zone), interval_min
        width = np.timedelta64(round(interval_min * 60), "s")
        if times.ndim != 1 or not len(times) or (np.diff(times) != width).any():
            raise ValueError(f"times are not the starts of consecutive metered intervals of {interval_min:g} min")
        self._holidays, self._counts_as = np.array(sorted(holidays), "datetime64[D]"), counts_as
        local = self._local(times)
        self.month, self.weekday, self.minute = self._fields(local)
        # last instant of each interval, to detect windows that begin or end within it
        self.end = self._fields(self._local(times + width - np.timedelta64(1, "s")))
        self.days, self.of_day = _named(local.strftime("%Y-%m-%d"))
        self.months, self.of_month = _named(local.strftime("%Y-%m"))

    def _local(self, times: np.ndarray) -> Any:
        return pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(self.zone)

    def _fields(self, local: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        weekday = local.day_of_week.to_numpy().copy()
        days = local.tz_localize(None).to_numpy("datetime64[D]")
        weekday[np.isin(days, self._holidays)] = self._counts_as
        return local.month.to_numpy(), weekday, local.hour.to_numpy() * 60 + local.minute.to_numpy()

    @property
    def start(self) -> datetime:
        """Start of the first interval in local time."""
        return _instant(self.times[0]).astimezone(self.zone)

    @property
    def begins_month(self) -> bool:
        """Whether the horizon starts at the beginning of a month."""
        return self.start == self._first_of(self.months[0])

    @property
    def begins_day(self) -> bool:
        """Whether the horizon starts at the beginning of a day."""
        day = date.fromisoformat(self.days[0])
        return _instant(self.times[0]) == datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    def _first_of(self, month: str, ahead: int = 0) -> datetime:
        year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + ahead, 12)
        return datetime(year, number + 1, 1, tzinfo=self.zone).astimezone(UTC)

    def share_of(self, month: str) -> float:
        """Return the share of the hours of a month that the intervals cover."""
        whole = self._first_of(month, 1) - self._first_of(month)
        covered = (self.of_month == self.months.index(month)).sum() * timedelta(minutes=self.interval_min)
        return float(covered / whole)

    def refuse_cut(self, name: str, at_start: Any, at_end: Any) -> None:
        """Raise if an edge of a window lies within an interval."""
        cut = np.flatnonzero(np.any(np.atleast_2d(at_start != at_end), axis=0))
        if len(cut):
            where = _instant(self.times[cut[0]]).astimezone(self.zone).isoformat(timespec="minutes")
            raise ValueError(
                f"{name}: its hours do not lie on metered intervals of {self.interval_min:g} min: "
                f"one from {where} is cut"
            )


def _named(labels: Any) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the distinct labels in chronological order, and the index of each interval's label."""
    names, place = np.unique(labels.to_numpy(str), return_inverse=True)
    return tuple(str(name) for name in names), place


def _instant(time: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(time.astype("datetime64[s]").astype(int)), UTC)


@dataclass(frozen=True)
class EnergyRates:
    """Rates of an energy charge by block and interval."""

    name: str
    limits_mwh: np.ndarray
    """Lower limit of each block, shape (n_blocks,)."""
    per_mwh: np.ndarray
    """Price by block and interval [currency/MWh], shape (n_blocks, n)."""
    kind: Literal["energy", "levy"] = "energy"


@dataclass(frozen=True)
class PeakRates:
    """Rates of a demand charge in one billing month or day."""

    name: str
    period: str
    """``2024-07``, or ``2024-07-10`` for a charge assessed daily."""
    groups: tuple[np.ndarray, ...]
    """Indices of intervals with equal rates; each group has its own peak."""
    per_mw: np.ndarray
    """Price by group and block [currency/MW], shape (n_groups, n_blocks)."""
    limits_mw: np.ndarray
    """Lower limit of each block, shape (n_blocks,)."""
    floor_mw: float = 0.0
    """Minimum billed demand: the peak so far, a contractual minimum, or a share of the peaks before the horizon."""
    sunk_mw: float = 0.0
    """Demand owed before the horizon begins; only demand above it is charged."""
    share: float = 0.0
    """Share of the peaks in ``earlier`` that is billed as a minimum."""
    earlier: tuple[int, ...] = ()
    """Indices, among the tariff's peaks, of the months within the horizon on which the ratchet looks back."""

    @property
    def intervals(self) -> np.ndarray:
        """Indices of all intervals that the charge covers."""
        return np.concatenate([*self.groups, np.array([], int)]).astype(int)

    @property
    def widths_mw(self) -> np.ndarray:
        """Width of each block; the last is infinite."""
        return np.diff(np.append(self.limits_mw, np.inf))

    def owed(self, demand_mw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute the charge for a demand.

        Args:
            demand_mw: billed demand of each group, shape (n_groups,).

        Returns:
            Amount and rate by block, each of shape (n_blocks,), for the group with the highest cost.
        """
        parts = np.clip(demand_mw[:, None] - self.limits_mw, 0.0, self.widths_mw)
        costs = parts * self.per_mw
        first = costs.argmax(axis=0)
        each = np.arange(len(self.limits_mw))
        return costs[first, each], self.per_mw[first, each]


@dataclass(frozen=True)
class CoincidentRates:
    """Rates of a charge on the mean import over listed intervals."""

    name: str
    month: str
    intervals: np.ndarray
    per_mw: float
    weight: float
    """Weight of one metered interval in the mean."""


@dataclass(frozen=True)
class Fixed:
    """A fixed charge in one month."""

    name: str
    month: str
    per_month: float
    months: float
    """Share of the hours of the month within the horizon; plans for each day of a month add up to the charge."""


@dataclass(frozen=True)
class Rates:
    """Rates of a tariff on the metered intervals of a horizon, in the currency of the tariff."""

    hours: float
    """Length of a metered interval [h]."""
    months: tuple[str, ...]
    month: np.ndarray
    """Index of each interval's month in ``months``, shape (n,)."""
    energy: tuple[EnergyRates, ...]
    before_mwh: float
    """Import in the first month before the horizon [MWh]."""
    peaks: tuple[PeakRates, ...]
    coincident: tuple[CoincidentRates, ...]
    fixed: tuple[Fixed, ...]
    export_per_mwh: dict[str, np.ndarray]
    """Revenue for exported energy by charge [currency/MWh], shape (n,) each."""
    taxes: tuple[tuple[str, float, tuple[str, ...]], ...]
    """Name, share and taxed kinds of charge of each tax."""

    def __len__(self) -> int:
        return len(self.month)

    def with_tax(self, kind: str) -> float:
        """Return the factor that adds the taxes on a kind of charge."""
        return 1.0 + sum(share for _, share, on in self.taxes if kind in on)

    def of_month(self, m: int) -> np.ndarray:
        """Return the indices of the intervals of a month in chronological order."""
        return np.flatnonzero(self.month == m)

    def first_blocks(self, n: int) -> np.ndarray:
        """Price of energy in the first blocks, with levies and taxes, in ``n`` equal steps [currency/MWh]."""
        price = sum((e.per_mwh[0] * self.with_tax(e.kind) for e in self.energy), np.zeros(len(self)))
        cells = math.lcm(len(self), n)
        return np.asarray(np.repeat(price, cells // len(self)).reshape(n, -1).mean(axis=1))

    @property
    def in_blocks(self) -> bool:
        """Whether the energy rate depends on the import of the month."""
        return any(len(charge.limits_mwh) > 1 for charge in self.energy)

    def merged(self, k: int) -> Rates:
        """Return equivalent rates for flows constant over ``k`` intervals; energy must not be billed in blocks."""
        assert not self.in_blocks

        def mean(values: np.ndarray) -> np.ndarray:
            return values.reshape(*values.shape[:-1], -1, k).mean(axis=-1)

        return replace(
            self,
            hours=self.hours * k,
            month=self.month[::k],
            energy=tuple(replace(charge, per_mwh=mean(charge.per_mwh)) for charge in self.energy),
            peaks=tuple(
                replace(peak, groups=tuple(np.unique(group // k) for group in peak.groups)) for peak in self.peaks
            ),
            coincident=tuple(replace(listed, intervals=listed.intervals // k) for listed in self.coincident),
            export_per_mwh={name: mean(values) for name, values in self.export_per_mwh.items()},
        )


def metered(horizon: Horizon, interval_min: float = 15) -> np.ndarray:
    """Return the start of each metered interval of a horizon, naive UTC ``datetime64[ns]``.

    Raises:
        ValueError: the horizon is not a whole number of metered intervals, or starts within one.
    """
    width = np.timedelta64(round(interval_min * 60), "s")
    if horizon.length_min % interval_min or not horizon.begins_on(interval_min):
        raise ValueError(
            f"a horizon of {horizon.length_min:g} min from {horizon.instant(0):%H:%M} does not fit metered "
            f"intervals of {interval_min:g} min"
        )
    return np.asarray(horizon.times[0] + np.arange(round(horizon.length_min / interval_min)) * width)


def read(
    tariff: Tariff,
    times: np.ndarray,
    zone: str,
    *,
    before: Before | None = None,
    interval_min: float = 15,
) -> Rates:
    """Compute the rates of a tariff on metered intervals.

    Args:
        tariff: the tariff.
        times: start of each metered interval, naive UTC ``datetime64``, without gaps, shape (n,).
        zone: IANA name of the plant's time zone, whose local time determines months, days, weekdays and hours.
        before: peaks and energy before the horizon; None: zero.
        interval_min: length of a metered interval [min].

    Raises:
        ValueError: the intervals have gaps, an edge of a window lies within an interval, an earlier peak or energy is
            given although the horizon starts with its month (or day), or a peak names an unknown charge.
    """
    before = before or Before()
    clock = Clock(np.asarray(times, "datetime64[ns]"), zone, interval_min, tariff.holidays, tariff.holidays_count_as)
    _check(tariff, before, clock)
    energy = [_energy(charge, clock) for charge in tariff.energy]
    if tariff.peak_valley:
        prices = tariff.peak_valley.prices(clock.month, clock.weekday, clock.minute)
        clock.refuse_cut("peak_valley", sum(prices.values()), sum(tariff.peak_valley.prices(*clock.end).values()))
        energy += [EnergyRates(name, np.zeros(1), price[None, :]) for name, price in prices.items()]
    flat = np.ones((1, len(clock.times)))
    energy += [EnergyRates(levy.name, np.zeros(1), flat * levy.per_mwh, "levy") for levy in tariff.levies]
    peaks: list[PeakRates] = []
    for charge in tariff.demand_charges:
        peaks += _peaks(charge, clock, before, len(peaks))
    return Rates(
        hours=interval_min / 60,
        months=clock.months,
        month=clock.of_month,
        energy=tuple(energy),
        before_mwh=before.energy_mwh,
        peaks=tuple(peaks),
        coincident=tuple(_coincident(tariff, clock)),
        fixed=tuple(
            Fixed(charge.name, name, charge.per_month, clock.share_of(name))
            for charge in tariff.fixed_charges
            for name in clock.months
        ),
        export_per_mwh={charge.name: _energy(charge, clock).per_mwh[0] for charge in tariff.export},
        taxes=tuple((tax.name, tax.share, tax.on) for tax in tariff.taxes),
    )


def _check(tariff: Tariff, before: Before, clock: Clock) -> None:
    names = [charge.name for charge in tariff.demand_charges]
    peaks = {"peak_mw": before.peak_mw, "day_peak_mw": before.day_peak_mw}
    peaks |= {f"earlier_peak_mw {month}": peak for month, peak in before.earlier_peak_mw.items()}
    for field, peak in peaks.items():
        for name in peak if isinstance(peak, dict) else ():
            if name not in names:
                options = ", ".join(names) or "none"
                raise ValueError(f"{field}: there is no demand charge {name!r}; the tariff has {options}")
    some = {field: max(peak.values(), default=0.0) if isinstance(peak, dict) else peak for field, peak in peaks.items()}
    if clock.begins_month and (some["peak_mw"] or before.energy_mwh):
        field = "peak_mw" if some["peak_mw"] else "energy_mwh"
        raise ValueError(
            f"{field}: the horizon begins with {clock.months[0]}, nothing of that month lies before it; leave it out"
        )
    if clock.begins_day and some["day_peak_mw"]:
        raise ValueError(
            f"day_peak_mw: the horizon begins with {clock.days[0]}, nothing of that day lies before it; leave it out"
        )
    late = [month for month in before.earlier_peak_mw if month >= clock.months[0]]
    if late:
        raise ValueError(f"earlier_peak_mw: {late[0]} does not lie before {clock.months[0]}, the horizon's first month")


def _energy(charge: EnergyCharge, clock: Clock) -> EnergyRates:
    limits, prices, _ = _by_block(charge.name, [(rate, rate.above_mwh, rate.per_mwh) for rate in charge.rates], clock)
    return EnergyRates(charge.name, np.array(limits), prices)


def _by_block(
    name: str, rates: list[tuple[Window, float, float]], clock: Clock
) -> tuple[list[float], np.ndarray, np.ndarray]:
    """Return the lower limit of each block, the price by block and interval, and the intervals covered by any window.

    Args:
        name: name of the charge.
        rates: window, lower limit of the block, and price of each rate.
        clock: metered intervals.
    """
    limits = sorted({above for _, above, _ in rates})
    prices, coverage = np.zeros((len(limits), len(clock.times))), np.zeros(len(clock.times), bool)
    for window, above, price in rates:
        covered = window.covers(clock.month, clock.weekday, clock.minute)
        clock.refuse_cut(name, covered, window.covers(*clock.end))
        prices[limits.index(above)] += np.where(covered, price, 0.0)
        coverage |= covered
    return limits, prices, coverage


def _peaks(charge: DemandCharge, clock: Clock, before: Before, place: int) -> list[PeakRates]:
    """Return the peaks of a charge by period; ``place`` is the index of the first among the tariff's peaks."""
    rates: list[tuple[Window, float, float]] = [(rate, rate.above_mw, rate.per_mw) for rate in charge.rates]
    limits, counted, coverage = _by_block(charge.name, rates, clock)
    daily = charge.assessed == "daily"
    periods, of_period = (clock.days, clock.of_day) if daily else (clock.months, clock.of_month)
    peak_before = before.day_peak_mw if daily else before.peak_mw
    ratchet = charge.ratchet
    peaks: list[PeakRates] = []
    for i, period in enumerate(periods):
        here = np.flatnonzero((of_period == i) & coverage)
        per_mw, group = np.unique(counted[:, here], axis=1, return_inverse=True)
        groups = [here[group == g] for g in range(per_mw.shape[1])]
        if not groups:  # no interval of this period is charged, but the minimum demand is still owed
            per_mw, groups = _of_month(charge, limits, int(period[5:7])), [np.array([], int)]
        so_far = by_charge(peak_before, charge.name) if i == 0 else 0.0
        floor, earlier = charge.minimum_mw, []
        if ratchet:
            remembered = list(_remembered(period, ratchet.look_back_months, ratchet.months))
            remembered_mw = [by_charge(before.earlier_peak_mw.get(month, 0.0), charge.name) for month in remembered]
            floor = max(floor, ratchet.share * max(remembered_mw, default=0.0))
            earlier = [place + periods.index(month) for month in remembered if month in periods]
            # the peak of the first month before the horizon counts for the following months too
            if i > 0 and periods[0] in remembered:
                floor = max(floor, ratchet.share * by_charge(peak_before, charge.name))
        owed = i == 0 and not (clock.begins_day if daily else clock.begins_month)
        floor = max(floor, so_far)
        peaks.append(
            PeakRates(
                name=charge.name,
                period=period,
                groups=tuple(groups),
                per_mw=per_mw.T,
                limits_mw=np.array(limits),
                floor_mw=floor,
                sunk_mw=floor if owed else 0.0,
                share=ratchet.share if ratchet else 0.0,
                earlier=tuple(earlier),
            )
        )
    return peaks


def _of_month(charge: DemandCharge, limits: list[float], month: int) -> np.ndarray:
    """Return the highest rate of each block in a month, shape (n_blocks, 1)."""
    rates = [(limits.index(rate.above_mw), rate.per_mw) for rate in charge.rates if month in rate.months]
    return np.array([[max((price for k, price in rates if k == i), default=0.0)] for i in range(len(limits))])


def _remembered(month: str, look_back: int, counted: tuple[int, ...]) -> Iterator[str]:
    number = int(month[:4]) * 12 + int(month[5:7]) - 1
    for earlier in range(number - look_back, number):
        if earlier % 12 + 1 in counted:
            yield f"{earlier // 12:04d}-{earlier % 12 + 1:02d}"


def _coincident(tariff: Tariff, clock: Clock) -> Iterator[CoincidentRates]:
    for charge in tariff.coincident:
        if charge.length_min % clock.interval_min:
            raise ValueError(
                f"{charge.name}: length_min {charge.length_min:g} is not a whole number of metered intervals of "
                f"{clock.interval_min:g} min"
            )
        listed = np.zeros(len(clock.times), bool)
        width = np.timedelta64(round(charge.length_min * 60), "s")
        step = np.timedelta64(round(clock.interval_min * 60), "s")
        for start in charge.starts:
            first = np.datetime64(start.replace(tzinfo=None), "ns")
            if (first - clock.times[0]) % step != np.timedelta64(0, "ns"):
                raise ValueError(f"{charge.name}: {start.isoformat()} is not the start of a metered interval")
            listed |= (clock.times >= first) & (clock.times < first + width)
        weight = clock.interval_min / (charge.length_min * len(charge.starts))
        for m, month in enumerate(clock.months):
            here = np.flatnonzero(listed & (clock.of_month == m))
            if len(here):
                yield CoincidentRates(charge.name, month, here, charge.per_mw, weight)
