"""Horizons of zones that are a half or a quarter of an hour off, and of starts within the hour."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emberline.scenarios import Scenario
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.reading.series import resolve, typical
from emberline.scenarios.records.horizon import Horizon, clock_hours
from emberline.scenarios.records.series import Series
from emberline.scenarios.tariff.rates import metered


def horizon(start: str, zone: str, step_min: int, **length: Any) -> Horizon:
    return Horizon.model_validate(
        {"start": start, "zone": zone, "step_min": step_min, **(length or {"days": 1})}, context={}
    )  # fmt: skip


def mistakes(start: str, zone: str, step_min: int, meter_min: int) -> list[Any]:
    scenario = Scenario.model_validate(
        {
            "name": "site",
            "horizon": {"start": start, "zone": zone, "length_h": 24, "step_min": step_min},
            "site": {"grid": {"metered_interval_min": meter_min}},
            "market": {"price_per_mwh": 50.0, "carbon_intensity_kg_per_mwh": 300.0},
        },
        context={"currency": "EUR"},
    )
    return list(between_nouns(scenario))


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin"])
@pytest.mark.parametrize("step_min", [15, 30, 60])
def test_a_day_of_any_zone_has_its_steps(zone: str, step_min: int) -> None:
    """Proves: local midnight begins steps and metered intervals of up to an hour, whatever the zone's offset.

    Sensitivity: counted from UTC's full hour, half past in India lies within an hour's step."""
    day = horizon("2026-04-01", zone, step_min)
    assert day.n_steps * step_min == 24 * 60
    assert len(metered(day, 60)) == 24
    assert not mistakes(day.instant(0).isoformat(), zone, step_min, 60)


@pytest.mark.parametrize("minute", ["15", "30", "45"])
@pytest.mark.parametrize("step_min", [15, 30, 60])
def test_steps_count_from_the_start(minute: str, step_min: int) -> None:
    """Proves: a horizon begins within the hour with any step, where metered intervals begin there too."""
    assert not mistakes(f"2026-04-01T00:{minute}+02:00", "Europe/Berlin", step_min, 15)


@pytest.mark.parametrize(
    ("start", "step_min", "meter_min", "fits"),
    [
        ("2026-04-01T00:07+05:30", 15, 15, False),
        ("2026-04-01T00:10+05:30", 10, 15, True),
        ("2026-04-01T00:15+05:30", 60, 60, False),
        # counted from UTC's full hour, as scenarios of before do it
        ("2026-04-01T00:30+05:30", 60, 60, True),
    ],
)
def test_a_start_within_a_metered_interval_is_refused(start: str, step_min: int, meter_min: int, fits: bool) -> None:
    """Proves: metered intervals count from the full hour of the plant's clock, and the message says where the start
    lies. Sensitivity: no check lets a meter's quarters begin at seven past."""
    result = mistakes(start, "Asia/Kolkata", step_min, meter_min)
    assert [place for place, _ in result] == ([] if fits else [("horizon", "start")])
    assert fits or "lies within a metered interval" in result[0][1]


def test_a_meter_goes_on_where_the_clock_moves_by_half_an_hour() -> None:
    """Proves: hours of a meter that began at midnight on Lord Howe go on at half past after the change of October, so
    that a horizon of the next day may begin with one. Sensitivity: the clock of that day alone."""
    assert horizon("2026-10-04T00:00+10:30", "Australia/Lord_Howe", 30).begins_on(60)
    assert horizon("2026-10-05T00:30+11:00", "Australia/Lord_Howe", 30).begins_on(60)
    assert not horizon("2026-10-05T00:15+11:00", "Australia/Lord_Howe", 30, length_h=2).begins_on(60)


def test_a_start_is_a_whole_minute() -> None:
    """Proves: seconds and their fractions are refused."""
    for second in ("30", "00.5"):
        with pytest.raises(ValueError, match="whole minute"):
            horizon(f"2026-04-01T00:00:{second}Z", "UTC", 15)


def test_days_of_a_zone_that_changes_its_clocks_by_half_an_hour() -> None:
    """Proves: the day is half an hour longer, or shorter, and its share is whole; steps of an hour do not fit it."""
    for day, hours in (("2026-04-05", 24.5), ("2026-10-04", 23.5)):
        long = horizon(day, "Australia/Lord_Howe", 30)
        assert long.length_min == hours * 60
        assert long.local_days() == [(range(round(hours * 2)), 1.0)]
        with pytest.raises(ValueError, match="not a whole number of steps of 60 min"):
            horizon(day, "Australia/Lord_Howe", 60)


def test_a_bundled_table_is_read_by_local_hours() -> None:
    """Proves: in an hour from half past, half of one hour of the table and half of the next. Sensitivity: sampled at
    the step's start it is the first hour alone; from ten past by quarters, a third too little of it."""
    table = Series.model_validate({"table": "de_typical_2018", "column": "price_eur_per_mwh"})
    row = typical("de_typical_2018")["price_eur_per_mwh"][3, 0]
    for minute, share in ((30, 1 / 2), (10, 5 / 6)):
        span = horizon(f"2026-04-01T03:{minute}+05:30", "Asia/Kolkata", 60, length_h=1)
        values = resolve(table, span, "EUR/MWh", Path()).values
        assert values[0] == pytest.approx(share * row[3] + (1 - share) * row[4])


def test_hours_of_the_clock() -> None:
    """Proves: quarters fall into the hours of India's clock; steps of an hour from half past are hours of their own.

    Sensitivity: an hour that begins with the clock would hold the half of two steps."""
    start = np.datetime64(datetime(2026, 4, 1, 18, 30, tzinfo=UTC).replace(tzinfo=None), "ns")
    quarters = start + np.arange(8) * np.timedelta64(15, "m")
    assert (clock_hours(quarters, "Asia/Kolkata") == np.repeat(quarters[::4], 4)).all()
    assert (clock_hours(quarters, "UTC") == np.repeat(start - np.timedelta64(30, "m"), 8)
            + np.repeat(np.arange(3), [2, 4, 2]) * np.timedelta64(1, "h")).all()  # fmt: skip
    whole = start + np.arange(3) * np.timedelta64(60, "m")
    assert (clock_hours(whole, "UTC") == whole).all()
