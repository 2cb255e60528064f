"""Heats of a plan on the page: a selected one with its stages and slack, and all of them as an editable table.

An edited start or a ticked heat becomes a lock; the plan is then made again around the locks.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from emberline.planning.accounts import Ledger, ledger
from emberline.planning.plan import Plan, replan
from emberline.reports.exports import tables
from emberline.reports.text import mark, moment, say, tr, trn, wording
from emberline.reports.text import numbers as local
from emberline.reports.text.activities import OPERATION, replay_of
from emberline.reports.text.activities import columns as columns_of
from emberline.reports.text.studies import moves
from emberline.scenarios import Scenario, ScenarioError
from emberline.scenarios.goal_metrics import goal_first
from emberline.scenarios.records.orders import Lock
from emberline.studies.board import HeatBoard
from emberline.studies.why import slack as slacks_of
from emberline.ui.pages.result import board
from emberline.ui.pages.result import repairs as locking
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, navigation, widgets
from emberline.ui.pages.session.widgets import caption

LOCKED, START, AT_MIN = "locked", mark("start"), "start_min"
FIGURES = MOVED, WAITED, ELECTRICITY = mark("moved [min]"), mark("waited [min]"), mark("electricity [MWh]")
NAMES = (mark("heat"), mark("order"), mark("grade"), mark("stage"), mark("unit"))
"""Columns that identify an operation."""


def _from_list(run: str) -> None:
    """Callback of a choice from the list: it alone stands out."""
    choice = st.session_state[f"heat.{run}"]
    st.session_state[f"heat.{run}.begins"] = () if choice is None else (choice,)
    st.session_state[f"heat.{run}.stage"] = None


def pick(plan: Plan, run: str) -> str | None:
    """Draw the choice of a heat; a click on the board has the same effect. None: no selection."""
    names = [heat.name for heat in plan.scenario.heats]
    return st.selectbox(
        tr("Heat"), names, index=None, key=f"heat.{run}", placeholder=tr("click a heat, or choose"), width=220,
        on_change=_from_list, args=(run,), label_visibility="collapsed",
    )  # fmt: skip


def show(plan: Plan, run: str, book: Ledger, heat: str | None) -> None:
    """Draw one heat: energy, carbon, cost, stages and their slack; nothing where none is selected."""
    if heat is None:
        return
    scenario, operations = plan.scenario, columns_of(replay_of(plan), "op", ("heat", "energy_mwh"))
    batch = next(item for item in scenario.heats if item.name == heat)
    signal = scenario.goal.signal
    with st.container(border=True):
        text, action = st.columns([5, 2], vertical_alignment="center")
        parts = [heat, batch.grade.name, tr("order {order}", order=batch.order), f"{batch.grade.mass_t:g} t"]
        if batch.due_min < scenario.horizon.length_min:
            parts.append(tr("due {time}", time=wording.moment(scenario.horizon.instant(batch.due_min))))
        text.text(" · ".join(parts))
        electricity = sum(energy for name, energy in operations if name == heat)
        costs = chart_cache.value(("costs of heats", run), lambda: ledger.heat_costs(scenario, replay_of(plan)))
        kg, cost = float(book.of_heat(signal).sel(heat=heat)), costs[heat]
        of_carbon = tr(
            "{amount} t CO2e, scope 1 and 2, {signal}",
            amount=wording.number(kg / 1000, 2), signal=tr(wording.SIGNALS[signal]),
        )  # fmt: skip
        money = scenario.market.currency
        of_cost = tr("{amount} {unit} for energy and carbon", amount=wording.number(cost, 0), unit=money)
        texts = [tr("{amount} MWh of electricity", amount=wording.number(electricity))]
        text.text(";  ".join([*texts, *goal_first(scenario, of_carbon, of_cost)]))
        with action:
            _lock_button(plan, run, heat)
            if st.button(tr("Why here?"), width="stretch", key=f"why.{run}.{heat}"):
                stage = st.session_state.get(f"heat.{run}.stage")
                asks = {f"why.about.{run}": "heat", f"why.heat.{run}": heat, f"why.stage.{run}": stage}
                navigation.analyse("why", **asks)
            locked = any(lock.heat == heat for lock in plan.scenario.locks)
            if locked and st.button(tr("What the locks cost"), width="stretch", key=f"price.{run}.{heat}"):
                navigation.analyse("locks")
        draw(_stages(plan, heat), {tr(WAITED): 0, tr(ELECTRICITY): 1})
        _what_if(plan, run, heat)
        caption(
            "Slack: how far a stage can move with everything else as planned; PV, battery and reheating stay. "
            "Energy and carbon are the heat's share of the ledger, cost its share of the energy bought; "
            "demand charges are not allocated to heats."
        )


def _lock_button(plan: Plan, run: str, heat: str) -> None:
    """Lock the heat at its place, or unlock it; the next plan respects it."""
    now = locking.on_heats(run, plan)
    mine = [lock for lock in now if lock.heat == heat]
    if mine:
        if st.button(tr("Unlock"), width="stretch", key=f"unlock.{run}.{heat}"):
            board.hold(plan, run, tuple(lock for lock in now if lock.heat != heat))
            st.rerun()
        return
    stage = replan.first_stage(plan.scenario, heat)
    if stage and st.button(
        tr("Lock its start"), width="stretch", key=f"lock.{run}.{heat}",
        help=tr("The next plan keeps its first stage in place; all locks are listed at the side."),
    ):  # fmt: skip
        assert plan.schedule is not None
        board.hold(plan, run, (*now, replan.lock(plan.scenario, plan.schedule, heat, stage)))
        st.rerun()


def _what_if(plan: Plan, run: str, heat: str) -> None:
    """A start that is written, or another unit: what is in the way there, and a button that locks it."""
    lines = board.of_run(run, plan)
    stages = [stage for name, stage in lines.key_of if name == heat] if isinstance(lines, HeatBoard) else []
    if not isinstance(lines, HeatBoard) or not stages:
        return
    which, where, when, action = st.columns([2, 2, 2, 2], vertical_alignment="bottom")
    stage = which.selectbox(tr("What if"), stages, key=f"if.stage.{run}.{heat}")
    key = lines.key_of[heat, stage]
    here, step = lines.place(key), lines.problem.step_min
    units = lines.units(key)
    unit = where.selectbox(
        tr("on"), units, index=units.index(here[0]) if here[0] in units else 0,
        format_func=lambda u: lines.problem.units[u], key=f"if.unit.{run}.{heat}.{stage}",
    )  # fmt: skip
    offset = lines.offset_min(heat, key, unit)
    at = here[1] * step + lines.offset_min(heat, key, here[0])
    text = when.text_input(
        tr("starts at"), value="", placeholder=moment.short(at, plan.scenario.horizon), max_chars=moment.LONGEST,
        key=f"if.at.{run}.{heat}.{stage}", help=tr(moment.HOW),
    )  # fmt: skip
    if not text.strip() and unit == here[0]:
        return
    try:
        start = moment.on_step(text, plan.scenario.horizon, at) if text.strip() else at
    except ValueError as error:
        st.text(f"✕ {error}")
        return
    place = unit, round((start - offset) / step)
    if action.button(tr("Lock it there"), key=f"if.lock.{run}.{heat}", width="stretch"):
        try:
            board.pin(plan, run, lines.lock(key, place))
        except ScenarioError as error:
            st.text("\n".join(f"✕ {problem.says}" for problem in error.problems))
            return
        st.rerun()
    reasons = lines.in_the_way(key, place)
    sentence = tr("{time} on {unit}", time=moment.short(start, plan.scenario.horizon), unit=lines.problem.units[unit])
    if reasons:
        st.text("\n".join([f"{sentence}:", *(f"! {wording.sentence(say(reason))}" for reason in reasons)]))
    else:
        st.text(tr("{place}: nothing is in the way, with all other heats where they are.", place=sentence))


def _stages(plan: Plan, heat: str) -> pd.DataFrame:
    run, horizon = replay_of(plan), plan.scenario.horizon
    clock = wording.moment if horizon.clocks_change else local.clock
    margins = slacks_of.slacks(plan.scenario, run, heat)
    rows = []
    for of, stage, unit, start, end, waited, energy in columns_of(run, "op", OPERATION):
        if of == heat:
            slack = margins[stage]
            rows.append(
                {
                    tr("stage"): stage,
                    tr("unit"): unit,
                    tr("start [{zone}]", zone=horizon.zone): clock(horizon.instant(start)),
                    tr("end"): clock(horizon.instant(end)),
                    tr(WAITED): waited,
                    tr(ELECTRICITY): energy,
                    tr("earlier by"): moves(plan.scenario, slack, earlier=True),
                    tr("later by"): moves(plan.scenario, slack, earlier=False),
                }
            )
    return pd.DataFrame(rows)


def edit(plan: Plan, run: str) -> None:
    """Draw all heats as a table with editable starts and locks, and plan again around them."""
    scenario = plan.scenario
    now = locking.on_heats(run, plan)
    locks_now = (lock.model_dump_json() for lock in now)
    before = chart_cache.value(("heats", run, *locks_now), lambda: table(plan, now))
    number, text, zone = st.column_config.NumberColumn, st.column_config.TextColumn, scenario.horizon.zone
    start = text(f"{tr(START)} [{zone}]", max_chars=moment.LONGEST, required=True, help=tr(moment.HOW))
    columns: dict[str, Any] = {name: text(tr(name)) for name in NAMES} | {
        LOCKED: st.column_config.CheckboxColumn(tr("locked"), help=tr("Keeps this start in the next plan")),
        START: start,
        "end": text(f"{tr('end')} [{zone}]"),
        "due": text(tr("due")),
        MOVED: number(tr(MOVED), format="%+.0f", help=tr("Compared with the baseline")),
        WAITED: number(tr(WAITED), format="%.0f", help=tr("In addition to the transfer")),
        ELECTRICITY: number(tr(ELECTRICITY), format="%.1f"),
        AT_MIN: None,  # hidden
    }
    after = st.data_editor(
        before, hide_index=True, key=f"heats.{run}", column_config=columns,
        height=widgets.height(len(before)),
        disabled=[name for name in before.columns if name not in (LOCKED, START)],
    )  # fmt: skip
    locked, freed, faults = changes(scenario, before, after)
    if faults:
        st.text("\n".join(f"✕ {line}" for line in faults))
    sentence, action = st.columns([5, 2], vertical_alignment="center")
    if faults or not (locked or freed):
        sentence.caption(tr("Change a start or tick a heat to lock it, then plan again. Times are local."))
        action.button(tr("Lock and plan again"), disabled=True, width="stretch", key=f"again.{run}")
        return
    parts = [trn("{count} to lock", "{count} to lock", len(locked))] if locked else []
    parts += [trn("{count} lock to remove", "{count} locks to remove", len(freed))] if freed else []
    sentence.text("; ".join(parts))
    pressed = action.button(tr("Lock and plan again"), type="primary", width="stretch", key=f"again.{run}")
    try:
        locks = with_changes(plan, now, locked, freed)
        replan.with_locks(scenario, locks)
        if pressed:
            locking.plan_again(run, plan, locks)
            st.rerun()
    except ScenarioError as error:
        with st.container(border=True):
            st.markdown(f"**{tr('This cannot be locked.')}** {tr('Change these rows in the table above:')}")
            st.text("\n".join(f"✕ {problem.says}" for problem in error.problems))
    except RuntimeError as error:
        st.warning(str(error))


def table(plan: Plan, locks: tuple[Lock, ...]) -> pd.DataFrame:
    """A row per operation by start time, with locks; times in the plant's zone, as a planner writes them."""
    frame, horizon = tables.heat_list(plan), plan.scenario.horizon
    locked = {(lock.heat, lock.stage) for lock in locks}
    frame[LOCKED] = [key in locked for key in zip(frame["heat"], frame["stage"], strict=True)]
    minutes = {name: [horizon.minutes(at) for at in frame[name]] for name in (START, "end", "due")}
    for name, instants in minutes.items():
        frame[name] = [moment.short(at, horizon) for at in instants]
    frame[AT_MIN] = minutes[START]
    frame.loc[[at >= horizon.length_min for at in minutes["due"]], "due"] = ""  # nobody has asked for a time
    frame = frame.fillna({"moved_min": 0.0})
    frame = frame.rename(columns={"moved_min": MOVED, "waited_min": WAITED, "energy_mwh": ELECTRICITY})
    return frame[[LOCKED, "heat", "order", "grade", "stage", "unit", START, "end", "due", *FIGURES, AT_MIN]]


