"""A rolling day at one moment: what has happened, the plan of that moment, and the baseline."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from emberline.reports.charts import palette
from emberline.reports.charts.analyses.steps import FONT
from emberline.reports.charts.view import View, time_axis
from emberline.reports.text.language import tr
from emberline.reports.text.numbers import clock
from emberline.scenarios.records.horizon import Horizon

HEIGHT = 330


def at(
    now_min: float, begin_min: float, planned: np.ndarray, runs: dict[str, np.ndarray], horizon: Horizon
) -> alt.LayerChart | alt.FacetChart:
    """The chart.

    Args:
        now_min: the moment [min after the start].
        begin_min: where the plan of that moment begins.
        planned: its import [MW], one for each step from ``begin_min``.
        runs: import [MW] by step of ``roll`` (what happened) and ``baseline``.
        horizon: of the roll.
    """
    step = horizon.step_min
    k, b = round(now_min / step), round(begin_min / step)
    happened = runs["roll"][:b] if b > k else runs["roll"][:k]
    names = tr("happened"), tr("planned at this moment"), tr("baseline")
    parts = [
        (names[0], 0, happened),
        (names[1], b, planned),
        (names[2], 0, runs["baseline"]),
    ]
    frames = [_frame(name, first, values, horizon) for name, first, values in parts if len(values)]
    frame = pd.concat(frames)
    view = View.of(horizon)
    x = time_axis(view, labels=True, title=True)
    title = tr("grid import [MW]")
    y = alt.Y("mw:Q", title=title, axis=alt.Axis(titleFontSize=FONT, labelFontSize=FONT))
    shades = [palette.POWER, palette.CARBON, palette.BASELINE]
    colour = alt.Color(
        "what:N", title=None, scale=alt.Scale(domain=list(names), range=shades),
        legend=alt.Legend(orient="top", labelFontSize=FONT, symbolType="stroke"),
    )  # fmt: skip
    dash = alt.StrokeDash("what:N", scale=alt.Scale(domain=list(names), range=[[1, 0], [5, 3], [2, 2]]), legend=None)
    tips = [alt.Tooltip("what:N", title=tr("curve")), alt.Tooltip("when:N", title=tr("from")),
            alt.Tooltip("mw:Q", title=title, format=".2f")]  # fmt: skip
    base = alt.Chart(frame)
    lines = base.mark_line(interpolate="step-after", strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dash)
    hits = base.mark_rule(opacity=0, strokeWidth=6).encode(x=x, tooltip=tips)
    moment = pd.DataFrame({"start": [now_min], "text": [tr("now: {at}", at=clock(horizon.instant(now_min)))]})
    rule = alt.Chart(moment).mark_rule(color=palette.LIMIT, strokeWidth=2).encode(x=x)
    late = now_min > horizon.length_min / 2
    label = alt.Chart(moment).mark_text(
        align="right" if late else "left", dx=-5 if late else 5, fontSize=FONT, color=palette.LIMIT, baseline="bottom"
    ).encode(x=x, y=alt.value(-4), text="text:N")  # fmt: skip
    layers: list[Any] = [lines, hits, rule, label]
    return alt.layer(*layers).properties(height=HEIGHT)


def _frame(name: str, first: int, values: np.ndarray, horizon: Horizon) -> pd.DataFrame:
    starts = (first + np.arange(len(values) + 1)) * horizon.step_min
    when = [clock(horizon.instant(minute)) for minute in starts]
    return pd.DataFrame({"what": name, "start": starts, "mw": np.append(values, values[-1]), "when": when})
