"""The page Compare: two to five stored plans side by side, what differs first."""

from __future__ import annotations

import string
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from emberline.plans.difference import Difference
from emberline.plans.plan.plan import Plan
from emberline.plans.store.store import CatalogueError, Store, StoredRun, StoreError
from emberline.ui.charts import comparison
from emberline.ui.charts.view import View, weeks
from emberline.ui.pages.result import result
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, run_picker, session
from emberline.ui.pages.studies import comparison as study
from emberline.ui.text import wording
from emberline.ui.text.language import tr, trn
from emberline.ui.text.said import said

KEPT = "compared"
"""In the session: ids of the runs that are compared."""
NAMED = "runs"
"""In the address: the same, apart by commas; first digits will do."""
LEAST, MOST = 2, 5
ABREAST = 3
"""Plans whose cards stand side by side: more would be too narrow to read."""
LETTERS = string.ascii_uppercase[:MOST]


def page() -> None:
    """Draw the page for the runs that the address names."""
    st.subheader(tr("Plans side by side"), anchor=False)
    ids = _choose(_selection())
    runs = _open(ids)
    if len(runs) < LEAST:
        st.text(
            tr(
                "Choose two to five plans above. The first one is what the others are compared with: figures, "
                "what their scenarios say, who works when, and which heats have moved."
            )
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
    """Runs that are compared, as the address or the session has them; to begin with the one that is looked at."""
    address = st.query_params.get(NAMED)
    if address is None:
        current = [session.run()] if session.run() else []
        return list(st.session_state.get(KEPT, current))
    store, missing = Store(), 0
    ids: list[str] = []
    for part in address.split(",")[:MOST]:
        try:
            ids.append(store.find(part.strip()))
        except CatalogueError:
            raise
        except StoreError:
            missing += 1
    if missing:
        st.warning(
            trn(
                "{count} run of the address is not kept here.",
                "{count} runs of the address are not kept here.",
                missing,
            )
        )
    return list(dict.fromkeys(ids))


def _choose(ids: list[str]) -> list[str]:
    """Draw the search and the field with the runs; what is chosen goes to the session and the address."""
    # across the page: at the side neither what is chosen nor what is offered could be told apart
    narrow, wide = st.columns([1, 4])
    text = narrow.text_input(
        tr("Search"), key="compare.search", placeholder=tr("scenario, name, tag, verdict …"),
        help=tr("Narrows what the field beside it offers"),
    )  # fmt: skip
    entries = run_picker.entries(text, ids)
    if not entries:
        st.text(tr("There is no stored plan that fits. Make one on the page Plan."))
    there = [run for run in ids if run in entries]
    letters = dict(zip(there, LETTERS, strict=False))

    def name(run: str) -> str:
        return run_picker.chip(letters[run], entries[run]) if run in letters else run_picker.label(entries[run])

    selection = wide.multiselect(
        tr("Plans, two to five"), list(entries), default=there, max_selections=MOST,
        format_func=name, placeholder=tr("choose plans"), wrap=True,
        key=f"compare.runs.{text}.{','.join(ids)}", help=tr("The first one is what the others are compared with"),
    )  # fmt: skip
    st.session_state[KEPT] = selection
    if selection != ids:
        if selection:
            st.query_params[NAMED] = ",".join(selection)
        else:
            st.query_params.pop(NAMED, None)
        st.rerun()
    if selection and NAMED not in st.query_params:
        st.query_params[NAMED] = ",".join(selection)
    return list(selection)


def _open(ids: list[str]) -> dict[str, StoredRun]:
    runs = []
    for run in ids:
        try:
            runs.append(result.open_run(run))
        except StoreError as error:
            st.warning(str(error))
    return dict(zip(LETTERS, runs, strict=False))


def _cards(runs: dict[str, StoredRun]) -> None:
    """Who is who, with status, gap and bound of each."""
    entries = run_picker.entries(also=[stored.id for stored in runs.values()])
    places: list[Any] = []
    for _ in range(0, len(runs), ABREAST):
        places += st.columns(min(len(runs), ABREAST))
    for place, (letter, stored) in zip(places, runs.items(), strict=False):
        plan, entry = stored.plan, entries.get(stored.id)
        shade = comparison.SHADES[LETTERS.index(letter)]
        with place.container(border=True, gap="xxsmall", height="stretch"):
            st.html(f'<span style="display:inline-block;width:0.7em;height:0.7em;background:{shade}"></span> {letter}')
            name = entry.name if entry is not None and entry.name else plan.scenario.title or plan.scenario.name
            st.text(f"{name}\n{stored.id[:8]}")
            st.text(tr("Goal: {goal}", goal=wording.goal(plan.scenario.goal)))
            bound = wording.objective(plan.scenario, plan.bound)
            st.text(
                tr(
                    "{mark} {status}, gap {gap}, bound {bound}",
                    mark="✓" if plan.acceptable else "✕", status=wording.status_text(plan.status, plan.found),
                    gap=wording.percent(plan.gap), bound=bound,
                )
            )  # fmt: skip


def _warnings(plans: dict[str, Plan]) -> None:
    lines = list(dict.fromkeys(study.incomparable(plans)))
    if lines:
        with st.container(border=True, gap="xxsmall"):
            st.text(tr("Not all of these plans answer the same question:"))
            for line in lines:
                st.text(f"✕ {line}")
    else:
        st.text(tr("✓ The plans make the same in the same hours: they can be compared."))
    for line in study.foremen(plans):
        st.text(f"✕ {line}")


def _figures(ids: list[str], plans: dict[str, Plan]) -> None:
    rows = study.figures(plans)
    different, same = [row for row in rows if not row.same], [row for row in rows if row.same]
    st.markdown(f"**{tr('Figures, what differs most first')}**")
    if not different:
        st.text(tr("All figures are the same."))
    else:
        _table(different, list(plans))
        shares = [(row.label, row.shares) for row in different if any(v is not None for v in row.shares.values())]
        if shares:
            chart_cache.chart(
                ("shares", *ids), lambda: comparison.shares(shares, list(plans)),
                tr("By how much the figures differ from those of the first plan; the table has the same."),
            )  # fmt: skip
        if comparison.clipped(shares):
            most = wording.percent(comparison.WIDEST, 0)
            st.caption(tr("» or «: the bar ends at {most}, the number beside it is the whole difference.", most=most))
        st.caption(
            tr(
                "Each figure is that of a plan with a gap of its own: a difference in the goal that is smaller than "
                "the gaps may be no difference."
            )
        )
    if same:
        with st.expander(trn("{count} figure is the same in all", "{count} figures are the same in all", len(same))):
            _table(same, list(plans)[:1])


def _table(rows: list[study.FigureComparison], letters: list[str]) -> None:
    first, others = letters[0], letters[1:]
    columns: dict[str, list[str]] = {tr("figure"): [f"{row.label} [{row.unit}]" for row in rows]}
    for letter in letters:
        columns[letter] = [wording.number(row.values[letter], row.digits) for row in rows]
        if letter in others:
            more = [row.more[letter] for row in rows]
            columns[f"{letter} − {first}"] = [
                "–" if value is None else wording.signed(value, row.digits)
                for row, value in zip(rows, more, strict=True)
            ]
    frame = pd.DataFrame(columns)
    numbers = {
        name: st.column_config.TextColumn(alignment="right", width="small") for name in columns if name != tr("figure")
    }
    st.dataframe(
        frame, hide_index=True, height=min(35 * (len(rows) + 1) + 3, 560),
        column_config={tr("figure"): st.column_config.TextColumn(pinned=True), **numbers},
    )  # fmt: skip


def _scenario_changes(runs: dict[str, str], plans: dict[str, Plan]) -> None:
    st.markdown(f"**{tr('What the scenarios say differently')}**")
    rows = study.scenario_changes(runs, plans)
    if not rows:
        st.text(tr("Nothing: the same scenario was asked. What differs is the search."))
        return
    frame = pd.DataFrame(rows).rename(columns={"": tr("key")})
    st.dataframe(frame, hide_index=True, height=min(35 * (len(rows) + 1) + 3, 320))


def _charts(runs: dict[str, StoredRun]) -> None:
    plans = {letter: stored.plan for letter, stored in runs.items() if stored.plan.replay is not None}
    if not plans:
        return
    ids = [runs[letter].id for letter in plans]
    says = tr("Bars: which unit works when, plan above plan; lines: what each imports from the grid.")
    st.markdown(f"**{tr('Who works when, and what is imported')}**")
    horizons = [plan.scenario.horizon for plan in plans.values()]
    same = all(
        (h.instant(0), h.length_min, h.step_min, h.zone)
        == (horizons[0].instant(0), horizons[0].length_min, horizons[0].step_min, horizons[0].zone)
        for h in horizons
    )
    if same:
        views = weeks(horizons[0])
        view = next(iter(views.values()))
        if len(views) > 1:
            view = views[st.selectbox(tr("Part of the horizon"), list(views), key="compare.part")]
        with st.container(key="timeline"):
            key = ("together", *plans, *ids, view.span_min)
            chart_cache.chart(key, lambda: comparison.together(plans, view), says)
        st.caption(tr("On the upper chart: Shift and wheel to zoom, drag to move, double click to go back."))
        return
    st.caption(tr("The horizons differ: each plan has a time axis of its own."))
    with st.container(key="timeline"):
        for letter, plan in plans.items():
            one, whole = {letter: plan}, View.of(plan.scenario.horizon)
            chart_cache.chart(("together", letter, runs[letter].id), partial(comparison.together, one, whole), says)


def _moves(runs: dict[str, StoredRun]) -> None:
    first, *others = runs
    st.markdown(f"**{tr('What has moved')}**")
    letter = others[0]
    if len(others) > 1:
        letter = str(
            st.segmented_control(
                tr("Against {first}", first=first), others, default=others[0], required=True, key="compare.against"
            )
        )  # fmt: skip
    one, other = runs[first], runs[letter]
    if one.plan.schedule is None or other.plan.schedule is None:
        st.text(tr("There is no schedule in one of the two."))
        return
    difference = study.between(one.id, other.id)
    if one.plan.scenario.heats and other.plan.scenario.heats:
        _heats(difference, one.plan, (first, letter), (one.id, other.id))
    if difference.uses:
        names = (tr("name"), tr("does"), said("unit"), first, letter, tr("at other times"), tr("because"))
        rows = [(u.name, said(u.what), u.unit, u.before, u.after, u.moved, said(u.because)) for u in difference.uses]
        draw(pd.DataFrame(rows, columns=list(names)), {first: 1, letter: 1, names[5]: 1})
    elif not difference.heats:
        st.text(tr("Nothing: both schedules ask for the same."))


def _heats(difference: Difference, plan: Plan, letters: tuple[str, str], ids: tuple[str, str]) -> None:
    """Heats that start elsewhere: how many, from where to where, and because of what."""
    total = len(plan.scenario.heats)
    if not difference.heats:
        st.text(tr("All {n} heats lie where they did.", n=total))
        return
    moves = [(heat, move) for heat in difference.heats for move in heat.stages]
    later = [heat.main.later_min for heat in difference.heats if heat.main.later_min is not None]
    changed = len({heat.heat for heat, move in moves if move.before_unit != move.after_unit})
    says = [
        tr("{moved} of {n} heats lie elsewhere in {other}.", moved=len(difference.heats), n=total, other=letters[1])
    ]
    if later:
        low, high = (wording.signed(value, 0) for value in (min(later), max(later)))
        says.append(tr("They start from {low} to {high} min later, a minus being earlier.", low=low, high=high))
    if changed:
        says.append(trn("{count} heat is on another unit.", "{count} heats are on another unit.", changed))
    st.text(" ".join(says))
    stages = list(dict.fromkeys(move.stage for _, move in moves if move.later_min is not None))
    if stages:
        main = difference.heats[0].stage
        stage = st.selectbox(
            tr("Stage"), stages, index=stages.index(main) if main in stages else 0, key="compare.stage"
        )  # fmt: skip
        chart_cache.chart(
            ("moves", *letters, *ids, stage),
            lambda: comparison.moves(difference.heats, stage, plan.scenario, letters),
            tr("From where to where heats have moved; the table below has the same."),
        )
        st.caption(
            tr(
                "White: the start in {first}; full: in {other}. The heats that moved furthest, by their start.",
                first=letters[0], other=letters[1],
            )
        )  # fmt: skip
    start = plan.scenario.horizon.instant

    def clock(minutes: float | None) -> str:
        return "–" if minutes is None else wording.moment(start(minutes))

    table = pd.DataFrame(
        {
            tr("heat"): [heat.heat for heat, _ in moves],
            tr("stage"): [move.stage for _, move in moves],
            tr("moved [min]"): [float("nan") if move.later_min is None else move.later_min for _, move in moves],
            tr("start in {plan}", plan=letters[0]): [clock(move.before_min) for _, move in moves],
            tr("start in {plan}", plan=letters[1]): [clock(move.after_min) for _, move in moves],
            tr("unit in {plan}", plan=letters[0]): [move.before_unit for _, move in moves],
            tr("unit in {plan}", plan=letters[1]): [move.after_unit for _, move in moves],
            tr("because"): [said(heat.because) if move.stage == heat.stage else "" for heat, move in moves],
        }
    )
    with st.expander(trn("{count} operation that moved", "{count} operations that moved", len(moves))):
        st.dataframe(
            table, hide_index=True, height=min(35 * (len(table) + 1) + 3, 640),
            column_config={tr("moved [min]"): st.column_config.NumberColumn(format="%+.0f")},
        )  # fmt: skip
