"""Constraints of the next plan: the user's locks, and repairs of a run without a plan. The search is a job."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from emberline.planning.plan import Plan, replan
from emberline.reports.text import mark, numbers, say, tr
from emberline.runs.jobs import queue
from emberline.runs.store import StoreError, snapshots
from emberline.runs.work import analyses
from emberline.scenarios import Scenario, ScenarioError, bundled, load
from emberline.scenarios.goal_metrics import cost_cap
from emberline.scenarios.records.orders import AnyLock, Lock, RunLock
from emberline.studies.why import quick
from emberline.ui.pages.request.sources import begin_with, note_of
from emberline.ui.pages.session import job_progress, navigation, session, widgets
from emberline.ui.pages.session.widgets import paragraph

LOCKS = "locks"
"""Key in the inputs of a request."""
LockData = dict[str, str]
"""A lock as plain data, as in an override."""


def applied_locks(key: str, original: Scenario, seeds: dict[str, Any]) -> list[LockData] | None:
    """Draw the locks at the side, each removable; None: those of the scenario apply.

    Args:
        key: of the scenario to choose.
        original: the scenario without changes.
        seeds: inputs of a run.
    """
    place = _place_of_locks(key)
    _recall(key)
    locks: list[LockData] | None = st.session_state.setdefault(place, seeds.get(LOCKS))
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

    def at(moment: Any, text: str = "{time}") -> str:
        if moment is None:
            return ""
        instant = horizon.instant(horizon.minutes(moment))
        day = "" if horizon.length_min <= 25 * 60 else f"{numbers.weekday(instant)} "
        return tr(text, time=f"{day}{instant:%H:%M}")

    if isinstance(lock, RunLock):
        parts = [lock.process, lock.mode, at(lock.start) + at(lock.end, "–{time}")]
    else:
        times = at(lock.start), at(lock.earliest, mark("from {time}")), at(lock.latest, mark("until {time}"))
        parts = [lock.heat, lock.stage, lock.unit, *times]
    return " ".join(filter(None, parts))


def current(key: str, plan: Plan) -> tuple[AnyLock, ...]:
    """The locks that apply now: those of the side or, without any, those of the plan."""
    _recall(key)
    locks = st.session_state.get(_place_of_locks(key))
    return replan.all_locks(plan.scenario) if locks is None else tuple(map(replan.read_lock, locks))


def on_heats(run: str, plan: Plan) -> tuple[Lock, ...]:
    """The locks on heats that apply now."""
    return tuple(lock for lock in current(key_of(run, plan), plan) if isinstance(lock, Lock))


def hold(key: str, locks: tuple[AnyLock, ...]) -> None:
    """Store locks at the side; the next plan respects them."""
    _keep(key, [replan.as_set(lock) for lock in locks])


def _keep(key: str, locks: list[LockData]) -> None:
    """Store locks at the side and in the address, so that they survive a reload."""
    st.session_state[_place_of_locks(key)] = locks
    session.keep_locks(json.dumps({"of": key, LOCKS: locks}, ensure_ascii=False, separators=(",", ":")))


def _recall(key: str) -> None:
    """Restore the locks in the address if the side has none: the page was reloaded."""
    if _place_of_locks(key) in st.session_state:
        return
    try:
        address = json.loads(session.locks())
        locks = [replan.as_set(replan.read_lock(lock)) for lock in address[LOCKS]] if address["of"] == key else None
    except (ValueError, TypeError, KeyError):  # no locks, or an invalid address
        return
    if locks is not None:
        st.session_state[_place_of_locks(key)] = locks


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
    note |= {"scenario": key, "inputs": {**dict(note.get("inputs", {})), LOCKS: data}}
    source = request.get("scenario") or (key if key in bundled() else snapshots.find(str(note.get("snapshot", ""))))
    new = job_progress.start(
        str(source) if source else None, [*request.get("overrides", []), replan.override(plan.scenario, data)],
        text=request.get("text"), note=note, kind="replan", options={"run": run, "locks": data, "seconds": seconds},
    )  # fmt: skip
    hold(key, locks)
    session.choose(new)
    return new


def _request(run: str) -> dict[str, Any]:
    """The request of a run; empty where it is not known."""
    try:
        return queue.request(run)
    except StoreError:
        return {}


def offer_back(run: str) -> None:
    """Offer advice and the plan before where a short search around locks gave no plan; else draw nothing."""
    request = _request(run)
    options = request.get("given", {})
    if request.get("kind") != "replan" or not options.get("seconds"):
        return
    paragraph(
        "No plan around these locks was found in {seconds} s. Unlock one at the side, or press Plan there, which "
        "searches longer.",
        seconds=f"{options['seconds']:g}",
    )
    if st.button(tr("Back to the plan before"), key=f"back.{run}"):
        session.choose(str(options["run"]))
        st.rerun()


def _place_of_locks(key: str) -> str:
    return f"{key}.locks"


TIME_LIMIT_S = 60.0
KEY = "repair"
"""Key in the user's inputs: overrides of applied repairs."""
GOAL, NO_MORE_COST = "goal.minimize=", "goal.caps.extra_cost_share=0"
"""Overrides of another goal: the side has a field for the one, but no share that tells 0 from none."""


