"""Lists of a draft as tables: orders, grades, units, stores, assets and more. Cells hold YAML; nested values are
explained in words below the table.

A table keeps its position while it is edited: the editor is reset only when something else has changed the draft.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st
from pydantic import BaseModel

from emberline.plans.store import drafts
from emberline.scenarios import ScenarioError
from emberline.scenarios.assets import Carrier
from emberline.scenarios.descriptions import documented
from emberline.scenarios.process import Process
from emberline.scenarios.process.delivery import Arrival, Delivery
from emberline.scenarios.process.store import Store
from emberline.scenarios.reading.document import Keys, parse, plain
from emberline.scenarios.reading.editing import ABSENT, flow
from emberline.scenarios.records.disturbances import Breakdown, Spread
from emberline.scenarios.records.line import Grade, Stage, Transfer, Unit
from emberline.scenarios.records.orders import Lock, Order
from emberline.scenarios.records.state import Outage, Started
from emberline.ui.pages.editor.cell_text import in_words, nested
from emberline.ui.pages.editor.draft import AT_TOP, DraftState, problem_lines, set_values
from emberline.ui.pages.editor.fields import as_typed, label_of, label_parts
from emberline.ui.text.language import mark, tr

TABLES: dict[str, tuple[str, Keys, type[BaseModel] | None]] = {
    "orders": (mark("Orders"), ("orders",), Order),
    "grades": (mark("Grades"), ("line", "grades"), Grade),
    "stages": (mark("Stages"), ("line", "stages"), Stage),
    "transfers": (mark("Transfers"), ("line", "transfers"), Transfer),
    "processes": (mark("Processes"), ("processes",), Process),
    "stores": (mark("Stores"), ("stores",), Store),
    "deliveries": (mark("Deliveries"), ("deliveries",), Delivery),
    "arrivals": (mark("Arrivals"), ("arrivals",), Arrival),
    "carriers": (mark("Carriers"), ("site", "carriers"), Carrier),
    "assets": (mark("Assets"), ("site", "assets"), None),
    "breakdowns": (mark("Breakdowns"), ("disturbances", "breakdowns"), Breakdown),
    "spreads": (mark("Spread by unit"), ("disturbances", "units"), Spread),
    "outages": (mark("Outages"), ("state", "outages"), Outage),
    "started": (mark("In progress"), ("state", "started"), Started),
    "locks": (mark("Locks"), ("locks",), Lock),
}
"""Title, place in the scenario and record of each table; None: rows of several kinds."""
ENTRY = re.compile(r"(?:(\d{1,4})\s*[x×*]\s*)?(\S.*?)\s*")
"""An entry of an order's heats: ``3 × rebar``."""
FIRST_COLUMNS = {"assets": ("kind", "name")}
HEATS = "heats"
MANY = 8
"""Number of columns above which names are pinned."""
FEW, MANY_ROWS = 4, 40
"""Rows with nested values that are expanded at once, and most rows that are explained."""
PLACE = "#"
"""A hidden column: the original index of a row; empty for new rows."""


@dataclass(frozen=True)
class EditorTable:
    """A list of the draft as a table."""

    name: str
    title: str
    path: Keys
    record: type[BaseModel] | None


def tables(now: DraftState) -> list[EditorTable]:
    """All tables that a draft may have; the units of each stage have their own."""
    entries = []
    for name, (title, path, record) in TABLES.items():
        if path[0] == "line" and now.value(("line",)) is ABSENT:
            continue
        entries.append(EditorTable(name, tr(title), path, record))
        if name == "stages":
            stages = now.value(path)
            for i, stage in enumerate(stages if isinstance(stages, list) else []):
                of = str(stage.get("name", i + 1))[:40] if isinstance(stage, dict) else str(i + 1)
                entries.append(EditorTable(f"units.{i}", tr("Units of {stage}", stage=of), (*path, i, "units"), Unit))
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
        return f"{table.title} ({len(items(now, table.path))}){f' ✕ {wrong}' if wrong else ''}"

    # tables with rows come first; a selectbox shows names as plain text
    order = sorted(by_name, key=lambda name: not items(now, by_name[name].path))
    place, _ = st.columns([1, 2])
    choice = place.selectbox(tr("Table"), order, format_func=label, key=f"table.{draft.id}")
    table = by_name[choice]
    _editor(draft, now, table)
    problem_lines(now, [problem for problem in now.at(table.path) if problem not in now.problems[:AT_TOP]])
    st.caption(
        tr(
            "A cell takes a number in the column's unit, or a quantity with its own unit such as 85000 kW; an "
            "empty cell means the default. Add rows at the end; tick rows at the left to delete them."
        )
    )
    _nested_values(now, table)


def _nested_values(now: DraftState, table: EditorTable) -> None:
    """Nested values in words, row by row."""
    money, rows = _money(now), items(now, table.path)
    groups: list[tuple[str, list[tuple[str, Any]]]] = []
    for place, row in enumerate(rows):
        values = list(row.items()) if isinstance(row, dict) else []
        values = [(name, value) for name, value in values if _in_braces(name, value, row)]
        if values:
            groups.append((str(row.get("name", place + 1)), values))
    if not groups:
        return
    with st.expander(tr("Nested values explained"), expanded=len(groups) <= FEW):
        for name, values in groups[:MANY_ROWS]:
            lines = [
                f"{label_of(*label_parts(field, money))}: {in_words(value, money, field)}" for field, value in values
            ]
            st.text("\n".join([name, *(f"    {line}" for line in lines)]))
        if len(groups) > MANY_ROWS:
            st.text(tr("… and {count} more", count=len(groups) - MANY_ROWS))
        st.caption(
            tr(
                "In the cells above, braces hold several values as key: value, and brackets hold lists. Edit them "
                "there, or under Text."
            )
        )


