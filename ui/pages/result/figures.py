"""Figures of a plan on the page: cards with the baseline, the full table, and disturbed replays."""

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
    "production": mark("Production"),
    "delivered": mark("Delivered"),
}
OF_DAYS = {
    "carbon_kg": mark("carbon"),
    "cost": mark("cost"),
    "peak_mw": mark("peak, metered mean"),
    "late_heats": mark("late heats"),
    "missed_deliveries": mark("missed deliveries"),
    "saved_carbon_kg": mark("carbon saved, same disturbances as the baseline"),
    "saved_cost": mark("cost saved, same disturbances as the baseline"),
}
"""Figures of disturbed replays."""

COMPARISONS = {
    "saved": mark("Saved: {text}"),
    "stock": mark("Stock: {text}"),
    "discarded": mark("Discarded: {text}"),
    "demand": mark("Demand charges: {text}"),
    "locks": mark("Locks: {text}"),
}
"""Remarks on products and stock below the cards (``wording.outcomes``)."""
EXPECTED = {"carbon": "carbon_kg", "cost": "cost"}
"""Figures with an expected saving."""
SAVED_EXPECTED = {"carbon": mark("Expected carbon saving"), "cost": mark("Expected cost saving")}
STOCK_CREDITED = mark("{figure}, stock credited")


def show_cards(plan: Plan) -> None:
    """Draw the main figures and the total savings."""
    rows = list(wording.rows(plan.baseline_figures, plan.replay_figures))
    saved, expected = wording.headlines(rows), plan.expected()
    cards = [row for row in rows if row.label in CARDS]
    with st.container(horizontal=True, key="cards"):
        for row in cards:
            _card(row, saved[row.label], undisturbed=bool(expected))
            if row.label in EXPECTED and expected:
                _expected_card(row, expected[EXPECTED[row.label]])
    if plan.replay is None:
        return
    says = [adding_up(label, saved[label], row) for label, row in _credited(rows).items()]
    texts = dict(wording.outcomes(plan))
    says += [sentence(tr(text, text=texts[name])) for name, text in COMPARISONS.items() if name in texts]
    against = [tr("Compared with {whom}.", whom=wording.comparison(plan.scenario))]
    if expected and plan.replays is not None:
        text = tr("Expected: median of {count} disturbed days, both under the same disturbances.", count=plan.replays.n)
        against.append(text)
    st.caption(" ".join(against))
    if says:
        st.text("\n".join(says))


def _credited(rows: list[wording.FigureRow]) -> dict[str, wording.FigureRow]:
    """Rows of figures with a stock credit, by label."""
    labels = {row.label for row in rows}
    return {row.label: row for row in rows if wording.CREDITED.get(row.label) in labels}


def adding_up(label: str, whole: wording.FigureRow, plain: wording.FigureRow) -> str:
    """The sum of a saving: difference of the figures plus stock credit."""
    saved, stock = plain.saved or 0.0, (whole.saved or 0.0) - (plain.saved or 0.0)
    return tr(
        "{figure} saved: {plain} {unit} by the figures, {stock} {unit} for stock, {saved} {unit} in total.",
        figure=tr(CARDS[label]), plain=plain.number(saved), unit=plain.unit, stock=wording.signed(stock, plain.digits),
        saved=whole.number(whole.saved),
    )  # fmt: skip


def _expected_card(row: wording.FigureRow, expected: dict[str, float]) -> None:
    """Expected saving of a figure, and the range that contains four of five disturbed days."""
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


def _card(row: wording.FigureRow, headline: wording.FigureRow, *, undisturbed: bool) -> None:
    """A figure and its difference to the baseline, both with stock credited, as in the row ``headline``.

    ``undisturbed``: whether to mention that both are those of the undisturbed run.
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
    # the card reads its direction from a plain minus sign
    delta = f"{'-' if saved > 0 else '+'}{plain}"
    st.metric(
        label,
        row.number(headline.plan),
        tr("as the baseline") if same else delta,
        delta_color="off" if same or not row.less_is_better else "inverse",
        delta_arrow="off" if same else "auto",
        border=True,
    )


def show_all(plan: Plan) -> None:
    """Draw every figure of baseline and plan."""
    rows = list(wording.rows(plan.baseline_figures, plan.replay_figures))
    st.table(
        pd.DataFrame(
            {
                tr("figure"): ["\u00a0\u00a0\u00a0" * row.part + row.title for row in rows],
                say("unit"): [row.unit for row in rows],
                tr("baseline"): [row.number(row.baseline) for row in rows],
                tr("plan"): [row.number(row.plan) for row in rows],
                tr("saved"): [row.number(row.saved) if row.less_is_better else "–" for row in rows],
                tr("saved %"): [wording.percent(row.share, 1) if row.less_is_better else "–" for row in rows],
            }
        ).set_index(tr("figure"))
    )
    st.text(tr("Status: {status}", status=wording.status(plan)))


def show_days(plan: Plan) -> None:
    """Draw the results of the disturbed replays."""
    if plan.replays is None or not plan.replays.n:
        if plan.scenario.disturbed:
            st.text(tr("There are no disturbed replays: set disturbances.replications in the scenario."))
        else:
            st.text(tr("The scenario has no disturbances: neither spreads nor breakdowns."))
        return
    holds, n = plan.replays.successes, plan.replays.n
    if plan.scenario.processes:
        says = tr(
            "The plan held without a violation in {held} of {n} disturbed replays (spread of rates and "
            "deliveries, breakdowns).",
            held=holds, n=n,
        )  # fmt: skip
    else:
        says = tr(
            "The plan held without a violation in {held} of {n} disturbed replays (spread of times, breakdowns).",
            held=holds, n=n,
        )  # fmt: skip
    st.text(says)
    currency = plan.scenario.market.currency
    units_of: dict[str, tuple[str, float, int]] = {
        "carbon_kg": ("t CO2e", 1e-3, 2), "cost": (currency, 1.0, 0), "peak_mw": ("MW", 1.0, 1),
        "late_heats": (tr("heats"), 1.0, 1), "missed_deliveries": (tr("deliveries"), 1.0, 1),
        "saved_carbon_kg": ("t CO2e", 1e-3, 2), "saved_cost": (currency, 1.0, 0),
    }  # fmt: skip
    quantiles = plan.replays.quantiles()
    rows = []
    other = "late_heats" if plan.scenario.processes else "missed_deliveries"
    for name, label in OF_DAYS.items():
        if name not in quantiles or name == other:  # runs of earlier releases have fewer figures
            continue
        unit, factor, digits = units_of[name]
        values = [wording.number(quantiles[name][q] * factor, digits) for q in ("p10", "p50", "p90")]
        rows.append([tr(label), unit, *values])
    columns = [tr("figure"), say("unit"), "P10", tr("median"), "P90"]
    st.table(pd.DataFrame(rows, columns=columns).set_index(tr("figure")))
