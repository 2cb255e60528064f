"""Charts of studies: values by step, starts by slot, savings by load and cause, rolling, sweeps, calibrations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from emberline.reports.charts import palette
from emberline.reports.charts.gantt import Layers
from emberline.reports.charts.view import View, shades, time_axis, tips
from emberline.reports.text import number, say, tr, wording
from emberline.reports.text.numbers import clauses, clock
from emberline.scenarios.records.horizon import Horizon

STEP_HEIGHT = 270
FONT = 12
"""Font size of labels [px]."""
LABELS = alt.Axis(titleFontSize=FONT, labelFontSize=FONT)
LEVEL = alt.Axis(titleFontSize=FONT, labelFontSize=FONT, labelAngle=0)
"""Axes with automatically rotated labels and with horizontal labels."""


def stepped(values: np.ndarray, view: View, title: str) -> alt.LayerChart | alt.FacetChart:
    """Draw values over the steps of a view.

    Args:
        values: a value for each step, shape (n_steps,).
        view: visible part of the horizon.
        title: title of the y axis, with the unit.
    """
    means, edges = view.mean(values), view.edges_min
    when = [clock(view.horizon.instant(minute)) for minute in edges]
    frame = pd.DataFrame({"start": edges, "value": np.append(means, means[-1]), "when": when})
    x = time_axis(view, labels=True, title=True)
    y = alt.Y("value:Q", title=title, axis=LABELS)
    tooltip = tips({"when": tr("from"), "value": (title, ",.2f")})
    line = alt.Chart(frame).mark_line(interpolate="step-after", color=palette.PRICE, strokeWidth=2).encode(x=x, y=y)
    area = alt.Chart(frame).mark_area(interpolate="step-after", color=palette.PRICE, opacity=0.15).encode(x=x, y=y)
    points = alt.Chart(frame.iloc[:-1]).mark_rule(opacity=0, strokeWidth=8).encode(x=x, tooltip=tooltip)
    return alt.layer(area, line, points).properties(height=STEP_HEIGHT)


SLOT_HEIGHT = 270


def start_slots(slots: list[dict[str, Any]], horizon: Horizon, unit: str) -> alt.LayerChart | alt.FacetChart:
    """Draw the change of the objective by start slot.

    Args:
        slots: slots of the result, with ``start_min``, ``limits`` and ``more_of_goal``.
        horizon: horizon of the scenario.
        unit: unit of the goal.
    """
    title = tr("more [{unit}]", unit=unit)
    rows = [
        {
            "start": slot["start_min"],
            "more": slot["more_of_goal"],
            "when": clock(horizon.instant(slot["start_min"])),
            "says": clauses(map(say, slot["limits"])) or tr("possible"),
        }
        for slot in slots
    ]
    frame = pd.DataFrame(rows)
    x = time_axis(View.of(horizon), labels=True, title=True)
    y = alt.Y("more:Q", title=title, axis=LABELS)
    tooltip = tips({"when": tr("start"), "more": (title, ",.1f"), "says": tr("limits")})
    possible, blocked = frame[frame["more"].notna()], frame[frame["more"].isna()]
    points = alt.Chart(possible).mark_circle(size=40, color=palette.POWER, opacity=0.9)
    ticks = alt.Chart(blocked).mark_tick(color=palette.LIMIT, thickness=2, size=8)
    ticks = ticks.encode(x=x, y=alt.value(4), tooltip=[tooltip[0], tooltip[2]])
    return alt.layer(points.encode(x=x, y=y, tooltip=tooltip), ticks).properties(height=SLOT_HEIGHT)


LOAD_HEIGHT = 300
EDGE = 3.0
"""Free space at both ends of the axis [percentage points]."""


def saving_by_load(loads: list[dict[str, Any]], threshold: float) -> alt.LayerChart | alt.FacetChart:
    """Draw the saving by order load.

    Args:
        loads: loads of the result, with ``share``, ``goal_share``, its interval and ``goal_most``.
        threshold: smallest relevant saving, as a share.
    """
    names = {"share": "load", "goal_share": "saved", "goal_low": "low", "goal_high": "high", "goal_most": "most"}
    frame = 100 * pd.DataFrame(loads)[list(names)].astype(float).rename(columns=names).dropna(subset=["saved"])
    domain = [float(frame["load"].min()) - EDGE, float(frame["load"].max()) + EDGE]
    ticks = alt.Axis(titleFontSize=FONT, labelFontSize=FONT, values=frame["load"].round().tolist())
    x = alt.X("load:Q", title=tr("order load [%]"), axis=ticks, scale=alt.Scale(domain=domain, nice=False))
    y = alt.Y("saved:Q", title=tr("saving of the goal [%]"), axis=LABELS)
    saved, most = (tr("saving of the goal [%]"), ".2f"), (tr("at most, by the bound [%]"), ".2f")
    tooltip = tips({"load": (tr("order load [%]"), ".0f"), "saved": saved, "most": most})
    base = alt.Chart(frame)
    layers: list[Any] = []
    if frame["most"].notna().any():
        layers.append(base.mark_area(color=palette.PALE, opacity=0.3).encode(x=x, y=y, y2="most:Q"))
    if frame["low"].notna().any():
        spans = base.mark_rule(color=palette.POWER, strokeWidth=3, opacity=0.45)
        layers.append(spans.encode(x=x, y="low:Q", y2="high:Q"))
    dots = alt.OverlayMarkDef(size=60, color=palette.POWER)
    layers.append(base.mark_line(color=palette.POWER, strokeWidth=2, point=dots).encode(x=x, y=y, tooltip=tooltip))
    least = pd.DataFrame({"saved": [100 * threshold]})
    layers.append(alt.Chart(least).mark_rule(color=palette.LIMIT, strokeDash=[5, 3]).encode(y="saved:Q"))
    return alt.layer(*layers).properties(height=LOAD_HEIGHT)


ROLL_HEIGHT = 330


def now_line(
    now_min: float, begin_min: float, planned: np.ndarray, runs: dict[str, np.ndarray], horizon: Horizon
) -> alt.LayerChart | alt.FacetChart:
    """Draw past, planned and baseline import around one moment of a roll.

    Args:
        now_min: current time [min after the start].
        begin_min: start of the plan made at that time [min after the start].
        planned: planned import [MW], a value for each step from ``begin_min``.
        runs: import [MW] by step of ``roll`` (actual) and ``baseline``.
        horizon: horizon of the roll.
    """
    step = horizon.step_min
    k, b = round(now_min / step), round(begin_min / step)
    happened = runs["roll"][:b] if b > k else runs["roll"][:k]
    names = tr("happened"), tr("planned at this moment"), tr("baseline")
    parts = [(names[0], 0, happened), (names[1], b, planned), (names[2], 0, runs["baseline"])]
    frames = [_frame(name, first, values, horizon) for name, first, values in parts if len(values)]
    frame = pd.concat(frames)
    view = View.of(horizon)
    x = time_axis(view, labels=True, title=True)
    title = tr("grid import [MW]")
    y = alt.Y("mw:Q", title=title, axis=LABELS)
    colours = (palette.POWER, palette.CARBON, palette.BASELINE)
    legend = alt.Legend(title=None, orient="top", labelFontSize=FONT, symbolType="stroke")
    colour = shades("what", dict(zip(names, colours, strict=True)), legend)
    dash = alt.StrokeDash("what:N", scale=alt.Scale(domain=list(names), range=[[1, 0], [5, 3], [2, 2]]), legend=None)
    tooltip = tips({"what": tr("curve"), "when": tr("from"), "mw": (title, ".2f")})
    base = alt.Chart(frame)
    lines = base.mark_line(interpolate="step-after", strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash)
    hits = base.mark_rule(opacity=0, strokeWidth=6).encode(x=x, tooltip=tooltip)
    moment = pd.DataFrame({"start": [now_min], "text": [tr("now: {at}", at=clock(horizon.instant(now_min)))]})
    rule = alt.Chart(moment).mark_rule(color=palette.LIMIT, strokeWidth=2).encode(x=x)
    late = now_min > horizon.length_min / 2
    place: Any = {"align": "right", "dx": -5} if late else {"align": "left", "dx": 5}
    label = alt.Chart(moment).mark_text(**place, fontSize=FONT, color=palette.LIMIT, baseline="bottom")
    layers: list[Any] = [lines, hits, rule, label.encode(x=x, y=alt.value(-4), text="text:N")]
    return alt.layer(*layers).properties(height=ROLL_HEIGHT)


def _frame(name: str, first: int, values: np.ndarray, horizon: Horizon) -> pd.DataFrame:
    starts = (first + np.arange(len(values) + 1)) * horizon.step_min
    when = [clock(horizon.instant(minute)) for minute in starts]
    return pd.DataFrame({"what": name, "start": starts, "mw": np.append(values, values[-1]), "when": when})


MAP_ROW = 44
"""Height of a row of cells [px]."""
MAP_HEIGHT, MAP_AXES = 300, 130
"""Height of a chart, and of axes and titles of a heat map [px]."""


def over_two(rows: list[dict[str, Any]], keys: tuple[str, str], title: str, digits: int) -> Any:
    """Draw a heat map; darker cells have larger values.

    Args:
        rows: rows with ``x``, ``y`` (text), ``value`` and ``says``.
        keys: titles of x and y, with units.
        title: title of the figure, with its unit.
        digits: number of decimal places.
    """
    frame = pd.DataFrame(rows)
    frame["text"] = [tr("no plan") if value is None else number(value, digits) for value in _plain(frame["value"])]
    x = alt.X("x:O", title=keys[0], sort=list(dict.fromkeys(frame["x"])), axis=LEVEL)
    y = alt.Y("y:O", title=keys[1], sort=list(dict.fromkeys(frame["y"])), axis=LEVEL)
    tooltip = tips({"x": keys[0], "y": keys[1], "text": title, "says": tr("status")})
    values = [value for value in _plain(frame["value"]) if value is not None]
    middle = (min(values) + max(values)) / 2 if values else 0.0
    colour = alt.Color("value:Q", title=title, scale=alt.Scale(scheme="blues"), legend=alt.Legend(labelFontSize=FONT))
    base = alt.Chart(frame).encode(x=x, y=y, tooltip=tooltip)
    cells = base.mark_rect(stroke=palette.PAPER, strokeWidth=1).encode(color=colour)
    ink = alt.condition(f"datum.value > {middle}", alt.value(palette.PAPER), alt.value(palette.INK))
    texts = base.transform_filter("isValid(datum.value)").mark_text(fontSize=FONT).encode(text="text:N", color=ink)
    none = base.transform_filter("!isValid(datum.value)").mark_text(fontSize=FONT, color=palette.BASELINE)
    layers = [cells, texts, none.encode(text="text:N")]
    return alt.layer(*layers).properties(height=MAP_ROW * frame["y"].nunique() + MAP_AXES)


def along_one(rows: list[dict[str, Any]], key: str, title: str, digits: int) -> Any:
    """Draw points along one key; arguments as in :func:`over_two`, with ``x`` a number or a text."""
    frame = pd.DataFrame([row for row in rows if row["value"] is not None])
    numeric = all(isinstance(row["x"], int | float) and not isinstance(row["x"], bool) for row in rows)
    frame["text"] = [number(value, digits) for value in frame["value"]]
    kind, scale = ("x:Q", alt.Scale(zero=False, padding=20)) if numeric else ("x:O", alt.Undefined)
    sort = None if numeric else list(dict.fromkeys(frame["x"]))
    x = alt.X(kind, title=key, axis=LEVEL, scale=scale, sort=sort)
    y = alt.Y("value:Q", title=title, axis=LEVEL, scale=alt.Scale(zero=False))
    tooltip = tips({kind: key, "text": title, "says": tr("status")})
    base = alt.Chart(frame).encode(x=x, y=y, tooltip=tooltip)
    layers = [base.mark_line(color=palette.PALE)] if numeric else []
    layers.append(base.mark_circle(size=80, color=palette.POWER, opacity=1))
    return alt.layer(*layers).properties(height=MAP_HEIGHT)


def _plain(values: Any) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in values]


FIT_ROW = 34
"""Height of the row of a unit and grade [px]."""
FIT_HEIGHT, FIT_AXES = 270, 120
"""Height of a drift chart, and of axis and legend of the durations [px]."""


EDGES = ("mean", "low", "high")


def durations(comparisons: list[dict[str, Any]]) -> Any:
    """Draw the mean and the 10–90 % range of log and fit, by unit and grade."""
    log, fit = tr("log"), tr("fit")
    rows = [
        {"of": f"{comparison['unit']} {comparison['grade']}", "from": name}
        | {edge: comparison[f"{key}_{edge}"] for edge in EDGES}
        for comparison in comparisons
        for name, key in ((log, "log"), (fit, "fit"))
    ]
    frame = pd.DataFrame(rows)
    title = tr("working time [min]")
    x = alt.X("mean:Q", title=title, scale=alt.Scale(zero=False, padding=12), axis=LABELS)
    y = alt.Y("of:N", title=None, sort=list(dict.fromkeys(frame["of"])),
              axis=alt.Axis(labelFontSize=FONT, labelLimit=220))  # fmt: skip
    offset = alt.YOffset("from:N", sort=[log, fit])
    legend = alt.Legend(title=None, orient="top", labelFontSize=FONT)
    colour = shades("from", {log: palette.BASELINE, fit: palette.POWER}, legend)
    minutes = {"mean": tr("mean [min]"), "low": tr("10 % [min]"), "high": tr("90 % [min]")}
    texts = {"of": tr("unit and grade"), "from": tr("from")}
    tooltip = tips({**texts, **{name: (title, ".2f") for name, title in minutes.items()}})
    base = alt.Chart(frame).encode(y=y, yOffset=offset, color=colour, tooltip=tooltip)
    spans = base.mark_rule(strokeWidth=3, opacity=0.6).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    means = base.mark_point(filled=True, size=70, opacity=1).encode(x=x)
    return alt.layer(spans, means).properties(height=FIT_ROW * frame["of"].nunique() + FIT_AXES)


def drift(chart: dict[str, Any]) -> Any:
    """Draw a control chart of residuals: the weighted mean over time with its limits."""
    frame = pd.DataFrame({"start": pd.to_datetime(chart["start"], utc=True), "ewma": chart["ewma"],
                          "residual": chart["residual"]})  # fmt: skip
    x = alt.X("start:T", title=tr("start of the heat, UTC"), axis=LABELS, scale=alt.Scale(type="utc"))
    title = tr("weighted mean [standard deviations]")
    y = alt.Y("ewma:Q", title=title, axis=LABELS)
    start = alt.Tooltip("start:T", title=tr("start of the heat, UTC"), format="%Y-%m-%d %H:%M")
    tooltip = [start, *tips({"ewma": (title, ".2f")})]
    line = alt.Chart(frame).mark_line(color=palette.POWER, strokeWidth=1.5).encode(x=x, y=y, tooltip=tooltip)
    limits = pd.DataFrame({"ewma": [-chart["limit"], chart["limit"]]})
    rules = alt.Chart(limits).mark_rule(color=palette.LIMIT, strokeDash=[5, 3]).encode(y=y)
    return alt.layer(rules, line).properties(height=FIT_HEIGHT)


HELPS, COUNTERS, WHOLE = palette.IMPORT, palette.LIMIT, palette.BASELINE
CAUSE_ROW = 26
"""Height of a bar including its gap [px]."""
AXIS = 80
"""Height of the axis and its title [px]."""


def waterfall(rows: Sequence[tuple[str, float]], unit: str, digits: int) -> Layers:
    """Draw the saving by cause as a waterfall chart.

    Args:
        rows: labels of causes and the saving of each (negative: additional use).
        unit: unit of the saving.
        digits: number of decimal places.
    """
    at, entries = 0.0, []
    for label, value in rows:
        text = tr("saves more") if value >= 0 else tr("counters it")
        entries.append(
            {"cause": label, "from": at, "to": at + value, "kind": text, "says": wording.signed(value, digits)}
        )
        at += value
    total = tr("in all")
    entries.append({"cause": total, "from": 0.0, "to": at, "kind": total, "says": wording.signed(at, digits)})
    frame = pd.DataFrame(entries)
    frame["end"] = frame[["from", "to"]].max(axis=1)
    low, high = min(float(frame[["from", "to"]].to_numpy().min()), 0.0), float(frame["end"].max())
    span = high - low or 1.0
    names = [str(name) for name in frame["cause"]]
    kinds = [tr("saves more"), tr("counters it"), total]
    y = alt.Y("cause:N", sort=names, title=None, axis=alt.Axis(labelLimit=200, ticks=False, domain=False))
    scale = alt.Scale(domain=[low - 0.02 * span, high + 0.2 * span], nice=False)
    x = alt.X("from:Q", title=tr("saved [{unit}]", unit=unit), scale=scale)
    colour = shades("kind", dict(zip(kinds, (HELPS, COUNTERS, WHOLE), strict=True)), None)
    tooltip = tips({"cause": tr("cause"), "says": tr("saved [{unit}]", unit=unit)})
    base = alt.Chart(frame).encode(y=y, tooltip=tooltip)
    bars = base.mark_bar(height=16).encode(x=x, x2="to:Q", color=colour)
    texts = base.mark_text(align="left", dx=5, fontSize=11, color=palette.BASELINE)
    texts = texts.encode(x=alt.X("end:Q"), text="says:N")
    return alt.layer(bars, texts).properties(height=CAUSE_ROW * len(names) + AXIS)
