"""The page Plant: the flow sheet of what is looked at, with its values at a moment, and where energy and carbon go."""

from __future__ import annotations

from collections.abc import Hashable

import streamlit as st

from emberline.plans.accounts import ledger
from emberline.plans.accounts.sankey import Diagram, carbon, energy
from emberline.plans.exports import palette
from emberline.scenarios import Scenario
from emberline.scenarios.records.horizon import Horizon
from emberline.ui.charts import flow_sheet
from emberline.ui.charts import sankey as sankeys
from emberline.ui.charts.flow_sheet import drawing
from emberline.ui.charts.view import weeks
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, run_or_baseline
from emberline.ui.pages.session.run_or_baseline import Looked
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr

POLICIES = {run_or_baseline.PLAN: mark("the plan"), run_or_baseline.BASELINE: mark("the baseline")}
TOTALS, MOMENT = "totals", "moment"
SHOWN = {MOMENT: mark("at a moment"), TOTALS: mark("added up")}


def page() -> None:
    """Draw the page."""
    st.subheader(tr("Plant"), anchor=False)
    which, whose = st.columns([3, 2], vertical_alignment="bottom")
    with which:
        looked = run_or_baseline.choose("plant")
    if looked is None:
        return
    policy = looked.policies[0]
    if len(looked.policies) > 1:
        with whose:
            policy = _choice(tr("Run of"), POLICIES, policy, "plant.policy")
    scenario = looked.scenario
    st.text(f"{scenario.title or scenario.name}, {wording.span(scenario.horizon)}")
    st.caption(looked.status)
    with st.spinner(tr("The twin simulates the baseline")):
        looked.run(policy)
    _sheet(looked, policy)
    st.markdown(f"**{tr('Where the energy comes from and goes')}**")
    _energy(looked, policy)
    st.markdown(f"**{tr('Where the carbon comes from and goes')}**")
    _carbon(looked, policy)


def _choice(label: str, names: dict[str, str], default: str, key: str) -> str:
    found = st.segmented_control(
        label, list(names), default=default, required=True, format_func=lambda name: tr(names[name]), key=key
    )
    return str(found or default)


@st.fragment
def _sheet(looked: Looked, policy: str) -> None:
    """The flow sheet; moving the slider draws it alone."""
    scenario, run = looked.scenario, looked.run(policy)
    shown, part = st.columns(2, vertical_alignment="bottom")
    with shown:
        asked = _choice(tr("Values"), SHOWN, MOMENT, "plant.values")
    step = None
    if asked == MOMENT:
        horizon, views = scenario.horizon, weeks(scenario.horizon)
        view = next(iter(views.values()))
        if len(views) > 1:
            view = views[part.selectbox(tr("Week"), list(views)[1:], key=f"plant.week.{scenario.name}")]
        step = _moment(horizon, view.first, view.end, f"plant.step.{scenario.name}.{view.first}")
    found = flow_sheet.sheet(scenario, run, step)
    dark = st.context.theme.type == "dark"
    colour_of = sankeys.carrier_colours(scenario) | palette.of_stores(scenario)
    with st.container(key="sheet"):
        st.altair_chart(
            drawing.draw(found, colour_of, dark), width="stretch", key="plant.sheet",
            alt=tr("Flow sheet of the plant; the table below it tells the same."),
        )  # fmt: skip
    says = tr(
        "Bars are carriers and stores; a line is as thick as what flows, of what is measured alike, its arrow says "
        "whither; a dashed box does nothing."
    )
    at = tr("Flows are means over the step, levels as it begins.") if step is not None else tr("Levels at the end.")
    st.caption(f"{says} {at}")
    with st.expander(tr("The same as a table")):
        draw(flow_sheet.table(found), {})


def _moment(horizon: Horizon, first: int, end: int, key: str) -> int:
    """The step that is looked at: noon of the first day where there is one."""
    steps = list(range(first, end))
    noon = min(first + round(12 * 60 / horizon.step_min), steps[-1])
    return int(
        st.select_slider(
            tr("Moment, local time ({zone})", zone=horizon.zone), steps, noon, key=key,
            format_func=lambda step: wording.moment(horizon.instant(step * horizon.step_min)),
        )
    )  # fmt: skip


def _diagram(stands_for: tuple[Hashable, ...], found: Diagram, scenario: Scenario, says: str) -> None:
    dark = st.context.theme.type == "dark"
    chart_cache.chart((*stands_for, dark), lambda: sankeys.draw(found, sankeys.carrier_colours(scenario), dark), says)


def _energy(looked: Looked, policy: str) -> None:
    scenario = looked.scenario
    found = energy(scenario, looked.run(policy))
    with st.container(key="energy"):
        says = tr("Diagram of energy from source to use; the table below it tells the same.")
        _diagram(("energy", *looked.key, policy), found, scenario, says)
    st.caption(
        tr(
            "MWh over the horizon; width is energy. What only passes through a store is not drawn; what is not counted "
            "in MWh (hydrogen, say) ends where it is made."
        )
    )
    with st.expander(tr("The same as a table")):
        draw(sankeys.table(found), {"MWh": 1})


def _carbon(looked: Looked, policy: str) -> None:
    scenario, book = looked.scenario, looked.ledger(policy)
    signal: str = scenario.goal.signal
    signals = {name: wording.SIGNALS[name] for name in ledger.SIGNALS if name in book.grid}
    if len(signals) > 1:
        signal = _choice(tr("Grid intensity"), signals, signal, f"plant.signal.{scenario.name}")
    found = carbon(scenario, book, signal)
    with st.container(key="carbon"):
        says = tr("Diagram of carbon from source to product; the table below it tells the same.")
        _diagram(("carbon", *looked.key, policy, signal), found, scenario, says)
    total = wording.number((book.total_kg(signal) or 0.0) / 1000, 2)
    st.caption(
        tr(
            "Scope 1 and 2, {signal}: {total} t CO2e. Biogenic CO2 stands apart and is not drawn. What a store gives "
            "was emitted when it was filled.",
            signal=tr(wording.SIGNALS[signal]), total=total,
        )
    )  # fmt: skip
    with st.expander(tr("The same as a table")):
        draw(sankeys.table(found), {"t CO2e": 2})
