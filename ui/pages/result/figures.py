"""Figures of a plan on the page: cards against the baseline, all of them as a table, those of disturbed replays."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from emberline.plans.plan import Plan
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr
from emberline.ui.text.messages import say
from emberline.ui.text.numbers import sentence

CARDS = {
    "carbon": mark("Carbon"),
    "cost": mark("Cost"),
    "peak, metered mean": mark("Peak"),
    "electricity imported": mark("Import"),
    "steel": mark("Steel"),
    "delivered": mark("Delivered"),
}
OF_DAYS = {
    "carbon_kg": mark("carbon"),
    "cost": mark("cost"),
    "peak_mw": mark("peak, metered mean"),
    "late_heats": mark("late heats"),
    "missed_deliveries": mark("deliveries missed"),
    "saved_carbon_kg": mark("carbon saved against the baseline on the same luck"),
    "saved_cost": mark("cost saved against the baseline on the same luck"),
}
"""Figures of disturbed replays."""

TOLD = {
    "saved": mark("Saved: {text}"),
    "stock": mark("Stock: {text}"),
    "discarded": mark("Discarded: {text}"),
    "demand": mark("Demand charges: {text}"),
    "locks": mark("Locks: {text}"),
}
"""What is said of what a plan makes and leaves, below the cards (``wording.made``)."""
EXPECTED = {"carbon": "carbon_kg", "cost": "cost"}
"""Figures of which a saving is expected."""
SAVED_EXPECTED = {"carbon": mark("Expected carbon saving"), "cost": mark("Expected cost saving")}
STOCK_CREDITED = mark("{figure}, stock credited")


def show_cards(made: Plan) -> None:
    """Draw the main figures, and what is saved in all."""
    rows = list(wording.rows(made.baseline_figures, made.replay_figures))
    saved, expected = wording.headlines(rows), made.expected()
    cards = [row for row in rows if row.label in CARDS]
    with st.container(horizontal=True, key="cards"):
        for row in cards:
            _card(row, saved[row.label], undisturbed=bool(expected))
            if row.label in EXPECTED and expected:
                _expected_card(row, expected[EXPECTED[row.label]])
    if made.replay is None:
        return
    says = [adding_up(label, saved[label], row) for label, row in _credited(rows).items()]
    told = dict(wording.made(made))
    says += [sentence(tr(text, text=told[name])) for name, text in TOLD.items() if name in told]
    against = [tr("Against {whom}.", whom=wording.compared(made.scenario))]
    if expected and made.replays is not None:
        text = tr(
            "Expected: the median of {count} disturbed days, both under the same disturbances.", count=made.replays.n
        )
        against.append(text)
    st.caption(" ".join(against))
    if says:
        st.text("\n".join(says))


def _credited(rows: list[wording.Row]) -> dict[str, wording.Row]:
    """Of each figure for which stock counts, the row of the figure itself."""
    labels = {row.label for row in rows}
    return {row.label: row for row in rows if wording.CREDITED.get(row.label) in labels}


def adding_up(label: str, whole: wording.Row, plain: wording.Row) -> str:
    """How what is saved adds up: the difference of the figures, and what stock counts."""
    saved, stock = plain.saved or 0.0, (whole.saved or 0.0) - (plain.saved or 0.0)
    return tr(
        "{figure} saved: {plain} {unit} by the figures, {stock} {unit} for stock, {saved} {unit} in all.",
        figure=tr(CARDS[label]), plain=plain.number(saved), unit=plain.unit, stock=wording.signed(stock, plain.digits),
        saved=whole.number(whole.saved),
    )  # fmt: skip


def _expected_card(row: wording.Row, expected: dict[str, float]) -> None:
    """The saving of a figure that is to be expected, and between what it lies in four of five disturbed days."""
    factor = 1e-3 if row.label == "carbon" else 1.0
    low, middle, high = (row.number(expected[name] * factor) for name in ("p10", "p50", "p90"))
    st.metric(
        f"{tr(SAVED_EXPECTED[row.label])} [{row.unit}]",
        f"{middle} ({wording.percent(expected['share'], 1)})",
        tr("P10 {low} to P90 {high}", low=low, high=high),
        delta_color="off",
        delta_arrow="off",
        border=True,
    )


def _card(row: wording.Row, headline: wording.Row, *, undisturbed: bool) -> None:
    """A figure, and how it differs from the baseline's: both with stock credited, as the row ``headline`` has them.

    ``undisturbed``: whether it is to be said that both are those of the undisturbed run.
    """
    name = tr(CARDS[row.label])
    name = name if headline is row else tr(STOCK_CREDITED, figure=name)
    label = f"{name} [{row.unit}]"
    if row.plan is None:
        st.metric(label, row.number(row.baseline), tr("baseline"), delta_color="off", delta_arrow="off", border=True)
        return
    saved = headline.saved
    if saved is None:
        st.metric(label, row.number(row.plan), tr("not comparable"), delta_color="off", delta_arrow="off", border=True)
        return
    plain = f"{row.number(abs(saved))} ({wording.percent(abs(headline.share or 0.0), 1)})"
    plain = tr("{amount} undisturbed", amount=plain) if undisturbed and row.label in EXPECTED else plain
    same = not any(digit in "123456789" for digit in row.number(saved))
    # the card knows which way it went by a plain minus in front
    delta = f"{'-' if saved > 0 else '+'}{plain}"
    st.metric(
        label,
        row.number(headline.plan),
        tr("as the baseline") if same else delta,
        delta_color="off" if same or not row.less_is_better else "inverse",
        delta_arrow="off" if same else "auto",
        border=True,
    )


def show_all(made: Plan) -> None:
    """Draw every figure of baseline and plan."""
    rows = list(wording.rows(made.baseline_figures, made.replay_figures))
    st.table(
        pd.DataFrame(
            {
                tr("figure"): ["\u00a0\u00a0\u00a0" * row.part + row.called for row in rows],
                say("unit"): [row.unit for row in rows],
                tr("baseline"): [row.number(row.baseline) for row in rows],
                tr("plan"): [row.number(row.plan) for row in rows],
                tr("saved"): [row.number(row.saved) if row.less_is_better else "–" for row in rows],
                tr("saved %"): [wording.percent(row.share, 1) if row.less_is_better else "–" for row in rows],
            }
        ).set_index(tr("figure"))
    )
    st.text(tr("Status: {status}", status=wording.status(made)))


def show_days(made: Plan) -> None:
    """Draw what the disturbed replays came to."""
    if made.replays is None or not made.replays.n:
        if made.scenario.disturbed:
            st.text(tr("No disturbed replays were asked for: set disturbances.replications in the scenario."))
        else:
            st.text(tr("Nothing is disturbed: the scenario gives neither spreads nor breakdowns."))
        return
    held, n = made.replays.held, made.replays.n
    if made.scenario.processes:
        says = tr(
            "The plan held without any violation in {held} of {n} disturbed replays (spread of rates and deliveries, "
            "breakdowns).",
            held=held, n=n,
        )  # fmt: skip
    else:
        says = tr(
            "The plan held without any violation in {held} of {n} disturbed replays (spread of times, breakdowns).",
            held=held, n=n,
        )  # fmt: skip
    st.text(says)
    currency = made.scenario.market.currency
    units_of: dict[str, tuple[str, float, int]] = {
        "carbon_kg": ("t CO2e", 1e-3, 2), "cost": (currency, 1.0, 0), "peak_mw": ("MW", 1.0, 1),
        "late_heats": (tr("heats"), 1.0, 1), "missed_deliveries": (tr("deliveries"), 1.0, 1),
        "saved_carbon_kg": ("t CO2e", 1e-3, 2), "saved_cost": (currency, 1.0, 0),
    }  # fmt: skip
    found = made.replays.quantiles()
    rows = []
    left_out = "late_heats" if made.scenario.processes else "missed_deliveries"
    for name, label in OF_DAYS.items():
        if name not in found or name == left_out:  # a run of an earlier release tells less
            continue
        unit, factor, digits = units_of[name]
        values = [wording.number(found[name][q] * factor, digits) for q in ("p10", "p50", "p90")]
        rows.append([tr(label), unit, *values])
    columns = [tr("figure"), say("unit"), "P10", tr("median"), "P90"]
    st.table(pd.DataFrame(rows, columns=columns).set_index(tr("figure")))
