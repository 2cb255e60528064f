"""The user's drafts as a list: name and origin; open, delete, restore."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from emberline.reports.text.language import tr, trn
from emberline.reports.text.numbers import stamp
from emberline.runs.store import drafts
from emberline.scenarios import ScenarioError
from emberline.scenarios.reading.document import parse
from emberline.ui.pages.request import sources
from emberline.ui.pages.session import session, sign_in

MOST_DRAFTS = 20
"""Most drafts in the list; the oldest are left out."""
OPEN = "book"
DELETED = "book.deleted"
"""In the session: id and name of the draft deleted last, until it is restored or another page is drawn."""
LONGEST = 60
"""Longest name [characters]."""


def there_is_one() -> bool:
    """Whether the user has such a list."""
    return sign_in.lists()


def show() -> None:
    """Draw the list, closed at first; nothing on a server for several people without sign-in."""
    if not there_is_one():
        return
    _undo()
    book = st.expander(tr("My drafts"), key=OPEN, on_change="rerun")
    if not book.open:
        return
    with book:
        mine = drafts.of_owner(sign_in.owners())
        if not mine:
            st.text(tr("There are none yet. Copy a scenario, or import one at the side."))
        looked = session.drafts()[:1]
        for draft in mine[:MOST_DRAFTS]:
            _row(draft, draft.id in looked and st.session_state.get(sources.SCENARIO_KEY) == draft.id)
        more = len(mine) - MOST_DRAFTS
        if more > 0:
            st.caption(
                trn("and {count} older one", "and {count} older ones", more)
                + " · "
                + tr("Drafts are deleted {days} days after their last change.", days=drafts.KEPT_DAYS)
            )


def _row(draft: drafts.Draft, open_now: bool) -> None:
    says, when, opens, deletes = st.columns([6, 2, 2, 2], vertical_alignment="center")
    name = _title(str(draft.path))
    says.text(f"{name or tr('my scenario')}\n{tr('from {name}', name=draft.origin)}")
    when.text(stamp(datetime.fromtimestamp(draft.changed).astimezone()))
    if opens.button(
        tr("Opened") if open_now else tr("Open"), disabled=open_now, width="stretch", key=f"book.open.{draft.id}"
    ):  # fmt: skip
        session.hold(draft.id)
        st.session_state[sources.SCENARIO_KEY] = draft.id
        st.rerun()
    with deletes.popover(tr("Delete"), width="stretch", key=f"book.delete.{draft.id}"):
        st.text(tr("Delete this draft? It can be restored for {days} days.", days=drafts.TRASH_DAYS))
        if st.button(tr("Delete it"), type="primary", key=f"book.gone.{draft.id}"):
            _delete(draft, name)


def _delete(draft: drafts.Draft, name: str) -> None:
    try:
        drafts.delete(draft)
    except drafts.DraftError as error:
        st.warning(str(error))
        return
    session.leave(draft.id)
    if st.session_state.get(sources.SCENARIO_KEY) == draft.id:
        del st.session_state[sources.SCENARIO_KEY]
    st.session_state[DELETED] = draft.id, name
    st.rerun()


def _undo() -> None:
    """Mention the draft deleted last, and restore it on request."""
    deletion = st.session_state.get(DELETED)
    if deletion is None:
        return
    number, name = deletion
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.text(tr("✓ The draft {name} was deleted.", name=name or tr("my scenario")))
        if st.button(tr("Restore"), key="book.back"):
            del st.session_state[DELETED]
            try:
                drafts.restore(number)
            except drafts.DraftError as error:
                st.warning(str(error))
                return
            session.hold(number)
            st.session_state[sources.SCENARIO_KEY] = number
            st.rerun()


@st.cache_data(max_entries=500, show_spinner=False)
def _title(path: str) -> str:
    """Title or name of the scenario in an immutable text; empty if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            data = parse(file.read()).data
    except (ScenarioError, OSError):
        return ""
    title = next((data[key] for key in ("title", "name") if isinstance(data.get(key), str) and data[key].strip()), "")
    return title if len(title) <= LONGEST else f"{title[: LONGEST - 1]}…"
