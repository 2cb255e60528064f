"""Common time axis of all charts: minutes after the start of the horizon, labelled with the plant's local time.

A view is the visible part of the horizon and its resolution, limited to the number of points that can be distinguished.
Charts also share tooltips, colours by name and the rule under the pointer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import altair as alt
import numpy as np

from emberline.reports.charts import palette
from emberline.reports.text import mark, numbers, tr
from emberline.scenarios.records.horizon import Horizon

MAX_POINTS = 700
"""Maximum number of points of a curve; a week of quarter-hours fits."""
LENGTHS_MIN = (5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 10080)
"""Lengths of the intervals to which steps are merged [min]."""
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class View:
    """Consecutive steps, merged into intervals of equal length; the last one may be shorter."""

    horizon: Horizon
    first: int
    """First step."""
    end: int
    """First step after the view."""
    merged: int = 1
    """Steps per interval."""

    @classmethod
    def of(cls, horizon: Horizon, first: int = 0, end: int | None = None) -> View:
        """Return the finest view of a range of steps with at most ``MAX_POINTS`` intervals."""
        end = horizon.n_steps if end is None else end
        step = horizon.step_min
        fits = [round(m / step) for m in LENGTHS_MIN if m % step == 0 and (end - first) * step <= m * MAX_POINTS]
        return cls(horizon, first, end, 1 if end - first <= MAX_POINTS else min(fits, default=end - first))

    @property
    def starts(self) -> np.ndarray:
        """First step of each interval, shape (n,)."""
        return np.arange(self.first, self.end, self.merged)

    @property
    def edges_min(self) -> np.ndarray:
        """Start of each interval and end of the last one [min after the start of the horizon], shape (n + 1,)."""
        return np.append(self.starts, self.end) * self.horizon.step_min

    @property
    def span_min(self) -> tuple[float, float]:
        """Start and end [min after the start of the horizon]."""
        return self.first * self.horizon.step_min, self.end * self.horizon.step_min

    @property
    def length_min(self) -> float:
        """Time from start to end [min]."""
        return (self.end - self.first) * self.horizon.step_min

    @property
    def whole(self) -> bool:
        """Whether the view covers the whole horizon."""
        return (self.first, self.end) == (0, self.horizon.n_steps)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return interval means of values by step, shape (n,)."""
        lengths = np.diff(np.append(self.starts, self.end))
        return np.asarray(np.add.reduceat(values[self.first : self.end], self.starts - self.first) / lengths)

    def highest(self, values: np.ndarray) -> np.ndarray:
        """Return interval maxima of values by step, shape (n,)."""
        return np.asarray(np.maximum.reduceat(values[self.first : self.end], self.starts - self.first))

    def at_edges(self, start: float, ends: np.ndarray) -> np.ndarray:
        """Return a level at the edges of the intervals, from its initial value and its values at the end of each
        step."""
        return np.asarray(np.append(start, ends)[np.append(self.starts, self.end)])

    @property
    def says(self) -> str:
        """Explanation of the points of a curve if they cover several steps; otherwise empty."""
        if self.merged == 1:
            return ""
        text = mark("each point is the mean over {length} (too many steps of {step} to draw: choose a week)")
        return tr(text, length=self._length, step=f"{self.horizon.step_min:g} min")

    @property
    def says_short(self) -> str:
        """Explanation of the points without advice."""
        return tr("each point is the mean over {length}", length=self._length) if self.merged > 1 else ""

    @property
    def _length(self) -> str:
        hours = self.merged * self.horizon.step_min / 60
        return f"{hours:g} h" if hours >= 1 else f"{60 * hours:g} min"


