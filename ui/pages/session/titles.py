"""Titles of stored runs, from their content and what was changed; read once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from emberline.planning.answer import of_days
from emberline.reports.text import naming
from emberline.reports.text.language import current, tr
from emberline.reports.text.messages import say
from emberline.runs.store import Entry, Store
from emberline.scenarios import Scenario, bundled, load


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
    return _folders(Store.default_folder())(run)


@cache
def _folders(home: Path) -> Callable[[str], Path]:
    """Folders by run; a catalogue is opened once for them, not for each label."""
    return Store(home).path


def bases(entries: Iterable[Entry]) -> dict[str, str]:
    """By run the first run of the same scenario among some: what was changed since then tells them apart."""
    rows = sorted(entries, key=lambda entry: entry.created)
    first: dict[str, str] = {}
    return {entry.id: first.setdefault(entry.scenario, entry.id) for entry in rows}


def holds(run: str) -> str:
    """On how many of the disturbed days a stored plan holds; empty: unknown."""
    share = _share_of_days(str(_folder(run) / "plan.json"))
    return "" if share is None else tr("holds on {share}", share=say(of_days(share)))


@st.cache_data(max_entries=1000, show_spinner=False)
def _share_of_days(path: str) -> float | None:
    try:
        summary = json.loads(Path(path).read_text(encoding="utf-8"))["summary"]
        if summary.get("holding"):
            return float(summary["holding"]["share"])
        replays = summary["replays"]
        return float(replays["held"]) / replays["n"] if replays["n"] else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def of_scenario(scenario: Scenario) -> str:
    """Title of a scenario with its changes."""
    return " · ".join(_parts(scenario))


def changes(scenario: Scenario) -> list[str]:
    """What differs from the bundled scenario of that name."""
    return _parts(scenario)[1:]


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
