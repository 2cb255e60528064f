"""The page Export: a run as a file for the shift, for other programs, for the archive; each says where it is from."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from emberline.plans.exports import FORMATS, activities, export, manifest, tables
from emberline.plans.store import StoredRun, StoreError
from emberline.ui.pages.result import result
from emberline.ui.pages.session import run_picker
from emberline.ui.text import wording
from emberline.ui.text.language import current, mark, tr
from emberline.ui.text.speaker import speaker

SAYS = {
    "xlsx": mark("For the shift: heats or runs, a Gantt drawn in cells, energy by the hour, bill, ledger."),
    "csv": mark("One table, for any program; what it came from is a file of its own."),
    "parquet": mark("One table with types, for data work."),
    "nc": mark("All datasets of the run with their units, for analysis."),
    "json": mark("Everything, for programs."),
    "xml": mark("ISA-95 (B2MML OperationsSchedule), for execution systems."),
    "ics": mark("Who does what when, for the calendars of crews."),
    "html": mark("One page with charts, to read and to print; needs nothing else."),
}
"""What each format is for, beside ``emberline.plans.exports.FORMATS``."""
REPORT = mark("Report")
"""The one format that is called by a word."""
TABLE_OF = {
    "heats": mark("heats"),
    "runs": mark("runs of units"),
    "machines": mark("machines and stores"),
    "hours": mark("energy by the hour"),
    "steps": mark("all series by step"),
    "bill": mark("bill"),
    "ledger": mark("carbon ledger"),
    "figures": mark("figures"),
}


def page() -> None:
    """Draw the page."""
    st.subheader(tr("Export"), anchor=False)
    run = run_picker.one(tr("Plan"))
    if not run:
        return
    try:
        stored = result.opened(run)
    except StoreError as error:
        st.warning(str(error))
        return
    made = stored.plan
    st.text(f"{made.scenario.title or made.scenario.name}, {wording.span(made.scenario.horizon)}")
    if made.replay is None:
        st.info(tr("This run has no schedule, so there is nothing to take along. Choose another plan."))
        return
    st.caption(wording.status(made))
    if not made.acceptable:
        st.warning(tr("The twin does not accept this plan: do not follow what is exported here."))
    name = f"emberline-{made.scenario.name}-{run[:8]}"
    for kind in FORMATS:
        _row(stored, kind, name)
    with st.expander(tr("What every file says of where it is from")):
        st.json(json.dumps(manifest.manifest(stored), ensure_ascii=False), expanded=True)


def _row(stored: StoredRun, kind: str, name: str) -> None:
    """One format: what it is for, what of it can be chosen, and the button."""
    found = FORMATS[kind]
    asked: dict[str, str] = {}
    with st.container(border=True):
        says, choice, button = st.columns([5, 3, 2], vertical_alignment="center")
        says.markdown(f"**{tr(found.label)}** (.{kind})")
        says.text(tr(SAYS[kind]))
        with choice:
            if found.of_table:
                asked["table"] = _table(stored, kind)
            if found.of_unit:
                unit = _unit(stored)
                if unit:
                    asked["unit"] = unit
        called = "-".join([name, *asked.values()])
        button.download_button(
            tr("Download {kind}", kind=tr(found.label)), _file(stored, kind, asked), f"{called}.{kind}", found.mime,
            on_click="ignore", width="stretch", key=f"export.{kind}",
        )  # fmt: skip
        if kind == "csv":
            button.download_button(
                tr("Its origin"), lambda: json.dumps(manifest.manifest(stored), indent=1, ensure_ascii=False),
                f"{called}.manifest.json", "application/json", on_click="ignore", width="stretch", key="export.origin",
            )  # fmt: skip


def _table(stored: StoredRun, kind: str) -> str:
    scenario = stored.plan.scenario
    lacking = {"heats": not scenario.heats, "runs": not scenario.processes}
    names = [name for name in tables.TABLES if not lacking.get(name, False)]
    return str(
        st.selectbox(
            tr("Table"), names, format_func=lambda name: tr(TABLE_OF.get(str(name), "")), key=f"export.of.{kind}"
        )
    )


def _unit(stored: StoredRun) -> str:
    assert stored.plan.replay is not None
    names = list(activities.units(stored.plan.scenario, stored.plan.replay))
    return st.selectbox(tr("Unit"), names, index=None, placeholder=tr("all units"), key="export.unit") or ""


def _file(stored: StoredRun, kind: str, asked: dict[str, str]) -> Callable[[], bytes]:
    """Makes the file when it is asked for, in the language of the page that offers it."""
    words = speaker(current())

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"plan.{kind}"
            unit, table = asked.get("unit"), asked.get("table")
            return export(stored, kind, path, unit=unit, table=table, speaker=words).read_bytes()

    return make
