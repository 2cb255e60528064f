"""A heat log is read with the line of every mistake, in any zone, and never guessed at."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emberline.scenarios import Case, ScenarioError, load
from emberline.scenarios.loading.heat_log import checked, read
from emberline.scenarios.loading.meter import read as read_meter

HEAD = "heat,grade,unit,start,end,energy_mwh,event\n"
GOOD = (
    "H1,rebar,EAF,2026-06-16T06:00,2026-06-16T06:52,45,\n"
    "H1,rebar,LF,2026-06-16T07:05,2026-06-16T07:35,4,\n"
    ",,EAF,2026-06-16T06:20,2026-06-16T06:30,,breakdown\n"
    "H1,rebar,CC,2026-06-16T07:45,,,\n"
)


@pytest.fixture(scope="module")
def plant() -> Case:
    return load("melt-shop-small")


def log_file(folder: Path, text: str, name: str = "heats.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(path: Path, plant: Case) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        read(path, plant)
    return str(caught.value).splitlines()


def test_a_log_in_local_time_and_in_utc_is_the_same(tmp_path: Path, plant: Case) -> None:
    """Proves: local times are the plant's (Berlin, +02:00), breakdowns are no heats, an open end stays open.

    Sensitivity: local times taken for UTC are two hours off.
    """
    local = read(log_file(tmp_path, HEAD + GOOD), plant)
    assert local.origin == datetime(2026, 6, 16, 4, tzinfo=UTC)
    assert local.heats["start_min"].tolist() == [0, 65, 105]
    assert np.isnan(local.heats["end_min"].iloc[-1])
    assert local.heats["stage"].tolist() == [0, 1, 2]
    assert local.breakdowns[["unit", "start_min", "end_min"]].to_numpy().tolist() == [["EAF", 20, 30]]
    assert (local.until_min, local.resolution_min, local.tells_breakdowns) == (105, 1, True)
    zoned = GOOD.replace(":00,", ":00+02:00,").replace(":52,", ":52+02:00,").replace(":05,", ":05+02:00,")
    zoned = zoned.replace(":35,", ":35+02:00,").replace(":20,", ":20+02:00,").replace(":30,", ":30+02:00,")
    same = read(log_file(tmp_path, HEAD + zoned.replace(":45,", ":45+02:00,")), plant)
    assert same.origin == local.origin
    pd.testing.assert_frame_equal(same.heats, local.heats)


def test_parquet_is_read_as_csv(tmp_path: Path, plant: Case) -> None:
    """Proves: typed columns give the same log. Sensitivity: missing values read as the text 'nan' are refused."""
    from_csv = read(log_file(tmp_path, HEAD + GOOD), plant)
    frame = pd.read_csv(tmp_path / "heats.csv")
    for column in ("start", "end"):
        frame[column] = pd.to_datetime(frame[column]).dt.tz_localize("Europe/Berlin")
    frame.to_parquet(tmp_path / "heats.parquet")
    pd.testing.assert_frame_equal(read(tmp_path / "heats.parquet", plant).heats, from_csv.heats)


@pytest.mark.parametrize(
    ("row", "line", "sentence"),
    [
        ("H2,rebar,EAF3,2026-06-16T08:00,2026-06-16T08:52,45,", 6, "unit: 'EAF3': unknown unit; units are EAF, LF, CC"),
        ("H2,brass,EAF,2026-06-16T08:00,2026-06-16T08:52,45,", 6, "grade: 'brass': unknown grade"),
        (",rebar,EAF,2026-06-16T08:00,2026-06-16T08:52,45,", 6, "heat: is required"),
        ("H2,rebar,EAF,yesterday,2026-06-16T08:52,45,", 6, "start: 'yesterday': is not a time"),
        ("H2,rebar,EAF,,2026-06-16T08:52,45,", 6, "start: is required"),
        ("H2,rebar,EAF,2026-06-16T08:00Z,2026-06-16T08:52,45,", 6, "with and without offset are mixed"),
        ("H2,rebar,EAF,2026-06-16T08:00,2026-06-16T07:52,45,", 6, "end: '2026-06-16T07:52': is not after the start"),
        ("H2,rebar,EAF,2026-06-16T08:00,2026-06-16T08:52,-45,", 6, "energy_mwh: '-45': is not a number above 0"),
        ("H2,rebar,EAF,2026-06-16T08:00,2026-06-16T08:52,inf,", 6, "energy_mwh: 'inf': is not a number above 0"),
        ("H2,rebar,EAF,2026-06-16T08:00,2026-06-16T08:52,45 MWh,", 6, "is not a number above 0"),
        ("H2,rebar,EAF,2026-06-16T08:00,2026-06-16T08:52,45,repair", 6, "event: 'repair': is breakdown, heat or empty"),
        ("H1,rebar,EAF,2026-06-16T08:00,2026-06-16T08:52,45,", 6, "heat H1 is at stage melting a second time"),
        ("H2,rebar,EAF,2026-10-25T02:30,2026-10-25T03:30,45,", 6, "change of clocks in Europe/Berlin"),
        ("H2,rebar,EAF,1900-10-25T02:30,2026-10-25T03:30,45,", 6, "lies outside 1971 to 2200"),
    ],
)
def test_mistakes_are_reported_with_their_line(tmp_path: Path, plant: Case, row: str, line: int, sentence: str) -> None:
    """Proves: one clear line for each mistake. Sensitivity: a blank line above must not move the number."""
    text = mistakes(log_file(tmp_path, HEAD + GOOD + row + "\n"), plant)
    assert any(one.startswith(f"heats.csv:{line}: ") and sentence in one for one in text), text
    moved = mistakes(log_file(tmp_path, HEAD + "\n" + GOOD + row + "\n"), plant)
    assert any(one.startswith(f"heats.csv:{line + 1}: ") and sentence in one for one in moved), moved


def test_a_heat_at_two_stages_at_once_is_refused(tmp_path: Path, plant: Case) -> None:
    """Proves: times that cannot be are refused where they stand. Sensitivity: an hour later they are taken."""
    early = GOOD.replace("2026-06-16T07:05,2026-06-16T07:35", "2026-06-16T06:40,2026-06-16T07:35")
    (text,) = mistakes(log_file(tmp_path, HEAD + early), plant)
    assert text == "heats.csv:3: start: heat H1 is still on EAF then, or has been past it"


@pytest.mark.parametrize(
    ("head", "text"),
    [
        ("heat,grade,unit,start\n", "has no column end"),
        ("heat,grade,unit,start,end,energy_mhw\n", "did you mean energy_mwh?"),
    ],
)
def test_columns_are_checked(tmp_path: Path, plant: Case, head: str, text: str) -> None:
    """Proves: a missing column and a misspelt one are reported. Sensitivity: a misspelt one must not be left out
    unseen."""
    assert text in mistakes(log_file(tmp_path, head), plant)[0]


def test_files_that_are_no_log(tmp_path: Path, plant: Case) -> None:
    """Proves: what cannot be read is reported in one line. Sensitivity: a parser's own words in many lines."""
    assert mistakes(tmp_path / "none.csv", plant) == [f"{tmp_path / 'none.csv'}: no such file"]
    assert mistakes(log_file(tmp_path, "", "heats.csv"), plant)[0].startswith("heats.csv: cannot be read: ")
    assert mistakes(log_file(tmp_path, HEAD), plant) == ["heats.csv: has no heats"]
    assert "is a .csv or .parquet file" in mistakes(log_file(tmp_path, HEAD, "heats.xlsx"), plant)[0]
    (tmp_path / "heats.parquet").write_bytes(b"PAR1 or not")
    assert len(mistakes(tmp_path / "heats.parquet", plant)) == 1


