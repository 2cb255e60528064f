"""Charts of energy performance over time: the indicator, and CUSUM with its alarm."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from emberline.reports.performance import Cusum
from emberline.reports.text import tr

BLUE, RED, GREY = "#2873A8", "#B4543C", "#8A9492"
HEIGHT = 220


def indicator(report: pd.DataFrame) -> alt.LayerChart | alt.FacetChart:
    """Draw actual over expected energy by period; 1 is the baseline.

    Args:
        report: table with column ``enpi`` by period.
    """
    table = pd.DataFrame({"period": [str(at) for at in report.index], "enpi": report["enpi"].to_numpy()})
    x = alt.X("period:O", title=None, sort=None)
    y = alt.Y("enpi:Q", title="EnPI", scale=alt.Scale(zero=False))
    line = alt.Chart(table).mark_line(point=True, color=BLUE).encode(x=x, y=y, tooltip=["period", "enpi"])
    rule = alt.Chart(pd.DataFrame({"enpi": [1.0]})).mark_rule(color=GREY, strokeDash=[4, 3]).encode(y="enpi:Q")
    layers: list[Any] = [rule, line]
    return alt.layer(*layers).properties(height=HEIGHT)


def pareto(uses: pd.DataFrame, unit: str) -> alt.LayerChart | alt.FacetChart:
    """Draw energy uses by size, significant ones in colour, and their cumulative share.

    Args:
        uses: ``energy``, ``cumulated`` and ``significant`` by use, largest first.
        unit: unit of the energy.
    """
    table = uses.assign(use=[str(name) for name in uses.index], percent=100 * uses["cumulated"])
    x = alt.X("use:N", title=None, sort=None, axis=alt.Axis(labelAngle=0))
    colour = alt.condition("datum.significant", alt.value(BLUE), alt.value(GREY))
    tooltip = ["use", "energy", alt.Tooltip("percent", format=".1f")]
    bars = alt.Chart(table).mark_bar().encode(x=x, y=alt.Y("energy:Q", title=unit), color=colour, tooltip=tooltip)
    share = alt.Y("percent:Q", title=tr("cumulated [%]"), scale=alt.Scale(domain=[0, 100]))
    line = alt.Chart(table).mark_line(point=True, color=RED).encode(x=x, y=share, tooltip=tooltip)
    return alt.layer(bars, line).resolve_scale(y="independent").properties(height=HEIGHT)


def sums(cusum: Cusum, unit: str) -> alt.LayerChart | alt.FacetChart:
    """Draw the CUSUM of expected minus actual energy; a vertical line marks the alarm."""
    periods = [str(at) for at in cusum.curve.index]
    table = pd.DataFrame({"period": periods, "cusum": cusum.curve.to_numpy()})
    # layers with different orders would put the alarm's period last
    x = alt.X("period:O", title=None, sort=periods)
    y = alt.Y("cusum:Q", title=f"CUSUM [{unit}]")
    layers: list[Any] = [
        alt.Chart(table).mark_area(color=BLUE, opacity=0.15).encode(x=x, y=y),
        alt.Chart(table).mark_line(point=True, color=BLUE).encode(x=x, y=y, tooltip=["period", "cusum"]),
    ]
    if cusum.alarm is not None:
        at = pd.DataFrame({"period": [str(cusum.alarm.at)]})
        layers.append(alt.Chart(at).mark_rule(color=RED, strokeWidth=2).encode(x=x))
    return alt.layer(*layers).properties(height=HEIGHT)
