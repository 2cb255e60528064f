"""Page Runs: search the catalogue; name, tag, open, share, delete and restore runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from emberline.planning.answer import Figure
from emberline.reports.text import mark, say, stamp, tr, trn, wording
from emberline.reports.text.numbers import date_of_year
from emberline.runs.jobs import queue
from emberline.runs.store import Entry, Filter, Store, StoreError
from emberline.scenarios.goal_metrics import GOALS
from emberline.scenarios.metrics import METRICS
from emberline.scenarios.records.horizon import Horizon
from emberline.ui.pages.session import session, stored_runs, widgets
from emberline.ui.pages.session.navigation import go
from emberline.ui.pages.session.widgets import caption

STATES = {"stored": "stored", "working": "working", "broken": "ended", "deleted": "deleted"}
"""States to filter by, and their keys in ``wording.STATES``."""
PAGES = {
    "plan": mark("Open the plan"),
    "compare": mark("Compare"),
    "robustness": mark("Robustness"),
    "export": mark("Export"),
}
"""Pages on which a run can be opened."""
NONE = "–"
AT_ONCE = 50
"""Maximum number of runs in the table."""
OUTCOME = "runs.said"
"""Session key of the result of the last action, which is shown once."""


def page() -> None:
    """Draw the page."""
    st.subheader(tr("Runs"), anchor=False)
    store = Store()
    _say()
    entries, total = _search(store)
    if not entries:
        if total is None:
            st.info(tr("There is no stored plan yet. Make one on the page Plan."))
        else:
            st.info(tr("No run matches: search with fewer words, or choose another state."))
        return
    _table(store, entries)
    more = (total or 0) - len(entries)
    if more > 0:
        st.caption(
            trn(
                "and {count} more: narrow the search to see it", "and {count} more: narrow the search to see them", more
            )
        )
    _one(store, {entry.id: entry for entry in entries})


def _say() -> None:
    text = st.session_state.pop(OUTCOME, "")
    if text:
        st.container(border=True).text(text)


def _search(store: Store) -> tuple[list[Entry], int | None]:
    """Matching runs and their number; the number is None if there are no runs at all."""
    words, scenario, tags, state = st.columns([3, 2, 2, 2], vertical_alignment="bottom")
    about = tr("All of these words in name, scenario, title, tags or id")
    text = words.text_input(tr("Search"), key="runs.text", help=about)
    names = store.catalogue.scenarios()
    of = scenario.selectbox(tr("Scenario"), names, index=None, placeholder=tr("all"), key="runs.scenario")
    tagged = tags.multiselect(tr("Tags"), store.catalogue.tags(), placeholder=tr("all"), key="runs.tags")
    titles = {name: tr(wording.STATES[state].word) for name, state in STATES.items()}
    kind = state.selectbox(tr("State"), list(titles), index=0, format_func=titles.__getitem__, key="runs.state")
    where: Filter = {"text": text, "tags": tagged, "scenario": of, "state": kind}
    entries = list(store.search(AT_ONCE, **where))
    if not entries and not store.count():
        return [], None
    return entries, store.count(**where)


def _table(store: Store, entries: list[Entry]) -> None:
    bases, figures = stored_runs.bases_of(entries), [store.figures(entry.id) for entry in entries]
    table = pd.DataFrame(
        {
            tr("created"): [stamp(session.here(entry.created)) for entry in entries],
            tr("first day"): [_first_day(store, entry.id) for entry in entries],
            tr("plan"): [stored_runs.of_run(entry.id, entry.scenario, bases[entry.id]) for entry in entries],
            tr("name"): [entry.name for entry in entries],
            tr("goal"): [tr(GOALS.get(entry.goal, entry.goal)) for entry in entries],
            tr("status"): [_status(entry) for entry in entries],
            tr("saved [t CO2e]"): [_figure(figure, "carbon") for figure in figures],
            tr("saved cost"): [_figure(figure, "cost", unit=True) for figure in figures],
            tr("saved on days"): [_basis(figure, "carbon") for figure in figures],
            tr("holds on"): [_figure(figure, "days") for figure in figures],
            tr("holds on days"): [_basis(figure, "days") for figure in figures],
            tr("carbon, undisturbed [t CO2e]"): [_total("carbon", entry, entry.carbon_kg) for entry in entries],
            tr("cost, undisturbed"): [_total("cost", entry, entry.cost) for entry in entries],
            tr("peak, undisturbed [MW]"): [wording.number(entry.peak_mw, 1) for entry in entries],
            tr("tags"): [", ".join(entry.tags) for entry in entries],
            tr("run"): [entry.id[:8] for entry in entries],
        }
    )
    click = partial(_clicked, [entry.id for entry in entries])
    widgets.table(table, placeholder="–", key="runs.table", on_select=click, selection_mode="single-row")
    caption(
        "Click a row to choose a run. Saved: compared with the baseline. Holds: days without a missed limit. Both "
        "are medians and shares of disturbed days, on which the plan is used as the table says."
    )


def _clicked(ids: list[str]) -> None:
    """Callback that chooses the run of the clicked row."""
    rows = st.session_state["runs.table"]["selection"]["rows"]
    if rows:
        st.session_state["runs.one"] = ids[rows[0]]


def _figure(figures: dict[str, Figure], name: str, unit: bool = False) -> str:
    if name not in figures:
        return NONE
    return f"{say(figures[name].text)} {figures[name].unit}" if unit else say(figures[name].text)


def _basis(figures: dict[str, Figure], name: str) -> str:
    figure = figures.get(name)
    return NONE if figure is None else say(figure.basis_text)


def _total(metric: str, entry: Entry, value: float | None) -> str:
    unit, factor, digits = METRICS[metric].display_in(entry.currency)
    text = wording.number(None if value is None else value * factor, digits)
    return text if value is None or metric == "carbon" else f"{text} {unit}"


def _status(entry: Entry) -> str:
    if entry.state == "broken":
        return tr(wording.STATES[_ended(entry.id)].word)
    status = wording.status_text(entry.status, entry.carbon_kg is not None)
    if entry.gap is None:
        return status
    return tr("{status}, gap {share}", status=status, share=wording.percent(entry.gap))


def _ended(run: str) -> str:
    """Key in ``wording.STATES`` of a run without a plan, from its job if known."""
    try:
        state = queue.status(run).state
    except StoreError:
        return "ended"
    return state if state in ("stopped", "refused", "failed", "broken") else "ended"


def _first_day(store: Store, run: str) -> str:
    """First planned day; a dash if the files of the run are not stored here."""
    scenario = _horizon(str(store.path(run) / "scenario.json"))
    return NONE if scenario is None else date_of_year(scenario.instant(0))


@st.cache_data(max_entries=500, show_spinner=False)
def _horizon(path: str) -> Horizon | None:
    """Horizon of a stored scenario, which is immutable. It is read separately, as the remaining file may be long."""
    try:
        return Horizon.model_validate(json.loads(Path(path).read_text(encoding="utf-8"))["horizon"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _one(store: Store, entries: dict[str, Entry]) -> None:
    """Draw the choice of a run and its actions."""
    ids, looked, labels = list(entries), session.run(), stored_runs.labels(entries.values())
    at = ids.index(looked) if looked in entries else 0
    choice = st.selectbox(tr("Run"), ids, index=at, format_func=labels.__getitem__, key="runs.one")
    entry = entries[choice]
    with st.container(border=True):
        if entry.verdict:
            st.text(say(entry.verdict))
        if entry.state == "broken":
            _, text, then = wording.STATES[_ended(entry.id)]
            st.text(f"{tr(text)} {tr(then)}")
        if entry.deleted is not None:
            if st.button(tr("Restore"), key="runs.restore"):
                _do(lambda: store.restore(choice), tr("Run {run} was restored.", run=choice[:8]))
            return
        if entry.state == "stored":
            _go(choice)
            _label(store, entry)
        elif entry.state == "working" and st.button(tr("Watch it"), key="runs.watch"):
            session.choose(choice)
            go("plan")
        if entry.state != "working":
            _delete(store, choice)


def _go(run: str) -> None:
    for column, (module, title) in zip(st.columns(len(PAGES)), PAGES.items(), strict=True):
        if column.button(tr(title), key=f"runs.{module}", width="stretch"):
            session.choose(run)
            go(module)
    st.text(tr("To share it, send this address to anyone who can reach this server:"))
    st.code(f"{_server()}/?run={run}", language=None, wrap_lines=True)


def _server() -> str:
    """Scheme and host of the browser's address."""
    parts = str(st.context.url or "").split("/")
    return "/".join(parts[:3]) if len(parts) >= 3 else ""


