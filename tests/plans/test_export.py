"""What leaves a plan: Excel read back by another library, CSV and JSON against the figures, and nothing by halves."""

from __future__ import annotations

import csv
import dataclasses
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import planned
import pytest
from pydantic import ValidationError
from python_calamine import CalamineWorkbook
from xlsxwriter.exceptions import FileCreateError

from plans import Plan, export
from plans.export import FORMATS
from plans.store import Store, StoredRun
from scenarios.orders import HeatEntry, Order

FORMULA = "=cmd|'/C calc'!A0"


@pytest.fixture
def made() -> Plan:
    return planned.made()


@pytest.fixture
def unplanned() -> Plan:
    return planned.unplanned()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


@pytest.fixture
def stored(store: Store, made: Plan) -> StoredRun:
    with store.working(made.scenario) as run:
        store.save(run, made)
    return store.open(run)


def sheets(path: Path) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_path(str(path))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def records(table: list[list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(table[0], row, strict=True)) for row in table[1:]]


def renamed(run: StoredRun, **names: str) -> StoredRun:
    """The run with texts that no scenario may carry: as if the patterns had let them through."""
    scenario = run.plan.scenario
    orders = (scenario.orders[0].model_copy(update={"name": names["order"]}), *scenario.orders[1:])
    heats = {entry.name: entry for entry in scenario.heats}
    replaced = scenario.model_copy(update={"orders": orders, "title": names.get("title", "")})
    replaced._inputs = scenario.inputs
    # heats keep their names, which the datasets hold
    replaced.__dict__["heats"] = tuple(
        dataclasses.replace(heat, order=names["order"]) if heat.order == scenario.orders[0].name else heat
        for heat in heats.values()
    )
    return dataclasses.replace(run, plan=dataclasses.replace(run.plan, scenario=replaced))


