"""Replay of a run: a slider moves a line through all panels, and a board shows the state of each unit.

It runs in the browser: the time is a chart parameter, and the board filters data that has already been sent. Power and
rates are means over the step at that time; levels are those at its start, as on the page Plant.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import xarray as xr

from emberline.planning.accounts import unit_runs
from emberline.planning.plan import Plan
from emberline.reports.charts import gantt, palette
from emberline.reports.charts.flow_sheet import unit_power
from emberline.reports.charts.plan import below_each_other, layered, time_of
from emberline.reports.charts.site_panels import BASE, PanelData, y_axis
from emberline.reports.charts.view import View
from emberline.reports.text import mark, numbers, tr, wording
from emberline.reports.text.activities import breakdowns, of_units, replay_of
from emberline.scenarios import Scenario
from emberline.scenarios.flows.asset_flows import load_mw

MOMENT = "replayed"
"""Name of the time parameter [min after the start of the horizon]; the time under the pointer is ``plan.MOMENT``."""
DOES = {
    unit_runs.RUN: mark("runs"),
    unit_runs.START_UP: mark("starts up"),
    unit_runs.CHANGE_OVER: mark("changes over"),
    unit_runs.WAIT: mark("waits"),
}
COLUMNS = {"does": 6, "since": 176, "until": 264}
"""Positions of the board columns with the state of a unit [px]."""
OF_STEP = {"rate": 106, "power": 350}
"""Positions of the board columns with means over the step [px]."""
SMALL = 5e-4
"""Smaller power and rates are left blank."""
PROGRESS, PROGRESS_END = 410, 466
"""Start and end of the progress bar [px]."""
FIGURES, APART = 34, 92
"""Height of the figures and the distance between them [px]."""
ROW, CLOCK = 19, 22
INK = {False: ("#1C2530", "#5B6672"), True: ("#E3E8ED", "#9AA7B4")}
"""Colours of text and of secondary text, by whether the page is dark."""


def replay(plan: Plan, panels: list[Any], view: View, dark: bool) -> alt.VConcatChart:
    """Draw the board and the panels with a line at the selected time.

    Args:
        plan: plan whose ``replay`` is shown on the board.
        panels: result of ``charts.timeline_panels``.
        view: part of the horizon that the panels show.
        dark: whether the page is dark.
    """
    first, last = view.span_min
    step = view.merged * view.horizon.step_min
    start = first + min(12 * 60, (last - first) / 2) // step * step
    moment = alt.param(
        name=MOMENT, value=start, bind=alt.binding_range(min=first, max=last - step, step=step, name=f"{tr('Moment')} ")
    )
    whole = below_each_other([_with_line(panel) for panel in panels], view, pointer=False)
    boards = [_figures(plan, view, dark), *_board(plan.scenario, replay_of(plan), view, dark)]
    whole.vconcat = [*boards, *whole.vconcat]
    return whole.add_params(moment)


def _with_line(panel: Any) -> Any:
    """Add the line of the selected time to a panel, on the panel's axis."""
    x = time_of(panel)
    line = alt.Chart(pd.DataFrame({"one": [1]})).transform_calculate(start=MOMENT)
    line = line.mark_rule(color=palette.LIMIT, strokeWidth=1.6, clip=True).encode(x=x)
    return layered(panel, after=[line])


def _figures(plan: Plan, view: View, dark: bool) -> Any:
    """Draw the clock and figures of the site at the selected time."""
    scenario, run, table = plan.scenario, replay_of(plan), PanelData(view)
    ink, pale = INK[dark]
    inputs, money = scenario.inputs, scenario.market.currency
    series = [
        (tr("grid import"), "MW", run["import_mw"].to_numpy()),
        (tr("load"), "MW", run["line_mw"].to_numpy() + load_mw(scenario, run)),
        (tr("grid intensity"), "kg/MWh", inputs["carbon_intensity_kg_per_mwh"].to_numpy()),
    ]
    if scenario.market.has_spot:
        series.append((tr("spot price"), f"{money}/MWh", inputs["price_per_mwh"].to_numpy()))
    means = [(title, unit, view.mean(values)) for title, unit, values in series]
    battery = scenario.battery
    if battery is not None:
        means.append((tr("battery"), "MWh", view.at_edges(battery.start_level, run["battery_mwh"].to_numpy())[:-1]))
    for i, (_, unit, values) in enumerate(means):
        # the last edge has no step after it
        table.frame[f"t{i}"] = [f"{wording.number(value)} {unit}" for value in [*values, values[-1]]]
    now = alt.Chart(table.frame.iloc[:-1][["start", "until", "clock", *(f"t{i}" for i in range(len(means)))]])
    now = now.transform_filter(f"datum.start <= {MOMENT} && {MOMENT} < datum.until")
    top: dict[str, Any] = {"align": "left", "baseline": "top"}
    clock = now.mark_text(fontSize=15, fontWeight="bold", color=ink, **top)
    texts: list[Any] = [clock.encode(x=alt.value(0), y=alt.value(0), text="clock:N")]
    for i, (title, _, _) in enumerate(means):
        x = alt.value(i * APART)
        head = alt.Chart(pd.DataFrame({"title": [title]})).mark_text(fontSize=10, color=pale, **top)
        texts.append(head.encode(x=x, y=alt.value(CLOCK), text="title:N"))
        value = now.mark_text(fontSize=13, color=ink, **top)
        texts.append(value.encode(x=x, y=alt.value(CLOCK + 13), text=f"t{i}:N"))
    return alt.layer(*texts).properties(height=CLOCK + FIGURES, view=alt.ViewConfig(strokeOpacity=0))


