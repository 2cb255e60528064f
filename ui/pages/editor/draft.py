"""Editing a draft: what is known of its state, and how a change is kept. The parts of the page are beside this file."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import streamlit as st

from emberline.plans.store import drafts, snapshots
from emberline.scenarios import Problem, Scenario, ScenarioError
from emberline.scenarios.reading.document import Keys, dotted, parse
from emberline.scenarios.reading.editing import ABSENT, revised
from emberline.ui.pages.session import session
from emberline.ui.text.language import tr

AT_TOP = 5
"""Mistakes that stand above every view."""
SAID = "editing.said"
"""In the session: what could not be kept, to be told when the page is drawn again."""


@dataclass(frozen=True)
class State:
    """A text, what it holds, and what is wrong with it. Read only."""

    text: str
    data: dict[str, Any] | None
    """None: it cannot be read as a mapping."""
    scenario: Scenario | None
    problems: tuple[Problem, ...]

    @cached_property
    def by_key(self) -> dict[str, list[Problem]]:
        """Mistakes by dotted key."""
        found: dict[str, list[Problem]] = {}
        for problem in self.problems:
            found.setdefault(problem.key, []).append(problem)
        return found

    def at(self, path: Keys) -> list[Problem]:
        """Mistakes of a key and of what is below it."""
        key = dotted(path)
        return [problem for problem in self.problems if problem.key == key or problem.key.startswith(f"{key}.")]

    def value(self, path: Keys) -> Any:
        """What stands at a path; ``ABSENT``: nothing."""
        place: Any = self.data
        for part in path:
            try:
                place = place[part]
            except (KeyError, IndexError, TypeError):
                return ABSENT
        return place


@st.cache_resource(max_entries=48, show_spinner=False)
def state(path: str) -> State:
    """State of a text that never changes."""
    file = Path(path)
    text = file.read_text(encoding="utf-8")
    return checked(text, file.parent)


def checked(text: str, folder: Path) -> State:
    """State of a text whose series lie in a folder."""
    try:
        data: dict[str, Any] | None = parse(text).data
    except ScenarioError as error:
        return State(text, None, None, error.problems)
    try:
        return State(text, data, snapshots.loads(text, folder), ())
    except ScenarioError as error:
        return State(text, data, None, error.problems)


def keep(draft: drafts.Draft, text: str) -> bool:
    """Keep another text, and draw the page again; False where it could not be kept, which is told then."""
    try:
        made = drafts.write(draft, text)
    except (drafts.DraftError, ScenarioError) as error:
        st.session_state[SAID] = str(error)
        return False
    session.hold(made.id)
    seen(made)
    return made.version != draft.version


def seen(draft: drafts.Draft) -> None:
    """Note the version of a draft that this window knows."""
    st.session_state[f"{draft.id}.seen"] = draft.version


def changed_elsewhere(draft: drafts.Draft) -> None:
    """Tell of a change that another window has made; what was entered here on the text before it is gone."""
    if st.session_state.get(f"{draft.id}.seen", draft.version) != draft.version:
        st.warning(
            tr(
                "This draft was changed in another window. It stands below as it is now: what you entered last on the "
                "text before is not in it. Look at it and enter it again."
            )
        )
    seen(draft)


def set_values(draft: drafts.Draft, values: dict[Keys, Any]) -> bool:
    """Set values in a draft's text, or take them away where they are ``ABSENT``; an empty mapping goes as well."""
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


def said() -> None:
    """Tell what could not be kept."""
    told = st.session_state.pop(SAID, "")
    if told:
        with st.container(border=True):
            for line in str(told).splitlines():
                st.text(f"✕ {line}")


def problem_lines(now: State, problems: list[Problem] | tuple[Problem, ...], most: int = 12) -> None:
    """Draw mistakes, a line each, with the line of the text that they are about."""
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
