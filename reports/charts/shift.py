"""Charts of the page *Shift*: planned, actual and expected operations of the units, and metered power."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt
import pandas as pd

from emberline.reports.charts import gantt, palette
from emberline.reports.charts.view import View, shades, time_axis
from emberline.reports.text import tr
from emberline.scenarios.records.horizon import Horizon

BEFORE_H, AFTER_H = 3, 9
"""Hours shown before and after the current time."""
LOOKS: dict[str, dict[str, Any]] = {
    "actual": {"height": 24, "yOffset": -7, "opacity": 1.0},
    "expected": {"height": 24, "yOffset": -7, "opacity": 0.55, "strokeDash": [4, 3], "stroke": "#8A929C"},
    "plan": {"height": 8, "yOffset": 14, "opacity": 0.8},
}
ROW = 56
FONT = 15


def units(snapshot: dict[str, Any]) -> alt.LayerChart | alt.FacetChart:
    """Draw the operations of each unit: actual and expected as thick bars, planned as thin ones; a line marks now."""
    now = datetime.fromisoformat(snapshot["at"])
    first = (now - timedelta(hours=BEFORE_H)).replace(second=0, microsecond=0)
    horizon = Horizon(start=first, zone=snapshot["zone"], length_h=BEFORE_H + AFTER_H, step_min=15)
    frame = pd.DataFrame(snapshot["operations"]).assign(makes=True)
    for name in ("start", "end"):
        frame[name] = [horizon.minutes(datetime.fromisoformat(at)) for at in frame[name]]
    rows, shade_of = list(dict.fromkeys(frame["unit"])), palette.in_turn(frame["order"])
    frame = frame[(frame["end"] > 0) & (frame["start"] < horizon.length_min)]
    frame["middle"] = (frame["start"].clip(0) + frame["end"].clip(upper=horizon.length_min)) / 2
    x = time_axis(View.of(horizon), labels=True, title=True)
    y = alt.Y("unit:N", sort=rows, title=None, scale=alt.Scale(domain=rows), axis=alt.Axis(labelFontSize=FONT + 3))
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("heat", "stage", "unit")]
    looks = [(frame[frame["whose"] == whose], look) for whose, look in LOOKS.items()]
    layers = gantt.bar_layers(looks, x, y, shades("order", shade_of, None), tooltip)
    names = alt.Chart(frame[frame["whose"] != "plan"]).mark_text(dy=-7, fontSize=13, color=palette.INK, clip=True)
    layers.append(names.encode(x="middle:Q", y=y, text="heat:N"))
    line = alt.Chart(pd.DataFrame({"start": [horizon.minutes(now)]})).mark_rule(color=palette.LIMIT, strokeWidth=3)
    whole = alt.layer(*layers, line.encode(x=x)).properties(height=alt.Step(ROW), width="container")
    return whole.configure_axis(labelFontSize=FONT, titleFontSize=FONT)


def power(snapshot: dict[str, Any]) -> alt.LayerChart | alt.FacetChart:
    """Draw the mean import of the metered intervals around now: measured, expected, planned, and the limit."""
    zone, values = ZoneInfo(snapshot["zone"]), snapshot["power"]
    now = datetime.fromisoformat(snapshot["at"])
    length = timedelta(minutes=values["interval_min"])
    rows, plan = [], []
    for row in values["around"]:
        start = datetime.fromisoformat(row["start"])
        measured = row["measured_mw"]
        height = measured if measured is not None else row["expected_mw"]
        if start <= now < start + length:
            height = values["forecast_mw"]
        span = {"start": _local(start, zone), "end": _local(start + length, zone)}
        if height is not None:
            rows.append({**span, "mw": height, "whose": tr("measured") if measured is not None else tr("expected")})
        plan += [{"at": span["start"], "mw": row["plan_mw"]}, {"at": span["end"], "mw": row["plan_mw"]}]
    colours = {tr("measured"): palette.IMPORT, tr("expected"): palette.PALE}
    axis = alt.Axis(labelFontSize=FONT, titleFontSize=FONT)
    bars = alt.Chart(pd.DataFrame(rows, columns=["start", "end", "mw", "whose"])).mark_bar()
    bars = bars.encode(
        x=alt.X("start:T", title=None, axis=alt.Axis(format="%H:%M", labelFontSize=FONT, gridOpacity=0.4)),
        x2="end:T",
        y2=alt.datum(0),
        y=alt.Y("mw:Q", title=tr("MW, mean over {minutes:g} min", minutes=values["interval_min"]), axis=axis),
        color=shades("whose", colours, alt.Legend(title=None, orient="top", labelFontSize=FONT)),
    )
    steps = alt.Chart(pd.DataFrame(plan)).mark_line(color=palette.BASELINE, strokeWidth=2.5, strokeDash=[5, 3])
    layers: list[alt.Chart] = [bars, steps.encode(x="at:T", y="mw:Q")]
    if values["limit_mw"]:
        limit = alt.Chart(pd.DataFrame({"mw": [values["limit_mw"]]})).mark_rule(color=palette.LIMIT, strokeWidth=2.5)
        layers.append(limit.encode(y="mw:Q"))
    return alt.layer(*layers).properties(height=240, width="container")


def _local(at: datetime, zone: ZoneInfo) -> str:
    """Return local time without its zone, so that the browser shows it unchanged."""
    return at.astimezone(zone).replace(tzinfo=None).isoformat()
