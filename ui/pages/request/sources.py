"""The scenarios that a user may ask about: bundled ones, the user's own drafts, and what a run was asked with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import streamlit as st

from emberline.plans.jobs import queue
from emberline.plans.store import Store, as_planned, drafts, snapshots
from emberline.scenarios import Scenario, ScenarioError, bundled, load
from emberline.ui.pages.session import session, sign_in
from emberline.ui.text.language import tr

CHOSEN = "source"
"""In the session: key of the scenario that was chosen last, on whatever page."""
SEED = "seed"
"""In the session: the note of the run that was looked at first or opened last."""
AT_ONCE = "plan.at_once"
"""In the session: key of the scenario that another page wants to be planned as soon as the page Plan is drawn."""
WIDGET = "scenario"
FIRST = "melt-shop-small"


@dataclass(frozen=True)
class Source:
    """A scenario that can be asked about."""

    key: str
    """Name of a bundled scenario, or id of a draft or snapshot."""
    label: str
    path: str
    """What :func:`look` takes: a name, or the file of a text that never changes."""
    version: str = ""
    draft: drafts.Draft | None = None

    @property
    def widgets(self) -> str:
        """What the keys of its widgets begin with."""
        return f"{self.key}.{self.version}" if self.version else self.key


@st.cache_resource(max_entries=64, show_spinner=False)
def look(name: str, overrides: tuple[str, ...] = ()) -> Scenario:
    """A bundled scenario, or the text of a draft or snapshot, with overrides; read only, hence shared.

    Raises:
        ScenarioError: with every mistake found.
    """
    return load(name, overrides) if name in bundled() else snapshots.load(Path(name), overrides)


def own() -> dict[str, drafts.Draft]:
    """The user's drafts by id, the last one used first; those that are not kept any more are left out, as are those of
    somebody else where people sign in."""
    found = {}
    for number in session.drafts():
        try:
            draft = drafts.open_draft(number)
        except drafts.DraftError:
            continue
        if sign_in.owns(draft.owner):
            found[number] = draft
    return found


def called(draft: drafts.Draft) -> str:
    """A draft's name."""
    return tr("my copy of {name}", name=draft.origin)


def sources(seed: dict[str, Any]) -> dict[str, Source]:
    """Everything that may be asked about, by key.

    Args:
        seed: the note of the run that the address names; what it was asked with is among them.
    """
    found = {name: Source(name, name, name) for name in bundled()}
    for draft in own().values():
        found[draft.id] = Source(draft.id, called(draft), str(draft.path), draft.version, draft)
    kept = snapshots.find(str(seed.get("snapshot", "")))
    if kept is not None and seed.get("scenario") not in found:
        label = tr("{name}, as it was planned", name=seed.get("called", ""))
        found[str(seed["scenario"])] = Source(str(seed["scenario"]), label, str(kept), "planned")
    return found


def choose(seed: dict[str, Any]) -> Source:
    """Draw the choice of a scenario: what was chosen last, or what a run was asked with, or the draft of the address.

    Streamlit forgets a list when another page draws it, so that the choice is kept apart from it, and put into it
    whenever it is drawn.
    """
    found = sources(seed)
    wanted = (st.session_state.get(CHOSEN), seed.get("scenario"), *session.drafts(), FIRST)
    key = next(str(one) for one in wanted if one in found)
    st.session_state[CHOSEN] = st.session_state[WIDGET] = key
    st.selectbox(
        tr("Scenario"), list(found), format_func=lambda key: found[key].label, key=WIDGET, on_change=_chosen
    )  # fmt: skip
    return found[key]


def _chosen() -> None:
    st.session_state[CHOSEN] = st.session_state[WIDGET]


def note_of(run: str) -> dict[str, Any]:
    """What a run was asked with, so that the side can show it again; of a run that the command line made, its scenario.

    Raises:
        StoreError: the run is not kept here.
    """
    note = dict(queue.request(run).get("note") or {})
    return note if "scenario" in note else _of_stored(run)


@st.cache_data(max_entries=64, ttl=timedelta(days=1), show_spinner=False)
def _of_stored(run: str) -> dict[str, Any]:
    made = Store().open(run).plan.scenario
    if made.name in bundled() and same(look(made.name), made):
        return {"scenario": made.name}
    try:
        kept = as_planned.keep(made)
    except ScenarioError:  # nothing that a page could plan
        return {"scenario": made.name}
    return {"scenario": kept, "snapshot": kept, "called": made.name}


def same(one: Scenario, other: Scenario) -> bool:
    """Whether both ask for the same, however long is searched: who plans again is given less time."""
    plain = [scenario.model_dump() for scenario in (one, other)]
    for data in plain:
        data["goal"].pop("time_limit_s")
    return plain[0] == plain[1]


def name_of(path: str) -> str:
    """What a path that :func:`look` takes is called."""
    if path in bundled():
        return path
    try:
        return tr("my copy of {name}", name=look(path).name)
    except ScenarioError:
        return tr("my scenario")
