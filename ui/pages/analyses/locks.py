"""The price of each lock of a plan: freed one at a time, planned again."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emberline.plans.analyses import StoredAnalysis
from emberline.plans.store import StoredRun
from emberline.ui.pages.analyses.shape import Analysis, Question, table, time_limit
from emberline.ui.text.language import mark, tr
from emberline.ui.text.messages import say
from emberline.ui.text.numbers import number, percent, signed


def ask(stored: StoredRun) -> Question:
    """The form: the time limit."""
    plan = stored.plan
    if not plan.has_schedule:
        return Question(problem=tr("This plan has no schedule to ask about."))
    if plan.scenario.by_the_minute:
        return Question(problem=tr("Lateness weighs neither carbon nor cost; choose a plan for one of them."))
    if not plan.scenario.locks:
        return Question(problem=tr("This plan has no locks. Lock heats on the page Plan and plan again."))
    return Question({"time_limit_s": time_limit("locks")})


def show(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    rows = [_row(lock["says"], lock["freed"], lock["at_most"], result) for lock in result["locks"]]
    if result["all_freed"] is not None:
        every = result["all_freed"]
        at_most = None if every["low"] is None else max(-every["low"], 0.0)
        rows.append(_row(tr("without any lock"), every, at_most, result))
    table(rows)
    st.caption(
        tr(
            "Saved by freeing the lock and planning again. At most: no plan without the lock saves more of the goal "
            "(proven)."
        )
    )
    if not result["complete"]:
        st.caption(tr("The time limit was reached before everything was tried; allow more time."))


def _row(says: str, freed: dict[str, Any], at_most: float | None, result: dict[str, Any]) -> dict[str, str]:
    more = freed["more"]
    figures = ["–"] * 3
    if more is not None:
        figures = [signed(-more["carbon_kg"] / 1000, 2), signed(-more["cost"], 0), signed(-more["peak_mw"], 2)]
    gap = "" if freed["gap"] is None else f", {tr('gap {gap}', gap=percent(freed['gap']))}"
    return {
        tr("lock"): say(says),
        tr("carbon saved [t CO2e]"): figures[0],
        tr("cost saved [{unit}]", unit=result["currency"]): figures[1],
        tr("peak saved [MW]"): figures[2],
        tr("at most [{unit}]", unit=result["unit"]): number(at_most, 0),
        say("status"): f"{say(freed['status'])}{gap}",
    }


ANALYSIS = Analysis(
    title=mark("Price of locks"),
    says=mark("What does each lock of a plan cost? It is freed, the plant planned again, and the saving reported."),
    start=mark("Price the locks"),
    of_plan=True,
    ask=ask,
    show=show,
    keep=mark("Stop and keep the prices found so far"),
)
