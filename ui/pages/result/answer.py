"""First part of the result: title, headline, figures, changes with their reasons, and the saving by cause."""

from __future__ import annotations

import html

import pandas as pd
import streamlit as st

from emberline.planning.answer import Answer, Cause, Tile, figure_rows, figure_totals, other_points
from emberline.planning.answer import answer as first
from emberline.planning.plan import Plan
from emberline.reports.charts.studies import waterfall
from emberline.reports.exports import tables
from emberline.reports.text import mark, say, sentence, studies, tr, trn, wording
from emberline.runs.store import StoreError, snapshots
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import goal_metric
from emberline.ui.pages.editor import draft as editing
from emberline.ui.pages.request.sources import SCENARIO_KEY, my_drafts, note_of
from emberline.ui.pages.result import repairs, zoom
from emberline.ui.pages.session import chart_cache, navigation, stored_runs


def show_title(scenario: Scenario, run: str) -> None:
    """Draw the title, as plain text."""
    with st.container(key=f"plan_{run[:8]}", horizontal=True, vertical_alignment="center", gap="medium"):
        st.text(stored_runs.of_scenario(scenario), width="content")
        st.text(wording.span(scenario.horizon), width="content")
        _typical(run)


def _typical(run: str) -> None:
    """Draw the number of unchanged typical figures in the user's draft, with a link to their list."""
    try:
        note = note_of(run)
    except StoreError:
        return
    draft, snapshot = my_drafts().get(str(note.get("scenario"))), snapshots.find(str(note.get("snapshot", "")))
    if draft is None or snapshot is None:
        return
    count = len(editing.typical(str(snapshot), str(draft.folder / draft.texts[0])))
    if not count:
        return
    label = trn("{count} typical figure still in use", "{count} typical figures still in use", count)
    if st.button(label, type="tertiary", icon=":material/info:", key=f"typical.{run}", help=tr("Shows the list")):
        st.session_state[SCENARIO_KEY] = draft.id
        navigation.go("scenario")


CARDS = {
    "carbon": mark("Carbon"),
    "cost": mark("Cost"),
    "peak, metered mean": mark("Peak"),
    "electricity imported": mark("Import"),
    "production": mark("Production"),
    "delivered": mark("Delivered"),
}
COMPARISONS = {
    "stock": mark("Stock: {text}"),
    "discarded": mark("Discarded: {text}"),
    "locks": mark("Locks: {text}"),
}
"""Remarks on products and stock (``wording.outcomes``)."""


def show_baseline(plan: Plan) -> None:
    """Draw the figures of the baseline if there is no plan."""
    with st.container(horizontal=True, key="cards"):
        for row in figure_totals(plan.baseline_figures, None, goal_metric(plan.scenario).money):
            if row.label in CARDS:
                label = f"{tr(CARDS[row.label])} [{row.unit}]"
                value = say(row.cells[0])
                st.metric(label, value, tr("baseline"), delta_color="off", delta_arrow="off", border=True)
    st.caption(tr("Compared with {whom}.", whom=wording.comparison(plan)))


def show_remarks(plan: Plan) -> None:
    """Draw remarks on stock, waste and locks, if any."""
    texts = dict(wording.outcomes(plan))
    lines = [sentence(tr(text, text=texts[name])) for name, text in COMPARISONS.items() if name in texts]
    if lines:
        st.text("\n".join(lines))


def show_all(plan: Plan) -> None:
    """Draw all figures of baseline and plan."""
    st.caption(tr("Undisturbed where a name has no other basis."))
    heads = [tr("figure"), say("unit"), tr("baseline"), tr("plan"), tr("saved"), tr("saved %")]
    rows = [
        ["\u00a0\u00a0\u00a0" * row.part + say(row.name), row.unit, *map(say, row.cells)] for row in figure_rows(plan)
    ]
    st.table(pd.DataFrame(rows, columns=heads).set_index(heads[0]))
    st.text(tr("Status: {status}", status=wording.status(plan)))


REPLAY_RESULTS = {
    "heats": mark(
        "The plan held without a violation in {held} of {n} disturbed replays (spread of times, breakdowns)."
    ),
    "runs": mark(
        "The plan held without a violation in {held} of {n} disturbed replays (spread of rates and deliveries, "
        "breakdowns)."
    ),
}
"""Result of the disturbed replays, by table of the producer."""


def show_days(plan: Plan) -> None:
    """Draw the results of the disturbed replays."""
    if plan.replays is None or not plan.replays.n:
        if plan.scenario.disturbed:
            st.text(tr("There are no disturbed replays: set disturbances.replications in the scenario."))
        else:
            st.text(tr("The scenario has no disturbances: neither spreads nor breakdowns."))
        return
    if plan.again is not None and plan.again.n:
        holds, n = plan.again.successes, plan.again.n
        st.text(tr("Planned again it held in {held} of {n} disturbed replays.", held=holds, n=n))
        st.table(studies.quantile_table(plan.scenario, plan.again.quantiles()))
        st.text(tr("Printed and left alone:"))
    holds, n = plan.replays.successes, plan.replays.n
    st.text("\n".join(tr(REPLAY_RESULTS[producer.table], held=holds, n=n) for producer in plan.scenario.producers))
    st.table(studies.quantile_table(plan.scenario, plan.replays.quantiles()))


MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|~$:"})


@st.cache_resource(max_entries=32, show_spinner=False)
def of_run(run: str) -> Answer | None:
    """The first answer of a stored run."""
    return first(stored_runs.open_run(run).plan)


