"""The page Plan: ask at the side, watch the search, read the result."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pandas as pd
import streamlit as st

from plans import jobs
from plans.store import RUN_ID, Store, StoreError
from scenarios import Scenario
from ui import charts, facts, wording
from ui.pages import result, session, units
from ui.pages.asking import Asked, ask
from ui.view import View

POLL_S = 1.0
EARLIER = 30


def page() -> None:
    """Draw the page for the run that the address names, or for none."""
    run = _run()
    status = _status(run)
    if "seed" not in st.session_state:
        st.session_state["seed"] = _seed(status)
    busy = status is not None and not status.ended
    with st.sidebar:
        place = st.empty()
        asked = ask(st.session_state["seed"])
        if place.button("Plan", type="primary", width="stretch", disabled=bool(asked.problems) or busy):
            _start(asked)
        _earlier(run)
    if asked.problems:
        with st.container(border=True):
            st.markdown("**This cannot be planned yet.** Change what these lines name, at the side:")
            for line in asked.problems:
                st.text(f"✕ {line}")
    if status is None:
        _empty(asked)
    elif busy:
        _running(status.run)
    elif status.state == "stored":
        _differs(asked, status.run)
        result.show(status.run)
    else:
        _ended_badly(status)


def _run() -> str:
    asked = str(st.query_params.get("run", ""))
    if asked and not RUN_ID.match(asked):
        st.warning("The address names no run (its id has 32 hexadecimal digits). Choose a scenario and press Plan.")
    return session.run()


def _status(run: str) -> jobs.JobStatus | None:
    if not run:
        return None
    try:
        return jobs.status(run)
    except StoreError:
        st.warning(f"Run {run[:8]} is not kept here. It may have been deleted: press Plan to make a new one.")
        return None


def _seed(status: jobs.JobStatus | None) -> dict[str, Any]:
    """What the run of the address was asked with, so that a page that is loaded again shows it again."""
    if status is None:
        return {}
    note = jobs.request(status.run).get("note")
    if note:
        return dict(note)
    try:  # made by the command line
        return {"scenario": result.opened(status.run).plan.scenario.name}
    except StoreError:
        return {}


def _start(asked: Asked) -> None:
    note: dict[str, Any] = {"scenario": asked.name, "inputs": dict(asked.inputs)}
    try:
        session.choose(jobs.start(asked.name, asked.overrides, note=note))
    except RuntimeError as error:
        st.warning(str(error))
        return
    st.rerun()


def _earlier(run: str) -> None:
    kept = {row.id: row for row in Store().list()[:EARLIER] if row.state == "stored" and row.id != run}
    if not kept:
        return

    def name(key: str) -> str:
        row = kept[key]
        saved = "" if row.saved_carbon_kg is None else f", {wording.number(row.saved_carbon_kg / 1000, 1)} t less CO2e"
        return f"{row.created.replace(tzinfo=UTC).astimezone():%d %b %H:%M} {row.scenario}{saved}"

    with st.expander("Earlier plans"):
        chosen = st.selectbox("Plan", list(kept), index=None, format_func=name, placeholder="choose one")
        if st.button("Open", disabled=chosen is None, width="stretch"):
            session.choose(str(chosen))
            st.rerun()


def _empty(asked: Asked) -> None:
    st.subheader("When should this plant use energy?", anchor=False)
    foreman = "the foreman, who makes everything as soon as possible"
    if asked.scenario is not None:
        foreman = wording.compared(asked.scenario).partition(";")[0]
    st.markdown(
        f"Choose a scenario at the side, change what you like and press **Plan**. Emberline simulates {foreman}, "
        "searches for a schedule with less carbon or cost, and runs that schedule through the simulation again before "
        "it shows it."
    )
    if asked.scenario is not None:
        _facts(asked.scenario)


def _facts(scenario: Scenario) -> None:
    with st.container(border=True):
        st.text(f"{scenario.description}\n")
        st.text(wording.span(scenario.horizon))
        stages = "  →  ".join(f"{s.name} ({', '.join(u.name for u in s.units)})" for s in scenario.line.stages)
        size = wording.size(scenario)
        if scenario.orders:
            size = f"{stages}\n{size}, {wording.count(len(scenario.orders), 'cast')}"
        st.text(f"{size}; goal: {wording.goal(scenario.goal)}")
        for line in facts.odd(scenario):
            st.text(f"odd: {line}")
    if scenario.processes:
        units.show_asked(scenario)
    assets = pd.DataFrame(list(facts.assets(scenario)), columns=["asset", "kind", "size", "carriers"])
    if len(assets):
        with st.expander(f"{wording.count(len(assets), 'asset')} on the site"):
            st.dataframe(assets, hide_index=True, height=min(35 * (len(assets) + 1) + 3, 640))
    st.markdown("**What the market offers:** carbon intensity of the grid (dashed: marginal) and price of electricity")
    with st.container(key="preview"):
        st.altair_chart(charts.preview(scenario), width="stretch")
    says = View.of(scenario.horizon).says
    if says:
        st.caption(f"{says[0].upper()}{says[1:].partition(' (')[0]}.")


@st.fragment(run_every=POLL_S)
def _running(run: str) -> None:
    status = jobs.status(run)
    if status.ended:
        st.rerun()
    request = jobs.request(run)
    asked = _scenario_of(request)
    if status.state == "queued":
        ahead = f"{status.ahead} before it. " if status.ahead else ""
        st.subheader("Waiting for a free worker", anchor=False)
        st.text(f"{ahead}The plan is made as soon as one is free; this page may be closed meanwhile.")
    else:
        st.subheader("Making the plan", anchor=False)
        st.text("It goes on when this page is closed or loaded again.")
    phases = list(wording.PHASES)
    at = phases.index(status.phase) if status.phase in phases else -1
    for place, (column, phase) in enumerate(zip(st.columns(len(phases)), phases, strict=True)):
        sign = "✓" if place < at else "▸" if place == at else "·"
        count = f" {status.done}/{status.of}" if phase == "replays" and status.of else ""
        column.text(f"{sign} {wording.PHASES[phase]}{count}")
    unit, factor, digits = wording.measure(asked) if asked else ("", 1.0, 0)

    def say(value: float | None) -> str:
        return wording.number(None if value is None else value * factor, digits)

    with st.container(border=True):
        best, bound, gap, seconds = st.columns(4)
        best.metric(f"Best plan [{unit}]", say(status.incumbent), help="Of what can be decided")
        bound.metric(f"Bound [{unit}]", say(status.bound), help="Proven: of what can be decided, no plan has less")
        gap.metric("Gap", wording.percent(status.gap), help="On what can be decided")
        seconds.metric("Search [s]", wording.number(status.seconds, 0))
        if len(status.history) > 1:
            st.altair_chart(charts.search(status.history, unit, factor), width="stretch")
    take, stop, _ = st.columns([2, 1, 2])
    searching = status.phase in ("twin", "optimize")
    if take.button(
        "Take the best plan now",
        disabled=status.cancelling or not searching or status.incumbent is None,
        width="stretch",
    ):
        jobs.cancel(run)
        st.rerun(scope="fragment")
    if stop.button("Stop", width="stretch", help="Ends the work; nothing is kept"):
        jobs.kill(run)
        st.rerun()
    if status.cancelling:
        st.caption("The search ends as soon as the solver looks up; then the plan is replayed.")


def _scenario_of(request: dict[str, Any]) -> Scenario | None:
    from ui.pages.asking import look

    try:
        return look(request["scenario"], tuple(request["overrides"]))
    except (ValueError, KeyError):
        return None


def _differs(asked: Asked, run: str) -> None:
    try:
        shown = result.opened(run).plan.scenario
    except StoreError:
        return
    if asked.scenario is not None and asked.scenario.model_dump() != shown.model_dump():
        st.info("The inputs at the side are not those of the plan below. Press Plan to plan with them.")


def _ended_badly(status: jobs.JobStatus) -> None:
    title = {
        "stopped": "The plan was stopped.",
        "refused": "The scenario has mistakes.",
        "broken": "The plan was lost.",
    }
    with st.container(border=True):
        st.markdown(f"**{title.get(status.state, 'The plan could not be made.')}**")
        for line in status.lines:
            st.text(line)
        if status.state != "refused":
            st.text("Press Plan at the side to try again.")
