"""Page Compare: two to five stored plans side by side, largest differences first."""

from __future__ import annotations

import itertools
import json
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from emberline.planning.accounts import comparable
from emberline.planning.answer import figure_totals, figures_of
from emberline.planning.plan import Plan, replan
from emberline.reports.charts import comparison
from emberline.reports.charts.view import View
from emberline.reports.text import mark, say, tr, trn, wording
from emberline.reports.text.numbers import listed
from emberline.runs.store import Entry, Store, StoredRun
from emberline.studies.difference import DIFFERENT_HEATS, Difference, difference
from emberline.ui.pages.result import repairs
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, session, stored_runs, widgets
from emberline.ui.pages.session.widgets import caption, paragraph

SELECTION = "compared"
"""Session key of the ids of the compared runs."""
NAMED = "runs"
"""Query parameter with the ids of the compared runs, separated by commas. Abbreviated ids are accepted."""
MIN_PLANS, MAX_PLANS = 2, 5
ABREAST = 3
"""Maximum number of cards in a row; more cards would be too narrow to read."""
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
    """Runs to compare, from the address or session; initially the current run and the latest other run of its plant."""
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
    """The current run and the newest other plan of the same scenario, if there is one."""
    if not current:
        return []
    rows = stored_runs.entries(also=[current])
    others = (run for run, row in rows.items() if run != current and row.scenario == rows[current].scenario)
    return [current, *itertools.islice(others, 1)] if current in rows else []


def _choose(ids: list[str]) -> list[str]:
    """Draw the search and the choice of runs, and store the choice in the session and the address."""
    # at full page width, as the sidebar is too narrow for the labels
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
    lines = list(dict.fromkeys(incomparable(plans)))
    if lines:
        with st.container(border=True, gap="xxsmall"):
            paragraph("Not all of these plans answer the same question:")
            for line in lines:
                st.text(f"✕ {line}")
    else:
        paragraph("✓ The plans make the same over the same hours: they can be compared.")
    for line in baseline_differences(plans):
        st.text(f"✕ {line}")


def _figures(ids: list[str], plans: dict[str, Plan]) -> None:
    rows = figures(plans)
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


def _table(rows: list[FigureComparison], letters: list[str]) -> None:
    first, others = letters[0], letters[1:]
    columns: dict[str, list[str]] = {tr("figure"): [f"{row.label} [{row.unit}]" for row in rows]}
    for letter in letters:
        columns[letter] = [row.texts.get(letter, NOT_THERE) for row in rows]
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
    rows = scenario_changes(runs, plans)
    if not rows:
        paragraph("None: both plans are of the same scenario. Only the search differs.")
        return
    widgets.table(pd.DataFrame(rows).rename(columns={"": tr("key")}), most=320)


def _charts(runs: dict[str, StoredRun]) -> None:
    plans = {letter: stored.plan for letter, stored in runs.items() if stored.plan.replay is not None}
    if not plans:
        return
    ids = [runs[letter].id for letter in plans]
    text = tr("Bars: operations of each unit, plan by plan; lines: grid import of each plan.")
    st.markdown(f"**{tr('Schedules and grid import')}**")
    horizons = [plan.scenario.horizon for plan in plans.values()]
    if len({(h.instant(0), h.length_min, h.step_min, h.zone) for h in horizons}) == 1:
        view = chart_cache.part(horizons[0], "compare.part")
        key = ("together", *plans, *ids, view.span_min)
        chart_cache.chart(key, lambda: comparison.together(plans, view), text, "timeline")
        caption("On the upper chart: Shift and wheel to zoom, drag to move, double-click to reset.")
        return
    caption("The horizons differ, so each plan has its own time axis.")
    with st.container(key="timeline"):
        for letter, plan in plans.items():
            one, whole = {letter: plan}, View.of(plan.scenario.horizon)
            chart_cache.chart(("together", letter, runs[letter].id), partial(comparison.together, one, whole), text)


MOVED = {
    "heats": mark("Moved heats and units"),
    "runs": mark("What units, machines and stores do otherwise"),
}
"""Titles of schedule differences, by table of the producers. A site without production uses that of runs."""


def _moves(runs: dict[str, StoredRun]) -> None:
    first, *others = runs
    common = set.intersection(*({producer.table for producer in run.plan.scenario.producers} for run in runs.values()))
    titles = [tr(MOVED[table]) for table in common] or [tr(MOVED["runs"])]
    st.markdown(f"**{', '.join(titles)}**")
    letter = others[0]
    if len(others) > 1:
        letter = str(widgets.choose(tr("Compared with {first}", first=first), others, others[0], "compare.against"))
    one, other = runs[first], runs[letter]
    if one.plan.schedule is None or other.plan.schedule is None:
        paragraph("One of the two plans has no schedule.")
        return
    difference = between(one.id, other.id)
    if difference.different_heats:
        paragraph(DIFFERENT_HEATS)
    else:
        for ours, theirs in zip(one.plan.scenario.producers, other.plan.scenario.producers, strict=False):
            if ours.table == theirs.table == "heats":
                _moved(difference, {first: one, letter: other})
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


