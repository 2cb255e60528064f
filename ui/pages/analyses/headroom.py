"""Headroom: the saving at lower order loads, as a curve, and where flexibility ends."""

from __future__ import annotations

import streamlit as st

from emberline.reports.charts.analyses import load_curve
from emberline.reports.text.language import mark, tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import sentence
from emberline.reports.text.studies.headroom import load_rows
from emberline.runs.work.analyses import StoredAnalysis
from emberline.ui.pages.analyses.shape import Analysis, Question, cache_key, scenario_of, table
from emberline.ui.pages.request.form import Request
from emberline.ui.pages.session import chart_cache

LOADS = tuple(range(30, 101, 10))
DEFAULT = (50, 60, 70, 80, 90, 100)


def ask(request: Request) -> Question:
    """The form: loads and the smallest saving that counts."""
    scenario = scenario_of(request)
    if not scenario.orders and not scenario.deliveries:
        return Question(problem=tr("A site alone makes nothing, so there is no order load."))
    if scenario.by_the_minute:
        return Question(problem=tr("Lateness weighs neither carbon nor cost; choose one of them as the goal."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        loads = st.multiselect(
            tr("Order loads [%]"), LOADS, default=list(DEFAULT), key="headroom.loads",
            help=tr("One plan is made for each, within the time limit at the side"),
        )  # fmt: skip
        threshold = st.number_input(
            tr("Smallest saving that counts [%]"), min_value=0.0, max_value=50.0, value=1.0, step=0.5,
            key="headroom.threshold",
        )  # fmt: skip
    if not loads:
        return Question(problem=tr("Choose at least one load."))
    return Question({"loads": [load / 100 for load in sorted(loads)], "threshold": threshold / 100})


def show(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    st.markdown(f"**{sentence(say(result['says']))}**")
    if any(load["goal_share"] is not None for load in result["loads"]):
        chart_cache.chart(
            cache_key("headroom", stored), lambda: load_curve.saving(result["loads"], result["threshold"]),
            tr("Saving of the goal by order load; the table below has the same values."),
        )  # fmt: skip
        st.caption(
            tr(
                "Line: the mean of the disturbed replays with its 95 % interval, where there are any, else the "
                "undisturbed day. Grey: what a better plan could save at most, by the bound. Dashed: the smallest "
                "saving that counts."
            )
        )
    table(load_rows(result))


ANALYSIS = Analysis(
    title=mark("Headroom"),
    says=mark(
        "How much is saved when the plant is not full, and at which load does flexibility end? The same plant is "
        "planned with a part of its orders."
    ),
    start=mark("Plan at each load"),
    of_plan=False,
    ask=ask,
    show=show,
    keep=mark("Stop and keep the loads planned so far"),
)
