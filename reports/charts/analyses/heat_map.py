"""A figure of the plans of a sweep: along one key as points, over two keys as a heat map."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from emberline.reports.charts import palette
from emberline.reports.charts.analyses.steps import FONT
from emberline.reports.text.language import tr
from emberline.reports.text.numbers import number

ROW = 44
"""Height of a row of cells [px]."""
HEIGHT, AXES = 300, 130
"""Height of a chart, and of axis and titles of a heat map [px]."""


def over_two(rows: list[dict[str, Any]], keys: tuple[str, str], title: str, digits: int) -> Any:
    """Heat map: darker is more.

    Args:
        rows: a dict each with ``x``, ``y`` (text), ``value`` and ``says``.
        keys: titles of x and y, with units.
        title: of the figure, with its unit.
        digits: to show.
    """
    frame = pd.DataFrame(rows)
    frame["text"] = [tr("no plan") if value is None else number(value, digits) for value in _plain(frame["value"])]
    axis = alt.Axis(titleFontSize=FONT, labelFontSize=FONT, labelAngle=0)
    x = alt.X("x:O", title=keys[0], sort=list(dict.fromkeys(frame["x"])), axis=axis)
    y = alt.Y("y:O", title=keys[1], sort=list(dict.fromkeys(frame["y"])), axis=axis)
    tips = [alt.Tooltip("x:N", title=keys[0]), alt.Tooltip("y:N", title=keys[1]),
            alt.Tooltip("text:N", title=title), alt.Tooltip("says:N", title=tr("status"))]  # fmt: skip
    values = [value for value in _plain(frame["value"]) if value is not None]
    middle = (min(values) + max(values)) / 2 if values else 0.0
    colour = alt.Color("value:Q", title=title, scale=alt.Scale(scheme="blues"), legend=alt.Legend(labelFontSize=FONT))
    base = alt.Chart(frame).encode(x=x, y=y, tooltip=tips)
    cells = base.mark_rect(stroke=palette.PAPER, strokeWidth=1).encode(color=colour)
    ink = alt.condition(f"datum.value > {middle}", alt.value(palette.PAPER), alt.value(palette.INK))
    texts = base.transform_filter("isValid(datum.value)").mark_text(fontSize=FONT).encode(text="text:N", color=ink)
    none = base.transform_filter("!isValid(datum.value)").mark_text(fontSize=FONT, color=palette.BASELINE).encode(
        text="text:N"
    )  # fmt: skip
    return alt.layer(cells, texts, none).properties(height=ROW * frame["y"].nunique() + AXES)


def along_one(rows: list[dict[str, Any]], key: str, title: str, digits: int) -> Any:
    """Points along one key; arguments as of :func:`over_two`, ``x`` a number or a text."""
    frame = pd.DataFrame([row for row in rows if row["value"] is not None])
    numeric = all(isinstance(row["x"], int | float) and not isinstance(row["x"], bool) for row in rows)
    frame["text"] = [number(value, digits) for value in frame["value"]]
    axis = alt.Axis(titleFontSize=FONT, labelFontSize=FONT, labelAngle=0)
    kind, scale = ("x:Q", alt.Scale(zero=False, padding=20)) if numeric else ("x:O", alt.Undefined)
    sort = None if numeric else list(dict.fromkeys(frame["x"]))
    x = alt.X(kind, title=key, axis=axis, scale=scale, sort=sort)
    y = alt.Y("value:Q", title=title, axis=axis, scale=alt.Scale(zero=False))
    tips = [alt.Tooltip(kind, title=key), alt.Tooltip("text:N", title=title),
            alt.Tooltip("says:N", title=tr("status"))]  # fmt: skip
    base = alt.Chart(frame).encode(x=x, y=y, tooltip=tips)
    layers = [base.mark_line(color=palette.PALE)] if numeric else []
    layers.append(base.mark_circle(size=80, color=palette.POWER, opacity=1))
    return alt.layer(*layers).properties(height=HEIGHT)


def _plain(values: Any) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in values]
