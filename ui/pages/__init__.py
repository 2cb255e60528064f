"""Pages in the browser; ``app.py`` routes to them."""

from importlib import import_module
from pathlib import Path
from typing import Any

import streamlit as st

from emberline.ui.cli import faults
from emberline.ui.pages.session import document_language, session, sign_in
from emberline.ui.text.language import LANGUAGES, current, mark, tr
from emberline.ui.text.messages import say

# the charts' containers keep ``charts.OVERHANG`` free at the right
STYLE = """<style>
[data-testid="stMetricValue"] { font-size: 1.55rem; font-variant-numeric: tabular-nums; }
[data-testid="stMetricDelta"] { font-size: 0.85rem; }
[data-testid="stCaptionContainer"] { color: inherit; opacity: 0.78; }
[data-testid="stBaseButton-primary"]:enabled, [data-testid="stMain"] span[data-tag-index],
[data-testid="stSidebar"] span[data-tag-index] { background-color: #2873A8; border-color: #2873A8; color: #FFFFFF; }
[data-testid="stBaseButton-primary"]:enabled:hover { background-color: #1F6393; border-color: #1F6393; }
[data-testid="stMainBlockContainer"] { padding: 4.2rem 3rem 3rem 3rem; }
[data-testid="stSidebarHeader"] { height: 2.2rem; padding-bottom: 0; }
[data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] { gap: 0.7rem; }
[data-testid="stTable"] td:nth-child(n+3), [data-testid="stTable"] th:nth-child(n+3) { text-align: right !important; }
[class*="st-key-figures"] td:nth-child(2), [class*="st-key-figures"] th:nth-child(2) { text-align: right !important; }
[data-testid="stTable"] td { font-variant-numeric: tabular-nums; }
.st-key-cards > div { min-width: 9.6rem; }
.st-key-timeline, .st-key-preview { padding-right: 104px; }
.st-key-timeline [data-testid="stElementToolbar"], .st-key-preview [data-testid="stElementToolbar"] { display: none; }
.st-key-language { position: fixed; top: 0.6rem; right: 3.6rem; width: 7rem; z-index: 999991; }
.st-key-who { position: fixed; top: 0.6rem; right: 11.2rem; width: auto; z-index: 999991; }
@media (max-width: 1250px) {
  .st-key-language { position: static; margin-left: auto; margin-bottom: -1rem; }
}
[data-testid="stText"] { font-family: inherit; white-space: pre-wrap; }
</style>"""


PAGES = {
    "plan": mark("Plan"),
    "scenario": mark("Scenario"),
    "plant": mark("Plant"),
    "twin": mark("Twin"),
    "compare": mark("Compare"),
    "pareto": mark("Pareto"),
    "robustness": mark("Robustness"),
    "analyses": mark("Analyses"),
    "carbon": mark("Carbon"),
    "performance": mark("Performance"),
    "runs": mark("Runs"),
    "export": mark("Export"),
}
"""Module of each page, which has a function ``page``, and its name, in the order of the navigation."""
ADDRESSES = {"plan": "start"}
"""Addresses that differ from the module's name; the first page also has the bare address."""


def route() -> None:
    """Choose the page by its address and draw it."""
    icon = Path(__file__).with_name("ember.png")
    st.set_page_config(page_title="Emberline", page_icon=str(icon), layout="wide", initial_sidebar_state="expanded")
    st.html(STYLE)
    session.begin()
    why = sign_in.refusal()
    pages = [_page(name) for name in PAGES]
    # the first page is also reached by its name
    alias = st.Page(
        lambda: st.switch_page(pages[0]), title="Emberline", url_path=next(iter(PAGES)), visibility="hidden"
    )
    page = st.navigation([*pages, alias], position="hidden" if why else "top")
    with st.container(key="language"):
        _language()
    if why:
        sign_in.ask(why)
        return
    sign_in.who()
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

    return st.Page(draw, title=tr(PAGES[name]), url_path=ADDRESSES.get(name, name), default=name == "plan")


def refusal(error: Exception) -> str:
    """A refusal of the store or the system in one line; empty for internal errors."""
    from emberline.plans.store import StoreError

    return str(error) if isinstance(error, StoreError) else faults.in_words(error)


def _language() -> None:
    """The language switch; each language has its own name."""
    language = current()
    choice = st.selectbox(
        "Language · 语言", list(LANGUAGES), list(LANGUAGES).index(language), format_func=LANGUAGES.__getitem__,
        key=f"language.{language}", label_visibility="collapsed",
    )  # fmt: skip
    document_language.declare(language)
    if choice != language:
        session.speak(choice)
        st.rerun()
