"""Navigation to another page of the same tab of the browser, and between the parts of a page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import streamlit as st

from emberline.reports.text import current, tr
from emberline.ui.pages import ADDRESSES, PAGES
from emberline.ui.pages.session import session


def go(module: str) -> None:
    """Show the page of a module; the tab's current run stays (``session``)."""
    address = ADDRESSES.get(module, module)
    # Streamlit identifies a page by its address; its module draws it
    st.switch_page(st.Page(lambda: None, title=tr(PAGES[module]), url_path=address, default=module == "plan"))


def view_key(draft: str) -> str:
    """In the session: the view of a draft that the page Scenario drew last; Streamlit forgets it with the page."""
    return f"view.{draft}.last"


AT_ONCE = "analysis.at_once"
"""In the session: an analysis that starts when its form is drawn."""


def analyse(name: str, **answers: Any) -> None:
    """Show the page Analyses with an analysis of the plan in view, its form filled in, and start it.

    Args:
        name: of the analysis.
        answers: values of its widgets by their key.
    """
    for key, value in answers.items():
        st.session_state[key] = value
    st.session_state[AT_ONCE] = name
    session.look_at(name)
    go("analyses")


def tabs(parts: Mapping[str, Callable[[], None]], key: str, always: Collection[str] = ()) -> None:
    """Draw parts of a page below tabs: the open one, so that a page does not wait for what nobody looks at.

    Args:
        parts: what draws each, by its name in the user's language.
        key: of the tabs, in all languages.
        always: names of parts that are drawn behind the others too, as their inputs would be lost.
    """
    places = st.tabs(list(parts), key=f"{key}.tabs.{current()}", on_change="rerun")
    for place, (name, draw) in zip(places, parts.items(), strict=True):
        if place.open or name in always:
            with place:
                draw()
