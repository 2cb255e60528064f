"""Flow sheet editor of a draft: place parts, connect them, and edit the selected part in a form."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict
from itertools import groupby
from operator import attrgetter
from typing import Any

import streamlit as st

from emberline.reports.text import tr
from emberline.runs.store import drafts
from emberline.scenarios.case.line import Stage
from emberline.scenarios.process.delivery import Delivery
from emberline.scenarios.process.record import Process
from emberline.scenarios.reading.document import dotted
from emberline.scenarios.reading.editing import revised
from emberline.scenarios.reading.remarks import with_remark
from emberline.scenarios.templates import plants
from emberline.ui.pages.editor import form, tables
from emberline.ui.pages.editor.draft import DraftState, keep
from emberline.ui.pages.editor.drawing import layout
from emberline.ui.pages.editor.drawing.layout import SheetBox, amount, bars
from emberline.ui.pages.editor.fields import record_at
from emberline.ui.pages.editor.form import FieldGroup
from emberline.ui.pages.editor.tables import EditorTable
from emberline.ui.pages.session import widgets
from emberline.ui.pages.session.widgets import caption

REFUSAL = "sheet.refusal"
HTML = '<div class="sheet"></div>'


def show(draft: drafts.Draft, now: DraftState) -> None:
    """Draw the flow sheet and the form of the selected part."""
    if now.data is None:
        st.text(tr("The text is not a YAML mapping, so it cannot be drawn. Correct it under Text, or undo."))
        return
    boxes = {box.id: box for box in _boxes(now.data)}
    place = f"sheet.{draft.id}"
    _palette(draft, now, place)
    with st.container(key="sheet.sides"):
        drawing_side, form_side = st.columns([8, 5], gap="medium")
    with drawing_side:
        act = _draw(now, boxes, st.session_state.get(place, ""), f"{place}.drawn")
        caption(
            "Click a box or a bar for its form. Draw from a box to a bar for what it gives, from a bar to a box "
            "for what it takes. By keyboard: Tab and Enter, then Connect in the form."
        )
    if act:
        _act(draft, now, boxes, dict(act), place)
    if text := st.session_state.pop(REFUSAL, ""):
        drawing_side.warning(text)
    with form_side:
        _form(draft, now, boxes, st.session_state.get(place, ""))
    if now.data.get("line"):
        _orders(draft, now)


def _boxes(data: dict[str, Any]) -> Iterator[SheetBox]:
    yield from layout.connections(data)
    yield from (box for box, _ in layout.assets(data))
    yield from layout.production(data)
    yield from layout.trucks(data)
    for lane in bars(data):
        yield from lane


def _draw(now: DraftState, boxes: dict[str, SheetBox], selected: str, key: str) -> Any:
    wrong = {box.id: len(now.at(box.path)) for box in boxes.values() if box.path != ("site",)}
    sheet = layout.drawing(now.data or {}, wrong)
    data = {**asdict(sheet), "selected": selected, "label": tr("Flow sheet of the plant")}
    draw = widgets.component(__file__, "sheet", HTML)
    return draw(data=data, key=key, height="content", on_act_change=lambda: None).act


def _palette(draft: drafts.Draft, now: DraftState, place: str) -> None:
    """Draw the parts that can be placed, group by group."""
    data = now.data or {}
    with st.container(horizontal=True, vertical_alignment="center"):
        for title, group in groupby(plants.parts().values(), attrgetter("group")):
            with st.popover(tr(title), icon=":material/add:", key=f"place.{title}"):
                for part in group:
                    why = plants.refusal(part, data)
                    if st.button(tr(part.name), key=f"place.{part.name}", disabled=bool(why), width="stretch"):
                        _place(draft, now, part, place)
                    st.caption(f"✕ {tr(why)}" if why else part.source)


def _place(draft: drafts.Draft, now: DraftState, part: plants.Part, place: str) -> None:
    data, path = plants.place(part, now.data or {})
    if keep(draft, with_remark(revised(now.text, data), path, part.source)):
        st.session_state[place] = "/".join(map(str, path))
    st.rerun()


def _act(draft: drafts.Draft, now: DraftState, boxes: dict[str, SheetBox], act: dict[str, Any], place: str) -> None:
    """Carry out an action on the drawing: a selection or a connection."""
    if act.get("act") == "select" and str(act.get("id")) in boxes:
        st.session_state[place] = str(act["id"])
    elif act.get("act") == "connect" and str(act.get("box")) in boxes:
        box = boxes[str(act["box"])]
        _connect(draft, now, box, str(act.get("bar"))[:60], str(act.get("way")))
        st.session_state[place] = box.id
    st.rerun()


def _connect(draft: drafts.Draft, now: DraftState, box: SheetBox, bar: str, way: str) -> None:
    data, why = layout.connected(now.data or {}, box.path, bar, way)
    if why:
        st.session_state[REFUSAL] = tr(why, box=box.name, bar=bar)
    else:
        keep(draft, revised(now.text, data))


# --- the form of the selected part------------------------------------------------------------------------------------


def _form(draft: drafts.Draft, now: DraftState, boxes: dict[str, SheetBox], selected: str) -> None:
    box = boxes.get(selected)
    if box is None:
        with st.container(border=True):
            st.text(tr("Nothing is selected. Click a box or a bar of the flow sheet, or place a part."))
            if (now.data or {}).get("processes"):
                st.caption(tr("What savings are measured against: under Form, Today's practice (baseline)."))
        return
    with st.container(border=True, key="sheet.form"):
        st.markdown(f"**{_plain(box.name)}**")
        if now.imported(box.path):
            st.caption(tr("Source of the figures: your own file, as imported."))
        if source := now.remark(box.path):
            st.caption(tr("Source of the figures as placed: {source}", source=source))
        if box.path == ("site",):
            _link(draft, tr("Import limit and meter: grid connection"), "site/grid")
            form.group(draft, now, FieldGroup("", ("market",)), across=2)
            tables.draw_within(draft, now, ("market",))
            return
        if box.path == ("site", "grid"):
            st.caption(tr("What electricity costs is set in the market: spot prices or a tariff."))
            _link(draft, tr("Price of electricity: market or tariff"), "site")
        if box.path == ("site", "base_load_mw"):
            form.group(draft, now, FieldGroup("", ("site",)), across=1)
            st.caption(tr("A meter's file: under Series, as base load of the site."))
            return
        record = record_at(box.path) or tables.record_of(None, now.value(box.path))
        if record is None:
            st.text(tr("Choose its kind under Tables."))
        else:
            form.group(draft, now, FieldGroup("", box.path, record), across=2, brief=True)
            if record is Stage:
                _times(draft, now, box)
            if record in (Stage, Process, Delivery):
                _disturbed(draft, now, box)
            tables.draw_within(draft, now, box.path, record)
        _connections(draft, now, box)
        if box.path not in (("site", "grid"),) and st.button(tr("Remove {name}", name=box.name), key="sheet.remove"):
            _remove(draft, now, box)


def _plain(name: str, signs: str = " ._-") -> str:
    return "".join(sign if sign.isalnum() or sign in signs else " " for sign in name)


def _link(draft: drafts.Draft, label: str, box: str) -> None:
    """Draw a button that selects another box or bar."""
    st.button(
        label, type="tertiary", icon=":material/arrow_forward:", key=f"sheet.link.{box}",
        on_click=lambda: st.session_state.update({f"sheet.{draft.id}": box}),
    )  # fmt: skip


def _disturbed(draft: drafts.Draft, now: DraftState, box: SheetBox) -> None:
    """Draw the disturbances of a unit or a delivery, with a link to their entry."""
    units = now.items((*box.path, "units"))
    names = [box.name, *(row.get("name") if isinstance(row, dict) else row for row in units)]
    fails = [
        tr("{unit} fails every {hours} of work on average, repair takes {repair}.", unit=_plain(str(row["unit"])),
           hours=_plain(amount(row.get("mtbf_h"), "h")), repair=_plain(amount(row.get("mttr_min"), "min")))
        for row in now.items(("disturbances", "breakdowns"))
        if isinstance(row, dict) and row.get("unit") in names
    ]  # fmt: skip
    text = fails or [tr("No breakdown is entered for it.")]
    if box.path[0] == "deliveries":
        text = [tr("What is fetched more or less on a disturbed day: delivery spread.")]
    st.caption("  \n".join(text))
    form.link(draft, tr("Breakdowns and disturbances"), "disturbances")


def _times(draft: drafts.Draft, now: DraftState, box: SheetBox) -> None:
    """Point to the table of grades below, which has time and electricity of each grade at a stage."""
    lines = [
        f"{grade.get('name')}: {grade.get('duration_min', {}).get(box.name, '–')} min, "
        f"{grade.get('energy_kwh_per_t', {}).get(box.name, '–')} kWh/t"
        for grade in now.items(("line", "grades"))
        if isinstance(grade, dict)
    ]
    text = tr("Times and energies by grade are in the table below.")
    st.caption("  \n".join([text, *(_plain(line, " ._-:,/–%") for line in lines)]))


def _connections(draft: drafts.Draft, now: DraftState, box: SheetBox) -> None:
    """Draw buttons that add and remove connections, for use by keyboard."""
    if box.path[0] not in ("processes", "arrivals", "deliveries") and box.path[:2] != ("site", "assets"):
        return
    lanes = [lane.name for side in bars(now.data or {}) for lane in side]
    bar, gives, takes = st.columns([3, 2, 2], vertical_alignment="bottom")
    choice = bar.selectbox(tr("Connect with"), lanes, index=len(lanes) - 1, key=f"connect.{dotted(box.path)}")
    for column, way, label in ((gives, "gives", tr("gives")), (takes, "takes", tr("takes"))):
        if column.button(label, key=f"connect.{way}", width="stretch"):
            _connect(draft, now, box, choice, way)
            st.rerun()
    if box.path[0] == "processes":
        for name in dict.fromkeys((*box.gives, *box.takes)):
            if name in lanes[1:] and st.button(tr("Cut the line to {name}", name=name), key=f"cut.{name}"):
                keep(draft, revised(now.text, layout.cut(now.data or {}, box.path, name)))
                st.rerun()


def _remove(draft: drafts.Draft, now: DraftState, box: SheetBox) -> None:
    data = deepcopy(now.data or {})
    parent = layout.at(data, box.path[:-1])
    del parent[box.path[-1]]
    if box.path[0] == "line":
        for grade in data["line"].get("grades", ()):
            for by_stage in ("duration_min", "energy_kwh_per_t"):
                if isinstance(grade.get(by_stage), dict):
                    grade[by_stage].pop(box.name, None)
        if not parent:
            for key in ("line", "orders"):
                data.pop(key, None)
    elif not parent and len(box.path) > 1:
        del layout.at(data, box.path[:-2])[box.path[-2]]
    elif not parent:
        data.pop(str(box.path[0]), None)
    keep(draft, revised(now.text, data))
    st.rerun()


def _orders(draft: drafts.Draft, now: DraftState) -> None:
    """Orders and grades of a line, below the drawing."""
    for name, title, path in (("orders", tr("Orders"), ("orders",)), ("grades", tr("Grades"), ("line", "grades"))):
        table = EditorTable(name, title, path)
        st.markdown(f"**{title}**")
        tables.edit(draft, now, table)
        if name == "orders":
            st.caption(tr("Heats are written as 3 × rebar, 2 × wire; one order is one cast."))
