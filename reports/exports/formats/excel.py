"""Excel workbook: figures, Gantt chart in cells, heats or runs, units, hourly energy, bill, ledger, steps, manifest.

Text is never written as formulas or links. Excel times have no time zone: they are local to the plant, and if clocks
change within the horizon, the UTC offset has its own column. Sheets print on A4 landscape.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from emberline.planning.answer import figure_table
from emberline.reports.charts import palette
from emberline.reports.charts.gantt import colours, key, makes
from emberline.reports.exports import crews, manifest, tables, worded
from emberline.reports.exports.crews import HEADS
from emberline.reports.exports.tables import FLOWS_MW, SMALL, without_zeros
from emberline.reports.exports.worded import moment, one_line, printable
from emberline.reports.text import mark, say, sentence, tr
from emberline.reports.text.activities import Activity, activities, called, of_site, replay_of, units
from emberline.reports.text.language import word
from emberline.reports.text.wording import stock_note
from emberline.runs.store.run_folder import StoredRun

OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
TIME = mark("yyyy-mm-dd hh:mm")
"""Excel format of times."""
LONGEST_TEXT = 32_767
"""Maximum number of characters in an Excel cell."""
A4 = 9
WIDEST, NARROWEST = 44, 9
"""Maximum and minimum width of a column [characters]."""
UNBROKEN = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]|[^\s\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+")
"""Text that cannot be split by a line break: a word, or one ideograph."""
DIGITS = 9
"""Decimal places of values; further digits are rounding noise of the search."""
ACROSS = 12
"""Approximate number of table columns that fit on a page."""
LONGEST_NAME = 31
"""Maximum number of characters in the name of an Excel sheet."""
OPTIONAL = {
    *(name for name in FLOWS_MW if name.startswith(("pv", "charge", "discharge", "export"))),
    *(f"{label} [MWh]" for label in FLOWS_MW.values() if label.startswith(("PV", "battery", "grid export"))),
    "battery_mwh", "pv_available_mw", "price_per_mwh", "export_price_per_mwh",
}  # fmt: skip
"""Columns of optional equipment, left out if they are all zero."""
FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
"""Characters that are not allowed in the name of a sheet."""
TITLES = {
    "heats": mark("Heats"), "runs": mark("Runs of units"), "machines": mark("Machines"),
    "deliveries": mark("Deliveries"), "stores": mark("Stores"), "hours": mark("Hours"), "bill": mark("Bill"),
    "ledger": mark("Carbon ledger"), "products": mark("Products"), "whereabouts": mark("Where it goes"),
    "steps": mark("Steps"),
}  # fmt: skip
"""Titles in the order of the sheets: schedule, deliveries, energy, accounts, steps."""
SCHEDULE = ("heats", "runs", "machines")
"""Tables between the Gantt chart and the sheets of the units."""
SHORT = {"runs": "Runs", "whereabouts": "Whereabouts", "ledger": "Ledger"}
"""Titles that are shorter in English."""


@dataclass
class Book:
    """Workbook in progress, with the formats shared by its sheets."""

    book: Any
    run: StoredRun
    names: list[str] = field(default_factory=list)
    """Names of the existing sheets."""

    def __post_init__(self) -> None:
        add = self.book.add_format
        head = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#EEF1F4"}
        self.head, self.head_of_numbers = add(head), add({**head, "align": "right"})
        self.bold = add({"bold": True})
        self.time = add({"num_format": tr(TIME), "align": "left"})
        self.wrapped = add({"text_wrap": True, "valign": "top"})
        self._numbers: dict[int, Any] = {}

    def number(self, digits: int) -> Any:
        """Return the format of numbers with the given number of decimal places."""
        if digits not in self._numbers:
            point = f".{'0' * digits}" if digits else ""
            self._numbers[digits] = self.book.add_format({"num_format": f"#,##0{point}_)"})
        return self._numbers[digits]

    def write(self, sheet: Any, row: int, column: int, value: Any, digits: int, text: Any = None) -> None:
        """Write a time, a formatted text, or a number with the given decimal places; skip missing values."""
        if hasattr(value, "isoformat"):
            sheet.write_datetime(row, column, value.replace(tzinfo=None), self.time)
        elif isinstance(value, str):
            _text(sheet, row, column, value, text)
        elif _is_number(value):
            sheet.write_number(row, column, round(value, DIGITS) + 0.0, self.number(digits))

    def sheet(self, title: str, across: int = 1) -> Any:
        """Add a sheet for A4 landscape, a given number of pages wide, with the run in its footer."""
        self.names.append(sheet_name(title, self.names))
        sheet = self.book.add_worksheet(self.names[-1])
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.fit_to_pages(across, 0)
        text = tr("{name}, run {run}", name=self.run.plan.scenario.name, run=self.run.id[:8])
        text = one_line(text).replace("&", "&&")
        sheet.set_footer(f"&L{text}&C&A&R&P / &N")
        return sheet


def sheet_name(title: str, names: list[str]) -> str:
    """Return a valid Excel sheet name: short, without forbidden characters, and unique regardless of case."""
    title = FORBIDDEN.sub(" ", title).strip("' ") or "-"
    others, name, number = {other.casefold() for other in names}, title[:LONGEST_NAME], 1
    while name.casefold() in others:
        number += 1
        end = f" {number}"
        name = f"{title[: LONGEST_NAME - len(end)]}{end}"
    return name


def write(run: StoredRun, path: Path) -> None:
    """Write the workbook of a run."""
    import xlsxwriter

    content = BytesIO()  # if the disk is full, the library would print its own stack trace
    with xlsxwriter.Workbook(content, OPTIONS) as book:
        timestamp = datetime.fromisoformat(run.meta["created"]).astimezone(UTC).replace(tzinfo=None)
        scenario = run.plan.scenario
        title, subject = one_line(scenario.title or scenario.name), tr("run {run}", run=run.id)
        book.set_properties({"title": title, "subject": subject, "created": timestamp})
        ours = Book(book, run)
        _figures(ours)
        frames = tables.of_producers(run.plan)
        machines = tables.activity_list(run.plan)
        if len(machines):
            frames["machines"] = machines
        if frames:
            _gantt(ours.sheet(tr("Gantt")), book, run)
        for name in filter(frames.__contains__, SCHEDULE):
            _table(ours, name, frames[name])
        for unit in crews.crews(run):
            _unit(ours, unit)
        for name in ("hours", "steps", "bill", "ledger"):
            frames[name] = without_zeros(tables.TABLES[name](run.plan), OPTIONAL.__contains__)
        for name in filter(frames.__contains__, TITLES):
            if name not in SCHEDULE:
                _table(ours, name, frames[name])
        sheet = ours.sheet(tr("Manifest"))
        for row, (label, value) in enumerate(manifest.rows(run)):
            _text(sheet, row, 0, label, ours.bold)
            _text(sheet, row, 1, value, ours.wrapped)
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, 1, 90)
    path.write_bytes(content.getvalue())


def _figures(ours: Book) -> None:
    """Write the first sheet: description, comparison of baseline and plan, and proven bounds."""
    run = ours.run
    sheet = ours.sheet(tr("Figures"))
    head = worded.figure_heads()
    for column, name in enumerate(head):
        _text(sheet, 0, column, name, ours.head if column < 2 else ours.head_of_numbers)
    rows = list(figure_table.figure_rows(run.plan))
    for row, figure in enumerate(rows, start=1):
        _text(sheet, row, 0, say(figure.name))
        _text(sheet, row, 1, figure.unit)
        for column, (value, digits) in enumerate(figure.values, start=2):
            if value is not None:
                whole = round(value, DIGITS) if round(value, digits) else 0.0  # no sign before zero
                sheet.write_number(row, column, whole, ours.number(digits))
            elif column == 2 and figure.figure is None:
                _text(sheet, row, column, tr("not given"))
    row = len(rows) + 2
    horizon = run.plan.scenario.horizon
    first, last = (moment(horizon.instant(at)) for at in (0, horizon.length_min))
    span = tr("{first} to {last}, {zone}", first=first, last=last, zone=horizon.zone)
    stock = [sentence(note) for note in filter(None, [stock_note(run.plan)])]
    says = [*stock, manifest.proof(run), say(run.plan.verdict), span]
    for text in filter(None, says):
        _text(sheet, row, 0, text)
        row += 1
    title = run.plan.scenario.title or run.plan.scenario.name
    sheet.set_header(f"&L{one_line(title).replace('&', '&&')[:200]}")
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 1, 10)
    sheet.set_column(2, len(head) - 1, 14)


def _table(ours: Book, name: str, frame: pd.DataFrame) -> None:
    """Write a table to a sheet, with column names and the first column repeated on every page."""
    frame = worded.for_people(frame, name, ours.run.plan.scenario)
    times = tables.timed(frame)
    time = _wide(tr(TIME).replace('"', "")) + 1
    title = word(SHORT.get(name, TITLES[name]), TITLES[name])
    if ours.run.plan.scenario.horizon.clocks_change:
        frame = _with_offsets(frame, times)
    n_rows, n_columns = frame.shape
    sheet = ours.sheet(title, across=math.ceil(n_columns / ACROSS))
    for column, head in enumerate(frame.columns):
        values = frame[head].tolist()
        numbers = [value for value in values if _is_number(value)]
        _text(sheet, 0, column, str(head), ours.head_of_numbers if numbers else ours.head)
        digits = _digits(numbers)
        for row, value in enumerate(values, start=1):
            ours.write(sheet, row, column, value, digits)
        sheet.set_column(column, column, time if head in times else _width(str(head), values))
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    sheet.repeat_columns(0)
    if n_columns:
        sheet.autofilter(0, 0, n_rows, n_columns - 1)
        sheet.print_area(0, 0, n_rows, n_columns - 1)


def _with_offsets(frame: pd.DataFrame, times: list[str]) -> pd.DataFrame:
    """Add a column with the UTC offset next to each column of times, since an hour may occur twice."""
    by_column = {name: [f"{at:%z}" if hasattr(at, "utcoffset") else "" for at in frame[name]] for name in times}
    frame = frame.copy()
    for name, texts in by_column.items():
        offsets = [f"UTC{text[:3]}:{text[3:]}" if text else "" for text in texts]
        frame.insert(list(frame.columns).index(name) + 1, tr("{name} offset", name=name), offsets)
    return frame


def _text(sheet: Any, row: int, column: int, text: str, style: Any = None) -> None:
    """Write text as text, truncated to the limit of an Excel cell."""
    text = printable(text)
    sheet.write_string(row, column, text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…", style)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _digits(numbers: list[float]) -> int:
    """Return the decimal places for a column: none for integers, more for smaller numbers."""
    sizes = [abs(number) for number in numbers if abs(number) >= SMALL]
    if all(size == round(size) for size in sizes):
        return 0
    top = max(sizes, default=0.0)
    return 1 if top >= 10_000 else 2 if top >= 10 else 3 if top >= 1 else 5


def _width(name: str, values: list[Any]) -> float:
    """Return the width of a column [characters] from its longest text and the longest word of its bold heading."""
    longest = max((_wide(value) for value in values if isinstance(value, str)), default=0)
    words = max(map(_wide, UNBROKEN.findall(name)), default=0) * 1.15 + 2
    numbers = [value for value in values if _is_number(value)]
    if numbers:
        words = max(words, min(_wide(name) / 2, 14) + 2)
        longest = max(len(f"{value:,.0f}") + 5 for value in numbers)
    return float(min(max(longest + 1, words, NARROWEST), WIDEST))


def _wide(text: str) -> int:
    """Return the width of a text [characters]; an ideograph counts twice."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _unit(ours: Book, unit: str) -> None:
    """Write the work list of one unit, including the idle time between activities."""
    run = ours.run
    scenario = run.plan.scenario
    sheet = ours.sheet(tr("Unit {name}", name=called(unit, scenario)))
    process = crews.runs_processes(run, unit)
    stores = list(crews.levels(run, unit, 0.0)) if process else []
    head = [tr(name) for name in (*HEADS[process][:-1], mark("minutes"))]
    head += [tr("{store} at the end [t]", store=store) for store in stores]
    for column, name in enumerate(head):
        _text(sheet, 0, column, name, ours.head)
    minutes = len(HEADS[process]) - 1
    for row, line in enumerate(crews.lines(run, unit), start=1):
        activity, ends = line.activity, crews.levels(run, unit, line.end_min) if process else {}
        cells: list[Any] = [scenario.horizon.instant(at) for at in (line.start_min, line.end_min)]
        if activity is None:
            cells.append(tr("free"))
        elif process:
            cells += [crews.work(activity), activity.products(), activity.tph or 0.0, activity.amount]
        else:
            cells += [crews.work(activity), activity.name, activity.definition]
        cells += [None] * (minutes - len(cells))
        for column, value in enumerate([*cells, line.minutes, *(ends[store] for store in stores)]):
            ours.write(sheet, row, column, value, 1 if column < minutes else 0, ours.wrapped)
    sheet.set_column(0, 1, 17)
    sheet.set_column(2, len(head) - 1, 18)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)


