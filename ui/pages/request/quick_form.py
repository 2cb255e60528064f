"""The form at the side as a draft: changed fields are marked, changes are undone, done again, or all taken back."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from emberline.reports.text import say, tr, trn
from emberline.runs.store import drafts
from emberline.scenarios import ScenarioError
from emberline.scenarios.reading import document, editing
from emberline.ui.pages.request import sources
from emberline.ui.pages.request.sources import ScenarioSource
from emberline.ui.pages.session import navigation, session

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


def begin(scenario: str, values: Values) -> None:
    """The fields of a scenario begin with these values."""
    st.session_state[place(scenario)] = dict(values)
    st.session_state[f"{scenario}.undone"] = int(st.session_state.get(f"{scenario}.undone", 0)) + 1


def mark(source: ScenarioSource, values: Values) -> None:
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


def tools(source: ScenarioSource, values: Values, overrides: list[str]) -> None:
    """Draw what is changed, and buttons to undo, redo, reset and edit everything."""
    steps, at = _history(source)

    def tool(label: str, name: str, usable: bool = True, **how: Any) -> bool:
        return st.button(label, key=f"quick.{name}", type="tertiary", disabled=not usable, **how)

    with st.container(key="quick_form", horizontal=True, vertical_alignment="center", gap="xxsmall"):
        for name, to, says in (("undo", at - 1, tr("Undo")), ("redo", at + 1, tr("Redo"))):
            usable, then = 0 <= to < len(steps), partial(_show, source, to)
            tool(says, name, usable, icon=f":material/{name}:", on_click=then)
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
    begin(source.key, steps[step])


def _reset(source: ScenarioSource) -> None:
    """Callback: the fields begin with the scenario's values; this can be undone."""
    steps, at = _history(source)
    st.session_state[f"{source.key}.steps"] = [*steps[: at + 1], {}]
    st.session_state[f"{source.key}.step"] = at + 1
    begin(source.key, {})


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
            draft = sources.copy_of(source, origin)
        draft = drafts.write(draft, text)
        session.versions()[draft.id] = draft.version
    except (drafts.DraftError, ScenarioError) as error:
        st.warning(say(str(error)))
        return
    begin(source.key, {})
    sources.look_at(draft.id)
    navigation.go("scenario")


def _css(key: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in key)
