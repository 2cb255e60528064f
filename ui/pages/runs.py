"""The page Runs: the catalogue searched, one run named, tagged, opened, shared, deleted and taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pandas as pd
import streamlit as st

from emberline.plans.jobs import queue
from emberline.plans.store import Entry, Store, StoreError
from emberline.scenarios.records.horizon import Horizon
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import run_picker, session
from emberline.ui.pages.session.navigation import go
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr, trn
from emberline.ui.text.messages import say
from emberline.ui.text.metrics import GOALS
from emberline.ui.text.numbers import date_of_year

STATES = {"stored": "stored", "working": "working", "broken": "ended", "deleted": "deleted"}
"""States of runs that may be asked for, and which of ``wording.STATES`` says them."""
PAGES = {
    "plan": mark("Open the plan"),
    "compare": mark("Compare"),
    "robustness": mark("Robustness"),
    "export": mark("Export"),
}
"""Where one goes with a run."""
NONE = "–"
AT_ONCE = 50
"""Runs on one sheet of the table."""
SAID = "runs.said"
"""In the session: what was last done, told once."""


def page() -> None:
    """Draw the page."""
    st.subheader(tr("Runs"), anchor=False)
    store = Store()
    _say()
    found, total = _search(store)
    if not found:
        if total is None:
            st.info(tr("There is no stored plan yet. Make one on the page Plan."))
        else:
            st.info(tr("No run is like that: look for fewer words, or choose another state."))
        return
    _table(store, found)
    more = (total or 0) - len(found)
    if more > 0:
        st.caption(trn("and {count} more: search to find it", "and {count} more: search to find them", more))
    _one(store, {entry.id: entry for entry in found})


def _say() -> None:
    says = st.session_state.pop(SAID, "")
    if says:
        with st.container(border=True):
            st.text(says)


def _search(store: Store) -> tuple[list[Entry], int | None]:
    """The runs that are looked for, and how many there are; None: there is no run at all."""
    words, scenario, tags, state = st.columns([3, 2, 2, 2], vertical_alignment="bottom")
    text = words.text_input(
        tr("Search"), key="runs.text", help=tr("All of these words in name, scenario, title, tags or id")
    )
    named = scenario.selectbox(
        tr("Scenario"), store.catalogue.scenarios(), index=None, placeholder=tr("all"), key="runs.scenario"
    )
    tagged = tags.multiselect(tr("Tags"), store.catalogue.tags(), placeholder=tr("all"), key="runs.tags")
    shown = state.selectbox(
        tr("State"), list(STATES), index=0, format_func=lambda name: tr(wording.STATES[STATES[name]].word),
        key="runs.state",
    )  # fmt: skip
    found = list(store.search(text, tagged, named, shown, limit=AT_ONCE))
    if not found and not store.count():
        return [], None
    return found, store.count(text, tagged, named, shown)


def _table(store: Store, found: list[Entry]) -> None:
    table = pd.DataFrame(
        {
            tr("made"): [wording.moment(entry.created.replace(tzinfo=UTC).astimezone()) for entry in found],
            tr("first day"): [_first_day(store, entry.id) for entry in found],
            tr("name"): [entry.name for entry in found],
            tr("scenario"): [entry.scenario for entry in found],
            tr("goal"): [tr(GOALS.get(entry.goal, entry.goal)) for entry in found],
            tr("status"): [_status(entry) for entry in found],
            tr("carbon [t CO2e]"): [_tonnes(entry.carbon_kg) for entry in found],
            tr("saved [t CO2e]"): [_tonnes(entry.saved_carbon_kg) for entry in found],
            tr("cost"): [_money(entry, entry.cost) for entry in found],
            tr("saved cost"): [_money(entry, entry.saved_cost) for entry in found],
            tr("peak [MW]"): [wording.number(entry.peak_mw, 1) for entry in found],
            tr("held"): [_held(str(store.path(entry.id) / "plan.json")) for entry in found],
            tr("tags"): [", ".join(entry.tags) for entry in found],
            tr("run"): [entry.id[:8] for entry in found],
        }
    )
    draw(table, {})
    st.caption(
        tr(
            "Saved: against the baseline, undisturbed. Held: in how many disturbed days, as it was made. Times are "
            "those of this server."
        )
    )


def _money(entry: Entry, value: float | None) -> str:
    return wording.number(value, 0) if value is None else f"{wording.number(value, 0)} {entry.currency}"


def _status(entry: Entry) -> str:
    if entry.state == "broken":
        return tr(wording.STATES[_ended(entry.id)].word)
    status = wording.told_status(entry.status, entry.carbon_kg is not None)
    if entry.gap is None:
        return status
    return tr("{status}, gap {share}", status=status, share=wording.percent(entry.gap))


def _ended(run: str) -> str:
    """How a run came to have no plan, among ``wording.STATES``, as far as its job tells."""
    try:
        state = queue.status(run).state
    except StoreError:
        return "ended"
    return state if state in ("stopped", "refused", "failed", "broken") else "ended"


def _first_day(store: Store, run: str) -> str:
    """The first day that was planned; a dash where the run's files are not here."""
    scenario = _horizon(str(store.path(run) / "scenario.json"))
    return NONE if scenario is None else date_of_year(scenario.instant(0))


