"""Page Why: changes from the baseline, their reasons, and the sources of the saving."""

from __future__ import annotations

import streamlit as st

from emberline.reports.text import say, tr
from emberline.ui.pages.result import answer
from emberline.ui.pages.session import stored_runs


def page() -> None:
    """Draw the page for the plan in view."""
    stored = stored_runs.in_view()
    if stored is None:
        return
    first = answer.of_run(stored.id)
    if first is None:
        st.info(tr("This run has no schedule: the page Plan says why and what can be relaxed."))
        return
    st.subheader(tr("What changed and why"), anchor=False)
    answer.show_headline(first)
    answer.show_basis(stored.plan, first)
    for change in first.changes:
        st.text(f"• {say(change.says)}")
    answer.show_causes(stored.plan, stored.id, first)
    if first.causes:
        answer.table(first)
    st.markdown(f"**{tr('How the figures come about')}**")
    answer.show_notes(first)
