"""The history as a source: mean powers, energies by day and a heat log, and the commands that read them."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import emberline, refused
from driven import small

from emberline.live.history import Measured, Row, of_plant
from emberline.live.simulation import SimulatedPlant, values
from emberline.live.tags import Plant, Reading, judge, load
from emberline.scenarios import load as load_scenario
from emberline.scenarios.loading import heat_log

FLAT = """\
scenario: melt-shop-small
connectors: [{name: plant, kind: csv, folder: x}]
tags:
- {name: power, connector: plant, address: a, power_of: EAF, unit: MW, range: [0, 120], longest_age_s: 900}
- {name: site, connector: plant, address: b, power_of: site, unit: MW, range: [0, 120], longest_age_s: 900}
- {name: heat, connector: plant, address: c, heat_of: CC, longest_age_s: 3600}
"""
FIRST = datetime.fromisoformat("2026-01-01T00:00:00+01:00")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path))


def keep(plant: Plant, twin: SimulatedPlant, day: int = 0) -> None:
    """A simulated day as the loop keeps it, with messages that are lost for half an hour at noon."""
    start, rows = twin.scenario.horizon.start_utc + timedelta(days=day), []
    for at_min in np.arange(0.0, twin.scenario.horizon.length_min).tolist():
        now, tags = start + timedelta(minutes=at_min), values(twin, at_min)
        for tag in plant.live.tags:
            finding = judge(plant, tag, Reading(tags[tag.address][0], now), now)
            number, text = (finding.value, "") if isinstance(finding.value, float) else (None, str(finding.value))
            rows.append(Row(now, now, tag.name, number, text, finding.unit, finding.quality.value, ""))
    of_plant(plant).add(row for row in rows if not 720 <= (row.time_utc - start).total_seconds() / 60 < 750)


def test_a_heat_log_is_read_from_the_tags(tmp_path: Path) -> None:
    """Proves: every operation whose start and end were seen is in the log within a message, with its unit, grade and
    energy, and breakdowns too; those near the time without messages are left out and counted; calibration reads two
    days with the same numbers of heats. Sensitivity: a gap taken as an end, or a tag's power counted in kW."""
    plant, _ = small(tmp_path, longest_age_s=240)
    often = "disturbances.breakdowns=[{unit: EAF, mtbf_h: 5 h, mttr_min: 40}]"
    twin = SimulatedPlant(load_scenario("melt-shop-small", [often]), replication=1)
    keep(plant, twin)
    measured = Measured.of(plant, end=twin.scenario.horizon.end_utc)
    heats = measured.heats()
    rows: list[dict[Any, Any]] = heats.table.to_dict("records")
    logged = {(row["heat"], row["unit"]): row for row in rows if row["event"] != "breakdown"}
    run, start = twin.run, twin.scenario.horizon.start_utc
    columns = (run[f"op_{name}"].values.tolist() for name in ("heat", "unit", "start_min", "end_min", "energy_mwh"))
    lost = powers = 0
    for heat, unit, begins, ends, energy in zip(*columns, strict=True):
        row = logged.pop((heat, unit), None)
        if row is None:
            lost += 1
            assert begins < 1 or any(719 <= at < 752 for at in (begins, ends))
            continue
        assert abs((row["start"] - start).total_seconds() / 60 - begins) <= 1
        assert abs((row["end"] - start).total_seconds() / 60 - ends) <= 1 or ends > twin.scenario.horizon.length_min - 1
        if energy > 1 and not np.isnan(row["energy_mwh"]):
            powers += 1
            assert row["energy_mwh"] == pytest.approx(energy, rel=0.05)
    assert not logged
    assert powers > 10
    assert lost >= heats.uncertain > 0
    broken = heats.table[heats.table["event"] == "breakdown"]
    expected = [at for _, at, stop_min in twin.stops if stop_min > 1 and not 715 < at < 755]
    begins = (broken["start"] - start).dt.total_seconds() / 60
    assert sorted(begins) == pytest.approx(sorted(expected), abs=1)
    assert len(expected) > 2
    keep(plant, SimulatedPlant(twin.scenario, replication=2), day=1)
    end = twin.scenario.horizon.end_utc + timedelta(days=1)
    log = heat_log.checked(Measured.of(plant, end=end).heats().table, plant.scenario)
    assert log.heats["heat"].nunique() > 1.5 * len(twin.scenario.heats)
    command = ["calibrate", "melt-shop-small", "--history", str(tmp_path / "live.yaml")]
    first_day = emberline(*command, "--to", twin.scenario.horizon.end_utc.isoformat())
    assert first_day.returncode == 2
    assert "history of live: 9 heats are too few" in first_day.stderr
    assert f"note: {heats.uncertain} operations left out: no message came near" in first_day.stderr
    refused(emberline(*command, "--to", "2026-01-01T00:00Z"), "history of live: holds no heats of this time")
    refused(emberline(*command, "--log", "heats.csv"), "give --log, or --history with the live.yaml of a plant")