def _in_braces(name: str, value: Any, row: dict[str, Any]) -> bool:
    return nested(value) and not name.endswith(SPLIT) and _cell(row, name)[:1] in "{["


def items(now: DraftState, path: Keys) -> list[Any]:
    """Items of a list; empty if there is none."""
    value = now.value(path)
    return value if isinstance(value, list) else []


def _editor(draft: drafts.Draft, now: DraftState, table: EditorTable) -> None:
    place = f"table.{draft.id}.{table.name}"
    cache = st.session_state.get(place)
    if cache is None or cache["version"] != draft.version:
        rows = items(now, table.path)
        cache = {
            "version": draft.version,
            "items": deepcopy(rows),
            "frame": frame_of(rows, table),
            "began": draft.version,
        }
        st.session_state[place] = cache
    frame: pd.DataFrame = cache["frame"]
    edited = st.data_editor(
        frame,
        key=f"{place}.{cache['began']}",
        num_rows="dynamic",
        hide_index=True,
        column_order=[name for name in frame.columns if name != PLACE],
        column_config=_columns(now, table, list(frame.columns)),
        alt=table.title,
    )
    after = items_of(edited, cache["items"], frame)
    if after == items(now, table.path):
        return
    if set_values(draft, {table.path: after if after else ABSENT}):
        from emberline.plans.store import drafts

        # the editor keeps its state: it shows what the draft now contains
        st.session_state[place] = cache | {"version": drafts.open_draft(draft.id).version}
        st.rerun()


def _money(now: DraftState) -> str:
    currency = now.value(("market", "currency"))
    return currency if isinstance(currency, str) and len(currency) == 3 else "EUR"


def _columns(now: DraftState, table: EditorTable, names: list[str]) -> dict[str, Any]:
    money = _money(now)
    columns = {}
    for name in names:
        field, _, inner = name.partition(".")
        words, unit = label_parts(field, money)
        label = label_of(f"{tr(words)}, {inner}" if inner else words, unit)
        doc = documented(table.record).get(field) if table.record else None
        columns[name] = st.column_config.TextColumn(
            label, help=tr(doc) if doc else None, pinned=(name == "name" and len(names) > MANY) or None
        )
    return columns


def frame_of(rows: list[Any], table: EditorTable) -> pd.DataFrame:
    """Items as a table of text: a column per field, and per key of fields that map stages or units to values."""
    plainly = [row for row in rows if isinstance(row, dict)]
    columns: list[str] = list(FIRST_COLUMNS.get(table.name, ()))
    if table.record is not None:
        for name in table.record.model_fields:
            columns += _columns_of(name, [row[name] for row in plainly if name in row], _simple(table.record, name))
    for row in plainly:
        for name in row:
            if table.record is None or name not in table.record.model_fields:
                columns += _columns_of(name, [other[name] for other in plainly if name in other], True)
    columns = list(dict.fromkeys(columns))
    cells = [
        [str(i), *(_cell(row, name) if isinstance(row, dict) else "" for name in columns)] for i, row in enumerate(rows)
    ]
    return pd.DataFrame(cells, columns=[PLACE, *columns], dtype=str)


def _columns_of(name: str, values: list[Any], always: bool) -> list[str]:
    if values and all(isinstance(value, dict) and value and _flat(value) for value in values) and name.endswith(SPLIT):
        return [f"{name}.{key}" for key in dict.fromkeys(key for value in values for key in value)]
    return [name] if values or always else []


SPLIT = ("duration_min", "energy_kwh_per_t")
"""Fields by stage or unit, with a column for each."""


def _flat(value: dict[str, Any]) -> bool:
    return not any(isinstance(inner, dict | list) for inner in value.values())


def _simple(record: type[BaseModel], name: str) -> bool:
    from emberline.ui.pages.editor.fields import fields

    return name == HEATS or any(field.name == name for field in fields(record, "EUR"))


def _cell(row: dict[str, Any], column: str) -> str:
    field, _, inner = column.partition(".")
    value = row.get(field, ABSENT)
    if inner:
        value = value.get(inner, ABSENT) if isinstance(value, dict) else ABSENT
    if value is ABSENT:
        return ""
    if field == HEATS and _are_heats(value):
        return ", ".join(f"{one['count']} × {one['grade']}" if "count" in one else str(one["grade"]) for one in value)
    return as_typed(value) if not (isinstance(value, str) and value[:1] in "{[") else flow(value)


def _are_heats(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and set(one) <= {"grade", "count"} and isinstance(one.get("grade"), str) for one in value
    )


def items_of(edited: pd.DataFrame, before: list[Any], frame: pd.DataFrame) -> list[Any]:
    """Items of an edited table; what no column shows stays unchanged."""
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
    field, _, inner = column.partition(".")
    if inner and cell:
        item.setdefault(field, {})[inner] = plain(cell)
        return
    if inner:
        item.get(field, {}).pop(inner, None)
        return
    if cell:
        item[field] = _value(field, cell)
    else:
        item.pop(field, None)


def _value(field: str, cell: str) -> Any:
    if cell[0] in "{[":
        try:
            return parse(f"v: {cell}").data.get("v", cell)
        except ScenarioError:
            return cell
    if field == HEATS:
        entries = [ENTRY.fullmatch(part.strip()) for part in cell.split(",")]
        return [
            {"grade": one[2], **({"count": int(one[1])} if one[1] else {})} for one in entries if one is not None
        ]  # fmt: skip
    return cell if field in ("name", "grade", "unit", "store", "carrier", "kind") else plain(cell)
