"""A process run on the page: its figures, how far it may move and why, and how full its silos are meanwhile."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from emberline.planning.accounts import unit_runs
from emberline.planning.plan import Plan
from emberline.reports.charts import board as drawing
from emberline.reports.text import moment, wording
from emberline.reports.text.language import tr
from emberline.reports.text.messages import say
from emberline.reports.text.slack import moves
from emberline.scenarios.records.horizon import Horizon
from emberline.studies.board import run_slack
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import navigation

NARROW = 0.05
"""Share of a silo below which a buffer is called narrow."""


@st.cache_resource(max_entries=32, show_spinner=False)
def runs(run: str, _plan: Plan) -> list[unit_runs.UnitRun]:
    """What the units of a stored plan do, read off once. A site without processes has none."""
    assert _plan.replay is not None
    return list(unit_runs.unit_runs(_plan.scenario, _plan.replay)) if _plan.scenario.processes else []


def run_of(one: unit_runs.UnitRun, every: list[unit_runs.UnitRun]) -> unit_runs.UnitRun | None:
    """The run itself, or the one after a start-up, change-over or wait; None: nothing runs after it."""
    runs = (other for other in every if (other.unit, other.what) == (one.unit, unit_runs.RUN))
    return next((other for other in runs if other.first >= one.first), None)


def span(one: unit_runs.UnitRun, horizon: Horizon) -> str:
    """From when to when something lasts."""
    start, end = (moment.short(at * horizon.step_min, horizon) for at in (one.first, one.last))
    return f"{start}–{end}"


def show(plan: Plan, run: str) -> None:
    """Draw the run that was chosen on the board; nothing if there is none."""
    assert plan.replay is not None
    every = runs(run, plan)
    one = next((each for each in every if drawing.run_id(each) == st.session_state.get(f"picked.{run}")), None)
    if one is None:
        return
    scenario, horizon = plan.scenario, plan.scenario.horizon
    hours = (one.last - one.first) * horizon.step_min / 60
    with st.container(border=True, gap="xsmall"):
        says, action = st.columns([6, 1], vertical_alignment="center")
        if action.button(tr("Why here?"), width="stretch", key=f"why.{run}.{one.unit}"):
            about = run_of(one, every)
            asks = {
                f"why.about.{run}": "unit", f"why.unit.{run}": one.unit,
                f"why.begin.{run}.{one.unit}": None if about is None else about.first,
            }  # fmt: skip
            navigation.analyse("why", **asks)
        says.text(
            " · ".join(
                [
                    one.unit, one.mode, span(one, horizon),
                    f"{wording.number(hours, 1)} h", f"{wording.number(one.tonnes, 0)} t",
                    f"{wording.number(one.tonnes / hours, 1)} t/h", f"{wording.number(one.energy_mwh / hours, 2)} MW",
                    f"{wording.number(one.energy_mwh, 1)} MWh",
                ]
            )
        )  # fmt: skip
        st.text(say(run_slack.intensity(plan, one)))
        slack = run_slack.slack(scenario, plan.replay, one, every)
        st.text(tr("Earlier by {slack}", slack=moves(scenario, slack, earlier=True)))
        st.text(tr("Later by {slack}", slack=moves(scenario, slack, earlier=False)))
        rows = run_slack.buffers(scenario, plan.replay, one)
        if rows:
            table = pd.DataFrame(
                {
                    tr("store"): [row.store for row in rows],
                    tr("lowest [t]"): [row.lowest_t for row in rows],
                    tr("when lowest"): [moment.short(row.lowest_min, horizon) for row in rows],
                    tr("highest [t]"): [row.highest_t for row in rows],
                    tr("when highest"): [moment.short(row.highest_min, horizon) for row in rows],
                    tr("capacity [t]"): [row.capacity_t for row in rows],
                }
            )
            draw(table, dict.fromkeys((tr("lowest [t]"), tr("highest [t]"), tr("capacity [t]")), 0))
        for row in rows:
            if row.lowest_t < NARROW * row.capacity_t:
                share = wording.percent(row.lowest_t / row.capacity_t, 1)
                st.text(tr("! {store} comes down to {share} of its capacity", store=row.store, share=share))
            elif row.highest_t > (1 - NARROW) * row.capacity_t:
                share = wording.percent(row.highest_t / row.capacity_t, 1)
                st.text(tr("! {store} rises to {share} of its capacity", store=row.store, share=share))
        st.caption(
            tr(
                "Slack: how far the run can move as a whole with everything else as planned; levels of stores and the "
                "import limit are kept."
            )
        )
