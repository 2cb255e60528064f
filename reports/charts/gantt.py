"""Gantt charts: operations of each unit, by heat and order or by mode, in local time.

Thick bars are the plan, thin ones below it the baseline. Bars are whole operations and runs, not steps.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import xarray as xr

from emberline.planning.accounts import unit_runs
from emberline.reports.charts import palette
from emberline.reports.charts.site_panels import BASELINE, LIMIT, PAPER, y_axis
from emberline.reports.charts.view import View, time_axis
from emberline.reports.text import wording
from emberline.reports.text.language import mark, tr
from emberline.reports.text.unit_states import DOES
from emberline.scenarios import Scenario

Layers = alt.LayerChart | alt.FacetChart
LABEL = "#1C2530"
MOST_ORDERS_IN_LEGEND = 9
NARROWEST = 640
"""Width of the time axis assumed for choosing labels in bars [px]."""
MOST_MINUTES_WITH_LABELS = 36 * 60
OPERATION = [
    "whose", "heat", "order", "grade", "stage", "unit", "start", "end", "middle", "starts", "ends", "waited", "energy",
]  # fmt: skip
UNIT_RUN = {
    "whose": mark("of"), "unit": mark("unit"), "does": mark("does"), "mode": mark("mode"), "starts": mark("start"),
    "ends": mark("end"), "tonnes": mark("makes"), "off_spec": mark("of which off-spec"), "rate": mark("rate, mean"),
    "power": mark("power, mean"), "energy": mark("electricity"),
}  # fmt: skip
"""Figures of a run in the tooltip."""
WIDEST_NAME, LONGEST_LINE = 100, 16
"""Room for the names of units [px], and their longest line [characters]."""
ROW = 26
"""Height of a unit's row [px]."""
PALE: dict[str, Any] = {"opacity": 0.35, "strokeDash": [2, 2]}
"""Style of a unit that is getting ready and makes nothing."""
PADLOCK = "M-0.8,-0.1 L-0.5,-0.1 L-0.5,-0.5 A0.5,0.5 0 0,1 0.5,-0.5 L0.5,-0.1 L0.8,-0.1 L0.8,1 L-0.8,1 Z"
STOPS = ("unit", "at_min", "min")


def of_units(
    scenario: Scenario, run: xr.Dataset, baseline: xr.Dataset | None, view: View, whose: str = "plan"
) -> Layers:
    """Units of processes by mode; start-ups, change-overs and waits are pale with a dashed edge, gaps are idle time.

    Args:
        scenario: with its processes.
        run: drawn thick, with breakdowns.
        baseline: drawn thin below it; None: not drawn.
        view: the part of the horizon.
        whose: name of ``run``.
    """
    colour_of, units = palette.of_modes(scenario), [unit for unit, _ in scenario.process_units]
    colour = alt.Color(
        "mode:N",
        sort=list(colour_of),
        scale=alt.Scale(domain=list(colour_of), range=list(colour_of.values())),
        legend=alt.Legend(title=None, orient="top", columns=MOST_ORDERS_IN_LEGEND, symbolStrokeWidth=0, offset=4)
        if len(colour_of) <= MOST_ORDERS_IN_LEGEND
        else None,
    )
    tooltip = [alt.Tooltip(f"{name}:N", title=tr(title)) for name, title in UNIT_RUN.items()]
    lines = {unit: textwrap.wrap(unit, LONGEST_LINE) for unit in units}
    axis = y_axis(
        ticks=False, widest=WIDEST_NAME, labelExpr=f"({json.dumps(lines)})[datum.value]", labelLineHeight=10,
        labelBaseline="middle" if max(map(len, lines.values())) == 1 else "bottom",
    )  # fmt: skip
    y = alt.Y("unit:N", sort=units, title=None, axis=axis, scale=alt.Scale(domain=units))
    x = time_axis(view, labels=True)
    layers: list[Any] = []
    bars = _table(scenario, run, whose, view)
    looks: list[tuple[pd.DataFrame, dict[str, Any]]] = [(bars, {"height": 15, "yOffset": -3, "opacity": 1.0})]
    if baseline is not None:
        thin = {"height": 4, "yOffset": 8, "opacity": 0.75}
        looks.append((_table(scenario, baseline, "baseline", view), thin))
    for rows, look in looks:
        makes = rows["what"] == unit_runs.RUN
        for part, edge in ((rows[makes], {}), (rows[~makes], PALE)):
            if not len(part):  # an empty mark has no name for readers of the screen
                continue
            base = alt.Chart(part).encode(x=x, x2="end:Q", y=y, tooltip=tooltip, color=colour)
            how = {"stroke": LABEL, "strokeWidth": 0.5, "strokeOpacity": 0.6, "clip": True, **look, **edge}
            layers.append(base.mark_bar(**how))
    pixels = (bars["end"] - bars["start"]) / view.length_min * NARROWEST
    labels = bars[
        (pixels >= 5.8 * bars["mode"].str.len()) & (bars["what"] == unit_runs.RUN) & _several(scenario, bars["unit"])
    ]
    names = alt.Chart(labels).encode(x="middle:Q", y=y, text="mode:N", tooltip=tooltip)
    layers.append(names.mark_text(yOffset=-3, fontSize=11, color=LABEL, clip=True))
    layers += _broken(scenario, run, view, x, y, -3)
    return alt.layer(*layers).properties(height=ROW * len(units))


