"""Embedded emissions of each product, plan and baseline next to each other."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from emberline.planning.accounts import Ledger
from emberline.reports.compliance import AVERAGE, product_emissions
from emberline.reports.text.language import mark, tr
from emberline.scenarios import Scenario
from emberline.ui.pages.result.accounts import draw

HOURS_OF_YEAR = 8760
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
    caps = scenario.goal.caps.embedded_kg_per_t
    if caps:
        table[tr("cap [{unit}]", unit="t CO2e/t")] = [caps.get(name, float("nan")) / 1000 for name in mine]
    return table


def report_table(scenario: Scenario, ours: Ledger, theirs: Ledger) -> pd.DataFrame:
    """What a plan changes in the report of a year: its horizon, and a year of such horizons."""
    times = HOURS_OF_YEAR * 60 / scenario.horizon.length_min
    pairs = {
        tr("scope 1"): (ours.direct_kg, theirs.direct_kg),
        tr("scope 2, average"): (ours.grid[AVERAGE] + ours.bought_kg, theirs.grid[AVERAGE] + theirs.bought_kg),
    }
    columns = (tr("plan [t CO2e]"), tr("baseline [t CO2e]"), tr("difference [t CO2e]"))
    rows = [(name, mine / 1000, before / 1000, (mine - before) / 1000) for name, (mine, before) in pairs.items()]
    table = pd.DataFrame(rows, columns=[tr("report"), *columns])
    table[tr("in a year of such plans [t CO2e]")] = table[columns[-1]] * times
    return table


def show_embedded(scenario: Scenario, ours: Ledger, theirs: Ledger | None) -> None:
    """Draw the table."""
    table = embedded_table(scenario, ours, theirs)
    draw(table, {name: 4 if "t CO2e/t" in name else 1 for name in table.columns[1:]})
    if theirs is not None:
        report = report_table(scenario, ours, theirs)
        draw(report, dict.fromkeys(report.columns[1:], 2))
    st.caption(
        tr(
            "Emissions of the site per tonne, the grid by its average intensity; bought precursors are not in them. "
            "Report of a period: emberline report cbam."
        )
    )
