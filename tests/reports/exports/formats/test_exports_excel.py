"""Excel, read back by another library than wrote it, and opened by LibreOffice."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from datetime import datetime
from pathlib import Path

import planned
import pytest
from exported import HOSTILE, SHORT, TITLE, keep, records, renamed, sheets, simulated, stored_run
from lxml import html
from shops import cast

from emberline.planning.answer.wording import percent
from emberline.reports.exports import crews, export
from emberline.reports.exports.worded import printable
from emberline.runs.store.run_folder import StoredRun


@pytest.fixture
def stored() -> StoredRun:
    return stored_run("line")


def test_it_holds_the_figures_the_heats_and_the_gantt(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: sheets, figures, local times and coloured cells are those of the replay, read by another library.

    Sensitivity: UTC instead of the plant's time, or a Gantt shifted by one step, fails here."""
    plan = stored.plan
    assert plan.replay is not None
    assert plan.replay_figures is not None
    result = sheets(export(stored, "xlsx", tmp_path / "plan.xlsx"))
    assert list(result) == [
        "Figures", "Gantt", "Heats", "Machines", *(f"Unit {name}" for name in crews.crews(stored)),
        "Hours", "Bill", "Ledger", "Steps", "Manifest",
    ]  # fmt: skip
    assert sum(row["amount [EUR]"] for row in records(result["Bill"])) == pytest.approx(plan.replay_figures.cost)
    scopes = ("1", "2 bought", f"2 {plan.scenario.goal.signal}")
    counted = [1000 * row["carbon [t CO2e]"] for row in records(result["Ledger"]) if row["scope"] in scopes]
    assert sum(counted) == pytest.approx(plan.replay_figures.carbon_kg)

    rows = {row["figure"]: row for row in records([row[:6] for row in result["Figures"]])}
    message = (("carbon", "carbon_kg", 1e-3), ("cost", "cost", 1))
    for label, name, scale in message:
        before, after = (getattr(sums, name) * scale for sums in (plan.baseline_figures, plan.replay_figures))
        assert rows[label]["baseline"] == pytest.approx(before, abs=1e-9)
        assert rows[label]["plan"] == pytest.approx(after, abs=1e-9)
        assert rows[label]["saved"] == pytest.approx(before - after, abs=1e-9)
    assert rows["carbon"]["unit"] == "t CO2e"
    assert rows["scope 2, marginal"]["baseline"] == "not given"
    assert any(str(row[0]).startswith("Status: ") and "bound" in row[0] for row in result["Figures"])

    heats = records(result["Heats"])
    assert len(heats) == plan.replay.sizes["operation"] == 9
    assert sum(row["electricity [MWh]"] for row in heats) == pytest.approx(float(plan.replay["op_energy_mwh"].sum()))
    carbon = [row["carbon of the heat [t CO2e]"] for row in heats]
    kg = [1000 * tonnes for tonnes in carbon if tonnes != ""]
    assert len(kg) == 3
    assert sum(kg) == pytest.approx(plan.replay_figures.carbon_kg, rel=1e-9)
    starts = {
        (str(heat), str(unit)): plan.scenario.horizon.instant(start).replace(tzinfo=None)
        for heat, unit, start in zip(
            *(plan.replay[f"op_{name}"].values.tolist() for name in ("heat", "unit", "start_min")), strict=True
        )
    }
    assert {(row["heat"], row["unit"]): row["start"] for row in heats} == starts

    steps = records(result["Steps"])
    assert [row["import [MW]"] for row in steps] == pytest.approx(plan.replay["import_mw"].values.tolist())
    assert sum(1000 * row["scope 2, average intensity [t CO2e]"] for row in steps) == pytest.approx(
        plan.replay_figures.grid_average_kg
    )

    gantt = result["Gantt"]
    assert [row[0] for row in gantt[1:5]] == ["F", "L", "C", "battery"]
    assert len(gantt[0]) == 1 + plan.scenario.horizon.n_steps
    legend = {text for row in gantt[5:] for text in row if text}
    assert {f"order {order.name}" for order in plan.scenario.orders} <= legend
    cells = {(text, row[0]): column for row in gantt[1:5] for column, text in enumerate(row[1:]) if text}
    midnight = datetime(2026, 3, 10)  # noqa: DTZ001  Excel's cells carry no zone
    assert cells == {key: int((at - midnight).total_seconds() // 900) for key, at in starts.items()}
    manifest = dict(row[:2] for row in result["Manifest"])
    assert manifest["run"] == stored.id
    assert manifest["gap on what can be decided"] == percent(plan.gap or 0.0)


def test_hours_are_the_sums_of_the_steps(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: each hour has its energy and its kilograms, in the units of its column, and they add up to the figures.

    Sensitivity: a mean for a sum is four times too much on quarter-hours, an hour off moves every row."""
    plan = stored.plan
    assert plan.replay is not None
    assert plan.replay_figures is not None
    hours = records(sheets(export(stored, "xlsx", tmp_path / "plan.xlsx"))["Hours"])
    quarters = plan.replay["import_mw"].to_numpy().reshape(24, 4)
    assert [row["grid import [MWh]"] for row in hours] == pytest.approx(quarters.sum(axis=1) / 4)
    assert [row["start"].hour for row in hours[1:]] == list(range(1, 24))  # midnight is read as a day
    sums = plan.replay_figures
    assert sum(row["grid import [MWh]"] for row in hours) == pytest.approx(sums.import_mwh)
    assert sum(1000 * row["scope 1 [t CO2e]"] for row in hours) == pytest.approx(sums.direct_kg)
    assert sum(1000 * row["scope 2, average intensity [t CO2e]"] for row in hours) == pytest.approx(
        sums.grid_average_kg
    )
    by_hour = plan.scenario.inputs["carbon_intensity_kg_per_mwh"].to_numpy().reshape(24, 4).mean(axis=1)
    assert [row["average intensity [kg CO2e/MWh]"] for row in hours] == pytest.approx(by_hour)


@pytest.mark.parametrize(("day", "hours"), [("2026-10-25", 25), ("2026-03-29", 23)])
def test_the_hour_that_comes_twice_has_its_offset(tmp_path: Path, day: str, hours: int) -> None:
    """Proves: where clocks change the day has its 25 or 23 hours and an offset stands next to each local time.

    Sensitivity: local hours taken together would be 24; without the offset two rows begin alike."""
    result = sheets(export(stored_run(day), "xlsx", tmp_path / "plan.xlsx"))
    rows = records(result["Hours"])
    items = [(row["start"], row["start offset"]) for row in rows]
    assert len(rows) == len(set(items)) == hours
    assert {offset for _, offset in items} == {"UTC+01:00", "UTC+02:00"}
    twos = [row for row in rows if getattr(row["start"], "hour", 0) == 2]
    assert len(twos) == hours - 23
    heats = records(result["Heats"])
    assert {row["start offset"] for row in heats} == {"UTC+01:00", "UTC+02:00"}


def test_offsets_stand_there_where_clocks_change_later(tmp_path: Path) -> None:
    """Proves: on a day on which clocks change each time has its offset, also in a table that ends before they do,
    on the sheet and in the report. Sensitivity: a table judged by its own times alone."""
    horizon = {"start": "2026-10-25", "zone": "Europe/Berlin", "days": 1, "length_h": None}
    run = keep(simulated(planned.shop(name="one", horizon=horizon, orders=[cast("A", 1)])))
    assert run.plan.scenario.horizon.clocks_change
    rows = records(sheets(export(run, "xlsx", tmp_path / "plan.xlsx"))["Heats"])
    assert len(rows) == 3
    assert rows[0]["start offset"] == "UTC+02:00"
    root = html.fromstring(export(run, "html", tmp_path / "plan.html").read_text(encoding="utf-8"))
    times = [cell.text_content() for cell in root.xpath("//td[@class='time']")]
    assert times
    assert all(re.search(r"\+0[12]:00$", time) for time in times), times


def test_a_site_has_its_machines(tmp_path: Path) -> None:
    """Proves: a site alone has what its machines and its battery do, as rows and in the Gantt. Sensitivity: no heats,
    no sheet."""
    result = sheets(export(stored_run("site"), "xlsx", tmp_path / "plan.xlsx"))
    assert list(result) == ["Figures", "Gantt", "Machines", "Hours", "Bill", "Ledger", "Steps", "Manifest"]
    engine = [row for row in records(result["Machines"]) if row["unit"] == "engine"]
    assert [(row["what"], row["start"].hour, row["end"].hour) for row in engine] == [("on", 2, 4)]
    assert (engine[0]["amount"], engine[0]["unit of measure"]) == (pytest.approx(4.0), "MWh")
    assert [row[0] for row in result["Gantt"][1:4]] == ["boiler", "engine", "battery"]


def test_hostile_names_stay_texts(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: whatever the names, no cell is a formula or a link, and each reads as it was, cut where a cell ends.

    Sensitivity: with formulas allowed the sheet has ``<f>``; a text too long would be missing without a word."""
    path = export(renamed(stored), "xlsx", tmp_path / "plan.xlsx")
    result = sheets(path)
    heats = records(result["Heats"])
    assert {row["heat"] for row in heats} == {printable(HOSTILE[name]) for name in ("A-1", "A-2", "B-1")}
    assert {row["order"] for row in heats} == {HOSTILE["A"], f"{'x' * 32_766}…"}
    assert {row["unit"] for row in heats} == {"=F|0", "L", "C"}
    assert result["Gantt"][1][0] == "=F|0"
    assert SHORT in result["Gantt"][1]
    assert dict(row[:2] for row in result["Manifest"])["title"] == TITLE
    with zipfile.ZipFile(path) as book:
        for name in book.namelist():
            if name.startswith("xl/worksheets/"):
                assert b"<f>" not in book.read(name), name
                assert b"hyperlink" not in book.read(name), name


@pytest.mark.libreoffice
@pytest.mark.parametrize("names", ["plain", "hostile"])
def test_libreoffice_opens_and_prints_it(stored: StoredRun, tmp_path: Path, libreoffice: Path, names: str) -> None:
    """Proves: LibreOffice opens the workbook and prints every sheet, texts as texts: the heat's name stands there, and
    no cell shows an error.

    Sensitivity: a damaged file gives no PDF; ``=cmd()`` as a formula would show ``#NAME?`` or ``Err:508``."""
    run = renamed(stored) if names == "hostile" else stored
    path = export(run, "xlsx", tmp_path / "plan.xlsx")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    for target in ("pdf", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"):
        process = subprocess.run(
            [libreoffice, profile, "--headless", "--convert-to", target, "--outdir", tmp_path, path],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert process.returncode == 0, process.stderr
    assert (tmp_path / "plan.pdf").stat().st_size > 20_000
    sheet = (tmp_path / "plan-Heats.csv").read_text(encoding="utf-8")
    assert ("=cmd()" if names == "hostile" else "A-1") in sheet
    every = "".join(file.read_text(encoding="utf-8") for file in tmp_path.glob("plan-*.csv"))
    assert not [error for error in ("#NAME?", "#VALUE!", "#REF!", "Err:5") if error in every]
    shutil.rmtree(tmp_path / "profile")


def test_a_mill_reads_its_tariff(tmp_path: Path) -> None:
    """Proves: a step has the price of its hour in the tariff, an hour what its import costs by it; no column is there
    for PV and battery, rounding of the search is zero, cost comes first where it is the goal, and a run of the unit's
    sheet has tonnes, rate and electricity. Sensitivity: the spot price that there is not is 0."""
    result = sheets(export(stored_run("mill"), "xlsx", tmp_path / "plan.xlsx"))
    steps = records(result["Steps"])
    assert [row["price with tariff [EUR/MWh]"] for row in steps] == 2 * [*[72] * 6, *[135] * 16, *[72] * 2]
    heads = [str(head) for head in (*result["Steps"][0], *result["Hours"][0])]
    assert not [head for head in heads if re.match("price \\[|pv|PV|battery|charge|discharge|export", head)]
    assert [row["baseline line [MW]"] for row in steps] == [4] * 20 + [0] * 28
    hours = records(result["Hours"])
    assert [hours[at]["energy and assets [EUR]"] for at in (5, 6, 22)] == [5 * 72, 135, 5 * 72]
    assert result["Figures"][1][0] == "cost"
    run = records(result["Unit mill"])[2]
    assert [run[name] for name in ("makes", "mean rate [t/h]", "electricity [MWh]", "cement at the end [t]")] == [
        "1\u202f200 t cement", 100, 48, 1680,
    ]  # fmt: skip
