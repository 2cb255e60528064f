"""State of an edited draft, saving of changes, and the list of the user's drafts. The other files of this folder are
the views."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import streamlit as st

from emberline.reports.text import stamp, tr, trn
from emberline.runs.store import drafts, snapshots
from emberline.scenarios import Case, Problem, ScenarioError
from emberline.scenarios.reading.document import Keys, dotted, parse
from emberline.scenarios.reading.editing import ABSENT, revised
from emberline.scenarios.reading.remarks import remarks
from emberline.scenarios.templates import plants
from emberline.ui.pages.editor.fields import value_at
from emberline.ui.pages.request import sources
from emberline.ui.pages.session import session, sign_in, widgets
from emberline.ui.pages.session.widgets import warning

AT_TOP = 5
"""Maximum number of mistakes shown above every view."""
EXAMPLES = ("A case of ours", "Cases of ours", "To be tried", "Stands for")
"""First words of remarks on figures that are examples, not typical values."""
TYPICAL = "typical"
"""Phrase in remarks on all other figures that were not measured at the plant."""
REFUSAL = "editing.refusal"
"""Session key of a refusal to show when the page is drawn again."""


@dataclass(frozen=True)
class DraftState:
    """A text, its content and its mistakes; read-only."""

    text: str
    data: dict[str, Any] | None
    """Content of the text; None if the text is not a mapping."""
    scenario: Case | None
    problems: tuple[Problem, ...]

    @cached_property
    def remarks(self) -> dict[Keys, str]:
        """Comments of the text, by the key or item below; empty if the text cannot be read."""
        return {} if self.data is None else remarks(self.text)

    def remark(self, path: Keys) -> str:
        """Comment on a path or on the nearest record around it; empty if there is none, or if a file of the user has
        replaced the commented figures."""
        if self.imported(path):
            return ""
        return next((self.remarks[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.remarks), "")

    def imported(self, path: Keys) -> bool:
        """Whether a value is a series from a file of the user."""
        value = self.value(path)
        return isinstance(value, dict) and "csv" in value

    def items(self, path: Keys) -> list[Any]:
        """Items of a list; empty if there is none."""
        value = self.value(path)
        return value if isinstance(value, list) else []

    def names(self, *path: str) -> list[str]:
        """Names of the items of a list."""
        return [str(item["name"]) for item in self.items(path) if isinstance(item, dict) and item.get("name")]

    @property
    def currency(self) -> str:
        """Currency of the market."""
        currency = self.value(("market", "currency"))
        return currency if isinstance(currency, str) and len(currency) == 3 else "EUR"

    def at(self, path: Keys) -> list[Problem]:
        """Mistakes at a key and below it."""
        key = dotted(path)
        return [problem for problem in self.problems if problem.key == key or problem.key.startswith(f"{key}.")]

    def value(self, path: Keys) -> Any:
        """Value at a path; ``ABSENT`` if there is none."""
        return value_at(self.data, path)


@st.cache_resource(max_entries=48, show_spinner=False)
def state(path: str) -> DraftState:
    """State of an immutable text."""
    file = Path(path)
    text = file.read_text(encoding="utf-8")
    return checked(text, file.parent)


def source_of(now: DraftState, original: DraftState, path: Keys, value: Any) -> str:
    """Source of a value; empty if no source is stated or the value was changed since it was placed."""
    remark = now.remark(path)
    if not remark:
        return ""
    placed = any(
        part.into == path[: len(part.into)] and part.record.get(str(path[-1])) == value
        for part in plants.parts().values()
    )
    return remark if placed or original.value(path) == value else ""


@st.cache_data(max_entries=48, show_spinner=False)
def typical(path: str, original: str) -> list[tuple[Keys, Any, str]]:
    """Unchanged typical figures in an immutable text: path, value and source.

    Args:
        path: path of the text.
        original: path of the original text of the draft.
    """
    now, before = state(path), state(original)
    return [
        (place, value, source)
        for place, value in _figures(now.data, ())
        if TYPICAL in (source := source_of(now, before, place, value)).lower() and not source.startswith(EXAMPLES)
    ]


def _figures(data: Any, path: Keys) -> Iterator[tuple[Keys, Any]]:
    """Numbers and quantities with their paths."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _figures(value, (*path, key))
    elif isinstance(data, int | float | str) and not isinstance(data, bool) and str(data)[:1].isdigit():
        yield path, data


def checked(text: str, folder: Path) -> DraftState:
    """State of a text with its series in a folder."""
    try:
        data: dict[str, Any] | None = parse(text).data
    except ScenarioError as error:
        return DraftState(text, None, None, error.problems)
    try:
        return DraftState(text, data, snapshots.loads(text, folder), ())
    except ScenarioError as error:
        return DraftState(text, data, None, error.problems)


def keep(draft: drafts.Draft, text: str) -> bool:
    """Save a new text and note its version. Return False if it was refused; the next page shows the reason."""
    versions = session.versions()
    try:
        latest = drafts.write(draft, text)
    except (drafts.DraftError, ScenarioError) as error:
        st.session_state[REFUSAL] = str(error)
        return False
    versions[latest.id] = latest.version
    session.hold(latest.id)
    return latest.version != draft.version


