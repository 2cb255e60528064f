"""A value for each step of the horizon, as a line with steps on the shared time axis."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from emberline.reports.charts import palette
from emberline.reports.charts.view import View, time_axis
from emberline.reports.text.language import tr
from emberline.reports.text.numbers import clock

HEIGHT = 270
FONT = 12
"""Size of labels [px]."""


def curve(values: np.ndarray, view: View, title: str, colour: str = palette.PRICE) -> alt.LayerChart | alt.FacetChart:
    """The chart.

    Args:
        values: one for each step, shape (n_steps,).
        view: the part of the horizon.
        title: of the y axis, with the unit.
        colour: of the line.
    """
    means, edges = view.mean(values), view.edges_min
    frame = pd.DataFrame(
        {
            "start": edges,
            "value": np.append(means, means[-1]),
            "when": [clock(view.horizon.instant(minute)) for minute in edges],
        }
    )
    x = time_axis(view, labels=True, title=True)
    y = alt.Y("value:Q", title=title, axis=alt.Axis(titleFontSize=FONT, labelFontSize=FONT))
    tips = [alt.Tooltip("when:N", title=tr("from")), alt.Tooltip("value:Q", title=title, format=",.2f")]
    line = alt.Chart(frame).mark_line(interpolate="step-after", color=colour, strokeWidth=2).encode(x=x, y=y)
    area = alt.Chart(frame).mark_area(interpolate="step-after", color=colour, opacity=0.15).encode(x=x, y=y)
    points = alt.Chart(frame.iloc[:-1]).mark_rule(opacity=0, strokeWidth=8).encode(x=x, tooltip=tips)
    return alt.layer(area, line, points).properties(height=HEIGHT)
