"""The history: what was kept is read again, in Parquet and in PostgreSQL alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from commands import emberline, refused

from emberline.live.history import History, Row, of_plant
from emberline.live.history.history import MAX_FILES
from emberline.live.tags import load

DAY = datetime(2026, 6, 16, 22, tzinfo=UTC)
TEXT = """\
scenario: melt-shop-small
history: {HISTORY}
connectors: [{name: plant, kind: csv, folder: x}]
tags:
- {name: power, connector: plant, address: a, power_of: EAF, unit: MW, range: [0, 120], longest_age_s: 60}
"""


def row(minutes: float, value: float = 1.0, tag: str = "power") -> Row:
    at = DAY + timedelta(minutes=minutes)
    return Row(at, at + timedelta(seconds=2), tag, value, "", "MW", "ok", "")


@pytest.fixture(params=["parquet", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def history(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path))
    path, settings = tmp_path / "live.yaml", "{}"
    if request.param == "postgresql":
        monkeypatch.setenv("PLANT_HISTORY", request.getfixturevalue("postgresql").schema())
        settings = "{database_from: PLANT_HISTORY}"
    path.write_text(TEXT.replace("{HISTORY}", settings))
    return of_plant(load(path))


def test_rows_are_read_as_they_were_kept(history: History) -> None:
    """Proves: rows of two days come back in the order of their arrival, by time and by tag, and days that are too old
    go. Sensitivity: a day's files are read twice after merging, or the day of the end is left out."""
    for minutes in range(0, 240, 3):  # more files of a day than are left apart
        history.add([row(minutes, minutes), row(minutes, -minutes, "other")])
    table = history.table(DAY, DAY + timedelta(minutes=240))
    assert table.num_rows == 160
    mine = history.table(DAY + timedelta(minutes=60), DAY + timedelta(minutes=180), ["power"])
    assert mine["value"].to_pylist() == [float(minutes) for minutes in range(60, 180, 3)]
    assert mine["time_utc"][0].as_py() == DAY + timedelta(minutes=60)
    assert history.forget(datetime(2026, 6, 17, tzinfo=UTC)) > 0
    assert history.table(DAY, DAY + timedelta(days=2))["time_utc"][0].as_py() == datetime(2026, 6, 17, tzinfo=UTC)


def test_small_files_are_merged_and_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a day has a bounded number of files, and the command exports it. Sensitivity: a file for each cycle."""
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path))
    path = tmp_path / "live.yaml"
    path.write_text(TEXT.replace("{HISTORY}", "{}"))
    history = of_plant(load(path))
    for second in range(MAX_FILES + 5):
        history.add([row(second / 60)])
    assert len(list(tmp_path.glob("live/live/history/day=2026-06-16/*.parquet"))) < 10
    span = ["--from", "2026-06-16T22:00:00Z", "--to", "2026-06-16T23:00:00Z"]
    report = emberline("live", "export", str(path), *span, "--output", str(tmp_path / "out.parquet"))
    assert report.returncode == 0, report
    assert pq.read_table(tmp_path / "out.parquet").num_rows == MAX_FILES + 5
    emberline("live", "export", str(path), *span, "--output", str(tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith('"2026-06-16T22:00:00')
    refused(emberline("live", "export", str(path), "--from", "x", "--output", str(tmp_path / "o.csv")), "--from")


def test_activity_data_are_the_energy_of_measured_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: a day is its mean power times its hours, a suspect value counts for nothing, and a day with a gap is left
    out for the monitoring plan's rule. Sensitivity: a gap filled by the last value, days by UTC."""
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path))
    path, output = tmp_path / "live.yaml", tmp_path / "activity.csv"
    path.write_text(TEXT.replace("{HISTORY}", "{}").replace("longest_age_s: 60", "longest_age_s: 900"))
    plant = load(path)
    first = datetime(2026, 6, 17, tzinfo=plant.scenario.horizon.tz)
    rows = []
    for quarter in range(3 * 96):
        at = first + timedelta(minutes=15 * quarter)
        if not 96 <= quarter < 110:  # three hours and a half of the second day are missing
            rows.append(Row(at, at, "power", 10.0 if quarter < 96 else 20.0, "", "MW", "ok", ""))
    at = first + timedelta(minutes=7)
    rows.append(Row(at, at, "power", 9999.0, "", "MW", "suspect", "out of range"))
    of_plant(plant).add(rows)
    period = "2026-06-17..2026-06-19"
    emberline("live", "activity", str(path), period, "--quantity", "melt shop: electricity=power", "-o", str(output))
    lines = output.read_text().splitlines()
    assert lines[1:] == [
        "melt shop: electricity,2026-06-17,2026-06-17,240.0,MWh,history of power",
        "melt shop: electricity,2026-06-19,2026-06-19,480.0,MWh,history of power",
    ]
    process = emberline("live", "activity", str(path), period, "--quantity", "x=heat", "-o", str(tmp_path / "b.csv"))
    refused(process, "is no tag of a power; there are power")
