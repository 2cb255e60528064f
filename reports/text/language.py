"""Translation of texts: English as written, Simplified Chinese from ``reports/text/locale/zh.po``.

Drawing code calls ``tr("Carbon [{unit}]", unit=…)``. Texts in tables at the top of a file are marked with ``mark`` and
translated when they are drawn. The command line is in English; a file is in the requested language.
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
"""Language codes as in ``?lang=``, and the native names of the languages."""
LOCALES = {"en": "en", "zh": "zh_Hans_CN"}
"""Locales of dates and numbers."""
CATALOGUES = Path(__file__).resolve().parent / "locale"
_language: ContextVar[str] = ContextVar("chosen", default="")


@contextmanager
def spoken(language: str) -> Iterator[None]:
    """Context manager that sets the language of all texts, regardless of the page."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def current() -> str:
    """Return the code of the chosen language, otherwise that of the current page; English if there is none."""
    if _language.get():
        return _language.get()
    if "streamlit" not in sys.modules:
        return "en"
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    if get_script_run_ctx(suppress_warning=True) is None:
        return "en"
    return str(st.session_state.get("language") or _of_browser(st.context.locale))


def _of_browser(locale: str | None) -> str:
    """Return the language of a browser's locale if it is supported, otherwise English."""
    language = str(locale or "").partition("-")[0].lower()
    return language if language in LANGUAGES else "en"


def tr(message: str, **values: Any) -> str:
    """Translate a text into the current language and fill in its ``{names}``."""
    return _filled(catalogue(current()).gettext(message) if message else "", values)


def trn(one: str, many: str, count: float, **values: Any) -> str:
    """Translate a text that depends on a number, its ``{count}``."""
    text = catalogue(current()).ngettext(one, many, round(count) if count == round(count) else 2)
    return _filled(text, {"count": count, **values})


def word(text: str, message: str) -> str:
    """Return a text that is only clear in English: the text itself in English, otherwise the translated message."""
    return text if current() == "en" else tr(message)


def mark(message: str) -> str:
    """Mark a text for translation at the point of use; return it unchanged."""
    return message


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the translations of a language; missing ones stay in English."""
    path = CATALOGUES / f"{language}.po"
    if not path.is_file():
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with path.open("rb") as file:
        messages = read_po(file, locale=LOCALES[language])
    for message in messages.obsolete.values():  # messages of earlier releases, which stored runs still contain
        messages[message.id] = message
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _filled(text: str, values: dict[str, Any]) -> str:
    return text.format(**values) if values else text
