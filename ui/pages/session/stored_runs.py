"""Stored runs with their accounts, opened once for all pages, their titles, and the choice of them with search.

Labels show what was changed, goal, saving, chance to hold and time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from emberline.planning.accounts import Ledger, bill
from emberline.reports.exports import FORMATS, export
from emberline.reports.text import current, mark, naming, say, stamp, tr
from emberline.runs.store import CatalogueError, Entry, Store, StoredRun, StoreError
from emberline.scenarios import Scenario, bundled, load
from emberline.scenarios.goal_metrics import GOALS
from emberline.scenarios.metrics import METRICS
from emberline.ui.pages.result import accounts
from emberline.ui.pages.session import session, widgets

T = TypeVar("T")


def of_run(run: str, otherwise: str = "", base: str = "") -> str:
    """Title of a stored run with its changes; ``otherwise`` where its files are not here.

    Args:
        run: its id.
        otherwise: a title.
        base: id of the run that its changes are against where its scenario is not a bundled one; empty: none.
    """
    before = str(_folder(base) / "scenario.json") if base and base != run else ""
    parts = _of_file(str(_folder(run) / "scenario.json"), before, current())
    return " · ".join(parts) or otherwise


def _folder(run: str) -> Path:
    return _store(Store.default_folder()).path(run)


@cache
def _store(home: Path) -> Store:
    """A home; its catalogue is opened once, not for each label."""
    return Store(home)


def bases_of(entries: Iterable[Entry]) -> dict[str, str]:
    """By run the first run of the same scenario among some: what was changed since then tells them apart."""
    rows = sorted(entries, key=lambda entry: entry.created)
    first: dict[str, str] = {}
    return {entry.id: first.setdefault(entry.scenario, entry.id) for entry in rows}


def file_of(stored: StoredRun, kind: str, **options: str) -> Callable[[], bytes]:
    """A function that makes a file of a run when it is called, in the language of the current page.

    Args:
        stored: the run.
        kind: of ``FORMATS``.
        options: further arguments of ``export``.
    """
    language = current()
    return widgets.content_of(lambda path: export(stored, kind, path, language=language, **options), f"plan.{kind}")


def file_name(stored: StoredRun, end: str, *options: str) -> str:
    """Name of a file of a run, with the options that it is made with."""
    return f"{'-'.join([f'emberline-{stored.plan.scenario.name}-{stored.id[:8]}', *options])}.{end}"


def download(stored: StoredRun, kind: str, label: str, key: str, place: Any, **options: str) -> None:
    """Draw a button that hands over a file of a run.

    Args:
        stored: the run.
        kind: of ``FORMATS``.
        label: of the button.
        key: of the widget.
        place: where it is drawn.
        options: further arguments of ``export``.
    """
    content, name = file_of(stored, kind, **options), file_name(stored, kind, *options.values())
    widgets.download(label, content, name, FORMATS[kind].mime, key, place, width="stretch")


def of_scenario(scenario: Scenario) -> str:
    """Title of a scenario with its changes."""
    return " · ".join(_parts(scenario))


@st.cache_data(max_entries=1000, show_spinner=False)
def _of_file(path: str, base: str, language: str) -> list[str]:
    """Parts of a title; Streamlit keeps one for each language, as it would not if the name began with ``_``."""
    try:
        scenario = Scenario.model_validate(json.loads(Path(path).read_text(encoding="utf-8")))
        if not base or scenario.name in bundled():
            return _parts(scenario)
        before = json.loads(Path(base).read_text(encoding="utf-8"))
        return [naming.title(scenario), *naming.changes(before, json.loads(Path(path).read_text(encoding="utf-8")))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _parts(scenario: Scenario) -> list[str]:
    same = scenario.name in bundled()
    return [
        naming.title(scenario),
        *(naming.changes(_base(scenario.name), scenario.model_dump(mode="json")) if same else []),
    ]


@cache
def _base(name: str) -> dict[str, Any]:
    return load(name).model_dump(mode="json")


@st.cache_resource(max_entries=16, show_spinner=False)
def open_run(run: str) -> StoredRun:
    """A stored run; immutable, hence shared."""
    return Store().open(run)


def in_view() -> StoredRun | None:
    """The stored run in view; None: there is none or it cannot be read, and the page says so."""
    run = session.run()
    if not run:
        st.info(tr("Choose a plan in the header, or make one on the page Plan."))
    return readable(run) if run else None


def readable(run: str) -> StoredRun | None:
    """A stored run; None: it cannot be read, and the page says so."""
    stored = None
    with widgets.refusal(StoreError):
        stored = open_run(run)
    return stored


@st.cache_resource(max_entries=16, show_spinner=False)
def bills_and_ledgers(run: str) -> tuple[tuple[bill.Bill, bill.Bill], tuple[Ledger, Ledger]]:
    """Bills and ledgers of a stored run, for plan and baseline."""
    plan = open_run(run).plan
    return accounts.bills(plan), accounts.ledgers(plan)


MAX_RUNS = 100
"""Most runs in the list; search for others."""
LONGEST_NAME = 40
"""Longest name in a chip [characters]; the distinguishing part follows it."""


def entries(text: str = "", also: Iterable[str] = ()) -> dict[str, Entry]:
    """Stored runs by id, newest first: those that match a search, preceded by required ones."""
    store = Store()
    rows: dict[str, Entry] = {}
    for run in also:
        entry = look_up(store.entry, run)
        if entry is not None and entry.state == "stored":
            rows[run] = entry
    entries = store.search(MAX_RUNS, text=text, state="stored")
    return rows | {entry.id: entry for entry in entries if entry.id not in rows}


def look_up(read: Callable[[str], T], run: str) -> T | None:
    """The answer of the catalogue, or None where no such run is stored; without a catalogue it fails."""
    try:
        return read(run)
    except CatalogueError:
        raise
    except StoreError:
        return None


def labels(entries: Iterable[Entry]) -> dict[str, str]:
    """Labels by id: the first digits of the id follow where two are equal, as a choice goes by its label."""
    rows = list(entries)
    bases = bases_of(rows)
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
    name, goal, created = _three(entry, base)
    parts = [name, *([] if goal in name.split(" · ") else [goal]), *_outcome(entry)]
    return " · ".join(part for part in [*parts, created] if part)


def _three(entry: Entry, base: str) -> tuple[str, str, str]:
    """Name or title of a run, its goal, and when it was made."""
    name, goal = entry.name or of_run(entry.id, entry.scenario, base), tr(GOALS.get(entry.goal, entry.goal))
    return name, goal, stamp(session.here(entry.created))


def _outcome(entry: Entry) -> list[str]:
    """Saving of a run by the figure of its goal, and its days without a miss, by their basis; none: not compared."""
    figures = _store(Store.default_folder()).figures(entry.id)
    saved = figures.get("cost" if entry.goal in METRICS and METRICS[entry.goal].money else "carbon")
    parts = []
    if saved is not None:
        text = mark("{amount} {unit} saved {basis}") if saved.value >= 0 else mark("{amount} {unit} more {basis}")
        parts.append(tr(text, amount=say(saved.size), unit=saved.unit, basis=say(saved.basis_text)))
    if "days" in figures:
        days = figures["days"]
        text = mark("holds on {share} {basis}")
        parts.append(tr(text, share=say(days.text), basis=say(days.basis_text)))
    return parts


def chip(letter: str, entry: Entry, base: str = "") -> str:
    """A chosen run as a short label: letter, name, goal and time; ``base`` as of :func:`label`."""
    name, *others = _three(entry, base)
    return " · ".join([letter, name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…", *others])
