"""Why a scenario has no plan: the limits in conflict, and the smallest changes that help."""

from __future__ import annotations

import streamlit as st

from emberline.reports.text.language import mark, tr
from emberline.runs.work.analyses import StoredAnalysis
from emberline.ui.pages.analyses.shape import Analysis, Question, time_limit
from emberline.ui.pages.request.form import Request
from emberline.ui.pages.result import repairs


def ask(request: Request) -> Question:
    """The form: the time limit."""
    return Question({"time_limit_s": time_limit("why_not")})


def show(stored: StoredAnalysis) -> None:
    """Draw the result; a repair can be planned at once."""
    status = stored.result["status"]
    if status == "infeasible":
        st.markdown(f"**{tr('No plan can meet all limits (proven).')}**")
    elif status == "no plan on this grid":
        step = f"{stored.result['step_min']:g}"
        st.markdown(f"**{tr('No plan on time steps of {step} min: a finer step may have one.', step=step)}**")
    repairs.show(stored.result, stored.id, str(stored.scenario), stored.overrides)
    if not stored.result["complete"] and stored.result["repairs"]:
        st.caption(tr("The time limit was reached before everything was tried; allow more time."))


ANALYSIS = Analysis(
    title=mark("Why not"),
    says=mark(
        "Why does the scenario at the side have no plan: which limits conflict, and what is the smallest change that "
        "helps?"
    ),
    start=mark("Search the limits in the way"),
    of_plan=False,
    ask=ask,
    show=show,
    keep=mark("Stop and keep the repairs found so far"),
)
