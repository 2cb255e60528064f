"""Pages in the browser; ``app.py`` routes to them."""

import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import streamlit as st

from emberline.reports.text.language import current, mark, tr
from emberline.reports.text.messages import say
from emberline.ui.cli import faults
from emberline.ui.pages.session import document_language, session, sign_in

_IMPORTING = threading.RLock()
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
[data-testid="stSidebar"] { top: 4.95rem; height: calc(100dvh - 4.95rem) !important; min-height: 0; }
[data-testid="stAppViewContainer"] { overflow: clip; }
[data-testid="stSidebarHeader"] { height: 1.5rem; padding-bottom: 0; }
[data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] { gap: 0.7rem; }
[data-testid="stTable"] td:nth-child(n+3), [data-testid="stTable"] th:nth-child(n+3) { text-align: right !important; }
[class*="st-key-figures"] td:nth-child(2), [class*="st-key-figures"] th:nth-child(2) { text-align: right !important; }
.st-key-notes [data-testid="stTable"] :is(td, th):nth-child(n) { text-align: left !important; }
[data-testid="stTable"] td { font-variant-numeric: tabular-nums; }
.strip { display: grid; grid-template-columns: repeat(auto-fit, minmax(5.8rem, 1fr)); gap: 0.35rem 0.7rem;
  border: 1px solid light-dark(#CDD3D9, #35414D); border-radius: 0.25rem; padding: 0.35rem 0.7rem; }
.tile { min-width: 0; display: flex; flex-direction: column; justify-content: space-between; line-height: 1.25; }
.tile span { font-size: 0.72rem; opacity: 0.8; }
.tile b { font-size: 0.92rem; font-variant-numeric: tabular-nums; font-weight: 650; }
.tile small { font-size: 0.7rem; opacity: 0.75; min-height: 2.5em; overflow-wrap: anywhere; }
.tile.goal { grid-column: span 2; }
.tile.goal b { font-size: 1.2rem; line-height: 1.2; }
.tile.other b { font-size: 0.8rem; font-weight: 500; }
.tile.worse b { color: light-dark(#A3470F, #F0A35E); }
[class*="st-key-plan_"] [data-testid="stText"] { font-size: 0.85rem; opacity: 0.85; }
[class*="st-key-plan_"] > div:first-child [data-testid="stText"] { font-size: 1.1rem; font-weight: 650; opacity: 1; }
[class*="st-key-plan_"] button, [class*="st-key-plan_"] button p { font-size: 0.85rem; min-height: 0; padding: 0; }
.st-key-verdict [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-verdict [data-testid="stText"] { font-size: 0.85rem; line-height: 1.35; }
.st-key-verdict h5 { padding: 0; font-size: 1.02rem; }
.st-key-reasons [data-testid="stText"], .st-key-reasons button, .st-key-reasons button p { font-size: 0.85rem;
  line-height: 1.35; text-align: left; justify-content: flex-start; min-height: 0; padding: 0; }
[data-testid="stMainBlockContainer"] > div > [data-testid="stVerticalBlock"] { gap: 0.6rem; }
[data-testid="stSidebar"] [data-testid="stLayoutWrapper"]:has(> .st-key-start) { position: sticky; top: 0; z-index: 5;
  background: light-dark(#EFF1F3, #1C242D); padding-bottom: 0.2rem; }
.st-key-quick_form { row-gap: 0; }
.st-key-quick_form button { min-height: 0; padding: 0 0.2rem; }
.st-key-quick_form button p { font-size: 0.8rem; }
[data-testid="stMain"] [data-testid="stAlertContainer"] { padding: 0.45rem 0.8rem; min-height: 0; }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding: 5rem 0.8rem 2rem 0.8rem; }
  .product { display: none; }
  .st-key-header_top, .st-key-header_pages { padding: 0 0.4rem; overflow-x: auto; }
  .st-key-header_jobs, .st-key-theme-switch, .st-key-header_plan { display: none; }
  .st-key-header [data-testid="stPageLink-NavLink"] { padding: 0.15rem 0.4rem; }
  .strip { grid-template-columns: repeat(3, 1fr); }
}
@media print {
  .st-key-header, [data-testid="stSidebar"], .st-key-controls { display: none; }
  [data-testid="stMainBlockContainer"] { padding: 0; }
}
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
.st-key-header [data-testid="stPageLink-NavLink"] p { white-space: nowrap; font-size: 0.9rem;
  font-weight: 400; }
.st-key-header [data-testid="stPageLink-NavLink"]:focus-visible { outline: 2px solid light-dark(#1F6393, #5FA8DA);
  outline-offset: -2px; }
.st-key-header_top [data-testid="stPageLink-NavLink"] p { font-size: 0.95rem; }
.st-key-header_sections, .st-key-header_links { flex: 0 1 auto; flex-wrap: nowrap !important; overflow-x: auto; }
[class*="st-key-section_active"] a, [class*="st-key-page_active"] a {
  box-shadow: inset 0 -2px 0 0 light-dark(#1F6393, #5FA8DA); border-radius: 0 !important; }
[class*="st-key-section_active"] p, [class*="st-key-page_active"] p { text-shadow: 0.4px 0 0 currentColor; }
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
    "signals": mark("Signals"),
    "plan": mark("Schedule"),
    "crew": mark("My unit"),
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
    mark("Scenario"): ("scenario", "signals"),
    mark("Plan"): ("plan", "crew", "why", "carbon", "robustness", "pareto", "analyses", "export"),
    mark("Runs"): ("runs", "compare"),
    mark("Supervision"): ("performance", "reports"),
}
"""Sections of the header and their pages; the name of a section leads to the first of them."""
FIRST = "plan"
"""The page of the bare address."""
ADDRESSES = {FIRST: ""}
"""Addresses that differ from the module's name."""
ALIASES = (FIRST, "start")
"""Further addresses of the first page."""


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
    sections = {name: {one: pages[one] for one in of} for name, of in SECTIONS.items()}
    if _draw(lambda: header.draw(sections, PAGES, module)):
        page.run()


def module_of(name: str) -> Any:
    """A module of the pages, imported when it is first drawn; by one thread at a time, since a package that two threads
    enter by different modules is half imported for one of them."""
    with _IMPORTING:
        return import_module(name)


def _page(name: str) -> Any:
    """A page whose module is imported when it is drawn."""

    def draw() -> None:
        _draw(lambda: module_of(f"emberline.ui.pages.{name}").page())

    title = f"{tr(PAGES[name])} · Emberline"
    return st.Page(draw, title=title, url_path=ADDRESSES.get(name, name), default=name == FIRST)


def _draw(draw: Callable[[], None]) -> bool:
    """Draw a part of the page; a refusal of the store or the system is one line."""
    try:
        draw()
    except Exception as error:
        says = refusal(error)
        if not says:
            raise
        st.warning(say(says))
        st.caption(tr("Reload this page to try again."))
        return False
    return True


def refusal(error: Exception) -> str:
    """A refusal of the store or the system in one line; empty for internal errors."""
    from emberline.runs.store import StoreError

    return str(error) if isinstance(error, StoreError) else faults.in_words(error)
