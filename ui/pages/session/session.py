"""State shared by the pages of one browser tab: current run, drafts and locks of the user, language.

The keys are never those of widgets.

The address carries the state (``?run=…&draft=…&locks=…&lang=…``), so that a page can be shared and survives a
reload; Streamlit clears it when the page changes, so each page writes it again. A draft can only be found by its id.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from emberline.reports.text.language import LANGUAGES, LOCALES, mark, tr
from emberline.scenarios.home import RUN_ID
from emberline.ui.pages.session import widgets

LONGEST_LOCKS = 4000
"""Longest text of locks in an address [characters]."""
MAX_DRAFTS = 6
"""Most drafts in a tab and its address."""


def begin() -> None:
    """Read the address into the session, and write it again if a change of page has cleared it."""
    _read("lang", "language", lambda value: value in LANGUAGES)
    _read("run", "run", lambda value: bool(RUN_ID.match(value)))
    _read("locks", "locks.kept", lambda value: len(value) <= LONGEST_LOCKS)
    ids = [value for value in st.query_params.get_all("draft") if RUN_ID.match(value)][:MAX_DRAFTS]
    if ids:
        st.session_state["drafts"] = ids
    elif drafts():
        st.query_params["draft"] = drafts()


def run() -> str:
    """Id of the current run; empty if there is none."""
    return str(st.session_state.get("run", ""))


def choose(run: str) -> None:
    """Set the current run for all pages; an empty id means none."""
    st.session_state["run"] = run
    write("run", run)


def analysis() -> str:
    """The analysis in view; empty: the first one."""
    return str(st.session_state.get("analysis", ""))


def result(analysis: str) -> str:
    """Job or stored result of an analysis in view; empty if there is none."""
    return str(st.session_state.get(f"result.{analysis}", ""))


def look_at(analysis: str, result: str = "") -> None:
    """Set the analysis in view, and its job or stored result."""
    st.session_state["analysis"] = analysis
    if result:
        st.session_state[f"result.{analysis}"] = result


def locks() -> str:
    """Locks set by the user but not planned yet, as text; empty if there are none."""
    return str(st.session_state.get("locks.kept", ""))


def keep_locks(text: str) -> None:
    """Store locks in the address; a longer text is kept in the tab only."""
    st.session_state["locks.kept"] = text
    write("locks", text if len(text) <= LONGEST_LOCKS else "")


def drafts() -> list[str]:
    """Ids of the user's drafts, most recent first."""
    return list(st.session_state.get("drafts", []))


def hold(draft: str) -> None:
    """Put a draft first in the list."""
    _list([draft, *(other for other in drafts() if other != draft)][:MAX_DRAFTS])


def versions() -> dict[str, str]:
    """Versions of drafts that this window knows, by draft; changed in place, as a run may end at any look at the
    session, with a draft written and its version not noted."""
    return st.session_state.setdefault("versions", {})


def leave(draft: str) -> None:
    """Remove a draft from the list."""
    _list([other for other in drafts() if other != draft])


def _list(drafts: list[str]) -> None:
    st.session_state["drafts"] = drafts
    write("draft", drafts)


def speak(language: str) -> None:
    """Set the language of all pages."""
    st.session_state["language"] = language
    st.query_params["lang"] = language


def here(at: datetime) -> datetime:
    """A time in UTC by the user's clock; by the server's where the browser does not say."""
    try:
        return at.replace(tzinfo=UTC).astimezone(ZoneInfo(str(st.context.timezone)))
    except (ValueError, OSError, KeyError):
        return at.replace(tzinfo=UTC).astimezone()


def write(parameter: str, value: str | list[str]) -> None:
    """Put a value into the address; an empty one is left out."""
    if value:
        st.query_params[parameter] = value
    else:
        st.query_params.pop(parameter, None)


def _read(parameter: str, key: str, valid: Callable[[str], bool]) -> None:
    value = st.query_params.get(parameter)
    if value is not None and valid(value):
        st.session_state[key] = value
    elif value is None and st.session_state.get(key):
        st.query_params[parameter] = st.session_state[key]


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
    sentence = [[begins, tr(text)] for begins, text in SAYS.items()]
    data = {"language": LOCALES[language].replace("_", "-"), "says": sentence}
    widgets.component(__file__, "language")(data=data, key="language.declared", height="content")
