"""Charts of the report as SVG: who works when, grid power, carbon intensity and price, levels of stores.

All on one axis of minutes after the horizon's start, labelled with local time, which stays right where clocks change.
Names never become names of fields, which the renderer would read as expressions.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from emberline.reports.charts import palette
from emberline.reports.exports.activities import activities, called, units
from emberline.reports.exports.formats.gantt_sheet import colours, key, works
from emberline.reports.exports.speaker import ENGLISH, Speaker
from emberline.reports.exports.tables import LINE, PROCESSES
from emberline.reports.exports.texts import one_line
from emberline.runs.store.run_folder import StoredRun
from emberline.scenarios.flows.asset_flows import load_mw
from emberline.scenarios.records.horizon import Horizon

if TYPE_CHECKING:
    import altair as alt
    import xarray as xr

WIDTH = 960
"""Of the time axis [px]."""
ROW = 22
"""Height of a unit [px]."""
MOST_POINTS = 800
"""Of a curve: steps are merged to their mean where there would be more."""
MOST_LEVELS = 10
MOST_EDGES = 400
"""Bars that have an edge: the edges of more would hide them."""
MOST_IN_LEGEND = 14
LONGEST_NAME, NARROW = 60, 24
"""Letters of a name in a chart, and next to a low panel."""
PER_LETTER = 5.6
"""Width of a letter in a bar [px]."""


def schedule(run: StoredRun, speaker: Speaker = ENGLISH) -> str:
    """Gantt, where anything is switched, above grid power, carbon intensity and price."""
    plan = run.plan
    assert plan.replay is not None
    panels = [*_gantt(run, plan.replay, speaker), *_power(run, plan.replay, speaker), *_signals(run, speaker)]
    return _svg(panels, "schedule", speaker)


def levels(run: StoredRun, speaker: Speaker = ENGLISH) -> str:
    """Levels of the stores and the battery, plan and baseline; empty where there are none."""
    rows = list(_levels(run, speaker))
    panel_rows = rows[:MOST_LEVELS]
    panels = [
        _level(run, speaker, *row, legend=i == 0, last=i == len(panel_rows) - 1) for i, row in enumerate(panel_rows)
    ]
    return _svg(panels, "levels", speaker) if panels else ""


def _svg(panels: list[Any], name: str, speaker: Speaker) -> str:
    """Panels below each other as one SVG.

    Args:
        panels: with the same time axis.
        name: of the chart; several stand on one page, and each has ids of its own.
        speaker: whose fonts it needs.
    """
    import altair as alt
    import vl_convert

    apart: Any = dict.fromkeys(("color", "strokeDash", "y"), "independent")
    chart = alt.vconcat(*panels, spacing=12).resolve_scale(x="shared", **apart)
    chart = chart.configure(background="white", font=speaker.fonts).configure_view(stroke="#CCCCCC")
    chart = chart.configure_axis(titleFontWeight="normal", gridColor="#E3E6E9")
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    # checking the data row by row against altair's schema would take longer than drawing
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict(validate=False), vl_version=version)
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)


def _x(horizon: Horizon, speaker: Speaker, labels: bool = False) -> alt.X:
    import altair as alt

    texts = {str(minute): text for minute, text in _labels(horizon, speaker)}
    first, last = horizon.instant(0), horizon.instant(horizon.length_min)
    offsets = f"{first:%z}"
    if first.utcoffset() != last.utcoffset():
        offsets = speaker.say("{offset}, later {other}", offset=offsets, other=f"{last:%z}")
    title = speaker.say("local time, {zone} ({offsets})", zone=horizon.zone, offsets=offsets)
    axis = alt.Axis(
        values=[int(minute) for minute in texts],
        labelExpr=f"({json.dumps(texts)})[datum.value] || ''",
        title=title if labels else None,
        labels=labels,
        ticks=labels,
        grid=True,
        labelFlush=True,
        labelOverlap="parity",
    )
    return alt.X("start:Q", axis=axis, scale=alt.Scale(domain=[0, horizon.length_min], nice=False))


def _labels(horizon: Horizon, speaker: Speaker) -> Iterator[tuple[int, list[str]]]:
    """Minute and text of each label of the time axis: hours, days or months, as the horizon is long."""
    hours = horizon.length_min / 60
    every = 2 if hours <= 30 else 6 if hours <= 80 else 12 if hours <= 250 else 24
    for minute in range((60 - horizon.instant(0).minute) % 60, round(horizon.length_min) + 1, 60):
        at = horizon.instant(minute)
        if hours > 1500:
            if at.day == 1 and at.hour == 0:
                yield minute, [f"{at:%Y-%m}"]
        elif every == 24:
            if at.hour == 0:
                yield minute, [speaker.day(at)]
        elif at.hour % every == 0:
            yield minute, [f"{at:%H:%M}", speaker.day(at) if at.hour == 0 or minute == 0 else ""]


def _gantt(run: StoredRun, replay: xr.Dataset, speaker: Speaker) -> Iterator[Any]:
    import altair as alt

    plan, horizon = run.plan, run.plan.scenario.horizon
    owners = units(plan.scenario, replay)
    labels = {name: _short(called(name, plan.scenario, speaker)) for name in owners}
    names = list(labels.values())
    if not names:
        return
    shades = {_short(name): shade for name, shade in colours(plan.scenario, speaker).items()}
    tables: dict[str, list[dict[str, Any]]] = {"plan": [], "baseline": [], "text": []}
    for whose, data in (("plan", replay), ("baseline", plan.baseline)):
        for activity in activities(plan.scenario, data):
            if activity.unit not in owners or (whose == "baseline" and activity.of == "site"):
                continue
            start, end = activity.start_min, min(activity.end_min, horizon.length_min)
            row = {"unit": labels[activity.unit], "start": start, "end": end, "makes": works(activity)}
            tables[whose].append({**row, "key": _short(key(activity, speaker))})
            wide = (end - start) / horizon.length_min * WIDTH >= PER_LETTER * len(activity.name)
            if whose == "plan" and wide and works(activity) and activity.of != "site":
                tables["text"].append({"unit": row["unit"], "start": (start + end) / 2, "name": activity.name})
    used = [name for name in shades if any(row["key"] == name for row in tables["plan"])]
    colour = alt.Color(
        "key:N",
        sort=used,
        scale=alt.Scale(domain=used, range=[shades[name] for name in used]),
        legend=alt.Legend(title=None, orient="top", columns=7, labelLimit=130) if len(used) <= MOST_IN_LEGEND else None,
    )
    x, step = _x(horizon, speaker), ROW + (6 if tables["baseline"] else 0)
    y = alt.Y(
        "unit:N",
        sort=names,
        title=None,
        scale=alt.Scale(domain=names),
        axis=alt.Axis(ticks=False, labelLimit=150, labelOverlap=False),
    )
    edge: dict[str, Any] = {"clip": True}
    if len(tables["plan"]) <= MOST_EDGES:
        edge |= {"stroke": palette.INK, "strokeWidth": 0.4}
    opacity = alt.condition("datum.makes", alt.value(1.0), alt.value(0.35))
    thick = alt.Chart(alt.Data(values=tables["plan"])).mark_bar(height=14, yOffset=-3, **edge)
    layers: list[Any] = [thick.encode(x=x, x2="end:Q", y=y, color=colour, opacity=opacity)]
    if tables["baseline"]:
        thin = alt.Chart(alt.Data(values=tables["baseline"])).mark_bar(height=4, yOffset=8, **edge)
        layers.append(thin.encode(x=x, x2="end:Q", y=y, color=colour, opacity=alt.value(0.7)))
    text = alt.Chart(alt.Data(values=tables["text"])).mark_text(fontSize=8.5, yOffset=-3, color=palette.INK)
    layers.append(text.encode(x=x, y=y, text="name:N"))
    yield alt.layer(*layers).properties(width=WIDTH, height=step * len(names))


def _power(run: StoredRun, replay: xr.Dataset, speaker: Speaker) -> Iterator[Any]:
    """What the grid gives, what the line or the processes and the base load draw, and the baseline's import."""
    import altair as alt

    plan, horizon = run.plan, run.plan.scenario.horizon
    need = replay["line_mw"].to_numpy() + load_mw(plan.scenario, replay)
    load_label = speaker.say(PROCESSES if plan.scenario.processes else LINE)
    imported = speaker.say("grid import")
    curves = {
        imported: (replay["import_mw"].to_numpy(), palette.POWER, [1, 0]),
        speaker.say("grid import, baseline"): (plan.baseline["import_mw"].to_numpy(), palette.BASELINE, [4, 2]),
        load_label: (need, palette.INK, [1, 0]),
    }
    if not need.any():
        del curves[load_label]
    limit = plan.scenario.site.grid.import_limit_mw
    if limit is not None:
        curves[speaker.say("contracted import")] = (np.full(horizon.n_steps, limit), palette.LIMIT, [8, 3])
    area = alt.Chart(alt.Data(values=chart_points(horizon, {"": curves[imported][0]})))
    title = [speaker.say("power"), "[MW]"]
    layers: list[Any] = [
        area.mark_area(interpolate="step-after", color=palette.POWER, opacity=0.35).encode(
            x=_x(horizon, speaker), y=alt.Y("value:Q", title=title)
        ),
        _curves(horizon, speaker, curves, title),
    ]
    yield alt.layer(*layers).properties(width=WIDTH, height=130)


