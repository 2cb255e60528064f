"""Figures of a plan on the page: the baseline's where there is no plan, the full table, and disturbed replays."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from emberline.planning.plan import Plan
from emberline.reports.text import wording
from emberline.reports.text.language import mark, tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import sentence
from emberline.reports.text.studies import replays
from emberline.scenarios.goal_metrics import goal_metric

CARDS = {
    "carbon": mark("Carbon"),
    "cost": mark("Cost"),
    "peak, metered mean": mark("Peak"),
    "electricity imported": mark("Import"),
    "production": mark("Production"),
    "delivered": mark("Delivered"),
}
COMPARISONS = {
    "stock": mark("Stock: {text}"),
    "discarded": mark("Discarded: {text}"),
    "locks": mark("Locks: {text}"),
}
"""Remarks on products and stock (``wording.outcomes``)."""


def show_baseline(plan: Plan) -> None:
    """Draw the baseline's figures, where there is no plan."""
    with st.container(horizontal=True, key="cards"):
        for row in wording.rows(plan.baseline_figures, None, goal_metric(plan.scenario).money):
            if row.label in CARDS:
                label = f"{tr(CARDS[row.label])} [{row.unit}]"
                st.metric(
                    label, row.number(row.baseline), tr("baseline"), delta_color="off", delta_arrow="off", border=True
                )
    st.caption(tr("Compared with {whom}.", whom=wording.comparison(plan)))


def show_remarks(plan: Plan) -> None:
    """Draw remarks on stock, waste and locks, if any."""
    texts = dict(wording.outcomes(plan))
    says = [sentence(tr(text, text=texts[name])) for name, text in COMPARISONS.items() if name in texts]
    if says:
        st.text("\n".join(says))


def show_all(plan: Plan) -> None:
    """Draw every figure of baseline and plan."""
    st.caption(tr("All figures are undisturbed."))
    rows = list(wording.rows(plan.baseline_figures, plan.replay_figures, goal_metric(plan.scenario).money))
    st.table(
        pd.DataFrame(
            {
                tr("figure"): ["\u00a0\u00a0\u00a0" * row.part + row.title for row in rows],
                say("unit"): [row.unit for row in rows],
                tr("baseline"): [row.number(row.baseline) for row in rows],
                tr("plan"): [row.number(row.plan) for row in rows],
                tr("saved"): [row.number(row.saved) if row.less_is_better else "–" for row in rows],
                tr("saved %"): [wording.percent(row.share, 1) if row.less_is_better else "–" for row in rows],
            }
        ).set_index(tr("figure"))
    )
    st.text(tr("Status: {status}", status=wording.status(plan)))


def show_days(plan: Plan) -> None:
    """Draw the results of the disturbed replays."""
    if plan.replays is None or not plan.replays.n:
        if plan.scenario.disturbed:
            st.text(tr("There are no disturbed replays: set disturbances.replications in the scenario."))
        else:
            st.text(tr("The scenario has no disturbances: neither spreads nor breakdowns."))
        return
    holds, n = plan.replays.successes, plan.replays.n
    if plan.scenario.processes:
        says = tr(
            "The plan held without a violation in {held} of {n} disturbed replays (spread of rates and "
            "deliveries, breakdowns).",
            held=holds, n=n,
        )  # fmt: skip
    else:
        says = tr(
            "The plan held without a violation in {held} of {n} disturbed replays (spread of times, breakdowns).",
            held=holds, n=n,
        )  # fmt: skip
    st.text(says)
    st.table(replays.quantile_table(plan.scenario, plan.replays.quantiles()))