@st.cache_data(max_entries=500, show_spinner=False)
def _horizon(path: str) -> Horizon | None:
    """The horizon of a stored scenario; it never changes. Read alone, for the rest may be long."""
    try:
        return Horizon.model_validate(json.loads(Path(path).read_text(encoding="utf-8"))["horizon"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


@st.cache_data(max_entries=500, show_spinner=False)
def _held(path: str) -> str:
    """In how many of its disturbed replays a stored plan held, as it was made."""
    try:
        done = json.loads(Path(path).read_text(encoding="utf-8"))["summary"]["replays"]
        return tr("{held} of {n}", held=done["held"], n=done["n"]) if done["n"] else NONE
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return NONE


def _tonnes(kg: float | None) -> str:
    return wording.number(None if kg is None else kg / 1000, 1)


def _one(store: Store, found: dict[str, Entry]) -> None:
    """One run and what can be done with it."""
    ids, looked = list(found), session.run()
    chosen = st.selectbox(
        tr("Run"), ids, index=ids.index(looked) if looked in found else 0,
        format_func=lambda run: run_picker.label(found[run]), key="runs.one",
    )  # fmt: skip
    entry = found[chosen]
    with st.container(border=True):
        if entry.verdict:
            st.text(say(entry.verdict))
        if entry.state == "broken":
            _, says, then = wording.STATES[_ended(entry.id)]
            st.text(f"{tr(says)} {tr(then)}")
        if entry.deleted is not None:
            if st.button(tr("Take it back"), key="runs.restore"):
                _do(lambda: store.restore(chosen), tr("Run {run} is back.", run=chosen[:8]))
            return
        if entry.state == "stored":
            _go(chosen)
            _label(store, entry)
        elif entry.state == "working" and st.button(tr("Watch it"), key="runs.watch"):
            session.choose(chosen)
            go("plan")
        if entry.state != "working":
            _delete(store, chosen)


def _go(run: str) -> None:
    for column, (module, title) in zip(st.columns(len(PAGES)), PAGES.items(), strict=True):
        if column.button(tr(title), key=f"runs.{module}", width="stretch"):
            session.choose(run)
            go(module)
    st.text(tr("To share it, send this address to whoever can reach this server:"))
    st.code(f"{_server()}/?run={run}", language=None)


def _server() -> str:
    """Scheme and host of the address that the browser shows."""
    parts = str(st.context.url or "").split("/")
    return "/".join(parts[:3]) if len(parts) >= 3 else ""


def _label(store: Store, entry: Entry) -> None:
    with st.form(f"runs.label.{entry.id}", border=False):
        name, tags, button = st.columns([3, 3, 1], vertical_alignment="bottom")
        named = name.text_input(tr("Name"), entry.name, max_chars=80)
        tagged = tags.text_input(
            tr("Tags, a space between them"), " ".join(entry.tags), help=tr("Such as: june trial")
        ).split()
        if button.form_submit_button(tr("Keep"), width="stretch"):

            def keep() -> None:
                # in one transaction: a tag that is none leaves the name as it was
                more = [tag for tag in tagged if tag not in entry.tags]
                store.catalogue.label(
                    entry.id, name=named, add=more, remove=set(entry.tags) - set(tagged),
                    keep=lambda *labels: store.keep_labels(entry.id, *labels),
                )  # fmt: skip

            _do(keep, tr("Name and tags are kept."))


def _delete(store: Store, run: str) -> None:
    """Delete after a second look; the trash keeps what was deleted for a while."""
    with st.popover(tr("Delete")):
        st.text(tr("Delete run {run}? It can be taken back for some days: choose the state deleted.", run=run[:8]))
        if st.button(tr("Delete it"), key=f"runs.delete.{run}", type="primary"):
            if session.run() == run:
                session.choose("")
            _do(lambda: store.delete(run), tr("Run {run} was deleted. The state deleted lists it.", run=run[:8]))


def _do(work: Callable[[], None], done: str) -> None:
    """Do something to a run, say what came of it, and draw the page anew."""
    try:
        work()
    except StoreError as error:
        st.session_state[SAID] = f"✕ {error}"
    else:
        st.session_state[SAID] = f"✓ {done}"
    st.rerun()
