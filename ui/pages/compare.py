"""The page Compare: two to five stored plans side by side, what differs first."""

from __future__ import annotations

import string
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from emberline.plans.difference import Difference
from emberline.plans.plan import Plan
from emberline.plans.store import CatalogueError, Store, StoredRun, StoreError
from emberline.ui.charts import comparison
from emberline.ui.charts.view import View, weeks
from emberline.ui.pages.result import result
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, run_picker, session
from emberline.ui.pages.studies import comparison as compared
from emberline.ui.text import wording
from emberline.ui.text.language import tr, trn
from emberline.ui.text.messages import say

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
    chosen = _choose(_chosen())
    opened = _open(chosen)
    if len(opened) < LEAST:
        st.text(
            tr(
                "Choose two to five plans above. The first one is what the others are compared with: figures, "
                "what their scenarios say, who works when, and which heats have moved."
            )
        )
        return
    made = {letter: stored.plan for letter, stored in opened.items()}
    _cards(opened)
    _warnings(made)
    _figures([stored.id for stored in opened.values()], made)
    _asked({letter: stored.id for letter, stored in opened.items()}, made)
    _charts(opened)
    _moved(opened)


def _chosen() -> list[str]:
    """Runs that are compared, as the address or the session has them; to begin with the one that is looked at."""
    named = st.query_params.get(NAMED)
    if named is None:
        looked = [session.run()] if session.run() else []
        return list(st.session_state.get(KEPT, looked))
    store, missing = Store(), 0
    found: list[str] = []
    for part in named.split(",")[:MOST]:
        try:
            found.append(store.find(part.strip()))
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
    return list(dict.fromkeys(found))


def _choose(chosen: list[str]) -> list[str]:
    """Draw the search and the field with the runs; what is chosen goes to the session and the address."""
    # across the page: at the side neither what is chosen nor what is offered could be told apart
    narrow, wide = st.columns([1, 4])
    text = narrow.text_input(
        tr("Search"), key="compare.search", placeholder=tr("scenario, name, tag, verdict …"),
        help=tr("Narrows what the field beside it offers"),
    )  # fmt: skip
    known = run_picker.entries(text, chosen)
    if not known:
        st.text(tr("There is no stored plan that fits. Make one on the page Plan."))
    there = [run for run in chosen if run in known]
    letters = dict(zip(there, LETTERS, strict=False))

    def name(run: str) -> str:
        return run_picker.chip(letters[run], known[run]) if run in letters else run_picker.label(known[run])

    found = wide.multiselect(
        tr("Plans, two to five"), list(known), default=there, max_selections=MOST,
        format_func=name, placeholder=tr("choose plans"), wrap=True,
        key=f"compare.runs.{text}.{','.join(chosen)}", help=tr("The first one is what the others are compared with"),
    )  # fmt: skip
    st.session_state[KEPT] = found
    if found != chosen:
        if found:
            st.query_params[NAMED] = ",".join(found)
        else:
            st.query_params.pop(NAMED, None)
        st.rerun()
    if found and NAMED not in st.query_params:
        st.query_params[NAMED] = ",".join(found)
    return list(found)


def _open(chosen: list[str]) -> dict[str, StoredRun]:
    opened = []
    for run in chosen:
        try:
            opened.append(result.opened(run))
        except StoreError as error:
            st.warning(str(error))
    return dict(zip(LETTERS, opened, strict=False))


def _cards(opened: dict[str, StoredRun]) -> None:
    """Who is who, with status, gap and bound of each."""
    known = run_picker.entries(also=[stored.id for stored in opened.values()])
    places: list[Any] = []
    for _ in range(0, len(opened), ABREAST):
        places += st.columns(min(len(opened), ABREAST))
    for place, (letter, stored) in zip(places, opened.items(), strict=False):
        made, entry = stored.plan, known.get(stored.id)
        shade = comparison.SHADES[LETTERS.index(letter)]
        with place.container(border=True, gap="xxsmall", height="stretch"):
            st.html(f'<span style="display:inline-block;width:0.7em;height:0.7em;background:{shade}"></span> {letter}')
            name = entry.name if entry is not None and entry.name else made.scenario.title or made.scenario.name
            st.text(f"{name}\n{stored.id[:8]}")
            st.text(tr("Goal: {goal}", goal=wording.goal(made.scenario.goal)))
            bound = wording.objective(made.scenario, made.bound)
            st.text(
                tr(
                    "{mark} {status}, gap {gap}, bound {bound}",
                    mark="✓" if made.acceptable else "✕", status=wording.told_status(made.status, made.found),
                    gap=wording.percent(made.gap), bound=bound,
                )
            )  # fmt: skip


def _warnings(made: dict[str, Plan]) -> None:
    lines = list(dict.fromkeys(compared.incomparable(made)))
    if lines:
        with st.container(border=True, gap="xxsmall"):
            st.text(tr("Not all of these plans answer the same question:"))
            for line in lines:
                st.text(f"✕ {line}")
    else:
        st.text(tr("✓ The plans make the same in the same hours: they can be compared."))
    for line in compared.foremen(made):
        st.text(f"✕ {line}")


def _figures(ids: list[str], made: dict[str, Plan]) -> None:
    rows = compared.figures(made)
    different, same = [row for row in rows if not row.same], [row for row in rows if row.same]
    st.markdown(f"**{tr('Figures, what differs most first')}**")
    if not different:
        st.text(tr("All figures are the same."))
    else:
        _table(different, list(made))
        told = [(row.label, row.shares) for row in different if any(v is not None for v in row.shares.values())]
        if told:
            chart_cache.chart(
                ("shares", *ids), lambda: comparison.shares(told, list(made)),
                tr("By how much the figures differ from those of the first plan; the table has the same."),
            )  # fmt: skip
        if comparison.clipped(told):
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
            _table(same, list(made)[:1])


