"""Lists of a draft as editable tables. Each field that fits into a cell is a column; nested fields follow below.

A table keeps its scroll position during editing: the editor is reset only if its rows were changed elsewhere. Nested
fields are never shown as braces: a nested record is a form, a list of records is a table with rows that can be opened,
and amounts by name are a table with two columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st
from pydantic import BaseModel

from emberline.reports.text import mark, tr
from emberline.runs.store import drafts
from emberline.scenarios.assets.base import KINDS
from emberline.scenarios.case.line import Unit
from emberline.scenarios.descriptions import documented
from emberline.scenarios.process.recipe import Rate
from emberline.scenarios.reading.document import Keys, dotted, plain
from emberline.scenarios.reading.editing import ABSENT, flow
from emberline.ui.pages.editor import fields, form
from emberline.ui.pages.editor.draft import AT_TOP, DraftState, problem_lines, set_values
from emberline.ui.pages.session.widgets import caption

ENTRY = re.compile(r"(?:(\d{1,4})\s*[x×*]\s*)?(\S.*?)\s*")
"""An entry of an order's heats: ``3 × rebar``."""
FIRST_COLUMNS = {"assets": ("kind", "name")}
HEATS, RATE = "heats", "rate"
SPLIT = ("duration_min", "energy_kwh_per_t")
"""Fields given by stage or unit, with a column for each stage or unit."""
MANY = 8
"""Number of columns above which names are pinned."""
PLACE = "#"
"""Hidden column with the original index of a row; empty for new rows."""
LISTS = ("units", "starts", "on", "holidays")
"""Fields whose cells contain several values separated by commas."""
RARE = (("Trucks", "months"),)
"""Records and fields that have a column only if some row has a value."""
TEXT = ("name", "grade", "unit", "store", "carrier", "kind")
"""Fields whose cells are names, even if they look like numbers."""


@dataclass(frozen=True)
class EditorTable:
    """A list of the draft as a table."""

    name: str
    title: str
    path: Keys
    kind: type[BaseModel] | None = None
    """Record of the rows, if it does not follow from the path."""

    @property
    def record(self) -> type[BaseModel] | None:
        """Record of the rows; None if the rows are of several kinds."""
        return self.kind or fields.record_at(self.path)


@dataclass
class Beginning:
    """Initial state of an editor in the browser. The editor reports edits relative to this state."""

    key: str
    value: Any
    frame: pd.DataFrame
    expected: tuple[Any, ...] = ()
    """Values of the draft that result from this editor alone."""

    def write(self, draft: drafts.Draft, after: Any, values: dict[Keys, Any]) -> None:
        """Set values in the draft and draw the page again.

        Args:
            draft: the draft to edit.
            after: value of the draft at the editor's path afterwards.
            values: new values by path.
        """
        # further typing may end this run at any point, even at an access to the session, so the value is noted first
        self.expected = (*self.expected, after)
        if set_values(draft, values):
            st.rerun()


def beginning(place: str, draft: drafts.Draft, value: Any, frame: Callable[[], pd.DataFrame]) -> Beginning:
    """Return the initial state of an editor; a new state if its value was changed elsewhere.

    Args:
        place: key of the editor in the session.
        draft: the draft to edit.
        value: present value in the draft.
        frame: function that creates the table of this value.
    """
    now: Beginning | None = st.session_state.get(place)
    # Streamlit forgets the edits of a table that is not drawn: the editor then starts from the draft
    if now is None or value not in now.expected or now.key not in st.session_state:
        key = f"{place}.{draft.version}"
        now = Beginning(key if now is None else f"{now.key}+", deepcopy(value), frame())
        st.session_state[place] = now
    now.expected = (deepcopy(value),)
    return now


def edit(draft: drafts.Draft, now: DraftState, table: EditorTable) -> None:
    """Draw a list of the draft as a table and save the changes."""
    rows = now.items(table.path)
    editor = beginning(f"table.{draft.id}.{table.name}", draft, rows, lambda: frame_of(rows, table))
    frame = editor.frame
    edited = st.data_editor(
        frame,
        key=editor.key,
        num_rows="dynamic",
        hide_index=True,
        column_order=[name for name in frame.columns if name != PLACE],
        column_config=_columns(now, table, list(frame.columns)),
        alt=table.title,
    )
    problem_lines(now, now.at(table.path), most=AT_TOP)
    _one_power(draft, now, table)
    after = items_of(edited, editor.value, frame)
    if after == rows:
        return
    values = fields.renamed(now.data, table.path, rows, after) if now.data is not None else {}
    editor.write(draft, after, {**values, table.path: after if after else ABSENT})


