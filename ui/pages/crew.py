"""Page My unit, for phones: next activities of a unit, effect of a delay, approval of the plan, pages to print."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import partial

import streamlit as st
import xarray as xr

from emberline.planning.accounts import unit_runs
from emberline.reports.exports.crews import Line, crews, lines, unit_pages, work
from emberline.reports.text import current, mark, moment, tr
from emberline.reports.text.activities import Activity
from emberline.reports.text.language import spoken
from emberline.reports.text.numbers import duration, listed
from emberline.reports.text.studies import SAME_MIN, stops
from emberline.runs.store import Store, StoredRun
from emberline.scenarios import Case
from emberline.studies.why import run_slack
from emberline.studies.why import slack as slacks_of
from emberline.ui.pages.result import answer
from emberline.ui.pages.session import chart_cache, stored_runs, widgets

NEXT = 4
LATEST_MIN = 24 * 60
UNIT = "unit"
"""Query parameter with the unit in view."""
HALF_STEP = 0.5
APPROVED = "approved"
"""Tag of a plan that was approved by a shift."""


def page() -> None:
    """Draw the page for the plan in view."""
    stored = stored_runs.in_view()
    if stored is None:
        return
    run = stored.id
    names = chart_cache.value(("crews", run), lambda: crews(stored))
    answer.show_title(stored.plan.scenario, run)
    if not names:
        st.info(tr("This plan has no unit with a crew."))
        return
    unit, late = _ask(names)
    now = _now(stored.plan.scenario)
    every = chart_cache.value(("crew", run, unit), lambda: list(lines(stored, unit)))
    rows = [row for row in every if row.end_min > now]
    st.subheader(tr("Next at the unit"), anchor=False)
    for row in _until(rows):
        _line(stored.plan.scenario, row)
    _late(stored, next((row for row in rows if row.activity is not None and row.start_min >= now), None), late)
    _approve(stored)
    label, name = tr("Print: a page for each unit and shift"), f"emberline-shifts-{run[:8]}.html"
    widgets.download(label, partial(_pages, stored, current()), name, "text/html", "shift.print", width="stretch")


def _ask(names: list[str]) -> tuple[str, int]:
    address = str(st.query_params.get(UNIT, ""))
    first, second = st.columns(2)
    unit = first.selectbox(tr("My unit"), names, index=names.index(address) if address in names else 0)
    st.query_params[UNIT] = str(unit)
    return str(unit), int(second.number_input(tr("What if late by [min]"), 0, LATEST_MIN, 0, step=5))


def _now(scenario: Case) -> float:
    """Minutes after the start of the horizon; zero on another day."""
    minutes = scenario.horizon.minutes(datetime.now(UTC))
    return minutes if 0 <= minutes < scenario.horizon.length_min else 0.0


def _until(rows: list[Line]) -> list[Line]:
    """The next activities, with the gaps between them."""
    ends = [i for i, row in enumerate(rows) if row.activity is not None][:NEXT]
    return rows[: ends[-1] + 1] if ends else rows[:1]


def _line(scenario: Case, row: Line) -> None:
    start, end = (moment.short(at, scenario.horizon) for at in (row.start_min, row.end_min))
    if row.activity is None:
        free = duration(row.minutes)
        st.caption(tr("{start} to {end}: free for {duration}", start=start, end=end, duration=free))
        return
    with st.container(border=True, gap=None):
        activity = row.activity
        st.text(f"{start} – {end}   {activity.name}")
        st.text(listed(filter(None, [work(activity), activity.products(), duration(row.minutes)])))


def _late(stored: StoredRun, row: Line | None, minutes: int) -> None:
    """Draw the effect of a delay of the next heat or run."""
    scenario, run = stored.plan.scenario, stored.plan.replay
    if not minutes or row is None or row.activity is None or run is None:
        return
    slack = _slack(scenario, run, row, row.activity)
    if slack is None:
        return
    stop = stops(scenario, slack.later)
    late, most = duration(minutes), duration(math.floor(slack.later_min + SAME_MIN))
    if minutes <= slack.later_min:
        text = mark(
            "✓ {heat} may be late by {late}: nothing else moves (at most {most}: {stop}). "
            "What it costs is not counted here."
        )
    else:
        text = mark("▲ {heat} may be late by {most} only ({stop}): with {late} plan again.")
    st.text(tr(text, heat=row.activity.name, late=late, most=most, stop=stop))


def _slack(scenario: Case, run: xr.Dataset, row: Line, activity: Activity) -> slacks_of.Slack | None:
    """Slack of an operation, or of the run that begins with the unit's next activity; None if no run follows."""
    if activity.of == "line":
        return slacks_of.slacks(scenario, run, activity.name)[activity.what]
    every, first = list(unit_runs.unit_runs(scenario, run)), row.start_min / scenario.horizon.step_min
    # a start-up moves together with its run
    of_unit = (unit_run for unit_run in every if unit_run.unit == row.unit and unit_run.what == unit_runs.RUN)
    unit_run = next((unit_run for unit_run in of_unit if unit_run.first >= first - HALF_STEP), None)
    return None if unit_run is None else run_slack.slack(scenario, run, unit_run, every)


def _approve(stored: StoredRun) -> None:
    """Draw the button that approves the plan or withdraws the approval. The approval is a visible tag of the run."""
    store = Store()
    entry = store.entry(stored.id)
    approved = APPROVED in entry.tags
    if approved:
        st.text(f"✓ {tr('This plan is approved.')}")
    label = tr("Take the approval back") if approved else tr("Approve this plan")
    if st.button(label, type="secondary" if approved else "primary", width="stretch", key="shift.approve"):
        add, remove = ([], [APPROVED]) if approved else ([APPROVED], [])
        store.label(entry.id, add=add, remove=remove)
        st.rerun()


def _pages(stored: StoredRun, language: str) -> bytes:
    with spoken(language):
        return unit_pages(stored).encode()
