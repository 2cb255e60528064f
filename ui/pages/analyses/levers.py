"""Levers: the saving of shifting heats and of each asset, as a waterfall and a table."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emberline.plans.analyses import StoredAnalysis
from emberline.plans.levers import refused
from emberline.ui.charts import causes
from emberline.ui.pages.analyses.shape import Analysis, Question, cache_key, cost_and_carbon, scenario_of, table
from emberline.ui.pages.request.form import Request
from emberline.ui.pages.session import chart_cache
from emberline.ui.text.language import mark, tr
from emberline.ui.text.messages import say
from emberline.ui.text.numbers import number, percent, signed

NAMES = {"shifting": mark("shifting heats"), "battery": mark("battery")}
CASES = (
    mark("baseline heats, no lever"),
    mark("baseline, by rules"),
    mark("baseline heats, site planned"),
    mark("production first, site after"),
    mark("planned together"),
)
COLUMNS = {"first": mark("each alone"), "last": mark("each as the last one")}
FIGURES = {"carbon": ("carbon_kg", 1e-3, 1), "cost": ("cost", 1.0, 0)}
"""Name in a change, factor and digits."""


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
        table(list(_rows(result)))
        st.caption(
            tr(
                "Each alone: on the baseline heats. Each as the last one: taken away from the joint plan, heats not "
                "planned again. Levers overlap, so neither column adds up; the rest is their interaction."
            )
        )
    if result["needed"]:
        st.text(tr("The site cannot run without {names}.", names=", ".join(result["needed"])))
    for lever in result["levers"]:
        if lever["reason"]:
            st.caption(f"{_name(lever['name'])}: {say(lever['reason'])}")
    st.markdown(f"**{tr('The plans compared')}**")
    table(list(_cases(result)), "cases")


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
            tr("Saving"), list(COLUMNS), default="first", required=True,
            format_func=lambda key: tr(COLUMNS[key]), key="levers.column",
        )  # fmt: skip
    key, factor, digits = FIGURES[str(figure)]
    rest = result["interaction"][column]
    if rest is None:
        st.caption(tr("A lever has no plan on its own, so its part of the sum is not known."))
        return
    rows = [(_name(lever["name"]), lever[column][key] * factor) for lever in result["levers"]]
    rows.append((tr("interaction"), rest[key] * factor))
    unit = "t CO2e" if figure == "carbon" else result["currency"]
    chart_cache.chart(
        (*cache_key("levers", stored), figure, column), lambda: causes.waterfall(rows, unit, digits),
        tr("Saving by lever and their interaction; the table below has the same values."),
    )  # fmt: skip


def _rows(result: dict[str, Any]) -> Any:
    money = result["currency"]
    pairs = [(_name(lever["name"]), lever) for lever in result["levers"]]
    pairs += [(tr("interaction"), result["interaction"]), (tr("all together"), None)]
    for label, values in pairs:
        row = {tr("saved by"): label}
        for column, title in COLUMNS.items():
            change = result["together"] if values is None else values[column]
            for figure, unit in (("carbon", "t CO2e"), ("cost", money)):
                key, factor, digits = FIGURES[figure]
                cell = "–" if change is None else signed(change[key] * factor, digits)
                row[f"{tr(title)} [{unit}]"] = cell
        yield row


def _cases(result: dict[str, Any]) -> Any:
    money = result["currency"]
    for name in CASES:
        case = result["cases"][name]
        sums = case["figures"]
        status = say(case["status"]) if sums is not None else f"{say(case['status'])} {say(case['reason'])}"
        yield {
            tr("plan"): tr(name),
            tr("carbon [t CO2e]"): "–" if sums is None else number(sums["carbon_kg"] / 1000, 1),
            tr("cost [{unit}]", unit=money): "–" if sums is None else number(sums["cost"], 0),
            tr("peak [MW]"): "–" if sums is None else number(sums["peak_mw"], 1),
            say("status"): status,
        }


def _name(lever: str) -> str:
    return tr(NAMES[lever]) if lever in NAMES else lever


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
