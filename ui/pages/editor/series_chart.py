"""An imported series over its own time, with the one that it replaces, and the horizon that fits the file."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from emberline.reports.charts import palette, plan
from emberline.reports.charts.view import View, time_axis
from emberline.reports.text import numbers
from emberline.reports.text.language import tr
from emberline.scenarios import Scenario
from emberline.scenarios.importing import Imported
from emberline.scenarios.records.horizon import Horizon

MOST_POINTS = 1500
HEIGHT = 260
FONT = 12
"""Size of labels [px]."""
DAY = timedelta(days=1)


def preview(series: Imported, zone: str, unit: str, scenario: Scenario | None = None) -> Any:
    """The chart, with the axis of all charts.

    Args:
        series: as it was read.
        zone: of the time axis.
        unit: of the values.
        scenario: whose series is drawn behind it, moved by whole days to where the file begins; None: none.
    """
    start, end = series.span
    hours = (end - start).total_seconds() / 3600
    # a file may be longer than any plan, so the limits of a horizon are not checked
    whole = Horizon.model_construct(start=start, zone=zone, days=None, length_h=hours, step_min=1)
    minutes = (series.seconds - series.seconds[0]) / 60
    curves = [(tr("file"), minutes, series.values)]
    before = None if scenario is None else _before(series, scenario, whole)
    if before is not None:
        curves.append(before)
    points = pd.concat([_points(*curve, whole) for curve in curves])
    role = series.mapping.role
    colour = plan.PRICE if "price" in role else plan.CARBON if "int" in role else plan.POWER
    names = [name for name, *_ in curves]
    shades = [colour, palette.BASELINE]
    return (
        alt.Chart(points)
        .mark_line(interpolate="step-after", strokeWidth=1.5)
        .encode(
            x=time_axis(View.of(whole), labels=True, title=True),
            y=alt.Y("value:Q", title=f"[{unit}]", scale=alt.Scale(zero=False), axis=alt.Axis(labelFontSize=FONT)),
            color=alt.Color(
                "what:N", title=None, scale=alt.Scale(domain=names, range=shades[: len(names)]),
                legend=alt.Legend(orient="top", labelFontSize=FONT, labelLimit=400) if len(names) > 1 else None,
            ),
            tooltip=[
                alt.Tooltip("what:N", title=tr("series")),
                alt.Tooltip("when:N", title=tr("time")),
                alt.Tooltip("value:Q", title=unit, format=".5g"),
            ],
        )
        .properties(height=HEIGHT)
    )  # fmt: skip


def _points(what: str, minutes: np.ndarray, values: np.ndarray, whole: Horizon) -> pd.DataFrame:
    frame = pd.DataFrame({"start": minutes, "value": values})
    every = max(1, len(frame) // MOST_POINTS)
    points = frame.groupby(np.arange(len(frame)) // every).agg({"start": "first", "value": "mean"})
    points["when"] = [numbers.moment(whole.instant(minute)) for minute in points["start"]]
    points["what"] = what
    return points


def _before(series: Imported, scenario: Scenario, whole: Horizon) -> tuple[str, np.ndarray, np.ndarray] | None:
    """The series that the file replaces: its name, minutes after the file's start, and values; None: there is none."""
    pv = scenario.site.pv
    name, factor = series.role.column, 1.0
    if name == "capacity_factor":
        if pv is None or not pv.peak_mw:
            return None
        name, factor = "pv_available_mw", 1 / pv.peak_mw
    if not series.role.path or name not in scenario.inputs:
        return None
    horizon = scenario.horizon
    days = (midnight(whole.instant(0), horizon) - midnight(horizon.start_utc, horizon)).days
    overlaps = horizon.start_utc < series.span[1] and series.span[0] < horizon.end_utc
    start = horizon.start_utc
    if not overlaps:  # by days of the plant's clock, so that midnight lies on midnight
        local = horizon.instant(0).replace(tzinfo=None) + days * DAY
        start = local.replace(tzinfo=horizon.tz)
    first = (start - series.span[0]).total_seconds() / 60
    minutes = first + np.arange(horizon.n_steps) * horizon.step_min
    mask = (minutes >= 0) & (minutes < whole.length_min)
    if not mask.any():
        return None
    label = tr("in the scenario now")
    if not overlaps:
        label = tr("in the scenario now, moved by {count} days", count=f"{days:+d}")
    return label, minutes[mask], scenario.inputs[name].to_numpy()[mask] * factor


def midnight(at: datetime, horizon: Horizon) -> datetime:
    """Begin of the plant's day that a moment lies in, without its zone."""
    return at.astimezone(horizon.tz).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)


def moved_horizon(span: tuple[datetime, datetime], horizon: Horizon) -> dict[tuple[str, ...], Any] | None:
    """Values of a draft that put the horizon into a span: its first whole day on; None: no day is whole."""
    first, last = span
    day = midnight(first, horizon)
    if day.replace(tzinfo=horizon.tz) < first:
        day += DAY
    days = (midnight(last, horizon) - day).days
    if days < 1:
        return None
    values: dict[tuple[str, ...], Any] = {("horizon", "start"): day.date().isoformat()}
    if horizon.days is not None and days < horizon.days:
        values["horizon", "days"] = days
    elif horizon.days is None and days * 24 < horizon.length_min / 60:
        values["horizon", "length_h"] = days * 24
    return values
