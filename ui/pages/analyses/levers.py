"""Levers: the saving of shifting heats and of each asset, as a waterfall and a table."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emberline.reports.charts import causes
from emberline.reports.text.language import mark, tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import percent
from emberline.reports.text.studies.levers import COLUMNS as TITLES
from emberline.reports.text.studies.levers import FIGURES, case_rows, lever_rows
from emberline.reports.text.studies.levers import name as lever_name
from emberline.runs.work.analyses import StoredAnalysis
from emberline.studies.levers import refused
from emberline.ui.pages.analyses.shape import Analysis, Question, cache_key, cost_and_carbon, scenario_of, table
from emberline.ui.pages.request.form import Request
from emberline.ui.pages.session import chart_cache

COLUMNS = ("first", "last")
"""Of the waterfall."""


def ask(request: Request) -> Question:
    """The form: nothing but the scenario."""
    return Question(problem=say(refused(scenario_of(request))))


def show(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    together = result["together"]
    _headline(result)
    if together is None:
        st.warning(tr("No plan was found with all levers: allow more time, or ask why there is no plan."))
    elif result["levers"]:
        _waterfall(stored)
        table(lever_rows(result))
        st.caption(
            tr(
                "Each alone: on the baseline heats. Each as the last one: taken away from the joint plan, heats not "
                "planned again. Levers overlap, so neither column adds up; the rest is their interaction."
            )
            + " "
            + tr("By rules: the baseline without the lever, less that with it.")
        )
    if result["needed"]:
        st.text(tr("The site cannot run without {names}.", names=", ".join(result["needed"])))
    for lever in result["levers"]:
        if lever["reason"]:
            st.caption(f"{lever_name(lever['name'])}: {say(lever['reason'])}")
    st.markdown(f"**{tr('The plans compared')}**")
    table(case_rows(result), "cases")


def _headline(result: dict[str, Any]) -> None:
    saved, money = result["saved"]["baseline"], result["currency"]
    if saved is not None:
        says = tr("Planned together, the plant saves {saving} compared with the baseline.",
                  saving=cost_and_carbon(saved, money))  # fmt: skip
        st.markdown(f"**{says}**")
    search = result["searches"]["joint"]
    gap = tr("no bound proven in time") if result["gap"] is None else tr("gap {gap}", gap=percent(result["gap"]))
    st.text(tr("Joint search: {status}, {gap}.", status=say(search["status"]), gap=gap))


def _waterfall(stored: StoredAnalysis) -> None:
    result = stored.result
    with st.container(horizontal=True):
        figure = st.segmented_control(
            tr("Figure"), list(FIGURES), default="cost" if result["goal"] != "carbon" else "carbon", required=True,
            format_func={"carbon": tr("carbon"), "cost": tr("cost")}.__getitem__, key="levers.figure",
        )  # fmt: skip
        column = st.segmented_control(
            tr("Saving"), COLUMNS, default="first", required=True,
            format_func=lambda key: tr(TITLES[key]), key="levers.column",
        )  # fmt: skip
    key, factor, digits = FIGURES[str(figure)]
    rest = result["interaction"][column]
    if rest is None:
        st.caption(tr("A lever has no plan on its own, so its part of the sum is not known."))
        return
    rows = [(lever_name(lever["name"]), lever[column][key] * factor) for lever in result["levers"]]
    rows.append((tr("interaction"), rest[key] * factor))
    unit = "t CO2e" if figure == "carbon" else result["currency"]
    chart_cache.chart(
        (*cache_key("levers", stored), figure, column), lambda: causes.waterfall(rows, unit, digits),
        tr("Saving by lever and their interaction; the table below has the same values."),
    )  # fmt: skip


ANALYSIS = Analysis(
    title=mark("Levers"),
    says=mark(
        "What does each lever save: shifting heats, the battery, each store, engine and heat recovery? Two searches "
        "are made, each within the time limit at the side, then one for each lever."
    ),
    start=mark("Weigh the levers"),
    of_plan=False,
    ask=ask,
    show=show,
    keep=mark("Stop searching and weigh the best plans so far"),
)