def _one_power(draft: drafts.Draft, now: DraftState, table: EditorTable) -> None:
    """Offer to remove the phases of units that also have a single power."""
    for place, row in enumerate(now.items(table.path) if table.record is Unit else ()):
        if not isinstance(row, dict) or row.get("power_mw") is None or not row.get("phases"):
            continue
        text, button = st.columns([3, 2], vertical_alignment="center")
        text.text(f"{row.get('name', place + 1)}: {fields.as_typed(row['power_mw'])}")
        label = tr("Replace its phases by this one power")
        if button.button(label, key=f"power.{dotted(table.path)}.{place}", width="stretch") and set_values(
            draft, {(*table.path, place, "phases"): ABSENT}
        ):
            st.rerun()


def _columns(now: DraftState, table: EditorTable, names: list[str]) -> dict[str, Any]:
    rows = [row for row in now.items(table.path) if isinstance(row, dict)]
    described = [documented(record) for record in _records(table, rows)]
    configured = {}
    for name in names:
        field, _, part = name.partition(".")
        words, unit = fields.label_parts(field, now.currency, record=table.record.__name__ if table.record else "")
        label = fields.label_of(f"{tr(words)}, {part}" if part else words, unit)
        doc = next((texts[field] for texts in described if field in texts), None)
        configured[name] = st.column_config.TextColumn(
            label, help=tr(doc) if doc else None, pinned=(name == "name" and len(names) > MANY) or None
        )
    return configured


def frame_of(rows: list[Any], table: EditorTable) -> pd.DataFrame:
    """Table of text with a row per item. Fields given by stage or unit have a column for each stage or unit."""
    plainly = [row for row in rows if isinstance(row, dict)]
    names: list[str] = list(FIRST_COLUMNS.get(table.name, ()))
    for record in _records(table, plainly):
        within = {entry.name: entry.widget for entry in fields.inner(record)}
        for name in record.model_fields:
            values = [row[name] for row in plainly if name in row]
            if name in SPLIT:
                names += _columns_of(name, values)
            elif (
                name in (HEATS, RATE)
                or name not in within
                or any(not isinstance(value, dict | list) for value in values)
            ):
                fits = name in fields.columns(record, "EUR") or name in (HEATS, RATE)
                fits = fits and (record.__name__, name) not in RARE
                names += [name] if values or (fits and table.record is not None) else []
    declared = {name for record in _records(table, plainly) for name in record.model_fields}
    names += [name for row in plainly for name in row if name not in declared]
    names = list(dict.fromkeys(names))
    cells = [
        [str(i), *(_cell(row, name) if isinstance(row, dict) else "" for name in names)] for i, row in enumerate(rows)
    ]
    return pd.DataFrame(cells, columns=[PLACE, *names], dtype=str)


def _records(table: EditorTable, rows: list[dict[str, Any]]) -> list[type[BaseModel]]:
    """Records of the rows; for assets, the records of their kinds."""
    if table.record is not None:
        return [table.record]
    return list(dict.fromkeys(KINDS[kind] for row in rows if (kind := str(row.get("kind"))) in KINDS))


def _columns_of(name: str, values: list[Any]) -> list[str]:
    """Columns of a field: one for each stage or unit if the field is given by stage or unit."""
    if all(isinstance(value, dict) for value in values):
        return [f"{name}.{key}" for key in dict.fromkeys(key for value in values for key in value)]
    return [name]


def _cell(row: dict[str, Any], column: str) -> str:
    field, _, part = column.partition(".")
    value = row.get(field, ABSENT)
    if part:
        value = value.get(part, ABSENT) if isinstance(value, dict) else ABSENT
    if value is ABSENT:
        return ""
    if field == HEATS and _are_heats(value):
        short = ", ".join(
            f"{item['count']} × {item['grade']}" if "count" in item else str(item["grade"]) for item in value
        )
        return short if all(set(item) <= {"grade", "count"} for item in value) else f"{short} …"
    if field == RATE and isinstance(value, dict):
        return " – ".join(fields.as_typed(value[key]) for key in ("low", "high") if key in value)
    if isinstance(value, list):
        items = (
            "-".join(map(fields.as_typed, item)) if isinstance(item, list) else fields.as_typed(item) for item in value
        )
        return ", ".join(items)
    return fields.as_typed(value) if not (isinstance(value, str) and value[:1] in "{[") else flow(value)


def _are_heats(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) and isinstance(row.get("grade"), str) for row in value)


def items_of(edited: pd.DataFrame, before: list[Any], frame: pd.DataFrame) -> list[Any]:
    """Items of an edited table. Fields without a column stay unchanged."""
    rows: list[Any] = []
    for row in edited.to_dict("records"):
        cells = {str(name): "" if pd.isna(cell) else str(cell).strip() for name, cell in row.items()}
        place = cells.pop(PLACE)
        old = int(place) if place else None
        item = {} if old is None else deepcopy(before[old])
        if not isinstance(item, dict):
            rows.append(item)
            continue
        for name, cell in cells.items():
            if old is not None and cell == str(frame[name].iloc[old]):
                continue
            _set_cell(item, name, cell)
        if item:
            rows.append(item)
    return rows


