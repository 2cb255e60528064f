"""Heats of a plan on the page: one that is picked with its stages and their slack, and all of them as a table to edit.

A start that is edited, or a heat that is ticked, is locked; the plan is made again around what is locked.
"""

from __future__ import annotations

import math
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
"""What stops an operation that is moved (``plans/why/slack.py``)."""
SAME_MIN = 1e-6
LOCKED, START = "locked", mark("start")
NAMES = (mark("heat"), mark("order"), mark("grade"), mark("stage"), mark("unit"))
"""Columns that tell which operation it is."""


@st.cache_resource(max_entries=16, show_spinner=False)
def _costs(run: str, _made: Plan) -> dict[str, float]:
    assert _made.replay is not None
    return ledger.heat_costs(_made.scenario, _made.replay)


def chart_key(run: str) -> str:
    """Key of the chart in which a heat may be picked: another one after each choice from the list.

    The browser marks what is clicked by itself, and keeps its zoom. What is chosen from the list the chart begins with,
    so that it must be another chart: the old one would keep its click.
    """
    return f"timeline.{run}.{st.session_state.get(f'heat.{run}.listed', 0)}"


def begins_with(run: str) -> str | None:
    """The heat that the chart is drawn with as picked: what was chosen from the list last."""
    found = st.session_state.get(f"heat.{run}.begins")
    return None if found is None else str(found)


def selection(run: str) -> alt.Parameter:
    """What a click on the chart selects: a heat, with all of its bars."""
    begins = begins_with(run)
    given: Any = {} if begins is None else {"value": [{"heat": begins}]}
    return alt.selection_point(PICKED, fields=["heat"], **given)


def _from_list(run: str) -> None:
    """A heat was chosen from the list, or none: the next chart begins with it."""
    state = st.session_state
    state[f"heat.{run}.begins"] = state[f"heat.{run}"]
    state[f"heat.{run}.listed"] = state.get(f"heat.{run}.listed", 0) + 1
    state[f"heat.{run}.clicked"] = None


def pick(made: Plan, run: str) -> str | None:
    """Draw the choice of a heat; a click on the chart is the same choice. None: none is picked."""
    names = [heat.name for heat in made.scenario.heats]
    place, seen = f"heat.{run}", f"heat.{run}.clicked"
    event: Any = st.session_state.get(chart_key(run)) or {}
    points = event.get("selection", {}).get(PICKED) or []
    clicked = next((point.get("heat") for point in points), None)
    if clicked != st.session_state.get(seen):  # the last who spoke is heard
        st.session_state[seen] = clicked
        st.session_state[place] = clicked if clicked in names else None
    place_of, _ = st.columns([3, 5])
    return place_of.selectbox(
        tr("Heat"), names, index=None, key=place, placeholder=tr("click one below, or choose"),
        on_change=_from_list, args=(run,), help=tr("Its times, energy, carbon, cost, and how far each stage may move"),
    )  # fmt: skip


def show(made: Plan, run: str, book: Ledger, heat: str) -> None:
    """Draw one heat: what it takes, its stages, how far each may move and what stops it."""
    assert made.replay is not None
    scenario = made.scenario
    known = next(item for item in scenario.heats if item.name == heat)
    signal = scenario.goal.signal
    with st.container(border=True):
        says, action = st.columns([5, 2], vertical_alignment="center")
        parts = [heat, known.grade.name, tr("order {order}", order=known.order), f"{known.grade.mass_t:g} t"]
        says.text(" · ".join(parts))
        mine = made.replay["op_heat"].values == heat
        electricity = float(made.replay["op_energy_mwh"].to_numpy()[mine].sum())
        kg, cost = float(book.of_heat(signal).sel(heat=heat)), _costs(run, made)[heat]
        told = [
            tr("{amount} MWh of electricity", amount=wording.number(electricity)),
            tr(
                "{amount} t CO2e, scope 1 and 2, {signal}",
                amount=wording.number(kg / 1000, 2), signal=tr(wording.SIGNALS[signal]),
            ),
            tr("{amount} {unit} for energy and carbon", amount=wording.number(cost, 0), unit=scenario.market.currency),
        ]  # fmt: skip
        says.text(";  ".join(told))
        with action:
            _lock_button(made, run, heat)
        draw(_stages(made, heat), {tr("waited [min]"): 0, tr("electricity [MWh]"): 1})
        st.caption(
            tr(
                "Slack: how far a stage may move with all else as planned; PV, battery and reheating stay. Energy and "
                "carbon are the ledger's share of the heat, cost that of what the site buys; charges on peaks are no "
                "heat's."
            )
        )


