"""The title of a plan on a page: what it is, what was changed, and its horizon."""

from __future__ import annotations

import streamlit as st

from emberline.scenarios import Scenario
from emberline.ui.pages.session import titles
from emberline.ui.text import wording


def show_title(scenario: Scenario, run: str) -> None:
    """Draw the title, as plain text."""
    with st.container(key=f"plan_{run[:8]}", horizontal=True, vertical_alignment="center", gap="medium"):
        st.text(titles.of_scenario(scenario), width="content")
        st.text(wording.span(scenario.horizon), width="content")
