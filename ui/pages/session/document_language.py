"""Language of the document, for screen readers, line breaks and fonts; dialogs of Streamlit in the page's words."""

from __future__ import annotations

from functools import cache
from typing import Any

from emberline.reports.text.language import LOCALES, mark, tr

SCRIPT = """export default function ({ data }) {
  document.documentElement.lang = data.language;
  const replace = () => {
    for (const dialog of document.querySelectorAll('[role="dialog"]')) {
      for (const part of dialog.querySelectorAll("*")) {
        const text = part.childElementCount ? "" : part.textContent.trim();
        for (const [begins, says] of data.says) {
          if (text.startsWith(begins) && text !== says) part.textContent = says;
        }
      }
    }
  };
  const observer = new MutationObserver(replace);
  observer.observe(document.body, { childList: true, subtree: true });
  return () => observer.disconnect();
}"""
SAYS = {
    "Connection error": mark("No connection"),
    "Streamlit server is not responding": mark(
        "Emberline does not answer. Running work goes on; the page comes back by itself once the server is reached."
    ),
    "Is Streamlit still running": mark(
        "Emberline does not answer. Running work goes on; the page comes back by itself once the server is reached."
    ),
    "Page not found": mark("There is no page at this address."),
}
"""Dialogs of Streamlit by their beginning, and what is said instead."""


@cache
def _component() -> Any:
    from streamlit.components.v2 import component

    return component("emberline_language", html="<span></span>", js=SCRIPT)


def declare(language: str) -> None:
    """Declare the language to the browser; nothing is drawn.

    Args:
        language: code as in ``emberline.reports.text.language.LANGUAGES``.
    """
    says = [[begins, tr(text)] for begins, text in SAYS.items()]
    data = {"language": LOCALES[language].replace("_", "-"), "says": says}
    _component()(data=data, key="language.declared", height="content")
