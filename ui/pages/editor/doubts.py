"""Shortages of a draft by arithmetic, shown during typing, with changes that would help; and figures only typical."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from emberline.reports.text import facts, say, tr, trn
from emberline.runs.store import drafts, snapshots
from emberline.scenarios import ScenarioError
from emberline.scenarios.reading.document import override, parse
from emberline.scenarios.reading.editing import revised
from emberline.ui.pages.editor import source_text
from emberline.ui.pages.editor.draft import DraftState, keep, typical
from emberline.ui.pages.editor.fields import as_typed
from emberline.ui.pages.session import widgets


@st.cache_data(max_entries=64, show_spinner=False)
def lacking(path: str) -> tuple[bool, list[str]]:
    """Whether an immutable text rules out any plan, and its shortages, one sentence each; False and none where it
    cannot be read."""
    from emberline.studies.why import quick

    try:
        scenario = snapshots.load(Path(path))
        lines = quick.shortages(scenario)
        return bool(lines), lines or quick.without_place(scenario)
    except (ScenarioError, OSError):
        return False, []


@st.cache_data(max_entries=32, show_spinner=False)
def repairs(path: str) -> list[tuple[list[str], list[str]]]:
    """Sentences and overrides of changes that would help."""
    from emberline.studies.why import quick

    reply = quick.quick(lambda more: snapshots.load(Path(path), list(more)))
    return [(list(repair.says), list(repair.overrides)) for repair in reply.repairs]


def show(draft: drafts.Draft, now: DraftState) -> None:
    """Draw what is lacking; nothing where there are mistakes, which come first."""
    if now.scenario is None:
        return
    path = str(draft.path)
    proven, lines = lacking(path)
    if not lines:
        for line in facts.odd(now.scenario):
            st.caption(f"⚠ {say(line)}")
        return
    with st.container(border=True, key="lacking"):
        for line in lines:
            st.text(f"✕ {tr('No plan is possible:')} {say(line)}" if proven else f"⚠ {say(line)}")
        for i, (says, overrides) in enumerate(repairs(path)):
            text, button = st.columns([4, 1], vertical_alignment="center")
            text.text("\n".join(map(say, says)))
            if button.button(tr("Change it"), key=f"lacking.{i}", width="stretch"):
                _change(draft, overrides)


def show_typical(draft: drafts.Draft, now: DraftState) -> None:
    """Draw the typical figures that nobody has changed, with their sources; nothing where there are none."""
    rows = typical(str(draft.path), str(draft.folder / draft.texts[0]))
    if not rows:
        return
    title = trn("{count} typical figure still in use", "{count} typical figures still in use", len(rows))
    with st.expander(title, icon=":material/info:", key=f"typical.{draft.id}"):
        titles = {"where": tr("where"), "value": tr("value"), "source": tr("source")}
        cells = [
            (source_text.of_place(path, now.currency, now.data)[0], as_typed(value), source)
            for path, value, source in rows
        ]
        widgets.table(pd.DataFrame(cells, columns=list(titles)), titles, 480, alt=title)


def _change(draft: drafts.Draft, overrides: list[str]) -> None:
    document = parse(draft.text)
    for assignment in overrides:
        override(document, assignment)
    keep(draft, revised(draft.text, document.data))
    st.rerun()
