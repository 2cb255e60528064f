"""What the pages of one browser tab share: the run that is looked at, the drafts and locks of its user, the language.

Never widgets' keys.

The address carries them (``?run=…&draft=…&locks=…&lang=…``), so that a page can be shared and survives a reload;
Streamlit clears it when the page changes, so each page writes it again. A draft is found by whoever has its id,
and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from emberline.plans.store import RUN_ID
from emberline.ui.text.language import LANGUAGES

LONGEST_LOCKS = 4000
"""Characters of locks in an address."""
MOST_DRAFTS = 6
"""Drafts that a tab keeps at hand; the address has the id of each."""


def begin() -> None:
    """Read the address into the session, and write it again where a change of page has cleared it."""
    _read("lang", "language", lambda value: value in LANGUAGES)
    _read("run", "run", lambda value: bool(RUN_ID.match(value)))
    _read("locks", "locks.kept", lambda value: len(value) <= LONGEST_LOCKS)
    asked = [value for value in st.query_params.get_all("draft") if RUN_ID.match(value)][:MOST_DRAFTS]
    if asked:
        st.session_state["drafts"] = asked
    elif drafts():
        st.query_params["draft"] = drafts()


def run() -> str:
    """Id of the run that is looked at; empty where none is."""
    return str(st.session_state.get("run", ""))


def choose(run: str) -> None:
    """Look at a run, on this and on all other pages; an empty id looks at none."""
    st.session_state["run"] = run
    if run:
        st.query_params["run"] = run
    else:
        st.query_params.pop("run", None)


def locks() -> str:
    """Locks that the user has set and not planned yet, as text; empty where there are none."""
    return str(st.session_state.get("locks.kept", ""))


def keep_locks(text: str) -> None:
    """Keep locks in the address; what is too long for one is kept in the tab alone."""
    st.session_state["locks.kept"] = text
    if len(text) <= LONGEST_LOCKS:
        st.query_params["locks"] = text
    else:
        st.query_params.pop("locks", None)


def drafts() -> list[str]:
    """Ids of the user's drafts, the last one used first."""
    return list(st.session_state.get("drafts", []))


def hold(draft: str) -> None:
    """Keep a draft at hand, before all others."""
    found = [draft, *(other for other in drafts() if other != draft)][:MOST_DRAFTS]
    st.session_state["drafts"] = found
    st.query_params["draft"] = found


def leave(draft: str) -> None:
    """Keep a draft at hand no longer."""
    found = [other for other in drafts() if other != draft]
    st.session_state["drafts"] = found
    if found:
        st.query_params["draft"] = found
    else:
        st.query_params.pop("draft", None)


def speak(language: str) -> None:
    """Draw all pages in a language."""
    st.session_state["language"] = language
    st.query_params["lang"] = language


def _read(parameter: str, key: str, valid: Callable[[str], bool]) -> None:
    asked = st.query_params.get(parameter)
    if asked is not None and valid(asked):
        st.session_state[key] = asked
    elif asked is None and st.session_state.get(key):
        st.query_params[parameter] = st.session_state[key]
