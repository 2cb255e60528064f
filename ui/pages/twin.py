"""The page Twin: a run of the twin replayed: who did what when, what broke down, what went wrong."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st
import xarray as xr

from emberline.plans.accounts import Figures
from emberline.plans.accounts import sums as run_sums
from emberline.plans.plan import violations
from emberline.scenarios import Scenario
from emberline.ui.charts import plan, replay
from emberline.ui.charts.view import weeks
from emberline.ui.pages.result import result
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, player, run_or_baseline
from emberline.ui.pages.session.run_or_baseline import BASELINE, PLAN, Looked
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr, trn

NAMES = {PLAN: mark("plan"), BASELINE: mark("baseline")}
MOST_REPLICATIONS = 100_000
STYLE = """<style>
.st-key-replay { padding-right: 104px; }
.st-key-replay .vega-embed { display: flex !important; flex-direction: column-reverse; }
.st-key-replay .vega-bindings { display: block; padding: 0.2rem 0 0.6rem 0; width: calc(100% + 98px) !important; }
.st-key-replay .vega-bind label {
  display: flex !important; align-items: center; gap: 0 !important; width: 100% !important;
  max-width: none !important; font-size: 0.875rem;
}
.st-key-replay .vega-bind .vega-bind-name { flex: 0 0 98px !important; width: 98px !important; }
.st-key-replay .vega-bind input[type=range] { flex: 1; min-width: 0; height: 1.2rem; accent-color: #1F6393; }
.st-key-replay .vega-bind label > :last-child:not(input):not(.vega-bind-name) { display: none; }
.st-key-replay [data-testid="stElementToolbar"] { display: none; }
</style>"""


def page() -> None:
    """Draw the page."""
    st.html(STYLE)
    st.subheader(tr("Twin"), anchor=False)
    which, luck, number = st.columns([3, 2, 1], vertical_alignment="bottom")
    with which:
        looked = run_or_baseline.choose("twin")
    if looked is None:
        return
    replication = _luck(looked, luck, number)
    scenario = looked.scenario
    st.text(f"{scenario.title or scenario.name}, {wording.span(scenario.horizon)}")
    with st.spinner(tr("The twin runs")):
        runs = {name: _run(looked, name, replication) for name in looked.policies}
    _says(looked, replication)
    _figures(looked, runs)
    _wrong(scenario, runs)
    _replay(looked, runs, replication)
    _operations(scenario, runs)


def _luck(looked: Looked, luck: Any, number: Any) -> int | None:
    """Which luck is asked for; None: nothing disturbs the day."""
    told = looked.scenario.disturbances
    scatters = told.duration_spread or told.energy_spread or told.breakdowns or told.units or told.processes
    if not scatters:
        luck.caption(tr("This scenario tells no disturbances: every day is as planned."))
        return None
    if not luck.toggle(
        tr("Disturbed"), key="twin.disturbed", help=tr("Times, rates and energies scatter, units break down.")
    ):
        return None
    found = number.number_input(
        tr("Day no."), 1, MOST_REPLICATIONS, 1, key="twin.replication",
        help=tr("Each number is a luck of its own; the same number is the same luck for plan and baseline."),
    )  # fmt: skip
    return int(found) - 1


def _run(looked: Looked, policy: str, replication: int | None) -> xr.Dataset:
    return looked.run(policy) if replication is None else run_or_baseline.disturbed(looked.key, policy, replication)


def _says(looked: Looked, replication: int | None) -> None:
    seed = looked.scenario.disturbances.seed
    day = tr("Nothing disturbs this day.")
    if replication is not None:
        day = tr("Disturbed day {number} of seed {seed}: one of many, no forecast.", number=replication + 1, seed=seed)
    whose = tr("Plan (thick) and baseline (thin) on the same luck.") if PLAN in looked.policies else looked.status
    st.caption(
        f"{day} {whose}"
        if PLAN not in looked.policies
        else f"{day} {whose} {tr('{sentence}.', sentence=looked.status)}"
    )


def _figures(looked: Looked, runs: dict[str, xr.Dataset]) -> None:
    """What the day adds up to, and against the same without disturbance."""
    scenario = looked.scenario
    columns = {}
    for name, run in runs.items():
        nominated = looked.made.schedule if looked.made is not None and name == PLAN else None
        sums = run_sums.figures(scenario, run, nominated=nominated)
        columns[name] = list(_told(scenario, sums, run))
    first = next(iter(columns.values()))
    with st.container(horizontal=True, key="cards"):
        for i, (label, _, number) in enumerate(first):
            other = columns.get(BASELINE, first)[i][2] if len(columns) > 1 else None
            delta = None if other is None else tr("baseline {number}", number=other)
            st.metric(label, number, delta, delta_color="off", delta_arrow="off", border=True)


def _told(scenario: Scenario, sums: Figures, run: xr.Dataset) -> list[tuple[str, str, str]]:
    """Label, name and number of each figure."""
    money = sums.currency
    found = [
        (tr("Carbon [{unit}]", unit="t CO2e"), "carbon", wording.number(sums.carbon_kg / 1000, 1)),
        (tr("Cost [{unit}]", unit=money), "cost", wording.number(sums.cost, 0)),
        (tr("Peak [{unit}]", unit="MW"), "peak", wording.number(sums.peak_mw, 1)),
        (tr("Limits missed"), "missed", wording.number(float(run.sizes.get("violation", 0)), 0)),
    ]
    if "stop_min" in run or run.attrs.get("disturbed"):
        minutes = float(run["stop_min"].sum()) if "stop_min" in run else 0.0
        found.append((tr("Broken down [{unit}]", unit="min"), "stops", wording.number(minutes, 0)))
    if scenario.heats or scenario.processes:
        label = tr("Delivered [{unit}]", unit="t") if scenario.processes else tr("Steel [{unit}]", unit="t")
        found.append((label, "tonnes", wording.number(sums.tonnes, 0)))
    return found


def _wrong(scenario: Scenario, runs: dict[str, xr.Dataset]) -> None:
    """What broke down and which limits were missed, in the order of their moments."""
    rows = [row for name, run in runs.items() for row in _incidents(scenario, name, run)]
    if not rows:
        st.text(f"✓ {tr('Nothing went wrong: no breakdown, no limit missed.')}")
        return
    names = ["at", "when", "whose", "what", "where", "size"]
    table = pd.DataFrame(rows, columns=names).sort_values("at", kind="stable").drop(columns="at")
    if len(runs) == 1:
        table = table.drop(columns="whose")
    titles = {
        "when": tr("when"),
        "whose": tr("whose"),
        "what": tr("what"),
        "where": tr("where"),
        "size": tr("how much"),
    }
    says = trn("{count} thing went wrong", "{count} things went wrong", len(rows))
    with st.expander(f"✕ {says}", expanded=len(rows) <= 8):
        draw(table.rename(columns=titles), {})


def _incidents(scenario: Scenario, name: str, run: xr.Dataset) -> list[tuple[float, str, str, str, str, str]]:
    horizon, rows = scenario.horizon, []
    if "stop_unit" in run:
        columns = (run[column].values.tolist() for column in ("stop_unit", "stop_at_min", "stop_min"))
        for unit, at, minutes in zip(*columns, strict=True):
            size = f"{wording.number(minutes, 0)} min"
            rows.append((at, wording.moment(horizon.instant(at)), tr(NAMES[name]), tr("broke down"), unit, size))
    for found in violations(run):
        where = ", ".join(part for part in (found["heat"], found["unit"]) if part)
        size = f"{wording.number(found['amount'], 2)} {found['measure']}"
        kind = tr(wording.KINDS.get(found["kind"], found["kind"]))
        at = float(found["at_min"])
        rows.append((at, wording.moment(horizon.instant(at)), tr(NAMES[name]), kind, where, size))
    return rows


def _replay(looked: Looked, runs: dict[str, xr.Dataset], replication: int | None) -> None:
    scenario, views = looked.scenario, weeks(looked.scenario.horizon)
    name = next(iter(views))
    if len(views) > 1:
        chosen, _ = st.columns([2, 3])
        name = chosen.selectbox(tr("Part of the horizon"), list(views), index=1, key=f"twin.part.{scenario.name}")
    view, whose = views[name], next(iter(runs))
    other = runs[BASELINE] if whose == PLAN else None
    dark = st.context.theme.type == "dark"

    def replayed() -> Any:
        made = run_or_baseline.as_plan(looked, runs[whose], other)
        stores = list(scenario.store)[: result.MOST_STORES]
        panels = plan.timeline_panels(made, other is not None, view, None, stores, whose=NAMES[whose])
        return replay.replay(made, panels, view, dark)

    player.button(view)
    with st.container(key="replay"):
        chart_cache.chart(
            ("replay", *looked.key, replication, whose, view.span_min, dark), replayed,
            tr("The run over time, replayed by the slider; the table below it tells the same."), key="twin.replay",
        )  # fmt: skip
    st.caption(
        tr(
            "Drag the slider, or move it by the arrow keys: the red line is the moment, the board tells what each unit "
            "does then: its power and rate are means over the step that holds the moment, levels are as it begins. On "
            "the upper chart: Shift and wheel to zoom, drag to move, double click to go back. Dark "
            "bars with a red edge: a breakdown."
        )
    )


def _operations(scenario: Scenario, runs: dict[str, xr.Dataset]) -> None:
    """What each unit does, as a table."""
    with st.expander(tr("The run as a table")):
        whose, run = next(iter(runs.items()))
        rows = pd.DataFrame(list(replay.states(scenario, run)))
        if not len(rows):
            st.text(tr("A site without a line: the flow sheet on the page Plant tells what its assets do."))
            return
        rows = rows[rows["works"]]
        for name in ("start", "end"):
            rows[name] = [wording.moment(scenario.horizon.instant(at)) for at in rows[name]]
        titles = {
            "unit": tr("unit"),
            "does": tr("does"),
            "start": tr("start"),
            "end": tr("end"),
            "power": tr("power, mean"),
        }
        st.caption(tr("Of the {whose}.", whose=tr(NAMES[whose])))
        draw(rows[list(titles)].rename(columns=titles), {})
