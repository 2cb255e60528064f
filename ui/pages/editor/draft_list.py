"""One's own drafts in a list: what each is called and was copied from, opened, deleted and taken back."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from emberline.plans.store import drafts
from emberline.scenarios import ScenarioError
from emberline.scenarios.reading.document import parse
from emberline.ui.pages.request import sources
from emberline.ui.pages.session import session, sign_in
from emberline.ui.text.language import tr, trn
from emberline.ui.text.numbers import stamp

SHOWN = 20
"""Drafts in the list; those that were changed longest ago are left out."""
OPEN = "book"
DELETED = "book.deleted"
"""In the session: id and name of the draft that was deleted last, until it is taken back or another page is drawn."""
LONGEST = 60
"""Of a name [characters]."""


def there_is_one() -> bool:
    """Whether who is here has such a list."""
    return sign_in.lists()


def show() -> None:
    """Draw the list, closed until somebody opens it; nothing where others may come whom nobody tells apart."""
    if not there_is_one():
        return
    _undo()
    book = st.expander(tr("My drafts"), key=OPEN, on_change="rerun")
    if not book.open:
        return
    with book:
        found = drafts.kept(sign_in.owners())
        if not found:
            st.text(tr("There is none yet. Copy a scenario, or bring one in at the side."))
        looked = session.drafts()[:1]
        for draft in found[:SHOWN]:
            _row(draft, draft.id in looked and st.session_state.get(sources.CHOSEN) == draft.id)
        more = len(found) - SHOWN
        if more > 0:
            st.caption(
                trn("and {count} that was changed before", "and {count} that were changed before", more)
                + " · "
                + tr("They go {days} days after their last change.", days=drafts.KEPT_DAYS)
            )


def _row(draft: drafts.Draft, open_now: bool) -> None:
    says, when, opens, deletes = st.columns([6, 2, 2, 2], vertical_alignment="center")
    name = _named(str(draft.path))
    says.text(f"{name or tr('my scenario')}\n{tr('from {name}', name=draft.origin)}")
    when.text(stamp(datetime.fromtimestamp(draft.changed).astimezone()))
    if opens.button(
        tr("Opened") if open_now else tr("Open"), disabled=open_now, width="stretch", key=f"book.open.{draft.id}"
    ):  # fmt: skip
        session.hold(draft.id)
        st.session_state[sources.CHOSEN] = draft.id
        st.rerun()
    with deletes.popover(tr("Delete"), width="stretch", key=f"book.delete.{draft.id}"):
        st.text(tr("Delete this draft? For {days} days it can be taken back.", days=drafts.TRASH_DAYS))
        if st.button(tr("Delete it"), type="primary", key=f"book.gone.{draft.id}"):
            _delete(draft, name)


def _delete(draft: drafts.Draft, name: str) -> None:
    try:
        drafts.delete(draft)
    except drafts.DraftError as error:
        st.warning(str(error))
        return
    session.leave(draft.id)
    if st.session_state.get(sources.CHOSEN) == draft.id:
        del st.session_state[sources.CHOSEN]
    st.session_state[DELETED] = draft.id, name
    st.rerun()


def _undo() -> None:
    """Tell of the draft that was deleted last, and take it back if asked."""
    told = st.session_state.get(DELETED)
    if told is None:
        return
    number, name = told
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.text(tr("✓ The draft {name} was deleted.", name=name or tr("my scenario")))
        if st.button(tr("Take it back"), key="book.back"):
            del st.session_state[DELETED]
            try:
                drafts.restore(number)
            except drafts.DraftError as error:
                st.warning(str(error))
                return
            session.hold(number)
            st.session_state[sources.CHOSEN] = number
            st.rerun()


@st.cache_data(max_entries=500, show_spinner=False)
def _named(path: str) -> str:
    """What a text that never changes calls its scenario; empty where it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            data = parse(file.read()).data
    except (ScenarioError, OSError):
        return ""
    said = next((data[key] for key in ("title", "name") if isinstance(data.get(key), str) and data[key].strip()), "")
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"
