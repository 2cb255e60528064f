"""Scenarios to choose from: bundled ones, the user's drafts, and those of stored runs; the form at the side as a draft.

Its changed fields are marked, changes are undone, done again, or all taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from emberline.reports.text import say, tr, trn
from emberline.runs.jobs import queue
from emberline.runs.store import Store, StoreError, drafts, snapshots
from emberline.scenarios import Case, Scenario, ScenarioError, bundled, load
from emberline.scenarios.loading.loading import find
from emberline.scenarios.reading import document, editing
from emberline.ui.pages.session import navigation, session, sign_in, stored_runs

SCENARIO_KEY = "source"
"""In the session: key of the scenario chosen last, on any page."""
SEED = "seed"
"""In the session: note of the run shown first or opened last."""
OF = "seed.of"
"""In the session: the run that set the inputs at the side, or that was started from them."""
AT_ONCE = "plan.at_once"
"""In the session: key of the scenario to plan as soon as the page Plan is drawn."""
WIDGET = "scenario"
FIRST = "melt-shop-small"


@dataclass(frozen=True)
class ScenarioSource:
    """A scenario to choose."""

    key: str
    """Name of a bundled scenario, or id of a draft or snapshot."""
    label: str
    path: str
    """Argument of :func:`look`: a name, or the file of an immutable text."""
    version: str = ""
    draft: drafts.Draft | None = None

    @property
    def widgets(self) -> str:
        """Prefix of the keys of its widgets."""
        return f"{self.key}.{self.version}" if self.version else self.key

    @property
    def file(self) -> Path:
        """File of its text."""
        return find(self.path) if self.path in bundled() else Path(self.path)

    @property
    def series(self) -> Path | None:
        """Folder of the series that the text refers to; None: a bundled scenario has them elsewhere."""
        return None if self.path in bundled() else Path(self.path).parent / "files"


@st.cache_resource(max_entries=64, show_spinner=False)
def look(name: str, overrides: tuple[str, ...] = ()) -> Case:
    """A bundled scenario, or the text of a draft or snapshot, with overrides; read only, hence shared.

    Raises:
        ScenarioError: with every mistake.
    """
    return load(name, overrides) if name in bundled() else snapshots.load(Path(name), overrides)


def my_drafts() -> dict[str, drafts.Draft]:
    """The user's drafts by id, the most recent first; without those that are gone or belong to somebody else."""
    mine = {}
    for number in session.drafts():
        try:
            draft = drafts.open_draft(number)
        except drafts.DraftError:
            continue
        if sign_in.owns(draft.owner):
            mine[number] = draft
    return mine


def look_at(draft: str) -> None:
    """Let a draft be the first of the user's, and the scenario in view."""
    session.hold(draft)
    st.session_state[SCENARIO_KEY] = draft


def copy_of(source: ScenarioSource, origin: str) -> drafts.Draft:
    """A new draft of the user's with the text of a scenario.

    Args:
        source: the scenario.
        origin: name that the draft says it is from.

    Raises:
        DraftError: it cannot be written.
        ScenarioError: it cannot be read.
    """
    return drafts.create(source.file.read_text(encoding="utf-8"), origin, source.series, sign_in.person())


def sources(seed: dict[str, Any]) -> dict[str, ScenarioSource]:
    """All scenarios to choose from, by key.

    Args:
        seed: note of the run in the address; its scenario is included.
    """
    entries = {name: ScenarioSource(name, name, name) for name in bundled()}
    for draft in my_drafts().values():
        path = str(draft.path)
        entries[draft.id] = ScenarioSource(draft.id, name_of(path, draft.origin), path, draft.version, draft)
    snapshot = snapshots.find(str(seed.get("snapshot", "")))
    if snapshot is not None and seed.get("scenario") not in entries:
        label = tr("{name}, as planned", name=seed.get("called", ""))
        entries[str(seed["scenario"])] = ScenarioSource(str(seed["scenario"]), label, str(snapshot), "planned")
    return entries


def choose(seed: dict[str, Any]) -> ScenarioSource:
    """Draw the choice of a scenario, initially the one chosen last, that of a run, or the draft in the address.

    Streamlit forgets a list when another page is drawn, so the choice is stored separately and restored.
    """
    entries = sources(seed)
    candidates = (st.session_state.get(SCENARIO_KEY), seed.get("scenario"), *session.drafts(), FIRST)
    key = next(str(candidate) for candidate in candidates if candidate in entries)
    st.session_state[SCENARIO_KEY] = st.session_state[WIDGET] = key
    st.selectbox(
        tr("Scenario"), list(entries), format_func=lambda key: entries[key].label, key=WIDGET, on_change=_remember
    )  # fmt: skip
    return entries[key]


def follow(run: str) -> dict[str, Any]:
    """Inputs of the run that was opened first or last, for the side of every page; a run that is not stored has none.

    Args:
        run: in the address.
    """
    opened_later = OF in st.session_state
    if opened_later and st.session_state[OF] == run:
        return dict(st.session_state.get(SEED, {}))
    st.session_state[OF] = run
    try:
        seed = note_of(run) if run else {}
    except StoreError:
        seed = {}
    if not opened_later or "scenario" in seed:
        st.session_state[SEED] = seed
    if opened_later and seed.get("scenario") in sources(seed):
        st.session_state[SCENARIO_KEY] = seed["scenario"]
    return dict(st.session_state.get(SEED, {}))


def _remember() -> None:
    st.session_state[SCENARIO_KEY] = st.session_state[WIDGET]


