"""Files that leave the plan: CSV, Excel with heats or runs, a Gantt drawn in cells, the bill and the ledger, JSON.

Times are local to the plant, with their offset; each file says which run it came from.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plans import process_tables
from plans.bill import BillLine, bill
from plans.ledger import Entry, ledger
from plans.store import StoredRun
from plans.unit_runs import RUN, unit_runs

if TYPE_CHECKING:
    import pandas as pd

    from plans.plan import Plan

FORMATS = ("xlsx", "csv", "json")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
GANTT_COLOURS = ("#4C78A8", "#F58518", "#54A24B", "#B279A2", "#E45756", "#72B7B2")


def export(run: StoredRun, kind: str, path: Path) -> Path:
    """Write a stored run to a file of one of ``FORMATS``, whole or not at all.

    Raises:
        ValueError: the run has no schedule, or the format is unknown.
    """
    if run.plan.schedule is None or run.plan.replay is None:
        raise ValueError(f"run {run.id} has no schedule to export ({run.plan.status})")
    writers = {"xlsx": _excel, "csv": _csv, "json": _json}
    if kind not in writers:
        raise ValueError(f"unknown format {kind!r}; formats are {', '.join(FORMATS)}")
    partial = path.with_name(f".{path.name}.partial")
    try:
        writers[kind](run, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


HEAT_COLUMNS = (
    "heat", "order", "grade", "mass_t", "stage", "unit", "start", "end", "waited_min", "energy_mwh", "heat_carbon_kg",
)  # fmt: skip


def heat_list(run: StoredRun) -> pd.DataFrame:
    """One row for each operation, by start: local times, unit, waits, energy, carbon and tonnes of its heat."""
    import pandas as pd

    plan = run.plan
    assert plan.replay is not None
    scenario, replay = plan.scenario, plan.replay
    book = ledger(scenario, replay)
    kg = book.of_heat(scenario.goal.signal).to_series().to_dict() if scenario.heats else {}
    heats = {heat.name: heat for heat in scenario.heats}
    rows = []
    columns = ("heat", "stage", "unit", "start_min", "end_min", "waited_min", "energy_mwh")
    for heat, stage, unit, start, end, waited, energy in zip(
        *(replay[f"op_{name}"].values.tolist() for name in columns), strict=True
    ):
        rows.append(
            {
                "heat": heat,
                "order": heats[heat].order,
                "grade": heats[heat].grade.name,
                "mass_t": heats[heat].grade.mass_t,
                "stage": stage,
                "unit": unit,
                "start": scenario.horizon.instant(start),
                "end": scenario.horizon.instant(end),
                "waited_min": waited,
                "energy_mwh": energy,
                "heat_carbon_kg": kg[heat],
            }
        )
    return pd.DataFrame(rows, columns=list(HEAT_COLUMNS)).sort_values(["start", "unit"], ignore_index=True)


def steps(run: StoredRun) -> pd.DataFrame:
    """One row for each step: local time, flows of the replay, price, carbon intensity, emissions, foreman's power."""
    import pandas as pd

    plan = run.plan
    assert plan.replay is not None
    scenario = plan.scenario
    book = ledger(scenario, plan.replay)
    table: dict[str, Any] = {"start": [scenario.horizon.instant(i * scenario.horizon.step_min) for i in _steps(run)]}
    for name, variable in plan.replay.data_vars.items():
        if variable.dims == ("time",):
            table[str(name)] = variable.to_numpy()
    table["foreman_line_mw"] = plan.baseline["line_mw"].to_numpy()
    table["foreman_import_mw"] = plan.baseline["import_mw"].to_numpy()
    for name, variable in scenario.inputs.data_vars.items():
        if variable.dims == ("time",):
            table.setdefault(str(name), variable.to_numpy())
    if scenario.processes:
        table |= process_tables.unit_columns(plan)
    # flows and levels of assets, a column each
    for name, label, unit in (("asset_rate", "flow", "flow_unit"), ("asset_level", "store", "store_unit")):
        if name in plan.replay:
            data = plan.replay[name]
            for key, measure in zip(data[label].values.tolist(), data[unit].values.tolist(), strict=True):
                table[f"{key} [{measure}]"] = data.sel({label: key}).to_numpy()
    for name, variable in book.by_step.data_vars.items():
        table[str(name)] = variable.to_numpy()
    return pd.DataFrame(table)


def bill_lines(run: StoredRun) -> pd.DataFrame:
    """The bill of the undisturbed replay, one row for each line, in the market's currency."""
    import pandas as pd

    plan = run.plan
    assert plan.replay is not None
    assert plan.replay_figures is not None
    lines = bill(plan.scenario, plan.replay, plan.replay_figures.direct_kg, plan.schedule).lines
    return pd.DataFrame([asdict(line) for line in lines], columns=[field.name for field in fields(BillLine)])


def ledger_entries(run: StoredRun) -> pd.DataFrame:
    """The carbon ledger of the undisturbed replay, one row for each source and scope."""
    import pandas as pd

    plan = run.plan
    assert plan.replay is not None
    entries = ledger(plan.scenario, plan.replay).entries
    return pd.DataFrame([asdict(entry) for entry in entries], columns=[field.name for field in fields(Entry)])