def _signals(run: StoredRun, speaker: Speaker) -> Iterator[Any]:
    scenario, inputs = run.plan.scenario, run.plan.scenario.inputs
    intensity = {speaker.say("average"): (inputs["carbon_intensity_kg_per_mwh"].to_numpy(), palette.CARBON, [1, 0])}
    if "marginal_carbon_intensity_kg_per_mwh" in inputs:
        marginal = inputs["marginal_carbon_intensity_kg_per_mwh"].to_numpy()
        intensity[speaker.say("marginal")] = (marginal, palette.CARBON, [4, 2])
    spot = scenario.market.has_spot
    title = [speaker.say("carbon intensity"), "[kg CO2e/MWh]"]
    yield _curves(scenario.horizon, speaker, intensity, title, legend=len(intensity) > 1, last=not spot).properties(
        width=WIDTH, height=70
    )
    if spot:
        name = speaker.say("spot price")
        price = {name: (inputs["price_per_mwh"].to_numpy(), palette.PRICE, [1, 0])}
        title = [name, f"[{scenario.market.currency}/MWh]"]
        chart = _curves(scenario.horizon, speaker, price, title, legend=False, last=True)
        yield chart.properties(width=WIDTH, height=70)


def _levels(run: StoredRun, speaker: Speaker) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Name, unit and level at each step's end of each store, plan and baseline."""
    plan, before = run.plan, run.plan.baseline
    replay = plan.replay
    assert replay is not None
    if replay["battery_mwh"].to_numpy().any():
        yield speaker.say("battery"), "MWh", replay["battery_mwh"].to_numpy(), before["battery_mwh"].to_numpy()
    for name, label, unit in (("stock_t", "stock", ""), ("asset_level", "store", "store_unit")):
        if name in replay:
            for i, store in enumerate(replay[label].values.tolist()):
                measure = str(replay[unit].values[i]) if unit else "t"
                yield store, measure, replay[name].to_numpy()[i], before[name].sel({label: store}).to_numpy()


