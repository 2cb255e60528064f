"""Page Compare: two to five stored plans next to each other, largest differences first."""

from __future__ import annotations

import itertools
import string
from functools import partial, singledispatch
from typing import Any

import pandas as pd
import streamlit as st

from emberline.planning.plan import Plan
from emberline.reports.charts import comparison
from emberline.reports.charts.view import View
from emberline.reports.text import mark, say, tr, trn, wording
from emberline.runs.store import Entry, Store, StoredRun
from emberline.scenarios.case.scenario import Producer, ProductionLine
from emberline.studies.difference import DIFFERENT_HEATS, Difference
from emberline.ui.pages.parts import compare_runs as study
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, session, stored_runs, widgets
from emberline.ui.pages.session.widgets import caption, paragraph

SELECTION = "compared"
"""In the session: ids of the compared runs."""
NAMED = "runs"
"""In the address: the same, separated by commas; the first digits are enough."""
MIN_PLANS, MAX_PLANS = 2, 5
ABREAST = 3
"""Most cards in a row; more would be too narrow to read."""
LETTERS = string.ascii_uppercase[:MAX_PLANS]


def page() -> None:
    """Draw the page for the runs in the address."""
    st.subheader(tr("Plans side by side"), anchor=False)
    ids = _choose(_selection())
    runs = _open(ids)
    if len(runs) < MIN_PLANS:
        paragraph(
            "Choose two to five plans above. The others are compared with the first one: figures, scenarios, "
            "schedules, and what moved."
        )
        return
    plans = {letter: stored.plan for letter, stored in runs.items()}
    _cards(runs)
    _warnings(plans)
    _figures([stored.id for stored in runs.values()], plans)
    _scenario_changes({letter: stored.id for letter, stored in runs.items()}, plans)
    _charts(runs)
    _moves(runs)


def _selection() -> list[str]:
    """Runs to compare, from the address or the session; initially the current one and the last other of its plant."""
    address = st.query_params.get(NAMED)
    if address is None:
        return list(st.session_state[SELECTION] if SELECTION in st.session_state else _initially(session.run()))
    store = Store()
    runs = [stored_runs.look_up(store.find, part.strip()) for part in address.split(",")[:MAX_PLANS]]
    missing = runs.count(None)
    if missing:
        st.warning(
            trn(
                "{count} run of the address is not stored here.",
                "{count} runs of the address are not stored here.",
                missing,
            )
        )
    return list(dict.fromkeys(filter(None, runs)))


def _initially(current: str) -> list[str]:
    """The current run and the newest other plan of the same scenario, where there is one."""
    if not current:
        return []
    rows = stored_runs.entries(also=[current])
    others = (run for run, one in rows.items() if run != current and one.scenario == rows[current].scenario)
    return [current, *itertools.islice(others, 1)] if current in rows else []


def _choose(ids: list[str]) -> list[str]:
    """Draw the search and the choice of runs; store the choice in the session and the address."""
    # across the page: the side is too narrow for the labels
    narrow, wide = st.columns([1, 4])
    text = narrow.text_input(
        tr("Search"), key="compare.search", placeholder=tr("scenario, name, tag, verdict …"),
        help=tr("Narrows the choice on the right"),
    )  # fmt: skip
    entries = stored_runs.entries(text, ids)
    if not entries:
        paragraph("No stored plan matches. Make one on the page Plan.")
    there = [run for run in ids if run in entries]
    letters = dict(zip(there, LETTERS, strict=False))
    labels = stored_runs.labels(entry for run, entry in entries.items() if run not in letters)
    bases = stored_runs.bases_of(entries.values())
    labels |= {run: stored_runs.chip(letter, entries[run], bases[run]) for run, letter in letters.items()}

    selection = wide.multiselect(
        tr("Plans, two to five"), list(entries), default=there, max_selections=MAX_PLANS,
        format_func=labels.__getitem__, placeholder=tr("choose plans"), wrap=True,
        key=f"compare.runs.{text}.{','.join(ids)}", help=tr("The others are compared with the first one"),
    )  # fmt: skip
    st.session_state[SELECTION] = selection
    if selection != ids or NAMED not in st.query_params:
        session.write(NAMED, ",".join(selection))
    if selection != ids:
        st.rerun()
    return list(selection)


def _open(ids: list[str]) -> dict[str, StoredRun]:
    runs = [stored for run in ids if (stored := stored_runs.readable(run)) is not None]
    return dict(zip(LETTERS, runs, strict=False))


