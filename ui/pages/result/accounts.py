"""Accounts of plan and baseline: bill by line, ledger by scope, source and factor, and carbon of products."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from emberline.planning.accounts import Ledger, bill, ledger, products
from emberline.planning.plan import Plan
from emberline.reports.charts import carbon
from emberline.reports.compliance import AVERAGE, product_emissions
from emberline.reports.text import mark, say, tr, wording
from emberline.reports.text.activities import replay_of
from emberline.reports.text.numbers import clauses, listed
from emberline.scenarios import Scenario
from emberline.ui.pages.session import widgets
from emberline.ui.pages.session.widgets import caption

SCOPES = {
    "1": mark("1"),
    "2 bought": mark("2, heat bought"),
    "2 average": mark("2, location, average"),
    "2 marginal": mark("2, location, marginal"),
    "2 market": mark("2, market"),
    "biogenic": mark("biogenic, separate"),
}
"""Names of the scopes, in the order of the table."""
GRID = {"average": mark("location, average"), "marginal": mark("location, marginal")}
"""Location-based accounting methods for the grid."""


def bills(plan: Plan) -> tuple[bill.Bill, bill.Bill]:
    """Bills of the plan's replay and of the baseline. The first includes deviations from the nominated schedule."""
    assert plan.replay_figures is not None
    ours = bill.bill(plan.scenario, replay_of(plan), plan.replay_figures.direct_kg, nominated=plan.schedule)
    return ours, bill.bill(plan.scenario, plan.baseline, plan.baseline_figures.direct_kg)


def ledgers(plan: Plan) -> tuple[Ledger, Ledger]:
    """Ledgers of the plan's replay and of the baseline."""
    return ledger.ledger(plan.scenario, replay_of(plan)), ledger.ledger(plan.scenario, plan.baseline)


def bill_table(plan: bill.Bill, baseline: bill.Bill, currency: str) -> pd.DataFrame:
    """Table with a row for each line of either bill."""
    keys = ("kind", "name", "period", "unit")
    rows = [
        (key, ours, theirs)
        for key, ours, theirs in _pairs(plan.lines, baseline.lines, keys)
        if _of(ours, "amount") or _of(theirs, "amount")
    ]
    return pd.DataFrame(
        {
            tr("kind"): [say(key[0]) for key, *_ in rows],
            say("line"): [say(key[1]) for key, *_ in rows],
            tr("period"): [key[2] for key, *_ in rows],
            tr("quantity"): [_of(ours, "quantity") for _, ours, _ in rows],
            say("unit"): [say(key[3]) for key, *_ in rows],
            tr("rate [{currency}/unit]", currency=currency): [_of(ours or theirs, "rate") for _, ours, theirs in rows],
            tr("plan [{unit}]", unit=currency): [_of(ours, "amount") for _, ours, _ in rows],
            tr("baseline [{unit}]", unit=currency): [_of(theirs, "amount") for _, _, theirs in rows],
        }
    )


def ledger_table(plan: Ledger, baseline: Ledger) -> pd.DataFrame:
    """Table with a row for each entry of either ledger, by scope."""
    rows = _pairs(plan.entries, baseline.entries, ("scope", "source", "gas", "unit"))
    rows.sort(key=lambda row: list(SCOPES).index(row[0][0]))
    return pd.DataFrame(
        {
            tr("scope"): [tr(SCOPES[key[0]]) for key, *_ in rows],
            tr("source"): [say(key[1]) for key, *_ in rows],
            tr("gas"): [key[2] for key, *_ in rows],
            tr("activity"): [_of(ours, "activity") for _, ours, _ in rows],
            say("unit"): [key[3] for key, *_ in rows],
            tr("factor [kg/unit]"): [_of(ours or theirs, "factor") for _, ours, theirs in rows],
            tr("plan [{unit}]", unit="t CO2e"): [_of(ours, "kg") / 1000 for _, ours, _ in rows],
            tr("baseline [{unit}]", unit="t CO2e"): [_of(theirs, "kg") / 1000 for _, _, theirs in rows],
            tr("factor from"): [say((ours or theirs).reference) for _, ours, theirs in rows],
        }
    )