@dataclass(frozen=True)
class Question:
    """A run without a plan, as requested."""

    scenario: str
    overrides: tuple[str, ...]


def ask(run: str) -> None:
    """Offer an explanation why a run has no plan, and repairs to plan again with."""
    request = _request(run)
    if not request.get("scenario"):
        st.text(tr("The command line explains why: emberline why-not SCENARIO, with the same --set."))
        return
    question, note = Question(str(request["scenario"]), tuple(request["overrides"])), dict(request.get("note") or {})
    with st.spinner(tr("Counting what is missing, and looking for a change that helps")):
        first = first_answer(question)
    if first:
        _show(first, note, question, "quick")
    job = _why(run)
    status = job_progress.find_status(job)
    if status is not None and not status.ended:
        job_progress.watch_steps(job, tr("Stop and keep the repairs found so far"))
        return
    if status is not None and status.state == "stored":
        _show(analyses.read(job).result, note, question, "repair")
        return
    help_ = tr("Takes up to {seconds} s", seconds=f"{TIME_LIMIT_S:.0f}")
    if st.button(tr("Why is there no plan?"), key=f"why.{run}.button", help=help_):
        options = {"analysis": "why_not", "time_limit_s": TIME_LIMIT_S, "run": run}
        with widgets.refusal():
            job_progress.start(question.scenario, question.overrides, note=note, kind="analysis", options=options)
            st.rerun()
    if status is not None:
        job_progress.show_failure(status, tr("Ask again."))


def _why(run: str) -> str:
    """The job that explains why a run has no plan; empty: none was started."""
    job = queue.about(run, "analysis") or ""
    return job if job and queue.request(job).get("given", {}).get("analysis") == "why_not" else ""


def offer(scenario: str, overrides: tuple[str, ...], note: dict[str, Any]) -> bool:
    """Draw what arithmetic shows to be missing in a request, with repairs; whether there was anything to draw.

    Args:
        scenario: name or file.
        overrides: of the request.
        note: of the request, stored with a job.
    """
    question = Question(scenario, overrides)
    if not lacking(question):
        return False
    st.markdown(f"**{tr('This cannot be planned: no schedule can keep all limits.')}**")
    reply = first_answer(question)
    if reply:
        _show(reply, note, question, "offer")
    return True


@st.cache_data(max_entries=64, show_spinner=False)
def lacking(question: Question) -> list[str]:
    """Shortages of a request by arithmetic, one sentence each; empty also where it cannot be read."""
    try:
        return quick.shortages(load(question.scenario, list(question.overrides)))
    except (ScenarioError, OSError):
        return []


@st.cache_data(max_entries=32, show_spinner=False)
def first_answer(question: Question) -> dict[str, Any]:
    """Quick diagnosis of a request without a plan, as in ``emberline why-not``; empty where it cannot be read."""
    try:
        return quick.quick(lambda more: load(question.scenario, [*question.overrides, *more])).summary()
    except (ScenarioError, OSError):
        return {}


