"""Importing: files of any shape, zone and unit become even series in UTC, or are refused in one line."""

from __future__ import annotations

import io
from collections.abc import Callable
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
from scenarios.horizon import Horizon
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


@pytest.mark.parametrize(("first", "said", "values"), [
    ("1.000", True, [1.0, 1.25]), ("0.500", False, [0.5, 1.25]), ("1.00", False, [1.0, 1.25]),
])  # fmt: skip
def test_a_mark_that_may_be_of_thousands_is_told(first: str, said: bool, values: list[float]) -> None:
    """Proves: where all values with a mark have just three digits after it, the other reading is told and can be asked
    for. Sensitivity: a nought before the mark, or another number of digits, leaves one reading."""
    text = f"time;price\n2026-06-01T00:00Z;{first}\n2026-06-01T01:00Z;1.250\n"
    found = brought(text, "price", unit="EUR/MWh")
    assert found.values.tolist() == values
    reasons = guess(read(text.encode(), "a.csv"), "price", {}, "UTC").reasons
    assert any("might be thousands" in reason for reason in reasons) == said
    if said:
        assert brought(text, "price", unit="EUR/MWh", decimal=",").values.tolist() == [1000, 1250]


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


def quarters(form: Callable[[datetime, datetime], str], days: int = 3, first: str = "2025-10-23") -> list[str]:
    """A row for each quarter of an hour, of its start and its end on the wall; its value is its number."""
    starts = [datetime.fromisoformat(first) + timedelta(minutes=15 * i) for i in range(96 * days)]
    return [f"{form(at, at + timedelta(minutes=15))};{i},5" for i, at in enumerate(starts)]


DATE = "%d.%m.%Y"


@pytest.mark.parametrize(
    ("names", "form", "clock", "ends"),
    [
        ("Datum;Von;Bis", lambda a, b: f"{a:{DATE}};{a:%H:%M};{b:%H:%M}", "Von", False),
        ("Datum;Bis;Von", lambda a, b: f"{a:{DATE}};{b:%H:%M};{a:%H:%M}", "Von", False),
        ("Datum;Bis", lambda a, b: f"{a:{DATE}};{b:%H:%M}", "Bis", True),
        ("Datum;Bis", lambda a, b: f"{b:{DATE}};{b:%H:%M:%S}", "Bis", True),
        ("Datum;Uhrzeit", lambda a, b: f"{b:{DATE}};{b:%H:%M}", "Uhrzeit", True),
        ("Datum;Zeit", lambda a, b: f"{a:{DATE}};{a:%H:%M}-{b:%H:%M}", "Zeit", False),
        ("Date;Time", lambda a, b: f"{a:%m/%d/%Y};{a:%I:%M %p}", "Time", False),
    ],
)
@pytest.mark.parametrize("falling", [False, True])
def test_date_and_clock_in_two_columns(
    names: str, form: Callable[[datetime, datetime], str], clock: str, ends: bool, falling: bool
) -> None:
    """Proves: a date and its clock are one time, told as a guess and kept in the mapping, whichever end they tell and
    on whichever day the last interval's end is. Sensitivity: the end of a day on the date of that day would be its
    beginning, a day too early."""
    rows = quarters(form)[:: -1 if falling else 1]
    raw = read(f"{names};Verbrauch in kWh\n{chr(10).join(rows)}\n".encode(), "last.csv")
    found = guess(raw, "load", {}, "Europe/Berlin")
    assert f"times joined from '{names.partition(';')[0]}' and '{clock}'" in found.reasons
    assert (found.mapping.clock, found.mapping.stamps) == (clock, "end" if ends else "start")
    assert found.mapping.where == {}
    for mapping in (found.mapping, read_mapping(found.mapping.yaml())):
        made = bring(raw, mapping)
        assert (stamps(made)[0], stamps(made)[-1]) == ("2025-10-22T22:00", "2025-10-25T21:45")
        assert made.values.tolist() == pytest.approx([(i + 0.5) * 0.004 for i in range(288)])