def _lock_button(made: Plan, run: str, heat: str) -> None:
    """Lock the heat where it is, or take its locks back; the next plan keeps to it."""
    key = locking.key_of(run, made)
    now = locking.held(key, made)
    mine = [lock for lock in now if lock.heat == heat]
    if mine:
        if st.button(tr("Take its locks back"), width="stretch", key=f"unlock.{run}.{heat}"):
            locking.hold(key, tuple(lock for lock in now if lock.heat != heat))
            st.rerun()
        return
    stage = replan.first_stage(made.scenario, heat)
    if stage and st.button(
        tr("Lock its start"), width="stretch", key=f"lock.{run}.{heat}",
        help=tr("What is planned next keeps its first stage where it is; the side lists all locks."),
    ):  # fmt: skip
        assert made.schedule is not None
        locking.hold(key, (*now, replan.lock(made.scenario, made.schedule, heat, stage)))
        st.rerun()


def _stages(made: Plan, heat: str) -> pd.DataFrame:
    assert made.replay is not None
    run, horizon = made.replay, made.scenario.horizon
    clock = wording.moment if clock_changes.clocks_change(horizon) else local.clock
    found = slacks_of.slacks(made.scenario, run, heat)
    names = ("heat", "stage", "unit", "start_min", "end_min", "waited_min", "energy_mwh")
    rows = []
    for of, stage, unit, start, end, waited, energy in zip(
        *(run[f"op_{name}"].values.tolist() for name in names), strict=True
    ):
        if of == heat:
            slack = found[stage]
            rows.append(
                {
                    tr("stage"): stage,
                    tr("unit"): unit,
                    tr("start [{zone}]", zone=horizon.zone): clock(horizon.instant(start)),
                    tr("end"): clock(horizon.instant(end)),
                    tr("waited [min]"): waited,
                    tr("electricity [MWh]"): energy,
                    tr("earlier by"): _moves(made.scenario, slack, earlier=True),
                    tr("later by"): _moves(made.scenario, slack, earlier=False),
                }
            )
    return pd.DataFrame(rows)


def _moves(scenario: Scenario, slack: slacks_of.Slack, earlier: bool) -> str:
    minutes, stop = (slack.earlier_min, slack.earlier) if earlier else (slack.later_min, slack.later)
    return f"{wording.number(math.floor(minutes + SAME_MIN), 0)} min: {stops(scenario, stop)}"


def stops(scenario: Scenario, stop: slacks_of.Stop) -> str:
    """What stops an operation, in words."""
    instant = None if math.isnan(stop.at_min) else scenario.horizon.instant(stop.at_min)
    at = "" if instant is None else f"{instant:%H:%M}"
    if instant is not None and clock_changes.clocks_change(scenario.horizon):
        at = f"{at} {local.offset(instant)}"
    return tr(STOPS[stop.kind], other=stop.other, time=at)


def edit(made: Plan, run: str) -> None:
    """Draw all heats as a table in which starts and locks may be changed, and plan again around them."""
    scenario = made.scenario
    now = locking.held(locking.key_of(run, made), made)
    before = table(made, now)
    numbers = {
        mark("moved [min]"): ("%+.0f", tr("Against the baseline")),
        "waited [min]": ("%.0f", tr("Beyond the transfer")),
    }
    columns: dict[str, Any] = {name: st.column_config.TextColumn(tr(name)) for name in NAMES}
    columns |= {
        name: st.column_config.NumberColumn(tr(name), format=form, help=says) for name, (form, says) in numbers.items()
    }
    columns["electricity [MWh]"] = st.column_config.NumberColumn(tr("electricity [MWh]"), format="%.1f")
    columns[LOCKED] = st.column_config.CheckboxColumn(tr("locked"), help=tr("Starts there, whatever else is planned"))
    # the browser writes Z as the offset of the zone at that time
    form = tr("ddd D MMM HH:mm Z") if clock_changes.clocks_change(scenario.horizon) else tr("ddd D MMM HH:mm")
    zone, ends = scenario.horizon.zone, (0.0, scenario.horizon.length_min)
    # the browser takes nothing outside them, such as a year of six digits
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
        says.caption(
            tr("Change a start or tick a heat to lock it; then plan again around what is locked. Times are local.")
        )
        action.button(tr("Lock and plan again"), disabled=True, width="stretch", key=f"again.{run}")
        return
    locked, freed = changed
    told = [trn("{count} to lock", "{count} to lock", len(locked))] if locked else []
    told += [trn("{count} lock to take back", "{count} locks to take back", len(freed))] if freed else []
    says.text("; ".join(told))
    pressed = action.button(tr("Lock and plan again"), type="primary", width="stretch", key=f"again.{run}")
    try:
        wanted = with_changes(made, now, locked, freed)
        replan.with_locks(scenario, wanted)
        if pressed:
            locking.plan_again(run, made, wanted)
            st.rerun()
    except ScenarioError as error:
        with st.container(border=True):
            st.markdown(f"**{tr('This cannot be locked.')}** {tr('Change what these lines name, in the table above:')}")
            st.text("\n".join(f"✕ {problem.says}" for problem in error.problems))
    except RuntimeError as error:
        st.warning(str(error))