def _show(
    reply: dict[str, Any], note: dict[str, Any], question: Question, key: str, then: Callable[[], None] = st.rerun
) -> None:
    if reply["missing"] or reply["conflict"]:
        with st.container(border=True, gap="xxsmall"):
            for line in reply["missing"]:
                st.text(f"✕ {say(line)}")
            if reply["conflict"]:
                st.text(tr("These limits conflict:") if reply["irreducible"] else tr("In the way:"))
            for line in reply["conflict"]:
                st.text(f"· {say(line)}")
    if reply["status"] == "feasible":
        st.text(tr("There is a plan: no limit prevents it. Plan again with more time."))
    elif reply["status"] == "unknown" and not reply["repairs"] and key.endswith("repair"):
        st.text(tr("No plan was found, and there is no proof that none exists. Plan again with more time."))
    elif not reply["repairs"] and key.endswith("repair"):
        attempts, limits = reply["limits_tried"], reply["limits"]
        st.text(tr("No helpful change was found among {tried} of {count} limits.", tried=attempts, count=limits))
    for i, repair in enumerate(reply["repairs"]):
        text, button = st.columns([4, 1], vertical_alignment="center")
        text.text("\n".join(map(say, repair["says"])))
        if button.button(
            tr("Plan with this"), key=f"{key}.{i}", type="secondary" if i or repair.get("cancels") else "primary"
        ):
            _plan(question, note, repair["set"], then)


def show(reply: dict[str, Any], key: str, scenario: str, overrides: tuple[str, ...]) -> None:
    """Draw an answer of ``emberline why-not``, with repairs that can be planned at once.

    Args:
        reply: the answer.
        key: prefix of the widgets' keys.
        scenario: name or file that was asked about.
        overrides: of the request.
    """
    note = dict(queue.request(key).get("note") or {})
    _show(reply, note, Question(scenario, overrides), f"{key}.repair", lambda: navigation.go("plan"))


def variant(run: str, label: str, overrides: list[str]) -> None:
    """Offer to search the request of a run for another goal; nothing where the request is not known.

    Args:
        run: whose request it is.
        label: of the button.
        overrides: of the goal (``OVERRIDES`` of ``planning/answer/choices.py``).
    """
    request = _request(run)
    key = f"variant.{run}.{'.'.join(overrides)}"
    if request.get("scenario") and st.button(label, icon=":material/search:", key=key):
        before = tuple(text for text in request["overrides"] if text != NO_MORE_COST)
        _plan(Question(str(request["scenario"]), before), dict(request.get("note") or {}), overrides)


def _plan(question: Question, note: dict[str, Any], more: list[str], then: Callable[[], None] = st.rerun) -> None:
    """Plan again with a repair; the side keeps it until it is removed, and shows another goal in its field."""
    inputs = dict(note.get("inputs", {}))
    goals = [text for text in more if text.startswith(GOAL)]
    repairs = [*inputs.get(KEY, []), *(text for text in more if text not in goals)]
    if goals:
        inputs["goal"] = goals[-1].removeprefix(GOAL)
        repairs = [text for text in repairs if text != NO_MORE_COST or text in more]
    inputs |= {KEY: list(dict.fromkeys(repairs))}
    note = {"scenario": question.scenario, **note, "inputs": inputs}
    with widgets.refusal():
        overrides = [*question.overrides, *more]
        run = job_progress.start(question.scenario, overrides, note=note, options=options_of(inputs[KEY]))
        name = str(note["scenario"])
        st.session_state[_place(name)] = inputs[KEY]
        if goals:
            begin_with(name, {field: value for field, value in inputs.items() if field != KEY or value})
        session.choose(run)
        then()


def options_of(repairs: list[str]) -> dict[str, Any]:
    """Options of the job that plans with applied repairs, so that its plan states them."""
    return {"repair": [text for text in repairs if text != NO_MORE_COST]}


def applied(name: str, seeds: dict[str, Any]) -> list[str]:
    """Draw the applied repairs of a scenario with a button that removes them; returns their overrides."""
    place = _place(name)
    repairs: list[str] = list(st.session_state.setdefault(place, list(seeds.get(KEY, []))))
    if not repairs:
        return []
    with st.container(border=True, gap="xxsmall"):
        texts = [say(cost_cap(0)) if text == NO_MORE_COST else text for text in repairs]
        st.text("\n".join([tr("Applied changes:"), *texts]))
        if st.button(tr("Remove"), key=f"{place}.back"):
            st.session_state[place] = []
            st.rerun()
    return repairs


def _place(name: str) -> str:
    return f"{name}.repairs"
