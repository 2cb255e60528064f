"""A draft's lists as tables: orders, grades, units, stores, assets and more. A cell holds what YAML holds; below
the table it is said in words what stands in braces.

A table keeps its place while it is edited: the editor begins anew only when something else has changed the draft.
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
from emberline.ui.pages.editor.draft import AT_TOP, State, problem_lines, set_values
from emberline.ui.pages.editor.fields import label_of, labelled, written
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
    "started": (mark("Under way"), ("state", "started"), Started),
    "locks": (mark("Locks"), ("locks",), Lock),
}
"""Title, place in the scenario and record of each table; None: rows differ by their kind."""
ENTRY = re.compile(r"(?:(\d{1,4})\s*[x×*]\s*)?(\S.*?)\s*")
"""One entry of an order's heats: ``3 × rebar``."""
FIRST_COLUMNS = {"assets": ("kind", "name")}
HEATS = "heats"
MANY = 8
"""Columns beyond which the names stay in sight."""
FEW, MANY_ROWS = 4, 40
"""Rows with braces that are said at once, and rows that are said at all."""
PLACE = "#"
"""A column that is not shown: which item a row was; empty in new rows."""


@dataclass(frozen=True)
class Table:
    """A list of the draft as a table."""

    name: str
    title: str
    path: Keys
    record: type[BaseModel] | None


def tables(now: State) -> list[Table]:
    """Every table that a draft may have; the units of each stage have one of their own."""
    found = []
    for name, (title, path, record) in TABLES.items():
        if path[0] == "line" and now.value(("line",)) is ABSENT:
            continue
        found.append(Table(name, tr(title), path, record))
        if name == "stages":
            stages = now.value(path)
            for i, stage in enumerate(stages if isinstance(stages, list) else []):
                of = str(stage.get("name", i + 1))[:40] if isinstance(stage, dict) else str(i + 1)
                found.append(Table(f"units.{i}", tr("Units of {stage}", stage=of), (*path, i, "units"), Unit))
    return found


def show(draft: drafts.Draft, now: State) -> None:
    """Draw the choice of a table and the table."""
    if now.data is None:
        st.text(tr("The text is no YAML mapping, so that no table can show it. Correct it under Text, or undo."))
        return
    found = {table.name: table for table in tables(now)}

    def called(name: str) -> str:
        table = found[name]
        wrong = len(now.at(table.path))
        return f"{table.title} ({len(items(now, table.path))}){f' ✕ {wrong}' if wrong else ''}"

    # what has rows comes first; a selectbox shows names as they are, whatever is in them
    order = sorted(found, key=lambda name: not items(now, found[name].path))
    place, _ = st.columns([1, 2])
    chosen = place.selectbox(tr("Table"), order, format_func=called, key=f"table.{draft.id}")
    table = found[chosen]
    _editor(draft, now, table)
    problem_lines(now, [problem for problem in now.at(table.path) if problem not in now.problems[:AT_TOP]])
    st.caption(
        tr(
            "A cell takes a number in the column's unit or a quantity with its own, as in 85000 kW; an empty one takes "
            "the default. Rows are added at the end, and deleted once they are ticked at the left."
        )
    )
    _said(now, table)


def _said(now: State, table: Table) -> None:
    """What the cells with braces say, row by row."""
    money, rows = _money(now), items(now, table.path)
    told: list[tuple[str, list[tuple[str, Any]]]] = []
    for place, row in enumerate(rows):
        values = list(row.items()) if isinstance(row, dict) else []
        values = [(name, value) for name, value in values if _in_braces(name, value, row)]
        if values:
            told.append((str(row.get("name", place + 1)), values))
    if not told:
        return
    with st.expander(tr("What stands in braces, in words"), expanded=len(told) <= FEW):
        for name, values in told[:MANY_ROWS]:
            lines = [f"{label_of(*labelled(field, money))}: {in_words(value, money, field)}" for field, value in values]
            st.text("\n".join([name, *(f"    {line}" for line in lines)]))
        if len(told) > MANY_ROWS:
            st.text(tr("… and {count} more", count=len(told) - MANY_ROWS))
        st.caption(
            tr(
                "In the cells above curly braces hold several values, each as key: value, and square brackets several "
                "items. They can be edited there, or under Text."
            )
        )