def test_excel_holds_the_figures_the_heats_and_the_gantt(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: sheets, figures, local times and coloured cells are those of the replay, read by another library.

    Sensitivity: UTC instead of the plant's time, or a Gantt shifted by one step, fails here."""
    plan = stored.plan
    assert plan.replay is not None
    assert plan.replay_figures is not None
    found = sheets(export.export(stored, "xlsx", tmp_path / "plan.xlsx"))
    assert list(found) == ["Figures", "Heats", "Gantt", "Steps", "Bill", "Ledger", "Manifest"]
    assert sum(row["amount"] for row in records(found["Bill"])) == pytest.approx(plan.replay_figures.cost)
    scopes = ("1", "2 bought", f"2 {plan.scenario.goal.signal}")
    counted = [row["kg"] for row in records(found["Ledger"]) if row["scope"] in scopes]
    assert sum(counted) == pytest.approx(plan.replay_figures.carbon_kg)

    rows = {row["figure"]: row for row in records([row[:6] for row in found["Figures"][:10]])}
    for label, name in (("carbon, scope 1 and 2", "carbon_kg"), ("cost", "cost"), ("tonnes", "tonnes")):
        before, after = getattr(plan.baseline_figures, name), getattr(plan.replay_figures, name)
        assert rows[label]["foreman"] == pytest.approx(before, abs=1e-9)
        assert rows[label]["plan"] == pytest.approx(after, abs=1e-9)
        assert rows[label]["saved"] == pytest.approx(before - after, abs=1e-9)
    assert rows["scope 2, marginal intensity"]["foreman"] == "not given"

    heats = records(found["Heats"])
    assert len(heats) == plan.replay.sizes["operation"] == 9
    assert sum(row["energy_mwh"] for row in heats) == pytest.approx(float(plan.replay["op_energy_mwh"].sum()))
    kg = {row["heat"]: row["heat_carbon_kg"] for row in heats}
    assert sum(kg.values()) == pytest.approx(plan.replay_figures.carbon_kg, rel=1e-9)
    starts = {
        (str(heat), str(unit)): plan.scenario.horizon.instant(start).replace(tzinfo=None)
        for heat, unit, start in zip(
            *(plan.replay[f"op_{name}"].values.tolist() for name in ("heat", "unit", "start_min")), strict=True
        )
    }
    assert {(row["heat"], row["unit"]): row["start"] for row in heats} == starts

    steps = records(found["Steps"])
    assert [row["import_mw"] for row in steps] == pytest.approx(plan.replay["import_mw"].values.tolist())
    assert sum(row["grid_average_kg"] for row in steps) == pytest.approx(plan.replay_figures.grid_average_kg)

    gantt = found["Gantt"]
    assert [row[0] for row in gantt[1:]] == ["F", "L", "C"]
    assert len(gantt[0]) == 1 + plan.scenario.horizon.n_steps
    cells = {(text, row[0]): column for row in gantt[1:] for column, text in enumerate(row[1:]) if text}
    midnight = datetime(2026, 3, 10)  # noqa: DTZ001  Excel's cells carry no zone
    assert cells == {key: int((at - midnight).total_seconds() // 900) for key, at in starts.items()}
    assert dict(row[:2] for row in found["Manifest"])["run"] == stored.id


def test_times_are_the_plants(store: Store, made: Plan, tmp_path: Path) -> None:
    """Proves: CSV and JSON carry local time with its offset. Sensitivity: UTC would end in +00:00."""
    horizon = made.scenario.horizon.model_copy(update={"zone": "Asia/Kolkata"})
    scenario = made.scenario.model_copy(update={"horizon": horizon})
    scenario._inputs = made.scenario.inputs
    with store.working(scenario) as run:
        store.save(run, dataclasses.replace(made, scenario=scenario))
    stored = store.open(run)
    rows = list(csv.DictReader(export.export(stored, "csv", tmp_path / "plan.csv").read_text().splitlines()))
    assert all(row["start"].endswith("+05:30") for row in rows)
    assert made.replay is not None
    first = stored.plan.scenario.horizon.instant(float(made.replay["op_start_min"].min()))
    assert rows[0]["start"] == first.isoformat(timespec="minutes")


def test_json_and_csv_are_the_plan(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: what is read back adds up to the figures. Sensitivity: a heat left out fails here."""
    plan = stored.plan
    assert plan.replay_figures is not None
    text = export.export(stored, "json", tmp_path / "plan.json").read_text(encoding="utf-8")
    said = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert said["summary"] == json.loads(json.dumps(plan.summary()))
    assert said["summary"]["replay"]["carbon_kg"] == plan.replay_figures.carbon_kg
    assert said["manifest"]["run"] == stored.id
    hours = plan.scenario.horizon.step_h
    assert sum(said["steps"]["import_mw"]) * hours == pytest.approx(plan.replay_figures.import_mwh)
    kg = {row["heat"]: row["heat_carbon_kg"] for row in said["heats"]}
    assert sum(kg.values()) == pytest.approx(plan.replay_figures.carbon_kg, rel=1e-9)

    lines = export.export(stored, "csv", tmp_path / "plan.csv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines))
    assert [(row["heat"], row["unit"]) for row in rows] == [(row["heat"], row["unit"]) for row in said["heats"]]
    for row, other in zip(rows, said["heats"], strict=True):
        assert float(row["energy_mwh"]) == pytest.approx(other["energy_mwh"], abs=5e-4)
        assert datetime.fromisoformat(row["start"]) == datetime.fromisoformat(other["start"])
        assert row["run"] == stored.id


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "a\n=1", "", "x" * 41, "../x", "ä=1"])
def test_names_cannot_be_formulas(name: str) -> None:
    """Proves: the pattern of names refuses what a spreadsheet would calculate. Sensitivity: ``=cmd()`` accepted."""
    with pytest.raises(ValidationError):
        HeatEntry(grade="G", name=name)
    with pytest.raises(ValidationError):
        Order(name=name, heats=(HeatEntry(grade="G"),))


def test_text_that_looks_like_a_formula_stays_text(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: were such a text to reach a file, no spreadsheet would calculate it; the title may be any text.

    Sensitivity: without the escape, the CSV's cell begins with ``=``; with formulas allowed the sheet has ``<f>``."""
    run = renamed(stored, order=FORMULA, title="=1+1")
    rows = list(csv.DictReader(export.export(run, "csv", tmp_path / "a.csv").read_text().splitlines()))
    assert {row["order"] for row in rows} == {f"'{FORMULA}", "B"}
    path = export.export(run, "xlsx", tmp_path / "a.xlsx")
    found = sheets(path)
    assert dict(row[:2] for row in found["Manifest"])["title"] == "=1+1"
    assert FORMULA in {row["order"] for row in records(found["Heats"])}
    with zipfile.ZipFile(path) as book:
        for name in book.namelist():
            if name.startswith("xl/worksheets/"):
                assert b"<f>" not in book.read(name), name


@pytest.mark.parametrize("kind", FORMATS)
def test_without_a_schedule_there_is_nothing_to_export(
    store: Store, unplanned: Plan, tmp_path: Path, kind: str
) -> None:
    """Proves: a run without a schedule is refused in one line, and no file appears."""
    with store.working(unplanned.scenario) as run:
        store.save(run, unplanned)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(ValueError, match="has no schedule to export"):
        export.export(store.open(run), kind, out / f"plan.{kind}")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("kind", FORMATS)
def test_a_failure_leaves_nothing_half_written(
    stored: StoredRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Proves: when the last part fails, the file that was there stays as it was and no partial one is left.

    Sensitivity: writing straight to the path would leave a torn file."""
    out = tmp_path / "out"
    out.mkdir()
    path = out / f"plan.{kind}"
    path.write_text("earlier", encoding="utf-8")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "manifest", fail)
    monkeypatch.setattr("pandas.DataFrame.to_csv", fail)
    with pytest.raises(OSError, match="No space"):
        export.export(stored, kind, path)
    assert [left.name for left in out.iterdir()] == [path.name]
    assert path.read_text(encoding="utf-8") == "earlier"
    monkeypatch.undo()
    export.export(stored, kind, path)
    assert [left.name for left in out.iterdir()] == [path.name]


def test_an_unknown_format_or_folder_is_refused(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: nothing is written where the format or the folder is not known."""
    with pytest.raises(ValueError, match="formats are xlsx, csv, json"):
        export.export(stored, "doc", tmp_path / "plan.doc")
    for kind in FORMATS:
        with pytest.raises((OSError, FileCreateError)):
            export.export(stored, kind, tmp_path / "nowhere" / f"plan.{kind}")
    assert not (tmp_path / "nowhere").exists()
