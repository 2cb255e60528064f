"""Page Export: files of a run for the shift, for other programs and for the archive, with their origin."""

from __future__ import annotations

import json
from functools import partial

import streamlit as st

from emberline.reports.exports import FORMATS, manifest, tables
from emberline.reports.text import mark, tr, wording
from emberline.reports.text.activities import units
from emberline.runs.store import StoredRun
from emberline.ui.pages.result import answer
from emberline.ui.pages.session import chart_cache, stored_runs, widgets

SAYS = {
    "xlsx": mark("For the shift: heats or runs, a Gantt chart in cells, hourly energy, bill, ledger."),
    "csv": mark("One table, for any program; its origin is a separate file."),
    "parquet": mark("One table with types, for data analysis."),
    "nc": mark("All datasets of the run with their units, for analysis."),
    "json": mark("Everything, for programs."),
    "xml": mark("ISA-95 (B2MML OperationsSchedule), for execution systems."),
    "ics": mark("Operations of each unit, for the calendars of crews."),
    "html": mark("One page with charts, for reading and printing; self-contained."),
}
"""Purpose of each format of ``emberline.reports.exports.FORMATS``."""
TABLE_OF = {
    "heats": mark("heats"),
    "runs": mark("runs of units"),
    "machines": mark("machines and stores"),
    "hours": mark("hourly energy"),
    "steps": mark("all series by step"),
    "bill": mark("bill"),
    "ledger": mark("carbon ledger"),
    "figures": mark("figures"),
}
OF_PRODUCERS = ("heats", "runs")
"""Tables of the producers' activities (``Producer.table``)."""


def page() -> None:
    """Draw the page."""
    st.subheader(tr("Export"), anchor=False)
    stored = stored_runs.in_view()
    if stored is None:
        return
    plan, run = stored.plan, stored.id
    answer.show_title(plan.scenario, run)
    if plan.replay is None:
        st.info(tr("This run has no schedule to export. Choose another plan."))
        return
    st.caption(wording.status(plan))
    if not plan.acceptable:
        st.warning(tr("The twin does not accept this plan: do not follow the exported schedule."))
    for kind in FORMATS:
        _row(stored, kind)
    with st.expander(tr("Origin, as stated in every file")):
        st.json(json.dumps(manifest.manifest(stored), ensure_ascii=False), expanded=True)


def _row(stored: StoredRun, kind: str) -> None:
    """Draw the purpose, options and button of a format."""
    form = FORMATS[kind]
    options: dict[str, str] = {}
    with st.container(border=True):
        text, choice, button = st.columns([5, 3, 2], vertical_alignment="center")
        text.markdown(f"**{tr(form.label)}** (.{kind})")
        text.text(tr(SAYS[kind]))
        with choice:
            if form.of_table:
                options["table"] = _table(stored, kind)
            if form.of_unit:
                unit = _unit(stored)
                if unit:
                    options["unit"] = unit
        label = tr("Download {kind}", kind=tr(form.label))
        stored_runs.download(stored, kind, label, f"export.{kind}", button, **options)
        if kind == "csv":
            make = partial(json.dumps, manifest.manifest(stored), indent=1, ensure_ascii=False)
            name = stored_runs.file_name(stored, "manifest.json", *options.values())
            widgets.download(tr("Origin"), make, name, "application/json", "export.origin", button, width="stretch")


def _table(stored: StoredRun, kind: str) -> str:
    tables_of_plan = {producer.table for producer in stored.plan.scenario.producers}
    names = [name for name in tables.TABLES if name in tables_of_plan or name not in OF_PRODUCERS]
    words = {name: tr(TABLE_OF.get(name, "")) for name in names}
    return str(st.selectbox(tr("Table"), names, format_func=words.__getitem__, key=f"export.of.{kind}"))


def _unit(stored: StoredRun) -> str:
    plan, run = stored.plan, stored.plan.replay
    assert run is not None
    names = chart_cache.value(("export units", stored.id), lambda: list(units(plan.scenario, run)))
    return st.selectbox(tr("Unit"), names, index=None, placeholder=tr("all units"), key="export.unit") or ""