Changes = tuple[dict[replan.Operation, float], list[replan.Operation], list[str]]
"""Starts to lock [min] by heat and stage, operations to unlock, and a line for each start that cannot be read."""


def changes(scenario: Scenario, before: pd.DataFrame, after: pd.DataFrame) -> Changes:
    """Changes made in the table; a changed start is locked too, unless its tick was removed."""
    locked: dict[replan.Operation, float] = {}
    freed: list[replan.Operation] = []
    faults: list[str] = []
    for old, new in zip(before.to_dict("records"), after.to_dict("records"), strict=True):
        key, at = (str(old["heat"]), str(old["stage"])), float(old[AT_MIN])
        moved = new[START] != old[START] and not pd.isna(new[START])
        if old[LOCKED] and not new[LOCKED]:
            freed.append(key)
        elif moved or (new[LOCKED] and not old[LOCKED]):
            try:
                locked[key] = moment.on_step(str(new[START]), scenario.horizon, at) if moved else at
            except ValueError as error:
                faults.append(f"{' '.join(key)}: {error}")
    return locked, freed, faults


def with_changes(
    plan: Plan, now: tuple[Lock, ...], locked: dict[replan.Operation, float], freed: list[replan.Operation]
) -> tuple[Lock, ...]:
    """The locks after the changes.

    Raises:
        ScenarioError: an operation cannot be locked.
    """
    assert plan.schedule is not None
    additions = [
        replan.lock(plan.scenario, plan.schedule, heat, stage, round(start, 3))
        for (heat, stage), start in locked.items()
    ]
    remaining = tuple(lock for lock in now if (lock.heat, lock.stage) not in freed)
    return replan.pinned(plan.scenario.model_copy(update={"locks": remaining}), additions)
