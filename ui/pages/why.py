"""Page Why: what changed against the baseline and why, and where the saving comes from."""

from __future__ import annotations

import streamlit as st

from emberline.plans.store import StoreError
from emberline.ui.pages.result import answer
from emberline.ui.pages.session import session, stored_runs
from emberline.ui.text.language import tr
from emberline.ui.text.messages import say


def page() -> None:
    """Draw the page for the plan in view."""
    run = session.run()
    if not run:
        st.info(tr("Choose a plan in the header, or make one on the page Plan."))
        return
    try:
        plan = stored_runs.open_run(run).plan
    except StoreError as error:
        st.warning(say(str(error)))
        return
    first = answer.of_run(run)
    if first is None:
        st.info(tr("This run has no schedule: the page Plan says why and what can be relaxed."))
        return
    st.subheader(tr("What changed and why"), anchor=False)
    answer.show_headline(first)
    answer.show_basis(plan, first)
    for change in first.changes:
        st.text(f"• {say(change.says)}")
    answer.show_causes(plan, run, first)
    if first.causes:
        answer.table(first)
    st.markdown(f"**{tr('How the figures come about')}**")
    answer.show_notes(first)