def show_bill(plan: Plan, bills: tuple[bill.Bill, bill.Bill]) -> None:
    """Draw the bill."""
    money = plan.scenario.market.currency
    ours, theirs = (wording.number(side.total, 0) for side in bills)
    text = tr("The lines add up to {ours} {money}; baseline: {theirs} {money}.", ours=ours, theirs=theirs, money=money)
    st.text(text)
    numbers = {
        tr("quantity"): 2, tr("rate [{currency}/unit]", currency=money): 3, tr("plan [{unit}]", unit=money): 2,
        tr("baseline [{unit}]", unit=money): 2,
    }  # fmt: skip
    draw(bill_table(*bills, money), numbers)
    caption("Negative amounts are revenue. Rates that vary over time are given as means. Quantities are the plan's.")


def show_ledger(plan: Plan, ledgers: tuple[Ledger, Ledger]) -> None:
    """Draw the ledger."""
    signal = plan.scenario.goal.signal
    book = ledgers[0]
    parts = [tr("Scope 1: {tonnes} t", tonnes=_tonnes(book.direct_kg))]
    if book.bought:
        parts.append(tr("heat bought: {tonnes} t", tonnes=_tonnes(book.bought_kg)))
    ways = [(tr(GRID[name]), kg) for name, kg in book.grid.items()] + [(tr("market"), book.market)]
    amounts = [tr("{way}: {tonnes} t", way=way, tonnes=_tonnes(kg)) for way, kg in ways]
    parts.append(tr("scope 2 of the grid: {ways}", ways=listed(amounts)))
    counts = tr("The goal counts the {signal}.", signal=tr(wording.SIGNALS[signal]))
    st.text(f"{tr('{sentence}.', sentence=clauses(parts))} {counts}")
    draw(ledger_table(*ledgers), ledger_digits())
    caption(
        "Emissions are activity times factor; a factor that varies over time is given as its mean. The ways "
        "to count scope 2 of the grid are alternatives; do not add them. Biogenic CO2 is not in any total."
    )


def ledger_digits() -> dict[str, int]:
    """Number of digits of each column of the ledger table."""
    return {
        tr("activity"): 2, tr("factor [kg/unit]"): 3, tr("plan [{unit}]", unit="t CO2e"): 3,
        tr("baseline [{unit}]", unit="t CO2e"): 3,
    }  # fmt: skip


def _tonnes(kg: float) -> str:
    return wording.number(kg / 1000, 2)


def _pairs(ours: Iterable[Any], theirs: Iterable[Any], keys: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any, Any]]:
    """Pairs of entries with equal keys from two lists; None for a missing entry."""
    pairs: dict[tuple[Any, ...], list[Any]] = {}
    for side, entries in enumerate((ours, theirs)):
        count: dict[tuple[str, ...], int] = {}
        for entry in entries:
            key = tuple(str(getattr(entry, name)) for name in keys)
            count[key] = count.get(key, 0) + 1
            pairs.setdefault((*key, count[key]), [None, None])[side] = entry
    return [(key[:-1], *pair) for key, pair in pairs.items()]


def _of(entry: Any, name: str) -> float:
    return 0.0 if entry is None else float(getattr(entry, name))


def draw(table: pd.DataFrame, digits: dict[str, int], widths: dict[str, int] | None = None) -> None:
    """Draw a table of limited height, with given digits and column widths [px]."""
    formats: dict[Any, Any] = {name: partial(wording.number, digits=count) for name, count in digits.items()}
    config = {name: st.column_config.Column(width=width) for name, width in (widths or {}).items()}
    widgets.table(table.style.format(formats, na_rep="–"), config, placeholder="–")


HOURS_OF_YEAR = 8760
EMBEDDED = {
    "see_direct": mark("direct [t CO2e/t]"),
    "see_indirect": mark("indirect [t CO2e/t]"),
    "see_total": mark("direct and indirect [t CO2e/t]"),
}


