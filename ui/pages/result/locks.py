"""Locks of the planner: heats that start at a stage on a unit at a given time, and runs of processes, whatever else is
planned.

The side keeps a list of locks per scenario as plain data; without one, the scenario's locks apply. A worker plans a
stored plan again around them, starting from its schedule (``planning/plan/replan.py``).
"""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from emberline.planning.plan import Plan, replan
from emberline.reports.text import numbers
from emberline.reports.text.language import tr
from emberline.runs.jobs import queue
from emberline.runs.store import StoreError, snapshots
from emberline.scenarios import Scenario, bundled
from emberline.scenarios.records.orders import AnyLock, Lock, RunLock
from emberline.ui.pages.request.sources import note_of
from emberline.ui.pages.session import job_progress, session

KEY = "locks"
"""Key in the inputs of a request."""
LockData = dict[str, str]
"""A lock as plain data, as in an override."""


def applied(key: str, original: Scenario, seeds: dict[str, Any]) -> list[LockData] | None:
    """Draw the locks at the side, each removable; None: those of the scenario apply.

    Args:
        key: of the scenario to choose.
        original: the scenario without changes.
        seeds: inputs of a run.
    """
    place = _place(key)
    _recall(key)
    locks: list[LockData] | None = st.session_state.setdefault(place, seeds.get(KEY))
    entries = [replan.as_set(lock) for lock in replan.all_locks(original)] if locks is None else locks
    if not entries:
        return locks
    widget = f"{place}.list"
    st.session_state[widget] = list(range(len(entries)))

    def on_change() -> None:
        _keep(key, [entries[i] for i in st.session_state[widget]])

    st.multiselect(
        tr("Locks"), list(range(len(entries))),
        format_func=lambda i: lock_text(original, replan.read_lock(entries[i])), key=widget, on_change=on_change,
        help=tr("The next plan respects them; remove one with its cross."),
    )  # fmt: skip
    return locks


def lock_text(scenario: Scenario, lock: AnyLock) -> str:
    """A lock in a few words: heat, stage, unit, time; process, mode, times."""
    horizon = scenario.horizon

    def at(moment: Any) -> str:
        instant = horizon.instant(horizon.minutes(moment))
        day = "" if horizon.length_min <= 25 * 60 else f"{numbers.weekday(instant)} "
        return f"{day}{instant:%H:%M}"

    if isinstance(lock, RunLock):
        until = "" if lock.end is None else f"–{at(lock.end)}"
        return " ".join(filter(None, [lock.process, lock.mode, f"{at(lock.start)}{until}"]))
    times = [at(lock.start)] if lock.start is not None else []
    if lock.earliest is not None:
        times.append(tr("from {time}", time=at(lock.earliest)))
    if lock.latest is not None:
        times.append(tr("until {time}", time=at(lock.latest)))
    return " ".join(filter(None, [lock.heat, lock.stage, lock.unit, *times]))


def current(key: str, plan: Plan) -> tuple[AnyLock, ...]:
    """The locks that apply now: those of the side or, without any, those of the plan."""
    _recall(key)
    locks = st.session_state.get(_place(key))
    return replan.all_locks(plan.scenario) if locks is None else tuple(map(replan.read_lock, locks))


def on_heats(run: str, plan: Plan) -> tuple[Lock, ...]:
    """The locks on heats that apply now."""
    return tuple(lock for lock in current(key_of(run, plan), plan) if isinstance(lock, Lock))


def hold(key: str, locks: tuple[AnyLock, ...]) -> None:
    """Store locks at the side; the next plan respects them."""
    _keep(key, [replan.as_set(lock) for lock in locks])


def _keep(key: str, locks: list[LockData]) -> None:
    """Store locks at the side and in the address, so that they survive a reload."""
    st.session_state[_place(key)] = locks
    session.keep_locks(json.dumps({"of": key, KEY: locks}, ensure_ascii=False, separators=(",", ":")))


def _recall(key: str) -> None:
    """Restore the locks in the address if the side has none: the page was reloaded."""
    if _place(key) in st.session_state:
        return
    try:
        address = json.loads(session.locks())
        locks = [replan.as_set(replan.read_lock(lock)) for lock in address[KEY]] if address["of"] == key else None
    except (ValueError, TypeError, KeyError):  # no locks, or an invalid address
        return
    if locks is not None:
        st.session_state[_place(key)] = locks


def key_of(run: str, plan: Plan) -> str:
    """Key of the scenario of a run among those to choose from."""
    return str(note_of(run).get("scenario", plan.scenario.name))


def plan_again(run: str, plan: Plan, locks: tuple[AnyLock, ...], seconds: float | None = None) -> str:
    """Start the worker that plans a stored plan again around locks; returns the id of the new run.

    Args:
        run, plan: the stored plan.
        locks: all that hold.
        seconds: longest search; None: as long as the scenario says.

    Raises:
        ScenarioError: a lock is invalid.
        RuntimeError: too many jobs are waiting.
    """
    replan.with_locks(plan.scenario, locks)
    data = [replan.as_set(lock) for lock in locks]
    request, key = queue.request(run), key_of(run, plan)
    note = note_of(run)
    note |= {"scenario": key, "inputs": {**dict(note.get("inputs", {})), KEY: data}}
    source = request.get("scenario") or (key if key in bundled() else snapshots.find(str(note.get("snapshot", ""))))
    new = job_progress.start(
        str(source) if source else None, [*request.get("overrides", []), replan.override(plan.scenario, data)],
        text=request.get("text"), note=note, kind="replan", options={"run": run, "locks": data, "seconds": seconds},
    )  # fmt: skip
    hold(key, locks)
    session.choose(new)
    return new


def offer_back(run: str) -> None:
    """Where no plan was found around locks in a few seconds: what can be done, and the plan before; else nothing."""
    try:
        request = queue.request(run)
    except StoreError:
        return
    options = request.get("given", {})
    if request.get("kind") != "replan" or not options.get("seconds"):
        return
    st.text(
        tr(
            "No plan around these locks was found in {seconds} s. Unlock one at the side, or press Plan there, which "
            "searches longer.",
            seconds=f"{options['seconds']:g}",
        )
    )
    if st.button(tr("Back to the plan before"), key=f"back.{run}"):
        session.choose(str(options["run"]))
        st.rerun()


def _place(key: str) -> str:
    return f"{key}.locks"