def _several(scenario: Scenario, units: pd.Series[str]) -> pd.Series[bool]:
    """Whether each unit has several modes; with only one, the unit's name is enough."""
    modes = {unit: len(process.all_modes) for unit, process in scenario.process_units}
    return units.map(modes) > 1


def _table(scenario: Scenario, data: xr.Dataset, whose: str, view: View) -> pd.DataFrame:
    return pd.DataFrame(_runs(scenario, data, whose, view), columns=[*UNIT_RUN, "what", "start", "end", "middle"])


def _runs(scenario: Scenario, data: xr.Dataset, whose: str, view: View) -> Iterator[dict[str, Any]]:
    horizon, (first, last) = scenario.horizon, view.span_min
    for run in unit_runs.unit_runs(scenario, data):
        start, end = run.first * horizon.step_min, run.last * horizon.step_min
        if end <= first or start >= last:
            continue
        hours = (end - start) / 60
        values = {
            "tonnes": (run.tonnes, 0, "t"),
            "off_spec": (run.off_spec_t, 1, "t"),
            "rate": (run.tonnes / hours, 1, "t/h"),
            "power": (run.energy_mwh / hours, 2, "MW"),
            "energy": (run.energy_mwh, 1, "MWh"),
        }
        yield {
            "whose": tr(whose),
            "unit": run.unit,
            "what": run.what,
            "does": tr(DOES[run.what]),
            "mode": run.mode,
            "start": start,
            "end": end,
            "middle": (max(start, first) + min(end, last)) / 2,
            "starts": wording.moment(horizon.instant(start)),
            "ends": wording.moment(horizon.instant(end)),
            **{name: f"{wording.number(value, digits)} {unit}" for name, (value, digits, unit) in values.items()},
        }


