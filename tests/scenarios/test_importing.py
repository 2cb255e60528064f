"""Importing: files of any shape, zone and unit become even series in UTC, or are refused in one line."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import ScenarioError, load
from scenarios.importing import Imported, Mapping, bring, guess, read
from scenarios.importing.mapping import read_mapping
from scenarios.series import read_columns


def brought(text: str | bytes, role: str = "load", zone: str | None = None, **said: Any) -> Imported:
    content = text.encode() if isinstance(text, str) else text
    raw = read(content, "file.csv", sheet=said.get("sheet"))
    return bring(raw, guess(raw, role, said, zone).mapping)


def told(text: str | bytes, role: str = "load", zone: str | None = None, **said: Any) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        brought(text, role, zone, **said)
    return [str(problem) for problem in caught.value.problems]


def stamps(found: Imported) -> list[str]:
    return [datetime.fromtimestamp(second, UTC).isoformat()[:16] for second in found.seconds.tolist()]


def hours(n: int = 4, value: str = "{h}", form: str = "2026-06-01T{h:02d}:00Z") -> str:
    return "time,load_mw\n" + "".join(f"{form},{value}\n".format(h=h) for h in range(n))


def test_what_a_meter_writes_is_guessed() -> None:
    """Proves: time, value, unit and interval are found, energies become mean power. Sensitivity: kWh taken for kW."""
    found = brought(
        "Time stamp,Tariff,Usage_kWh\n" + "".join(f"2026-06-01T00:{m:02d}:00Z,x,250\n" for m in (0, 15, 30))
    )
    assert (found.mapping.value, found.mapping.interval_min, found.mapping.unit) == ("Usage_kWh", 15, "kWh")
    assert found.values.tolist() == [1.0, 1.0, 1.0]
    assert found.unit == "MW"


def test_a_market_of_german_make() -> None:
    """Proves: lines above the names, semicolons, decimal commas, day first and a spelled unit are understood."""
    rows = "".join(f"{d}.10.2026 {h:02d}:00;{h},5;1.0{h:02d},25\n" for d in (13, 14) for h in range(24))
    found = brought(f"Export;;\nStand;2026;\nZeit von;Preis [EUR/kWh];Last [kW]\n{rows}", "price", "Europe/Berlin")
    assert stamps(found)[0] == "2026-10-12T22:00"
    assert found.values[1] == pytest.approx(1500.0)
    assert found.unit == "EUR/MWh"


def test_a_long_table() -> None:
    """Proves: of several series below each other one is taken, by its name. Sensitivity: all rows would be twice."""
    text = "timestamp,tag,value\n" + "".join(
        f"2026-06-01T{h:02d}:00+02:00,{tag},{h * k}\n" for h in range(6) for tag, k in (("PV.kw", 1), ("EAF", 7))
    )
    assert brought(text).values.tolist() == [0, 1, 2, 3, 4, 5]
    assert brought(text, where={"tag": "EAF"}).values.tolist() == [0, 7, 14, 21, 28, 35]
    assert told(text, where={"tag": "KILN"}) == [
        "file.csv: tag: no row has 'KILN' here; there are PV.kw, EAF"
    ]  # fmt: skip


@pytest.mark.parametrize(("day", "n"), [("2026-10-24", 24), ("2026-10-25", 25), ("2026-03-29", 23)])
def test_a_day_in_each_row(day: str, n: int) -> None:
    """Proves: columns are hours of the clock; autumn's hour stands for both, spring's must be empty."""
    cells = [str(h) for h in range(24)]
    if n == 23:
        text = "date," + ",".join(f"H{h}" for h in range(24)) + f"\n{day}," + ",".join(cells) + "\n"
        (line,) = told(text, zone="Europe/Berlin", value="H0", through="H23")
        assert "file.csv:2: H0: the day has a value for an hour that the change of clocks skips" in line
        cells[2] = ""
    text = "date," + ",".join(f"H{h}" for h in range(24)) + f"\n{day}," + ",".join(cells) + "\n"
    found = brought(text, zone="Europe/Berlin", value="H0", through="H23")
    assert len(found.values) == n
    assert np.diff(found.seconds).tolist() == [3600] * (n - 1)
    assert bool(found.remarks) == (n == 25)


def test_the_hour_that_autumn_has_twice() -> None:
    """Proves: local times twice are told apart by order, however the file runs. Sensitivity: dropping them gives 24."""
    walls = [*range(3), 2, *range(3, 24)]
    rows = [f"2026-10-25 {h:02d}:00,{i}" for i, h in enumerate(walls)]
    for ordered in (rows, rows[::-1]):
        found = brought("time,load_mw\n" + "\n".join(ordered) + "\n", zone="Europe/Berlin")
        assert len(found.values) == 25
        assert np.diff(found.seconds).tolist() == [3600] * 24
        assert found.values.tolist() == list(range(25))


@pytest.mark.parametrize(
    ("rows", "said", "says"),
    [
        (
            ["2026-10-25 01:00,1", "2026-10-25 02:00,2", "2026-10-25 03:00,3"],
            {},
            "file.csv:3: time: '2026-10-25 02:00' is a local time that the change of clocks in Europe/Berlin has twice",
        ),
        (
            ["2026-03-29 01:00,1", "2026-03-29 02:00,2", "2026-03-29 03:00,3"],
            {},
            "file.csv:3: time: '2026-03-29 02:00' is a local time that the change of clocks in Europe/Berlin skips",
        ),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00,2", "2026-06-01T02:00Z,3"],
            {},
            "file.csv:3: time: '2026-06-01T01:00' times with and without offset are mixed",
        ),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T00:00Z,2", "2026-06-01T01:00Z,3"],
            {},
            "file.csv:3: time: 2026-06-01T00:00:00Z is there twice, in file.csv:2 too",
        ),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,nan", "2026-06-01T02:00Z,3"],
            {},
            "file.csv:2: load_mw: a value is missing, at 2026-06-01T01:00:00Z; say gaps",
        ),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,inf", "2026-06-01T02:00Z,3"],
            {},
            "file.csv:3: load_mw: 'inf' is infinite",
        ),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,=1+1", "2026-06-01T02:00Z,3"],
            {},
            "file.csv:3: load_mw: '=1+1' is no number",
        ),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,-2", "2026-06-01T02:00Z,3"],
            {},
            "file.csv:3: load_mw: is negative",
        ),
        (["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,2e9", "2026-06-01T02:00Z,3"], {}, "file.csv:3: load_mw: is beyond"),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,2", "2026-06-01T01:20Z,2", "2026-06-01T02:00Z,3"],
            {"interval_min": 60},
            "file.csv:4: time: lies off the raster of 60 min",
        ),
        (["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,2"], {"unit": "EUR"}, "file.csv: unit: wrong unit 'EUR'"),
        (["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,2"], {"unit": "9**9**9**9"}, "file.csv: unit: unknown unit"),
        (
            ["2026-06-01T00:00Z,1", "2026-06-01T01:00Z,2"],
            {"value": "![x](http://x.invalid)"},
            "file.csv: ![x](http://x.invalid): there is no such column; columns are time, load_mw",
        ),
        (
            ["2026-02-30T00:00Z,1", "2026-06-01T01:00Z,2", "2026-06-01T02:00Z,2"],
            {},
            "file.csv:2: time: '2026-02-30T00:00Z' is no time with the year first",
        ),
    ],
)
def test_a_mistake_is_one_line(rows: list[str], said: dict[str, Any], says: str) -> None:
    """Proves: each kind of mistake is one line with file, line and column, however many rows have it."""
    (line,) = told("time,load_mw\n" + "\n".join(rows) + "\n", zone="Europe/Berlin", **said)
    assert line.startswith(says)


def test_times_without_offset_need_a_zone() -> None:
    """Proves: no zone is assumed; an offset that holds all year is taken, as standard-time meters need it."""
    text = hours(form="2026-03-29T{h:02d}:00")
    (line,) = told(text)
    assert "say the zone" in line
    assert "(4 rows like this)" in line
    assert stamps(brought(text, zone="+01:00"))[2] == "2026-03-29T01:00"


def test_ends_of_intervals_scale_and_peak() -> None:
    """Proves: end stamps, a meter that counts backwards, and PV power over a peak come out right."""
    text = hours(value="-{h}")
    found = brought(text, stamps="end", scale=-2.0)
    assert stamps(found)[0] == "2026-05-31T23:00"
    assert found.values.tolist() == [0, 2, 4, 6]
    assert brought(hours(), "pv", peak_mw=4.0, unit="MW").values.tolist() == [0, 0.25, 0.5, 0.75]
    assert "say the plant's peak" in told(hours(), "pv", unit="kWh")[0]


def workbook() -> bytes:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"default_date_format": "yyyy-mm-dd hh:mm"})
    book.add_worksheet("notes").write(0, 0, "nothing here")
    sheet = book.add_worksheet("data")
    for row, cells in enumerate([("Historian export", ""), ("", ""), ("Date", "Power [kW]")]):
        sheet.write_row(row, 0, cells)
    for h in range(4):
        sheet.write_datetime(3 + h, 0, datetime(2026, 6, 1, h))  # noqa: DTZ001
        sheet.write_number(3 + h, 1, 1000.5 * h)
    book.close()
    return made.getvalue()


def test_a_workbook() -> None:
    """Proves: dates and numbers of Excel are read from the sheet that is named, below lines of notes."""
    found = brought(workbook(), zone="UTC", sheet="data")
    assert found.values.tolist() == pytest.approx([0, 1.0005, 2.001, 3.0015])
    assert stamps(found)[-1] == "2026-06-01T03:00"
    assert "has no sheet 'dats'; it has notes, data" in told(workbook(), sheet="dats")[0]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "Asia/Shanghai"])
def test_parquet_of_any_zone(zone: str | None) -> None:
    """Proves: typed times keep their zone, those without take the one that is said; an index counts as a column."""
    times = pd.date_range("2026-10-24 18:00", periods=48, freq="15min", tz=zone or "UTC")
    made = io.BytesIO()
    frame = pd.DataFrame({"load_kw": np.arange(48.0)}, index=pd.Index(times, name="time"))
    if zone is None:
        frame.index = pd.DatetimeIndex(times).tz_localize(None).rename("time")
    frame.to_parquet(made)
    found = brought(made.getvalue(), zone="UTC")
    assert found.seconds[0] == times[0].timestamp()
    assert found.values.tolist() == pytest.approx((np.arange(48.0) / 1000).tolist())


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
    found = brought("when;what\n" + "\n".join(rows) + "\n", unit=unit, interval_min=minutes, order=named)
    assert found.seconds.tolist() == [moment.timestamp() for moment in at]
    factor = {"kW": 1e-3, "MW": 1.0, "kWh": 0.06 / minutes}[unit]
    assert found.values.tolist() == pytest.approx([value * factor for value in values], rel=1e-12, abs=1e-15)
    again = brought(found.csv(), interval_min=minutes)
    assert again.seconds.tolist() == found.seconds.tolist()
    assert again.values.tolist() == found.values.tolist()


def test_a_mapping_repeats_the_import() -> None:
    """Proves: what is kept beside the result reads the file the same way again; its mistakes have lines."""
    raw = read(hours().encode(), "a.csv")
    made = guess(raw, "load", {"scale": 2.0, "gaps": "hold"}, "UTC").mapping
    assert read_mapping(made.yaml()) == made
    with pytest.raises(ScenarioError) as caught:
        read_mapping("as: prise\ntime: t\nvalue: v\nzone: Mars\nshape: long\n", "m.yaml")
    lines = [str(problem) for problem in caught.value.problems]
    assert [line.partition(": ")[0] for line in lines] == ["m.yaml:1", "m.yaml:4", "m.yaml:5"]
    assert "a series can be price" in lines[0]


def test_the_overlay_leaves_nothing_of_the_old_series(tmp_path: Path) -> None:
    """Proves: an overlay gives any scenario the series, wherever it lies. Sensitivity: the old scale of 0.9 stays."""
    rows = "".join(f"2026-06-{15 + h // 24}T{h % 24:02d}:00Z,{h}\n" for h in range(72))
    found = brought(f"time,EUR/MWh\n{rows}", "export-price")
    (tmp_path / "price.csv").write_text(found.csv())
    (tmp_path / "price.overlay.yaml").write_text(found.overlay("price.csv"))
    for name in ("melt-shop-small", "melt-shop-day"):
        start = ["horizon.start=2026-06-16"]
        made = load(name, [*start, f"@{tmp_path / 'price.overlay.yaml'}"])
        price = made.market.export_price_per_mwh
        assert price is not None
        assert price.scale == 1
        assert made.inputs["export_price_per_mwh"].values[0] == 22
    _, values = read_columns(tmp_path / "price.csv", ("time_utc",), "export_price_per_mwh", None)
    assert values.tolist() == found.values.tolist()


def test_a_mapping_is_checked() -> None:
    """Proves: zone, interval and role are checked where they are said."""
    for said in ({"zone": "Nowhere/City"}, {"interval_min": 1e5}, {"as": "gas"}, {"through": "b", "stamps": "end"}):
        with pytest.raises(ValueError, match=r"unknown|interval|ends"):
            Mapping.model_validate({"as": "load", "time": "t", "value": "v", **said})
