"""The switch between the light and the dark theme, or the one of the system."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

from emberline.reports.text.language import tr

HTML = '<button type="button" class="theme"></button>'
CSS = """.theme {
  font: inherit; font-size: 1rem; line-height: 1; width: 2rem; height: 2rem; cursor: pointer; padding: 0;
  color: var(--st-text-color); background: transparent; border: 1px solid var(--st-border-color);
  border-radius: 0.25rem;
}
.theme:hover, .theme:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }"""
# the script of the document hands it to Streamlit before the pages begin (``ui/server/documents.py``)
SCRIPT = """export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  const dark = data.dark;
  button.textContent = dark ? "☀\\uFE0E" : "☾";
  button.title = dark ? data.light_theme : data.dark_theme;
  button.setAttribute("aria-label", button.title);
  button.onclick = () => {
    localStorage.setItem("emberline.theme", JSON.stringify(dark ? "Light" : "Dark"));
    window.location.reload();
  };
}"""


@cache
def _component() -> Any:
    from streamlit.components.v2 import component

    return component("emberline_theme", html=HTML, css=CSS, js=SCRIPT)


def switch() -> None:
    """Draw the switch."""
    data = {
        "dark": st.context.theme.type == "dark", "light_theme": tr("Light theme"),
        "dark_theme": tr("Dark theme"),
    }  # fmt: skip
    _component()(data=data, key="theme.switch", height="content", width="content")
