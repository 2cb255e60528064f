"""Explanation why a run has no plan, with buttons that plan again with a repair. The search runs in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import streamlit as st

from emberline.plans.jobs import queue
from emberline.plans.store import StoreError
from emberline.scenarios import ScenarioError, load
from emberline.scenarios.messages import restored
from emberline.ui.pages.session import job_progress, session
from emberline.ui.text.language import tr
from emberline.ui.text.messages import say

TIME_LIMIT_S = 60.0
GRACE_S = 30.0
"""Extra time for starting the process and for the last step of its search [s]."""
KEY = "repair"
"""Key in the user's inputs: overrides of applied repairs."""


@dataclass(frozen=True)
class Question:
    """A run without a plan, as requested."""

    scenario: str
    overrides: tuple[str, ...]


@st.cache_data(max_entries=32, show_spinner=False)
def answer(question: Question) -> dict[str, Any]:
    """Answer of ``emberline why-not``; empty if there is none."""
    settings = [part for text in question.overrides for part in ("--set", text)]
    command = [sys.executable, "-m", "emberline", "why-not", question.scenario, *settings, "--json", "--quiet"]
    try:
        process = subprocess.run(
            [*command, "--time-limit", f"{TIME_LIMIT_S:g}"], capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, timeout=TIME_LIMIT_S + GRACE_S,
        )  # fmt: skip
        return restored(json.loads(process.stdout))
    except (subprocess.TimeoutExpired, ValueError):
        return {}


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
    key = f"why.{run}"
    help_ = tr("Takes up to {seconds} s", seconds=f"{TIME_LIMIT_S:.0f}")
    if st.button(tr("Why is there no plan?"), key=f"{key}.button", help=help_):
        st.session_state[key] = True
    if not st.session_state.get(key):
        return
    with st.spinner(tr("Searching the limits in the way, and the smallest change that helps")):
        reply = answer(question)
    if not reply:
        st.warning(tr("No answer came in time. Ask the command line: emberline why-not, with a longer --time-limit."))
        return
    _show(reply, note, question, "repair")


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
    from emberline.plans.why import quick

    try:
        return quick.shortages(load(question.scenario, list(question.overrides)))
    except (ScenarioError, OSError):
        return []


@st.cache_data(max_entries=32, show_spinner=False)
def first_answer(question: Question) -> dict[str, Any]:
    """What can be said at once of a request without a plan, as ``emberline why-not`` has it; empty: nothing."""
    from emberline.plans.why import quick

    try:
        return quick.quick(lambda more: load(question.scenario, [*question.overrides, *more])).summary()
    except (ScenarioError, OSError):
        return {}


def _show(reply: dict[str, Any], note: dict[str, Any], question: Question, key: str) -> None:
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
    elif reply["status"] == "unknown" and key == "repair":
        st.text(tr("No plan was found, and there is no proof that none exists. Plan again with more time."))
    elif not reply["repairs"] and key == "repair":
        attempts, limits = reply["limits_tried"], reply["limits"]
        st.text(tr("No helpful change was found among {tried} of {count} limits.", tried=attempts, count=limits))
    for i, repair in enumerate(reply["repairs"]):
        says, button = st.columns([4, 1], vertical_alignment="center")
        says.text("\n".join(map(say, repair["says"])))
        if button.button(tr("Plan with this"), key=f"{key}.{i}", type="primary" if i == 0 else "secondary"):
            _plan(question, note, repair["set"])


def variant(run: str, label: str, overrides: list[str]) -> None:
    """Offer to plan the request of a run again with some overrides; nothing where the request is not known.

    Args:
        run: whose request it is.
        label: of the button.
        overrides: to add.
    """
    try:
        request = queue.request(run)
    except StoreError:
        return
    if request.get("scenario") and st.button(label, type="tertiary", key=f"variant.{run}"):
        question = Question(str(request["scenario"]), tuple(request["overrides"]))
        _plan(question, dict(request.get("note") or {}), overrides)


def _plan(question: Question, note: dict[str, Any], more: list[str]) -> None:
    """Plan again with a repair; the side keeps it until it is removed."""
    repairs = [*dict(note.get("inputs", {})).get(KEY, []), *more]
    note = {"scenario": question.scenario, **note, "inputs": {**dict(note.get("inputs", {})), KEY: repairs}}
    try:
        run = job_progress.start(question.scenario, [*question.overrides, *more], note=note)
    except RuntimeError as error:
        st.warning(say(str(error)))
        return
    st.session_state[_place(str(note["scenario"]))] = repairs
    session.choose(run)
    st.rerun()


def applied(name: str, seeds: dict[str, Any]) -> list[str]:
    """Draw the applied repairs of a scenario with a button that removes them; returns their overrides."""
    place = _place(name)
    repairs: list[str] = list(st.session_state.setdefault(place, list(seeds.get(KEY, []))))
    if not repairs:
        return []
    with st.container(border=True, gap="xxsmall"):
        st.text("\n".join([tr("Applied repairs:"), *repairs]))
        if st.button(tr("Remove"), key=f"{place}.back"):
            st.session_state[place] = []
            st.rerun()
    return repairs


def _place(name: str) -> str:
    return f"{name}.repairs"
