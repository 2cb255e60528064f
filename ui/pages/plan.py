"""Page Plan: inputs in the sidebar, progress of the search, and the result."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pandas as pd
import streamlit as st

from emberline.planning.plan import replan
from emberline.reports.charts import gantt, plan
from emberline.reports.charts.view import View
from emberline.reports.text import facts, numbers, tr, trn, wording
from emberline.runs.jobs import JobStatus, queue
from emberline.runs.store import StoreError, snapshots
from emberline.scenarios import Case, Scenario, ScenarioError
from emberline.scenarios.goal_metrics import goal_first
from emberline.scenarios.home import RUN_ID
from emberline.scenarios.metrics import METRICS, amount_digits, legible_bound
from emberline.ui.pages.request.form import Request, ask, start
from emberline.ui.pages.request.sources import AT_ONCE, OF, look, note_of, same
from emberline.ui.pages.result import repairs, result, units
from emberline.ui.pages.session import chart_cache, job_progress, run_or_baseline, session, stored_runs, widgets
from emberline.ui.pages.session.widgets import caption, info, paragraph, warning

STEP_OF = {"draft": "optimize", "round": "optimize", "judge": "replays"}
"""Phases of the search for a robust plan, by the step that they belong to."""


def page() -> None:
    """Draw the page for the run in the address, if there is one."""
    run = _run()
    status = _status(run)
    busy = status is not None and not status.ended
    notes = st.container()  # results of the inputs appear above the plan, although the plan is drawn first
    stored = result.show_headline(status.run) if status is not None and status.state == "stored" else None
    with st.sidebar:
        place = st.container(key="start")
        request = ask("plan")
        run_or_baseline.remember(request.name, request.overrides)
        at_once = st.session_state.pop(AT_ONCE, "")
        if request.source is not None and request.source.key == at_once and not request.problems:
            _start(request)
        if place.button(tr("Plan"), type="primary", width="stretch", disabled=bool(request.problems) or busy):
            _start(request)
    with notes:
        if request.problems:
            with st.container(border=True):
                st.markdown(f"**{tr('This cannot be planned yet.')}** {tr('Change these inputs at the side:')}")
                for line in request.problems:
                    st.text(f"✕ {line}")
        elif not busy and request.scenario is not None and not _explained(request, status):
            repairs.offer(request.name, request.overrides, request.note)
        if stored is not None:
            _differs(request, stored.id)
    if status is None:
        _empty(request)
    elif busy:
        _running(status.run)
    elif stored is not None:
        result.show(stored)
    elif status.state != "stored":
        job_progress.show_failure(status, tr("Press Plan at the side to try again."))


def _run() -> str:
    address = str(st.query_params.get("run", ""))
    if address and not RUN_ID.match(address):
        warning("The address contains no run (an id has 32 hexadecimal digits). Choose a scenario and press Plan.")
    return session.run()


def _status(run: str) -> queue.JobStatus | None:
    status = job_progress.find_status(run)
    if run and status is None:
        warning("Run {run} is not stored here. It may have been deleted: press Plan to make a new one.", run=run[:8])
    return status


def _start(request: Request) -> None:
    with widgets.refusal():
        run = start(request)
        session.choose(run)
        st.session_state[OF] = run
        st.rerun()


def _empty(request: Request) -> None:
    st.subheader(tr("When should this plant use energy?"), anchor=False)
    baseline = tr("the baseline, which makes everything as soon as possible")
    if request.scenario is not None:
        baseline = wording.baseline_name(request.scenario)
    st.markdown(
        tr(
            "Choose a scenario at the side, change its inputs and press **Plan**. Emberline simulates {baseline}, "
            "searches a schedule with less carbon or cost, and replays it in the simulation before showing it.",
            baseline=baseline,
        )
    )
    if request.scenario is not None:
        _facts(request.scenario)


def _facts(scenario: Case) -> None:
    with st.container(border=True):
        st.text(f"{scenario.description}\n")
        st.text(wording.span(scenario.horizon))
        size = wording.size(scenario)
        if scenario.orders:
            stages = "  →  ".join(f"{s.name} ({', '.join(u.name for u in s.units)})" for s in scenario.line.stages)
            casts = trn("{count} cast", "{count} casts", len(scenario.orders))
            size = f"{stages}\n{numbers.listed([size, casts])}"
        paragraph("{size}; goal: {goal}", size=size, goal=wording.goal(scenario.goal, scenario.market.currency))
        for line in facts.odd(scenario):
            paragraph("odd: {line}", line=line)
    units.show_demand(scenario)
    columns = [tr("asset"), tr("kind"), tr("size"), tr("carriers")]
    assets = pd.DataFrame(list(facts.assets(scenario)), columns=columns)
    if len(assets):
        with st.expander(trn("{count} asset on the site", "{count} assets on the site", len(assets))):
            widgets.table(assets)
    offers = tr("carbon intensity of the grid (dashed: marginal) and price of electricity")
    st.markdown(f"**{tr('Market:')}** {offers}")
    chart_cache.market(scenario)
    text = View.of(scenario.horizon).says_short
    if text:
        st.caption(wording.sentence(text))


def step_signs(status: JobStatus) -> dict[str, str]:
    """Sign for each step of planning: in progress, done or pending. A step that was done once stays done."""
    now = STEP_OF.get(status.phase, status.phase)
    past = {STEP_OF.get(phase, phase) for phase in status.phases}
    return {phase: "▸" if phase == now else "✓" if phase in past else "·" for phase in wording.PHASES}


@st.fragment(run_every=job_progress.POLL_S)
def _running(run: str) -> None:
    status = job_progress.of_running(run)
    request = queue.request(run)
    scenario = _scenario_of(request)
    st.subheader(tr("Making the plan"), anchor=False)
    job_progress.waiting(status)
    _clock(status, scenario)
    for column, (phase, sign) in zip(st.columns(len(wording.PHASES)), step_signs(status).items(), strict=True):
        count = f" {status.count}/{status.of}" if phase == "replays" and status.of else ""
        column.text(f"{sign} {tr(wording.PHASES[phase])}{count}")
    unit, factor, digits = wording.measure(scenario) if scenario else ("", 1.0, 0)

    def say(value: float | None) -> str:
        return wording.number(None if value is None else value * factor, digits)

    with st.container(border=True):
        best, bound, gap, seconds = st.columns(4)
        about = tr("Fixed emissions and costs are left out")
        best.metric(tr("Best plan [{unit}]", unit=unit), say(status.incumbent), help=about)
        proven = say(legible_bound(status.incumbent, status.bound, 10**-digits / factor))
        about = tr("Proven: no plan is better. Fixed emissions and costs are left out")
        bound.metric(tr("Bound [{unit}]", unit=unit), proven, help=about)
        about = tr("Largest possible distance from the best plan. Fixed emissions and costs are left out")
        gap.metric(tr("Gap"), wording.percent(status.gap), help=about)
        seconds.metric(tr("Search [s]"), wording.number(status.seconds, 0))
        if scenario is not None and scenario.goal.minimize in METRICS:
            caption("Best plan and bound are without fixed emissions and costs; the plan itself has totals.")
        history = chart_cache.recent(f"history {run}", status.history)
        if history:
            limit = scenario.goal.budget if scenario else 0.0
            chart_cache.chart(  # shared by all viewers of a search
                ("search", run, len(history), history[-1]),
                lambda: plan.search(history, unit, factor, limit),
                tr("Best plan and bound during the search; the figures above are the latest."),
            )
    searching = status.phase in ("twin", "optimize") or bool(status.draft)
    job_progress.ends(status, tr("Use the best plan now"), searching and status.incumbent is not None)
    if status.draft:
        _holding(status, scenario)
    if status.cancelling:
        caption("The search stops at the solver's next check; then the plan is replayed.")
    if scenario is not None:
        _baseline(request, scenario, status)


def _clock(status: JobStatus, scenario: Scenario | None) -> None:
    """Draw the elapsed time and the effort of the search. The clock advances even without solver output."""
    if status.since is None or scenario is None:
        return
    passed, limit = max(time.time() - status.since, 0.0), scenario.goal.budget
    seconds, most = wording.number(passed, 0), wording.number(limit, 0)
    text = tr("{seconds} s so far; it ends at its gap or when its effort of {most} is used", seconds=seconds, most=most)
    st.progress(min(passed / limit, 1.0), text=text)


def _baseline(request: dict[str, Any], scenario: Scenario, status: JobStatus) -> None:
    """Draw the best plan of a line so far above the baseline, or only the baseline if there is no plan yet."""
    key = (str(request.get("scenario")), *request.get("overrides", []))
    if not any(producer.units for producer in scenario.producers):
        return
    if request.get("kind") == "replan":
        run = stored_runs.open_run(str(request["given"]["run"])).plan.baseline
    elif request.get("kind") == "plan" and not request.get("text"):
        run = run_or_baseline.baseline_run(key)[0]
    else:
        return
    view = View.of(scenario.horizon)
    operations = chart_cache.recent(f"operations {status.run}", status.operations)

    def draw() -> gantt.Layers:
        if operations:
            return gantt.of_operations(scenario, operations, run, view)
        return gantt.of_run(scenario, run, None, view, "baseline")

    title, text = tr("The baseline: the schedule to beat"), tr("Operations of each unit in the baseline.")
    if operations:
        title = tr("The best plan so far; thin: the baseline")
        text = tr("Operations of each unit in the best plan so far.")
    st.markdown(f"**{title}**")
    stands_for = ("baseline", request.get("kind"), *key, hash(operations))
    chart_cache.chart(stands_for, lambda: plan.below_each_other([draw()], view, pointer=False), text, "preview")


def _holding(status: JobStatus, scenario: Scenario | None) -> None:
    """Draw the saving of the draft and the progress of the search for a robust plan."""
    saved = status.draft.get("saved", {})
    parts = [tr("The draft is made; margins are learnt now until the plan holds on disturbed days.")]
    if scenario is not None and "carbon_kg" in saved:
        carbon, cost = saved["carbon_kg"] / 1000, saved["cost"]
        first, second = goal_first(
            scenario, f"{wording.number(carbon, amount_digits(carbon))} t CO2e",
            f"{wording.number(cost, amount_digits(cost))} {scenario.market.currency}",
        )  # fmt: skip
        parts.append(tr("Undisturbed the draft saves {first} and {second}.", first=first, second=second))
    rounds = [row for row in status.rounds if row["of"]]
    if rounds:
        row = rounds[-1]
        parts.append(tr("Round {round}: held on {held} of {of} days.", **{k: row[k] for k in ("round", "held", "of")}))
        spent, limit = (wording.number(row[name], 1) for name in ("elapsed", "limit"))
        parts.append(tr("{spent} of the effort of {limit} is used.", spent=spent, limit=limit))
    st.text(" ".join(parts))


def _scenario_of(request: dict[str, Any]) -> Scenario | None:
    if request.get("kind") == "replan":
        before, seconds = stored_runs.open_run(str(request["given"]["run"])).plan, request["given"].get("seconds")
        return (replan.hurried(before, float(seconds)) if seconds else before).scenario
    try:
        return look(request["scenario"], tuple(request["overrides"]))
    except (ValueError, KeyError):
        return None


def _explained(request: Request, status: queue.JobStatus | None) -> bool:
    """Whether the run below has these inputs and explains why it has no plan."""
    with suppress(StoreError):
        if status is not None and status.state == "stored":
            return bool(queue.request(status.run).get("scenario")) and _of(request, status.run)
    return False


def _differs(request: Request, run: str) -> None:
    with suppress(StoreError):
        if request.scenario is not None and not _of(request, run):
            info("The inputs at the side differ from those of the plan below. Press Plan to use them.")


def _of(inputs: Request, run: str) -> bool:
    """Whether a run has the present inputs."""
    assert inputs.scenario is not None
    if not inputs.overrides and inputs.source is not None and inputs.source.key == note_of(run).get("snapshot"):
        return True
    # compare requests, not results: a plan may contain learnt margins, and a cap converted to an amount
    request = queue.request(run)
    if request.get("kind") in ("plan", "replan"):
        snapshot = snapshots.find(str(request.get("note", {}).get("snapshot", "")))
        name = request.get("scenario") if snapshot is None else str(snapshot)
        with suppress(ScenarioError, OSError):
            if name and same(inputs.scenario, look(name, tuple(request["overrides"]))):
                return True
    return same(inputs.scenario, stored_runs.open_run(run).plan.requested)
