"""Shadow prices: the value of one more unit of a carrier, a level or a limit, by hour."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from emberline.reports.charts.analyses import steps
from emberline.reports.charts.view import View
from emberline.reports.text.language import mark, tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import number
from emberline.runs.store import StoredRun
from emberline.runs.work.analyses import StoredAnalysis
from emberline.scenarios.goal_metrics import GOALS
from emberline.scenarios.records.horizon import Horizon
from emberline.ui.pages.analyses.shape import Analysis, Question, cache_key, table
from emberline.ui.pages.session import chart_cache


def ask(stored: StoredRun) -> Question:
    """The form: nothing but the plan."""
    return Question(problem="" if stored.plan.has_schedule else tr("This plan has no schedule, hence no prices."))


def show(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    horizon = Horizon.model_validate(result["horizon"])
    rows = result["prices"]
    if not rows:
        st.text(tr("No carrier, store or limit of the site has a price."))
        return

    def label(i: int) -> str:
        return f"{say(rows[i]['name'])}: {say(rows[i]['says'])}"

    i = st.selectbox(tr("Price"), range(len(rows)), format_func=label, key="prices.row")
    row = rows[i]
    values = np.array(row["values"])
    if len(values) > 1:
        # a meter's interval may be longer than a step
        values = np.repeat(values, max(1, horizon.n_steps // len(values)))[: horizon.n_steps]
    if len(values) == horizon.n_steps:
        chart_cache.chart(
            (*cache_key("prices", stored), i),
            lambda: steps.curve(values, View.of(horizon), f"{say(row['name'])} [{_unit(row)}]"),
            tr("{price} by hour [{unit}]; the table below has mean, least and most.", price=label(i), unit=_unit(row)),
        )
    table(
        [
            {
                tr("what"): say(one["name"]),
                tr("price"): say(one["says"]),
                say("unit"): _unit(one),
                tr("mean"): number(one["mean"], 2),
                tr("least"): number(one["low"], 2),
                tr("most"): number(one["high"], 2),
                tr("steps not zero"): number(one["steps"], 0),
            }
            for one in rows
        ]
    )
    fixed = tr("processes") if result["processes"] else tr("heats")
    whole = tr("no whole numbers") if result["exact"] else tr("whole numbers fixed")
    goal = tr(GOALS.get(result["goal"], result["goal"]))
    st.caption(tr("For the goal {goal}; {fixed} fixed as planned, {whole}.", goal=goal, fixed=fixed, whole=whole))


def _unit(row: dict[str, Any]) -> str:
    return f"kg CO2e/{row['unit'][3:]}" if row["unit"].startswith("kg/") else str(row["unit"])


ANALYSIS = Analysis(
    title=mark("Shadow prices"),
    says=mark(
        "What is one more MWh worth in each hour, one more in store, or a larger limit? These are the duals of the "
        "site's linear program with the schedule of the plan fixed."
    ),
    start=mark("Compute the prices"),
    of_plan=True,
    ask=ask,
    show=show,
)
