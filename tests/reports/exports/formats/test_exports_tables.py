"""CSV, Parquet and JSON against the figures, and against each other."""

from __future__ import annotations

import csv
import dataclasses
import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from exported import HOSTILE, PLANS, SHORT, keep, renamed, stored_run

from emberline.planning.answer.figure_table import figure_data, figures_of
from emberline.reports.exports import export
from emberline.reports.exports.formats.programs import KEY, sidecar
from emberline.reports.exports.manifest import manifest
from emberline.reports.exports.tables import TABLES, by_name, figures
from emberline.reports.exports.tables import hours as by_hour
from emberline.reports.exports.worded import printable, uncalculated
from emberline.runs.store.run_folder import StoredRun


@pytest.fixture
def stored() -> StoredRun:
    return stored_run("line")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_json_and_csv_are_the_plan(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: what is read back adds up to the figures. Sensitivity: a heat left out fails here."""
    plan = stored.plan
    assert plan.replay_figures is not None
    text = export(stored, "json", tmp_path / "plan.json").read_text(encoding="utf-8")
    answer = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    figures = answer["summary"].pop("figures")
    assert answer["summary"] == json.loads(json.dumps(plan.summary()))
    assert figures == answer["answer"]["figures"] == json.loads(json.dumps(figure_data(figures_of(plan))))
    assert answer["summary"]["replay"]["carbon_kg"] == plan.replay_figures.carbon_kg
    assert answer["manifest"] == manifest(stored)
    hours = plan.scenario.horizon.step_h
    assert sum(answer["steps"]["import_mw"]) * hours == pytest.approx(plan.replay_figures.import_mwh)
    assert sum(row["amount"] for row in answer["bill"]) == pytest.approx(plan.replay_figures.cost)
    assert len(answer["hours"]) == 24
    kg = [row["heat_carbon_kg"] for row in answer["heats"]]
    assert sum(one or 0.0 for one in kg) == pytest.approx(plan.replay_figures.carbon_kg, rel=1e-9)

    rows = read(export(stored, "csv", tmp_path / "plan.csv"))
    assert [(row["heat"], row["unit"]) for row in rows] == [(row["heat"], row["unit"]) for row in answer["heats"]]
    for row, other in zip(rows, answer["heats"], strict=True):
        assert float(row["energy_mwh"]) == pytest.approx(other["energy_mwh"], abs=5e-4)
        assert datetime.fromisoformat(row["start"]) == datetime.fromisoformat(other["start"])
        assert row["run"] == stored.id
    # at the last operation of each heat alone, else the column's sum is three times too much
    assert sum(float(row["heat_carbon_kg"] or 0) for row in rows) == pytest.approx(
        plan.replay_figures.carbon_kg, abs=2e-3
    )
    table = {row["heat"]: row for row in sorted(rows, key=lambda row: row["end"])}
    assert all(row["heat_carbon_kg"] == "" for row in rows if row is not table[row["heat"]])


def test_a_csv_has_its_manifest_next_to_it(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: the table stays clean and the file next to it says where it is from. Sensitivity: a line of comment
    before the head, which most programs read as data."""
    path = export(stored, "csv", tmp_path / "hours.csv", table="hours")
    answer = json.loads(sidecar(path).read_text(encoding="utf-8"))
    assert answer == {"file": "hours.csv", "table": "hours", **manifest(stored)}
    assert path.read_text(encoding="utf-8").startswith("start,grid import [MWh],")
    assert len(read(path)) == 24


def test_times_are_the_plants(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: CSV carries local time with its offset. Sensitivity: UTC would end in +00:00."""
    result = stored.plan
    horizon = result.scenario.horizon.model_copy(update={"zone": "Asia/Kolkata"})
    scenario = result.scenario.model_copy(update={"horizon": horizon})
    scenario._inputs = result.scenario.inputs
    moved = keep(dataclasses.replace(result, scenario=scenario))
    rows = read(export(moved, "csv", tmp_path / "plan.csv"))
    assert all(row["start"].endswith("+05:30") for row in rows)
    assert result.replay is not None
    first = moved.plan.scenario.horizon.instant(float(result.replay["op_start_min"].min()))
    assert rows[0]["start"] == first.isoformat(timespec="minutes")


@pytest.mark.parametrize("plant", list(PLANS))
def test_parquet_comes_back_equal(tmp_path: Path, plant: str) -> None:
    """Proves: every table of every plant comes back equal to itself, types and zone included, and its schema tells the
    manifest. Sensitivity: times as texts, a zone lost, numbers rounded."""
    run = stored_run(plant)
    text = 0
    for name in TABLES:
        if (name == "heats" and plant != "line") or (name == "runs" and plant != "works"):
            continue
        path = export(run, "parquet", tmp_path / f"{name}.parquet", table=name)
        _, frame = by_name(run, name)
        back = pd.read_parquet(path)
        pd.testing.assert_frame_equal(back, frame, check_dtype=len(frame) > 0)
        answer = json.loads(pq.read_schema(path).metadata[KEY])
        assert answer == {"table": name, **manifest(run)}
        text += len(frame)
        if "start" in frame and len(frame):
            assert isinstance(back["start"].dtype, pd.DatetimeTZDtype)
    assert text > 20


@pytest.mark.parametrize(("day", "hours"), [("2026-10-25", 25), ("2026-03-29", 23)])
def test_hours_of_the_day_when_clocks_change(tmp_path: Path, day: str, hours: int) -> None:
    """Proves: CSV and Parquet have an hour for each hour that passes, an hour apart, and a day tells how many it has.

    Sensitivity: hours by their local name are 24."""
    run = stored_run(day)
    rows = read(export(run, "csv", tmp_path / "hours.csv", table="hours"))
    starts = [datetime.fromisoformat(row["start"]) for row in rows]
    back = pd.read_parquet(export(run, "parquet", tmp_path / "hours.parquet", table="hours"))
    assert len(rows) == len(back) == hours
    assert {(b - a).total_seconds() for a, b in pairwise(starts)} == {3600.0}
    assert [at.timestamp() for at in back["start"]] == [at.timestamp() for at in starts]
    by_day = by_hour(run.plan, by_day=True)
    assert by_day["day"].tolist() == [day]
    assert by_day["hours"].tolist() == [hours]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@A1", "\t=1", "\r=1", "\n=1", "＝1"])
def test_what_would_be_calculated_gets_an_apostrophe(text: str) -> None:
    """Proves: each beginning at which a spreadsheet calculates is defused, and a plain one is left alone."""
    assert uncalculated(text) == f"'{text}"
    assert uncalculated("A-1 = b") == "A-1 = b"


def test_hostile_names_stay_texts(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: in CSV no cell and no head begins a formula; JSON and Parquet hold the names as they are.

    Sensitivity: a name at the head of a column, or with a line break, that a spreadsheet reads as a cell of its own."""
    run = renamed(stored)
    for table in ("heats", "machines", "hours", "steps", "bill", "ledger"):
        path = export(run, "csv", tmp_path / f"{table}.csv", table=table)
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                for cell in row:
                    number = cell.lstrip("-").replace(".", "").replace("e-", "").isdigit()
                    assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")), cell
    heats = read(tmp_path / "heats.csv")
    assert {row["heat"] for row in heats} == {uncalculated(HOSTILE[name]) for name in ("A-1", "A-2", "B-1")}
    assert f"'{SHORT}" in {row["heat"] for row in heats}
    assert {len(row["order"]) for row in heats} == {len("'@SUM(A1)"), 40_000}
    assert {row["unit"] for row in heats} == {"'=F|0", "L", "C"}
    assert any(row["source"] == "'+melting: electrodes" for row in read(tmp_path / "ledger.csv"))
    answer = json.loads(export(run, "json", tmp_path / "plan.json").read_text(encoding="utf-8"))
    back = pd.read_parquet(export(run, "parquet", tmp_path / "plan.parquet"))
    for names in ({row["heat"] for row in answer["heats"]}, set(back["heat"])):
        assert names == {HOSTILE[name] for name in ("A-1", "A-2", "B-1")}
    assert printable("a\x07\ud800b\tc\n") == "a\ufffd\ufffdb\tc\n"


def test_figures_add_up_where_stocks_differ() -> None:
    """Proves: saved is baseline less plan in each row; what stock is worth has a row, and the row with it is what the
    plan says is saved. Sensitivity: a credit within the row of carbon, which then does not add up."""
    run = stored_run("works")
    assert run.plan.replay_figures is not None
    more = {**run.plan.replay_figures.stock, "clinker": run.plan.replay_figures.stock["clinker"] + 10}
    plan = dataclasses.replace(
        run.plan, replay_figures=dataclasses.replace(run.plan.replay_figures, stock=more)
    )  # fmt: skip
    text = figures(plan)
    rows = text[text["saved"].notna() & text["plan"].notna()]
    assert (rows["baseline"] - rows["plan"]).tolist() == pytest.approx(rows["saved"].tolist())
    saved, by_name = plan.saved(), text.set_index("figure")["saved"]
    assert by_name["carbon, stock credited"] == pytest.approx(saved["carbon_kg"])
    assert by_name["cost, stock credited"] == pytest.approx(saved["cost"])
    assert by_name["to end with the baseline's stock"].tolist() == pytest.approx(
        [saved["stock_carbon_kg"], saved["stock_cost"]]
    )