def embedded_table(scenario: Scenario, ours: Ledger, theirs: Ledger | None) -> pd.DataFrame:
    """Table with a row for each product, with differences from the baseline in percent if there is one."""
    mine = product_emissions(scenario, ours)
    before = {} if theirs is None else product_emissions(scenario, theirs)
    table = pd.DataFrame({tr("product"): list(mine), tr("mass [t]"): [result.tonnes for result in mine.values()]})
    for name, title in EMBEDDED.items():
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
    """Effect of a plan on the annual report [t CO2e]: in its horizon, and in a year of such horizons."""
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
    caption(
        "Emissions of the site per tonne, the grid by its average intensity; bought precursors are not in them. "
        "Report of a period: emberline report cbam."
    )


KINDS = {
    "fuel": mark("fuels"), "machine": mark("machines"), "bought": mark("heat bought"), "grid": mark("electricity"),
}  # fmt: skip
"""Names of origins that are not processes, in the order of the table."""
ORIGINS = {
    "direct_kg": mark("scope 1, direct"),
    "bought_kg": mark("scope 2, heat bought"),
    "grid_average_kg": mark("scope 2, location, average"),
    "grid_marginal_kg": mark("scope 2, location, marginal"),
    "grid_market_kg": mark("scope 2, market"),
    ledger.BIOGENIC: mark("biogenic, separate"),
}
PRODUCT, COMES, TOTAL, BASELINE = mark("product"), mark("input [t]"), mark("total"), mark("total, baseline")
BY = {"average": mark("by average"), "marginal": mark("by marginal"), "market": mark("market-based")}
EXTRA_COLUMNS = (PRODUCT, COMES, TOTAL, BASELINE, *BY.values(), ORIGINS[ledger.BIOGENIC])
"""English names of columns that are not part of the total."""
LEAVES = {"stock": mark("change of stock"), "sold": mark("by-products sold"), "site": mark("no product")}
COUNTED, DELIVERED, SUM = mark("counted as"), mark("delivered"), mark("sum")
"""Further columns of the destinations."""


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
        caption(
            "kg CO2e per tonne that enters a store, including inputs: scope 1, and scope 2 by {signal}. "
            "Off-spec output is carried by the good product. Biogenic CO2 is not in any total. The base load "
            "belongs to no product; the figure per tonne of the whole site has it.",
            signal=tr(wording.SIGNALS[signal]),
        )
    st.markdown(f"**{tr('Destinations')}**")
    goes = whereabouts(ours)
    goes[COUNTED] = [tr(name) for name in goes[COUNTED]]
    goes = goes.rename(columns={name: tr(name) for name in (COUNTED, SUM, DELIVERED, *LEAVES.values())})
    goes = goes.rename(columns=say)
    draw(goes, dict.fromkeys(goes.columns[1:], 2))
    caption(
        "Tonnes of CO2e. Base load, losses and units that fill no store belong to no product. The ways to "
        "count scope 2 of the grid are alternatives; do not add them."
    )


def per_tonne(ours: products.Products, theirs: products.Products, signal: str) -> pd.DataFrame:
    """Table with a row for each store with input [kg CO2e/t]: processes by source, fuels, electricity, totals."""
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
        table[ORIGINS[ledger.BIOGENIC]] = ours.per_t(ledger.BIOGENIC).sel(stock=stores).to_numpy()
    return pd.DataFrame(table)


def whereabouts(ours: products.Products) -> pd.DataFrame:
    """Destinations by accounting method [t CO2e]: deliveries, change of stock, losses, by-products, no product."""
    rows = []
    for column in sorted(ours.columns, key=list(ORIGINS).index):
        leaves = {name: kg / 1000 for name, kg in ours.leaves(column).items()}
        rows.append({COUNTED: ORIGINS[column], **leaves, SUM: sum(leaves.values())})
    return pd.DataFrame(rows).rename(columns=LEAVES)


def _source_name(kind: str, source: str) -> str:
    """Name of a process source, marked if a column has the same name."""
    if kind != "process":
        return KINDS[kind]
    return f"{source} (process)" if source in EXTRA_COLUMNS or source in KINDS.values() else source
