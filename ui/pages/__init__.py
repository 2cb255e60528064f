"""Pages in the browser; ``app.py`` routes to them."""

from importlib import import_module
from pathlib import Path
from typing import Any

import streamlit as st

from emberline.ui.cli import faults
from emberline.ui.pages.session import document_language, session, sign_in
from emberline.ui.text.language import current, mark, tr
from emberline.ui.text.messages import say

# the charts' containers keep ``charts.OVERHANG`` free at the right
STYLE = """<style>
[data-testid="stMetricValue"] { font-size: 1.55rem; font-variant-numeric: tabular-nums; }
[data-testid="stMetricDelta"] { font-size: 0.85rem; }
[data-testid="stCaptionContainer"] { color: inherit; opacity: 0.78; }
[data-testid="stBaseButton-primary"]:enabled, [data-testid="stMain"] span[data-tag-index],
[data-testid="stSidebar"] span[data-tag-index] { background-color: #2873A8; border-color: #2873A8; color: #FFFFFF; }
[data-testid="stBaseButton-primary"]:enabled:hover { background-color: #1F6393; border-color: #1F6393; }
[data-testid="stMainBlockContainer"] { padding: 4.7rem 2rem 3rem 2rem; }
[data-testid="stHeader"] { top: 5rem; height: 0; min-height: 0; background: transparent; }
[data-testid="stSidebar"] { top: 4.95rem; height: calc(100% - 4.95rem); }
[data-testid="stSidebarHeader"] { height: 1.5rem; padding-bottom: 0; }
[data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] { gap: 0.7rem; }
[data-testid="stTable"] td:nth-child(n+3), [data-testid="stTable"] th:nth-child(n+3) { text-align: right !important; }
[class*="st-key-figures"] td:nth-child(2), [class*="st-key-figures"] th:nth-child(2) { text-align: right !important; }
[data-testid="stTable"] td { font-variant-numeric: tabular-nums; }
.st-key-cards > div { min-width: 9.6rem; }
.st-key-timeline, .st-key-preview { padding-right: 104px; }
.st-key-timeline [data-testid="stElementToolbar"], .st-key-preview [data-testid="stElementToolbar"] { display: none; }
[data-testid="stLayoutWrapper"]:has(> .st-key-unseen) { position: absolute; height: 0; }
.st-key-header { position: fixed; top: 0; left: 0; right: 0; width: 100%; z-index: 999980;
  background: light-dark(#FCFCFB, #12171D); border-bottom: 1px solid light-dark(#CDD3D9, #35414D); }
.st-key-header_top { min-height: 2.6rem; padding: 0 1rem; flex-wrap: nowrap !important; }
.st-key-header_pages { min-height: 2.3rem; padding: 0 1rem; flex-wrap: nowrap !important;
  background: light-dark(#EFF1F3, #1C242D); }
.product { font-weight: 700; font-size: 1.05rem; letter-spacing: 0.01em; padding-right: 0.6rem; }
.st-key-header [data-testid="stPageLink-NavLink"] { padding: 0.15rem 0.65rem; border-radius: 0.25rem;
  background: transparent; min-height: 0; }
.st-key-header [data-testid="stPageLink-NavLink"] p { white-space: nowrap; font-size: 0.9rem; }
.st-key-header_top [data-testid="stPageLink-NavLink"] p { font-size: 0.95rem; }
.st-key-header_sections, .st-key-header_links { flex: 0 1 auto; flex-wrap: nowrap !important; overflow-x: auto; }
[class*="st-key-section_active"] a, [class*="st-key-page_active"] a {
  box-shadow: inset 0 -2px 0 0 light-dark(#1F6393, #5FA8DA); border-radius: 0 !important; }
[class*="st-key-section_active"] p, [class*="st-key-page_active"] p { font-weight: 650; }
.st-key-header_tools { min-width: max-content; flex-wrap: nowrap !important; }
[data-testid="stLayoutWrapper"]:has(> .st-key-header_plan) { margin-left: auto; flex: 0 1 40rem; min-width: 6rem; }
[data-testid="stLayoutWrapper"]:has(> .st-key-header_tools) { margin-left: auto; }
.st-key-header [data-testid="stSelectbox"] > div > div, .st-key-header [data-testid="stSelectbox"] input,
.st-key-header [data-testid="stPopover"] button { min-height: 1.9rem; height: 1.9rem; }
[data-testid="stLayoutWrapper"]:has(> .st-key-language) { flex: 0 0 6.4rem; }
.st-key-language [data-testid="stSelectbox"] { width: 6.4rem; }
[data-testid="stText"] { font-family: inherit; white-space: pre-wrap; }
</style>"""


PAGES = {
    "shift": mark("Shift"),
    "plant": mark("Flow sheet"),
    "twin": mark("Twin"),
    "scenario": mark("Scenario"),
    "plan": mark("Schedule"),
    "why": mark("Why"),
    "carbon": mark("Carbon"),
    "robustness": mark("Robustness"),
    "pareto": mark("Trade-offs"),
    "analyses": mark("Analyses"),
    "export": mark("Export"),
    "runs": mark("All runs"),
    "compare": mark("Compare"),
    "performance": mark("Energy performance"),
    "reports": mark("Emissions reports"),
}
"""Module of each page, which has a function ``page``, and its name. A new page also needs a place in ``SECTIONS``."""
SECTIONS = {
    mark("Plant"): ("plant", "twin", "shift"),
    mark("Scenario"): ("scenario",),
    mark("Plan"): ("plan", "why", "carbon", "robustness", "pareto", "analyses", "export"),
    mark("Runs"): ("runs", "compare"),
    mark("Supervision"): ("performance", "reports"),
}
"""Sections of the header and their pages; the name of a section leads to the first of them."""
FIRST = "plan"
"""The page of the bare address, which is also reached by its name."""
ADDRESSES = {FIRST: "start"}
"""Addresses that differ from the module's name."""


def route() -> None:
    """Choose the page by its address and draw it below the header."""
    icon = Path(__file__).with_name("ember.png")
    st.set_page_config(page_title="Emberline", page_icon=str(icon), layout="wide", initial_sidebar_state="auto")
    session.begin()
    with st.container(key="unseen", gap=None):
        st.html(STYLE)
        document_language.declare(current())
    why = sign_in.refusal()
    pages = {name: _page(name) for name in PAGES}
    alias = st.Page(lambda: st.switch_page(pages[FIRST]), title="Emberline", url_path=FIRST, visibility="hidden")
    page = st.navigation([*pages.values(), alias], position="hidden")
    header: Any = import_module("emberline.ui.pages.header.header")  # imported when drawn, as pages are
    if why:
        header.language()
        sign_in.ask(why)
        return
    module = next((name for name, one in pages.items() if one is page), "")
    header.draw({name: {one: pages[one] for one in of} for name, of in SECTIONS.items()}, PAGES, module)
    page.run()


def _page(name: str) -> Any:
    """A page whose module is imported when it is drawn."""

    def draw() -> None:
        try:
            import_module(f"emberline.ui.pages.{name}").page()
        except Exception as error:
            says = refusal(error)
            if not says:
                raise
            st.warning(say(says))
            st.caption(tr("Reload this page to try again."))

    title = f"{tr(PAGES[name])} · Emberline"
    return st.Page(draw, title=title, url_path=ADDRESSES.get(name, name), default=name == FIRST)


def refusal(error: Exception) -> str:
    """A refusal of the store or the system in one line; empty for internal errors."""
    from emberline.plans.store import StoreError

    return str(error) if isinstance(error, StoreError) else faults.in_words(error)