def manifest(run: StoredRun) -> list[tuple[str, str]]:
    """What the file came from: run, status, gap, versions, hashes, signs, zone."""
    plan, meta = run.plan, run.meta
    gap = "not given" if plan.gap is None else f"{plan.gap:.3%}"
    rows = [
        ("run", run.id),
        ("scenario", plan.scenario.name),
        ("title", plan.scenario.title),
        ("made", meta["created"]),
        ("goal", f"{plan.scenario.goal.minimize} ({plan.scenario.goal.signal} carbon intensity)"),
        ("status", plan.status),
        ("gap on what can be decided", gap),
        ("verdict", plan.verdict),
        ("seed", str(meta["seed"])),
        ("time zone", meta["zone"]),
        ("signs", meta["signs"]),
        ("input sha256", meta["input_sha256"]),
    ]
    return rows + [(f"version of {name}", number) for name, number in meta["versions"].items()]


def as_json(run: StoredRun) -> dict[str, Any]:
    """The plan as plain data: manifest, figures, heats and steps; of processes runs, levels, deliveries and carbon."""
    tables = {"heats": heat_list(run), **{name.lower(): frame for name, frame in _of_processes(run).items()}}
    found = {name: _plain(frame).to_dict(orient="records") for name, frame in tables.items()}
    return {
        "manifest": dict(manifest(run)),
        "summary": run.meta["summary"],
        **found,
        "steps": _plain(steps(run)).to_dict(orient="list"),
    }


def _of_processes(run: StoredRun) -> dict[str, pd.DataFrame]:
    """Tables of a plan of processes by the name of their sheet; none where there are none."""
    if not run.plan.scenario.processes:
        return {}
    return {
        "Runs": process_tables.run_list(run.plan),
        "Stores": process_tables.levels(run.plan),
        "Deliveries": process_tables.deliveries(run.plan),
        "Products": process_tables.product_carbon(run.plan),
        "Whereabouts": process_tables.whereabouts(run.plan),
    }


def _plain(frame: pd.DataFrame, timespec: str = "auto") -> pd.DataFrame:
    """The table with its times as text."""
    for column in frame.columns:
        told = [at.isoformat(timespec=timespec) if hasattr(at, "isoformat") else at for at in frame[column]]
        if any(hasattr(at, "isoformat") for at in frame[column]):
            frame[column] = told
    return frame


def _json(run: StoredRun, path: Path) -> None:
    path.write_text(json.dumps(as_json(run), indent=1, allow_nan=False), encoding="utf-8")


def _csv(run: StoredRun, path: Path) -> None:
    scenario = run.plan.scenario
    # what the shift follows: heats, runs of units, or the steps of a site alone
    if scenario.heats:
        frame, digits = heat_list(run), 3
    elif scenario.processes:
        frame, digits = process_tables.run_list(run.plan), 3
    else:
        frame, digits = steps(run), 6
    frame = _plain(frame, "minutes")
    for column in frame.columns:
        cells = frame[column].tolist()
        if column not in ("start", "end") and any(isinstance(cell, str) for cell in cells):
            frame[column] = [f"'{text}" if text.startswith(FORMULA) else text for text in cells]
    frame["run"] = run.id
    frame.round(digits).to_csv(path, index=False)


def _excel(run: StoredRun, path: Path) -> None:
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(path, options) as book:
        style = {
            "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            "number": book.add_format({"num_format": "#,##0.0"}),
        }
        _figures_sheet(book.add_worksheet("Figures"), style, run)
        if run.plan.scenario.heats:
            _table_sheet(book.add_worksheet("Heats"), style, heat_list(run))
            _gantt_sheet(book, style, run)
        tables = _of_processes(run)
        for name, frame in tables.items():
            _table_sheet(book.add_worksheet(name), style, frame)
        if tables:
            _gantt_sheet(book, style, run)
        _table_sheet(book.add_worksheet("Steps"), style, steps(run))
        _table_sheet(book.add_worksheet("Bill"), style, bill_lines(run))
        _table_sheet(book.add_worksheet("Ledger"), style, ledger_entries(run))
        sheet = book.add_worksheet("Manifest")
        for row, (key, value) in enumerate(manifest(run)):
            sheet.write_string(row, 0, key, style["head"])
            sheet.write_string(row, 1, value)
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 1, 80)


