"""Navigation to another page of the same tab."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emberline.ui.pages import ADDRESSES, PAGES
from emberline.ui.pages.session import session
from emberline.ui.text.language import tr


def go(module: str) -> None:
    """Show the page of a module; the tab's current run stays (``session``)."""
    address = ADDRESSES.get(module, module)
    st.switch_page(st.Page(_drawn_by_its_module, title=tr(PAGES[module]), url_path=address, default=module == "plan"))


def analyse(name: str, **answers: Any) -> None:
    """Show the page Analyses with an analysis of the plan in view, its form filled in.

    Args:
        name: of the analysis.
        answers: values of its widgets by their key.
    """
    for key, value in answers.items():
        st.session_state[key] = value
    session.look_at(name)
    go("analyses")


def _drawn_by_its_module() -> None:
    """Placeholder: Streamlit identifies a page by its address."""
