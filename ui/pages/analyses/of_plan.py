"""Analyses that explain a plan, or why there is none: a decision, the limits in conflict, locks, shadow prices."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from emberline.planning.accounts import unit_runs
from emberline.planning.plan import Plan
from emberline.reports.charts import studies
from emberline.reports.charts.view import View
from emberline.reports.text import mark, number, percent, say, signed, tr, trn
from emberline.reports.text.numbers import clauses, clock
from emberline.reports.text.studies import lock_rows
from emberline.runs.store import StoredRun
from emberline.runs.work.analyses import StoredAnalysis
from emberline.scenarios.goal_metrics import GOALS
from emberline.scenarios.records.horizon import Horizon
from emberline.ui.pages.analyses.shape import Analysis, Question, table, time_limit
from emberline.ui.pages.request.form import Request
from emberline.ui.pages.result import repairs, units
from emberline.ui.pages.session import chart_cache, widgets
from emberline.ui.pages.session.widgets import caption, paragraph

ABOUT = {"heat": mark("a heat"), "unit": mark("a unit or asset"), "hour": mark("an hour")}
ABOUT_OF: dict[str, tuple[str, ...]] = {"heats": ("heat",), "runs": ()}
"""Subjects of questions other than units and hours, by the table of a producer."""
PROVEN = {
    "infeasible": mark("no plan with it (proven)"),
    "no plan on this grid": mark("no plan with it on the scenario's time steps"),
}
MOVES = 6


def _no_answer(plan: Plan) -> str:
    """Why nothing can be asked about a plan; empty: it can."""
    if not plan.has_schedule:
        return tr("This plan has no schedule to ask about.")
    return (
        tr("Lateness weighs neither carbon nor cost; choose a plan for one of them.")
        if plan.scenario.by_the_minute
        else ""
    )


def ask_why(stored: StoredRun) -> Question:
    """The form: one heat, unit or hour."""
    plan, scenario = stored.plan, stored.plan.scenario
    if problem := _no_answer(plan):
        return Question(problem=problem)
    options = [*(about for producer in scenario.producers for about in ABOUT_OF[producer.table]), "unit", "hour"]
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
        most_power, others = tr("the one that draws most power"), tr("earlier, later, other unit")
        stage = widgets.pick(tr("Stage"), stages, f"why.stage.{run}", none=most_power)
        at = widgets.pick(tr("What if it started at"), steps, f"why.at.{run}", partial(_clock, horizon), others)
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
        spans = {one.first: one for one in units.runs(run, plan) if (one.unit, one.what) == (unit, unit_runs.RUN)}
        if not spans:
            return {"unit": unit}
        words = {first: units.span(span, horizon) for first, span in spans.items()}
        key = f"why.begin.{run}.{unit}"
        first = widgets.pick(tr("Run"), words, key, words.__getitem__, none=tr("all of them"))
    return {"unit": unit, "at": None if first is None else horizon.instant(first * horizon.step_min).isoformat()}


def _clock(horizon: Horizon, minute: float) -> str:
    return clock(horizon.instant(minute))


def _hour(plan: Plan, run: str) -> dict[str, Any]:
    horizon = plan.scenario.horizon
    minutes = list(range(0, int(horizon.length_min), 60))
    minute = widgets.pick(tr("Hour"), minutes, f"why.hour.{run}", partial(_clock, horizon))
    return {"hour": horizon.instant(minute).isoformat()}


def show_why(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    horizon = Horizon.model_validate(result["horizon"])
    st.markdown(f"**{tr('Why {question}?', question=say(result['question']))}**")
    for fact in result["facts"]:
        st.text(say(fact))
    if result.get("rest"):
        st.expander(tr("The whole unit"), key=f"why.{stored.id}.rest").text("\n".join(map(say, result["rest"])))
    worth = result["worth"]
    if worth is not None:
        text = tr("One more MWh costs {value} {unit}.", value=number(worth["value"], 1), unit=worth["unit"])
        st.text(f"{text} {say(worth['held'])}")
    rows = [_row(answer, horizon, result) for answer in result["answers"]]
    table(rows)
    for answer in result["answers"]:
        lines = list(_lines(answer))
        if lines:
            key = f"why.{stored.id}.{answer['says']}"
            st.expander(say(answer["says"]), expanded=answer["more"] is None, key=key).text("\n".join(lines))
    _slots(stored, horizon)
    if not result["complete"]:
        caption("The time limit was reached before everything was tried; allow more time.")
    if result["slack"] is not None and result["slack"] > 0:
        slack = f"{number(result['slack'], 1)} {result['unit']}"
        caption(
            "The stored plan itself may be up to {slack} from the best; smaller differences mean little.", slack=slack
        )


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
        remaining = len(moves) - MOVES
        first = clauses(moves[:MOVES])
        more = f" {trn('And {count} more.', 'And {count} more.', remaining)}" if remaining > 0 else ""
        yield tr("others: {moves}", moves=first) + more


def _slots(stored: StoredAnalysis, horizon: Horizon) -> None:
    result = stored.result
    if not result["slots"]:
        return
    possible = sum(slot["more_of_goal"] is not None for slot in result["slots"])
    st.markdown(f"**{tr('Other starts, all other heats in place (estimate)')}**")
    paragraph("{count} of {all} starts are possible.", count=possible, all=len(result["slots"]))
    text = tr("Cost of each possible start [{unit}]; a start without a mark is not possible.", unit=result["unit"])
    build = partial(studies.start_slots, result["slots"], horizon, result["unit"])
    chart_cache.chart(("slots", stored.id), build, text)


WHY = Analysis(
    title=mark("Why"),
    says=mark(
        "Why is a heat, a unit or an hour planned as it is? The decision is fixed or freed, the plant planned again, "
        "and each alternative compared with the plan."
    ),
    start=mark("Ask why"),
    of_plan=True,
    ask=ask_why,
    show=show_why,
    keep=mark("Stop and keep the answers found so far"),
)


def ask_why_not(request: Request) -> Question:
    """The form: the time limit."""
    return Question({"time_limit_s": time_limit("why_not")})


def show_why_not(stored: StoredAnalysis) -> None:
    """Draw the result; a repair can be planned at once."""
    status = stored.result["status"]
    if status == "infeasible":
        st.markdown(f"**{tr('No plan can meet all limits (proven).')}**")
    elif status == "no plan on this grid":
        step = f"{stored.result['step_min']:g}"
        st.markdown(f"**{tr('No plan on time steps of {step} min: a finer step may have one.', step=step)}**")
    repairs.show(stored.result, stored.id, str(stored.scenario), stored.overrides)
    if not stored.result["complete"] and stored.result["repairs"]:
        caption("The time limit was reached before everything was tried; allow more time.")


WHY_NOT = Analysis(
    title=mark("Why not"),
    says=mark(
        "Why does the scenario at the side have no plan: which limits conflict, and what is the smallest change that "
        "helps?"
    ),
    start=mark("Search the limits in the way"),
    ask=ask_why_not,
    show=show_why_not,
    keep=mark("Stop and keep the repairs found so far"),
)


def ask_locks(stored: StoredRun) -> Question:
    """The form: the time limit."""
    problem = _no_answer(stored.plan)
    if not problem and not stored.plan.scenario.locks:
        problem = tr("This plan has no locks. Lock heats on the page Plan and plan again.")
    return Question(problem=problem) if problem else Question({"time_limit_s": time_limit("locks")})


def show_locks(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    table(lock_rows(result))
    caption(
        "Saved by freeing the lock and planning again. At most: no plan on these steps without the lock saves more "
        "of the goal (proven)."
    )
    if not result["complete"]:
        caption("The time limit was reached before everything was tried; allow more time.")


LOCKS = Analysis(
    title=mark("Price of locks"),
    says=mark("What does each lock of a plan cost? It is freed, the plant planned again, and the saving reported."),
    start=mark("Price the locks"),
    of_plan=True,
    ask=ask_locks,
    show=show_locks,
    keep=mark("Stop and keep the prices found so far"),
)


def ask_prices(stored: StoredRun) -> Question:
    """The form: nothing but the plan."""
    return Question(problem="" if stored.plan.has_schedule else tr("This plan has no schedule, hence no prices."))


def show_prices(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    horizon = Horizon.model_validate(result["horizon"])
    rows = result["prices"]
    if not rows:
        paragraph("No carrier, store or limit of the site has a price.")
        return

    def label(i: int) -> str:
        return f"{say(rows[i]['name'])}: {say(rows[i]['says'])}"

    i = st.selectbox(tr("Price"), range(len(rows)), format_func=label, key="prices.row")
    row, unit = rows[i], _price_unit(rows[i])
    values = np.array(row["values"])
    if len(values) > 1:
        # a meter's interval may be longer than a step
        values = np.repeat(values, max(1, horizon.n_steps // len(values)))[: horizon.n_steps]
    if len(values) == horizon.n_steps:
        build = partial(studies.stepped, values, View.of(horizon), f"{say(row['name'])} [{unit}]")
        text = tr("{price} by hour [{unit}]; the table below has mean, least and most.", price=label(i), unit=unit)
        chart_cache.chart(("prices", stored.id, i), build, text)
    table(
        [
            {
                tr("what"): say(row["name"]),
                tr("price"): say(row["says"]),
                say("unit"): _price_unit(row),
                tr("mean"): number(row["mean"], 2),
                tr("least"): number(row["low"], 2),
                tr("most"): number(row["high"], 2),
                tr("steps not zero"): number(row["steps"], 0),
            }
            for row in rows
        ]
    )
    fixed = tr("processes") if result["processes"] else tr("heats")
    whole = tr("no whole numbers") if result["exact"] else tr("whole numbers fixed")
    goal = tr(GOALS.get(result["goal"], result["goal"]))
    caption("For the goal {goal}; {fixed} fixed as planned, {whole}.", goal=goal, fixed=fixed, whole=whole)


def _price_unit(row: dict[str, Any]) -> str:
    return f"kg CO2e/{row['unit'][3:]}" if row["unit"].startswith("kg/") else str(row["unit"])


PRICES = Analysis(
    title=mark("Shadow prices"),
    says=mark(
        "What is one more MWh worth in each hour, one more in store, or a larger limit? These are the duals of the "
        "site's linear program with the schedule of the plan fixed."
    ),
    start=mark("Compute the prices"),
    of_plan=True,
    ask=ask_prices,
    show=show_prices,
)