def show(plan: Plan, run: str) -> None:
    """Draw figures and reasons of a plan, compact enough that the schedule fits on the same screen."""
    answer = of_run(run)
    if answer is None:
        return
    show_strip(answer)
    show_basis(plan, answer)
    _offer_points(plan, run, answer)
    _changes(plan, run, answer)


def _offer_points(plan: Plan, run: str, answer: Answer) -> None:
    """Draw buttons that start a full search for the other points of the quick front."""
    if answer.headline.carbon is None:
        return
    effort = f"{plan.scenario.goal.budget:g}"
    with st.container(horizontal=True):
        for goal, overrides in other_points(plan.scenario):
            label = tr("Search: {goal} (effort up to {effort})", goal=say(goal), effort=effort)
            repairs.variant(run, label, overrides)


def show_headline(answer: Answer, rest: bool = True, holds: bool = True) -> None:
    """Draw the headline: the saving of the goal's figure in large type, the other saving in small type.

    Args:
        answer: answer of the plan.
        rest: whether to draw all sentences.
        holds: whether the plan holds as often as the baseline. Otherwise the headline states how often the plan holds.
    """
    saving, *others = answer.lines
    first = say(saving) if holds or not answer.holds else f"{say(saving)} ⚠ {say(answer.holds)}"
    st.markdown(f"##### {plain(first)}")
    text = " ".join(map(say, others)) if rest else say(answer.other_saving)
    if text:
        st.text(text)


def show_basis(plan: Plan, answer: Answer) -> None:
    """Draw one sentence on the reference of the savings and one on the basis of the figures."""
    lines, carbon = [tr("Compared with {whom}.", whom=wording.comparison(plan))], answer.headline.carbon
    if carbon is not None and carbon.p50 is not None:
        text = tr("Carbon and cost are medians of the disturbed days, as printed; small print: undisturbed.")
        if answer.headline.printed is not None:
            text = tr("Carbon and cost are medians of the disturbed days, planned again; small print: undisturbed.")
        lines.append(text)
    savings = (answer.headline.carbon, answer.headline.cost)
    if any(saving is not None and saving.stock for saving in savings):
        lines.append(tr("What stores hold more or less at the end than in the baseline is counted in."))
    st.caption(" ".join(lines))


def show_strip(answer: Answer) -> None:
    """Draw the figures in a row. Worse figures have a sign and a colour; a tooltip explains each figure."""
    st.html(f'<div class="strip">{"".join(map(_tile, answer.tiles))}</div>')


def show_notes(answer: Answer) -> None:
    """Draw the explanation of each figure."""
    columns = [tr("figure"), tr("value"), tr("how it comes about")]
    rows = [[say(text) for text in (tile.label, tile.value, tile.note)] for tile in answer.tiles]
    st.container(key="notes").table(pd.DataFrame(rows, columns=columns).set_index(columns[0]))


def plain(text: str) -> str:
    """Escape the Markdown characters of a text."""
    return text.translate(MARKDOWN)


def _tile(tile: Tile) -> str:
    label, value, note, brief = (html.escape(say(text)) for text in (tile.label, tile.value, tile.note, tile.brief))
    sign, kind = ("⚠\ufe0e ", "worse") if tile.worse else ("", "")
    kind = " ".join(filter(None, ("tile", kind, tile.weight)))
    return f'<div class="{kind}" title="{note}"><span>{label}</span><b>{sign}{value}</b><small>{brief}</small></div>'


def _changes(plan: Plan, run: str, answer: Answer) -> None:
    """Draw the changes and their reasons, one per line. A line about bars can mark these bars in the schedule."""
    if not answer.changes:
        return
    names = {heat.name for heat in plan.scenario.heats}
    with st.container(key="reasons", gap=None):
        for i, change in enumerate(answer.changes):
            bars = [name for name in change.bars if name in names]
            if bars:
                st.button(
                    plain(say(change.says)), key=f"change.{i}", type="tertiary",
                    help=tr("Marks the bars in the schedule"), on_click=zoom.mark_bars, args=(run, bars),
                )  # fmt: skip
            else:
                st.text(say(change.says))


def show_causes(plan: Plan, run: str, answer: Answer) -> None:
    """Draw the saving by cause for the figure that the goal minimizes."""
    causes, currency = answer.causes, answer.headline.currency
    if not causes:
        return
    money = goal_metric(plan.scenario).money
    signal = plan.scenario.goal.signal
    unit, digits = (currency, 0) if money else ("t CO2e", 1)

    def value(cause: Cause) -> float:
        if money:
            return cause.cost
        return ((cause.marginal_kg if signal == "marginal" else cause.average_kg) or 0.0) / 1000

    st.markdown(f"**{tr('Where the saving comes from')}**")
    rows = [(tr(cause.label), value(cause)) for cause in causes]
    visible = [(label, amount) for label, amount in rows if wording.number(amount, digits).strip("−0.,")]
    chart_cache.chart(
        ("causes", run), lambda: waterfall(visible, unit, digits),
        tr("The saving of the undisturbed day by cause; the bars add up to it."),
    )  # fmt: skip


def table(answer: Answer) -> None:
    """Draw the saving by cause, for cost and for carbon by each signal."""
    heads, rows = tables.cause_table(answer.causes, answer.headline)
    with st.container(key="figures.causes"):  # the style sheet aligns all numbers of this table
        st.table(pd.DataFrame(rows, columns=heads).set_index(heads[0]))