def _figures_sheet(sheet: Any, style: dict[str, Any], run: StoredRun) -> None:
    plan = run.plan
    assert plan.replay_figures is not None
    sheet.write_row(0, 0, ["figure", "unit", "foreman", "plan", "saved", "saved %"], style["head"])
    currency = plan.scenario.market.currency
    rows = [
        ("carbon, scope 1 and 2", "kg CO2e", "carbon_kg"),
        ("scope 1", "kg CO2e", "direct_kg"),
        ("scope 2, average intensity", "kg CO2e", "grid_average_kg"),
        ("scope 2, marginal intensity", "kg CO2e", "grid_marginal_kg"),
        ("cost", currency, "cost"),
        ("processes and base load" if plan.scenario.processes else "line and base load", "MWh", "energy_mwh"),
        ("electricity imported", "MWh", "import_mwh"),
        ("peak of the metered mean", "MW", "peak_mw"),
        ("tonnes", "t", "tonnes"),
    ]
    more = plan.stock
    credit = {} if more is None else {"carbon_kg": more.carbon_kg, "cost": more.cost}
    for row, (label, unit, name) in enumerate(rows, start=1):
        before, after = getattr(plan.baseline_figures, name), getattr(plan.replay_figures, name)
        sheet.write_string(row, 0, label)
        sheet.write_string(row, 1, unit)
        if before is None or after is None:
            sheet.write_string(row, 2, "not given")
            continue
        sheet.write_number(row, 2, before, style["number"])
        sheet.write_number(row, 3, after, style["number"])
        saved = before - after + credit.get(name, 0.0)
        sheet.write_number(row, 4, saved, style["number"])
        if before:
            sheet.write_number(row, 5, 100 * saved / abs(before), style["number"])
    if more is not None:
        told = f"{more.carbon_kg:+,.1f} kg CO2e and {more.cost:+,.2f} {currency}"
        sheet.write_string(len(rows) + 1, 0, f"Saved counts what is more in stock than the foreman's: {told}.")
    gap = "not given" if plan.gap is None else f"{plan.gap:.2%}"
    sheet.write_string(len(rows) + 2, 0, f"Status: {plan.status}, gap on what can be decided {gap}. {plan.verdict}")
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 5, 14)


def _table_sheet(sheet: Any, style: dict[str, Any], frame: pd.DataFrame) -> None:
    sheet.freeze_panes(1, 1)
    for column, name in enumerate(frame.columns):
        sheet.write_string(0, column, str(name), style["head"])
        for row, value in enumerate(frame[name].tolist(), start=1):
            if hasattr(value, "isoformat"):
                sheet.write_datetime(row, column, value.replace(tzinfo=None), style["time"])
            elif isinstance(value, str):
                sheet.write_string(row, column, value)
            else:
                sheet.write_number(row, column, value, style["number"])
    sheet.set_column(0, len(frame.columns) - 1, 16)
    sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)


def _gantt_sheet(book: Any, style: dict[str, Any], run: StoredRun) -> None:
    """Units down, steps across; a cell is coloured where its unit works, in the colour of the order or the mode."""
    plan = run.plan
    assert plan.replay is not None
    scenario = plan.scenario
    sheet = book.add_worksheet("Gantt")
    step = scenario.horizon.step_min
    bars = _heat_bars(plan) if scenario.heats else _run_bars(plan)
    units = [unit.name for unit in scenario.line.units] or [unit for unit, _ in scenario.process_units]
    kinds = list(dict.fromkeys([heat.order for heat in scenario.heats] or [kind for *_, kind in bars]))
    fills = [book.add_format({"bg_color": colour, "font_color": "#FFFFFF", "font_size": 7}) for colour in GANTT_COLOURS]
    narrow = book.add_format({"rotation": 90, "font_size": 7})
    sheet.write_string(0, 0, f"unit ({scenario.horizon.zone})", style["head"])
    for i in _steps(run):
        sheet.write_string(0, i + 1, scenario.horizon.instant(i * step).strftime("%d %H:%M"), narrow)
    for row, unit in enumerate(units, start=1):
        sheet.write_string(row, 0, unit, style["head"])
    for text, unit, first, last, kind in bars:
        fill = fills[kinds.index(kind) % len(fills)]
        for i in range(first, last):
            sheet.write_string(units.index(unit) + 1, i + 1, text if i == first else "", fill)
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, scenario.horizon.n_steps, 2.6)
    sheet.freeze_panes(1, 1)


def _heat_bars(plan: Plan) -> list[tuple[str, str, int, int, str]]:
    """Heat, unit, first step, the one after the last, and order of each operation."""
    assert plan.replay is not None
    scenario, step = plan.scenario, plan.scenario.horizon.step_min
    order_of = {heat.name: heat.order for heat in scenario.heats}
    columns = (plan.replay[f"op_{name}"].values.tolist() for name in ("heat", "unit", "start_min", "end_min"))
    bars = []
    for heat, unit, start, end in zip(*columns, strict=True):
        first = max(int(np.floor(start / step + 1e-9)), 0)
        last = min(int(np.ceil(end / step - 1e-9)), scenario.horizon.n_steps)
        bars.append((heat, unit, first, last, order_of[heat]))
    return bars


def _run_bars(plan: Plan) -> list[tuple[str, str, int, int, str]]:
    """Mode, unit, first step, the one after the last, and mode again of each run."""
    assert plan.replay is not None
    found = (run for run in unit_runs(plan.scenario, plan.replay) if run.what == RUN)
    return [(run.mode, run.unit, run.first, run.last, run.mode) for run in found]


def _steps(run: StoredRun) -> range:
    return range(run.plan.scenario.horizon.n_steps)
