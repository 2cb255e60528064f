"""Charts of the page *Shift*: units with plan, actual and expected operations around now; metered power."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt
import pandas as pd

from emberline.reports.charts import palette
from emberline.reports.text.language import mark, tr

BEFORE_H, AFTER_H = 3, 9
"""Hours that the units show before and after now."""
WHOSE = {"actual": mark("actual"), "expected": mark("expected"), "plan": mark("plan")}
LOOKS: dict[str, dict[str, Any]] = {
    "actual": {"height": 24, "yOffset": -7, "opacity": 1.0},
    "expected": {"height": 24, "yOffset": -7, "opacity": 0.55, "strokeDash": [4, 3], "stroke": "#8A929C"},
    "plan": {"height": 8, "yOffset": 14, "opacity": 0.8},
}
ROW = 56
FONT = 15


def units(snapshot: dict[str, Any]) -> alt.LayerChart | alt.FacetChart:
    """Operations of each unit: thick as they were and as they are expected, thin below as planned; a line at now."""
    zone = ZoneInfo(snapshot["zone"])
    now = datetime.fromisoformat(snapshot["at"])
    first, last = now - timedelta(hours=BEFORE_H), now + timedelta(hours=AFTER_H)
    frame = pd.DataFrame(snapshot["operations"])
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    rows = list(dict.fromkeys(frame["unit"]))
    frame = frame[(frame["end"] > pd.Timestamp(first)) & (frame["start"] < pd.Timestamp(last))]
    colour_of = palette.in_turn(row["order"] for row in snapshot["operations"])
    frame = frame.assign(colour=frame["order"].map(colour_of))
    for name in ("start", "end"):
        frame[name] = [_local(min(max(value, first), last), zone) for value in frame[name]]
    x = alt.X(
        "start:T",
        title=tr("local time, {zone}", zone=snapshot["zone"]),
        scale=alt.Scale(domain=[_local(first, zone), _local(last, zone)]),
        axis=alt.Axis(format="%H:%M", labelFontSize=FONT, tickCount=12, gridOpacity=0.4),
    )
    y = alt.Y("unit:N", sort=rows, title=None, scale=alt.Scale(domain=rows), axis=alt.Axis(labelFontSize=FONT + 3))
    colour = alt.Color("colour:N", scale=None)
    layers: list[alt.Chart] = []
    for whose, look in LOOKS.items():
        part = frame[frame["whose"] == whose]
        tooltip = [alt.Tooltip(f"{name}:N") for name in ("heat", "stage", "unit")]
        bars = alt.Chart(part).encode(x=x, x2="end:T", y=y, color=colour, tooltip=tooltip)
        layers.append(bars.mark_bar(cornerRadius=2, **look))
        if whose != "plan":
            text = bars.mark_text(align="left", dx=4, dy=-7, fontSize=13, color=palette.INK, clip=True)
            layers.append(text.encode(text="heat:N", color=alt.value(palette.INK)))
    line = alt.Chart(pd.DataFrame({"start": [_local(now, zone)]})).mark_rule(color=palette.LIMIT, strokeWidth=3)
    return alt.layer(*layers, line.encode(x="start:T")).properties(height=alt.Step(ROW), width="container")


def power(snapshot: dict[str, Any]) -> alt.LayerChart | alt.FacetChart:
    """Mean import of the metered intervals around now: measured, expected, planned, and the limit."""
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
    colours = alt.Scale(domain=[tr("measured"), tr("expected")], range=[palette.IMPORT, palette.PALE])
    legend = alt.Legend(orient="top", labelFontSize=FONT)
    axis = alt.Axis(labelFontSize=FONT, titleFontSize=FONT)
    bars = alt.Chart(pd.DataFrame(rows, columns=["start", "end", "mw", "whose"])).mark_bar()
    bars = bars.encode(
        x=alt.X("start:T", title=None, axis=alt.Axis(format="%H:%M", labelFontSize=FONT, gridOpacity=0.4)),
        x2="end:T",
        y2=alt.datum(0),
        y=alt.Y("mw:Q", title=tr("MW, mean over {minutes:g} min", minutes=values["interval_min"]), axis=axis),
        color=alt.Color("whose:N", title=None, scale=colours, legend=legend),
    )
    steps = alt.Chart(pd.DataFrame(plan)).mark_line(color=palette.BASELINE, strokeWidth=2.5, strokeDash=[5, 3])
    layers: list[alt.Chart] = [bars, steps.encode(x="at:T", y="mw:Q")]
    if values["limit_mw"]:
        limit = alt.Chart(pd.DataFrame({"mw": [values["limit_mw"]]})).mark_rule(color=palette.LIMIT, strokeWidth=2.5)
        layers.append(limit.encode(y="mw:Q"))
    return alt.layer(*layers).properties(height=240, width="container")


def _local(at: datetime | pd.Timestamp, zone: ZoneInfo) -> str:
    """Local time without its zone, which the browser shows as it is."""
    return at.astimezone(zone).replace(tzinfo=None).isoformat()