def _set_cell(item: dict[str, Any], column: str, cell: str) -> None:
    field, _, part = column.partition(".")
    if part and cell:
        item.setdefault(field, {})[part] = fields.value_of(cell)
    elif part:
        item.get(field, {}).pop(part, None)
    elif cell:
        item[field] = _cell_value(field, cell)
    else:
        item.pop(field, None)


def _cell_value(field: str, cell: str) -> Any:
    if field == HEATS:
        entries = filter(None, (ENTRY.fullmatch(part.strip()) for part in cell.split(",")))
        return [{"grade": entry[2], **({"count": int(entry[1])} if entry[1] else {})} for entry in entries]
    if field in LISTS:
        return [plain(part.strip()) for part in cell.split(",") if part.strip()]
    if field in fields.WINDOWS or field in TEXT:
        return cell
    return fields.value_of(cell)


DEEPEST = 5
"""Maximum depth of nested records that are drawn."""
OPEN_LEVELS = 3
"""Depth up to which non-empty records are open: hours and prices of a tariff are at the third level."""
AMOUNT = mark("Amount")
NAME = mark("Name")


def record_of(record: type[BaseModel] | None, row: Any) -> type[BaseModel] | None:
    """Record of a row; for an asset, the record of its kind."""
    if record is not None or not isinstance(row, dict):
        return record
    return KINDS.get(str(row.get("kind")))


def opened(record: type[BaseModel] | None, row: Any) -> bool:
    """Whether a row has nested fields."""
    of_row = record_of(record, row)
    return of_row is not None and isinstance(row, dict) and bool(fields.inner(of_row))


def draw_within(
    draft: drafts.Draft, now: DraftState, path: Keys, record: type[BaseModel] | None = None, depth: int = 0
) -> None:
    """Draw the nested fields of a record of the draft. Without a record, the path determines it."""
    record = record or fields.record_at(path)
    assert record is not None
    for entry in fields.inner(record):
        place = (*path, entry.name)
        value = now.value(place)
        if depth >= DEEPEST or entry.name in _elsewhere(record):
            continue
        words, unit = fields.label_parts(entry.name, now.currency, record=record.__name__)
        wrong = len(now.at(place))
        title = f"{fields.label_of(words, unit)}{_size(value)}{f' ✕ {wrong}' if wrong else ''}"
        if entry.record is Rate and _one_value(value):
            title = tr("A range instead of one rate")
        visible = value is not ABSENT and bool(value) and not (entry.widget == "record" and _one_value(value))
        with st.expander(title, expanded=visible and depth < OPEN_LEVELS, key=f"in.{dotted(place)}"):
            if entry.help:
                st.caption(tr(entry.help))
            DRAW[entry.widget](draft, now, place, entry, depth)


def _one_value(value: Any) -> bool:
    """Whether a record is written as a single value, so that its fields are not used."""
    return value is not ABSENT and not isinstance(value, dict | list)


def _elsewhere(record: type[BaseModel]) -> tuple[str, ...]:
    """Fields that are already columns in the table of the record."""
    return SPLIT if record.__name__ == "Grade" else ()


def _size(value: Any) -> str:
    if isinstance(value, list | dict) and value:
        return f" ({len(value)})" if isinstance(value, list) else ""
    return f": {fields.as_typed(value)}" if value not in (ABSENT, [], {}) else ""


def _record(draft: drafts.Draft, now: DraftState, place: Keys, entry: fields.Inner, depth: int) -> None:
    form.group(draft, now, form.FieldGroup("", place, entry.record))
    draw_within(draft, now, place, entry.record, depth + 1)


def _rows(draft: drafts.Draft, now: DraftState, place: Keys, entry: fields.Inner, depth: int) -> None:
    if isinstance(now.value(place), dict):  # a list with one item may be written as the item itself
        form.group(draft, now, form.FieldGroup("", place, entry.record))
        return
    table = EditorTable(dotted(place), tr(fields.label_parts(entry.name, now.currency)[0]), place, entry.record)
    edit(draft, now, table)
    pick(draft, now, table, depth + 1)