def _moved(difference: Difference, runs: dict[str, StoredRun]) -> None:
    """Draw the moved heats and the size of their moves."""
    first, other = runs
    scenario = runs[first].plan.scenario
    total = len({heat.name for run in runs.values() for heat in run.plan.scenario.heats})
    moves = [(heat, move) for heat in difference.heats for move in heat.stages]
    if not moves:
        paragraph("All {n} heats are where they were.", n=total)
        return
    later = [heat.main.later_min for heat in difference.heats if heat.main.later_min is not None]
    changed = len({heat.heat for heat, move in moves if move.before_unit != move.after_unit})
    sentence = [tr("{moved} of {n} heats are elsewhere in {other}.", moved=len(difference.heats), n=total, other=other)]
    if later:
        low, high = (wording.signed(value, 0) for value in (min(later), max(later)))
        sentence.append(tr("They start {low} to {high} min later; negative values are earlier.", low=low, high=high))
    if changed:
        sentence.append(trn("{count} heat is on another unit.", "{count} heats are on another unit.", changed))
    st.text(" ".join(sentence))
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


NOT_THERE = "–"
LONGEST = 80


@dataclass(frozen=True)
class FigureComparison:
    """A figure, compared across all plans."""

    label: str
    unit: str
    digits: int
    """Of differences."""
    values: dict[str, float | None]
    """Values by letter of the plan; None if not available."""
    texts: dict[str, str]
    """The values as formatted text."""

    @property
    def first(self) -> float | None:
        """Value of the first plan."""
        return next(iter(self.values.values()))

    @property
    def more(self) -> dict[str, float | None]:
        """Difference of each other plan from the first."""
        remaining = list(self.values.items())[1:]
        return {
            letter: None if value is None or self.first is None else value - self.first for letter, value in remaining
        }

    @property
    def shares(self) -> dict[str, float | None]:
        """Differences as shares of the first plan's figure; None if this figure is displayed as zero."""
        return {
            letter: None if more is None or self.first is None or self._is_zero(self.first) else more / abs(self.first)
            for letter, more in self.more.items()
        }

    @property
    def relative(self) -> float:
        """Largest difference, as a share of the larger of the two figures."""
        ratios = [0.0]
        for letter, value in self.values.items():
            if letter in self.more and (value is None) != (self.first is None):
                ratios.append(1.0)
            elif value is not None and self.first is not None and not self._is_zero(value - self.first):
                ratios.append(abs(value - self.first) / max(abs(value), abs(self.first)))
        return max(ratios)

    @property
    def same(self) -> bool:
        """Whether the values of all plans are equal at the displayed precision."""
        return self.relative == 0

    def _is_zero(self, value: float) -> bool:
        return abs(value) < 0.5 * 10.0**-self.digits


def figures(plans: Mapping[str, Plan]) -> list[FigureComparison]:
    """Figures of the undisturbed replays, savings and chances to hold; largest differences first.

    Savings follow the totals. If the baselines differ, the label states that each saving refers to its own baseline.
    """
    one, *others = plans.values()
    apart, savings = any(list(_differ(one, other)) for other in others), set[str]()
    rows: dict[str, FigureComparison] = {}

    def tell(letter: str, label: str, unit: str, digits: int, value: float | None, text: str) -> None:
        row = rows.setdefault(label, FigureComparison(label, unit, digits, dict.fromkeys(plans), {}))
        row.values[letter], row.texts[letter] = value, text

    for letter, plan in plans.items():
        if plan.replay_figures is None:
            continue
        for row in figure_totals(plan.baseline_figures, plan.replay_figures):
            # savings are separate rows, with stock credited
            if not row.stock:
                tell(letter, say(row.name), row.unit, row.digits, row.plan, say(row.cells[1]))
        for figure in figures_of(plan):
            label = say(figure.label)
            if figure.of_saving:
                label = tr("{figure}, each compared with its own baseline", figure=label) if apart else label
                savings.add(label)
            tell(letter, label, figure.unit, figure.digits, figure.value, say(figure.text))
    return sorted(rows.values(), key=lambda row: (row.label in savings, -row.relative))


