"""Importing: times of any zone, order and place in the file become UTC."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from imports import brought, hours, mistakes, quarters, stamps

from emberline.scenarios.importing import bring, guess, read
from emberline.scenarios.importing.mapping import read_mapping


@pytest.mark.parametrize(("day", "n"), [("2026-10-24", 24), ("2026-10-25", 25), ("2026-03-29", 23)])
def test_a_day_in_each_row(day: str, n: int) -> None:
    """Proves: columns are hours of the clock; autumn's hour stands for both, spring's must be empty."""
    cells = [str(h) for h in range(24)]
    if n == 23:
        text = "date," + ",".join(f"H{h}" for h in range(24)) + f"\n{day}," + ",".join(cells) + "\n"
        (line,) = mistakes(text, zone="Europe/Berlin", value="H0", through="H23")
        assert "file.csv:2: H0: the day has a value for an hour that the change of clocks skips" in line
        cells[2] = ""
    text = "date," + ",".join(f"H{h}" for h in range(24)) + f"\n{day}," + ",".join(cells) + "\n"
    imported = brought(text, zone="Europe/Berlin", value="H0", through="H23")
    assert len(imported.values) == n
    assert np.diff(imported.seconds).tolist() == [3600] * (n - 1)
    assert bool(imported.remarks) == (n == 25)


def test_the_hour_that_autumn_has_twice() -> None:
    """Proves: local times twice are distinguished by order, however the file runs. Sensitivity: dropping them gives
    24."""
    walls = [*range(3), 2, *range(3, 24)]
    rows = [f"2026-10-25 {h:02d}:00,{i}" for i, h in enumerate(walls)]
    for ordered in (rows, rows[::-1]):
        imported = brought("time,load_mw\n" + "\n".join(ordered) + "\n", zone="Europe/Berlin")
        assert len(imported.values) == 25
        assert np.diff(imported.seconds).tolist() == [3600] * 24
        assert imported.values.tolist() == list(range(25))


def test_times_without_offset_need_a_zone() -> None:
    """Proves: no zone is assumed; an offset that holds all year is taken, as standard-time meters need it."""
    text = hours(form="2026-03-29T{h:02d}:00")
    (line,) = mistakes(text)
    assert "say the zone" in line
    assert "(4 rows like this)" in line
    assert stamps(brought(text, zone="+01:00"))[2] == "2026-03-29T01:00"


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
    """Proves: a date and its clock are one time, reported as a guess and kept in the mapping, whichever end they tell
    and on whichever day the last interval's end is. Sensitivity: the end of a day on the date of that day would be its
    beginning, a day too early."""
    rows = quarters(form)[:: -1 if falling else 1]
    raw = read(f"{names};Verbrauch in kWh\n{chr(10).join(rows)}\n".encode(), "last.csv")
    result = guess(raw, "load", {}, "Europe/Berlin")
    assert f"times joined from '{names.partition(';')[0]}' and '{clock}'" in result.reasons
    assert (result.mapping.clock, result.mapping.stamps) == (clock, "end" if ends else "start")
    assert result.mapping.where == {}
    for mapping in (result.mapping, read_mapping(result.mapping.yaml())):
        imported = bring(raw, mapping)
        assert (stamps(imported)[0], stamps(imported)[-1]) == ("2025-10-22T22:00", "2025-10-25T21:45")
        assert imported.values.tolist() == pytest.approx([(i + 0.5) * 0.004 for i in range(288)])


def test_date_and_clock_of_a_workbook() -> None:
    """Proves: Excel's dates and times of the day are joined as well, and its times of the day as names make a day."""
    result = io.BytesIO()
    book = xlsxwriter.Workbook(result, {"default_date_format": "dd.mm.yyyy"})
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
        imported = brought(result.getvalue(), zone="UTC", sheet=sheet)
        assert stamps(imported)[25] == "2026-06-02T01:00"
        assert imported.values.tolist() == list(range(48))