def test_means_become_a_series(tmp_path: Path) -> None:
    """Proves: `import --history` writes the mean power of each metered interval as it is known from the twin, and
    reports a time without values. Sensitivity: the last value before a change stands
    for the whole interval."""
    plant, twin = small(tmp_path, replication=1)
    keep(plant, twin)
    end = twin.scenario.horizon.end_utc
    command = ["import", "--history", str(tmp_path / "live.yaml"), "--to", end.isoformat(), "--as", "actual"]
    command += ["--column", "EAF power", "--output", str(tmp_path / "eaf.csv")]
    report = emberline(*command)
    assert "missing   2 values" in report.stdout, report
    rows = pd.read_csv(tmp_path / "eaf.csv", index_col="time", parse_dates=True)
    minutes = (pd.DatetimeIndex(rows.index) - pd.Timestamp(twin.scenario.horizon.start_utc)).total_seconds() / 60
    assert len(rows) == 94  # of 96, two at noon are missing
    for at_min, mean in zip(minutes.tolist(), rows["power_mw"].tolist(), strict=True):
        assert mean == pytest.approx(np.mean([twin.power_mw("EAF", at_min + k) for k in range(15)]), abs=1.5)
    refused(emberline(*command, "--from", end.isoformat(), "--force"), "--to: must be after --from")


def test_performance_reads_days(tmp_path: Path) -> None:
    """Proves: energy and tonnes of whole days come from the tags, and the review is that of the same figures in a
    file. Sensitivity: days by UTC, or a heat counted on the day when it began."""
    path = tmp_path / "live.yaml"
    path.write_text(FLAT)
    plant = load(path)
    heats, mass = plant.scenario.heats, plant.scenario.heats[0].grade.mass_t
    chance, rows, lines = np.random.default_rng(5), [], ["day,site,tonnes"]
    for day in range(40):
        begin, number = FIRST + timedelta(days=day), 4 + int(chance.integers(0, 5))
        power = round(5 + 0.5 * number + float(chance.normal(0, 0.05)), 4)
        for quarter in range(96):
            at = begin + timedelta(minutes=15 * quarter)
            rows += [Row(at, at, name, power, "", "MW", "ok", "") for name in ("power", "site")]
            heat = heats[quarter // 8 % len(heats)].name if quarter < 8 * number and quarter % 8 < 6 else ""
            rows.append(Row(at, at, "heat", None, heat, "", "ok", ""))
        lines.append(f"{begin:%Y-%m-%d},{power * 24},{number * mass}")
    of_plant(plant).add(rows)
    (tmp_path / "days.csv").write_text("\n".join(lines) + "\n")
    options = ["--energy", "site", "--production", "tonnes", "--by", "day", "--json"]
    options += ["--baseline", "2026-01-01..2026-01-25", "--report", "2026-01-26..2026-02-09"]
    of_history = emberline("performance", *options, "--history", str(path))
    assert of_history.returncode == 0, of_history
    of_file = emberline("performance", str(tmp_path / "days.csv"), *options)
    theirs, ours = (json.loads(report.stdout) for report in (of_file, of_history))
    figures = [re.findall(r"-?\d+\.\d+", json.dumps(each)) for each in (theirs, ours)]
    assert [float(text) for text in figures[1]] == pytest.approx([float(text) for text in figures[0]], rel=1e-6)
    refused(emberline("performance", *options), "give a FILE, or --history with the live.yaml of a plant")