def of_operations(
    scenario: Scenario,
    operations: Sequence[tuple[str, int, str, float]],
    baseline: xr.Dataset | None,
    view: View,
    whose: str,
) -> Layers:
    """The same of a schedule that has not been replayed, as a search reports it.

    Args:
        scenario: with its line.
        operations: heat, number of its stage, unit and start [min] of each.
        baseline, view, whose: as of :func:`of_heats`.
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
    return of_heats(scenario, run, baseline, view, whose)


def of_heats(
    scenario: Scenario,
    run: xr.Dataset,
    baseline: xr.Dataset | None,
    view: View,
    whose: str = "plan",
) -> Layers:
    """Units from top to bottom, local time from left to right; thick bars are the run, thin ones below it the baseline.

    Args:
        scenario: with its line; locks are marked.
        run: drawn thick, with breakdowns.
        baseline: drawn thin below it; None: not drawn.
        view: the part of the horizon.
        whose: name of ``run``.
    """
    orders = [order.name for order in scenario.orders]
    units = [unit.name for unit in scenario.line.units]
    colour = alt.Color(
        "order:N",
        sort=orders,
        scale=alt.Scale(domain=orders, range=[palette.LIGHT[i % len(palette.LIGHT)] for i in range(len(orders))]),
        legend=alt.Legend(
            title=None, orient="top", columns=MOST_ORDERS_IN_LEGEND, symbolStrokeWidth=0, offset=2, padding=0
        )
        if len(orders) <= MOST_ORDERS_IN_LEGEND
        else None,
    )
    tooltip = [
        alt.Tooltip(f"{name}:N", title=title)
        for name, title in (
            ("whose", tr("of")), ("heat", tr("heat")), ("order", tr("order")), ("grade", tr("grade")),
            ("stage", tr("stage")), ("unit", tr("unit")), ("starts", tr("start")), ("ends", tr("end")),
            ("waited", tr("waited")), ("energy", tr("electricity")),
        )
    ]  # fmt: skip
    y = alt.Y("unit:N", sort=units, title=None, axis=y_axis(ticks=False), scale=alt.Scale(domain=units))
    x, bars = time_axis(view, labels=True), _operations(scenario, run, whose, view)
    base = alt.Chart(bars).encode(x=x, x2="end:Q", y=y, tooltip=tooltip)
    # the stroke makes light colours visible on a light page
    thick = base.mark_bar(height=17, yOffset=-4, stroke=LABEL, strokeWidth=0.5, strokeOpacity=0.6, clip=True)
    layers: list[Any] = [thick.encode(color=colour)]
    if baseline is not None:
        thin = _operations(scenario, baseline, "baseline", view)
        below = alt.Chart(thin).encode(x=x, x2="end:Q", y=y, tooltip=tooltip, color=colour)
        look_of_thin: dict[str, Any] = {"stroke": BASELINE, "strokeWidth": 0.4, "clip": True}
        layers.append(below.mark_bar(height=5, yOffset=9, opacity=0.75, **look_of_thin))
    if len(bars) and view.length_min <= MOST_MINUTES_WITH_LABELS:
        pixels = (bars["end"] - bars["start"]) / view.length_min * NARROWEST
        wide = bars[pixels >= 5.5 * bars["heat"].str.len()]
        names = alt.Chart(wide).encode(x="middle:Q", y=y, text="heat:N", tooltip=tooltip)
        layers.append(names.mark_text(yOffset=-4, fontSize=11, color=LABEL, clip=True))
    locked = {(lock.heat, lock.stage) for lock in scenario.locks}
    marked = bars[[key in locked for key in zip(bars["heat"], bars["stage"], strict=True)]]
    if len(marked):
        sign = alt.Chart(marked).encode(x=x, y=y, tooltip=tooltip)
        look: dict[str, Any] = {"size": 60, "xOffset": 5, "yOffset": -13, "fill": LABEL, "stroke": PAPER}
        layers.append(sign.mark_point(shape=PADLOCK, strokeWidth=0.6, opacity=1, clip=True, **look))
    layers += _broken(scenario, run, view, x, y, -4)
    return alt.layer(*layers).properties(height=32 * len(units))


def _broken(scenario: Scenario, run: xr.Dataset, view: View, x: alt.X, y: alt.Y, offset: int) -> list[Any]:
    """Breakdowns as dark bars with a red edge; empty if there are none."""
    if "stop_unit" not in run:
        return []
    (first, last), rows = view.span_min, []
    for unit, at, minutes in zip(*(run[f"stop_{name}"].values.tolist() for name in STOPS), strict=True):
        if at + minutes > first and at < last:
            starts, ends = (wording.moment(scenario.horizon.instant(moment)) for moment in (at, at + minutes))
            stop = {"unit": unit, "what": tr("breakdown"), "start": at, "end": at + minutes}
            rows.append(stop | {"starts": starts, "ends": ends, "down": f"{wording.number(minutes, 0)} min"})
    if not rows:
        return []
    titles = {"what": tr("what"), "unit": tr("unit"), "starts": tr("start"), "ends": tr("end"), "down": tr("lasts")}
    tooltip = [alt.Tooltip(f"{name}:N", title=title) for name, title in titles.items()]
    base = alt.Chart(pd.DataFrame(rows)).encode(x=x, y=y, tooltip=tooltip)
    bars = base.mark_bar(height=17, yOffset=offset, color=LABEL, opacity=0.9, stroke=LIMIT, strokeWidth=1.4, clip=True)
    sign = base.mark_text(text="✕", align="left", dx=-1, yOffset=offset - 14, fontSize=10, color=LIMIT, clip=True)
    return [bars.encode(x2="end:Q"), sign]


def _operations(scenario: Scenario, run: xr.Dataset, whose: str, view: View) -> pd.DataFrame:
    heats = {heat.name: heat for heat in scenario.heats}
    columns = ("heat", "stage", "unit", "start_min", "end_min", "waited_min", "energy_mwh")
    rows = []
    first, last = view.span_min
    for heat, stage, unit, start, end, waited, energy in zip(
        *(run[f"op_{name}"].values.tolist() for name in columns), strict=True
    ):
        if end <= first or start >= last:
            continue
        rows.append(
            {
                "whose": tr(whose),
                "heat": heat,
                "order": heats[heat].order,
                "grade": heats[heat].grade.name,
                "stage": stage,
                "unit": unit,
                "start": start,
                "end": end,
                "middle": (start + end) / 2,
                "starts": wording.moment(scenario.horizon.instant(start)),
                "ends": wording.moment(scenario.horizon.instant(end)),
                "waited": f"{wording.number(waited, 0)} min",
                "energy": f"{wording.number(energy, 1)} MWh",
            }
        )
    return pd.DataFrame(rows, columns=OPERATION)
