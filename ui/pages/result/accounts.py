"""The bill by line and the carbon ledger by scope, source and factor, plan and baseline next to each other."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from emberline.planning.accounts import Ledger, bill, ledger
from emberline.planning.plan import Plan
from emberline.reports.text import wording
from emberline.reports.text.language import mark, tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import clauses, listed

SCOPES = {
    "1": mark("1"),
    "2 bought": mark("2, heat bought"),
    "2 average": mark("2, location, average"),
    "2 marginal": mark("2, location, marginal"),
    "2 market": mark("2, market"),
    "biogenic": mark("biogenic, separate"),
}
"""Names of the ledger's scopes, in the order of the table."""
GRID = {"average": mark("location, average"), "marginal": mark("location, marginal")}
"""Location-based ways to count the grid."""


def bills(plan: Plan) -> tuple[bill.Bill, bill.Bill]:
    """Bill of the plan's replay and of the baseline; the former includes deviations from the nominated schedule."""
    assert plan.replay is not None
    assert plan.replay_figures is not None
    ours = bill.bill(plan.scenario, plan.replay, plan.replay_figures.direct_kg, nominated=plan.schedule)
    return ours, bill.bill(plan.scenario, plan.baseline, plan.baseline_figures.direct_kg)


def ledgers(plan: Plan) -> tuple[Ledger, Ledger]:
    """Ledger of the plan's replay and of the baseline."""
    assert plan.replay is not None
    return ledger.ledger(plan.scenario, plan.replay), ledger.ledger(plan.scenario, plan.baseline)


def bill_table(plan: bill.Bill, baseline: bill.Bill, currency: str) -> pd.DataFrame:
    """A row per line of either bill."""
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
    """A row per entry of either ledger, by scope."""
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
    says = tr("The lines add up to {ours} {money}; baseline: {theirs} {money}.", ours=ours, theirs=theirs, money=money)
    st.text(says)
    numbers = {
        tr("quantity"): 2, tr("rate [{currency}/unit]", currency=money): 3, tr("plan [{unit}]", unit=money): 2,
        tr("baseline [{unit}]", unit=money): 2,
    }  # fmt: skip
    draw(bill_table(*bills, money), numbers)
    st.caption(
        tr("Negative amounts are revenue. Rates that vary over time are given as means. Quantities are the plan's.")
    )


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
    st.caption(
        tr(
            "Emissions are activity times factor; a factor that varies over time is given as its mean. The ways "
            "to count scope 2 of the grid are alternatives; do not add them. Biogenic CO2 is not in any total."
        )
    )


def ledger_digits() -> dict[str, int]:
    """Digits of the ledger's table."""
    return {
        tr("activity"): 2, tr("factor [kg/unit]"): 3, tr("plan [{unit}]", unit="t CO2e"): 3,
        tr("baseline [{unit}]", unit="t CO2e"): 3,
    }  # fmt: skip


def _tonnes(kg: float) -> str:
    return wording.number(kg / 1000, 2)


def _pairs(ours: Iterable[Any], theirs: Iterable[Any], keys: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any, Any]]:
    """Entries of two lists with equal keys; None where one of them has none."""
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
    """Draw a table with given digits and column widths [px]; its height is limited."""
    formats: dict[Any, Any] = {name: partial(wording.number, digits=count) for name, count in digits.items()}
    st.dataframe(
        table.style.format(formats, na_rep="–"),
        hide_index=True,
        placeholder="–",
        height=min(35 * (len(table) + 1) + 3, 640),
        column_config={name: st.column_config.Column(width=width) for name, width in (widths or {}).items()},
    )