def _level(
    run: StoredRun,
    speaker: Speaker,
    name: str,
    unit: str,
    ends: np.ndarray,
    baseline: np.ndarray,
    legend: bool,
    last: bool,
) -> alt.Chart:
    curves = {
        speaker.say("plan"): (ends, palette.POWER, [1, 0]),
        speaker.say("baseline"): (baseline, palette.BASELINE, [4, 2]),
    }
    horizon = run.plan.scenario.horizon
    chart = _curves(horizon, speaker, curves, [_short(name, NARROW), f"[{unit}]"], legend, last, at_end=True)
    return chart.properties(width=WIDTH, height=70)


def _curves(
    horizon: Horizon,
    speaker: Speaker,
    curves: dict[str, tuple[np.ndarray, str, list[int]]],
    title: list[str],
    legend: bool = True,
    last: bool = False,
    at_end: bool = False,
) -> alt.Chart:
    """Lines by step: values, colour and dash by name.

    Args:
        horizon: of the values.
        speaker: of the time axis.
        curves: what is drawn.
        title: of the vertical axis, with its unit.
        legend: whether colours are explained.
        last: whether the time axis is labelled.
        at_end: whether values are those at the steps' ends; else means over the steps.
    """
    import altair as alt

    names = list(curves)
    legend_style = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=2, labelLimit=250)
    colour = alt.Scale(domain=names, range=[shade for _, shade, _ in curves.values()])
    dash = alt.Scale(domain=names, range=[dashes for *_, dashes in curves.values()])
    points = chart_points(horizon, {name: values for name, (values, *_) in curves.items()}, at_end)
    mark = alt.Chart(alt.Data(values=points)).mark_line(
        interpolate="linear" if at_end else "step-after", strokeWidth=1.3, clip=True
    )
    return mark.encode(
        x=_x(horizon, speaker, last),
        y=alt.Y("value:Q", title=title, scale=alt.Scale(zero=at_end), axis=alt.Axis(tickCount=4)),
        color=alt.Color("curve:N", sort=names, scale=colour, legend=legend_style if legend else None),
        strokeDash=alt.StrokeDash("curve:N", sort=names, scale=dash, legend=legend_style if legend else None),
    )


def _short(name: str, most: int = LONGEST_NAME) -> str:
    name = one_line(name)
    return name if len(name) <= most else f"{name[: most - 1]}…"


def chart_points(horizon: Horizon, curves: dict[str, np.ndarray], at_end: bool = False) -> list[dict[str, Any]]:
    """Rows of the curves, no more than can be seen."""
    merged = math.ceil(horizon.n_steps / MOST_POINTS)
    starts = np.arange(0, horizon.n_steps, merged)
    ends = np.append(starts[1:], horizon.n_steps)
    rows = []
    for name, values in curves.items():
        if at_end:
            heights = values[ends - 1]
            at = ends * horizon.step_min
        else:
            heights = np.add.reduceat(values, starts) / (ends - starts)
            # the last value once more closes the last step
            heights, at = np.append(heights, heights[-1]), np.append(starts, horizon.n_steps) * horizon.step_min
        rows += [
            {"curve": name, "start": float(minute), "value": round(float(value), 4)}
            for minute, value in zip(at, heights, strict=True)
        ]
    return rows