def _table(rows: list[compared.Compared], letters: list[str]) -> None:
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


def _asked(runs: dict[str, str], made: dict[str, Plan]) -> None:
    st.markdown(f"**{tr('What the scenarios say differently')}**")
    rows = compared.asked(runs, made)
    if not rows:
        st.text(tr("Nothing: the same scenario was asked. What differs is the search."))
        return
    frame = pd.DataFrame(rows).rename(columns={"": tr("key")})
    st.dataframe(frame, hide_index=True, height=min(35 * (len(rows) + 1) + 3, 320))


def _charts(opened: dict[str, StoredRun]) -> None:
    found = {letter: stored.plan for letter, stored in opened.items() if stored.plan.replay is not None}
    if not found:
        return
    ids = [opened[letter].id for letter in found]
    says = tr("Bars: which unit works when, plan above plan; lines: what each imports from the grid.")
    st.markdown(f"**{tr('Who works when, and what is imported')}**")
    horizons = [plan.scenario.horizon for plan in found.values()]
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
            key = ("together", *found, *ids, view.span_min)
            chart_cache.chart(key, lambda: comparison.together(found, view), says)
        st.caption(tr("On the upper chart: Shift and wheel to zoom, drag to move, double click to go back."))
        return
    st.caption(tr("The horizons differ: each plan has a time axis of its own."))
    with st.container(key="timeline"):
        for letter, plan in found.items():
            one, own = {letter: plan}, View.of(plan.scenario.horizon)
            chart_cache.chart(("together", letter, opened[letter].id), partial(comparison.together, one, own), says)


def _moved(opened: dict[str, StoredRun]) -> None:
    first, *others = opened
    st.markdown(f"**{tr('What has moved')}**")
    letter = others[0]
    if len(others) > 1:
        letter = str(
            st.segmented_control(
                tr("Against {first}", first=first), others, default=others[0], required=True, key="compare.against"
            )
        )  # fmt: skip
    one, other = opened[first], opened[letter]
    if one.plan.schedule is None or other.plan.schedule is None:
        st.text(tr("There is no schedule in one of the two."))
        return
    found = compared.between(one.id, other.id)
    if one.plan.scenario.heats and other.plan.scenario.heats:
        _heats(found, one.plan, (first, letter), (one.id, other.id))
    if found.uses:
        names = (tr("name"), tr("does"), say("unit"), first, letter, tr("at other times"), tr("because"))
        told = [(u.name, say(u.what), u.unit, u.before, u.after, u.moved, say(u.because)) for u in found.uses]
        draw(pd.DataFrame(told, columns=list(names)), {first: 1, letter: 1, names[5]: 1})
    elif not found.heats:
        st.text(tr("Nothing: both schedules ask for the same."))


def _heats(found: Difference, plan: Plan, letters: tuple[str, str], ids: tuple[str, str]) -> None:
    """Heats that start elsewhere: how many, from where to where, and because of what."""
    total = len(plan.scenario.heats)
    if not found.heats:
        st.text(tr("All {n} heats lie where they did.", n=total))
        return
    told = [(heat, move) for heat in found.heats for move in heat.stages]
    later = [heat.main.later_min for heat in found.heats if heat.main.later_min is not None]
    changed = len({heat.heat for heat, move in told if move.before_unit != move.after_unit})
    says = [tr("{moved} of {n} heats lie elsewhere in {other}.", moved=len(found.heats), n=total, other=letters[1])]
    if later:
        low, high = (wording.signed(value, 0) for value in (min(later), max(later)))
        says.append(tr("They start from {low} to {high} min later, a minus being earlier.", low=low, high=high))
    if changed:
        says.append(trn("{count} heat is on another unit.", "{count} heats are on another unit.", changed))
    st.text(" ".join(says))
    stages = list(dict.fromkeys(move.stage for _, move in told if move.later_min is not None))
    if stages:
        main = found.heats[0].stage
        stage = st.selectbox(
            tr("Stage"), stages, index=stages.index(main) if main in stages else 0, key="compare.stage"
        )  # fmt: skip
        chart_cache.chart(
            ("moves", *letters, *ids, stage),
            lambda: comparison.moves(found.heats, stage, plan.scenario, letters),
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
            tr("heat"): [heat.heat for heat, _ in told],
            tr("stage"): [move.stage for _, move in told],
            tr("moved [min]"): [float("nan") if move.later_min is None else move.later_min for _, move in told],
            tr("start in {plan}", plan=letters[0]): [clock(move.before_min) for _, move in told],
            tr("start in {plan}", plan=letters[1]): [clock(move.after_min) for _, move in told],
            tr("unit in {plan}", plan=letters[0]): [move.before_unit for _, move in told],
            tr("unit in {plan}", plan=letters[1]): [move.after_unit for _, move in told],
            tr("because"): [say(heat.because) if move.stage == heat.stage else "" for heat, move in told],
        }
    )
    with st.expander(trn("{count} operation that moved", "{count} operations that moved", len(told))):
        st.dataframe(
            table, hide_index=True, height=min(35 * (len(table) + 1) + 3, 640),
            column_config={tr("moved [min]"): st.column_config.NumberColumn(format="%+.0f")},
        )  # fmt: skip
