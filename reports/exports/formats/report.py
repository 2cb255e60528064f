"""Self-contained HTML report with embedded charts, readable and printable without network or other files.

All text is escaped (Jinja, autoescape), and the page's security policy prevents it from loading or running anything.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from emberline.planning.answer import Answer, answer, figure_table
from emberline.planning.plan import Plan
from emberline.reports.charts import plan as charts
from emberline.reports.charts.view import View
from emberline.reports.exports import manifest, tables
from emberline.reports.exports.tables import hours, without_zeros
from emberline.reports.exports.worded import figure_heads, fonts, for_people, moment, printable, tag
from emberline.reports.pages import rendered
from emberline.reports.text import mark, number, say, tr, wording
from emberline.runs.store.run_folder import StoredRun

Cells = list[tuple[str, str]]
"""Texts with the kind of their column."""
TEMPLATE = Path(__file__).with_name("report.html.j2")
MAX_ROWS = 400
"""Maximum number of rows in a list; the other files contain all of them."""
MAX_HOURS = 50
"""Maximum horizon with hourly energy; longer horizons are reported by day [h]."""
NOTES = {
    "heats": mark("Heat list"),
    "runs": mark("Runs of the units"),
    "deliveries": mark("Deliveries"),
    "machines": mark("Machines and stores of the site"),
    "energy": mark("Energy"),
    "bill": mark("Bill"),
    "ledger": mark("Carbon ledger"),
}


def write(run: StoredRun, path: Path) -> None:
    """Write the report of a run."""
    path.write_text(page(run), encoding="utf-8")


def page(run: StoredRun) -> str:
    """Return the report as HTML."""
    from markupsafe import Markup

    plan, horizon = run.plan, run.plan.scenario.horizon
    first, last = (moment(horizon.instant(at)) for at in (0, horizon.length_min))
    span = {"first": first, "last": last, "zone": horizon.zone, "minutes": f"{horizon.step_min:g}"}
    offset = horizon.clocks_change
    return rendered(
        TEMPLATE,
        tr=tr,
        language=tag(),
        # part of the style sheet, where quotes are not HTML entities
        fonts=Markup(fonts()),
        title=printable(plan.scenario.title or plan.scenario.name),
        description=printable(plan.scenario.description),
        scenario=plan.scenario,
        run=run.id,
        span=tr("{first} to {last}, {zone}, steps of {minutes} min", **span),
        acceptable=plan.acceptable,
        verdict=printable(say(plan.verdict)),
        proof=manifest.proof(run),
        figures=_figures(plan),
        stock=" ".join(map(wording.sentence, filter(None, [printable(wording.stock_note(plan))]))),
        comparable=plan.comparable,
        violations=[printable(wording.violation(row, horizon)) for row in plan.violations],
        answer=_answer(answer(plan)),
        # already escaped by the renderer
        marks=" ".join(charts.marks(plan.scenario, View.of(horizon), pointer=False)),
        schedule=Markup(printable(charts.schedule(plan, fonts()))),
        levels=Markup(printable(charts.levels(plan, fonts()))),
        lists=[(tr(NOTES[name]), *_list(frame, offset)) for name, frame in _lists(run).items() if len(frame)],
        manifest=[(label, printable(value)) for label, value in manifest.rows(run)],
    )


def _lists(run: StoredRun) -> dict[str, pd.DataFrame]:
    scenario = run.plan.scenario
    frames = {name: frame for name, frame in tables.of_producers(run.plan).items() if name in NOTES}
    frames["machines"] = tables.activity_list(run.plan)
    energy = hours(run.plan, by_day=scenario.horizon.length_min > MAX_HOURS * 60, assets=False)
    # leave out flows that are always zero, so that the table fits on the page
    frames["energy"] = without_zeros(energy)
    frames |= {"bill": tables.bill_lines(run.plan), "ledger": tables.ledger_entries(run.plan)}
    return {name: for_people(frame, name, scenario) for name, frame in frames.items()}


def _list(frame: pd.DataFrame, offset: bool) -> tuple[Cells, list[Cells], int]:
    """Return head, rows and the number of omitted rows."""
    return *_cells(frame.head(MAX_ROWS), offset), max(len(frame) - MAX_ROWS, 0)


def _figures(plan: Plan) -> tuple[Cells, list[Cells]]:
    kinds = ["text", "text", *["number"] * 4]
    rows = [
        [printable(say(text)) for text in (row.name, row.unit, *row.cells)] for row in figure_table.figure_rows(plan)
    ]
    head, *cells = (list(zip(texts, kinds, strict=True)) for texts in (figure_heads(), *rows))
    return head, cells


def _cells(frame: pd.DataFrame, offset: bool = False) -> tuple[Cells, list[Cells]]:
    """Return column names and rows of cells, each with its kind: ``number``, ``time`` or ``text``.

    Args:
        frame: the table.
        offset: whether times include their UTC offset, because clocks change.
    """
    times, columns, kinds = tables.timed(frame), [], []
    for name in frame.columns:
        values = frame[name].tolist()
        digits = _digits(values)
        columns.append([_cell(value, digits, offset) for value in values])
        number = any(isinstance(value, int | float) for value in values)
        kinds.append("time" if name in times else "number" if number else "text")
    head = [(printable(str(name)).replace("_", " "), kind) for name, kind in zip(frame.columns, kinds, strict=True)]
    return head, [list(zip(row, kinds, strict=True)) for row in zip(*columns, strict=True)]


def _cell(value: Any, digits: int, offset: bool = False) -> str:
    if hasattr(value, "isoformat"):
        return moment(value, offset)
    if isinstance(value, str):
        return printable(value)
    if value is None or math.isnan(value):
        return ""
    return number(value, digits)


def _digits(values: list[Any]) -> int:
    numbers = [abs(value) for value in values if isinstance(value, int | float) and not math.isnan(value)]
    if all(number == round(number) for number in numbers):
        return 0
    top = max(numbers, default=0.0)
    return 0 if top >= 100_000 else 1 if top >= 1000 else 2 if top >= 1 else 4


def _answer(first: Answer | None) -> dict[str, Any]:
    """Return the content of the answer as text; empty if there is no plan."""
    if first is None:
        return {}
    heads, rows = tables.cause_table(first.causes, first.headline)
    kinds = ["text", *["number"] * (len(heads) - 1)]
    return {
        "lines": [printable(say(line)) for line in first.lines],
        "tiles": [
            (*(printable(say(text)) for text in (tile.label, tile.value, tile.note)), tile.weight)
            for tile in first.tiles
        ],
        "changes": [printable(say(change.says)) for change in first.changes],
        "causes": [list(zip(row, kinds, strict=True)) for row in (heads, *rows)] if first.causes else [],
    }
