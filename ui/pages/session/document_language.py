"""Language of the document, for screen readers, line breaks and fonts; dialogs of Streamlit in the page's words."""

from __future__ import annotations

from emberline.reports.text.language import LOCALES, mark, tr
from emberline.ui.pages.session import widgets

SILENT = mark(
    "Emberline does not answer. Running work goes on; the page comes back by itself once the server is reached."
)
SAYS = {
    "Connection error": mark("No connection"),
    "Streamlit server is not responding": SILENT,
    "Is Streamlit still running": SILENT,
    "Page not found": mark("There is no page at this address."),
}
"""Dialogs of Streamlit by their beginning, and what is said instead."""


def declare(language: str) -> None:
    """Declare the language to the browser; nothing is drawn.

    Args:
        language: code as in ``emberline.reports.text.language.LANGUAGES``.
    """
    says = [[begins, tr(text)] for begins, text in SAYS.items()]
    data = {"language": LOCALES[language].replace("_", "-"), "says": says}
    widgets.component(__file__, "language")(data=data, key="language.declared", height="content")
