"""The language of the page told to the browser, for screen readers, line breaks and the choice of glyphs."""

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
    """Tell it; nothing is drawn.

    Args:
        language: code as of ``emberline.ui.text.language.LANGUAGES``.
    """
    _component()(data={"language": LOCALES[language].replace("_", "-")}, key="language.told", height="content")