def _cards(runs: dict[str, StoredRun]) -> None:
    """A card per plan with status, gap and bound."""
    entries = stored_runs.entries(also=[stored.id for stored in runs.values()])
    bases = stored_runs.bases_of(entries.values())
    names = stored_runs.distinct({run.id: _name(run, entries.get(run.id), bases) for run in runs.values()})
    places: list[Any] = []
    for _ in range(0, len(runs), ABREAST):
        places += st.columns(min(len(runs), ABREAST))
    for place, (letter, stored) in zip(places, runs.items(), strict=False):
        plan = stored.plan
        shade = comparison.SHADES[LETTERS.index(letter)]
        with place.container(border=True, gap="xxsmall", height="stretch"):
            st.html(f'<span style="display:inline-block;width:0.7em;height:0.7em;background:{shade}"></span> {letter}')
            st.text(names[stored.id])
            paragraph("Goal: {goal}", goal=wording.goal(plan.scenario.goal, plan.scenario.market.currency))
            bound = wording.bound(plan.scenario, plan.objective, plan.bound)
            paragraph(
                    "{mark} {status}, gap {gap}, bound {bound}",
                    mark="✓" if plan.acceptable else "✕", status=wording.status_text(plan.status, plan.has_schedule),
                    gap=wording.percent(plan.gap), bound=bound,
                )  # fmt: skip


def _name(stored: StoredRun, entry: Entry | None, bases: dict[str, str]) -> str:
    if entry is not None and entry.name:
        return entry.name
    return stored_runs.of_run(stored.id, stored_runs.of_scenario(stored.plan.scenario), bases.get(stored.id, ""))


def _warnings(plans: dict[str, Plan]) -> None:
    lines = list(dict.fromkeys(study.incomparable(plans)))
    if lines:
        with st.container(border=True, gap="xxsmall"):
            paragraph("Not all of these plans answer the same question:")
            for line in lines:
                st.text(f"✕ {line}")
    else:
        paragraph("✓ The plans make the same over the same hours: they can be compared.")
    for line in study.baseline_differences(plans):
        st.text(f"✕ {line}")


def _figures(ids: list[str], plans: dict[str, Plan]) -> None:
    rows = study.figures(plans)
    different, same = [row for row in rows if not row.same], [row for row in rows if row.same]
    st.markdown(f"**{tr('Figures, largest differences first')}**")
    if not different:
        paragraph("All figures are the same.")
    else:
        _table(different, list(plans))
        shares = [(row.label, row.shares) for row in different if any(v is not None for v in row.shares.values())]
        if shares:
            chart_cache.chart(
                ("shares", *ids), lambda: comparison.shares(shares, list(plans)),
                tr("Differences of the figures from the first plan; the table has the same values."),
            )  # fmt: skip
        if comparison.clipped(shares):
            most = wording.percent(comparison.WIDEST, 0)
            caption("» or «: the bar is cut off at {most}, the number next to it is the full difference.", most=most)
        caption(
            "Each figure has the gap of its plan: a difference in the goal that is smaller than the gaps may "
            "mean nothing."
        )
    if same:
        with st.expander(
            trn("{count} figure is the same in all plans", "{count} figures are the same in all plans", len(same))
        ):
            _table(same, list(plans)[:1])


def _table(rows: list[study.FigureComparison], letters: list[str]) -> None:
    first, others = letters[0], letters[1:]
    columns: dict[str, list[str]] = {tr("figure"): [f"{row.label} [{row.unit}]" for row in rows]}
    for letter in letters:
        columns[letter] = [row.texts.get(letter, study.NOT_THERE) for row in rows]
        if letter in others:
            more = [row.more[letter] for row in rows]
            columns[f"{letter} − {first}"] = [
                "–" if value is None else wording.signed(value, row.digits)
                for row, value in zip(rows, more, strict=True)
            ]
    text = st.column_config.TextColumn
    numbers = dict.fromkeys(columns, text(alignment="right", width="small"))
    widgets.table(pd.DataFrame(columns), {**numbers, tr("figure"): text(pinned=True)}, 560)


def _scenario_changes(runs: dict[str, str], plans: dict[str, Plan]) -> None:
    st.markdown(f"**{tr('Differences between the scenarios')}**")
    rows = study.scenario_changes(runs, plans)
    if not rows:
        paragraph("None: both plans are of the same scenario. Only the search differs.")
        return
    widgets.table(pd.DataFrame(rows).rename(columns={"": tr("key")}), most=320)


def _charts(runs: dict[str, StoredRun]) -> None:
    plans = {letter: stored.plan for letter, stored in runs.items() if stored.plan.replay is not None}
    if not plans:
        return
    ids = [runs[letter].id for letter in plans]
    says = tr("Bars: operations of each unit, plan by plan; lines: grid import of each plan.")
    st.markdown(f"**{tr('Schedules and grid import')}**")
    horizons = [plan.scenario.horizon for plan in plans.values()]
    same = all(
        (h.instant(0), h.length_min, h.step_min, h.zone)
        == (horizons[0].instant(0), horizons[0].length_min, horizons[0].step_min, horizons[0].zone)
        for h in horizons
    )
    if same:
        view = chart_cache.part(horizons[0], "compare.part")
        with st.container(key="timeline"):
            key = ("together", *plans, *ids, view.span_min)
            chart_cache.chart(key, lambda: comparison.together(plans, view), says)
        caption("On the upper chart: Shift and wheel to zoom, drag to move, double-click to reset.")
        return
    caption("The horizons differ, so each plan has its own time axis.")
    with st.container(key="timeline"):
        for letter, plan in plans.items():
            one, whole = {letter: plan}, View.of(plan.scenario.horizon)
            chart_cache.chart(("together", letter, runs[letter].id), partial(comparison.together, one, whole), says)


