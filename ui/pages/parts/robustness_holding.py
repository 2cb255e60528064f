"""Robust plans on the page Robustness: request, progress of the search, and comparison with the plain plan."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pandas as pd
import streamlit as st

from emberline.planning.robustness.holding import MOST_LEVEL
from emberline.reports.text import numbers, wording
from emberline.reports.text.language import mark, tr
from emberline.reports.text.messages import say
from emberline.runs.jobs import JobStatus, queue
from emberline.runs.store import StoredRun, StoreError, ensembles
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import goal_first
from emberline.scenarios.records.disturbances import Disturbances
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import job_progress, session

REPLAYS, SEARCH_S = 1000, 300
"""Defaults: chance to hold, days for the judgement, time limit of the search [s]."""
STATUS = {
    "holds": mark("✓ It holds."),
    "not shown": mark("Target not yet proven: more replays are needed."),
    "cannot": mark("✕ It could not be made to hold often enough."),
    "out of time": mark("✕ It does not hold often enough yet: the time limit was reached."),
    "cancelled": mark("✕ It was cancelled before it held often enough."),
}
MARGINS = {
    "slack_min": (mark("buffer after {stage}"), "min"),
    "wait_min": (mark("margin on the longest wait after {stage}"), "min"),
    "quantile": (mark("quantile of durations of {stage} used for planning"), "%"),
    "planning_quantile": (mark("quantile of durations or rates used for planning"), "%"),
    "due_margin_min": (mark("margin before due times"), "min"),
    "import_margin_mw": (mark("margin below the import limit"), "MW"),
    "reserve_t": (mark("stock kept in {stage}"), "t"),
}
"""Margins of a plan by key, with their units."""
PLAIN = ("planning_quantile", Disturbances().planning_quantile)
"""The default of every plan, which is not a margin."""
PRICES = (
    (mark("carbon"), "t CO2e", "carbon_kg", 1e-3, 2),
    (mark("cost"), "", "cost", 1.0, 0),
    (mark("peak"), "MW", "peak_mw", 1.0, 1),
)
"""Label, unit (empty: currency), name, factor and digits of the price of robustness."""


def ask(stored: StoredRun, busy: bool) -> None:
    """Draw the request for a robust plan of the same scenario."""
    with st.expander(tr("Make it hold")):
        st.caption(
            tr("Margins are raised where this plan breaks, and it is planned again until it holds often enough.")
        )
        scenario = stored.plan.scenario
        target = scenario.level
        level = st.number_input(
            tr("Chance to hold [%]"), min_value=1.0, max_value=100 * MOST_LEVEL, value=100 * target, step=5.0,
            format="%.1f", key=f"holding.level.{stored.id}",
        )  # fmt: skip
        seconds = st.number_input(
            tr("Stop the search after [s]"), min_value=10, max_value=86_400, value=SEARCH_S, step=60,
            key="holding.seconds", help=tr("The judgement on 1,000 new days comes on top"),
        )  # fmt: skip
        if st.button(tr("Search a robust plan"), width="stretch", disabled=busy, key="holding.start"):
            request = {
                "run": stored.id,
                "level": round(level / 100, 6),
                "replications": REPLAYS,
                "time_limit_s": seconds,
            }
            with job_progress.refusal():
                job_progress.start(kind="hold", options=request)
                st.rerun()


@st.fragment(run_every=job_progress.POLL_S)
def watch(job: str) -> None:
    """Draw the progress of a search for a robust plan; when it is done, its run is shown."""
    status = queue.status(job)
    if status.ended:
        if status.state == "stored":
            session.choose(job)
        st.rerun()
    job_progress.waiting(status)
    share = wording.percent(queue.request(job)["given"]["level"], 1)
    if status.phase == "judge":
        says = tr("The plan is judged on new days.")
    else:
        says = tr("Round {number}: planning, then replays.", number=len(status.rounds) + 1)
    st.text(f"{tr('Searching a plan that holds on {asked} of the days.', asked=share)} {says}")
    began = queue.request(job)["at"]
    limit = wording.number(queue.request(job)["given"]["time_limit_s"], 0)
    seconds = wording.number(time.time() - began, 0)
    st.caption(tr("{seconds} s since the request; time limit of the search {limit} s.", seconds=seconds, limit=limit))
    if status.rounds:
        draw(_rounds(status), {})
    job_progress.buttons(status, tr("Use the plan that held best so far"), bool(status.rounds))


def _rounds(status: JobStatus) -> pd.DataFrame:
    """A row per round of the search."""

    def score(row: dict[str, Any]) -> str:
        if not row["of"]:
            return tr("no plan with these margins")
        return tr("{held} of {n}", held=row["held"], n=row["of"])

    return pd.DataFrame(
        {
            tr("round"): [row["round"] for row in status.rounds],
            tr("held"): [score(row) for row in status.rounds],
            tr("margins"): [
                numbers.clauses(margins(row["margins"])) or tr("none: the plan as it is") for row in status.rounds
            ],
        }
    )


def margins(values: dict[str, float]) -> Iterator[str]:
    """Margins of a plan in words; keys as in ``emberline.planning.robustness.holding``."""
    for key, value in values.items():
        if (key, value) == PLAIN:
            continue
        stage, _, name = key.rpartition(".")
        says, unit = MARGINS[name]
        amount = wording.percent(value, 0) if unit == "%" else f"{wording.number(value, 1)} {unit}"
        yield f"{tr(says, stage=stage)}: {amount}"


def show(stored: StoredRun) -> None:
    """Draw how often a robust plan holds, compared with the plain plan, and its price; nothing for other plans."""
    try:
        answer = ensembles.read_holding(stored.folder)
    except StoreError as error:
        st.warning(str(error))
        return
    if answer is None or not answer["robust"] or not answer["plain"]:
        return
    target = wording.percent(answer["level"], 1)
    with st.container(border=True, gap="xxsmall"):
        st.text(f"{tr(STATUS[answer['status']])} {tr('Target: {asked}.', asked=target)}")
        record = stored.plan.holding
        if record is not None and not record.reached:
            st.text("\n".join(map(say, record.reasons)))
        rows = [(tr("this plan"), answer["robust"]), (tr("the plain plan"), answer["plain"])]
        for label, judged in rows:
            span = judged["interval"]
            share, low, high = (wording.percent(x, 1) for x in (judged["chance"], span["low"], span["high"]))
            st.text(
                tr(
                    "{plan}: {share} of {n} new disturbed replays (95 % interval {low} to {high})",
                    plan=label, share=share, n=wording.number(judged["n"], 0), low=low, high=high,
                )
            )  # fmt: skip
        parts = list(margins(answer["margins"]))
        if parts:
            st.text(tr("Margins: {margins}", margins=numbers.clauses(parts)))
    st.markdown(f"**{tr('Price of robustness')}**")
    draw(_price(stored.plan.scenario, answer["price"]), {})
    st.caption(
        tr(
            "This plan minus the plain one, undisturbed and as the mean of the same disturbed days; each has the "
            "gap of its search, so a price may be negative within the gaps. Days on which a plan did not hold are "
            "included."
        )
    )


def _price(scenario: Scenario, price: dict[str, dict[str, float]]) -> pd.DataFrame:
    rows = []
    carbon, cost, *others = PRICES
    for label, unit, name, factor, digits in (*goal_first(scenario, carbon, cost), *others):
        row = price.get(name, {})
        cells = [wording.number(row[key] * factor, digits) if key in row else "" for key in ("nominal", "mean")]
        rows.append((tr(label), unit or scenario.market.currency, *cells))
    return pd.DataFrame(rows, columns=[tr("figure"), say("unit"), tr("undisturbed"), tr("mean of the days")])
