"""Oddities of a tariff that can be used all the same: tables of tariffs are typed by many hands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emberline.scenarios.tariff.record import EnergyCharge, Tariff
from emberline.scenarios.tariff.windows import DAYS, HOLIDAY, cells


def remarks(tariff: Tariff) -> tuple[str, ...]:
    """Hours in which energy is free, altogether or above a limit, and rates of one block that add up; a line each."""
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
    """The first place, and that there are more."""
    month, weekday, minute = (int(part[np.flatnonzero(where)[0]]) for part in at)
    more = " and at other times" if where.sum() > 1 else ""
    return f"in month {month}, {DAYS[weekday]}, from {minute // 60:02d}:{minute % 60:02d}{more}"
