"""Gantt chart for pages, reports and the Python API: activities of each unit in local time.

Thick bars show the run, thin ones below them the baseline. Bars are whole operations and runs, not steps. Activities
that only prepare a unit are pale with a dashed edge; gaps are idle time.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import xarray as xr

from emberline.planning.accounts.unit_runs import RUN
from emberline.reports.charts import palette
from emberline.reports.charts.palette import INK, LIMIT, PAPER
from emberline.reports.charts.site_panels import y_axis
from emberline.reports.charts.view import View, shades, time_axis, tips
from emberline.reports.text import mark, number, tr
from emberline.reports.text.activities import STATES as DOES
from emberline.reports.text.activities import Activity, breakdowns, called, does, of_site, of_units
from emberline.reports.text.numbers import moment
from emberline.scenarios import Scenario

Layers = alt.LayerChart | alt.FacetChart
MAX_IN_LEGEND = 9
NARROWEST = 640
"""Width of the time axis assumed for choosing labels in bars [px]."""
PER_LETTER = 5.6
"""Width of a letter in a bar [px]."""
MAX_EDGES = 400
"""Maximum number of bars with edges; the edges of more bars would hide them."""
OF_MACHINES = {"on": palette.PALE, "charge": palette.BATTERY, "discharge": palette.PV}
"""Colours of the activities of the site's machines and stores."""
BAR = ("unit", "key", "name", "kind", "makes", "start", "end", "middle")
OF_HEATS = {
    "whose": mark("of"), "heat": mark("heat"), "order": mark("order"), "grade": mark("grade"), "stage": mark("stage"),
    "unit": mark("unit"), "starts": mark("start"), "ends": mark("end"), "waited": mark("waited"),
    "energy": mark("electricity"),
}  # fmt: skip
OF_RUNS = {
    "whose": mark("of"), "unit": mark("unit"), "does": mark("does"), "mode": mark("mode"), "starts": mark("start"),
    "ends": mark("end"), "tonnes": mark("makes"), "off_spec": mark("of which off-spec"), "rate": mark("rate, mean"),
    "power": mark("power, mean"), "energy": mark("electricity"),
}  # fmt: skip
TITLES = {"heats": OF_HEATS, "runs": OF_RUNS}
"""Tooltip fields of an operation and of a run, by the producer's kind of output."""
WIDEST_NAME, LONGEST_LINE = 100, 16
"""Maximum width of unit names [px] and maximum length of one of their lines [characters]."""
ROW = 30
"""Height of a unit's row [px]."""
EDGE: dict[str, Any] = {"stroke": INK, "strokeWidth": 0.5, "strokeOpacity": 0.6}
"""Edge that makes light colours visible on a light page."""
THICK: dict[str, Any] = {"height": 16, "yOffset": -4}
THIN: dict[str, Any] = {"height": 5, "yOffset": 9, "opacity": 0.75}
PALE: dict[str, Any] = {"opacity": 0.35, "strokeDash": [2, 2]}
"""Styles of the run, of the baseline, and of a unit that is being prepared."""
PADLOCK = "M-0.8,-0.1 L-0.5,-0.1 L-0.5,-0.5 A0.5,0.5 0 0,1 0.5,-0.5 L0.5,-0.1 L0.8,-0.1 L0.8,1 L-0.8,1 Z"


def key(activity: Activity) -> str:
    """Return the key of a bar's colour: the order, the mode, or the activity of a machine."""
    return {"line": activity.group, "processes": activity.name}.get(activity.of) or does(activity.what)


def makes(activity: Activity) -> bool:
    """Return whether an activity produces something rather than preparing a unit."""
    return activity.of != "processes" or activity.what == RUN


def colours(scenario: Scenario, of_machines: Iterable[Activity] = ()) -> dict[str, str]:
    """Return the colour of each ``key`` for all orders, modes and activities of machines."""
    shades = palette.in_turn(order.name for order in scenario.orders) | palette.of_modes(scenario)
    return shades | {key(activity): OF_MACHINES[activity.what] for activity in of_machines}


def rows_of(scenario: Scenario, of_machines: Iterable[Activity] = ()) -> list[str]:
    """Return the rows of the chart: the units of all producers, then machines and stores of the site."""
    units = [unit for producer in scenario.producers for unit in producer.units]
    return [*units, *dict.fromkeys(activity.unit for activity in of_machines)]


