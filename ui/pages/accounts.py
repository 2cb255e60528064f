"""The bill by line and the carbon ledger by scope, source and factor, plan and foreman beside each other."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from plans.bill import Bill, bill
from plans.ledger import Ledger, ledger
from plans.plan import Plan
from ui import wording

SCOPES = {
    "1": "1",
    "2 bought": "2, heat bought",
    "2 average": "2, location, average",
    "2 marginal": "2, location, marginal",
    "2 market": "2, market",
    "biogenic": "biogenic, apart",
}
"""Names of the ledger's scopes, in the order of the table."""


def bills(made: Plan) -> tuple[Bill, Bill]:
    """Bill of the plan's replay, and of the foreman; a deviation from what the schedule nominated is in the first."""
    assert made.replay is not None
    assert made.replay_figures is not None
    plan = bill(made.scenario, made.replay, made.replay_figures.direct_kg, nominated=made.schedule)
    return plan, bill(made.scenario, made.baseline, made.baseline_figures.direct_kg)


def ledgers(made: Plan) -> tuple[Ledger, Ledger]:
    """Ledger of the plan's replay, and of the foreman."""
    assert made.replay is not None
    return ledger(made.scenario, made.replay), ledger(made.scenario, made.baseline)


def bill_table(plan: Bill, foreman: Bill, currency: str) -> pd.DataFrame:
    """A row for each line of either bill."""
    keys = ("kind", "name", "period", "unit")
    rows = [
        (key, ours, theirs)
        for key, ours, theirs in _paired(plan.lines, foreman.lines, keys)
        if _of(ours, "amount") or _of(theirs, "amount")
    ]
    return pd.DataFrame(
        {
            "kind": [key[0] for key, *_ in rows],
            "line": [key[1] for key, *_ in rows],
            "period": [key[2] for key, *_ in rows],
            "quantity": [_of(ours, "quantity") for _, ours, _ in rows],
            "unit": [key[3] for key, *_ in rows],
            f"rate [{currency}/unit]": [_of(ours or theirs, "rate") for _, ours, theirs in rows],
            f"plan [{currency}]": [_of(ours, "amount") for _, ours, _ in rows],
            f"foreman [{currency}]": [_of(theirs, "amount") for _, _, theirs in rows],
        }
    )


def ledger_table(plan: Ledger, foreman: Ledger) -> pd.DataFrame:
    """A row for each entry of either ledger, by scope."""
    rows = _paired(plan.entries, foreman.entries, ("scope", "source", "gas", "unit"))
    rows.sort(key=lambda row: list(SCOPES).index(row[0][0]))
    return pd.DataFrame(
        {
            "scope": [SCOPES[key[0]] for key, *_ in rows],
            "source": [key[1] for key, *_ in rows],
            "gas": [key[2] for key, *_ in rows],
            "activity": [_of(ours, "activity") for _, ours, _ in rows],
            "unit": [key[3] for key, *_ in rows],
            "factor [kg/unit]": [_of(ours or theirs, "factor") for _, ours, theirs in rows],
            "plan [t CO2e]": [_of(ours, "kg") / 1000 for _, ours, _ in rows],
            "foreman [t CO2e]": [_of(theirs, "kg") / 1000 for _, _, theirs in rows],
            "factor from": [(ours or theirs).reference for _, ours, theirs in rows],
        }
    )


def show_bill(made: Plan, found: tuple[Bill, Bill]) -> None:
    """Draw the bill."""
    money = made.scenario.market.currency
    ours, theirs = (wording.number(side.total, 0) for side in found)
    st.text(f"The lines add up to {ours} {money}; the foreman's to {theirs} {money}.")
    numbers = {"quantity": 2, f"rate [{money}/unit]": 3, f"plan [{money}]": 2, f"foreman [{money}]": 2}
    draw(bill_table(*found, money), numbers)
    st.caption("Negative amounts are earned. A rate that changes with time is its mean. Quantities are the plan's.")


def show_ledger(made: Plan, found: tuple[Ledger, Ledger]) -> None:
    """Draw the ledger."""
    signal = made.scenario.goal.signal
    plan = found[0]
    parts = [f"Scope 1: {_tonnes(plan.direct_kg)}"]
    if plan.bought:
        parts.append(f"heat bought: {_tonnes(plan.bought_kg)}")
    grid = {**{f"location, {name}": kg for name, kg in plan.grid.items()}, "market": plan.market}
    parts.append("scope 2 of the grid by " + ", by ".join(f"{name}: {_tonnes(kg)}" for name, kg in grid.items()))
    st.text(f"{'; '.join(parts)}. The goal counts the {wording.SIGNALS[signal]}.")
    draw(ledger_table(*found), {"activity": 2, "factor [kg/unit]": 3, "plan [t CO2e]": 3, "foreman [t CO2e]": 3})
    st.caption(
        "Activity times factor is the emission; a factor that changes with time is its mean. The ways to count scope 2 "
        "of the grid stand beside each other and are never added. Biogenic CO2 is in no total."
    )


def _tonnes(kg: float) -> str:
    return f"{wording.number(kg / 1000, 2)} t"


def _paired(
    ours: Iterable[Any], theirs: Iterable[Any], keys: tuple[str, ...]
) -> list[tuple[tuple[str, ...], Any, Any]]:
    """Entries of two lists that have the same key; None where one of them has none."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for side, entries in enumerate((ours, theirs)):
        count: dict[tuple[str, ...], int] = {}
        for entry in entries:
            key = tuple(str(getattr(entry, name)) for name in keys)
            count[key] = count.get(key, 0) + 1
            found.setdefault((*key, count[key]), [None, None])[side] = entry
    return [(key[:-1], *pair) for key, pair in found.items()]


def _of(entry: Any, name: str) -> float:
    return 0.0 if entry is None else float(getattr(entry, name))


def draw(table: pd.DataFrame, digits: dict[str, int], widths: dict[str, int] | None = None) -> None:
    """Draw a table, its numbers with some digits, columns of some widths [px]; not taller than can be seen."""
    says: dict[Any, Any] = {name: partial(wording.number, digits=count) for name, count in digits.items()}
    st.dataframe(
        table.style.format(says, na_rep="–"),
        hide_index=True,
        height=min(35 * (len(table) + 1) + 3, 640),
        column_config={name: st.column_config.Column(width=width) for name, width in (widths or {}).items()},
    )
