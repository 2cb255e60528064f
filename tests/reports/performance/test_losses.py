"""Losses by cause from a heat log and a meter, against power by the minute that was made up apart."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from emberline.reports.performance import Losses, losses
from emberline.scenarios import loads
from emberline.scenarios.loading import heat_log
from emberline.scenarios.loading.meter import Meter

SHOP = loads("""
name: shop
horizon: {start: 2026-03-02T00:00+01:00, zone: Europe/Berlin, length_h: 24, step_min: 15}
line:
  stages:
  - name: work
    units:
    - {name: M, power_mw: 12, states: {states: [{name: idle, power_mw: 3}], ready: idle}}
  grades:
  - {name: light, mass_t: 10, duration_min: {work: 30}}
  - {name: heavy, mass_t: 10, duration_min: {work: 60}}
orders: [{name: A, heats: [{grade: light, count: 1}]}]
market: {price_per_mwh: 50, carbon_intensity_kg_per_mwh: 400}
""")
ZONE = ZoneInfo("Europe/Berlin")
BASE_MW = 2.0
DAYS = 28
BASELINE, REPORT = (date(2026, 3, 2), date(2026, 3, 29)), (date(2026, 3, 30), date(2026, 4, 26))
"""The last day of the baseline has 23 hours."""


def plant(drift: float, fault_mwh: float = 0.0) -> Losses:
    """The reference's ten heats a day; then three heavy ones in 15 of 28 days, and a share of drift on all of it."""
    begin = datetime(2026, 3, 2, tzinfo=ZONE)
    minutes = int((datetime(2026, 4, 27, tzinfo=ZONE) - begin).total_seconds() // 60)
    power, rows = np.full(minutes, 3.0), []
    for day in range(2 * DAYS):
        heavy = 3 if DAYS <= day < DAYS + 15 else 2
        local = datetime(2026, 3, 2, 6, tzinfo=ZONE) + timedelta(days=day)
        at = int((local.astimezone(ZoneInfo("UTC")) - begin.astimezone(ZoneInfo("UTC"))).total_seconds() // 60)
        for number in range(10):
            grade, length = ("heavy", 60) if number < heavy else ("light", 30)
            power[at : at + length] = 12.0
            start = begin.astimezone(ZoneInfo("UTC")) + timedelta(minutes=at)
            rows.append((f"{day}-{number}", grade, "M", start, start + timedelta(minutes=length)))
            at += length
    report = int((datetime(2026, 3, 30, tzinfo=ZONE) - begin).total_seconds() // 60)
    power[report:] *= 1 + drift
    noon = report + 9 * 1440 + 720  # of the tenth day
    power[noon : noon + 60] += fault_mwh
    power += BASE_MW + np.random.default_rng(3).normal(0, 0.05, minutes)
    quarters = power.reshape(-1, 15).mean(axis=1)
    starts = begin.timestamp() / 60 + 15.0 * np.arange(len(quarters))
    log = heat_log.checked(pd.DataFrame(rows, columns=["heat", "grade", "unit", "start", "end"]), SHOP)
    return losses(SHOP, log, Meter("meter.csv", starts, quarters, 15.0), BASELINE, REPORT)


def test_mix_idling_and_drift_are_told_apart() -> None:
    """Proves: a heavy heat for a light one is 6 MWh of mix less 1.5 MWh of idling, drift is its share of all that the
    heats had to take, base load is none of it, and a day of 23 hours is a day. Sensitivity: days by UTC, base load by
    the day, idle energy that the mix takes along."""
    result = plant(0.01)
    causes = result.split.by_cause
    assert result.base_mw == pytest.approx(BASE_MW, abs=0.01)
    assert causes["mix"] == pytest.approx(15 * 6, rel=0.01)
    # the baseline has 23 hours on one day, of which the missing one was idle
    assert causes["idling"] == pytest.approx(-15 * 1.5 + 3, abs=0.2)
    twin_mwh = 28 * (12 * 6 + 3 * 18) + 15 * 4.5
    assert causes["drift"] == pytest.approx(0.01 * twin_mwh, abs=3)
    assert causes["fault"] == pytest.approx(0, abs=0.5)
    assert result.table.index.tolist() == ["mix", "drift"]
    assert result.without_meter == 0


def test_a_fault_is_its_day() -> None:
    """Proves: 30 MWh on one day are a fault of that day and no drift. Sensitivity: a mean for a median."""
    result = plant(0.0, fault_mwh=30.0)
    assert list(result.faults) == [date(2026, 4, 8)]
    assert result.split.by_cause["fault"] == pytest.approx(30, abs=1)
    assert result.split.by_cause["drift"] == pytest.approx(0, abs=3)
