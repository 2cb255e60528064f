"""The user's request: the widgets at the side, and the corresponding overrides of the scenario.

Everything is kept in the session, so that users never see each other's inputs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import streamlit as st

from emberline.planning.plan import replan
from emberline.reports.text import tr
from emberline.runs.store import snapshots
from emberline.scenarios import Case, ScenarioError
from emberline.ui.pages.request import fields, sources
from emberline.ui.pages.request.sources import ScenarioSource, choose, follow, look
from emberline.ui.pages.result import repairs
from emberline.ui.pages.session import job_progress, navigation, session


@dataclass(frozen=True)
class Request:
    """A scenario with the user's changes, and their mistakes."""

    name: str
    """Argument of ``look`` and ``queue.start``: a bundled scenario's name, or the file of an immutable text."""
    overrides: tuple[str, ...] = ()
    inputs: tuple[tuple[str, Any], ...] = ()
    """Widget values that differ from the scenario's, stored with the request to restore them."""
    scenario: Case | None = None
    problems: tuple[str, ...] = ()
    source: ScenarioSource | None = None

    @property
    def note(self) -> dict[str, Any]:
        """Data stored with a job to restore the inputs when the page is reloaded."""
        content: dict[str, Any] = {"scenario": self.name, "inputs": dict(self.inputs)}
        if self.source is not None and self.source.version:
            name = "" if self.scenario is None else self.scenario.name
            content |= {"scenario": self.source.key, "snapshot": Path(self.name).parent.name, "called": name}
        return content


def start(request: Request) -> str:
    """Start the worker that makes the plan; returns the id of the run.

    Raises:
        RuntimeError: too many jobs are waiting.
    """
    options = repairs.options_of(dict(request.inputs).get(repairs.KEY, []))
    return job_progress.start(request.name, request.overrides, note=request.note, options=options)


def ask(page: str, otherwise: dict[str, Any] | None = None) -> Request:
    """Draw the widgets and collect their values: those of the run in the address until they are changed.

    Args:
        page: the page that draws them.
        otherwise: note of a request whose values are shown where no run is open.
    """
    seed = follow(session.run()) or otherwise or {}
    source = choose(seed)
    try:
        original = look(source.path)
        # a plan uses the text as it is now, whatever happens to the draft
        name = _snapshot(source)
    except ScenarioError as error:
        if source.draft is not None and st.button(tr("Correct it on the page Scenario"), width="stretch"):
            navigation.go("scenario")
        return Request(source.path, problems=tuple(map(str, error.problems)), source=source)
    changed, seeds = st.container(), _seeds(source, seed, page)
    inputs = fields.Inputs(original, sources.prefix(source), sources.place(source.key), seeds)
    caps = fields.draw(inputs)
    sources.mark_changes(source, inputs.values)
    with changed:
        sources.draw_tools(source, inputs.values, inputs.overrides)
    values, overrides = dict(inputs.values), inputs.overrides
    locks = repairs.applied_locks(source.key, original, seeds)
    if locks is not None:
        values[repairs.LOCKS] = locks
        overrides.append(replan.override(original, locks))
    applied = repairs.applied(source.key, seeds)
    if applied:
        values[repairs.KEY] = applied
        overrides.extend(applied)
    st.session_state[sources.place(source.key)] = values
    request = Request(name, tuple(overrides), tuple(values.items()), source=source)
    try:
        scenario = look(name, request.overrides)
    except ScenarioError as error:
        return replace(request, problems=tuple(map(str, error.problems)))
    fields.show_caps(caps, scenario)
    return replace(request, scenario=scenario)


def show_problems(request: Request) -> None:
    """Draw the mistakes of a request."""
    if request.problems:
        with st.container(border=True):
            st.text(tr("This cannot be planned yet. Change these inputs at the side:"))
            for line in request.problems:
                st.text(f"✕ {line}")


def _snapshot(source: ScenarioSource) -> str:
    if source.draft is None:
        return source.path
    path = snapshots.find(snapshots.take(Path(source.path)))
    return source.path if path is None else str(path)


def _seeds(source: ScenarioSource, seed: dict[str, Any], page: str) -> dict[str, Any]:
    """Initial values of the widgets. Streamlit forgets them when the page is left, so they are restored."""
    place, page_key = f"{source.key}.seeds", f"{source.key}.page"
    if f"{sources.prefix(source)}.goal" not in st.session_state or st.session_state.get(page_key) != page:
        values = seed.get("inputs", {}) if seed.get("scenario") == source.key else {}
        # seconds that an earlier release asked for are effort
        of_run = {"effort" if name == "time_limit" else name: value for name, value in values.items()}
        st.session_state[place] = st.session_state.get(sources.place(source.key), of_run)
    st.session_state[page_key] = page
    return dict(st.session_state.get(place, {}))
