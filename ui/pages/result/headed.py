"""The title of a plan on a page: what it is, what was changed, its horizon, and typical figures still in it."""

from __future__ import annotations

import streamlit as st

from emberline.reports.text import wording
from emberline.reports.text.language import tr, trn
from emberline.runs.store import StoreError, snapshots
from emberline.scenarios import Scenario
from emberline.ui.pages.editor import draft as editing
from emberline.ui.pages.request.sources import SCENARIO_KEY, my_drafts, note_of
from emberline.ui.pages.session import navigation, titles


def show_title(scenario: Scenario, run: str) -> None:
    """Draw the title, as plain text."""
    with st.container(key=f"plan_{run[:8]}", horizontal=True, vertical_alignment="center", gap="medium"):
        st.text(titles.of_scenario(scenario), width="content")
        st.text(wording.span(scenario.horizon), width="content")
        _typical(run)


def _typical(run: str) -> None:
    """Say of a plan of one's own draft how many typical figures nobody has changed, with the way to their list."""
    try:
        note = note_of(run)
    except StoreError:
        return
    draft, snapshot = my_drafts().get(str(note.get("scenario"))), snapshots.find(str(note.get("snapshot", "")))
    if draft is None or snapshot is None:
        return
    count = len(editing.typical(str(snapshot), str(draft.folder / draft.texts[0])))
    if not count:
        return
    label = trn("{count} typical figure still in use", "{count} typical figures still in use", count)
    if st.button(label, type="tertiary", icon=":material/info:", key=f"typical.{run}", help=tr("Shows the list")):
        st.session_state[SCENARIO_KEY] = draft.id
        navigation.go("scenario")
