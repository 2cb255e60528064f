"""Runs of units and assets on a plan's page: the card of one, and what each does over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from emberline.planning.accounts import Ledger, unit_runs
from emberline.planning.plan import Plan
from emberline.reports.charts import board as drawing
from emberline.reports.exports import tables
from emberline.reports.text import mark, moment, say, sentence, tr, trn, wording, works
from emberline.reports.text.activities import STATES as DOES
from emberline.reports.text.activities import replay_of
from emberline.reports.text.numbers import listed
from emberline.reports.text.studies import moves
from emberline.scenarios import Case
from emberline.scenarios.records.horizon import Horizon
from emberline.studies.why import run_slack
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import navigation
from emberline.ui.pages.session.widgets import caption

NARROW = 0.05
"""Share of a silo below which a buffer is called narrow."""


@st.cache_resource(max_entries=32, show_spinner=False)
def runs(run: str, _plan: Plan) -> list[unit_runs.UnitRun]:
    """Runs of the units of a stored plan, read off once. A site without processes has none."""
    return list(unit_runs.unit_runs(_plan.scenario, replay_of(_plan)))


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
    every, replay = runs(run, plan), replay_of(plan)
    one = next((each for each in every if drawing.run_id(each) == st.session_state.get(f"picked.{run}")), None)
    if one is None:
        return
    scenario, horizon = plan.scenario, plan.scenario.horizon
    hours = (one.last - one.first) * horizon.step_min / 60
    with st.container(border=True, gap="xsmall"):
        text, action = st.columns([6, 1], vertical_alignment="center")
        if action.button(tr("Why here?"), width="stretch", key=f"why.{run}.{one.unit}"):
            about = run_of(one, every)
            begin = {f"why.begin.{run}.{one.unit}": None if about is None else about.first}
            navigation.analyse("why", **{f"why.about.{run}": "unit", f"why.unit.{run}": one.unit}, **begin)
        tph, mw = one.tonnes / hours, one.energy_mwh / hours
        amounts = ((hours, 1, "h"), (one.tonnes, 0, "t"), (tph, 1, "t/h"), (mw, 2, "MW"), (one.energy_mwh, 1, "MWh"))
        figures = (f"{wording.number(amount, digits)} {unit}" for amount, digits, unit in amounts)
        text.text(" · ".join([one.unit, one.mode, span(one, horizon), *figures]))
        st.text(say(run_slack.intensity(plan, one)))
        slack = run_slack.slack(scenario, replay, one, every)
        st.text(tr("Earlier by {slack}", slack=moves(scenario, slack, earlier=True)))
        st.text(tr("Later by {slack}", slack=moves(scenario, slack, earlier=False)))
        rows = run_slack.buffers(scenario, replay, one)
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
        caption(
            "Slack: how far the run can move as a whole with everything else as planned; levels of stores and the "
            "import limit are kept."
        )


WORTH, CARBON_OF = mark("value [{unit}]"), mark("carbon [kg CO2e/t]")
RUN_DIGITS = {
    mark("makes [t]"): 1, mark("off-spec [t]"): 1, mark("rate, mean [t/h]"): 1, mark("power, mean [MW]"): 2,
    mark("electricity [MWh]"): 2,
}  # fmt: skip

DEMAND = mark("ordered [{unit}]"), mark("plan [{unit}]"), mark("baseline [{unit}]")


def show_demand(scenario: Case) -> None:
    """Draw what a scenario has besides a line: processes, stores and deliveries, each in an expander."""
    if not scenario.processes:
        return
    modes = pd.DataFrame(list(works.processes(scenario)))
    stores, moves = pd.DataFrame(list(works.stores(scenario))), pd.DataFrame(list(works.deliveries(scenario)))
    heading = [trn("{count} process", "{count} processes", len(scenario.processes))]
    heading += [trn("{count} mode", "{count} modes", len(modes))] if len(modes) > len(scenario.processes) else []
    with st.expander(listed(heading)):
        draw(modes.rename(columns=tr), {})
    if len(stores):
        with st.expander(trn("{count} store", "{count} stores", len(stores))):
            draw(stores.rename(columns=tr), dict(zip(map(tr, stores.columns[1:]), (0, 0, 0, 3), strict=True)))
    if len(moves):
        heading = [trn("{count} delivery", "{count} deliveries", len(scenario.deliveries))]
        heading += [trn("{count} arrival", "{count} arrivals", len(scenario.arrivals))] if scenario.arrivals else []
        moves["kind"] = moves["kind"].map(tr)
        with st.expander(listed(heading)):
            draw(moves.rename(columns=tr), {tr("total [t]"): 0})


def show_runs(plan: Plan) -> None:
    """Draw the use of each unit, and its runs in order."""
    baseline, ours = (unit_runs.counts(plan.scenario, run) for run in (plan.baseline, replay_of(plan)))
    use = {
        tr("unit"): list(ours),
        tr("plan"): [wording.used(count) for count in ours.values()],
        tr("baseline"): [wording.used(baseline[unit]) for unit in ours],
    }
    draw(pd.DataFrame(use), {})
    choice = st.multiselect(tr("Runs of"), list(ours), placeholder=tr("all units"), key="units")
    runs = runs_table(plan, choice or list(ours))
    runs["does"] = [tr(DOES[what]) for what in runs["does"]]
    draw(runs.rename(columns=tr), {tr(name): digits for name, digits in RUN_DIGITS.items()}, {tr("does"): 100})
    st.caption(tr("By start, in whole steps, local time. Output includes off-spec material."))


def runs_table(plan: Plan, units: list[str]) -> pd.DataFrame:
    """A row per run, start-up and change-over of some units, by start; in English."""
    runs = tables.plan_runs(plan)
    runs = runs[runs["unit"].isin(units)]
    hours = [(end - start).total_seconds() / 3600 for start, end in zip(runs["start"], runs["end"], strict=True)]
    return pd.DataFrame(
        {
            "unit": runs["unit"],
            "does": runs["what"],
            "mode": runs["mode"],
            "start": [wording.moment(at) for at in runs["start"]],
            "end": [wording.moment(at) for at in runs["end"]],
            "makes [t]": runs["tonnes"],
            "off-spec [t]": runs["off_spec_t"],
            "rate, mean [t/h]": runs["mean_tph"],
            "power, mean [MW]": runs["energy_mwh"] / hours,
            "electricity [MWh]": runs["energy_mwh"],
        }
    )


def show_stores(plan: Plan, book: Ledger) -> None:
    """Draw levels at start and end, the value of stock differences, and the deliveries."""
    money = plan.scenario.market.currency
    if plan.scenario.stores:
        st.markdown(f"**{tr('Stores')}**")
        table = stores_table(plan)
        worths = [tr(WORTH, unit=unit) for unit in ("kg CO2e/t", f"{money}/t")]
        draw(table, {name: 1 if name in worths else 0 for name in table.columns[1:]})
        says = [tr("Stock: {text}", text=text) for name, text in wording.outcomes(plan) if name == "stock"]
        worth = tr("The value of a tonne is what the baseline emits and spends on it: energy, fuels, carbon price.")
        st.caption(" ".join([worth, *map(sentence, says)]))
    if plan.scenario.deliveries or plan.scenario.arrivals:
        st.markdown(f"**{tr('Deliveries')}**")
        digits = {tr(text, unit="t"): 0 for text in DEMAND} | {tr(CARBON_OF): 1}
        draw(deliveries_table(plan, book), digits)


def stores_table(plan: Plan) -> pd.DataFrame:
    """A row per store: levels at start and end, required and actual, plan and baseline, and the value of a tonne."""
    assert plan.replay_figures is not None
    ours, theirs, replay = plan.replay_figures, plan.baseline_figures, replay_of(plan)
    rows = []
    for name, store in plan.scenario.store.items():
        level = replay["stock_t"].sel(stock=name).to_numpy()
        kg, cost = (
            getattr(theirs, field).get(name, getattr(ours, field).get(name, np.nan))
            for field in ("stock_kg_per_t", "stock_cost_per_t")
        )
        rows.append(
            {
                tr("store"): name,
                tr("capacity [t]"): store.capacity_t,
                tr("start [t]"): store.start_t,
                tr("lowest [t]"): min(store.start_t, float(level.min())),
                tr("highest [t]"): max(store.start_t, float(level.max())),
                tr("required at the end [t]"): store.end_t,
                tr("end [t]"): ours.stock[name],
                tr("end, baseline [t]"): theirs.stock[name],
                tr(WORTH, unit="kg CO2e/t"): kg,
                tr(WORTH, unit=f"{plan.scenario.market.currency}/t"): cost,
            }
        )
    return pd.DataFrame(rows)


def deliveries_table(plan: Plan, book: Ledger) -> pd.DataFrame:
    """A row per delivery and arrival: tonnes ordered and delivered, first and last time, carbon per tonne."""
    assert book.products is not None
    scenario, horizon = plan.scenario, plan.scenario.horizon
    kg_per_t = book.products.carbon_per_t(scenario.goal.signal)
    rows = []
    leaves = [(item, "delivered_t", "delivery", kg_per_t) for item in scenario.deliveries]
    comes = [(item, "arrived_t", "arrival", kg_per_t * np.nan) for item in scenario.arrivals]
    for item, name, label, carbon in (*leaves, *comes):
        ours, theirs = (data[name].sel({label: item.name}).to_numpy() for data in (replay_of(plan), plan.baseline))
        amounts = works.demand_t(scenario, item), float(ours.sum()), float(theirs.sum())
        at = np.flatnonzero(ours > 0).tolist()
        first, last = (horizon.instant(i * horizon.step_min) for i in (at[0], at[-1] + 1)) if at else (None, None)
        rows.append(
            {
                tr("name"): item.name,
                tr("kind"): tr(works.kind(item)),
                tr("store"): item.store,
                **dict(zip((tr(text, unit="t") for text in DEMAND), amounts, strict=True)),
                tr("first"): wording.moment(first) if first else "",
                tr("last"): wording.moment(last) if last else "",
                tr(CARBON_OF): float(carbon.sel(stock=item.store)),
            }
        )
    return pd.DataFrame(rows)
