"""The common shape of all analyses in the browser: a form, a job with progress, a stored result that is drawn.

Each is one ``Analysis`` of a module of this folder; the work itself is in ``runs/work/analyses``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from emberline.reports.text import tr
from emberline.runs.work.analyses import StoredAnalysis
from emberline.scenarios import Case
from emberline.ui.pages.request.form import Request
from emberline.ui.pages.session import widgets

LETTERS = re.compile(r"[^\W\d_]{2}")
SEARCH_S = 120
"""Default time limit of an analysis [s]."""


@dataclass(frozen=True)
class Question:
    """Entries of the form."""

    options: dict[str, Any] = field(default_factory=dict)
    """For the work."""
    problem: str = ""
    """Why it cannot be started, in the page's language; empty: it can."""


@dataclass(frozen=True)
class Analysis:
    """An analysis in the browser; texts are marked, not translated."""

    title: str
    says: str
    """The question that it answers, in one or two sentences."""
    start: str
    """Label of the button."""
    ask: Callable[[Any], Question]
    """Draws the form of a stored run or of a ``Request``."""
    show: Callable[[StoredAnalysis], None]
    of_plan: bool = False
    """Whether it is about a stored plan, else about a scenario."""
    keep: str = ""
    """Label of the button that ends it with the result so far; empty: a part of it is no result."""


def time_limit(analysis: str) -> float:
    """Draw the time limit of an analysis [s]."""
    return float(widgets.number(tr("Stop the search after [s]"), f"{analysis}.seconds", SEARCH_S, 5, 86_400, step=30))


def scenario_of(request: Request) -> Case:
    """The scenario of a request without mistakes."""
    assert request.scenario is not None
    return request.scenario


def table(rows: list[dict[str, str]], key: str = "") -> None:
    """Draw rows of text as a table; numbers are written already and aligned to the right.

    Args:
        rows: cells by heading; the first one names the row.
        key: distinguishes several tables of a result.
    """
    if not rows:
        return
    # both ends of an interval stay on one line
    frame = pd.DataFrame(rows).replace("…", "…\u2060", regex=True)
    second = "".join(frame.iloc[:, 1]) if frame.shape[1] > 1 else ""
    # the style of all pages aligns numbers from the third column on
    with st.container(key=f"{'texts' if LETTERS.search(second) else 'figures'}.{key}"):
        st.table(frame.set_index(frame.columns[0]))
