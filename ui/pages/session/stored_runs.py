"""Stored runs with their accounts, opened once for all pages, and the choice of them with search.

Labels show what was changed, goal, saving, chance to hold and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import streamlit as st

from emberline.planning.accounts import Ledger, bill
from emberline.reports.text import wording
from emberline.reports.text.language import tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import stamp
from emberline.runs.store import CatalogueError, Entry, Store, StoredRun, StoreError
from emberline.scenarios.goal_metrics import GOALS
from emberline.scenarios.metrics import METRICS
from emberline.ui.pages.result import accounts
from emberline.ui.pages.session import session, titles


@st.cache_resource(max_entries=16, show_spinner=False)
def open_run(run: str) -> StoredRun:
    """A stored run; immutable, hence shared."""
    return Store().open(run)


def in_view() -> StoredRun | None:
    """The stored run in view; None: there is none or it cannot be read, and the page says so."""
    run = session.run()
    if not run:
        st.info(tr("Choose a plan in the header, or make one on the page Plan."))
        return None
    try:
        return open_run(run)
    except StoreError as error:
        st.warning(say(str(error)))
        return None


@st.cache_resource(max_entries=16, show_spinner=False)
def bills_and_ledgers(run: str) -> tuple[tuple[bill.Bill, bill.Bill], tuple[Ledger, Ledger]]:
    """Bills and ledgers of a stored run, for plan and baseline."""
    plan = open_run(run).plan
    return accounts.bills(plan), accounts.ledgers(plan)


MOST = 100
"""Most runs in the list; search for others."""
LONGEST_NAME = 40
"""Longest name in a chip [characters]; the distinguishing part follows it."""


def entries(text: str = "", also: Iterable[str] = ()) -> dict[str, Entry]:
    """Stored runs by id, newest first: those that match a search, preceded by required ones."""
    store = Store()
    rows: dict[str, Entry] = {}
    for run in also:
        try:
            entry = store.entry(run)
        except CatalogueError:
            raise
        except StoreError:
            continue
        if entry.state == "stored":
            rows[run] = entry
    return rows | {entry.id: entry for entry in store.search(text, state="stored", limit=MOST) if entry.id not in rows}


def labels(entries: Iterable[Entry]) -> dict[str, str]:
    """Labels by id: the first digits of the id follow where two are equal, as a choice goes by its label."""
    rows = list(entries)
    bases = titles.bases(rows)
    return distinct({entry.id: label(entry, bases[entry.id]) for entry in rows})


def distinct(names: dict[str, str]) -> dict[str, str]:
    """Names by id, with the first digits of the id where two are equal."""
    counts = Counter(names.values())
    return {run: f"{name} · {run[:8]}" if counts[name] > 1 else name for run, name in names.items()}


def label(entry: Entry, base: str = "") -> str:
    """A run in one line, as plain text: what it is and what was changed, not its id.

    Args:
        entry: the run.
        base: id of the run that its changes are against where its scenario is not a bundled one.
    """
    created = session.here(entry.created)
    name, goal = entry.name or titles.of_run(entry.id, entry.scenario, base), tr(GOALS.get(entry.goal, entry.goal))
    parts = [name, *([] if goal in name.split(" · ") else [goal]), _saved(entry)]
    parts.append(titles.holds(entry.id))
    return " · ".join(part for part in [*parts, stamp(created)] if part)


def _saved(entry: Entry) -> str:
    """What a run saves of the figure of its goal; empty: it is not compared."""
    money = entry.goal in METRICS and METRICS[entry.goal].money
    saved = entry.saved_cost if money else entry.saved_carbon_kg
    if saved is None:
        return ""
    amount = wording.number(abs(saved), 0) if money else wording.number(abs(saved) / 1000, 1)
    unit = entry.currency if money else "t CO2e"
    text = tr("{amount} {unit} saved", amount=amount, unit=unit)
    text = text if saved >= 0 else tr("{amount} {unit} more", amount=amount, unit=unit)
    return tr("{saving} undisturbed", saving=text) if titles.holds(entry.id) else text


def chip(letter: str, entry: Entry, base: str = "") -> str:
    """A chosen run as a short label: letter, name, goal and time; ``base`` as of :func:`label`."""
    name, goal = entry.name or titles.of_run(entry.id, entry.scenario, base), GOALS.get(entry.goal)
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME - 1]}…"
    created = session.here(entry.created)
    return " · ".join([letter, name, tr(goal) if goal else entry.goal, stamp(created)])
