"""Page Twin: replay of a run with operations, breakdowns and missed limits."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
import xarray as xr

from emberline.planning.accounts import Figures
from emberline.planning.accounts import sums as run_sums
from emberline.planning.plan import violations
from emberline.reports.charts import plan as plan_charts
from emberline.reports.charts import process_panels, replay
from emberline.reports.charts.view import weeks
from emberline.reports.text import mark, tr, trn, wording
from emberline.reports.text.activities import breakdowns
from emberline.scenarios import Scenario
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, run_or_baseline, stored_runs
from emberline.ui.pages.session.run_or_baseline import BASELINE, PLAN, Subject
from emberline.ui.pages.session.widgets import caption

NAMES = {PLAN: mark("plan"), BASELINE: mark("baseline")}
MAX_REPLICATIONS = 100_000
STYLE = Path(__file__).with_name("twin.css")


def page() -> None:
    """Draw the page."""
    st.html(STYLE)
    st.subheader(tr("Twin"), anchor=False)
    which, place, number = st.columns([3, 2, 1], vertical_alignment="bottom")
    with which:
        subject = run_or_baseline.choose("twin")
    if subject is None:
        return
    replication = _replication(subject, place, number)
    scenario = subject.scenario
    st.text(f"{stored_runs.of_scenario(scenario)}, {wording.span(scenario.horizon)}")
    with st.spinner(tr("The twin runs")):
        runs = {name: _run(subject, name, replication) for name in subject.policies}
    _caption(subject, replication)
    _figures(subject, runs, replication)
    _wrong(scenario, runs)
    _replay(subject, runs, replication)
    _operations(subject, runs, replication)


def _replication(subject: Subject, place: Any, number: Any) -> int | None:
    """Draw the choice of a replication and return it; None without disturbances."""
    disturbances = subject.scenario.disturbances
    spreads = ("duration_spread", "energy_spread", "rate_spread", "delivery_spread", "breakdowns", "units")
    scatters = any(getattr(disturbances, name) for name in spreads)
    if not scatters:
        place.caption(tr("This scenario has no disturbances: every day is as planned."))
        return None
    about = tr("Times, rates and energies vary, units break down.")
    if not place.toggle(tr("Disturbed"), key="twin.disturbed", help=about):
        return None
    about = tr("Each number has its own disturbances; plan and baseline share them.")
    return int(number.number_input(tr("Day no."), 1, MAX_REPLICATIONS, 1, key="twin.replication", help=about)) - 1


def _run(subject: Subject, policy: str, replication: int | None) -> xr.Dataset:
    return subject.run(policy) if replication is None else run_or_baseline.disturbed(subject.key, policy, replication)


def _caption(subject: Subject, replication: int | None) -> None:
    seed, day = subject.scenario.disturbances.seed, tr("Undisturbed run.")
    if replication is not None:
        text = mark("Disturbed day {number} of random seed {seed}: one of many, not a forecast.")
        day = tr(text, number=replication + 1, seed=seed)
    whose = subject.status
    if PLAN in subject.policies:
        both = tr("Plan (thick) and baseline (thin) under the same disturbances.")
        whose = f"{both} {wording.sentence(subject.status)}"
    st.caption(f"{day} {whose}")


def _figures(subject: Subject, runs: dict[str, xr.Dataset], replication: int | None) -> None:
    """Draw the figures of the day as cards, for plan and baseline."""

    def cards(name: str) -> list[tuple[str, str, str]]:
        nominated = subject.plan.schedule if subject.plan is not None and name == PLAN else None
        sums = run_sums.figures(subject.scenario, runs[name], nominated=nominated)
        return list(_card_values(subject.scenario, sums, runs[name]))

    columns = {
        name: chart_cache.value(("cards", *subject.key, replication, name), partial(cards, name)) for name in runs
    }
    first = next(iter(columns.values()))
    with st.container(horizontal=True, key="cards"):
        for i, (label, _, number) in enumerate(first):
            other = columns.get(BASELINE, first)[i][2] if len(columns) > 1 else None
            delta = None if other is None else tr("baseline {number}", number=other)
            st.metric(label, number, delta, delta_color="off", delta_arrow="off", border=True)


TONNES = {"heats": mark("Production [{unit}]"), "runs": mark("Delivered [{unit}]")}
"""Labels of the production [t], by table of the producer."""


def _card_values(scenario: Scenario, sums: Figures, run: xr.Dataset) -> list[tuple[str, str, str]]:
    """Label, name and value of each figure."""
    money = sums.currency
    cards = [
        (tr("Carbon [{unit}]", unit="t CO2e"), "carbon", wording.number(sums.carbon_kg / 1000, 1)),
        (tr("Cost [{unit}]", unit=money), "cost", wording.number(sums.cost, 0)),
        (tr("Peak [{unit}]", unit="MW"), "peak", wording.number(sums.peak_mw, 1)),
        (tr("Limits missed"), "missed", wording.number(float(run.sizes.get("violation", 0)), 0)),
    ]
    if "stop_min" in run or run.attrs.get("disturbed"):
        minutes = float(run["stop_min"].sum()) if "stop_min" in run else 0.0
        cards.append((tr("Broken down [{unit}]", unit="min"), "stops", wording.number(minutes, 0)))
    labels = [tr(TONNES[producer.table], unit="t") for producer in scenario.producers]
    return cards + [(label, "tonnes", wording.number(sums.tonnes, 0)) for label in labels]


def _wrong(scenario: Scenario, runs: dict[str, xr.Dataset]) -> None:
    """Draw breakdowns and missed limits in chronological order."""
    rows = [row for name, run in runs.items() for row in _incidents(scenario, name, run)]
    if not rows:
        st.text(f"✓ {tr('No breakdown and no missed limit.')}")
        return
    titles = [tr("when"), tr("who"), tr("what"), tr("where"), tr("by")]
    table = pd.DataFrame(rows, columns=["at", *titles]).sort_values("at", kind="stable").drop(columns="at")
    if len(runs) == 1:
        table = table.drop(columns=titles[1])
    text = trn("{count} incident", "{count} incidents", len(rows))
    with st.expander(f"✕ {text}", expanded=len(rows) <= 8):
        draw(table, {})


def _incidents(scenario: Scenario, name: str, run: xr.Dataset) -> list[tuple[float, str, str, str, str, str]]:
    rows = [(at, tr("breakdown"), unit, f"{wording.number(minutes, 0)} min") for unit, at, minutes in breakdowns(run)]
    for violation in violations(run):
        where = ", ".join(part for part in (violation["heat"], violation["unit"]) if part)
        size = f"{wording.number(violation['amount'], 2)} {violation['measure']}"
        kind = tr(wording.KINDS.get(violation["kind"], violation["kind"]))
        rows.append((float(violation["at_min"]), kind, where, size))
    whose, instant = tr(NAMES[name]), scenario.horizon.instant
    return [(at, wording.moment(instant(at)), whose, what, where, size) for at, what, where, size in rows]


def _replay(subject: Subject, runs: dict[str, xr.Dataset], replication: int | None) -> None:
    scenario, views = subject.scenario, weeks(subject.scenario.horizon)
    name = next(iter(views))
    if len(views) > 1:
        place, _ = st.columns([2, 3])
        name = place.selectbox(tr("Part of the horizon"), list(views), index=1, key=f"twin.part.{scenario.name}")
    view, whose = views[name], next(iter(runs))
    other = runs[BASELINE] if whose == PLAN else None
    dark = st.context.theme.type == "dark"

    def build() -> Any:
        plan = run_or_baseline.as_plan(subject, runs[whose], other)
        stores = list(scenario.store)[: process_panels.MAX_STORES]
        panels = plan_charts.timeline_panels(plan, other is not None, view, None, stores, whose=NAMES[whose])
        return replay.replay(plan, panels, view, dark)

    chart_cache.play_button(view)
    key = ("replay", *subject.key, replication, whose, view.span_min, dark)
    text = tr("The run over time, replayed with the slider; the table below has the same values.")
    chart_cache.chart(key, build, text, "replay", key="twin.replay")
    caption(
        "Drag the slider or use the arrow keys: the red line is the moment, the board shows the state of each "
        "unit. Power and rate are means over the step that contains the moment, levels are those at its "
        "beginning. On the upper chart: Shift and wheel to zoom, drag to move, double-click to reset. Dark "
        "bars with a red edge: breakdown."
    )


def _operations(subject: Subject, runs: dict[str, xr.Dataset], replication: int | None) -> None:
    """Draw the states of each unit as a table."""
    with st.expander(tr("The run as a table")):
        whose, run = next(iter(runs.items()))
        table = chart_cache.value(("states", *subject.key, replication), lambda: _states(subject.scenario, run))
        if not len(table):
            st.text(tr("A site without a line: the flow sheet on the page Plant shows its assets."))
            return
        st.caption(tr("Run of the {whose}.", whose=tr(NAMES[whose])))
        draw(table, {})


def _states(scenario: Scenario, run: xr.Dataset) -> pd.DataFrame:
    rows = pd.DataFrame(list(replay.states(scenario, run)))
    if not len(rows):
        return rows
    rows = rows[rows["works"]]
    for name in ("start", "end"):
        rows[name] = [wording.moment(scenario.horizon.instant(at)) for at in rows[name]]
    columns, titles = ("unit", "does", "start", "end", "power"), ("unit", "does", "start", "end", mark("power, mean"))
    return rows[list(columns)].set_axis(list(map(tr, titles)), axis=1)
