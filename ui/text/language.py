"""The language of the pages: English as written, Simplified Chinese from ``ui/locale/zh.po``.

Whoever draws says ``tr("Carbon [{unit}]", unit=…)``; texts that are tables at the top of a file are marked by ``mark``
and translated where they are drawn. The command line speaks English; a file is worded in the language it is asked in.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

LANGUAGES = {"en": "English", "zh": "中文"}
"""Code as in ``?lang=``, and the language's own name."""
LOCALES = {"en": "en", "zh": "zh_Hans_CN"}
"""Of dates and numbers."""
CATALOGUES = Path(__file__).resolve().parents[1] / "locale"
_language: ContextVar[str] = ContextVar("chosen", default="")


@contextmanager
def spoken(language: str) -> Iterator[None]:
    """Within it all is said in one language, whatever the page's."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def current() -> str:
    """Code of the language that is chosen, else of the page that is being drawn; English where none is."""
    if _language.get():
        return _language.get()
    if "streamlit" not in sys.modules:
        return "en"
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    if get_script_run_ctx(suppress_warning=True) is None:
        return "en"
    return str(st.session_state.get("language", "en"))


def tr(message: str, **values: Any) -> str:
    """A text in the current language, with values set in for ``{names}``."""
    return _filled(catalogue(current()).gettext(message) if message else "", values)


def trn(one: str, many: str, count: float, **values: Any) -> str:
    """A text that depends on a number, which stands for ``{count}``."""
    text = catalogue(current()).ngettext(one, many, round(count) if count == round(count) else 2)
    return _filled(text, {"count": count, **values})


def mark(message: str) -> str:
    """A text to be translated where it is drawn: the text itself."""
    return message


@cache
def catalogue(language: str) -> NullTranslations:
    """Translations of a language; what it lacks stays English."""
    path = CATALOGUES / f"{language}.po"
    if not path.is_file():
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=LOCALES[language]))
    compiled.seek(0)
    return GNUTranslations(compiled)


def _filled(text: str, values: dict[str, Any]) -> str:
    return text.format(**values) if values else text
