"""Carbon of products: per tonne by source, and its destination."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from emberline.planning.accounts import Ledger, ledger, products
from emberline.planning.plan import Plan
from emberline.reports.charts import carbon
from emberline.reports.text import wording
from emberline.reports.text.language import mark, tr
from emberline.reports.text.messages import say
from emberline.ui.pages.result.accounts import draw

KINDS = {
    "fuel": mark("fuels"), "machine": mark("machines"), "bought": mark("heat bought"), "grid": mark("electricity"),
}  # fmt: skip
"""Names of origins that are not processes, in the order of the table."""
COLUMNS = {
    "direct_kg": mark("scope 1, direct"),
    "bought_kg": mark("scope 2, heat bought"),
    "grid_average_kg": mark("scope 2, location, average"),
    "grid_marginal_kg": mark("scope 2, location, marginal"),
    "grid_market_kg": mark("scope 2, market"),
    ledger.BIOGENIC: mark("biogenic, separate"),
}
PRODUCT, COMES, TOTAL, BASELINE = mark("product"), mark("input [t]"), mark("total"), mark("total, baseline")
BY = {"average": mark("by average"), "marginal": mark("by marginal"), "market": mark("market-based")}
EXTRA_COLUMNS = (PRODUCT, COMES, TOTAL, BASELINE, *BY.values(), COLUMNS[ledger.BIOGENIC])
"""Columns that are not part of the total, in English."""
LEAVES = {"stock": mark("change of stock"), "sold": mark("by-products sold"), "site": mark("no product")}
COUNTED, DELIVERED, SUM = mark("counted as"), mark("delivered"), mark("sum")
"""Other columns of the destinations."""


def show_products(plan: Plan, ledgers: tuple[Ledger, Ledger]) -> None:
    """Draw carbon per tonne as bars and as a table, and its destinations."""
    ours, theirs = (side.products for side in ledgers)
    assert ours is not None
    assert theirs is not None
    signal = plan.scenario.goal.signal
    table = per_tonne(ours, theirs, signal)
    if len(table):
        parts = [name for name in table.columns if name not in EXTRA_COLUMNS]
        titles = {name: tr(name) for name in (*EXTRA_COLUMNS, *KINDS.values())}
        display = table.rename(columns={name: titles.get(name, name) for name in parts})
        st.altair_chart(
            carbon.per_tonne(display, [titles.get(name, name) for name in parts]), width="stretch",
            alt=tr("Carbon per tonne of each product, by source; the table below has the same values."),
        )  # fmt: skip
        display = display.rename(columns=titles)
        draw(display, {name: 0 if name == titles[COMES] else 1 for name in display.columns[1:]})
        st.caption(
            tr(
                "kg CO2e per tonne that enters a store, including inputs: scope 1, and scope 2 by {signal}. "
                "Off-spec output is carried by the good product. Biogenic CO2 is not in any total. The base load "
                "belongs to no product; the figure per tonne of the whole site has it.",
                signal=tr(wording.SIGNALS[signal]),
            )
        )
    st.markdown(f"**{tr('Destinations')}**")
    goes = whereabouts(ours)
    goes[COUNTED] = [tr(name) for name in goes[COUNTED]]
    goes = goes.rename(columns={name: tr(name) for name in (COUNTED, SUM, DELIVERED, *LEAVES.values())})
    goes = goes.rename(columns=say)
    draw(goes, dict.fromkeys(goes.columns[1:], 2))
    st.caption(
        tr(
            "Tonnes of CO2e. Base load, losses and units that fill no store belong to no product. The ways to "
            "count scope 2 of the grid are alternatives; do not add them."
        )
    )


def per_tonne(ours: products.Products, theirs: products.Products, signal: str) -> pd.DataFrame:
    """A row per store with input [kg CO2e/t]: processes by source, fuels, electricity, totals."""
    data = ours.table
    column, kind, source = (data[f"origin_{name}"].values for name in ("column", "kind", "source"))
    counted = np.isin(column, products.totals(signal))
    sources = np.array([_source_name(*pair) for pair in zip(kind.tolist(), source.tolist(), strict=True)], dtype=object)
    names = [name for name in dict.fromkeys(sources.tolist()) if name not in KINDS.values()]
    names = [name for name in (*names, *KINDS.values()) if (counted & (sources == name)).any()]
    valid = ~np.isnan(data["kg_per_t"].to_numpy()).any(axis=1)
    stores = data["stock"].values[valid]
    table = {PRODUCT: stores.tolist(), COMES: data["in_t"].values[valid]}
    for name in names:
        mine = np.flatnonzero(counted & (sources == name))
        table[name] = data["kg_per_t"].to_numpy()[valid][:, mine].sum(axis=1)
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
    """A row per way to count [t CO2e]: deliveries, change of stock, losses, by-products sold, no product."""
    rows = []
    for column in sorted(ours.columns, key=list(COLUMNS).index):
        leaves = {name: kg / 1000 for name, kg in ours.leaves(column).items()}
        rows.append({COUNTED: COLUMNS[column], **leaves, SUM: sum(leaves.values())})
    return pd.DataFrame(rows).rename(columns=LEAVES)


def _source_name(kind: str, source: str) -> str:
    """Name of a process source; marked if a column has the same name."""
    if kind != "process":
        return KINDS[kind]
    return f"{source} (process)" if source in EXTRA_COLUMNS or source in KINDS.values() else source
