"""Carbon of what is made: for each tonne by where it is from, and where all of it goes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from plans.ledger import Ledger
from plans.origins import BIOGENIC
from plans.plan import Plan
from plans.products import Products, totals
from ui import charts, wording
from ui.pages.accounts import draw

KINDS = {"fuel": "fuels", "machine": "machines", "bought": "heat bought", "grid": "electricity"}
"""What an origin is called that is no process of its own, in the order of the table."""
COLUMNS = {
    "direct_kg": "scope 1, direct",
    "bought_kg": "scope 2, heat bought",
    "grid_average_kg": "scope 2, location, average",
    "grid_marginal_kg": "scope 2, location, marginal",
    "grid_market_kg": "scope 2, market",
    BIOGENIC: "biogenic, apart",
}
TOTAL, FOREMAN = "in all", "in all, foreman"
OWN = ("product", "comes in [t]", TOTAL, FOREMAN, "by average", "by marginal", "market-based", COLUMNS[BIOGENIC])
"""Columns of the table that are no part of the total."""


def show_products(made: Plan, found: tuple[Ledger, Ledger]) -> None:
    """Draw carbon by the tonne as bars and as a table, and where it goes."""
    ours, theirs = (side.products for side in found)
    assert ours is not None
    assert theirs is not None
    signal = made.scenario.goal.signal
    table = per_tonne(ours, theirs, signal)
    if len(table):
        parts = [name for name in table.columns if name not in OWN]
        st.altair_chart(charts.per_tonne(table, parts), width="stretch")
        draw(table, {name: 0 if name == "comes in [t]" else 1 for name in table.columns[1:]})
        st.caption(
            f"kg CO2e for each tonne that comes into a store, inputs included: scope 1, and scope 2 by the "
            f"{wording.SIGNALS[signal]}. What is off-spec is carried by the good product. Biogenic CO2 is in no total."
        )
    st.markdown("**Where it goes**")
    goes = whereabouts(ours)
    draw(goes, dict.fromkeys(goes.columns[1:], 2))
    st.caption(
        "Tonnes of CO2e. To no product belong base load, losses and units that fill no store. The ways to count "
        "scope 2 of the grid are never added."
    )


def per_tonne(ours: Products, theirs: Products, signal: str) -> pd.DataFrame:
    """A row for each store into which something comes [kg CO2e/t]: processes by source, fuels, electricity, totals."""
    data = ours.table
    column, kind, source = (data[f"origin_{name}"].values for name in ("column", "kind", "source"))
    counted = np.isin(column, totals(signal))
    called = np.array([_called(*told) for told in zip(kind.tolist(), source.tolist(), strict=True)], dtype=object)
    names = [name for name in dict.fromkeys(called.tolist()) if name not in KINDS.values()]
    names = [name for name in (*names, *KINDS.values()) if (counted & (called == name)).any()]
    made = ~np.isnan(data["kg_per_t"].to_numpy()).any(axis=1)
    stores = data["stock"].values[made]
    table = {"product": stores.tolist(), "comes in [t]": data["in_t"].values[made]}
    for name in names:
        mine = np.flatnonzero(counted & (called == name))
        table[name] = data["kg_per_t"].to_numpy()[made][:, mine].sum(axis=1)
    table[TOTAL] = ours.carbon_per_t(signal).sel(stock=stores).to_numpy()
    table[FOREMAN] = theirs.carbon_per_t(signal).sel(stock=stores).to_numpy()
    for grid in ("average", "marginal"):
        if grid != signal and f"grid_{grid}_kg" in ours.columns:
            table[f"by {grid}"] = ours.carbon_per_t(grid).sel(stock=stores).to_numpy()
    table["market-based"] = ours.carbon_per_t("market").sel(stock=stores).to_numpy()
    if BIOGENIC in ours.columns:
        table[COLUMNS[BIOGENIC]] = ours.per_t(BIOGENIC).sel(stock=stores).to_numpy()
    return pd.DataFrame(table)


def whereabouts(ours: Products) -> pd.DataFrame:
    """A row for each way to count [t CO2e]: deliveries, change of stock, losses, what is sold beside, no product."""
    rows = []
    for column in sorted(ours.columns, key=list(COLUMNS).index):
        leaves = {name: kg / 1000 for name, kg in ours.leaves(column).items()}
        rows.append({"column": COLUMNS[column], **leaves, "sum": sum(leaves.values())})
    told = {"stock": "change of stock", "sold": "sold beside", "site": "no product"}
    return pd.DataFrame(rows).rename(columns={"column": "counted as", **told})


def _called(kind: str, source: str) -> str:
    """A process's own source by its name, told apart where that is a column's."""
    if kind != "process":
        return KINDS[kind]
    return f"{source} (process)" if source in OWN or source in KINDS.values() else source
