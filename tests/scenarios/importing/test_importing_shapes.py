"""Importing: files of any shape, origin and unit become even series."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from imports import brought, hours, mistakes, stamps

from emberline.scenarios.importing import guess, read


def test_what_a_meter_writes_is_guessed() -> None:
    """Proves: time, value, unit and interval are found, energies become mean power. Sensitivity: kWh taken for kW."""
    imported = brought(
        "Time stamp,Tariff,Usage_kWh\n" + "".join(f"2026-06-01T00:{m:02d}:00Z,x,250\n" for m in (0, 15, 30))
    )
    assert (imported.mapping.value, imported.mapping.interval_min, imported.mapping.unit) == ("Usage_kWh", 15, "kWh")
    assert imported.values.tolist() == [1.0, 1.0, 1.0]
    assert imported.unit == "MW"


def test_a_market_of_german_make() -> None:
    """Proves: lines above the names, semicolons, decimal commas, day first and a spelled unit are understood."""
    rows = "".join(f"{d}.10.2026 {h:02d}:00;{h},5;1.0{h:02d},25\n" for d in (13, 14) for h in range(24))
    imported = brought(f"Export;;\nStand;2026;\nZeit von;Preis [EUR/kWh];Last [kW]\n{rows}", "price", "Europe/Berlin")
    assert stamps(imported)[0] == "2026-10-12T22:00"
    assert imported.values[1] == pytest.approx(1500.0)
    assert imported.unit == "EUR/MWh"


@pytest.mark.parametrize(("first", "ambiguous", "values"), [
    ("1.000", True, [1.0, 1.25]), ("0.500", False, [0.5, 1.25]), ("1.00", False, [1.0, 1.25]),
])  # fmt: skip
def test_a_mark_that_may_be_of_thousands_is_reported(first: str, ambiguous: bool, values: list[float]) -> None:
    """Proves: where all values with a mark have just three digits after it, the other reading is reported and can be
    asked for. Sensitivity: a zero before the mark, or another number of digits, leaves one reading."""
    text = f"time;price\n2026-06-01T00:00Z;{first}\n2026-06-01T01:00Z;1.250\n"
    imported = brought(text, "price", unit="EUR/MWh")
    assert imported.values.tolist() == values
    reasons = guess(read(text.encode(), "a.csv"), "price", {}, "UTC").reasons
    assert any("might be thousands" in reason for reason in reasons) == ambiguous
    if ambiguous:
        assert brought(text, "price", unit="EUR/MWh", decimal=",").values.tolist() == [1000, 1250]


def test_a_long_table() -> None:
    """Proves: of several series below each other one is taken, by its name. Sensitivity: all rows would be twice."""
    text = "timestamp,tag,value\n" + "".join(
        f"2026-06-01T{h:02d}:00+02:00,{tag},{h * k}\n" for h in range(6) for tag, k in (("PV.kw", 1), ("EAF", 7))
    )
    assert brought(text).values.tolist() == [0, 1, 2, 3, 4, 5]
    assert brought(text, where={"tag": "EAF"}).values.tolist() == [0, 7, 14, 21, 28, 35]
    assert mistakes(text, where={"tag": "KILN"}) == [
        "file.csv: tag: no row has 'KILN' here; there are PV.kw, EAF"
    ]  # fmt: skip


def test_ends_of_intervals_scale_and_peak() -> None:
    """Proves: end stamps, a meter that counts backwards, and PV power over a peak come out right."""
    text = hours(value="-{h}")
    imported = brought(text, stamps="end", scale=-2.0)
    assert stamps(imported)[0] == "2026-05-31T23:00"
    assert imported.values.tolist() == [0, 2, 4, 6]
    assert brought(hours(), "pv", peak_mw=4.0, unit="MW").values.tolist() == [0, 0.25, 0.5, 0.75]
    assert "say the plant's peak" in mistakes(hours(), "pv", unit="kWh")[0]


def workbook() -> bytes:
    result = io.BytesIO()
    book = xlsxwriter.Workbook(result, {"default_date_format": "yyyy-mm-dd hh:mm"})
    book.add_worksheet("notes").write(0, 0, "nothing here")
    sheet = book.add_worksheet("data")
    for row, cells in enumerate([("Historian export", ""), ("", ""), ("Date", "Power [kW]")]):
        sheet.write_row(row, 0, cells)
    for h in range(4):
        sheet.write_datetime(3 + h, 0, datetime(2026, 6, 1, h))  # noqa: DTZ001
        sheet.write_number(3 + h, 1, 1000.5 * h)
    book.close()
    return result.getvalue()


def test_a_workbook() -> None:
    """Proves: dates and numbers of Excel are read from the sheet that is named, below lines of notes."""
    imported = brought(workbook(), zone="UTC", sheet="data")
    assert imported.values.tolist() == pytest.approx([0, 1.0005, 2.001, 3.0015])
    assert stamps(imported)[-1] == "2026-06-01T03:00"
    assert "has no sheet 'dats'; it has notes, data" in mistakes(workbook(), sheet="dats")[0]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "Asia/Shanghai"])
def test_parquet_of_any_zone(zone: str | None) -> None:
    """Proves: typed times keep their zone, those without take the one that is said; an index counts as a column."""
    times = pd.date_range("2026-10-24 18:00", periods=48, freq="15min", tz=zone or "UTC")
    result = io.BytesIO()
    frame = pd.DataFrame({"load_kw": np.arange(48.0)}, index=pd.Index(times, name="time"))
    if zone is None:
        frame.index = pd.DatetimeIndex(times).tz_localize(None).rename("time")
    frame.to_parquet(result)
    imported = brought(result.getvalue(), zone="UTC")
    assert imported.seconds[0] == times[0].timestamp()
    assert imported.values.tolist() == pytest.approx((np.arange(48.0) / 1000).tolist())


@settings(max_examples=25)
@given(
    values=st.lists(st.floats(0, 1e5, allow_nan=False), min_size=3, max_size=60),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Chicago", "Asia/Shanghai", "Australia/Lord_Howe"]),
    start=st.datetimes(datetime(2000, 1, 1), datetime(2039, 1, 1)),  # noqa: DTZ001
    minutes=st.sampled_from([1, 5, 15, 30, 60]),
    order=st.sampled_from(["%Y-%m-%d %H:%M:%S%z", "%d.%m.%Y %H:%M%z", "%m/%d/%Y %I:%M %p %z"]),
    unit=st.sampled_from(["kW", "MW", "kWh"]),
)
def test_whatever_is_written_comes_back(
    values: list[float], zone: str, start: datetime, minutes: int, order: str, unit: str
) -> None:
    """Proves: what a plant writes in any zone, order and unit is the same series again, and once more after it was
    normalised. Sensitivity: a swap of day and month, or a lost offset, fails."""
    first = start.replace(minute=0, second=0, microsecond=0, tzinfo=UTC)
    at = [first + timedelta(minutes=minutes * i) for i in range(len(values))]
    rows = [
        f"{moment.astimezone(ZoneInfo(zone)).strftime(order)};{value!r}"
        for moment, value in zip(at, values, strict=True)
    ]
    named = {"%Y": "year first", "%d": "day first", "%m": "month first"}[order[:2]]
    imported = brought("when;what\n" + "\n".join(rows) + "\n", unit=unit, interval_min=minutes, order=named)
    assert imported.seconds.tolist() == [moment.timestamp() for moment in at]
    factor = {"kW": 1e-3, "MW": 1.0, "kWh": 0.06 / minutes}[unit]
    assert imported.values.tolist() == pytest.approx([value * factor for value in values], rel=1e-12, abs=1e-15)
    again = brought(imported.csv(), interval_min=minutes)
    assert again.seconds.tolist() == imported.seconds.tolist()
    assert again.values.tolist() == imported.values.tolist()


def test_a_unit_that_is_not_named_is_reported() -> None:
    """Proves: what a value without a unit is taken for is a guess like others, with a doubt where it is too much."""

    def reasons(values: str, role: str = "load") -> str:
        text = hours(value=values).replace("load_mw", "Value")
        return "; ".join(guess(read(text.encode(), "a.csv"), role, {}, "UTC").reasons)

    assert "unit MW, as the file names none" in reasons("4{h}")
    assert "much for a plant" not in reasons("4{h}")
    assert "their mean of 41,500 MW is much for a plant" in reasons("4{h}000")
    assert "unit kg/MWh, as the file names none" in reasons("4{h}", "intensity")
    assert "shares of the peak" in reasons("0.{h}", "pv")