def weeks(horizon: Horizon) -> dict[str, View]:
    """Return views by title: the whole horizon and, if it has too many steps to draw, each of its weeks."""
    whole = View.of(horizon)
    views = {tr("the whole horizon"): whole}
    if whole.merged == 1:
        return views
    day, end = horizon.instant(0).date(), horizon.instant(horizon.length_min)
    while (begin := datetime(day.year, day.month, day.day, tzinfo=horizon.tz)) < end:
        day += WEEK
        after = datetime(day.year, day.month, day.day, tzinfo=horizon.tz)
        first, last = (round(horizon.minutes(at) / horizon.step_min) for at in (begin, after))
        view = View.of(horizon, max(first, 0), min(last, horizon.n_steps))
        views[tr("week from {day}", day=numbers.date_of_year(begin))] = view
    return views


def time_axis(view: View, labels: bool = False, title: bool = False) -> alt.X:
    """Return the time axis for data with a column ``start`` [min].

    Args:
        view: visible part of the horizon.
        labels: whether to label hours and days.
        title: whether to show time zone and UTC offset.
    """
    horizon = view.horizon
    start, end = view.span_min
    texts = {str(round(minute)): text for minute, text in _labels(view)}
    first, ends = horizon.instant(start), horizon.instant(end)
    offsets = numbers.offset(first)
    if first.utcoffset() != ends.utcoffset():
        offsets = tr("{offset}, later {other}", offset=offsets, other=numbers.offset(ends))
    axis = alt.Axis(
        values=[int(minute) for minute in texts],
        labelExpr=f"({json.dumps(texts)})[datum.value] || ''",
        title=tr("local time, {zone} ({offsets})", zone=horizon.zone, offsets=offsets) if title else None,
        labels=labels,
        ticks=labels,
        grid=True,
        gridOpacity=0.5,
        labelFlush=True,
        labelOverlap="parity",
    )
    return alt.X("start:Q", axis=axis, scale=alt.Scale(domain=[start, end], nice=False))


def _labels(view: View) -> Iterator[tuple[float, list[str]]]:
    """Yield minute and text of each axis label: hours, days or months, depending on the length of the view."""
    horizon, hours = view.horizon, view.length_min / 60
    every = 1 if hours <= 12 else 2 if hours <= 30 else 6 if hours <= 80 else 12 if hours <= 250 else 24
    start, end = view.span_min
    for minute in range(round(start) + (60 - horizon.instant(start).minute) % 60, round(end) + 1, 60):
        at = horizon.instant(minute)
        midnight = at.hour == 0 or minute == start
        if hours > 1500:
            if at.day == 1 and at.hour == 0:
                yield minute, [numbers.day(at), str(at.year) if at.month == 1 or minute == start else ""]
        elif every == 24:
            if at.hour == 0:
                yield minute, [numbers.day(at), numbers.weekday(at)]
        elif at.hour % every == 0 or minute == start:
            yield minute, [f"{at:%H:%M}", numbers.date(at) if midnight else ""]


TOP = alt.Legend(title=None, orient="top")


def tips(titles: Mapping[str, str | tuple[str, str]]) -> list[alt.Tooltip]:
    """Return the tooltip of a mark from titles by field, with a format for numbers; a field without a type is text."""
    return [
        alt.Tooltip(name if ":" in name else f"{name}:N", title=title)
        if isinstance(title, str)
        else alt.Tooltip(f"{name}:Q", title=title[0], format=title[1])
        for name, title in titles.items()
    ]


def shades(field: str, shade_of: Mapping[str, str], legend: alt.Legend | None = TOP) -> alt.Color:
    """Return a colour encoding by a text field, with its legend."""
    scale = alt.Scale(domain=list(shade_of), range=list(shade_of.values()))
    return alt.Color(f"{field}:N", scale=scale, legend=legend)


def pointer_rule(base: alt.Chart, tooltip: list[alt.Tooltip], **x: Any) -> alt.Chart:
    """Draw a vertical line with a tooltip at the data nearest to the pointer."""
    near = alt.selection_point(fields=["start"], nearest=True, on="pointermove", empty=False, clear="pointerout")
    opacity = alt.condition(near, alt.value(0.7), alt.value(0))
    return base.mark_rule(color=palette.BASELINE).encode(opacity=opacity, tooltip=tooltip, **x).add_params(near)