@st.cache_resource(max_entries=32, show_spinner=False)
def between(one: str, other: str) -> Difference:
    """Difference between two stored runs. The result is immutable and therefore shared."""
    return difference(stored_runs.open_run(one).plan, stored_runs.open_run(other).plan)


def incomparable(plans: Mapping[str, Plan]) -> Iterator[str]:
    """Reasons, one sentence each, why the figures of the plans are not comparable."""
    (first, one), *remaining = plans.items()
    for letter, other in remaining:
        a, b = one.scenario, other.scenario
        who = {"first": first, "other": letter}
        for plan, name in ((one, first), (other, letter)):
            if plan.replay_figures is None:
                yield tr("{plan} has no schedule, so there is nothing to compare.", plan=name)
        if a.name != b.name:
            yield tr(
                "{other} is of another scenario than {first}: {theirs} instead of {ours}.",
                theirs=b.name, ours=a.name, **who,
            )  # fmt: skip
        if (a.horizon.instant(0), a.horizon.length_min) != (b.horizon.instant(0), b.horizon.length_min):
            yield tr(
                "{other} has another horizon than {first}, so prices, sun and carbon differ. It is {span}.",
                span=wording.span(b.horizon), **who,
            )  # fmt: skip
        if a.market.currency != b.market.currency:
            yield tr("{other} uses another currency than {first}.", **who)
        if a.goal.signal != b.goal.signal:
            yield tr("{other} uses another grid intensity than {first}.", **who)
        ours, theirs = one.replay_figures, other.replay_figures
        if ours is not None and theirs is not None and not comparable(ours, theirs):
            yield tr("{other} does not make or deliver the same as {first}: making less is not saving.", **who)


def baseline_differences(plans: Mapping[str, Plan]) -> Iterator[str]:
    """Differences between the baselines of plans, which affect the savings."""
    (first, one), *remaining = plans.items()
    for letter, other in remaining:
        parts = [
            tr("{figure} {ours} instead of {theirs} {unit}", figure=tr(label), ours=mine, theirs=others, unit=unit)
            for label, unit, mine, others in _differ(one, other)
        ]
        if parts:
            locked = any(plan.scenario.locks or plan.scenario.run_locks for plan in (one, other))
            values = {"first": first, "other": letter, "parts": listed(parts)}
            if locked:
                yield tr(
                    "The baselines of {first} and {other} differ ({parts}), as locks bind them too: each saving is "
                    "against its own baseline, so compare the totals, not the savings.",
                    **values,
                )
            else:
                yield tr(
                    "The baselines of {first} and {other} differ ({parts}): each saving is against its own baseline, "
                    "so compare the totals, not the savings.",
                    **values,
                )


def _differ(one: Plan, other: Plan) -> Iterator[tuple[str, str, str, str]]:
    """Label, unit and both values of each visible difference between two baselines."""
    for label, unit, name, factor, digits in (
        (mark("carbon"), "t CO2e", "carbon_kg", 1e-3, 1),
        (mark("cost"), one.scenario.market.currency, "cost", 1.0, 0),
    ):
        ours, theirs = (wording.number(getattr(plan.baseline_figures, name) * factor, digits) for plan in (one, other))
        if ours != theirs:
            yield label, unit, ours, theirs


def scenario_changes(runs: Mapping[str, str], plans: Mapping[str, Plan]) -> list[dict[str, str]]:
    """Differences between the scenarios: a row for each key and series, a column for each plan."""
    run, *_ = runs.values()
    ours, *_ = plans.values()
    remaining = list(runs.items())[1:]
    rows: dict[str, dict[str, str]] = {}
    for letter, other in remaining:
        outcome = between(run, other)
        entries = [(change.key, change.before, change.after) for change in outcome.keys]
        entries += [
            (tr("{series}, mean [{unit}]", series=s.name, unit=s.unit), round(s.before, 4), round(s.after, 4))
            for s in outcome.series
        ]
        for key, before, after in entries:
            texts = [_short(_locks(plan, key, value)) for plan, value in ((ours, before), (plans[letter], after))]
            row = rows.setdefault(key, {"": key} | dict.fromkeys(plans, texts[0]))
            row[letter] = texts[1]
    return list(rows.values())


def _locks(plan: Plan, key: str, value: Any) -> Any:
    """Format locks in words; return any other value unchanged."""
    if key.split(".")[0] not in ("locks", "run_locks") or value is None:
        return value
    several = value if isinstance(value, list) else [value]
    try:
        return listed(repairs.lock_text(plan.scenario, replan.read_lock(lock)) for lock in several) or NOT_THERE
    except ValueError:  # a part of a lock
        return value


def _short(value: Any) -> str:
    if value is None:
        return NOT_THERE
    text = f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
