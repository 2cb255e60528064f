"""On the page Robustness: a plan that holds is asked for, watched while it is searched, and told beside the plain."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pandas as pd
import streamlit as st

from emberline.plans.jobs import JobStatus, queue
from emberline.plans.robustness.holding import MOST_LEVEL, report
from emberline.plans.store import StoredRun, StoreError
from emberline.scenarios import Scenario
from emberline.scenarios.records.disturbances import Disturbances
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import job_progress, session
from emberline.ui.text import numbers, wording
from emberline.ui.text.language import mark, tr
from emberline.ui.text.messages import say

LEVEL, REPLAYS, SEARCH_S = 0.9, 1000, 300
"""What is asked for unless somebody says otherwise: chance to hold, days that judge, seconds of the search."""
STATUS = {
    "holds": mark("✓ It holds."),
    "not shown": mark("It may hold: more replays are needed to tell."),
    "cannot": mark("✕ It could not be made to hold as often as was asked."),
    "out of time": mark("✕ It does not hold as often as was asked: the time was over."),
    "cancelled": mark("✕ It was ended before it held as often as was asked."),
}
MARGINS = {
    "slack_min": (mark("ready before it is taken, after {stage}"), "min"),
    "wait_min": (mark("waits less than it may, after {stage}"), "min"),
    "quantile": (mark("durations of {stage} as slow as in this share of the cases"), "%"),
    "planning_quantile": (mark("durations or rates as slow as in this share of the cases"), "%"),
    "due_margin_min": (mark("done before it is due"), "min"),
    "import_margin_mw": (mark("free below the import limit"), "MW"),
}
"""What a plan keeps more of, by key, and its unit."""
PLAIN = ("planning_quantile", Disturbances().planning_quantile)
"""What every plan reckons with unless it is told otherwise: no margin."""
PRICES = (
    (mark("carbon"), "t CO2e", "carbon_kg", 1e-3, 2),
    (mark("cost"), "", "cost", 1.0, 0),
    (mark("peak"), "MW", "peak_mw", 1.0, 1),
)
"""Label, unit (empty: currency), name, factor and digits of what holding costs."""


def ask(stored: StoredRun, busy: bool) -> None:
    """Draw what asks for a plan of the same scenario that holds."""
    with st.expander(tr("Plan so that it holds")):
        st.caption(
            tr("More margin is kept where this plan breaks, and it is planned again, until it holds as often as asked.")
        )
        wanted = stored.plan.scenario.disturbances.hold or LEVEL
        level = st.number_input(
            tr("Chance to hold [%]"), min_value=1.0, max_value=100 * MOST_LEVEL, value=100 * wanted, step=5.0,
            format="%.1f", key=f"holding.level.{stored.id}",
        )  # fmt: skip
        seconds = st.number_input(
            tr("Stop the search after [s]"), min_value=10, max_value=86_400, value=SEARCH_S, step=60,
            key="holding.seconds", help=tr("Judging the plan on 1,000 fresh days comes on top"),
        )  # fmt: skip
        if st.button(tr("Search a plan that holds"), width="stretch", disabled=busy, key="holding.start"):
            given = {"run": stored.id, "level": round(level / 100, 6), "replications": REPLAYS, "time_limit_s": seconds}
            try:
                queue.start(kind="hold", given=given)
            except RuntimeError as error:
                st.warning(say(str(error)))
                return
            st.rerun()


@st.fragment(run_every=job_progress.POLL_S)
def watch(job: str) -> None:
    """Draw a search for a plan that holds while it is at work; then the run that it has made is looked at."""
    status = queue.status(job)
    if status.ended:
        if status.state == "stored":
            session.choose(job)
        st.rerun()
    job_progress.waiting(status)
    asked = wording.percent(queue.request(job)["given"]["level"], 1)
    if status.phase == "judge":
        says = tr("The plan is judged on fresh days.")
    else:
        says = tr("Round {number}: planning, then replays.", number=len(status.rounds) + 1)
    st.text(f"{tr('A plan that holds in {asked} of the days is searched.', asked=asked)} {says}")
    began = queue.request(job)["at"]
    limit = wording.number(queue.request(job)["given"]["time_limit_s"], 0)
    seconds = wording.number(time.time() - began, 0)
    st.caption(tr("{seconds} s since it was asked for; the search may take {limit} s.", seconds=seconds, limit=limit))
    if status.rounds:
        draw(_rounds(status), {})
    job_progress.buttons(status, tr("Take the plan that held best so far"), bool(status.rounds))


def _rounds(status: JobStatus) -> pd.DataFrame:
    """A row for each plan that was tried."""

    def held(row: dict[str, Any]) -> str:
        if not row["of"]:
            return tr("no plan with these margins")
        return tr("{held} of {n}", held=row["held"], n=row["of"])

    return pd.DataFrame(
        {
            tr("round"): [row["round"] for row in status.rounds],
            tr("held"): [held(row) for row in status.rounds],
            tr("margins"): [
                numbers.clauses(margins(row["margins"])) or tr("none: the plan as it is") for row in status.rounds
            ],
        }
    )


def margins(kept: dict[str, float]) -> Iterator[str]:
    """What a plan keeps more of, in words; keys as ``emberline.plans.robustness.holding`` tells them."""
    for key, value in kept.items():
        if (key, value) == PLAIN:
            continue
        stage, _, name = key.rpartition(".")
        says, unit = MARGINS[name]
        amount = wording.percent(value, 0) if unit == "%" else f"{wording.number(value, 1)} {unit}"
        yield f"{tr(says, stage=stage)}: {amount}"


def show(stored: StoredRun) -> None:
    """Draw how often a plan that was made to hold does, beside the plain plan, and what that costs; else nothing."""
    try:
        found = report.read(stored.folder)
    except StoreError as error:
        st.warning(str(error))
        return
    if found is None or not found["robust"] or not found["plain"]:
        return
    asked = wording.percent(found["level"], 1)
    with st.container(border=True, gap="xxsmall"):
        st.text(f"{tr(STATUS[found['status']])} {tr('{asked} were asked for.', asked=asked)}")
        rows = [(tr("this plan"), found["robust"]), (tr("the plain plan"), found["plain"])]
        for label, judged in rows:
            span = judged["interval"]
            share, low, high = (wording.percent(x, 1) for x in (judged["chance"], span["low"], span["high"]))
            st.text(
                tr(
                    "{plan}: {share} of {n} fresh disturbed days (95 % interval {low} to {high})",
                    plan=label, share=share, n=wording.number(judged["n"], 0), low=low, high=high,
                )
            )  # fmt: skip
        kept = list(margins(found["margins"]))
        if kept:
            st.text(tr("It keeps: {margins}", margins=numbers.clauses(kept)))
    st.markdown(f"**{tr('What it costs to hold')}**")
    draw(_price(stored.plan.scenario, found["price"]), {})
    st.caption(
        tr(
            "This plan less the plain one, undisturbed and in the mean of the same disturbed days; each has the gap of "
            "its search, within which a price may be negative. Days on which a plan did not hold count as they are."
        )
    )


def _price(scenario: Scenario, price: dict[str, dict[str, float]]) -> pd.DataFrame:
    rows = []
    for label, unit, name, factor, digits in PRICES:
        row = price.get(name, {})
        cells = [wording.number(row[key] * factor, digits) if key in row else "" for key in ("nominal", "mean")]
        rows.append((tr(label), unit or scenario.market.currency, *cells))
    return pd.DataFrame(rows, columns=[tr("figure"), say("unit"), tr("undisturbed"), tr("mean of the days")])