def test_date_and_clock_of_a_workbook() -> None:
    """Proves: Excel's dates and times of the day are joined as well, and its times of the day as names make a day."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"default_date_format": "dd.mm.yyyy"})
    clock = book.add_format({"num_format": "hh:mm"})
    apart, wide = book.add_worksheet("apart"), book.add_worksheet("wide")
    apart.write_row(0, 0, ["Datum", "Von", "Bis", "Verbrauch in kWh"])
    wide.write(0, 0, "Datum")
    for i in range(48):
        at = datetime(2026, 6, 1) + timedelta(hours=i)  # noqa: DTZ001
        apart.write_datetime(i + 1, 0, at.replace(hour=0))
        apart.write_datetime(i + 1, 1, at.time(), clock)
        apart.write_datetime(i + 1, 2, (at + timedelta(hours=1)).time(), clock)
        apart.write_number(i + 1, 3, 1000 * i)
        wide.write_datetime(0, at.hour + 1, at.time(), clock)
        wide.write_datetime(i // 24 + 1, 0, at.replace(hour=0))
        wide.write_number(i // 24 + 1, at.hour + 1, i)
    book.close()
    for sheet in ("apart", "wide"):
        found = brought(made.getvalue(), zone="UTC", sheet=sheet)
        assert stamps(found)[25] == "2026-06-02T01:00"
        assert found.values.tolist() == list(range(48))


def test_most_of_a_series_is_not_made_up() -> None:
    """Proves: where more than half would be filled the file is refused, whatever fills it; half of it is taken."""
    text = "Zeit;kW\n" + "".join(f"{day:02d}.10.2025 12:00;{day}\n" for day in range(13, 20))
    (line,) = told(text, zone="UTC", interval_min=15, gaps="hold")
    assert line.startswith("file.csv: kW: only 7 of 577 intervals of 15 min have a value, more than half")
    half = "time,load_mw\n" + "".join(f"2026-06-01T{h:02d}:00Z,{h}\n" for h in (0, 1, 2, 6))
    assert brought(half, gaps="hold").missing == 3


def test_ends_of_intervals_are_guessed() -> None:
    """Proves: a file from one interval after local midnight to local midnight tells ends, as written or in UTC; one
    from midnight on, and one that ends elsewhere, tell starts."""
    wall = quarters(lambda a, b: f"{b:%Y-%m-%d %H:%M}")
    offset = quarters(lambda a, b: f"{b:%Y-%m-%dT%H:%M}+02:00")
    utc = quarters(lambda a, b: f"{b - timedelta(hours=2):%Y-%m-%dT%H:%MZ}")
    for rows in (wall, offset, utc):
        raw = read(f"Zeit;MW\n{chr(10).join(rows)}\n".encode(), "a.csv")
        found = guess(raw, "load", {}, "Europe/Berlin")
        assert "times are the ends of intervals, as the first is 00:15 and the last 00:00" in found.reasons
        assert "stamps: end" in found.mapping.yaml()
        assert stamps(bring(raw, found.mapping))[0] == "2025-10-22T22:00"
    for rows in (wall[:-1], wall[1:], quarters(lambda a, b: f"{a:%Y-%m-%d %H:%M}")):
        assert brought(f"Zeit;MW\n{chr(10).join(rows)}\n", zone="Europe/Berlin").mapping.stamps == "start"


def test_a_unit_that_is_not_named_is_told() -> None:
    """Proves: what a value without a unit is taken for is a guess like others, with a doubt where it is too much."""

    def reasons(values: str, role: str = "load") -> str:
        text = hours(value=values).replace("load_mw", "Value")
        return "; ".join(guess(read(text.encode(), "a.csv"), role, {}, "UTC").reasons)

    assert "unit MW, as the file names none" in reasons("4{h}")
    assert "much for a plant" not in reasons("4{h}")
    assert "their mean of 41,500 MW is much for a plant" in reasons("4{h}000")
    assert "unit kg/MWh, as the file names none" in reasons("4{h}", "intensity")
    assert "shares of the peak" in reasons("0.{h}", "pv")


CLOCKS = [f"{h:02d}:00" for h in range(24)]


@pytest.mark.parametrize(
    ("names", "second", "interval"),
    [
        (CLOCKS, None, 60),
        ([*CLOCKS[:3], "02:00B", *CLOCKS[3:]], "02:00B", 60),
        ([*CLOCKS[:3], "02:00", *CLOCKS[3:]], "02:00 (2)", 60),
        ([*CLOCKS, "02:00*"], "02:00*", 60),
        ([f"{h:02d}:00 - {h + 1:02d}:00" for h in range(24)], None, 60),
        ([*CLOCKS[1:], "00:00"], None, 60),
        ([f"H{h:02d}" for h in range(1, 25)], None, 60),
        (["1", "2", "3A", "3B", *map(str, range(4, 25))], "3B", 60),
        ([f"{m // 60:02d}:{m % 60:02d}" for m in range(15, 1455, 15)], None, 15),
    ],
)
def test_a_row_is_a_day(names: list[str], second: str | None, interval: int) -> None:
    """Proves: columns named by the clock are a day's intervals, told as a guess; the hour that autumn has twice has
    columns of its own or stands for both, that of spring is empty. Sensitivity: only 00:00 would be a daily price."""
    doubled = names.index(second.removesuffix(" (2)"), 3 if "(2)" in second else 0) if second else -1
    order = [name for i, name in enumerate(names) if i != doubled]
    spring = range(120 // interval, 180 // interval)

    def row(day: str, second: str, skipped: bool = False) -> str:
        cells = ["" if skipped and i in spring else str(i) for i in range(len(order))]
        return ";".join([day, *([*cells[:doubled], second, *cells[doubled:]] if doubled >= 0 else cells)])

    rows = [row("25.10.2025", ""), row("26.10.2025", "99"), row("27.10.2025", "0")]
    text = "Datum;" + ";".join(names) + "\n" + "\n".join(rows) + "\n"
    raw = read(text.encode(), "file.csv")
    found = guess(raw, "price", {"unit": "EUR/MWh"}, "Europe/Berlin")
    assert any(reason.startswith(f"a day in each row: {len(names)} columns") for reason in found.reasons)
    made = bring(raw, read_mapping(found.mapping.yaml()))
    assert made.mapping.interval_min == interval
    assert (len(made.values), made.missing) == (73 * 60 // interval, 0)
    assert stamps(made)[0] == "2025-10-24T22:00"
    again = made.values[np.flatnonzero(made.seconds == datetime(2025, 10, 26, 1, tzinfo=UTC).timestamp())[0]]
    assert again == (99 if second else 120 // interval)
    assert bool(made.remarks) == (second is None)
    spring_text = "Datum;" + ";".join(names) + "\n" + row("30.03.2025", "", skipped=True) + "\n"
    assert len(brought(spring_text, zone="Europe/Berlin").values) == 23 * 60 // interval
    if second:
        wrong = "Datum;" + ";".join(names) + "\n" + row("25.10.2025", "99") + "\n"
        assert "a second value for an hour that it has once" in told(wrong, zone="Europe/Berlin")[0]


def test_columns_of_no_day_are_refused() -> None:
    """Proves: the hour that spring skips may have no column; days from 06:00 on, or with fewer hours, are refused."""
    for names, says in ((CLOCKS[:2] + CLOCKS[3:], ""), (CLOCKS[6:] + CLOCKS[:6], "24"), (CLOCKS[:20], "20")):
        text = "Datum;" + ";".join(names) + "\n30.03.2025;" + ";".join(map(str, range(len(names)))) + "\n"
        if says:
            (line,) = told(text, "price", "Europe/Berlin", unit="EUR/MWh")
            assert line.startswith(f"file.csv: has {says} columns named by the clock, which make no day")
        else:
            assert brought(text, zone="Europe/Berlin").values.tolist() == list(range(23))


def test_a_name_that_is_nearly_right() -> None:
    """Proves: of a column or series in the wrong case the right one is told."""
    text = "Time,Tag,Value\n" + "".join(f"2026-06-01T{h:02d}:00Z,EAF,{h}\n" for h in range(4))
    assert told(text, where={"tag": "EAF"}) == ["file.csv: tag: there is no such column; did you mean 'Tag'?"]
    assert told(text, where={"Tag": "eaf"}) == ["file.csv: Tag: no row has 'eaf' here; did you mean 'EAF'?"]
    assert told(text, time="time") == ["file.csv: time: there is no such column; did you mean 'Time'?"]


def test_values_at_the_same_time() -> None:
    """Proves: the first, the last or the mean is taken where it is said, and told; else the file is refused."""
    rows = [(0, 1), (1, 5), (1, 7), (1, 12), (2, 3)]
    text = "time,load_mw\n" + "".join(f"2026-06-01T{h:02d}:00Z,{v}\n" for h, v in rows)
    assert "is there twice" in told(text)[0]
    for how, value in (("first", 5), ("last", 12), ("mean", 8)):
        found = brought(text, duplicates=how)
        assert found.values.tolist() == [1, value, 3]
        assert found.remarks == (f"a time is there more than once; taken is the {how} of the values",)


def test_words_that_mean_no_value() -> None:
    """Proves: what historians write where there is no value is missing, told with its count, and decided by gaps;
    another word is refused until it is said."""
    cells = ["1", "Bad", "#N/A", "bad", "5", "6", "---", "8", "9"]
    text = "time,load_mw\n" + "".join(f"2026-06-01T{h:02d}:00Z,{cell}\n" for h, cell in enumerate(cells))
    found = guess(read(text.encode(), "a.csv"), "load", {"gaps": "hold"})
    assert "taken as missing: 'Bad' (1), '#N/A' (1), 'bad' (1), '---' (1)" in found.reasons
    assert bring(read(text.encode(), "a.csv"), read_mapping(found.mapping.yaml())).missing == 4
    assert "4 values are missing" in told(text)[0]
    other = text.replace("Bad", "Ausfall")
    assert "'Ausfall' is no number" in told(other, gaps="hold")[0]
    assert brought(other, gaps="hold", missing=("ausfall", "#N/A", "bad", "---")).missing == 4


def test_what_covers_a_horizon() -> None:
    """Proves: a series covers a horizon that it reaches over at both ends, and no other."""
    found = brought(hours(24), zone="UTC")
    for start, hours_long, covered in (("2026-06-01", 24, True), ("2026-06-01", 25, False), ("2026-05-31", 24, False)):
        assert found.covers(Horizon.model_validate({"start": start, "length_h": hours_long})) is covered


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
