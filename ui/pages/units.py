"""What a works does, as tables: what is asked of it, runs by unit, stores, deliveries."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from plans.ledger import Ledger
from plans.plan import Plan
from plans.process_tables import run_list
from plans.unit_runs import counts
from scenarios import Scenario
from scenarios.delivery import Delivery
from ui import wording, works
from ui.pages.accounts import draw

CARBON, COST, CARBON_OF = "worth [kg CO2e/t]", "worth [{}/t]", "carbon [kg CO2e/t]"
RUN_DIGITS = {
    "makes [t]": 1, "off-spec [t]": 1, "rate, mean [t/h]": 1, "power, mean [MW]": 2, "electricity [MWh]": 2,
}  # fmt: skip


def show_asked(scenario: Scenario) -> None:
    """Draw processes, stores and deliveries, each to be opened."""
    modes = pd.DataFrame(list(works.processes(scenario)))
    stores, moves = pd.DataFrame(list(works.stores(scenario))), pd.DataFrame(list(works.deliveries(scenario)))
    plural = "process" if len(scenario.processes) == 1 else "processes"
    grades = f", {len(modes)} modes" if len(modes) > len(scenario.processes) else ""
    with st.expander(f"{len(scenario.processes)} {plural}{grades}"):
        draw(modes, {})
    if len(stores):
        with st.expander(wording.count(len(stores), "store")):
            draw(stores, {"holds [t]": 0, "now [t]": 0, "at the end, at least [t]": 0, "lost [% in an hour]": 3})
    if len(moves):
        arrivals = f", {wording.count(len(scenario.arrivals), 'arrival')}" if scenario.arrivals else ""
        many = "delivery" if len(scenario.deliveries) == 1 else "deliveries"
        with st.expander(f"{len(scenario.deliveries)} {many}{arrivals}"):
            draw(moves, {"in all [t]": 0})


def show_runs(made: Plan) -> None:
    """Draw how each unit is used, and its runs in order."""
    assert made.replay is not None
    foreman, plan = counts(made.scenario, made.baseline), counts(made.scenario, made.replay)
    use = {
        "unit": list(plan),
        "plan": [wording.used(count) for count in plan.values()],
        "foreman": [wording.used(foreman[unit]) for unit in plan],
    }
    draw(pd.DataFrame(use), {})
    chosen = st.multiselect("Runs of", list(plan), placeholder="all units", key="units")
    draw(runs_table(made, chosen or list(plan)), RUN_DIGITS, {"does": 100})
    st.caption("By start, in whole steps, local time. What a run makes includes what is off-spec.")


def runs_table(made: Plan, units: list[str]) -> pd.DataFrame:
    """A row for each run, start-up and change-over of some units, by start."""
    found = run_list(made)
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
    """Draw the stores at start and end, what the difference to the foreman's is worth, and the deliveries."""
    money = made.scenario.market.currency
    if made.scenario.stores:
        st.markdown("**Stores**")
        table = stores_table(made)
        draw(table, {name: 1 if name in (CARBON, COST.format(money)) else 0 for name in table.columns[1:]})
        says = [f"{name}: {text}" if name else text for name, text in wording.made(made) if name == "stock"]
        st.caption(
            " ".join(
                [
                    "What a tonne is worth is what the foreman emits and spends on it: energy, fuels, carbon price.",
                    *(f"{line[0].upper()}{line[1:]}." for line in says),
                ]
            )
        )
    if made.scenario.deliveries or made.scenario.arrivals:
        st.markdown("**Deliveries**")
        digits = {"asked [t]": 0, "plan [t]": 0, "foreman [t]": 0, CARBON_OF: 1}
        draw(deliveries_table(made, plan), digits)


def stores_table(made: Plan) -> pd.DataFrame:
    """A row for each store: levels at start and end, wanted and made, plan and foreman, and what a tonne is worth."""
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
                "store": name,
                "holds [t]": store.capacity_t,
                "start [t]": store.start_t,
                "lowest [t]": min(store.start_t, float(level.min())),
                "highest [t]": max(store.start_t, float(level.max())),
                "wanted at the end [t]": store.end_t,
                "end [t]": ours.stock[name],
                "foreman's end [t]": theirs.stock[name],
                CARBON: kg,
                COST.format(made.scenario.market.currency): cost,
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
        at = np.flatnonzero(ours > 0).tolist()
        first, last = (horizon.instant(i * horizon.step_min) for i in (at[0], at[-1] + 1)) if at else (None, None)
        rows.append(
            {
                "name": item.name,
                "kind": works.kind(item),
                "store": item.store,
                "asked [t]": works.asked_t(scenario, item),
                "plan [t]": float(ours.sum()),
                "foreman [t]": float(theirs.sum()),
                "first": wording.moment(first) if first else "",
                "last": wording.moment(last) if last else "",
                CARBON_OF: float(kg_per_t.sel(stock=item.store)) if leaves else np.nan,
            }
        )
    return pd.DataFrame(rows)