def test_ends_of_intervals_are_guessed() -> None:
    """Proves: a file from one interval after local midnight to local midnight tells ends, as written or in UTC; one
    from midnight on, and one that ends elsewhere, tell starts."""
    wall = quarters(lambda a, b: f"{b:%Y-%m-%d %H:%M}")
    offset = quarters(lambda a, b: f"{b:%Y-%m-%dT%H:%M}+02:00")
    utc = quarters(lambda a, b: f"{b - timedelta(hours=2):%Y-%m-%dT%H:%MZ}")
    for rows in (wall, offset, utc):
        raw = read(f"Zeit;MW\n{chr(10).join(rows)}\n".encode(), "a.csv")
        result = guess(raw, "load", {}, "Europe/Berlin")
        assert "times are the ends of intervals, as the first is 00:15 and the last 00:00" in result.reasons
        assert "stamps: end" in result.mapping.yaml()
        assert stamps(bring(raw, result.mapping))[0] == "2025-10-22T22:00"
    for rows in (wall[:-1], wall[1:], quarters(lambda a, b: f"{a:%Y-%m-%d %H:%M}")):
        assert brought(f"Zeit;MW\n{chr(10).join(rows)}\n", zone="Europe/Berlin").mapping.stamps == "start"


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
    """Proves: columns named by the clock are a day's intervals, reported as a guess; the hour that autumn has twice has
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
    result = guess(raw, "price", {"unit": "EUR/MWh"}, "Europe/Berlin")
    assert any(reason.startswith(f"a day in each row: {len(names)} columns") for reason in result.reasons)
    imported = bring(raw, read_mapping(result.mapping.yaml()))
    assert imported.mapping.interval_min == interval
    assert (len(imported.values), imported.missing) == (73 * 60 // interval, 0)
    assert stamps(imported)[0] == "2025-10-24T22:00"
    again = imported.values[np.flatnonzero(imported.seconds == datetime(2025, 10, 26, 1, tzinfo=UTC).timestamp())[0]]
    assert again == (99 if second else 120 // interval)
    assert bool(imported.remarks) == (second is None)
    spring_text = "Datum;" + ";".join(names) + "\n" + row("30.03.2025", "", skipped=True) + "\n"
    assert len(brought(spring_text, zone="Europe/Berlin").values) == 23 * 60 // interval
    if second:
        wrong = "Datum;" + ";".join(names) + "\n" + row("25.10.2025", "99") + "\n"
        assert "a second value for an hour that it has once" in mistakes(wrong, zone="Europe/Berlin")[0]


def test_columns_of_no_day_are_refused() -> None:
    """Proves: the hour that spring skips may have no column; days from 06:00 on, or with fewer hours, are refused."""
    for names, sentence in ((CLOCKS[:2] + CLOCKS[3:], ""), (CLOCKS[6:] + CLOCKS[:6], "24"), (CLOCKS[:20], "20")):
        text = "Datum;" + ";".join(names) + "\n30.03.2025;" + ";".join(map(str, range(len(names)))) + "\n"
        if sentence:
            (line,) = mistakes(text, "price", "Europe/Berlin", unit="EUR/MWh")
            assert line.startswith(f"file.csv: has {sentence} columns named by the clock, which make no day")
        else:
            assert brought(text, zone="Europe/Berlin").values.tolist() == list(range(23))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Chicago", "+14:00", "UTC"])
@pytest.mark.parametrize("year", ["0001", "0000", "1600", "2201", "9999"])
@pytest.mark.parametrize("form", ["-01-01 {h:02d}:00", "-12-31 {h:02d}:00", "-01-01T{h:02d}:00+05:00"])
def test_a_year_that_nobody_measured(form: str, year: str, zone: str) -> None:
    """Proves: a year far off is one line with file, line and column, whatever the zone makes of it. Sensitivity: the
    calendar ends at 1 and 9999, and a zone leads out of it; 0001 taken for 01 would be 2001."""
    text = "time,power_mw\n" + "".join(f"{year}{form.format(h=h)},1\n" for h in (21, 22, 23))
    (line,) = mistakes(text, "actual", zone)
    assert line.startswith("file.csv:2: time: ")
    assert "lies outside 1971 to 2200" in line or "is not a time" in line


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Chicago", None])
@pytest.mark.parametrize("year", [1, 9999])
def test_a_typed_year_that_nobody_measured(year: int, zone: str | None) -> None:
    """Proves: the same of Parquet's typed times, of which a zone makes the year 0 or 10000."""
    naive = np.array([f"{year:04d}-{'01-01' if year == 1 else '12-31'}T{h:02d}:00" for h in (1, 23)], "datetime64[us]")
    index = pd.DatetimeIndex(naive)
    result = io.BytesIO()
    frame = pd.DataFrame({"time": index if zone is None else index.tz_localize("UTC").tz_convert(zone), "mw": [1.0, 2]})
    frame.to_parquet(result)
    (line,) = mistakes(result.getvalue(), "actual", "America/Chicago")
    assert line.startswith("file.csv:1: time: ")
    assert "lies outside 1971 to 2200" in line


def test_a_year_of_two_digits() -> None:
    """Proves: 26 is 2026 as before, and 0026 is no year of a meter."""
    rows = "".join(f"01.06.26 {h:02d}:00;{h}\n" for h in range(3))
    assert stamps(brought(f"Zeit;MW\n{rows}", zone="UTC"))[0] == "2026-06-01T00:00"