def changed_elsewhere(draft: drafts.Draft) -> None:
    """Warn if another window has changed the draft. Input based on the earlier text is lost."""
    if session.versions().get(draft.id, draft.version) != draft.version:
        warning(
            "This draft was changed in another window. Below is its present state, without your last input. "
            "Check it and enter your change again."
        )
    session.versions()[draft.id] = draft.version


def set_values(draft: drafts.Draft, values: dict[Keys, Any]) -> bool:
    """Set values in the text of a draft; remove values that are ``ABSENT``, and empty mappings."""
    now = state(str(draft.path))
    if now.data is None:
        return False
    data = deepcopy(now.data)
    for path, value in values.items():
        _set(data, path, value)
    return data != now.data and keep(draft, revised(now.text, data))


def _set(data: dict[str, Any], path: Keys, value: Any) -> None:
    *parents, last = path
    places: list[Any] = [data]
    place: Any
    for part in parents:
        place = places[-1]
        inner = place.get(part) if isinstance(place, dict) else place[part]
        if not isinstance(inner, dict | list):
            if value is ABSENT:
                return
            inner = place[part] = {}
        places.append(inner)
    if value is not ABSENT:
        places[-1][last] = value
        return
    places[-1].pop(last, None)
    for place, part in zip(places[-2::-1], reversed(parents), strict=True):
        if place[part] != {} or isinstance(place, list):
            break
        del place[part]


def show_refusal() -> None:
    """Show a refusal."""
    text = st.session_state.pop(REFUSAL, "")
    if text:
        widgets.crosses(str(text).splitlines())


def problem_lines(now: DraftState, problems: list[Problem] | tuple[Problem, ...], most: int = 12) -> None:
    """Draw mistakes, one per line, with the affected line of the text."""
    lines = now.text.splitlines()
    for problem in problems[:most]:
        number = problem.where.rpartition(":")[2]
        quoted = ""
        if number.isdigit() and 0 < int(number) <= len(lines):
            quoted = f"\n      {tr('line {number}', number=number)}  │  {lines[int(number) - 1].strip()[:110]}"
        key = f"{problem.key}: " if problem.key else ""
        st.text(f"✕ {key}{problem.says}{quoted}")
    if len(problems) > most:
        st.text(tr("… and {count} more", count=len(problems) - most))


MAX_DRAFTS = 20
"""Maximum number of drafts in the list; the oldest are omitted."""
LIST = "book"
DELETED = "book.deleted"
"""Session key of id and name of the last deleted draft, until it is restored or another page is drawn."""
LONGEST = 60
"""Longest name [characters]."""


def show_list() -> None:
    """Draw the list, initially closed; draw nothing on a shared server without sign-in."""
    if not sign_in.lists():
        return
    _undo()
    book = st.expander(tr("My drafts"), key=LIST, on_change="rerun")
    if not book.open:
        return
    with book:
        user_drafts = drafts.of_owner(sign_in.owners())
        if not user_drafts:
            st.text(tr("There are none yet. Copy a scenario, or import one at the side."))
        looked = session.drafts()[:1]
        for draft in user_drafts[:MAX_DRAFTS]:
            _row(draft, draft.id in looked and st.session_state.get(sources.SCENARIO_KEY) == draft.id)
        more = len(user_drafts) - MAX_DRAFTS
        if more > 0:
            st.caption(
                trn("and {count} older one", "and {count} older ones", more)
                + " · "
                + tr("Drafts are deleted {days} days after their last change.", days=drafts.KEPT_DAYS)
            )


def _row(draft: drafts.Draft, open_now: bool) -> None:
    text, when, opens, deletes = st.columns([6, 2, 2, 2], vertical_alignment="center")
    name = _title(str(draft.path))
    text.text(f"{name or tr('my scenario')}\n{tr('from {name}', name=draft.origin)}")
    when.text(stamp(datetime.fromtimestamp(draft.changed).astimezone()))
    if opens.button(
        tr("Opened") if open_now else tr("Open"), disabled=open_now, width="stretch", key=f"book.open.{draft.id}"
    ):  # fmt: skip
        sources.look_at(draft.id)
        st.rerun()
    with deletes.popover(tr("Delete"), width="stretch", key=f"book.delete.{draft.id}"):
        st.text(tr("Delete this draft? It can be restored for {days} days.", days=drafts.TRASH_DAYS))
        if st.button(tr("Delete it"), type="primary", key=f"book.gone.{draft.id}"):
            _delete(draft, name)


def _delete(draft: drafts.Draft, name: str) -> None:
    with widgets.refusal(drafts.DraftError):
        drafts.delete(draft)
        session.leave(draft.id)
        if st.session_state.get(sources.SCENARIO_KEY) == draft.id:
            del st.session_state[sources.SCENARIO_KEY]
        st.session_state[DELETED] = draft.id, name
        st.rerun()


def _undo() -> None:
    """Show the last deleted draft, and restore it on request."""
    deletion = st.session_state.get(DELETED)
    if deletion is None:
        return
    number, name = deletion
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.text(tr("✓ The draft {name} was deleted.", name=name or tr("my scenario")))
        if st.button(tr("Restore"), key="book.back"):
            del st.session_state[DELETED]
            with widgets.refusal(drafts.DraftError):
                drafts.restore(number)
                sources.look_at(number)
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
