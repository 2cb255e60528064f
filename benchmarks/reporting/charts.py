"""Plots of findings as SVG files, by altair and its renderer."""

from __future__ import annotations

import math
from pathlib import Path

import altair as alt

from benchmarks.reporting.findings import Plot

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31", "#7F3C8D", "#A5AA99")
"""Okabe and Ito's palette without its yellow, and three more for ten curves."""
SIZE = {"width": 620, "height": 300}
LEGEND = alt.Legend(orient="bottom", columns=2, labelLimit=0)


def chart(plot: Plot) -> alt.Chart:
    """A plot as altair's chart; values that were not reached, or cannot be drawn on the scale, are left out."""
    rows = [
        {"curve": name, "x": x, "y": y}
        for name, curve in plot.curves.items()
        for x, y in curve
        if math.isfinite(y) and (not plot.logarithmic or (x > 0 and y > 0))
    ]
    scale = alt.Scale(type="log") if plot.logarithmic else alt.Scale(zero=False, nice=True)
    tick = alt.Axis(format=",~g", tickCount=8)
    names = list(plot.curves)
    return (
        alt.Chart(alt.Data(values=rows), title=plot.title)
        .mark_line(point=not plot.steps, interpolate="step-after" if plot.steps else "linear")
        .encode(
            x=alt.X("x:Q", title=plot.x, scale=scale, axis=tick),
            y=alt.Y("y:Q", title=plot.y, scale=scale, axis=tick),
            color=alt.Color(
                "curve:N",
                title=None,
                legend=LEGEND,
                sort=names,
                scale=alt.Scale(domain=names, range=list(COLOURS[: len(names)])),
            ),
            strokeDash=alt.StrokeDash("curve:N", title=None, legend=LEGEND, sort=names, scale=alt.Scale(domain=names)),
        )
        .properties(**SIZE)
    )


def save(plot: Plot, folder: Path) -> Path:
    """Write a plot as an SVG file."""
    path = folder / f"{plot.name}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    chart(plot).configure_view(stroke=None).configure(background="white").save(str(path))
    return path
