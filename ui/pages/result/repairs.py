"""Explanation why a run has no plan, with buttons that plan again with a repair. The search is a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from emberline.reports.text.language import tr
from emberline.reports.text.messages import say
from emberline.runs.jobs import queue
from emberline.runs.store import StoreError
from emberline.runs.work import analyses
from emberline.scenarios import ScenarioError, load
from emberline.scenarios.goal_metrics import cost_cap
from emberline.ui.pages.request import quick_form
from emberline.ui.pages.session import job_progress, navigation, session

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
    try:
        request = queue.request(run)
    except StoreError:
        request = {}
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
        _start_why(run, question, note)
    if status is not None:
        job_progress.show_failure(status, tr("Ask again."))


def _why(run: str) -> str:
    """The job that explains why a run has no plan; empty: none was started."""
    job = queue.about(run, "analysis") or ""
    return job if job and queue.request(job).get("given", {}).get("analysis") == "why_not" else ""


def _start_why(run: str, question: Question, note: dict[str, Any]) -> None:
    options = {"analysis": "why_not", "time_limit_s": TIME_LIMIT_S, "run": run}
    with job_progress.refusal():
        job_progress.start(question.scenario, question.overrides, note=note, kind="analysis", options=options)
        st.rerun()


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
    """What a request lacks by arithmetic, one sentence each; empty also where it cannot be read."""
    from emberline.studies.why import quick

    try:
        return quick.shortages(load(question.scenario, list(question.overrides)))
    except (ScenarioError, OSError):
        return []


@st.cache_data(max_entries=32, show_spinner=False)
def first_answer(question: Question) -> dict[str, Any]:
    """What can be said at once of a request without a plan, as ``emberline why-not`` has it; empty: nothing."""
    from emberline.studies.why import quick

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
        says, button = st.columns([4, 1], vertical_alignment="center")
        says.text("\n".join(map(say, repair["says"])))
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
    try:
        request = queue.request(run)
    except StoreError:
        return
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
    with job_progress.refusal():
        overrides = [*question.overrides, *more]
        run = job_progress.start(question.scenario, overrides, note=note, options=options_of(inputs[KEY]))
        name = str(note["scenario"])
        st.session_state[_place(name)] = inputs[KEY]
        if goals:
            quick_form.begin(name, {field: value for field, value in inputs.items() if field != KEY or value})
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
