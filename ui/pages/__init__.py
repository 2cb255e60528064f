"""Pages in the browser. ``app.py`` routes to the pages."""

import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import streamlit as st

from emberline.reports.text import current, mark, say, tr
from emberline.ui.cli import faults
from emberline.ui.pages.session import session, sign_in

_IMPORTING = threading.RLock()
# chart containers leave a margin of ``charts.OVERHANG`` at the right
STYLE = Path(__file__).with_name("pages.css")


SECTIONS = {
    mark("Plant"): {"plant": mark("Flow sheet"), "twin": mark("Twin"), "shift": mark("Shift")},
    mark("Scenario"): {"scenario": mark("Scenario"), "signals": mark("Signals")},
    mark("Plan"): {
        "plan": mark("Schedule"),
        "crew": mark("My unit"),
        "why": mark("Why"),
        "carbon": mark("Carbon"),
        "robustness": mark("Robustness"),
        "pareto": mark("Trade-offs"),
        "analyses": mark("Analyses"),
        "export": mark("Export"),
    },
    mark("Runs"): {"runs": mark("All runs"), "compare": mark("Compare")},
    mark("Supervision"): {"performance": mark("Energy performance"), "reports": mark("Emissions reports")},
}
"""Sections of the header and their pages: module (with a function ``page``) and name of each. A section links to its
first page."""
PAGES = {module: name for pages in SECTIONS.values() for module, name in pages.items()}
FIRST = "plan"
"""Page shown at the root address."""
ADDRESSES = {FIRST: ""}
"""Addresses that differ from the name of the module."""
ALIASES = (FIRST, "start")
"""Further addresses of the first page."""


def route() -> None:
    """Choose the page by its address and draw it below the header."""
    icon = Path(__file__).with_name("ember.png")
    st.set_page_config(page_title="Emberline", page_icon=str(icon), layout="wide", initial_sidebar_state="auto")
    session.begin()
    with st.container(key="unseen", gap=None):
        st.html(STYLE)
        session.declare(current())
    why = sign_in.refusal()
    pages = {name: _page(name) for name in PAGES}
    aliases = [
        st.Page(lambda: st.switch_page(pages[FIRST]), title="Emberline", url_path=address, visibility="hidden")
        for address in ALIASES
    ]
    page = st.navigation([*pages.values(), *aliases], position="hidden")
    header = module_of("emberline.ui.pages.header")
    if why:
        header.language()
        sign_in.ask(why)
        return
    module = next((name for name, one in pages.items() if one is page), "")
    sections = {name: {module_name: pages[module_name] for module_name in of} for name, of in SECTIONS.items()}
    if _draw(lambda: header.draw(sections, PAGES, module)):
        page.run()


def module_of(name: str) -> Any:
    """Import a module of the pages when it is first drawn. A lock prevents simultaneous imports, as a package that two
    threads import through different modules is incomplete in one of the threads."""
    with _IMPORTING:
        return import_module(name)


def _page(name: str) -> Any:
    """A page whose module is imported when it is drawn."""

    def draw() -> None:
        _draw(lambda: module_of(f"emberline.ui.pages.{name}").page())

    title = f"{tr(PAGES[name])} · Emberline"
    return st.Page(draw, title=title, url_path=ADDRESSES.get(name, name), default=name == FIRST)


def _draw(draw: Callable[[], None]) -> bool:
    """Draw a part of the page. Errors of the store or the operating system are shown in one line."""
    try:
        draw()
    except Exception as error:
        text = refusal(error)
        if not text:
            raise
        st.warning(say(text))
        st.caption(tr("Reload this page to try again."))
        return False
    return True


def refusal(error: Exception) -> str:
    """One-line message for an error of the store or the operating system; empty for internal errors."""
    from emberline.runs.store import StoreError

    return str(error) if isinstance(error, StoreError) else faults.in_words(error)