def _board(scenario: Scenario, run: xr.Dataset, view: View, dark: bool) -> list[Any]:
    """Draw a row per unit with its state, start, end and completed share, and its power. Together with base load and
    idling, the powers add up to the load."""
    spells = pd.DataFrame(list(states(scenario, run)))
    if not len(spells):
        return []
    first, last = view.span_min
    spells = spells[(spells["end"] > first) & (spells["start"] < last)]
    by_step = _merge_equal(pd.DataFrame(list(means(scenario, run, view))))
    units = list(dict.fromkeys([*spells["unit"], *by_step["unit"]]))
    ink, pale = INK[dark]
    y = alt.Y("unit:N", sort=units, title=None, axis=y_axis(ticks=False, labels=False), scale=alt.Scale(domain=units))
    now = alt.Chart(spells).transform_filter(f"datum.start <= {MOMENT} && {MOMENT} < datum.end")
    layers: list[Any] = []
    of_does = OF_STEP["rate"] if by_step["rate"].any() else COLUMNS["since"]
    for column, x in COLUMNS.items():
        text = now.mark_text(
            align="left", fontSize=11, color=ink if column == "does" else pale,
            limit=(of_does if column == "does" else 90) - 12,
        )  # fmt: skip
        # the output of a process changes step by step
        field = "in_words" if column == "does" else column
        layers.append(text.encode(x=alt.value(x), y=y, text=f"{field}:N"))
    step = alt.Chart(by_step).transform_filter(f"datum.start <= {MOMENT} && {MOMENT} < datum.end")
    for column, x in OF_STEP.items():
        text = step.mark_text(align="left", fontSize=11, color=ink, limit=66)
        layers.append(text.encode(x=alt.value(x), y=y, text=f"{column}:N"))
    names = alt.Chart(pd.DataFrame({"unit": units})).mark_text(align="right", dx=-8, fontSize=11, color=pale, limit=100)
    layers.append(names.encode(x=alt.value(0), y=y, text="unit:N"))
    busy = now.transform_filter("datum.works").transform_calculate(
        begin=str(PROGRESS), over=str(PROGRESS_END),
        done=f"{PROGRESS} + {PROGRESS_END - PROGRESS} * ({MOMENT} - datum.start) / (datum.end - datum.start)",
    )  # fmt: skip
    bar = busy.encode(y=y, x=alt.X("begin:Q", scale=None, axis=None))
    # hidden from screen readers, since the times next to the bars give the same information
    layers.append(bar.mark_bar(height=9, color=palette.BASELINE, opacity=0.25, aria=False).encode(x2="over:Q"))
    progress = bar.mark_bar(height=9, stroke=pale, strokeWidth=0.4, aria=False)
    layers.append(progress.encode(x2="done:Q", color=alt.Color("colour:N", scale=None)))
    return [alt.layer(*layers).properties(height=ROW * len(units), view=alt.ViewConfig(strokeOpacity=0))]


def means(scenario: Scenario, run: xr.Dataset, view: View) -> Iterator[dict[str, Any]]:
    """Yield power and output of each unit at each step of a view, as numbers and text; then idling and base load."""
    none = np.zeros(scenario.horizon.n_steps)
    units = [unit for unit, _ in scenario.process_units]
    power = unit_power(scenario, run) | {unit: run["process_mw"].sel(process=unit).to_numpy() for unit in units}
    rates = {unit: run["process_tph"].sel(process=unit).to_numpy() for unit in units}
    idle = run["line_mw"].to_numpy() - sum(power.values(), none)
    for name, load in ((tr("idling"), idle), (tr(BASE), load_mw(scenario, run))):
        if load.max(initial=0.0) > SMALL:
            power[name] = load
    edges = view.edges_min.tolist()
    for unit, load in power.items():
        outputs = view.mean(rates.get(unit, none)).tolist()
        for start, end, mw, tph in zip(edges, edges[1:], view.mean(load).tolist(), outputs, strict=False):
            yield {
                "unit": unit, "start": start, "end": end, "mw": round(mw, 4), "tph": round(tph, 4),
                "power": f"{wording.number(mw)} MW" if mw > SMALL else "",
                "rate": f"{wording.number(tph, 0)} t/h" if tph > SMALL else "",
            }  # fmt: skip


