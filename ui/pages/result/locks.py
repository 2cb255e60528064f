"""What the planner has decided: heats that start at a stage on a unit at their time, whatever else is planned.

The side keeps a list of locks for each scenario, as plain data; none is what the scenario itself says. A stored plan is
planned again around them by a worker, beginning with its own schedule (``plans/plan/replan.py``).
"""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from emberline.plans.jobs import queue
from emberline.plans.plan import Plan, replan
from emberline.scenarios import Scenario
from emberline.scenarios.records.orders import Lock
from emberline.ui.pages.request.sources import note_of
from emberline.ui.pages.session import session
from emberline.ui.text import numbers
from emberline.ui.text.language import tr

KEY = "locks"
"""Among the inputs of a request."""
Told = dict[str, str]
"""A lock as plain data, as an override has it."""


def applied(key: str, original: Scenario, seeds: dict[str, Any]) -> list[Told] | None:
    """Draw the locks at the side, each to be taken back; None: they are the scenario's own.

    Args:
        key: of the scenario among those that may be asked about.
        original: the scenario as it is.
        seeds: what a run was asked with.
    """
    place = _place(key)
    _recall(key)
    kept: list[Told] | None = st.session_state.setdefault(place, seeds.get(KEY))
    shown = [replan.as_set(lock) for lock in original.locks] if kept is None else kept
    if not shown:
        return kept
    widget = f"{place}.list"
    st.session_state[widget] = list(range(len(shown)))

    def taken_back() -> None:
        _keep(key, [shown[i] for i in st.session_state[widget]])

    st.multiselect(
        tr("Locks"), list(range(len(shown))), format_func=lambda i: called(original, Lock.model_validate(shown[i])),
        key=widget, on_change=taken_back, help=tr("What is planned keeps to them; take one back by its cross."),
    )  # fmt: skip
    return kept


def called(scenario: Scenario, lock: Lock) -> str:
    """A lock in a few words: heat, stage, unit, time."""
    horizon = scenario.horizon

    def at(moment: Any) -> str:
        instant = horizon.instant(horizon.minutes(moment))
        day = "" if horizon.length_min <= 25 * 60 else f"{numbers.weekday(instant)} "
        return f"{day}{instant:%H:%M}"

    times = [at(lock.start)] if lock.start is not None else []
    if lock.earliest is not None:
        times.append(tr("from {time}", time=at(lock.earliest)))
    if lock.latest is not None:
        times.append(tr("until {time}", time=at(lock.latest)))
    return " ".join(filter(None, [lock.heat, lock.stage, lock.unit, *times]))


def override(locks: list[Told]) -> str:
    """The override that stands for a list of locks."""
    return f"locks={json.dumps(locks, ensure_ascii=False)}"


def held(key: str, made: Plan) -> tuple[Lock, ...]:
    """The locks that hold now: those of the side, or where it says nothing those of the plan."""
    _recall(key)
    kept = st.session_state.get(_place(key))
    return made.scenario.locks if kept is None else tuple(map(Lock.model_validate, kept))


def hold(key: str, locks: tuple[Lock, ...]) -> None:
    """Keep locks at the side; the next plan keeps to them."""
    _keep(key, [replan.as_set(lock) for lock in locks])


def _keep(key: str, told: list[Told]) -> None:
    """Keep locks at the side and in the address, so that they survive a reload."""
    st.session_state[_place(key)] = told
    session.keep_locks(json.dumps({"of": key, KEY: told}, ensure_ascii=False, separators=(",", ":")))


def _recall(key: str) -> None:
    """Take the locks of the address, where the side has none yet: the page was loaded again."""
    if _place(key) in st.session_state:
        return
    try:
        kept = json.loads(session.locks())
        locks = [replan.as_set(Lock.model_validate(lock)) for lock in kept[KEY]] if kept["of"] == key else None
    except (ValueError, TypeError, KeyError):  # nothing, or what somebody wrote into the address
        return
    if locks is not None:
        st.session_state[_place(key)] = locks


def key_of(run: str, made: Plan) -> str:
    """Of the scenario that a run was asked with, among those that may be asked about."""
    return str(note_of(run).get("scenario", made.scenario.name))


def plan_again(run: str, made: Plan, locks: tuple[Lock, ...]) -> str:
    """Start the worker that plans a stored plan again around locks; the id of the new run.

    Raises:
        ScenarioError: a lock is mistaken.
        RuntimeError: too many jobs wait already.
    """
    replan.with_locks(made.scenario, locks)
    told = [replan.as_set(lock) for lock in locks]
    request, key = queue.request(run), key_of(run, made)
    note = note_of(run)
    note |= {"scenario": key, "inputs": {**dict(note.get("inputs", {})), KEY: told}}
    new = queue.start(
        request.get("scenario"), [*request.get("overrides", []), override(told)], text=request.get("text"), note=note,
        kind="replan", given={"run": run, "locks": told},
    )  # fmt: skip
    hold(key, locks)
    session.choose(new)
    return new


def _place(key: str) -> str:
    return f"{key}.locks"