MAX_CELLS = 1_000
"""Maximum number of cells in a row; steps are merged if there would be more."""
MONTH_MIN = 28 * 24 * 60
"""In a longer horizon, a day of the month may occur twice."""
CELLS_ACROSS = 100
"""Number of cells that are legible on one page."""
MAX_IN_LEGEND = 24
PALE = "#E6E9EC"
"""Colour of a unit that is being prepared and makes nothing."""


def _gantt(sheet: Any, book: Any, run: StoredRun) -> None:
    """Fill a sheet with coloured cells for working units; the first cell of an activity has its name."""
    scenario, horizon, replay = run.plan.scenario, run.plan.scenario.horizon, replay_of(run.plan)
    steps = math.ceil(horizon.n_steps / MAX_CELLS)
    cell_min, n = steps * horizon.step_min, math.ceil(horizon.n_steps / steps)
    rows = list(units(scenario, replay))
    shades = colours(scenario, of_site(scenario, replay))
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "vcenter"})
    clock = book.add_format({"rotation": 90, "font_size": 8, "bottom": 1, "valign": "bottom"})
    fills = {
        shade: book.add_format({"bg_color": shade, "font_color": palette.INK, "font_size": 9, "valign": "vcenter"})
        for shade in {*shades.values(), PALE}
    }
    corner = tr("unit ({zone})", zone=horizon.zone)
    if steps > 1:
        corner = tr("unit ({zone}, a cell is {hours} h)", zone=horizon.zone, hours=f"{cell_min / 60:g}")
    sheet.write_string(0, 0, corner, head)
    clocks = "%d %H:%M" if horizon.length_min <= MONTH_MIN else "%m-%d %H:%M"
    if horizon.clocks_change:
        clocks += " %z"
    sheet.write_row(0, 1, [horizon.instant(i * cell_min).strftime(clocks) for i in range(n)], clock)
    for row, unit in enumerate(rows, start=1):
        sheet.write_string(row, 0, printable(called(unit, scenario)), head)
        sheet.set_row(row, 24)
    used: dict[str, Any] = {}
    for activity in activities(scenario, replay):
        first = max(math.floor(activity.start_min / cell_min + 1e-9), 0)
        last = min(math.ceil(activity.end_min / cell_min - 1e-9), n)
        fill = fills[shades[key(activity)] if makes(activity) else PALE]
        if makes(activity):
            used[_entry(activity)] = fill
        row = rows.index(activity.unit) + 1
        for i in range(first, last):
            named = i == first and makes(activity) and activity.of != "site"
            sheet.write_string(row, i + 1, printable(activity.name)[:100] if named else "", fill)
    _legend(sheet, used, len(rows) + 2)
    sheet.set_row(0, 52)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, n, 1.3)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    sheet.repeat_columns(0)
    sheet.fit_to_pages(math.ceil(n / CELLS_ACROSS), 0)
    sheet.print_area(0, 0, len(rows) + 3 + min(len(used), MAX_IN_LEGEND), n)


def _entry(activity: Activity) -> str:
    """Return the legend entry of an activity's colour."""
    if activity.of == "line":
        return tr("order {order}", order=activity.group)
    return tr("mode {name}", name=activity.name) if activity.of == "processes" else key(activity)


def _legend(sheet: Any, fills: dict[str, Any], row: int) -> None:
    for i, (name, fill) in enumerate(list(fills.items())[:MAX_IN_LEGEND]):
        sheet.write_string(row + i, 1, "", fill)
        sheet.write_string(row + i, 3, printable(name)[:100])
