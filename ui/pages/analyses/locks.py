"""The price of each lock of a plan: freed one at a time, planned again."""

from __future__ import annotations

import streamlit as st

from emberline.reports.text.language import mark, tr
from emberline.reports.text.studies.locks import lock_rows
from emberline.runs.store import StoredRun
from emberline.runs.work.analyses import StoredAnalysis
from emberline.ui.pages.analyses.shape import Analysis, Question, table, time_limit


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
    table(lock_rows(result))
    st.caption(
        tr(
            "Saved by freeing the lock and planning again. At most: no plan on these steps without the lock saves more "
            "of the goal (proven)."
        )
    )
    if not result["complete"]:
        st.caption(tr("The time limit was reached before everything was tried; allow more time."))


ANALYSIS = Analysis(
    title=mark("Price of locks"),
    says=mark("What does each lock of a plan cost? It is freed, the plant planned again, and the saving reported."),
    start=mark("Price the locks"),
    of_plan=True,
    ask=ask,
    show=show,
    keep=mark("Stop and keep the prices found so far"),
)