MOVED = {
    "heats": mark("Moved heats and units"),
    "runs": mark("What units, machines and stores do otherwise"),
}
"""Title of what differs between schedules, by the table of their producers; a site alone has that of runs."""


def _moves(runs: dict[str, StoredRun]) -> None:
    first, *others = runs
    common = set.intersection(*({one.table for one in run.plan.scenario.producers} for run in runs.values()))
    titles = [tr(MOVED[table]) for table in common] or [tr(MOVED["runs"])]
    st.markdown(f"**{', '.join(titles)}**")
    letter = others[0]
    if len(others) > 1:
        letter = str(widgets.choose(tr("Compared with {first}", first=first), others, others[0], "compare.against"))
    one, other = runs[first], runs[letter]
    if one.plan.schedule is None or other.plan.schedule is None:
        paragraph("One of the two plans has no schedule.")
        return
    difference = study.between(one.id, other.id)
    if difference.different_heats:
        paragraph(DIFFERENT_HEATS)
    else:
        for ours, theirs in zip(one.plan.scenario.producers, other.plan.scenario.producers, strict=False):
            _moved(ours, theirs, difference, {first: one, letter: other})
    if difference.uses:
        names = (tr("name"), tr("does"), say("unit"), first, letter, tr("at other times"), tr("because"))
        rows = [(u.name, say(u.what), u.unit, u.before, u.after, u.moved, say(u.because)) for u in difference.uses]
        table = pd.DataFrame(rows, columns=list(names))
        draw(
            table if any(u.because for u in difference.uses) else table.drop(columns=names[-1]),
            {first: 1, letter: 1, names[5]: 1},
        )
    elif not difference.heats and not difference.different_heats:
        paragraph("None: both schedules are the same.")


@singledispatch
def _moved(ours: Producer, theirs: Producer, difference: Difference, runs: dict[str, StoredRun]) -> None:
    """Draw what a producer does at other times, besides what its units do."""


@_moved.register
def _(ours: ProductionLine, theirs: ProductionLine, difference: Difference, runs: dict[str, StoredRun]) -> None:
    first, other = runs
    scenario = runs[first].plan.scenario
    total = len({heat.name for heat in (*ours.heats, *theirs.heats)})
    moves = [(heat, move) for heat in difference.heats for move in heat.stages]
    if not moves:
        paragraph("All {n} heats are where they were.", n=total)
        return
    later = [heat.main.later_min for heat in difference.heats if heat.main.later_min is not None]
    changed = len({heat.heat for heat, move in moves if move.before_unit != move.after_unit})
    says = [tr("{moved} of {n} heats are elsewhere in {other}.", moved=len(difference.heats), n=total, other=other)]
    if later:
        low, high = (wording.signed(value, 0) for value in (min(later), max(later)))
        says.append(tr("They start {low} to {high} min later; negative values are earlier.", low=low, high=high))
    if changed:
        says.append(trn("{count} heat is on another unit.", "{count} heats are on another unit.", changed))
    st.text(" ".join(says))
    stages = list(dict.fromkeys(move.stage for _, move in moves if move.later_min is not None))
    if stages:
        main = difference.heats[0].stage
        at = stages.index(main) if main in stages else 0
        stage = st.selectbox(tr("Stage"), stages, index=at, key="compare.stage")
        chart_cache.chart(
            ("moves", *runs, *(run.id for run in runs.values()), stage),
            lambda: comparison.moves(difference.heats, stage, scenario, (first, other)),
            tr("Moves of heats; the table below has the same values."),
        )
        text = mark("White: start in {first}; filled: start in {other}. The largest moves, by start time.")
        caption(text, first=first, other=other)

    def clock(minutes: float | None) -> str:
        return "–" if minutes is None else wording.moment(scenario.horizon.instant(minutes))

    table = pd.DataFrame(
        {
            tr("heat"): [heat.heat for heat, _ in moves],
            tr("stage"): [move.stage for _, move in moves],
            tr("moved [min]"): [float("nan") if move.later_min is None else move.later_min for _, move in moves],
            tr("start in {plan}", plan=first): [clock(move.before_min) for _, move in moves],
            tr("start in {plan}", plan=other): [clock(move.after_min) for _, move in moves],
            tr("unit in {plan}", plan=first): [move.before_unit for _, move in moves],
            tr("unit in {plan}", plan=other): [move.after_unit for _, move in moves],
            tr("because"): [say(heat.because) if move.stage == heat.stage else "" for heat, move in moves],
        }
    )
    with st.expander(trn("{count} moved operation", "{count} moved operations", len(moves))):
        widgets.table(table, {tr("moved [min]"): st.column_config.NumberColumn(format="%+.0f")})