def _table_key(run: str, scenario: Scenario) -> str:
    """Key of the table: another one where it has a start outside the horizon, so that it begins without its changes."""
    count = f"heats.{run}.refused"
    key = f"heats.{run}.{st.session_state.get(count, 0)}"
    edits = (st.session_state.get(key) or {}).get("edited_rows", {})
    starts = [str(cells[START]) for cells in edits.values() if cells.get(START) is not None]
    outside = [start for start in starts if not within(start, scenario)]
    if not outside:
        return key
    st.session_state[count] = st.session_state.get(count, 0) + 1
    says = tr(
        "{time} lies outside the plan; the changes that were not planned yet are taken back.", time=outside[0][:40]
    )
    st.warning(says)
    return f"heats.{run}.{st.session_state[count]}"


def within(start: str, scenario: Scenario) -> bool:
    """Whether a time that the browser has sent lies within the horizon; years may have any number of digits."""
    try:
        at = datetime.fromisoformat(start.replace("Z", "+00:00"))
        at = at if at.tzinfo is not None else at.replace(tzinfo=scenario.horizon.tz)
        return 0 <= scenario.horizon.minutes(at) <= scenario.horizon.length_min
    except (ValueError, OverflowError):
        return False


def table(made: Plan, locks: tuple[Lock, ...]) -> pd.DataFrame:
    """A row for each operation by its start, with what is locked; times in the plant's zone."""
    assert made.replay is not None
    scenario, horizon = made.scenario, made.scenario.horizon
    heats = {heat.name: heat for heat in scenario.heats}
    names = ("heat", "stage", "unit", "start_min", "end_min", "waited_min", "energy_mwh")
    frame = pd.DataFrame({name: made.replay[f"op_{name}"].values.tolist() for name in names})
    columns = (made.baseline[f"op_{name}"].values.tolist() for name in ("heat", "stage", "start_min"))
    baseline = {(heat, stage): start for heat, stage, start in zip(*columns, strict=True)}
    keys = list(zip(frame["heat"], frame["stage"], strict=True))
    held = {(lock.heat, lock.stage) for lock in locks}
    frame[LOCKED] = [key in held for key in keys]
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
    shown = [LOCKED, "heat", "order", "grade", "stage", "unit", START, "end", "moved [min]", "waited [min]"]
    return frame[[*shown, "electricity [MWh]"]]


Changes = tuple[dict[replan.Operation, float], list[replan.Operation]]
"""Starts to lock [min] by heat and stage, and operations whose locks are taken back."""


def changes(scenario: Scenario, before: pd.DataFrame, after: pd.DataFrame) -> Changes:
    """What was changed in the table: a start that differs is locked too, unless its tick was taken away."""
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
    made: Plan, now: tuple[Lock, ...], locked: dict[replan.Operation, float], freed: list[replan.Operation]
) -> tuple[Lock, ...]:
    """The locks that hold after the changes.

    Raises:
        ScenarioError: an operation cannot be locked.
    """
    assert made.schedule is not None
    wanted = [
        replan.lock(made.scenario, made.schedule, heat, stage, round(start, 3))
        for (heat, stage), start in locked.items()
    ]
    left = tuple(lock for lock in now if (lock.heat, lock.stage) not in freed)
    return replan.pinned(made.scenario.model_copy(update={"locks": left}), wanted)
