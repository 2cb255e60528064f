"""Why a run has no plan, and buttons that plan again with a repair. The search runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import streamlit as st

from emberline.plans.jobs import queue
from emberline.plans.store import StoreError
from emberline.scenarios.messages import restored
from emberline.ui.pages.session import session
from emberline.ui.text.language import tr
from emberline.ui.text.messages import say

TIME_LIMIT_S = 60.0
GRACE_S = 30.0
"""For the start of the process, and for the last step of its search."""
KEY = "repair"
"""Among what the user said: overrides of repairs that were applied."""


@dataclass(frozen=True)
class Question:
    """A run without a plan, as it was asked for."""

    scenario: str
    overrides: tuple[str, ...]


@st.cache_data(max_entries=32, show_spinner=False)
def answer(question: Question) -> dict[str, Any]:
    """What ``emberline why-not`` says; empty where it could not be asked."""
    settings = [part for text in question.overrides for part in ("--set", text)]
    command = [sys.executable, "-m", "emberline", "why-not", question.scenario, *settings, "--json", "--quiet"]
    try:
        done = subprocess.run(
            [*command, "--time-limit", f"{TIME_LIMIT_S:g}"], capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, timeout=TIME_LIMIT_S + GRACE_S,
        )  # fmt: skip
        return restored(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, ValueError):
        return {}


def ask(run: str) -> None:
    """Offer to explain why a run has no plan, and to plan again with what would help."""
    try:
        request = queue.request(run)
    except StoreError:
        request = {}
    if not request.get("scenario"):
        st.text(tr("The command line says why: emberline why-not SCENARIO, with the same --set."))
        return
    asked = Question(str(request["scenario"]), tuple(request["overrides"]))
    wanted = f"why.{run}"
    help_ = tr("Takes up to {seconds} s", seconds=f"{TIME_LIMIT_S:.0f}")
    if st.button(tr("Why is there no plan?"), key=f"{wanted}.button", help=help_):
        st.session_state[wanted] = True
    if not st.session_state.get(wanted):
        return
    with st.spinner(tr("Looking for the limits that are in the way, and for the smallest change that helps")):
        found = answer(asked)
    if not found:
        st.warning(tr("No answer came in time. Ask the command line: emberline why-not, with a longer --time-limit."))
        return
    _show(found, dict(request.get("note") or {}), asked)


def _show(found: dict[str, Any], note: dict[str, Any], asked: Question) -> None:
    if found["missing"] or found["conflict"]:
        with st.container(border=True, gap="xxsmall"):
            for line in found["missing"]:
                st.text(f"✕ {say(line)}")
            if found["conflict"]:
                st.text(tr("These limits cannot all hold:") if found["irreducible"] else tr("In the way:"))
            for line in found["conflict"]:
                st.text(f"· {say(line)}")
    if found["status"] == "feasible":
        st.text(tr("There is a plan: no limit is in its way. Plan again, with more time."))
    elif found["status"] == "unknown":
        st.text(tr("No plan was found, and no proof that there is none. Plan again, with more time."))
    elif not found["repairs"]:
        tried, limits = found["limits_tried"], found["limits"]
        st.text(tr("No change was found that helps, among {tried} of {count} limits.", tried=tried, count=limits))
    for i, repair in enumerate(found["repairs"]):
        says, button = st.columns([4, 1], vertical_alignment="center")
        says.text("\n".join(map(say, repair["says"])))
        if button.button(tr("Plan with this"), key=f"repair.{i}", type="primary" if i == 0 else "secondary"):
            _plan(asked, note, repair["set"])


def _plan(asked: Question, note: dict[str, Any], more: list[str]) -> None:
    """Plan again with a repair; the side keeps it until it is taken back."""
    kept = [*dict(note.get("inputs", {})).get(KEY, []), *more]
    note = {"scenario": asked.scenario, **note, "inputs": {**dict(note.get("inputs", {})), KEY: kept}}
    try:
        run = queue.start(asked.scenario, [*asked.overrides, *more], note=note)
    except RuntimeError as error:
        st.warning(say(str(error)))
        return
    st.session_state[_place(str(note["scenario"]))] = kept
    session.choose(run)
    st.rerun()


def applied(name: str, seeds: dict[str, Any]) -> list[str]:
    """Draw the repairs that were applied to a scenario, with a button that takes them back; their overrides."""
    place = _place(name)
    kept: list[str] = list(st.session_state.setdefault(place, list(seeds.get(KEY, []))))
    if not kept:
        return []
    with st.container(border=True, gap="xxsmall"):
        st.text("\n".join([tr("Repairs that were applied:"), *kept]))
        if st.button(tr("Take them back"), key=f"{place}.back"):
            st.session_state[place] = []
            st.rerun()
    return kept


def _place(name: str) -> str:
    return f"{name}.repairs"
