"""What leaves a plan of processes: files, words and stored runs, from a works written down by hand."""

from __future__ import annotations

import csv
import dataclasses
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import records, sheets
from rich.console import Console
from works import KILN, STORES, TRUCKS, as_run, compared, trajectory, works

from emberline.planning import Plan
from emberline.planning.accounts.sums import figures
from emberline.planning.accounts.unit_runs import Count, UnitRun, counts, unit_runs
from emberline.planning.answer import figure_table
from emberline.reports.exports import crews, export, manifest
from emberline.reports.text import wording
from emberline.runs.store.store import Store, StoredRun
from emberline.ui.cli import terminal

GRINDING = {
    "name": "mill",
    "rate": 100.0,
    "power_mw": 4.0,
    "inputs": [{"store": "clinker", "per_t": 0.8}],
    "state": {"mode": "I"},
    "modes": [
        {"name": "I", "outputs": [{"store": "cement"}]},
        {"name": "III", "outputs": [{"store": "slag cement"}], "inputs": [{"store": "clinker", "per_t": 0.4}]},
    ],
}
KILN_ON = [("kiln", 100.0)] * 6
MILL = [("I", 100.0), ("III", 0.0), ("III", 100.0), ("III", 100.0), ("", 0.0), ("I", 100.0)]
BASELINE = [("I", 100.0), ("I", 100.0), ("", 0.0), ("III", 0.0), ("III", 100.0), ("III", 0.0)]
SHIP = {"name": "ship", "store": "slag cement", "amount_t": 90.0}


@pytest.fixture
def works_plan() -> Plan:
    """The kiln runs through; the mill changes over, stands, and starts in another grade. Stocks differ."""
    stores = [*STORES, {"name": "slag cement", "capacity_t": 1000.0, "level_t": 100.0}]
    case = works(KILN, GRINDING, stores=stores, deliveries=[TRUCKS, SHIP], hours=6, title="=1+1")
    ship = {"ship": [0, 0, 0, 90.0, 0, 0]}
    baseline = trajectory(case, {"kiln": KILN_ON, "mill": BASELINE}, delivered=ship)
    table = {"kiln": KILN_ON, "mill": MILL}
    plan = trajectory(
        case, table, delivered=ship, off_spec={"mill": [0, 0, 10.0, 0, 0, 0]}, extra_mw={"mill": [0, 1, 0, 0, 0, 0]}
    )
    return compared(case, baseline, plan)


@pytest.fixture
def stored(works_plan: Plan, tmp_path: Path) -> StoredRun:
    store = Store(tmp_path / "home")
    with store.working(works_plan.scenario) as run:
        store.save(run, works_plan)
    return store.open(run)


def test_runs_and_change_overs_of_a_unit(works_plan: Plan) -> None:
    """Proves: runs, change-over and standstill of a mill are reported as they are, steps, tonnes and energy, and
    counted.

    Sensitivity: a change-over taken for a start-up, one at the horizon's start not seen, a run cut where nothing is."""
    assert works_plan.replay is not None
    rows = [run for run in unit_runs(works_plan.scenario, works_plan.replay) if run.unit == "mill"]
    assert rows == [
        UnitRun("mill", "run", "I", 0, 1, 100.0, 0.0, 4.0),
        UnitRun("mill", "change-over", "III", 1, 2, 0.0, 0.0, 1.0),
        UnitRun("mill", "run", "III", 2, 4, 200.0, 10.0, 8.0),
        UnitRun("mill", "run", "I", 5, 6, 100.0, 0.0, 4.0),
    ]
    assert counts(works_plan.scenario, works_plan.replay) == {"kiln": Count(1, 0, 6.0), "mill": Count(3, 1, 4.0)}
    what = [
        (run.what, run.first, run.last)
        for run in unit_runs(works_plan.scenario, works_plan.baseline)
        if run.unit == "mill"
    ]
    assert what == [("run", 0, 2), ("start-up", 3, 4), ("run", 4, 5), ("waits", 5, 6)]
    changed = trajectory(
        works_plan.scenario, {"mill": [("III", 0.0), ("III", 100.0), ("I", 100.0)]}, delivered={"ship": [0.0] * 6}
    )
    assert counts(works_plan.scenario, changed)["mill"] == Count(2, 2, 2.0)
    assert next(unit_runs(works_plan.scenario, changed)).what == "change-over"


