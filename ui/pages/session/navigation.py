"""Navigation to another page of the same tab."""

from __future__ import annotations

import streamlit as st

from emberline.ui.pages import ADDRESSES, PAGES
from emberline.ui.text.language import tr


def go(module: str) -> None:
    """Show the page of a module; the tab's current run stays (``session``)."""
    address = ADDRESSES.get(module, module)
    st.switch_page(st.Page(_drawn_by_its_module, title=tr(PAGES[module]), url_path=address, default=module == "plan"))


def _drawn_by_its_module() -> None:
    """Placeholder: Streamlit identifies a page by its address."""
