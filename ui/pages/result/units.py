"""What a works does, as tables: what is asked of it, runs by unit, stores, deliveries."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from emberline.plans.accounts import Ledger, process_tables, unit_runs
from emberline.plans.plan import Plan
from emberline.scenarios import Scenario
from emberline.scenarios.process.delivery import Delivery
from emberline.ui.charts.gantt import DOES
from emberline.ui.pages.result.accounts import draw
from emberline.ui.text import wording, works
from emberline.ui.text.language import mark, tr, trn
from emberline.ui.text.numbers import listed, sentence

WORTH, CARBON_OF = mark("worth [{unit}]"), mark("carbon [kg CO2e/t]")
RUN_DIGITS = {
    mark("makes [t]"): 1, mark("off-spec [t]"): 1, mark("rate, mean [t/h]"): 1, mark("power, mean [MW]"): 2,
    mark("electricity [MWh]"): 2,
}  # fmt: skip

ASKED = mark("asked [{unit}]"), mark("plan [{unit}]"), mark("baseline [{unit}]")


def show_asked(scenario: Scenario) -> None:
    """Draw processes, stores and deliveries, each to be opened."""
    modes = pd.DataFrame(list(works.processes(scenario)))
    stores, moves = pd.DataFrame(list(works.stores(scenario))), pd.DataFrame(list(works.deliveries(scenario)))
    heading = [trn("{count} process", "{count} processes", len(scenario.processes))]
    heading += [trn("{count} mode", "{count} modes", len(modes))] if len(modes) > len(scenario.processes) else []
    with st.expander(listed(heading)):
        draw(titled(modes), {})
    if len(stores):
        with st.expander(trn("{count} store", "{count} stores", len(stores))):
            draw(titled(stores), dict(zip(map(tr, works.STORE[1:]), (0, 0, 0, 3), strict=True)))
    if len(moves):
        heading = [trn("{count} delivery", "{count} deliveries", len(scenario.deliveries))]
        heading += [trn("{count} arrival", "{count} arrivals", len(scenario.arrivals))] if scenario.arrivals else []
        moves["kind"] = moves["kind"].map(tr)
        with st.expander(listed(heading)):
            draw(titled(moves), {tr("in all [t]"): 0})


def titled(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose columns are ours, with their names in the language of the page."""
    return table.rename(columns=tr)


def show_runs(made: Plan) -> None:
    """Draw how each unit is used, and its runs in order."""
    assert made.replay is not None
    baseline, plan = unit_runs.counts(made.scenario, made.baseline), unit_runs.counts(made.scenario, made.replay)
    use = {
        tr("unit"): list(plan),
        tr("plan"): [wording.used(count) for count in plan.values()],
        tr("baseline"): [wording.used(baseline[unit]) for unit in plan],
    }
    draw(pd.DataFrame(use), {})
    chosen = st.multiselect(tr("Runs of"), list(plan), placeholder=tr("all units"), key="units")
    runs = runs_table(made, chosen or list(plan))
    runs["does"] = [tr(DOES[what]) for what in runs["does"]]
    draw(titled(runs), {tr(name): digits for name, digits in RUN_DIGITS.items()}, {tr("does"): 100})
    st.caption(tr("By start, in whole steps, local time. What a run makes includes what is off-spec."))


def runs_table(made: Plan, units: list[str]) -> pd.DataFrame:
    """A row for each run, start-up and change-over of some units, by start; in English."""
    found = process_tables.run_list(made)
    found = found[found["unit"].isin(units)]
    hours = [(end - start).total_seconds() / 3600 for start, end in zip(found["start"], found["end"], strict=True)]
    return pd.DataFrame(
        {
            "unit": found["unit"],
            "does": found["what"],
            "mode": found["mode"],
            "start": [wording.moment(at) for at in found["start"]],
            "end": [wording.moment(at) for at in found["end"]],
            "makes [t]": found["tonnes"],
            "off-spec [t]": found["off_spec_t"],
            "rate, mean [t/h]": found["mean_tph"],
            "power, mean [MW]": found["energy_mwh"] / hours,
            "electricity [MWh]": found["energy_mwh"],
        }
    )


