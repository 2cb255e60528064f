"""Heats of a plan on the page: a selected one with its stages and slack, and all of them as an editable table.

An edited start or a ticked heat becomes a lock; the plan is then made again around the locks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from emberline.plans.accounts import Ledger, ledger
from emberline.plans.exports import clock_changes
from emberline.plans.plan import Plan, replan
from emberline.plans.why import slack as slacks_of
from emberline.scenarios import Scenario, ScenarioError
from emberline.scenarios.records.orders import Lock
from emberline.ui.pages.result import locks as locking
from emberline.ui.pages.result.accounts import draw
from emberline.ui.text import numbers as local
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr, trn

PICKED = "picked"
"""Name of the selection in the Gantt chart."""
STOPS = {
    "lock": mark("your lock"),
    "started": mark("it has started"),
    "horizon": mark("the horizon"),
    "release": mark("its release, {time}"),
    "due": mark("its due time, {time}"),
    "before": mark("{other} before it"),
    "after": mark("{other} after it"),
    "wait": mark("longest wait after {other}"),
    "wait after": mark("longest wait before {other}"),
    "unit": mark("{other} on the unit"),
    "cast": mark("no gap in the cast ({other})"),
    "outage": mark("unit not available, {time}"),
    "import": mark("import limit, {time}"),
}
"""What limits the move of an operation (``plans/why/slack.py``)."""
SAME_MIN = 1e-6
LOCKED, START = "locked", mark("start")
NAMES = (mark("heat"), mark("order"), mark("grade"), mark("stage"), mark("unit"))
"""Columns that identify an operation."""


@st.cache_resource(max_entries=16, show_spinner=False)
def _costs(run: str, _plan: Plan) -> dict[str, float]:
    assert _plan.replay is not None
    return ledger.heat_costs(_plan.scenario, _plan.replay)


def chart_key(run: str) -> str:
    """Key of the chart in which a heat can be selected; it changes after each choice from the list.

    The browser marks a click itself and keeps its zoom. A choice from the list must be in the chart from the start,
    so it needs a new chart: the old one would keep its click.
    """
    return f"timeline.{run}.{st.session_state.get(f'heat.{run}.listed', 0)}"


def begins_with(run: str) -> tuple[str, ...]:
    """Initially selected heats of the chart: the one chosen last from the list, or those of a sentence."""
    return tuple(st.session_state.get(f"heat.{run}.begins") or ())


def selection(run: str) -> alt.Parameter:
    """What a click on the chart selects: a heat with all of its bars."""
    begins = begins_with(run)
    options: Any = {"value": [{"heat": heat} for heat in begins]} if begins else {}
    return alt.selection_point(PICKED, fields=["heat"], **options)


def mark_bars(run: str, names: Sequence[str]) -> None:
    """Callback: the next chart begins with some heats marked; the first of them is shown."""
    st.session_state[f"heat.{run}"] = names[0]
    _begin(run, names)


def _from_list(run: str) -> None:
    """Callback of a choice from the list: the next chart begins with it."""
    choice = st.session_state[f"heat.{run}"]
    _begin(run, () if choice is None else (choice,))


def _begin(run: str, names: Sequence[str]) -> None:
    state = st.session_state
    state[f"heat.{run}.begins"] = tuple(names)
    state[f"heat.{run}.listed"] = state.get(f"heat.{run}.listed", 0) + 1
    state[f"heat.{run}.clicked"] = None


def keep_selection(run: str) -> None:
    """Let the next chart begin with the heat that is selected, however it was."""
    heat = st.session_state.get(f"heat.{run}")
    _begin(run, () if heat is None else (heat,))


def pick(plan: Plan, run: str, chart: str) -> str | None:
    """Draw the choice of a heat; a click on the chart of this key has the same effect. None: no selection."""
    names = [heat.name for heat in plan.scenario.heats]
    place, last = f"heat.{run}", f"heat.{run}.clicked"
    event: Any = st.session_state.get(chart) or {}
    points = event.get("selection", {}).get(PICKED) or []
    clicked = next((point.get("heat") for point in points), None)
    if clicked != st.session_state.get(last):  # the latest input wins
        st.session_state[last] = clicked
        st.session_state[place] = clicked if clicked in names else None
    return st.selectbox(
        tr("Heat"), names, index=None, key=place, placeholder=tr("click a heat, or choose"), width=220,
        on_change=_from_list, args=(run,), label_visibility="collapsed",
    )  # fmt: skip


def show(plan: Plan, run: str, book: Ledger, heat: str) -> None:
    """Draw one heat: energy, carbon, cost, stages and their slack."""
    assert plan.replay is not None
    scenario = plan.scenario
    batch = next(item for item in scenario.heats if item.name == heat)
    signal = scenario.goal.signal
    with st.container(border=True):
        says, action = st.columns([5, 2], vertical_alignment="center")
        parts = [heat, batch.grade.name, tr("order {order}", order=batch.order), f"{batch.grade.mass_t:g} t"]
        says.text(" · ".join(parts))
        mine = plan.replay["op_heat"].values == heat
        electricity = float(plan.replay["op_energy_mwh"].to_numpy()[mine].sum())
        kg, cost = float(book.of_heat(signal).sel(heat=heat)), _costs(run, plan)[heat]
        texts = [
            tr("{amount} MWh of electricity", amount=wording.number(electricity)),
            tr(
                "{amount} t CO2e, scope 1 and 2, {signal}",
                amount=wording.number(kg / 1000, 2), signal=tr(wording.SIGNALS[signal]),
            ),
            tr("{amount} {unit} for energy and carbon", amount=wording.number(cost, 0), unit=scenario.market.currency),
        ]  # fmt: skip
        says.text(";  ".join(texts))
        with action:
            _lock_button(plan, run, heat)
        draw(_stages(plan, heat), {tr("waited [min]"): 0, tr("electricity [MWh]"): 1})
        st.caption(
            tr(
                "Slack: how far a stage can move with everything else as planned; PV, battery and reheating stay. "
                "Energy and carbon are the heat's share of the ledger, cost its share of the energy bought; "
                "demand charges are not allocated to heats."
            )
        )


def _lock_button(plan: Plan, run: str, heat: str) -> None:
    """Lock the heat at its place, or unlock it; the next plan respects it."""
    key = locking.key_of(run, plan)
    now = locking.current(key, plan)
    mine = [lock for lock in now if lock.heat == heat]
    if mine:
        if st.button(tr("Unlock"), width="stretch", key=f"unlock.{run}.{heat}"):
            locking.hold(key, tuple(lock for lock in now if lock.heat != heat))
            st.rerun()
        return
    stage = replan.first_stage(plan.scenario, heat)
    if stage and st.button(
        tr("Lock its start"), width="stretch", key=f"lock.{run}.{heat}",
        help=tr("The next plan keeps its first stage in place; all locks are listed at the side."),
    ):  # fmt: skip
        assert plan.schedule is not None
        locking.hold(key, (*now, replan.lock(plan.scenario, plan.schedule, heat, stage)))
        st.rerun()


def _stages(plan: Plan, heat: str) -> pd.DataFrame:
    assert plan.replay is not None
    run, horizon = plan.replay, plan.scenario.horizon
    clock = wording.moment if clock_changes.clocks_change(horizon) else local.clock
    margins = slacks_of.slacks(plan.scenario, run, heat)
    names = ("heat", "stage", "unit", "start_min", "end_min", "waited_min", "energy_mwh")
    rows = []
    for of, stage, unit, start, end, waited, energy in zip(
        *(run[f"op_{name}"].values.tolist() for name in names), strict=True
    ):
        if of == heat:
            slack = margins[stage]
            rows.append(
                {
                    tr("stage"): stage,
                    tr("unit"): unit,
                    tr("start [{zone}]", zone=horizon.zone): clock(horizon.instant(start)),
                    tr("end"): clock(horizon.instant(end)),
                    tr("waited [min]"): waited,
                    tr("electricity [MWh]"): energy,
                    tr("earlier by"): _moves(plan.scenario, slack, earlier=True),
                    tr("later by"): _moves(plan.scenario, slack, earlier=False),
                }
            )
    return pd.DataFrame(rows)


def _moves(scenario: Scenario, slack: slacks_of.Slack, earlier: bool) -> str:
    minutes, stop = (slack.earlier_min, slack.earlier) if earlier else (slack.later_min, slack.later)
    return f"{wording.number(math.floor(minutes + SAME_MIN), 0)} min: {stops(scenario, stop)}"


def stops(scenario: Scenario, stop: slacks_of.Stop) -> str:
    """What limits an operation, in words."""
    instant = None if math.isnan(stop.at_min) else scenario.horizon.instant(stop.at_min)
    at = "" if instant is None else f"{instant:%H:%M}"
    if instant is not None and clock_changes.clocks_change(scenario.horizon):
        at = f"{at} {local.offset(instant)}"
    return tr(STOPS[stop.kind], other=stop.other, time=at)


def edit(plan: Plan, run: str) -> None:
    """Draw all heats as a table with editable starts and locks, and plan again around them."""
    scenario = plan.scenario
    now = locking.current(locking.key_of(run, plan), plan)
    before = table(plan, now)
    numbers = {
        mark("moved [min]"): ("%+.0f", tr("Compared with the baseline")),
        "waited [min]": ("%.0f", tr("In addition to the transfer")),
    }
    columns: dict[str, Any] = {name: st.column_config.TextColumn(tr(name)) for name in NAMES}
    columns |= {
        name: st.column_config.NumberColumn(tr(name), format=form, help=says) for name, (form, says) in numbers.items()
    }
    columns["electricity [MWh]"] = st.column_config.NumberColumn(tr("electricity [MWh]"), format="%.1f")
    columns[LOCKED] = st.column_config.CheckboxColumn(tr("locked"), help=tr("Keeps this start in the next plan"))
    # the browser writes Z as the offset of the zone at that time
    form = tr("ddd D MMM HH:mm Z") if clock_changes.clocks_change(scenario.horizon) else tr("ddd D MMM HH:mm")
    zone, ends = scenario.horizon.zone, (0.0, scenario.horizon.length_min)
    # the browser rejects anything outside, such as a year of six digits
    first, last = (scenario.horizon.instant(at).astimezone(UTC).replace(tzinfo=None) for at in ends)
    for name in (START, "end"):
        columns[name] = st.column_config.DatetimeColumn(
            f"{tr(name)} [{zone}]", format=form, timezone=zone, step=60, required=True,
            min_value=first if name == START else None, max_value=last if name == START else None,
        )  # fmt: skip
    after = st.data_editor(
        before, hide_index=True, key=_table_key(run, scenario), column_config=columns,
        height=min(35 * (len(before) + 1) + 3, 640),
        disabled=[name for name in before.columns if name not in (LOCKED, START)],
    )  # fmt: skip
    changed = changes(scenario, before, after)
    says, action = st.columns([5, 2], vertical_alignment="center")
    if not any(changed):
        says.caption(tr("Change a start or tick a heat to lock it, then plan again. Times are local."))
        action.button(tr("Lock and plan again"), disabled=True, width="stretch", key=f"again.{run}")
        return
    locked, freed = changed
    parts = [trn("{count} to lock", "{count} to lock", len(locked))] if locked else []
    parts += [trn("{count} lock to remove", "{count} locks to remove", len(freed))] if freed else []
    says.text("; ".join(parts))
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


def _table_key(run: str, scenario: Scenario) -> str:
    """Key of the table; it changes if a start is outside the horizon, which resets the table."""
    count = f"heats.{run}.refused"
    key = f"heats.{run}.{st.session_state.get(count, 0)}"
    edits = (st.session_state.get(key) or {}).get("edited_rows", {})
    starts = [str(cells[START]) for cells in edits.values() if cells.get(START) is not None]
    outside = [start for start in starts if not within(start, scenario)]
    if not outside:
        return key
    st.session_state[count] = st.session_state.get(count, 0) + 1
    says = tr("{time} is outside the plan; changes that are not planned yet were undone.", time=outside[0][:40])
    st.warning(says)
    return f"heats.{run}.{st.session_state[count]}"


def within(start: str, scenario: Scenario) -> bool:
    """Whether a time sent by the browser is within the horizon; years may have any number of digits."""
    try:
        at = datetime.fromisoformat(start.replace("Z", "+00:00"))
        at = at if at.tzinfo is not None else at.replace(tzinfo=scenario.horizon.tz)
        return 0 <= scenario.horizon.minutes(at) <= scenario.horizon.length_min
    except (ValueError, OverflowError):
        return False


def table(plan: Plan, locks: tuple[Lock, ...]) -> pd.DataFrame:
    """A row per operation by start time, with locks; times in the plant's zone."""
    assert plan.replay is not None
    scenario, horizon = plan.scenario, plan.scenario.horizon
    heats = {heat.name: heat for heat in scenario.heats}
    names = ("heat", "stage", "unit", "start_min", "end_min", "waited_min", "energy_mwh")
    frame = pd.DataFrame({name: plan.replay[f"op_{name}"].values.tolist() for name in names})
    columns = (plan.baseline[f"op_{name}"].values.tolist() for name in ("heat", "stage", "start_min"))
    baseline = {(heat, stage): start for heat, stage, start in zip(*columns, strict=True)}
    keys = list(zip(frame["heat"], frame["stage"], strict=True))
    locked = {(lock.heat, lock.stage) for lock in locks}
    frame[LOCKED] = [key in locked for key in keys]
    frame["order"] = [heats[heat].order for heat in frame["heat"]]
    frame["grade"] = [heats[heat].grade.name for heat in frame["heat"]]
    frame["moved [min]"] = [
        start - baseline.get(key, start) for key, start in zip(keys, frame["start_min"], strict=True)
    ]
    for name in (START, "end"):
        instants = [horizon.instant(at) for at in frame[f"{name}_min"]]
        frame[name] = pd.to_datetime(instants, utc=True).tz_convert(horizon.zone)
    frame = frame.sort_values(["start_min", "unit"], ignore_index=True)
    frame = frame.rename(columns={"waited_min": "waited [min]", "energy_mwh": "electricity [MWh]"})
    order = [LOCKED, "heat", "order", "grade", "stage", "unit", START, "end", "moved [min]", "waited [min]"]
    return frame[[*order, "electricity [MWh]"]]


Changes = tuple[dict[replan.Operation, float], list[replan.Operation]]
"""Starts to lock [min] by heat and stage, and operations to unlock."""


def changes(scenario: Scenario, before: pd.DataFrame, after: pd.DataFrame) -> Changes:
    """Changes made in the table; a changed start is locked too, unless its tick was removed."""
    locked: dict[replan.Operation, float] = {}
    freed: list[replan.Operation] = []
    for old, new in zip(before.to_dict("records"), after.to_dict("records"), strict=True):
        key = str(old["heat"]), str(old["stage"])
        moved = not pd.isna(new[START]) and abs((new[START] - old[START]).total_seconds()) > 1
        if old[LOCKED] and not new[LOCKED]:
            freed.append(key)
        elif moved or (new[LOCKED] and not old[LOCKED]):
            start = new[START] if moved else old[START]
            locked[key] = scenario.horizon.minutes(pd.Timestamp(start).to_pydatetime())
    return locked, freed


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
    rest = tuple(lock for lock in now if (lock.heat, lock.stage) not in freed)
    return replan.pinned(plan.scenario.model_copy(update={"locks": rest}), additions)