def _label(store: Store, entry: Entry) -> None:
    with st.form(f"runs.label.{entry.id}", border=False):
        name, tags, button = st.columns([3, 3, 1], vertical_alignment="bottom")
        text = name.text_input(tr("Name"), entry.name, max_chars=80)
        tagged = tags.text_input(
            tr("Tags, separated by spaces"), " ".join(entry.tags), help=tr("Such as: june trial")
        ).split()
        if button.form_submit_button(tr("Save"), width="stretch"):

            def keep() -> None:
                # in one transaction: an invalid tag leaves the name unchanged
                more = [tag for tag in tagged if tag not in entry.tags]
                store.label(entry.id, name=text, add=more, remove=set(entry.tags) - set(tagged))

            _do(keep, tr("Name and tags were saved."))


def _delete(store: Store, run: str) -> None:
    """Delete a run after confirmation. The trash keeps deleted runs for some days."""
    with st.popover(tr("Delete")):
        st.text(tr("Delete run {run}? It can be restored for some days: choose the state deleted.", run=run[:8]))
        if st.button(tr("Delete it"), key=f"runs.delete.{run}", type="primary"):
            if session.run() == run:
                session.choose("")
            _do(
                lambda: store.delete(run),
                tr("Run {run} was deleted. It is listed under the state deleted.", run=run[:8]),
            )


def _do(work: Callable[[], None], message: str) -> None:
    """Perform an action on a run, store its message, and draw the page again."""
    try:
        work()
    except StoreError as error:
        st.session_state[OUTCOME] = f"✕ {error}"
    else:
        st.session_state[OUTCOME] = f"✓ {message}"
    st.rerun()
