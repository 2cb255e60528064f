"""The time axis that all charts share: minutes after the horizon's start, labelled with the plant's local time."""

from __future__ import annotations

import json
from collections.abc import Iterator

import altair as alt

from emberline.ui.charts.view import View
from emberline.ui.text import numbers
from emberline.ui.text.language import tr


def time_axis(view: View, labels: bool = False, title: bool = False) -> alt.X:
    """Time axis of data with a column ``start`` [min].

    Args:
        view: the part of the horizon.
        labels: whether to label hours and days.
        title: whether to show zone and offset.
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
    """Minute and text of each label of the time axis: hours, days or months, depending on the length of the view."""
    horizon, hours = view.horizon, view.length_min / 60
    every = 2 if hours <= 30 else 6 if hours <= 80 else 12 if hours <= 250 else 24
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