def _in_braces(name: str, value: Any, row: dict[str, Any]) -> bool:
    return nested(value) and not name.endswith(SPLIT) and _cell(row, name)[:1] in "{["


def items(now: State, path: Keys) -> list[Any]:
    """The items of a list; none where there is no list."""
    value = now.value(path)
    return value if isinstance(value, list) else []


def _editor(draft: drafts.Draft, now: State, table: Table) -> None:
    place = f"table.{draft.id}.{table.name}"
    kept = st.session_state.get(place)
    if kept is None or kept["version"] != draft.version:
        rows = items(now, table.path)
        kept = {
            "version": draft.version,
            "items": deepcopy(rows),
            "frame": frame_of(rows, table),
            "began": draft.version,
        }
        st.session_state[place] = kept
    frame: pd.DataFrame = kept["frame"]
    edited = st.data_editor(
        frame,
        key=f"{place}.{kept['began']}",
        num_rows="dynamic",
        hide_index=True,
        column_order=[name for name in frame.columns if name != PLACE],
        column_config=_columns(now, table, list(frame.columns)),
        alt=table.title,
    )
    made = items_of(edited, kept["items"], frame)
    if made == items(now, table.path):
        return
    if set_values(draft, {table.path: made if made else ABSENT}):
        from emberline.plans.store import drafts

        # the editor goes on as it is: what it shows is what the draft now holds
        st.session_state[place] = kept | {"version": drafts.open_draft(draft.id).version}
        st.rerun()


def _money(now: State) -> str:
    currency = now.value(("market", "currency"))
    return currency if isinstance(currency, str) and len(currency) == 3 else "EUR"


def _columns(now: State, table: Table, names: list[str]) -> dict[str, Any]:
    money = _money(now)
    found = {}
    for name in names:
        field, _, inner = name.partition(".")
        words, unit = labelled(field, money)
        label = label_of(f"{tr(words)}, {inner}" if inner else words, unit)
        doc = documented(table.record).get(field) if table.record else None
        found[name] = st.column_config.TextColumn(
            label, help=tr(doc) if doc else None, pinned=(name == "name" and len(names) > MANY) or None
        )
    return found


def frame_of(rows: list[Any], table: Table) -> pd.DataFrame:
    """Items as a table of text: a column for each field, and for each key of a field that is a mapping of values."""
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
"""Fields by stage or unit: a column for each."""


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
    return written(value) if not (isinstance(value, str) and value[:1] in "{[") else flow(value)


def _are_heats(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and set(one) <= {"grade", "count"} and isinstance(one.get("grade"), str) for one in value
    )


def items_of(edited: pd.DataFrame, before: list[Any], frame: pd.DataFrame) -> list[Any]:
    """The items that an edited table stands for; what no column shows stays as it was."""
    made: list[Any] = []
    for row in edited.to_dict("records"):
        cells = {str(name): "" if pd.isna(cell) else str(cell).strip() for name, cell in row.items()}
        place = cells.pop(PLACE)
        old = int(place) if place else None
        item = {} if old is None else deepcopy(before[old])
        if not isinstance(item, dict):
            made.append(item)
            continue
        for name, cell in cells.items():
            if old is not None and cell == str(frame[name].iloc[old]):
                continue
            _put(item, name, cell)
        if item:
            made.append(item)
    return made


def _put(item: dict[str, Any], column: str, cell: str) -> None:
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
        found = [ENTRY.fullmatch(part.strip()) for part in cell.split(",")]
        return [
            {"grade": one[2], **({"count": int(one[1])} if one[1] else {})} for one in found if one is not None
        ]  # fmt: skip
    return cell if field in ("name", "grade", "unit", "store", "carrier", "kind") else plain(cell)
