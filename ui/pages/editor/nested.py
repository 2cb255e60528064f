"""What lies within a row or a box of a draft, as forms and tables of its own: phases, modes, inputs, rates of a tariff.

Nothing is written as braces: a record within a record is a form, a list of records a table whose rows open in turn, and
amounts by name are a table of two columns.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
from pydantic import BaseModel

from emberline.reports.text.language import mark, tr
from emberline.runs.store import drafts
from emberline.scenarios.assets import KINDS
from emberline.scenarios.process.recipe import Rate
from emberline.scenarios.reading.document import Keys, dotted
from emberline.scenarios.reading.editing import ABSENT
from emberline.ui.pages.editor import form, rows
from emberline.ui.pages.editor.draft import AT_TOP, DraftState, problem_lines
from emberline.ui.pages.editor.fields import Inner, as_typed, inner, label_of, label_parts, record_at, value_of
from emberline.ui.pages.editor.rows import EditorTable

DEEPEST = 5
"""Levels below which nothing is drawn any more."""
OPEN = 3
"""Levels that are open where there is something in them: the hours and prices of a tariff stand on the third."""
AMOUNT = mark("Amount")
NAME = mark("Name")


def record_of(record: type[BaseModel] | None, row: Any) -> type[BaseModel] | None:
    """Record of a row; of an asset by its kind."""
    if record is not None or not isinstance(row, dict):
        return record
    return KINDS.get(str(row.get("kind")))


def opened(record: type[BaseModel] | None, row: Any) -> bool:
    """Whether a row has anything within it."""
    of_row = record_of(record, row)
    return of_row is not None and isinstance(row, dict) and bool(inner(of_row))


def draw(
    draft: drafts.Draft, now: DraftState, path: Keys, record: type[BaseModel] | None = None, depth: int = 0
) -> None:
    """Draw what lies within a record of the draft; the place says which one where none is given."""
    record = record or record_at(path)
    assert record is not None
    for entry in inner(record):
        place = (*path, entry.name)
        value = now.value(place)
        if depth >= DEEPEST or entry.name in _elsewhere(record):
            continue
        words, unit = label_parts(entry.name, rows.money(now), record=record.__name__)
        wrong = len(now.at(place))
        title = f"{label_of(words, unit)}{_size(value)}{f' ✕ {wrong}' if wrong else ''}"
        if entry.record is Rate and _one_value(value):
            title = tr("A range instead of one rate")
        visible = value is not ABSENT and bool(value) and not (entry.kind == "record" and _one_value(value))
        with st.expander(title, expanded=visible and depth < OPEN, key=f"in.{dotted(place)}"):
            if entry.help:
                st.caption(tr(entry.help))
            _entry(draft, now, place, entry, depth)


def _one_value(value: Any) -> bool:
    """Whether a record is written as one value: then its fields are not used."""
    return value is not ABSENT and not isinstance(value, dict | list)


def _elsewhere(record: type[BaseModel]) -> tuple[str, ...]:
    """Fields that the table of the record shows as columns already."""
    return rows.SPLIT if record.__name__ == "Grade" else ()


def _size(value: Any) -> str:
    if isinstance(value, list | dict) and value:
        return f" ({len(value)})" if isinstance(value, list) else ""
    return f": {as_typed(value)}" if value not in (ABSENT, [], {}) else ""


def _entry(draft: drafts.Draft, now: DraftState, place: Keys, entry: Inner, depth: int) -> None:
    value = now.value(place)
    if entry.kind == "amounts":
        _amounts(draft, now, place)
    elif entry.kind == "record" and entry.record is not None:
        form.group(draft, now, form.FieldGroup("", place, entry.record))
        draw(draft, now, place, entry.record, depth + 1)
    elif entry.record is not None:
        if isinstance(value, dict):  # a list of one may be written without its list
            form.group(draft, now, form.FieldGroup("", place, entry.record))
            return
        words = label_parts(entry.name, rows.money(now))[0]
        rows.edit(draft, now, EditorTable(dotted(place), tr(words), place, entry.record))
        pick(draft, now, EditorTable(dotted(place), tr(words), place, entry.record), depth + 1)


def pick(draft: drafts.Draft, now: DraftState, table: EditorTable, depth: int = 0) -> None:
    """Draw the choice of a row that has something within it, and what that is."""
    items = rows.items(now, table.path)
    places = [i for i, row in enumerate(items) if opened(table.record, row)]
    if not places:
        return
    names = [str(items[i].get("name", i + 1)) for i in places]
    if len(places) > 1:
        choice = st.selectbox(
            tr("Open a row"), range(len(places)), format_func=lambda i: names[i], key=f"open.{draft.id}.{table.name}"
        )
    else:
        choice = 0
    place = places[choice or 0]
    record = record_of(table.record, items[place])
    if record is not None:
        with st.container(border=True):
            st.text(names[choice or 0])
            draw(draft, now, (*table.path, place), record, depth)


def _amounts(draft: drafts.Draft, now: DraftState, place: Keys) -> None:
    """Numbers by name as a table of two columns."""
    value = now.value(place)
    amounts = value if isinstance(value, dict) else {}
    editor = rows.beginning(
        f"amounts.{draft.id}.{dotted(place)}", draft, amounts,
        lambda: pd.DataFrame(
            [(str(name), as_typed(amount)) for name, amount in amounts.items()], columns=["name", "amount"], dtype=str
        ),
    )  # fmt: skip
    edited = st.data_editor(
        editor.frame, num_rows="dynamic", hide_index=True, alt=tr(AMOUNT), key=editor.key,
        column_config={"name": tr(NAME), "amount": tr(AMOUNT)},
    )  # fmt: skip
    problem_lines(now, now.at(place), most=AT_TOP)
    after: dict[str, Any] = {}
    for row in edited.to_dict("records"):
        name, amount = (("" if pd.isna(row[key]) else str(row[key]).strip()) for key in ("name", "amount"))
        if name and amount:
            after[name] = value_of(amount)
    if after != amounts:
        editor.write(draft, after, {place: after or ABSENT})
