"""Pages of the browser's face; ``app.py`` routes to them."""

from pathlib import Path

import streamlit as st

# the charts' containers keep ``charts.OVERHANG`` free at the right
STYLE = """<style>
[data-testid="stMetricValue"] { font-size: 1.55rem; font-variant-numeric: tabular-nums; }
[data-testid="stMetricDelta"] { font-size: 0.85rem; }
[data-testid="stMainBlockContainer"] { padding: 2.4rem 3rem 3rem 3rem; }
[data-testid="stSidebarHeader"] { height: 2.2rem; padding-bottom: 0; }
[data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] { gap: 0.7rem; }
[data-testid="stTable"] td:nth-child(n+3), [data-testid="stTable"] th:nth-child(n+3) { text-align: right !important; }
[data-testid="stTable"] td { font-variant-numeric: tabular-nums; }
.st-key-cards > div { min-width: 9.6rem; }
.st-key-timeline, .st-key-preview { padding-right: 104px; }
.st-key-timeline [data-testid="stElementToolbar"], .st-key-preview [data-testid="stElementToolbar"] { display: none; }
[data-testid="stText"] { font-family: inherit; white-space: pre-wrap; }
</style>"""


def route() -> None:
    """Choose the page by the address and show it."""
    from ui.pages import plan

    icon = Path(__file__).with_name("ember.png")
    st.set_page_config(page_title="Emberline", page_icon=str(icon), layout="wide", initial_sidebar_state="expanded")
    st.html(STYLE)
    st.navigation([st.Page(plan.page, title="Plan", default=True)], position="hidden").run()
