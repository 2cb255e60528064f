"""Charts of a calibration: logged and fitted durations next to each other, and drift over time."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from emberline.reports.charts import palette
from emberline.reports.charts.analyses.steps import FONT
from emberline.reports.text.language import tr

ROW = 34
"""Height of a unit and grade [px]."""
HEIGHT, AXES = 270, 120
"""Height of a chart of drift, and of axis and legend of the durations [px]."""


def durations(comparisons: list[dict[str, Any]]) -> Any:
    """Mean and 10–90 % span of the log and of the fit, by unit and grade."""
    log, fit = tr("log"), tr("fit")
    rows = [
        {
            "of": f"{one['unit']} {one['grade']}",
            "from": name,
            "mean": one[f"{key}_mean"],
            "low": one[f"{key}_low"],
            "high": one[f"{key}_high"],
        }
        for one in comparisons
        for name, key in ((log, "log"), (fit, "fit"))
    ]
    frame = pd.DataFrame(rows)
    title = tr("working time [min]")
    axis = alt.Axis(titleFontSize=FONT, labelFontSize=FONT)
    x = alt.X("mean:Q", title=title, scale=alt.Scale(zero=False, padding=12), axis=axis)
    y = alt.Y("of:N", title=None, sort=list(dict.fromkeys(frame["of"])),
              axis=alt.Axis(labelFontSize=FONT, labelLimit=220))  # fmt: skip
    offset = alt.YOffset("from:N", sort=[log, fit])
    colour = alt.Color(
        "from:N", title=None, scale=alt.Scale(domain=[log, fit], range=[palette.BASELINE, palette.POWER]),
        legend=alt.Legend(orient="top", labelFontSize=FONT),
    )  # fmt: skip
    tips = [alt.Tooltip("of:N", title=tr("unit and grade")), alt.Tooltip("from:N", title=tr("from")),
            alt.Tooltip("mean:Q", title=tr("mean [min]"), format=".2f"),
            alt.Tooltip("low:Q", title=tr("10 % [min]"), format=".2f"),
            alt.Tooltip("high:Q", title=tr("90 % [min]"), format=".2f")]  # fmt: skip
    base = alt.Chart(frame).encode(y=y, yOffset=offset, color=colour, tooltip=tips)
    spans = base.mark_rule(strokeWidth=3, opacity=0.6).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    means = base.mark_point(filled=True, size=70, opacity=1).encode(x=x)
    return alt.layer(spans, means).properties(height=ROW * frame["of"].nunique() + AXES)


def drift(chart: dict[str, Any]) -> Any:
    """One chart of residuals: the weighted mean over time with its limits."""
    frame = pd.DataFrame({"start": pd.to_datetime(chart["start"], utc=True), "ewma": chart["ewma"],
                          "residual": chart["residual"]})  # fmt: skip
    axis = alt.Axis(titleFontSize=FONT, labelFontSize=FONT)
    x = alt.X("start:T", title=tr("start of the heat, UTC"), axis=axis, scale=alt.Scale(type="utc"))
    title = tr("weighted mean [standard deviations]")
    y = alt.Y("ewma:Q", title=title, axis=axis)
    tips = [alt.Tooltip("start:T", title=tr("start of the heat, UTC"), format="%Y-%m-%d %H:%M"),
            alt.Tooltip("ewma:Q", title=title, format=".2f")]  # fmt: skip
    line = alt.Chart(frame).mark_line(color=palette.POWER, strokeWidth=1.5).encode(x=x, y=y, tooltip=tips)
    limits = pd.DataFrame({"ewma": [-chart["limit"], chart["limit"]]})
    rules = alt.Chart(limits).mark_rule(color=palette.LIMIT, strokeDash=[5, 3]).encode(y=y)
    return alt.layer(rules, line).properties(height=HEIGHT)