def _merge_equal(rows: pd.DataFrame) -> pd.DataFrame:
    """Merge consecutive steps of a unit with equal texts to reduce the data sent; empty ones are left out."""
    texts = rows[["unit", "power", "rate"]]
    stretch = (texts != texts.shift()).any(axis=1).cumsum()
    columns = {"unit": "first", "start": "first", "end": "last", "power": "first", "rate": "first"}
    spells = rows.groupby(stretch).agg(columns)
    # a unit without texts still needs a row on the board
    return spells[(spells["power"] != "") | (spells["rate"] != "") | ~spells["unit"].duplicated()]


def states(scenario: Scenario, run: xr.Dataset) -> Iterator[dict[str, Any]]:
    """Yield the states of each unit over time, including idle time; times are in minutes."""
    horizon = scenario.horizon
    for unit, busy in _of_units(scenario, run).items():
        at = 0.0
        edges: list[dict[str, Any]] = []
        for row in sorted(busy, key=lambda row: row["start"]):
            if row["start"] > at:
                edges.append(_still(at, row["start"]))
            edges.append(row)
            at = max(at, row["end"])
        if at < horizon.length_min:
            edges.append(_still(at, horizon.length_min))
        for row in edges:
            since = _clock(scenario, row["start"], tr("since {time}"))
            until = _clock(scenario, row["end"], tr("until {time}"))
            yield {"unit": unit, "in_words": row["does"], **row, "since": since, "until": until}


def _still(start: float, end: float) -> dict[str, Any]:
    return {"start": start, "end": end, "does": tr("idle"), "power": "", "works": False, "colour": palette.PALE}


def _clock(scenario: Scenario, minute: float, text: str) -> str:
    at = scenario.horizon.instant(min(max(minute, 0.0), scenario.horizon.length_min))
    day = "" if scenario.horizon.length_min <= 25 * 60 else f"{numbers.weekday(at)} "
    return text.format(time=f"{day}{at:%H:%M}")


def _of_units(scenario: Scenario, run: xr.Dataset) -> dict[str, list[dict[str, Any]]]:
    """Return work and breakdowns of each unit of the line and of processes."""
    names = [*(unit.name for unit in scenario.line.units), *(unit for unit, _ in scenario.process_units)]
    spells: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    several = {unit for unit, process in scenario.process_units if len(process.all_modes) > 1}
    shade_of, stops = gantt.colours(scenario), dict[str, list[tuple[float, float]]]()
    for unit, at, minutes in breakdowns(run):
        stops.setdefault(unit, []).append((at, minutes))
    down = {"power": "", "works": True, "colour": palette.LIMIT}
    for activity in of_units(scenario, run):
        start, end = activity.start_min, activity.end_min
        power = f"{wording.number(activity.amount * 60 / (end - start))} MW" if end > start else ""
        spell = {"power": power, "works": True, "colour": shade_of[gantt.key(activity)]}
        if activity.of == "line":
            spell["does"] = f"{activity.name} ({activity.definition})"
            broken = {**down, "does": tr("broken down, {heat}", heat=activity.name)}
            spells[activity.unit] += [
                {"start": first, "end": last, **(broken if stands else spell)}
                for first, last, stands in _cut(start, end, stops.get(activity.unit, []))
            ]
            continue
        mode, what = activity.name if activity.unit in several else "", tr(DOES[activity.what])
        rate = f"{wording.number(activity.tph, 0)} t/h" if activity.what == unit_runs.RUN else ""
        spell["does"] = ", ".join(filter(None, [mode, rate or what]))
        spell["in_words"] = mode if mode and rate else ", ".join(filter(None, [mode, what]))
        spells[activity.unit].append({"start": start, "end": end, **spell})
    for unit, _ in scenario.process_units:
        for at, minutes in stops.get(unit, ()):
            broken = {"start": at, "end": at + minutes, **down, "does": tr("broken down")}
            spells[unit] = list(_inserted(spells[unit], broken))
    return spells


def _cut(start: float, end: float, stops: list[tuple[float, float]]) -> Iterator[tuple[float, float, bool]]:
    """Yield the parts of an operation, and whether its unit is broken down in them."""
    inside = [(at, min(at + minutes, end)) for at, minutes in stops if start <= at < end]
    edges = sorted({start, end, *(edge for span in inside for edge in span)})
    for first, last in pairwise(edges):
        yield first, last, any(at <= first < over for at, over in inside)


def _inserted(rows: list[dict[str, Any]], new: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Insert a row into the rows of a unit, replacing the time that it covers."""
    for row in rows:
        if row["start"] < new["start"]:
            yield {**row, "end": min(row["end"], new["start"])}
        if row["end"] > new["end"]:
            yield {**row, "start": max(row["start"], new["end"])}
    yield new
