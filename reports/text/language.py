"""Language of the pages: English as written, Simplified Chinese from ``reports/text/locale/zh.po``.

Code that draws calls ``tr("Carbon [{unit}]", unit=…)``; texts in tables at the top of a file are marked with
``mark`` and translated where they are drawn. The command line is in English; a file is in the language requested.
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
"""Code as in ``?lang=``, and the name of the language in itself."""
LOCALES = {"en": "en", "zh": "zh_Hans_CN"}
"""Locales of dates and numbers."""
CATALOGUES = Path(__file__).resolve().parent / "locale"
_language: ContextVar[str] = ContextVar("chosen", default="")


@contextmanager
def spoken(language: str) -> Iterator[None]:
    """A context in which all texts are in one language, whatever the page's."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def current() -> str:
    """Code of the chosen language, else of the page being drawn; English if there is none."""
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
    """The language of a browser's locale, if there are texts in it."""
    language = str(locale or "").partition("-")[0].lower()
    return language if language in LANGUAGES else "en"


def tr(message: str, **values: Any) -> str:
    """A text in the current language, with values for its ``{names}``."""
    return _filled(catalogue(current()).gettext(message) if message else "", values)


def trn(one: str, many: str, count: float, **values: Any) -> str:
    """A text that depends on a number, its ``{count}``."""
    text = catalogue(current()).ngettext(one, many, round(count) if count == round(count) else 2)
    return _filled(text, {"count": count, **values})


def word(text: str, message: str) -> str:
    """A text that needs other words to be understood elsewhere: itself in English, else the message."""
    return text if current() == "en" else tr(message)


def mark(message: str) -> str:
    """Mark a text for translation where it is drawn; returns the text itself."""
    return message


@cache
def catalogue(language: str) -> NullTranslations:
    """Translations of a language; missing ones stay English."""
    path = CATALOGUES / f"{language}.po"
    if not path.is_file():
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with path.open("rb") as file:
        messages = read_po(file, locale=LOCALES[language])
    for message in messages.obsolete.values():  # of earlier releases: stored runs still have them
        messages[message.id] = message
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _filled(text: str, values: dict[str, Any]) -> str:
    return text.format(**values) if values else text
