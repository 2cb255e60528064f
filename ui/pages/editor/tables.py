"""Lists of a draft as tables: orders, grades, units, stores, assets and more; what lies within a row is a form or table
below it.
"""

from __future__ import annotations

import streamlit as st

from emberline.reports.text.language import mark, tr
from emberline.runs.store import drafts
from emberline.scenarios.reading.document import Keys
from emberline.scenarios.reading.editing import ABSENT
from emberline.ui.pages.editor import nested, rows
from emberline.ui.pages.editor.draft import DraftState

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
"""Title and place in the scenario of each table."""


def tables(now: DraftState) -> list[rows.EditorTable]:
    """All tables that a draft may have; the units of each stage have their own."""
    entries = []
    for name, (title, path) in TABLES.items():
        if path[0] == "line" and now.value(("line",)) is ABSENT:
            continue
        entries.append(rows.EditorTable(name, tr(title), path))
        if name == "stages":
            stages = now.value(path)
            for i, stage in enumerate(stages if isinstance(stages, list) else []):
                of = str(stage.get("name", i + 1))[:40] if isinstance(stage, dict) else str(i + 1)
                entries.append(rows.EditorTable(f"units.{i}", tr("Units of {stage}", stage=of), (*path, i, "units")))
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
        return f"{table.title} ({len(rows.items(now, table.path))}){f' ✕ {wrong}' if wrong else ''}"

    # tables with rows come first; a selectbox shows names as plain text
    order = sorted(by_name, key=lambda name: not rows.items(now, by_name[name].path))
    place, _ = st.columns([1, 2])
    choice = place.selectbox(tr("Table"), order, format_func=label, key=f"table.{draft.id}")
    table = by_name[choice]
    rows.edit(draft, now, table)
    st.caption(
        tr(
            "A cell takes a number in the column's unit, or a quantity with its own unit such as 85000 kW; an "
            "empty cell means the default. Add rows at the end; tick rows at the left to delete them."
        )
    )
    nested.pick(draft, now, table)
