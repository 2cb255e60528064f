"""Titles of stored runs, from their content and what was changed; read once."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from emberline.plans.store import Store
from emberline.scenarios import Scenario, bundled, load
from emberline.ui.text import naming
from emberline.ui.text.language import current


def of_run(run: str, otherwise: str = "") -> str:
    """Title of a stored run with its changes; ``otherwise`` where its files are not here."""
    parts = _of_file(str(Store().path(run) / "scenario.json"), current())
    return " · ".join(parts) or otherwise


def of_scenario(scenario: Scenario) -> str:
    """Title of a scenario with its changes."""
    return " · ".join(_parts(scenario))


def changes(scenario: Scenario) -> list[str]:
    """What differs from the bundled scenario of that name."""
    return _parts(scenario)[1:]


@st.cache_data(max_entries=1000, show_spinner=False)
def _of_file(path: str, _language: str) -> list[str]:
    try:
        return _parts(Scenario.model_validate(json.loads(Path(path).read_text(encoding="utf-8"))))
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
