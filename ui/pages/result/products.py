"""Carbon of what is made: for each tonne by where it is from, and where all of it goes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from emberline.plans.accounts import Ledger, ledger, products
from emberline.plans.plan import Plan
from emberline.ui.charts import plan
from emberline.ui.pages.result.accounts import draw
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr
from emberline.ui.text.messages import say

KINDS = {
    "fuel": mark("fuels"), "machine": mark("machines"), "bought": mark("heat bought"), "grid": mark("electricity"),
}  # fmt: skip
"""What an origin is called that is no process of its own, in the order of the table."""
COLUMNS = {
    "direct_kg": mark("scope 1, direct"),
    "bought_kg": mark("scope 2, heat bought"),
    "grid_average_kg": mark("scope 2, location, average"),
    "grid_marginal_kg": mark("scope 2, location, marginal"),
    "grid_market_kg": mark("scope 2, market"),
    ledger.BIOGENIC: mark("biogenic, apart"),
}
PRODUCT, COMES, TOTAL, BASELINE = mark("product"), mark("comes in [t]"), mark("in all"), mark("in all, baseline")
BY = {"average": mark("by average"), "marginal": mark("by marginal"), "market": mark("market-based")}
OWN = (PRODUCT, COMES, TOTAL, BASELINE, *BY.values(), COLUMNS[ledger.BIOGENIC])
"""Columns of the table that are no part of the total, in English."""
LEAVES = {"stock": mark("change of stock"), "sold": mark("sold beside"), "site": mark("no product")}
COUNTED, DELIVERED, SUM = mark("counted as"), mark("delivered"), mark("sum")
"""Other columns of where it goes."""


def show_products(made: Plan, found: tuple[Ledger, Ledger]) -> None:
    """Draw carbon by the tonne as bars and as a table, and where it goes."""
    ours, theirs = (side.products for side in found)
    assert ours is not None
    assert theirs is not None
    signal = made.scenario.goal.signal
    table = per_tonne(ours, theirs, signal)
    if len(table):
        parts = [name for name in table.columns if name not in OWN]
        shown = {name: tr(name) for name in (*OWN, *KINDS.values())}
        drawn = table.rename(columns={name: shown.get(name, name) for name in parts})
        st.altair_chart(
            plan.per_tonne(drawn, [shown.get(name, name) for name in parts]), width="stretch",
            alt=tr("Carbon of a tonne of each product, by where it is from; the table below has the same."),
        )  # fmt: skip
        drawn = drawn.rename(columns=shown)
        draw(drawn, {name: 0 if name == shown[COMES] else 1 for name in drawn.columns[1:]})
        st.caption(
            tr(
                "kg CO2e for each tonne that comes into a store, inputs included: scope 1, and scope 2 by the "
                "{signal}. What is off-spec is carried by the good product. Biogenic CO2 is in no total.",
                signal=tr(wording.SIGNALS[signal]),
            )
        )
    st.markdown(f"**{tr('Where it goes')}**")
    goes = whereabouts(ours)
    goes[COUNTED] = [tr(name) for name in goes[COUNTED]]
    goes = goes.rename(columns={name: tr(name) for name in (COUNTED, SUM, DELIVERED, *LEAVES.values())})
    goes = goes.rename(columns=say)
    draw(goes, dict.fromkeys(goes.columns[1:], 2))
    st.caption(
        tr(
            "Tonnes of CO2e. To no product belong base load, losses and units that fill no store. The ways to count "
            "scope 2 of the grid are never added."
        )
    )


def per_tonne(ours: products.Products, theirs: products.Products, signal: str) -> pd.DataFrame:
    """A row for each store into which something comes [kg CO2e/t]: processes by source, fuels, electricity, totals."""
    data = ours.table
    column, kind, source = (data[f"origin_{name}"].values for name in ("column", "kind", "source"))
    counted = np.isin(column, products.totals(signal))
    called = np.array([_called(*told) for told in zip(kind.tolist(), source.tolist(), strict=True)], dtype=object)
    names = [name for name in dict.fromkeys(called.tolist()) if name not in KINDS.values()]
    names = [name for name in (*names, *KINDS.values()) if (counted & (called == name)).any()]
    made = ~np.isnan(data["kg_per_t"].to_numpy()).any(axis=1)
    stores = data["stock"].values[made]
    table = {PRODUCT: stores.tolist(), COMES: data["in_t"].values[made]}
    for name in names:
        mine = np.flatnonzero(counted & (called == name))
        table[name] = data["kg_per_t"].to_numpy()[made][:, mine].sum(axis=1)
    table[TOTAL] = ours.carbon_per_t(signal).sel(stock=stores).to_numpy()
    table[BASELINE] = theirs.carbon_per_t(signal).sel(stock=stores).to_numpy()
    for grid in ("average", "marginal"):
        if grid != signal and f"grid_{grid}_kg" in ours.columns:
            table[BY[grid]] = ours.carbon_per_t(grid).sel(stock=stores).to_numpy()
    table[BY["market"]] = ours.carbon_per_t("market").sel(stock=stores).to_numpy()
    if ledger.BIOGENIC in ours.columns:
        table[COLUMNS[ledger.BIOGENIC]] = ours.per_t(ledger.BIOGENIC).sel(stock=stores).to_numpy()
    return pd.DataFrame(table)


def whereabouts(ours: products.Products) -> pd.DataFrame:
    """A row for each way to count [t CO2e]: deliveries, change of stock, losses, what is sold beside, no product."""
    rows = []
    for column in sorted(ours.columns, key=list(COLUMNS).index):
        leaves = {name: kg / 1000 for name, kg in ours.leaves(column).items()}
        rows.append({COUNTED: COLUMNS[column], **leaves, SUM: sum(leaves.values())})
    return pd.DataFrame(rows).rename(columns=LEAVES)


def _called(kind: str, source: str) -> str:
    """A process's own source by its name, told apart where that is a column's."""
    if kind != "process":
        return KINDS[kind]
    return f"{source} (process)" if source in OWN or source in KINDS.values() else source