def test_excel_of_a_works(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: runs, levels, deliveries and carbon of the products are those of the replay, read by another library, in
    local times; there is no sheet of heats, and what is saved counts the stock;
    the sheets stand in the order in which a planner reads them: figures, schedule, trucks, energy, accounts, data.

    Sensitivity: UTC, steps off by one, a store's opening level for its end."""
    plan = stored.plan
    assert plan.replay is not None
    assert plan.replay_figures is not None
    assert plan.ledger is not None
    result = sheets(export(stored, "xlsx", tmp_path / "plan.xlsx"))
    assert list(result) == [
        "Figures", "Gantt", "Runs", *(f"Unit {name}" for name in crews.crews(stored)), "Deliveries", "Stores",
        "Hours", "Bill", "Ledger", "Products", "Whereabouts", "Steps", "Manifest",
    ]  # fmt: skip
    runs = records(result["Runs"])
    grinds = [row for row in runs if row["unit"] == "mill"]
    assert [(row["what"], row["mode"], row["made [t]"]) for row in grinds] == [
        ("run", "I", 100), ("change-over", "III", 0), ("run", "III", 200), ("run", "I", 100),
    ]  # fmt: skip
    assert (grinds[2]["start"], grinds[2]["end"]) == (datetime(2026, 1, 5, 2), datetime(2026, 1, 5, 4))  # noqa: DTZ001
    assert (grinds[2]["mean rate [t/h]"], grinds[2]["off spec [t]"]) == (100, 10)
    base = 6 * 1.0
    assert sum(row["electricity [MWh]"] for row in runs) == pytest.approx(plan.replay_figures.energy_mwh - base)

    levels = records(result["Stores"])
    assert len(levels) == 6
    assert levels[-1]["end"] == datetime(2026, 1, 5, 6)  # noqa: DTZ001
    assert {name: levels[-1][f"{name} [t]"] for name in plan.scenario.store} == pytest.approx(plan.replay_figures.stock)
    assert levels[-1]["baseline clinker [t]"] == pytest.approx(plan.baseline_figures.stock["clinker"])

    sent = {row["delivery"]: row for row in records(result["Deliveries"])}
    assert [sent["ship"][f"{name} [t]"] for name in ("asked", "delivered", "baseline")] == [90, 90, 90]
    assert sent["ship"]["first"] == datetime(2026, 1, 5, 3)  # noqa: DTZ001
    assert [sent["trucks"][f"{name} [t]"] for name in ("asked", "delivered")] == [180, 180]
    per_t = plan.replay_figures.stock_kg_per_t
    assert sent["trucks"]["carbon [t CO2e]"] == pytest.approx(0.18 * per_t["cement"])

    carbon = [row for row in records(result["Products"]) if row["store"] == "clinker"]
    items = [row for row in carbon if row["scope"] == "scope 1" and row["kind"] != "all"]
    direct = {row["source"]: row["carbon [kg CO2e/t]"] for row in items}
    assert direct == pytest.approx({"calcination": 500, "coal": 300})
    table = {"scope 1": plan.ledger.direct_kg, "scope 2, average intensity": plan.ledger.grid["average"]}
    for scope, kg in table.items():
        row = next(row for row in records(result["Whereabouts"]) if row["scope"] == scope)
        assert all(name.endswith("[t CO2e]") for name in row if name != "scope")
        assert sum(1000 * value for name, value in row.items() if name != "scope") == pytest.approx(kg, rel=1e-9)

    gantt = result["Gantt"]
    assert [row[0] for row in gantt[1:3]] == ["kiln", "mill"]
    assert [text for text in gantt[2][1:] if text] == ["I", "III", "I"]
    assert gantt[2][1] == "I"
    assert gantt[2][3] == "III"
    steps = records(result["Steps"])
    assert [row["mill mode"] for row in steps] == ["I", "III", "III", "III", "", "I"]
    assert [row["clinker [t]"] for row in steps] == pytest.approx(plan.replay["stock_t"].sel(stock="clinker").values)
    rows = {row["figure"]: row for row in records([row[:6] for row in result["Figures"]])}
    assert rows["carbon, stock credited"]["saved"] == pytest.approx(plan.saved()["carbon_kg"] / 1000)
    assert rows["cost, stock credited"]["saved"] == pytest.approx(plan.saved()["cost"])
    assert any("clinker 40 t less" in str(row[0]) for row in result["Figures"])


def test_csv_and_json_of_a_works(stored: StoredRun, tmp_path: Path) -> None:
    """Proves: the CSV is the list of runs, and JSON holds it with stores, deliveries and products, no number missing.

    Sensitivity: NaN for a store into which nothing came is no JSON."""
    rows = list(csv.DictReader(export(stored, "csv", tmp_path / "plan.csv").read_text().splitlines()))
    assert [row["unit"] for row in rows] == ["kiln", "mill", "mill", "mill", "mill"]
    assert rows[1]["start"] == "2026-01-05T00:00+00:00"
    assert {row["run"] for row in rows} == {stored.id}
    text = export(stored, "json", tmp_path / "plan.json").read_text(encoding="utf-8")
    answer = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert answer["heats"] == []
    assert [row["mode"] for row in answer["runs"]] == [row["mode"] for row in rows]
    assert answer["deliveries"][1]["delivered_t"] == 90
    assert len(answer["stores"]) == 6
    assert answer["steps"]["mill mode"] == ["I", "III", "III", "III", "", "I"]
    assert answer["summary"]["products"]["clinker"]["kg_per_t"] == pytest.approx(815)
    assert answer["summary"]["stock"]["stores"]["clinker"]["end_t"] == pytest.approx(400 + 600 - 80 - 80 - 80)


def test_a_stored_run_is_the_plan(works_plan: Plan, stored: StoredRun) -> None:
    """Proves: modes, streams, stocks and figures come back as they were. Sensitivity: texts read as numbers, figures
    without stocks."""
    back = stored.plan
    assert back.replay is not None
    assert works_plan.replay is not None
    assert back.replay.equals(works_plan.replay)
    assert back.replay["process_mode"].values.tolist() == works_plan.replay["process_mode"].values.tolist()
    assert back.replay["stream_unit"].values.tolist() == works_plan.replay["stream_unit"].values.tolist()
    assert back.replay_figures == works_plan.replay_figures
    assert back.saved() == works_plan.saved()
    assert back.summary() == works_plan.summary()


def test_words_of_a_works(works_plan: Plan) -> None:
    """Proves: the planner reads what is delivered, runs and change-overs, carbon of the products, what is saved by the
    tonne and how much of it lies in stock; the parts of the table add up.

    Sensitivity: a saving that does not count the stock."""
    table = dict(line for line in wording.outcomes(works_plan) if line[0])
    assert table["delivered"] == "270 t: trucks 180 t, ship 90 t"
    assert table["units"] == "kiln: 1 run, 6.0 h; baseline: 1 run, 6.0 h"
    lines = [text for _, text in wording.outcomes(works_plan)]
    assert "mill: 3 runs, 1 change-over, 4.0 h; baseline: 2 runs, 3.0 h" in lines
    assert table["products"].startswith("clinker 815.0 kg CO2e/t, cement ")
    saved, more = works_plan.saved(), works_plan.stock
    assert more is not None
    assert table["stock"].startswith(
        "at the end, compared with the baseline: clinker 40 t less, slag cement 90 t more; "
    )
    assert works_plan.replay_figures is not None
    rows = {
        row.label: row for row in figure_table.figure_totals(works_plan.baseline_figures, works_plan.replay_figures)
    }
    labels = [row.label for row in figure_table.figure_totals(works_plan.baseline_figures, works_plan.replay_figures)]
    assert labels.count(figure_table.STOCK) == 2
    assert rows["carbon, stock credited"].saved == pytest.approx(saved["carbon_kg"] / 1000)
    assert rows["cost, stock credited"].saved == pytest.approx(saved["cost"])
    assert rows["carbon"].saved != pytest.approx(saved["carbon_kg"] / 1000)
    for row in rows.values():  # every row adds up across
        if None not in (row.saved, row.baseline, row.plan):
            assert row.saved == pytest.approx((row.baseline or 0) - (row.plan or 0))
    parts = [
        row
        for row in figure_table.figure_totals(works_plan.baseline_figures, works_plan.replay_figures)
        if row.unit == "t CO2e"
    ]
    counted = {
        row.label: row.saved or 0
        for row in parts
        if row.label in ("  scope 1, direct", "  scope 2, average", figure_table.STOCK)
    }
    assert sum(counted.values()) == pytest.approx(saved["carbon_kg"] / 1000)
    assert rows["delivered"].plan == 270
    assert "production" not in rows
    assert wording.size(works_plan.scenario) == "2 units (kiln, mill), 3 stores, 270 t to deliver"
    console = Console(record=True, width=200)
    terminal.show(console, works_plan, "0" * 32, Path("folder"))
    view = console.export_text()
    assert "units     kiln: 1 run" in view
    assert "to end with the baseline's stock" in view


def test_violations_of_a_works_are_reported(works_plan: Plan) -> None:
    """Proves: violations of processes have words of their own, a baseline that misses a delivery is no comparison, and
    one that misses another limit names it.

    Sensitivity: a kind shown by its code; "does not meet every limit" without which one."""
    for kind in ("process", "delivery", "run", "rest", "ramp", "level"):
        table: dict[str, Any] = {
            "kind": kind,
            "heat": "",
            "unit": "mill",
            "at_min": 60.0,
            "amount": 3.0,
            "measure": "t",
        }
        text = wording.violation(table, works_plan.scenario.horizon)
        assert text.startswith(f"{wording.KINDS[kind]} (mill) by 3.00 t, ")
    bare = works_plan.baseline.drop_dims(["operation", "violation"])
    bare = bare.assign_coords(heat=np.array([], "U1"), stage=np.array([], "U1"))
    missed, low = as_run(bare, ("delivery", "ship")), as_run(bare, ("level", "silo"))
    short = Plan(**{**vars(works_plan), "baseline": low, "baseline_complete": False})
    note = wording.baseline_note(short)
    assert note is not None
    assert note.startswith(f"the baseline misses a limit here: {wording.KINDS['level']} (silo) by ")
    assert note.endswith("The plan is compared with it all the same.")
    assert "is compared" not in str(wording.baseline_note(Plan(**{**vars(short), "schedule": None})))
    sums = figures(works_plan.scenario, missed)
    assert sums.unserved == 1
    worse = Plan(**{**vars(works_plan), "baseline_figures": sums, "baseline_complete": False})
    assert worse.saved() == {}
    note = "the baseline misses deliveries, needs or surpluses once: no saving is reported"
    assert wording.baseline_note(worse) == note
    assert not any(name in ("saved", "stock") for name, _ in wording.outcomes(worse))


def test_plan_and_bound_that_agree_read_alike(stored: StoredRun) -> None:
    """Proves: pages, command and files write one figure for an objective and a bound that rounding alone would tell
    apart. Sensitivity: 6,341 next to 6,340."""
    cost = stored.plan.scenario.goal.model_copy(update={"minimize": "cost"})
    scenario = stored.plan.scenario.model_copy(update={"goal": cost})
    near = dataclasses.replace(stored.plan, scenario=scenario, objective=6340.50001, bound=6340.49999)
    text = wording.status(near)
    assert f"objective {wording.objective(scenario, near.objective)}" in text
    assert text.count("341 EUR") == 2
    proof = manifest.proof(dataclasses.replace(stored, plan=near))
    assert proof.count("341 EUR") == 2
    far = wording.status(dataclasses.replace(near, bound=6339.0))
    assert "341 EUR, bound" in far
    assert "339 EUR" in far
