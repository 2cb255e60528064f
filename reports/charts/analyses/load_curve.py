"""Saving against order load, with its interval, what a better plan could save, and the threshold."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from emberline.reports.charts import palette
from emberline.reports.charts.analyses.steps import FONT
from emberline.reports.text.language import tr

HEIGHT = 300
EDGE = 3.0
"""Free space at both ends [%]."""


def saving(loads: list[dict[str, Any]], threshold: float) -> alt.LayerChart | alt.FacetChart:
    """The chart.

    Args:
        loads: of the result, with ``share``, ``goal_share``, its interval and ``goal_most``.
        threshold: smallest saving that counts, as a share.
    """
    rows = [
        {
            "load": 100 * load["share"],
            "saved": 100 * load["goal_share"],
            "low": None if load["goal_low"] is None else 100 * load["goal_low"],
            "high": None if load["goal_high"] is None else 100 * load["goal_high"],
            "most": None if load["goal_most"] is None else 100 * load["goal_most"],
        }
        for load in loads
        if load["goal_share"] is not None
    ]
    frame = pd.DataFrame(rows)
    axis = alt.Axis(titleFontSize=FONT, labelFontSize=FONT)
    domain = [float(frame["load"].min()) - EDGE, float(frame["load"].max()) + EDGE]
    ticks = alt.Axis(titleFontSize=FONT, labelFontSize=FONT, values=frame["load"].round().tolist())
    x = alt.X("load:Q", title=tr("order load [%]"), axis=ticks, scale=alt.Scale(domain=domain, nice=False))
    y = alt.Y("saved:Q", title=tr("saving of the goal [%]"), axis=axis)
    tips = [
        alt.Tooltip("load:Q", title=tr("order load [%]"), format=".0f"),
        alt.Tooltip("saved:Q", title=tr("saving of the goal [%]"), format=".2f"),
        alt.Tooltip("most:Q", title=tr("at most, by the bound [%]"), format=".2f"),
    ]
    base = alt.Chart(frame)
    layers: list[Any] = []
    if frame["most"].notna().any():
        layers.append(base.mark_area(color=palette.PALE, opacity=0.3).encode(x=x, y=y, y2="most:Q"))
    if frame["low"].notna().any():
        layers.append(
            base.mark_rule(color=palette.POWER, strokeWidth=3, opacity=0.45).encode(x=x, y="low:Q", y2="high:Q")
        )
    layers.append(
        base.mark_line(
            color=palette.POWER, strokeWidth=2, point=alt.OverlayMarkDef(size=60, color=palette.POWER)
        ).encode(x=x, y=y, tooltip=tips)
    )
    least = pd.DataFrame({"saved": [100 * threshold]})
    layers.append(alt.Chart(least).mark_rule(color=palette.LIMIT, strokeDash=[5, 3]).encode(y="saved:Q"))
    return alt.layer(*layers).properties(height=HEIGHT)