def show_stores(made: Plan, plan: Ledger) -> None:
    """Draw the stores at start and end, what the difference to the baseline's is worth, and the deliveries."""
    money = made.scenario.market.currency
    if made.scenario.stores:
        st.markdown(f"**{tr('Stores')}**")
        table = stores_table(made)
        worths = [tr(WORTH, unit=unit) for unit in ("kg CO2e/t", f"{money}/t")]
        draw(table, {name: 1 if name in worths else 0 for name in table.columns[1:]})
        says = [tr("Stock: {text}", text=text) for name, text in wording.made(made) if name == "stock"]
        worth = tr("What a tonne is worth is what the baseline emits and spends on it: energy, fuels, carbon price.")
        st.caption(" ".join([worth, *map(sentence, says)]))
    if made.scenario.deliveries or made.scenario.arrivals:
        st.markdown(f"**{tr('Deliveries')}**")
        digits = {tr(text, unit="t"): 0 for text in ASKED} | {tr(CARBON_OF): 1}
        draw(deliveries_table(made, plan), digits)


def stores_table(made: Plan) -> pd.DataFrame:
    """A row for each store: levels at start and end, wanted and made, plan and baseline, and what a tonne is worth."""
    assert made.replay is not None
    assert made.replay_figures is not None
    ours, theirs = made.replay_figures, made.baseline_figures
    rows = []
    for name, store in made.scenario.store.items():
        level = made.replay["stock_t"].sel(stock=name).to_numpy()
        kg, cost = (
            getattr(theirs, field).get(name, getattr(ours, field).get(name, np.nan))
            for field in ("stock_kg_per_t", "stock_cost_per_t")
        )
        rows.append(
            {
                tr("store"): name,
                tr("holds [t]"): store.capacity_t,
                tr("start [t]"): store.start_t,
                tr("lowest [t]"): min(store.start_t, float(level.min())),
                tr("highest [t]"): max(store.start_t, float(level.max())),
                tr("wanted at the end [t]"): store.end_t,
                tr("end [t]"): ours.stock[name],
                tr("baseline's end [t]"): theirs.stock[name],
                tr(WORTH, unit="kg CO2e/t"): kg,
                tr(WORTH, unit=f"{made.scenario.market.currency}/t"): cost,
            }
        )
    return pd.DataFrame(rows)


def deliveries_table(made: Plan, plan: Ledger) -> pd.DataFrame:
    """A row for each delivery and arrival: tonnes asked for and made, first and last moment, carbon for each tonne."""
    assert made.replay is not None
    assert plan.products is not None
    scenario, horizon = made.scenario, made.scenario.horizon
    kg_per_t = plan.products.carbon_per_t(scenario.goal.signal)
    rows = []
    for item in (*scenario.deliveries, *scenario.arrivals):
        leaves = isinstance(item, Delivery)
        name, label = ("delivered_t", "delivery") if leaves else ("arrived_t", "arrival")
        ours, theirs = (data[name].sel({label: item.name}).to_numpy() for data in (made.replay, made.baseline))
        amounts = works.asked_t(scenario, item), float(ours.sum()), float(theirs.sum())
        at = np.flatnonzero(ours > 0).tolist()
        first, last = (horizon.instant(i * horizon.step_min) for i in (at[0], at[-1] + 1)) if at else (None, None)
        rows.append(
            {
                tr("name"): item.name,
                tr("kind"): tr(works.kind(item)),
                tr("store"): item.store,
                **dict(zip((tr(text, unit="t") for text in ASKED), amounts, strict=True)),
                tr("first"): wording.moment(first) if first else "",
                tr("last"): wording.moment(last) if last else "",
                tr(CARBON_OF): float(kg_per_t.sel(stock=item.store)) if leaves else np.nan,
            }
        )
    return pd.DataFrame(rows)
