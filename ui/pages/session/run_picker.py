"""Picking stored runs: found by a search, told by when they were made, scenario, goal and what they save."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

import streamlit as st

from emberline.plans.store import CatalogueError, Entry, Store, StoreError
from emberline.ui.pages.session import session
from emberline.ui.text import wording
from emberline.ui.text.language import tr
from emberline.ui.text.metrics import GOALS
from emberline.ui.text.numbers import stamp

MOST = 100
"""Runs that are offered at once; a search finds the others."""
LONGEST_NAME = 40
"""Of a name in a chip [characters]: what tells two plans apart stands behind it."""


def entries(text: str = "", also: Iterable[str] = ()) -> dict[str, Entry]:
    """Stored runs by id, newest first: those that a search finds, and before them some that must be there."""
    store = Store()
    found: dict[str, Entry] = {}
    for run in also:
        try:
            entry = store.entry(run)
        except CatalogueError:
            raise
        except StoreError:
            continue
        if entry.state == "stored":
            found[run] = entry
    return found | {
        entry.id: entry for entry in store.search(text, state="stored", limit=MOST) if entry.id not in found
    }


def label(entry: Entry) -> str:
    """A run in one line; to be shown where nothing is read as markdown."""
    made = entry.created.replace(tzinfo=UTC).astimezone()
    goal = GOALS.get(entry.goal)
    parts = [stamp(made), entry.name or entry.scenario, tr(goal) if goal else entry.goal]
    if entry.saved_carbon_kg is not None:
        parts.append(tr("{tonnes} t CO2e saved", tonnes=wording.number(entry.saved_carbon_kg / 1000, 1)))
    return " · ".join([*parts, entry.id[:8]])


def chip(letter: str, entry: Entry) -> str:
    """A run that is chosen among others, short enough for a chip: letter, name, goal and id."""
    name, goal = entry.name or entry.scenario, GOALS.get(entry.goal)
    if len(name) > LONGEST_NAME:
        name = f"{name[: LONGEST_NAME - 1]}…"
    return " · ".join([letter, name, tr(goal) if goal else entry.goal, entry.id[:8]])


def one(title: str) -> str:
    """Draw a field that chooses the run that is looked at; empty where there is none."""
    looked = session.run()
    known = entries(also=[looked] if looked else [])
    if not known:
        st.info(tr("There is no stored plan yet. Make one on the page Plan."))
        return ""
    ids = list(known)
    found = st.selectbox(
        title, ids, index=ids.index(looked) if looked in known else None, format_func=lambda run: label(known[run]),
        placeholder=tr("choose a plan"), key=f"picking.{looked}",
    )  # fmt: skip
    if found and found != looked:
        session.choose(found)
        st.rerun()
    return found or ""
