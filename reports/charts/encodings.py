"""Encodings that charts share: tooltips, colours by name with their legend, and a rule under the pointer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt

from emberline.reports.charts import palette

TOP = alt.Legend(title=None, orient="top")


def tips(titles: Mapping[str, str | tuple[str, str]]) -> list[alt.Tooltip]:
    """Tooltip of a mark: title by field, and the format of a number; a field is text unless it says its type."""
    return [
        alt.Tooltip(name if ":" in name else f"{name}:N", title=title)
        if isinstance(title, str)
        else alt.Tooltip(f"{name}:Q", title=title[0], format=title[1])
        for name, title in titles.items()
    ]


def shades(field: str, shade_of: Mapping[str, str], legend: alt.Legend | None = TOP) -> alt.Color:
    """Colour by a field of text, with its legend."""
    scale = alt.Scale(domain=list(shade_of), range=list(shade_of.values()))
    return alt.Color(f"{field}:N", scale=scale, legend=legend)


def pointer_rule(base: alt.Chart, tooltip: list[alt.Tooltip], **x: Any) -> alt.Chart:
    """A vertical line with a tooltip at the data nearest to the pointer."""
    near = alt.selection_point(fields=["start"], nearest=True, on="pointermove", empty=False, clear="pointerout")
    shown = alt.condition(near, alt.value(0.7), alt.value(0))
    return base.mark_rule(color=palette.BASELINE).encode(opacity=shown, tooltip=tooltip, **x).add_params(near)
