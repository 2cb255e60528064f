"""Language of the document, for screen readers, line breaks and fonts."""

from __future__ import annotations

from functools import cache
from typing import Any

from emberline.ui.text.language import LOCALES

SCRIPT = "export default function ({ data }) { document.documentElement.lang = data.language; }"


@cache
def _component() -> Any:
    from streamlit.components.v2 import component

    return component("emberline_language", html="<span></span>", js=SCRIPT)


def declare(language: str) -> None:
    """Declare the language to the browser; nothing is drawn.

    Args:
        language: code as in ``emberline.ui.text.language.LANGUAGES``.
    """
    _component()(data={"language": LOCALES[language].replace("_", "-")}, key="language.declared", height="content")