def pick(draft: drafts.Draft, now: DraftState, table: EditorTable, depth: int = 0) -> None:
    """Draw the choice of a row with nested fields, and these fields."""
    items = now.items(table.path)
    places = [i for i, row in enumerate(items) if opened(table.record, row)]
    if not places:
        return
    names = [str(items[i].get("name", i + 1)) for i in places]
    choice = 0
    if len(places) > 1:
        key, numbers = f"open.{draft.id}.{table.name}", range(len(places))
        choice = st.selectbox(tr("Open a row"), numbers, format_func=names.__getitem__, key=key) or 0
    place = places[choice]
    record = record_of(table.record, items[place])
    if record is not None:
        with st.container(border=True):
            st.text(names[choice])
            draw_within(draft, now, (*table.path, place), record, depth)


def _amounts(draft: drafts.Draft, now: DraftState, place: Keys, _: fields.Inner, __: int) -> None:
    """Numbers by name as a table of two columns."""
    value = now.value(place)
    amounts = value if isinstance(value, dict) else {}
    titles = {"name": tr(NAME), "amount": tr(AMOUNT)}
    cells = [(str(name), fields.as_typed(amount)) for name, amount in amounts.items()]
    frame = pd.DataFrame(cells, columns=list(titles), dtype=str)
    editor = beginning(f"amounts.{draft.id}.{dotted(place)}", draft, amounts, lambda: frame)
    edited = st.data_editor(
        editor.frame, num_rows="dynamic", hide_index=True, alt=tr(AMOUNT), key=editor.key, column_config=titles
    )
    problem_lines(now, now.at(place), most=AT_TOP)
    after: dict[str, Any] = {}
    for row in edited.to_dict("records"):
        name, amount = (("" if pd.isna(row[key]) else str(row[key]).strip()) for key in ("name", "amount"))
        if name and amount:
            after[name] = fields.value_of(amount)
    if after != amounts:
        editor.write(draft, after, {place: after or ABSENT})


DRAW: dict[str, Callable[[drafts.Draft, DraftState, Keys, fields.Inner, int], None]] = {
    "record": _record,
    "rows": _rows,
    "amounts": _amounts,
}
"""Function that draws each kind of nested field."""


TABLES: dict[str, tuple[str, Keys]] = {
    "orders": (mark("Orders"), ("orders",)),
    "grades": (mark("Grades"), ("line", "grades")),
    "stages": (mark("Stages"), ("line", "stages")),
    "transfers": (mark("Transfers"), ("line", "transfers")),
    "processes": (mark("Processes"), ("processes",)),
    "stores": (mark("Stores"), ("stores",)),
    "deliveries": (mark("Deliveries"), ("deliveries",)),
    "arrivals": (mark("Arrivals"), ("arrivals",)),
    "carriers": (mark("Carriers"), ("site", "carriers")),
    "assets": (mark("Assets"), ("site", "assets")),
    "breakdowns": (mark("Breakdowns"), ("disturbances", "breakdowns")),
    "spreads": (mark("Spread by unit"), ("disturbances", "units")),
    "outages": (mark("Outages"), ("state", "outages")),
    "started": (mark("In progress"), ("state", "started")),
    "locks": (mark("Locks"), ("locks",)),
    "run_locks": (mark("Locks on runs"), ("run_locks",)),
}
"""Title and path in the scenario of each table."""


def tables(now: DraftState) -> list[EditorTable]:
    """All tables that a draft may have. The units of each stage are a separate table."""
    entries = []
    for name, (title, path) in TABLES.items():
        if path[0] == "line" and now.value(("line",)) is ABSENT:
            continue
        entries.append(EditorTable(name, tr(title), path))
        if name == "stages":
            for i, stage in enumerate(now.items(path)):
                of = str(stage.get("name", i + 1))[:40] if isinstance(stage, dict) else str(i + 1)
                entries.append(EditorTable(f"units.{i}", tr("Units of {stage}", stage=of), (*path, i, "units")))
    return entries


def show(draft: drafts.Draft, now: DraftState) -> None:
    """Draw the choice of a table and the table."""
    if now.data is None:
        st.text(tr("The text is not a YAML mapping, so no table can show it. Correct it under Text, or undo."))
        return
    by_name = {table.name: table for table in tables(now)}

    def label(key: str) -> str:
        table = by_name[key]
        wrong = len(now.at(table.path))
        return f"{table.title} ({len(now.items(table.path))}){f' ✕ {wrong}' if wrong else ''}"

    # tables with rows come first; a selectbox shows names as plain text
    order = sorted(by_name, key=lambda name: not now.items(by_name[name].path))
    place, _ = st.columns([1, 2])
    choice = place.selectbox(tr("Table"), order, format_func=label, key=f"table.{draft.id}")
    table = by_name[choice]
    edit(draft, now, table)
    caption(
        "A cell takes a number in the column's unit, or a quantity with its own unit such as 85000 kW; an empty cell "
        "means the default. Add rows at the end; tick rows at the left to delete them."
    )
    pick(draft, now, table)