def note_of(run: str) -> dict[str, Any]:
    """Inputs of a run for the side; for a run made on the command line, its scenario.

    Raises:
        StoreError: the run is not stored here.
    """
    note = dict(queue.request(run).get("note") or {})
    return note if "scenario" in note else _of_stored(run)


@st.cache_data(max_entries=64, ttl=timedelta(days=1), show_spinner=False)
def _of_stored(run: str) -> dict[str, Any]:
    scenario = Store().open(run).plan.requested
    if scenario.name in bundled() and same(look(scenario.name), scenario):
        return {"scenario": scenario.name}
    try:
        snapshot = snapshots.keep(scenario)
    except ScenarioError:  # pages cannot plan it
        return {"scenario": scenario.name}
    return {"scenario": snapshot, "snapshot": snapshot, "called": scenario.name}


def same(one: Scenario, other: Scenario) -> bool:
    """Whether two scenarios are equal apart from how long is searched."""
    plain = [scenario.model_dump() for scenario in (one, other)]
    for data in plain:
        for key in ("time_limit_s", "effort"):
            data["goal"].pop(key, None)
    return plain[0] == plain[1]


def name_of(path: str, otherwise: str = "") -> str:
    """Title of an argument of :func:`look`; of a draft with mistakes another name, such as what it is a copy of."""
    if path in bundled():
        return path
    try:
        return tr("draft: {title}", title=stored_runs.of_scenario(look(path)))
    except (ScenarioError, OSError):
        return tr("draft: {title}", title=otherwise) if otherwise else tr("my scenario")


Values = dict[str, Any]
"""Values of fields that differ from the scenario's, by name."""
MAX_STEPS = 50


def prefix(source: ScenarioSource) -> str:
    """Prefix of the fields' keys: another one after each undo, so that the fields begin with other values."""
    count = int(st.session_state.get(f"{source.key}.undone", 0))
    return f"{source.widgets}~{count}" if count else source.widgets


def place(scenario: str) -> str:
    """In the session: values by name that the form of a scenario (``ScenarioSource.key``) begins with next."""
    return f"{scenario}.said"


def begin_with(scenario: str, values: Values) -> None:
    """The fields of a scenario begin with these values."""
    st.session_state[place(scenario)] = dict(values)
    st.session_state[f"{scenario}.undone"] = int(st.session_state.get(f"{scenario}.undone", 0)) + 1


def mark_changes(source: ScenarioSource, values: Values) -> None:
    """Mark the fields that differ from the scenario, and note the change."""
    names = [f".st-key-{_css(f'{prefix(source)}.{name}')}" for name in values]
    if names:
        labels = ", ".join(f"{name} label p::before" for name in names)
        st.html(f'<style>{labels} {{ content: "● "; color: light-dark(#1F6393, #5FA8DA); }}</style>')
    steps, at = _history(source)
    if steps[at] != values:
        steps = [*steps[: at + 1], dict(values)][-MAX_STEPS:]
        st.session_state[f"{source.key}.steps"] = steps
        st.session_state[f"{source.key}.step"] = len(steps) - 1


def draw_tools(source: ScenarioSource, values: Values, overrides: list[str]) -> None:
    """Draw what is changed, and buttons to undo, redo, reset and edit everything."""
    steps, at = _history(source)

    def tool(label: str, name: str, usable: bool = True, **how: Any) -> bool:
        return st.button(label, key=f"quick.{name}", type="tertiary", disabled=not usable, **how)

    with st.container(key="quick_form", horizontal=True, vertical_alignment="center", gap="xxsmall"):
        for name, to, text in (("undo", at - 1, tr("Undo")), ("redo", at + 1, tr("Redo"))):
            usable, then = 0 <= to < len(steps), partial(_show, source, to)
            tool(text, name, usable, icon=f":material/{name}:", on_click=then)
        tool(tr("Reset"), "reset", bool(values), on_click=partial(_reset, source), help=tr("Takes all changes back"))
        if tool(tr("Edit everything"), "edit"):
            _edit(source, overrides)
    if values:
        count = len(values)
        st.caption(trn("{count} field changed (●)", "{count} fields changed (●)", count))


def _history(source: ScenarioSource) -> tuple[list[Values], int]:
    steps: list[Values] = st.session_state.get(f"{source.key}.steps") or [{}]
    return steps, min(int(st.session_state.get(f"{source.key}.step", 0)), len(steps) - 1)


def _show(source: ScenarioSource, step: int) -> None:
    """Callback: the fields begin with the values of a step."""
    steps, _ = _history(source)
    st.session_state[f"{source.key}.step"] = step
    begin_with(source.key, steps[step])


def _reset(source: ScenarioSource) -> None:
    """Callback: the fields begin with the scenario's values; this can be undone."""
    steps, at = _history(source)
    st.session_state[f"{source.key}.steps"] = [*steps[: at + 1], {}]
    st.session_state[f"{source.key}.step"] = at + 1
    begin_with(source.key, {})


def _edit(source: ScenarioSource, overrides: list[str]) -> None:
    """Open the editor with a draft that has the changes of the form."""
    try:
        before = source.file.read_text(encoding="utf-8")
        changed = document.parse(before)
        for assignment in overrides:
            document.override(changed, assignment)
        text, draft = editing.revised(before, changed.data), source.draft
        if draft is None:
            origin = source.path if source.series is None else str(changed.data.get("name", source.label))
            draft = copy_of(source, origin)
        draft = drafts.write(draft, text)
        session.versions()[draft.id] = draft.version
    except (drafts.DraftError, ScenarioError) as error:
        st.warning(say(str(error)))
        return
    begin_with(source.key, {})
    look_at(draft.id)
    navigation.go("scenario")


def _css(key: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in key)
