"""Rolling day: planned again as time goes on with the forecasts of each moment; gain, regret, and a now-line."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import streamlit as st

from emberline.reports.charts.analyses import now_line
from emberline.reports.text.language import mark, tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import clock, percent, signed
from emberline.reports.text.studies.rolling import amount, says, side_rows, span
from emberline.runs.work.analyses import StoredAnalysis
from emberline.scenarios import ScenarioError
from emberline.scenarios.records.horizon import Horizon
from emberline.studies.rolling import How, refuse
from emberline.ui.pages.analyses.shape import Analysis, Question, cache_key, scenario_of, table
from emberline.ui.pages.request.form import Request
from emberline.ui.pages.session import chart_cache

SPANS = (15, 30, 60, 120, 180, 240, 360, 720, 1440)
"""Planning intervals offered [min]."""


def ask(request: Request) -> Question:
    """The form: period, how often and how far ahead, what is frozen."""
    scenario = scenario_of(request)
    first, last = _days(scenario.horizon)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = st.date_input(
            tr("From and to (included)"), (first, last), key=f"roll.days.{first}.{last}", format="YYYY-MM-DD"
        )  # fmt: skip
        every = st.multiselect(
            tr("Plan every"), SPANS, default=[60], format_func=span, key="roll.every",
            help=tr("The first one is the roll; the others are compared with it"),
        )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ahead = st.number_input(tr("Look ahead [h]"), min_value=1, max_value=24 * 14, value=48, key="roll.ahead")
        frozen = st.number_input(
            tr("Frozen after each planning [h]"), min_value=0, max_value=72, value=0, key="roll.frozen"
        )
        keep = st.number_input(
            tr("Keep the previous plan below [%]"), min_value=0.0, max_value=50.0, value=0.1, step=0.1,
            key="roll.keep", help=tr("A new plan that is better by less is not adopted"),
        )  # fmt: skip
    with st.container(horizontal=True):
        foresight = st.toggle(tr("Also with everything known"), value=True, key="roll.foresight")
        disturbed = st.toggle(tr("With disturbances of the line"), key="roll.disturbed")
    picks = [*days]
    if len(picks) < 2:
        return Question(problem=tr("Choose the first and the last day."))
    if not every:
        return Question(problem=tr("Choose how often to plan."))
    as_it_is = (picks[0], picks[1]) == (first, last)
    try:
        for minutes in every if as_it_is else ():
            refuse(scenario, How(minutes, 60.0 * ahead, 60.0 * frozen, keep / 100), disturbed=disturbed)
    except ScenarioError as error:
        return Question(problem="\n".join(map(str, error.problems)))
    return Question(
        {
            "start": None if as_it_is else picks[0].isoformat(),
            "end": None if as_it_is else picks[1].isoformat(),
            "every_min": list(every),
            "look_ahead_min": 60.0 * ahead,
            "frozen_min": 60.0 * frozen,
            "keep_share": keep / 100,
            "foresight": foresight,
            "replication": 0 if disturbed else None,
        }
    )


def _days(horizon: Horizon) -> tuple[date, date]:
    return horizon.instant(0).date(), (horizon.instant(horizon.length_min) - timedelta(minutes=1)).date()


def show(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    st.text("\n".join(says(result)))
    table(side_rows(result))
    missed = result["roll"]["violations"]
    if missed:
        st.warning(tr("The roll missed {count} limits.", count=len(missed)))
    _moments(stored)


def _moments(stored: StoredAnalysis) -> None:
    """The roll at a moment that is chosen, with its now-line."""
    result = stored.result
    horizon, steps = Horizon.model_validate(result["horizon"]), result["roll"]["steps"]
    if not steps:
        return
    st.markdown(f"**{tr('The day as it was rolled')}**")
    places = list(range(len(steps)))
    place = places[0]
    if len(places) > 1:
        place = st.select_slider(
            tr("Now"), places, value=places[len(places) // 2],
            format_func=lambda i: clock(horizon.instant(steps[i]["at_min"])), key=f"roll.now.{stored.id}",
        )  # fmt: skip
    step = steps[place]
    runs = {name: np.array(values) for name, values in result["import_mw"].items()}
    chart_cache.chart(
        (*cache_key("now", stored), place),
        lambda: now_line.at(
            step["at_min"], step["begin_min"], np.array(result["planned_mw"][place]), runs, horizon
        ),
        tr("Grid import up to the moment, as planned at that moment, and of the baseline."),
    )  # fmt: skip
    adopted = tr("adopted") if step["laid"] else tr("not adopted, the previous plan continued")
    better = "" if step["better"] is None else f", {tr('better by {amount}', amount=amount(step['better'], result))}"
    moved = tr("{energy} MWh moved", energy=signed(step["moved_mwh"], 1).lstrip("+"))
    st.text(f"{say(step['status'])}, {tr('gap {gap}', gap=percent(step['gap']))}{better}; {adopted}; {moved}")


ANALYSIS = Analysis(
    title=mark("Rolling day"),
    says=mark(
        "What does planning again as time goes on gain? The twin is the plant; each plan knows its state and the "
        "forecasts issued by then."
    ),
    start=mark("Roll through the period"),
    of_plan=False,
    ask=ask,
    show=show,
    keep=mark("Stop and end with the plans made so far"),
)
