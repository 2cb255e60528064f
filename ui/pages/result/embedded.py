"""Embedded emissions of each product, plan and baseline next to each other."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from emberline.plans.accounts import Ledger
from emberline.plans.compliance import product_emissions
from emberline.scenarios import Scenario
from emberline.ui.pages.result.accounts import draw
from emberline.ui.text.language import mark, tr

COLUMNS = {
    "see_direct": mark("direct [t CO2e/t]"),
    "see_indirect": mark("indirect [t CO2e/t]"),
    "see_total": mark("direct and indirect [t CO2e/t]"),
}


def embedded_table(scenario: Scenario, ours: Ledger, theirs: Ledger | None) -> pd.DataFrame:
    """A row per product; differences to the baseline in per cent, where there is one."""
    mine = product_emissions(scenario, ours)
    before = {} if theirs is None else product_emissions(scenario, theirs)
    table = pd.DataFrame({tr("product"): list(mine), tr("mass [t]"): [result.tonnes for result in mine.values()]})
    for name, title in COLUMNS.items():
        table[tr(title)] = [getattr(result, name) for result in mine.values()]
    if before:
        was = [before[name].see_total if name in before else float("nan") for name in mine]
        table[tr("baseline [{unit}]", unit="t CO2e/t")] = was
        table[tr("difference [%]")] = [
            100 * (result.see_total / total - 1) if total else float("nan")
            for result, total in zip(mine.values(), was, strict=True)
        ]
    return table


def show_embedded(scenario: Scenario, ours: Ledger, theirs: Ledger | None) -> None:
    """Draw the table."""
    table = embedded_table(scenario, ours, theirs)
    draw(table, {name: 4 if "t CO2e/t" in name else 1 for name in table.columns[1:]})
    st.caption(
        tr(
            "Emissions of the site per tonne, the grid by its average intensity; bought precursors are not in them. "
            "Report of a period: emberline report cbam."
        )
    )
