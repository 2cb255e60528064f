"""Why one decision of a plan is as it is: fixed or freed, planned again, with its cost and the limits in its way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import streamlit as st

from emberline.planning.accounts import unit_runs
from emberline.planning.plan import Plan
from emberline.reports.charts.analyses import slots
from emberline.reports.text.language import mark, tr, trn
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import clauses, clock, number, percent, signed
from emberline.runs.store import StoredRun
from emberline.runs.work.analyses import StoredAnalysis
from emberline.scenarios.records.horizon import Horizon
from emberline.ui.pages.analyses.shape import Analysis, Question, cache_key, table, time_limit
from emberline.ui.pages.result import run_card
from emberline.ui.pages.session import chart_cache

ABOUT = {"heat": mark("a heat"), "unit": mark("a unit or asset"), "hour": mark("an hour")}
PROVEN = {
    "infeasible": mark("no plan with it (proven)"),
    "no plan on this grid": mark("no plan with it on the scenario's time steps"),
}
MOVES = 6


def ask(stored: StoredRun) -> Question:
    """The form: one heat, unit or hour."""
    plan = stored.plan
    scenario = plan.scenario
    if not plan.has_schedule:
        return Question(problem=tr("This plan has no schedule to ask about."))
    if scenario.by_the_minute:
        return Question(problem=tr("Lateness weighs neither carbon nor cost; choose a plan for one of them."))
    options = [about for about in ABOUT if about != "heat" or scenario.heats]
    widget = f"why.about.{stored.id}"
    st.session_state.setdefault(widget, options[0])  # the card of a heat or a run may have set it
    about = st.segmented_control(
        tr("About"), options, required=True, format_func=lambda key: tr(ABOUT[key]), key=widget
    )
    forms = {"heat": _heat, "unit": _unit, "hour": _hour}
    decision = forms[str(about)](plan, stored.id)
    return Question({**decision, "time_limit_s": time_limit("why")})


def _heat(plan: Plan, run: str) -> dict[str, Any]:
    scenario, horizon = plan.scenario, plan.scenario.horizon
    steps = [i * horizon.step_min for i in range(horizon.n_steps)]
    names = [heat.name for heat in scenario.heats]
    address = str(st.query_params.get("heat", ""))
    first = names.index(address) if address in names else 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        heat = st.selectbox(tr("Heat"), names, index=first, key=f"why.heat.{run}")
        stages = [stage.name for stage in scenario.line.stages]
        stage = st.selectbox(
            tr("Stage"), stages, index=None, placeholder=tr("the one that draws most power"), key=f"why.stage.{run}"
        )  # fmt: skip
        at = st.selectbox(
            tr("What if it started at"), steps, index=None, key=f"why.at.{run}",
            format_func=lambda minute: clock(horizon.instant(minute)), placeholder=tr("earlier, later, other unit"),
        )  # fmt: skip
    every = st.toggle(tr("Plan again for every other possible start (slow)"), key=f"why.every.{run}")
    moment = None if at is None else horizon.instant(at).isoformat()
    return {"heat": heat, "stage": stage, "at": moment, "every": every and at is None}


def _unit(plan: Plan, run: str) -> dict[str, Any]:
    scenario, site, horizon = plan.scenario, plan.scenario.site, plan.scenario.horizon
    names = [*scenario.line.unit, *(unit for unit, _ in scenario.process_units)]
    names += ["battery"] if site.battery is not None else []
    names += [asset.name for asset in site.assets if asset.decided]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.selectbox(tr("Unit or asset"), names, format_func=say, key=f"why.unit.{run}")
        spans = {one.first: one for one in run_card.runs(run, plan) if (one.unit, one.what) == (unit, unit_runs.RUN)}
        if not spans:
            return {"unit": unit}
        first = st.selectbox(
            tr("Run"), list(spans), index=None, key=f"why.begin.{run}.{unit}", placeholder=tr("all of them"),
            format_func=lambda step: run_card.span(spans[step], horizon),
        )  # fmt: skip
    return {"unit": unit, "at": None if first is None else horizon.instant(first * horizon.step_min).isoformat()}


def _hour(plan: Plan, run: str) -> dict[str, Any]:
    horizon = plan.scenario.horizon
    minutes = list(range(0, int(horizon.length_min), 60))
    minute = st.selectbox(
        tr("Hour"), minutes, format_func=lambda at: clock(horizon.instant(at)), key=f"why.hour.{run}"
    )  # fmt: skip
    return {"hour": horizon.instant(minute).isoformat()}


def show(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    horizon = Horizon.model_validate(result["horizon"])
    st.markdown(f"**{tr('Why {question}?', question=say(result['question']))}**")
    for fact in result["facts"]:
        st.text(say(fact))
    if result.get("rest"):
        with st.expander(tr("The whole unit"), key=f"why.{stored.id}.rest"):
            st.text("\n".join(map(say, result["rest"])))
    worth = result["worth"]
    if worth is not None:
        says = tr("One more MWh costs {value} {unit}.", value=number(worth["value"], 1), unit=worth["unit"])
        st.text(f"{says} {say(worth['held'])}")
    rows = [_row(answer, horizon, result) for answer in result["answers"]]
    table(rows)
    for answer in result["answers"]:
        lines = list(_lines(answer))
        if lines:
            with st.expander(
                say(answer["says"]), expanded=answer["more"] is None, key=f"why.{stored.id}.{answer['says']}"
            ):
                st.text("\n".join(lines))
    _slots(stored, horizon)
    if not result["complete"]:
        st.caption(tr("The time limit was reached before everything was tried; allow more time."))
    if result["slack"] is not None and result["slack"] > 0:
        slack = f"{number(result['slack'], 1)} {result['unit']}"
        st.caption(
            tr("The stored plan itself may be up to {slack} from the best; smaller differences mean little.",
               slack=slack)
        )  # fmt: skip


def _row(answer: dict[str, Any], horizon: Horizon, result: dict[str, Any]) -> dict[str, str]:
    more = answer["more"]
    if more is None:
        status = tr(PROVEN[answer["status"]]) if answer["status"] in PROVEN else say(answer["status"])
        figures = ["–", "–", "–"]
    else:
        gap = "" if answer["gap"] is None else f", {tr('gap {gap}', gap=percent(answer['gap']))}"
        status = f"{say(answer['status'])}{gap}"
        figures = [signed(more["carbon_kg"] / 1000, 2), signed(more["cost"], 0), signed(more["peak_mw"], 2)]
    start = answer["start_min"]
    return {
        tr("what if"): say(answer["says"]),
        tr("carbon [t CO2e]"): figures[0],
        tr("cost [{unit}]", unit=result["currency"]): figures[1],
        tr("peak [MW]"): figures[2],
        tr("best start"): "" if start is None else f"{clock(horizon.instant(start))} {answer['unit']}",
        say("status"): status,
    }


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    """Reasons, limits in the way and other moves of an answer."""
    if answer["reason"]:
        yield say(answer["reason"])
    for limit in answer["limits"]:
        yield tr("in the way: {limit}", limit=say(limit))
    if answer["because"]:
        yield say(answer["because"])
    moves = [say(move["says"]) for move in answer["moves"]]
    if moves:
        rest = len(moves) - MOVES
        first = clauses(moves[:MOVES])
        more = f" {trn('And {count} more.', 'And {count} more.', rest)}" if rest > 0 else ""
        yield tr("others: {moves}", moves=first) + more


def _slots(stored: StoredAnalysis, horizon: Horizon) -> None:
    result = stored.result
    if not result["slots"]:
        return
    possible = sum(slot["more_of_goal"] is not None for slot in result["slots"])
    st.markdown(f"**{tr('Other starts, all other heats in place (estimate)')}**")
    st.text(tr("{count} of {all} starts are possible.", count=possible, all=len(result["slots"])))
    chart_cache.chart(
        cache_key("slots", stored), lambda: slots.starts(result["slots"], horizon, result["unit"]),
        tr("Cost of each possible start [{unit}]; a start without a mark is not possible.", unit=result["unit"]),
    )  # fmt: skip


ANALYSIS = Analysis(
    title=mark("Why"),
    says=mark(
        "Why is a heat, a unit or an hour planned as it is? The decision is fixed or freed, the plant planned again, "
        "and each alternative compared with the plan."
    ),
    start=mark("Ask why"),
    of_plan=True,
    ask=ask,
    show=show,
    keep=mark("Stop and keep the answers found so far"),
)