def test_many_mistakes_end(tmp_path: Path, plant: Case) -> None:
    """Proves: 20 mistakes are reported and the rest counted. Sensitivity: other unit names flood the screen."""
    rows = "".join(f"H{i},rebar,XX,2026-06-16T08:00,2026-06-16T08:52,45,\n" for i in range(50))
    text = mistakes(log_file(tmp_path, HEAD + rows), plant)
    assert len(text) == 21
    assert text[-1] == "heats.csv: and 30 more mistakes"


def test_a_part_ends_where_it_ends(plant: Case) -> None:
    """Proves: what runs beyond the end of a part is under way there, its energy not known.

    Sensitivity: an uncut part would tell the future.
    """
    frame = pd.DataFrame(
        {
            "heat": ["H1", "H2"],
            "grade": "rebar",
            "unit": "EAF",
            "start": ["2026-06-16T06:00Z", "2026-06-16T07:00Z"],
            "end": ["2026-06-16T06:50Z", "2026-06-16T07:50Z"],
            "energy_mwh": [45.0, 46.0],
        }
    )
    log = checked(frame, plant)
    part = log.part(0, 80)
    assert part.heats["heat"].tolist() == ["H1", "H2"]
    assert part.heats["end_min"].isna().tolist() == [False, True]
    assert part.heats["energy_mwh"].isna().tolist() == [False, True]
    assert part.until_min == 80
    assert log.part(60, np.inf).heats["heat"].tolist() == ["H2"]


def test_meters_are_checked(tmp_path: Path, plant: Case) -> None:
    """Proves: gaps are left out, twice the same time is refused. Sensitivity: an unsorted file gives the same."""
    rows = ["2026-06-16T06:00Z,10", "2026-06-16T06:15Z,", "2026-06-16T06:30Z,12", "2026-06-16T06:45Z,0"]
    rows += [f"2026-06-16T07:{15 * i:02d}Z,9" for i in range(4)]
    meter = read_meter(log_file(tmp_path, "time,power_mw\n" + "\n".join(reversed(rows)) + "\n", "m.csv"), plant)
    assert meter.after(datetime(2026, 6, 16, 6, tzinfo=UTC)).tolist() == [0, 30, 45, 60, 75, 90, 105]
    assert (meter.power_mw.tolist(), meter.interval_min) == ([10, 12, 0, 9, 9, 9, 9], 15)
    for extra, text in ((rows[0], "is there twice"), ("2026-06-16T06:50Z,1", "intervals differ")):
        path = log_file(tmp_path, "time,power_mw\n" + "\n".join([*rows, extra]) + "\n", "m.csv")
        with pytest.raises(ScenarioError, match=text):
            read_meter(path, plant)
