"""Page Plant: flow sheet with the values at a chosen time, and diagrams of energy and carbon."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial

import streamlit as st

from emberline.planning.accounts import ledger
from emberline.planning.accounts.sankey import Diagram, carbon, energy
from emberline.reports.charts import flow_sheet, palette
from emberline.reports.charts import sankey as sankeys
from emberline.reports.charts.flow_sheet import drawing
from emberline.reports.charts.view import weeks
from emberline.reports.text import mark, tr, wording
from emberline.scenarios import Scenario
from emberline.ui.pages.editor import new_plant
from emberline.ui.pages.request.sources import SCENARIO_KEY
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, navigation, run_or_baseline, stored_runs, widgets
from emberline.ui.pages.session.run_or_baseline import Subject
from emberline.ui.pages.session.widgets import caption

POLICIES = {run_or_baseline.PLAN: mark("the plan"), run_or_baseline.BASELINE: mark("the baseline")}
TOTALS, MOMENT = "totals", "moment"
VALUES = {MOMENT: mark("at a moment"), TOTALS: mark("totals")}


def page() -> None:
    """Draw the page."""
    st.subheader(tr("Plant"), anchor=False)
    _to_the_editor()
    which, policy_column = st.columns([3, 2], vertical_alignment="bottom")
    with which:
        subject = run_or_baseline.choose("plant")
    if subject is None:
        return
    policy = subject.policies[0]
    if len(subject.policies) > 1:
        with policy_column:
            policy = widgets.choose(tr("Run of"), POLICIES, policy, "plant.policy")
    scenario = subject.scenario
    st.text(f"{stored_runs.of_scenario(scenario)}, {wording.span(scenario.horizon)}")
    st.caption(subject.status)
    chart_cache.say_sources(scenario)
    with st.spinner(tr("The twin simulates the baseline")):
        subject.run(policy)
    _sheet(subject, policy)
    st.markdown(f"**{tr('Energy from source to use')}**")
    _energy(subject, policy)
    st.markdown(f"**{tr('Carbon from source to product')}**")
    _carbon(subject, policy)


def _to_the_editor() -> None:
    """Draw the buttons that open the editor, as this page is read-only."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            tr("This page shows the plant of a plan; it is built and changed on the page Scenario."), width="content"
        )
        draw, new = (
            st.button(label, key=key, type="tertiary", icon=icon)
            for label, key, icon in (
                (tr("Edit a plant"), "plant.edit", ":material/edit:"), (tr("New plant"), "plant.new", ":material/add:"),
            )
        )  # fmt: skip
    if draw or new:
        st.session_state[new_plant.OPEN] = new
        st.session_state[navigation.view_key(str(st.session_state.get(SCENARIO_KEY)))] = "sheet"
        navigation.go("scenario")


@st.fragment
def _sheet(subject: Subject, policy: str) -> None:
    """Draw the flow sheet. Moving the slider redraws only this part of the page."""
    scenario, run = subject.scenario, subject.run(policy)
    place, part = st.columns(2, vertical_alignment="bottom")
    with place:
        values = widgets.choose(tr("Values"), VALUES, MOMENT, "plant.values")
    step = None
    if values == MOMENT:
        views = weeks(scenario.horizon)
        view = next(iter(views.values()))
        if len(views) > 1:
            view = views[part.selectbox(tr("Week"), list(views)[1:], key=f"plant.week.{scenario.name}")]
        step = _moment(subject, view.first, view.end, f"plant.step.{scenario.name}.{view.first}")
    key = ("sheet", *subject.key, policy, step)
    sheet = chart_cache.value(key, lambda: flow_sheet.sheet(scenario, run, step))
    dark = st.context.theme.type == "dark"
    text = tr("Flow sheet of the plant; the table below has the same values.")
    build = partial(drawing.draw, sheet, sankeys.carrier_colours(scenario) | palette.of_stores(scenario), dark)
    chart_cache.chart((*key, dark), build, text, "sheet", key="plant.sheet")
    text = tr(
        "Bars are carriers and stores; the width of a line shows its flow among flows of the same unit; arrows "
        "show direction; dashed = idle."
    )
    at = (
        tr("Flows are means over the step, levels are those at its beginning.")
        if step is not None
        else tr("Levels at the end.")
    )
    st.caption(f"{text} {at}")
    with st.expander(tr("The same as a table")):
        draw(chart_cache.value(("table", *key), lambda: flow_sheet.table(sheet)), {})


def _moment(subject: Subject, first: int, end: int, key: str) -> int:
    """Draw the time slider and return the step to show, by default noon of the first day."""
    horizon = subject.scenario.horizon
    labels = chart_cache.value(
        ("moments", *subject.key, first, end),
        lambda: {step: wording.moment(horizon.instant(step * horizon.step_min)) for step in range(first, end)},
    )
    noon = min(first + round(12 * 60 / horizon.step_min), end - 1)
    text = tr("Moment, local time ({zone})", zone=horizon.zone)
    return int(st.select_slider(text, list(labels), noon, key=key, format_func=labels.__getitem__))


def _diagram(key: tuple[Hashable, ...], build: Callable[[], Diagram], scenario: Scenario, text: str) -> Diagram:
    """Draw a diagram, which is cached by its key."""
    diagram, dark = chart_cache.value(key, build), st.context.theme.type == "dark"
    build_chart = partial(sankeys.draw, diagram, sankeys.carrier_colours(scenario), dark)
    chart_cache.chart((*key, dark), build_chart, text, str(key[0]))
    return diagram


def _as_table(diagram: Diagram, digits: dict[str, int]) -> None:
    with st.expander(tr("The same as a table")):
        draw(sankeys.table(diagram), digits)


def _energy(subject: Subject, policy: str) -> None:
    scenario, key = subject.scenario, ("energy", *subject.key, policy)
    text = tr("Diagram of energy from source to use; the table below has the same values.")
    diagram = _diagram(key, lambda: energy(scenario, subject.run(policy)), scenario, text)
    caption(
        "MWh over the horizon; width is energy. Flows that only pass through a storage are not drawn; "
        "carriers without an energy content in MWh (such as hydrogen) end where they are made."
    )
    _as_table(diagram, {"MWh": 1})


def _carbon(subject: Subject, policy: str) -> None:
    scenario, book = subject.scenario, subject.ledger(policy)
    signal: str = scenario.goal.signal
    signals = {name: wording.SIGNALS[name] for name in ledger.SIGNALS if name in book.grid}
    if len(signals) > 1:
        signal = widgets.choose(tr("Grid intensity"), signals, signal, f"plant.signal.{scenario.name}")
    key = ("carbon", *subject.key, policy, signal)
    text = tr("Diagram of carbon from source to product; the table below has the same values.")
    diagram = _diagram(key, lambda: carbon(scenario, book, signal), scenario, text)
    total = wording.number((book.total_kg(signal) or 0.0) / 1000, 2)
    caption(
            "Scope 1 and 2, {signal}: {total} t CO2e. Biogenic CO2 is separate and not drawn. Carbon of what a "
            "store supplies was emitted when it was filled.",
            signal=tr(wording.SIGNALS[signal]), total=total,
        )  # fmt: skip
    _as_table(diagram, {"t CO2e": 2})