def of_run(
    scenario: Scenario,
    run: xr.Dataset,
    baseline: xr.Dataset | None,
    view: View,
    whose: str = "plan",
    site: bool = False,
) -> Layers:
    """Draw the Gantt chart of a run.

    Args:
        scenario: scenario with a line or processes; locks are marked.
        run: run drawn as thick bars, with breakdowns.
        baseline: run drawn as thin bars below; None: not drawn.
        view: visible part of the horizon.
        whose: name of ``run``.
        site: whether to add rows for machines and stores of the site.
    """
    of_machines = list(of_site(scenario, run)) if site else []
    units = rows_of(scenario, of_machines)
    titles = next((TITLES[producer.table] for producer in scenario.producers), OF_RUNS)
    bars = _table(scenario, [*of_units(scenario, run), *of_machines], whose, view, titles)
    rows = [(bars, THICK)]
    if baseline is not None:
        rows.append((_table(scenario, of_units(scenario, baseline), "baseline", view, titles), THIN))
    x, y = time_axis(view, labels=True), _units({unit: called(unit, scenario) for unit in units})
    shade_of = colours(scenario, of_machines)
    few: Any = {"columns": MAX_IN_LEGEND, "symbolStrokeWidth": 0, "offset": 4, "padding": 0}
    legend = alt.Legend(title=None, orient="top", **few) if len(shade_of) <= MAX_IN_LEGEND else None
    colour = shades("key", shade_of, legend).sort(list(shade_of))
    tooltip = tips({name: tr(title) for name, title in titles.items()})
    layers = bar_layers(rows, x, y, colour, tooltip)
    several = {unit for unit, process in scenario.process_units if len(process.all_modes) > 1}
    fits = (bars["end"] - bars["start"]) / view.length_min * NARROWEST >= PER_LETTER * bars["name"].str.len()
    labels = bars[fits & bars["makes"] & ((bars["kind"] == "line") | bars["unit"].isin(several))]
    names = alt.Chart(labels).encode(x="middle:Q", y=y, text="name:N", tooltip=tooltip)
    layers.append(names.mark_text(yOffset=THICK["yOffset"], fontSize=11, color=INK, clip=True))
    locked = {(lock.heat, lock.stage) for lock in scenario.locks}
    if locked:
        marked = bars[[pair in locked for pair in zip(bars["heat"], bars["stage"], strict=True)]]
        sign = alt.Chart(marked).encode(x=x, y=y, tooltip=tooltip)
        look: dict[str, Any] = {"size": 60, "xOffset": 5, "yOffset": -13, "fill": INK, "stroke": PAPER}
        layers += [sign.mark_point(shape=PADLOCK, strokeWidth=0.6, opacity=1, clip=True, **look)] if len(marked) else []
    layers += _broken(scenario, run, view, x, y)
    return alt.layer(*layers).properties(height=ROW * len(units))


