"""The plan in view, for all pages that look at one."""

from __future__ import annotations

import streamlit as st

from emberline.reports.text.language import tr
from emberline.ui.pages.session import run_picker, session


def draw() -> None:
    """Draw the choice of the plan; nothing where no plan is stored."""
    now = session.run()
    runs = run_picker.entries(also=[now] if now else [])
    if not runs:
        return
    ids, labels = list(runs), run_picker.labels(runs.values())
    with st.container(key="header_plan"):
        choice = st.selectbox(
            tr("Plan in view"), ids, index=ids.index(now) if now in runs else None,
            format_func=labels.__getitem__, placeholder=tr("choose a plan"),
            key=f"picking.{now}.{now in runs}", label_visibility="collapsed",  # another one once it is stored
        )  # fmt: skip
    if choice and choice != now:
        session.choose(choice)
        st.rerun()
