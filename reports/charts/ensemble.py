"""Charts of an ensemble: chance to hold, fan of imports, quantile dot plots of figures, missed limits by hour."""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from emberline.planning.plan import Plan
from emberline.planning.robustness import Ensemble
from emberline.planning.robustness import ensemble as replays
from emberline.reports.charts import palette
from emberline.reports.charts.gantt import Layers
from emberline.reports.charts.view import View, pointer_rule, shades, time_axis, tips
from emberline.reports.text import tr, wording
from emberline.reports.text.activities import replay_of

DOTS = 20
"""Number of dots in a quantile dot plot; each represents 5 % of the replays."""
UNDISTURBED = "#AA3377"
"""Colour of the undisturbed plan, distinct from the shades of the import on light and dark pages."""
COLUMNS = 24
"""Number of columns in which dots are stacked."""
MAX_LIMITS = 12
CELLS = 100
"""Maximum number of columns in the heat map."""


def chance(ensemble: Ensemble) -> Layers:
    """Draw the share of replays that hold with its 95 % interval, for plan and baseline, and the requested share."""
    policies = [(tr("plan"), ensemble.successes)]
    if ensemble.against_baseline:
        policies.append((tr("baseline"), int((ensemble.data["baseline_violations"] == 0).sum())))
    n, rows = ensemble.n, []
    for whose, holds in policies:
        low, high = replays.interval(holds, n)
        rows.append({"whose": whose, "share": holds / n, "low": low, "high": high, "held": f"{holds} / {n}"})
    frame = pd.DataFrame(rows)
    names = frame["whose"].tolist()
    scale, axis = alt.Scale(domain=[0, 1]), alt.Axis(format=".0%", tickCount=5)
    x = alt.X("low:Q", title=tr("chance to hold, with its 95 % interval"), scale=scale, axis=axis)
    y = alt.Y("whose:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False))
    colour = shades("whose", dict(zip(names, (palette.IMPORT, palette.BASELINE), strict=False)), None)
    shares = {"share": tr("share"), "low": tr("at least"), "high": tr("at most")}
    tooltip = tips({"whose": tr("of"), "held": tr("holds"), **{name: (text, ".1%") for name, text in shares.items()}})
    base = alt.Chart(frame).encode(y=y, color=colour, tooltip=tooltip)
    layers: list[Any] = [
        base.mark_rule(strokeWidth=7, opacity=0.4).encode(x=x, x2="high:Q"),
        base.mark_point(filled=True, size=120, opacity=1).encode(x=alt.X("share:Q")),
    ]
    target = ensemble.scenario.goal.hold or ensemble.scenario.disturbances.hold
    if target is not None:
        rule = alt.Chart(pd.DataFrame({"low": [target], "is": [tr("requested")]}))
        rule = rule.mark_rule(color=palette.LIMIT, strokeDash=[5, 3], strokeWidth=1.6)
        layers.append(rule.encode(x=x, tooltip=["is:N"]))
    return alt.layer(*layers).properties(height=34 * len(names) + 92)


def fan(ensemble: Ensemble, plan: Plan, view: View) -> Layers:
    """Draw the net import over time: the middle 50 % and 80 % of the replays, their median, and the plan.

    Args:
        ensemble: ensemble with ``fan_mw``.
        plan: the plan that was replayed.
        view: visible part of the horizon.
    """
    scenario = ensemble.scenario
    each = scenario.site.grid.metered_interval_min
    first, last = (round(minutes / each) for minutes in view.span_min)
    columns = {f"q{i}": values[first:last] for i, values in enumerate(ensemble.data["fan_mw"].to_numpy())}
    columns["plan"] = replay_of(plan)["meter_mw"].to_numpy()[first:last]
    frame = pd.DataFrame({name: np.append(values, values[-1:]).round(3) for name, values in columns.items()})
    frame["start"] = np.arange(first, first + len(frame)) * each
    frame["clock"] = [wording.moment(scenario.horizon.instant(at)) for at in frame["start"]]
    x = time_axis(view, labels=True, title=True)
    title = tr("net import, metered mean [MW]")
    names = [tr("80 % of the replays"), tr("50 % of the replays"), tr("median of the replays"), tr("plan, undisturbed")]
    key = alt.Scale(domain=names, range=["#A9CDE8", "#5FA5D6", palette.IMPORT, UNDISTURBED])
    legend = alt.Legend(title=None, orient="top", columns=4)
    for i, name in enumerate(names):
        frame[f"is{i}"] = name

    def colour(place: int) -> alt.Color:
        return alt.Color(f"is{place}:N", scale=key, legend=legend)

    base = alt.Chart(frame).encode(x=x)
    layers: list[Any] = []
    step: Any = {"interpolate": "step-after"}
    for place, low, high in ((0, "q0", "q4"), (1, "q1", "q3")):
        y = alt.Y(f"{low}:Q", title=title, scale=alt.Scale(zero=False))
        layers.append(base.mark_area(opacity=0.85, **step).encode(y=y, y2=f"{high}:Q", color=colour(place)))
    layers.append(base.mark_line(strokeWidth=2, **step).encode(y="q2:Q", color=colour(2)))
    layers.append(base.mark_line(strokeWidth=1.3, **step).encode(y="plan:Q", color=colour(3)))
    limit = scenario.site.grid.import_limit_mw
    if limit is not None:
        rule = alt.Chart(pd.DataFrame({"mw": [limit], "is": [tr("contracted import")]}))
        rule = rule.mark_rule(color=palette.LIMIT, strokeDash=[5, 3], strokeWidth=1.4)
        layers.append(rule.encode(y="mw:Q", tooltip=tips({"is": tr("is"), "mw:Q": "MW"})))
    titles = {"q4": "P90", "q3": "P75", "q2": tr("median"), "q1": "P25", "q0": "P10", "plan": tr("plan, undisturbed")}
    tooltip = tips({"clock": tr("from"), **{name: (f"{text} [MW]", ",.1f") for name, text in titles.items()}})
    layers.append(pointer_rule(base, tooltip))
    return alt.layer(*layers).properties(height=300)


def dots(ensemble: Ensemble, name: str, title: str, factor: float, undisturbed: float | None) -> Layers:
    """Draw a figure over the replays as 20 dots of 5 % each: the plan above the line, the baseline below it.

    Quantile dot plots: Kay, Kola, Hullman and Munson (2016), "When (ish) is my bus?", CHI 2016.

    Args:
        ensemble: replays of the plan.
        name: name of the figure in the ensemble.
        title: axis title with unit.
        factor: conversion factor to that unit.
        undisturbed: value of the undisturbed plan, in the ensemble's unit; None: not drawn.
    """
    whose = {tr("plan"): ensemble.data[name].to_numpy() * factor}
    if ensemble.against_baseline:
        whose[tr("baseline")] = ensemble.data[f"baseline_{name}"].to_numpy() * factor
    at = (np.arange(DOTS) + 0.5) / DOTS
    values = {who: np.quantile(sample, at) for who, sample in whose.items()}
    low, high = min(v.min() for v in values.values()), max(v.max() for v in values.values())
    width = (high - low) / COLUMNS or 1.0
    ends = [low, high, *([] if undisturbed is None else [undisturbed * factor])]
    domain = alt.Undefined if max(ends) > min(ends) else [low - 1, low + 1]
    rows = []
    for sign, (who, sample) in zip((1, -1), values.items(), strict=False):
        columns = ((sample - low) / width).round()
        for column in np.unique(columns):
            mine = columns == column
            place = float(sample[mine].mean())  # keep equal values at their exact position
            for height, (share, value) in enumerate(zip(at[mine], sample[mine], strict=True), 1):
                rows.append({"whose": who, "x": place, "y": sign * height, "value": value, "share": share})
    frame = pd.DataFrame(rows)
    names, most = list(values), max(4, int(frame["y"].abs().max()) + 1)
    scale = alt.Scale(domain=[-most if ensemble.against_baseline else 0, most], nice=False)
    colour = shades("whose", dict(zip(names, (palette.IMPORT, palette.BASELINE), strict=False)))
    shape = alt.Shape("whose:N", scale=alt.Scale(domain=names, range=["circle", "diamond"][: len(names)]))
    digits = 0 if high - low > 8 else 1 if high - low > 1 else 2
    axis = alt.Axis(tickCount=4, format=f",.{digits}f", grid=False)
    x = alt.X("x:Q", title=title, scale=alt.Scale(zero=False, padding=12, domain=domain), axis=axis)
    less = (tr("share of the replays with less"), ".0%")
    tooltip = tips({"whose": tr("of"), "value": (title, ",.2f"), "share": less})
    y = alt.Y("y:Q", axis=None, scale=scale)
    points = alt.Chart(frame).mark_point(filled=True, size=42, opacity=1)
    line = alt.Chart(pd.DataFrame({"y": [0]})).mark_rule(color=palette.BASELINE, strokeWidth=1)
    layers = [points.encode(x=x, y=y, color=colour, shape=shape, tooltip=tooltip), line.encode(y="y:Q")]
    if undisturbed is not None:
        rule = pd.DataFrame({"x": [undisturbed * factor], "y": [0], "top": [most], "is": [tr("plan, undisturbed")]})
        rules = alt.Chart(rule).mark_rule(color=UNDISTURBED, strokeDash=[4, 3], strokeWidth=1.4)
        tooltip = [alt.Tooltip("is:N"), alt.Tooltip("x:Q", format=",.2f")]
        layers.append(rules.encode(x="x:Q", y="y:Q", y2="top:Q", tooltip=tooltip))
    return alt.layer(*layers).properties(height=280)


def broken(ensemble: Ensemble, view: View) -> Layers:
    """Draw the missed limits by hour, with the share of the replays that miss them.

    Args:
        ensemble: an ensemble with at least one missed limit.
        view: visible part of the horizon.
    """
    rows = ensemble.broke()[:MAX_LIMITS]
    data, horizon = ensemble.data, ensemble.scenario.horizon
    keys = list(zip(*(data[f"limit_{name}"].values.tolist() for name in ("kind", "stage", "unit")), strict=True))
    counts = data["missed_in_hour"].to_numpy()
    first, last = (math.floor(minutes / 60) for minutes in view.span_min)
    wide = math.ceil((last - first) / CELLS)
    cells, labels = [], []
    for row in rows:
        key = (row["kind"], row["stage"], row["unit"])
        often = row["replications"] / ensemble.n
        label = f"{limit(*key)}, {wording.percent(often, 0 if often >= 0.02 else 1)}"
        labels.append(label)
        for hour in range(first, last, wide):
            # maximum over the hours, since a replay may miss a limit in more than one of them
            count = int(counts[keys.index(key), hour : min(hour + wide, last)].max(initial=0))
            if count:
                start, end = hour * 60, min((hour + wide) * 60, horizon.length_min)
                clock = f"{wording.moment(horizon.instant(start))} – {horizon.instant(end):%H:%M}"
                cells.append((label, start, end, clock, count, count / ensemble.n))
    frame = pd.DataFrame(cells, columns=["limit", "start", "end", "clock", "count", "of"])
    axis = alt.Axis(labelLimit=230, ticks=False, domain=False, grid=True)
    y = alt.Y("limit:N", sort=labels, title=None, scale=alt.Scale(domain=labels), axis=axis)
    titles: dict[str, Any] = {"limit": tr("limit, and share of the replays that miss it"), "clock": tr("hour")}
    tooltip = tips({**titles, "count:Q": tr("replays that miss it in this hour"), "of": (tr("share"), ".1%")})
    base = alt.Chart(frame).encode(x=time_axis(view, labels=True, title=True), y=y, tooltip=tooltip)
    most = max(0.01, float(frame["of"].max())) if len(frame) else 1.0
    legend = alt.Legend(title=tr("share of the replays"), orient="top", format=".0%", tickCount=3)
    shade = alt.Opacity("of:Q", scale=alt.Scale(domain=[0, most], range=[0.25, 1]), legend=legend)
    bars = base.mark_bar(color=palette.LIMIT, height=20, stroke=palette.LIMIT, strokeWidth=0.4, clip=True)
    return alt.layer(bars.encode(x2="end:Q", opacity=shade)).properties(height=28 * len(labels) + 170)


def limit(kind: str, stage: str, unit: str) -> str:
    """Describe a limit with its stage and unit."""
    where = " ".join(part for part in (stage, unit) if part) or tr("site")
    return f"{tr(wording.KINDS.get(kind, kind))} · {where}"