def of_operations(
    scenario: Scenario,
    operations: Sequence[tuple[str, int, str, float]],
    baseline: xr.Dataset | None,
    view: View,
) -> Layers:
    """Draw the Gantt chart of a schedule that has not been replayed, as a search reports it.

    Args:
        scenario: scenario with a line.
        operations: heat, stage number, unit and start [min] of each operation.
        baseline, view: as in :func:`of_run`.
    """
    grades, stages = {heat.name: heat.grade for heat in scenario.heats}, scenario.line.stages
    rows = [
        (heat, stages[stage].name, unit, at, at + (scenario.line.duration_min(grades[heat], unit) or 0.0),
         scenario.line.energy_mwh(grades[heat], unit))
        for heat, stage, unit, at in operations
    ]  # fmt: skip
    names = ("heat", "stage", "unit", "start_min", "end_min", "energy_mwh")
    columns: dict[str, Any] = {
        f"op_{name}": ("op", list(column)) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    run = xr.Dataset(columns | {"op_waited_min": ("op", np.full(len(rows), np.nan))})
    return of_run(scenario, run, baseline, view, "best plan")


def bar_layers(
    rows: Iterable[tuple[pd.DataFrame, Mapping[str, Any]]], x: alt.X, y: alt.Y, colour: alt.Color, tooltip: list[Any]
) -> list[Any]:
    """Return layers of bars, one per table and style. Empty tables are left out, because a mark without data has no
    name for screen readers.

    Args:
        rows: tables with ``start``, ``end`` and ``makes``, and the style of each.
        x, y, colour, tooltip: encodings of the bars.
    """
    layers = []
    for frame, look in rows:
        edge = EDGE if len(frame) <= MAX_EDGES else {}
        for part, more in ((frame[frame["makes"]], {}), (frame[~frame["makes"]], PALE)):
            if len(part):
                bars = alt.Chart(part).encode(x=x, x2="end:Q", y=y, tooltip=tooltip, color=colour)
                layers.append(bars.mark_bar(clip=True, **{**edge, **look, **more}))
    return layers


def _units(names: Mapping[str, str]) -> alt.Y:
    """Return the axis of units with their display names."""
    lines = {unit: textwrap.wrap(name, LONGEST_LINE) for unit, name in names.items()}
    axis = y_axis(
        ticks=False, widest=WIDEST_NAME, labelExpr=f"({json.dumps(lines)})[datum.value]", labelLineHeight=10,
        labelBaseline="middle" if max(map(len, lines.values()), default=1) == 1 else "bottom",
    )  # fmt: skip
    return alt.Y("unit:N", sort=list(names), title=None, axis=axis, scale=alt.Scale(domain=list(names)))


def _table(
    scenario: Scenario, activities: Iterable[Activity], whose: str, view: View, titles: Mapping[str, str]
) -> pd.DataFrame:
    rows = _rows(scenario, activities, whose, view)
    return pd.DataFrame(rows, columns=list(dict.fromkeys([*BAR, *titles]))).astype({"makes": bool})


def _rows(scenario: Scenario, activities: Iterable[Activity], whose: str, view: View) -> Iterator[dict[str, Any]]:
    horizon, (first, last) = scenario.horizon, view.span_min
    for activity in activities:
        start, end = activity.start_min, activity.end_min
        if end <= first or start >= last:
            continue
        row = {
            "unit": activity.unit, "key": key(activity), "name": activity.name, "kind": activity.of,
            "makes": makes(activity), "start": start, "end": end, "middle": (max(start, first) + min(end, last)) / 2,
            "whose": tr(whose), "starts": moment(horizon.instant(start)), "ends": moment(horizon.instant(end)),
            "energy": f"{number(activity.amount, 1)} {activity.amount_unit}",
        }  # fmt: skip
        if activity.of == "line":
            row |= {"heat": activity.name, "order": activity.group, "grade": activity.definition}
            row |= {"stage": activity.what, "waited": f"{number(activity.waited_min, 0)} min"}
        elif activity.of == "processes":
            row |= {"does": tr(DOES[activity.what]), "mode": activity.name}
            row |= {"tonnes": f"{number(activity.tonnes, 0)} t", "off_spec": f"{number(activity.off_spec_t, 1)} t"}
            power = activity.amount * 60 / (end - start)
            row |= {"rate": f"{number(activity.tph, 1)} t/h", "power": f"{number(power, 2)} MW"}
        yield row


def _broken(scenario: Scenario, run: xr.Dataset, view: View, x: alt.X, y: alt.Y) -> list[Any]:
    """Draw breakdowns as dark bars with a red edge; empty if there are none."""
    (first, last), rows = view.span_min, []
    for unit, at, minutes in breakdowns(run):
        if at + minutes > first and at < last:
            starts, ends = (moment(scenario.horizon.instant(edge)) for edge in (at, at + minutes))
            stop = {"unit": unit, "what": tr("breakdown"), "start": at, "end": at + minutes}
            rows.append(stop | {"starts": starts, "ends": ends, "down": f"{number(minutes, 0)} min"})
    if not rows:
        return []
    titles = {"what": tr("what"), "unit": tr("unit"), "starts": tr("start"), "ends": tr("end"), "down": tr("lasts")}
    tooltip = tips(titles)
    base = alt.Chart(pd.DataFrame(rows)).encode(x=x, y=y, tooltip=tooltip)
    bars = base.mark_bar(color=INK, opacity=0.9, stroke=LIMIT, strokeWidth=1.4, clip=True, **THICK)
    up = THICK["yOffset"] - 14
    sign = base.mark_text(text="✕", align="left", dx=-1, yOffset=up, fontSize=10, color=LIMIT, clip=True)
    return [bars.encode(x2="end:Q"), sign]
