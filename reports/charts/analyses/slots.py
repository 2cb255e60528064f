"""What each possible start of a heat costs while all other heats stay in place."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from emberline.reports.charts import palette
from emberline.reports.charts.analyses.steps import FONT
from emberline.reports.charts.view import View, time_axis
from emberline.reports.text.language import tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import clauses, clock
from emberline.scenarios.records.horizon import Horizon

HEIGHT = 270


def starts(slots: list[dict[str, Any]], horizon: Horizon, unit: str) -> alt.LayerChart | alt.FacetChart:
    """The chart.

    Args:
        slots: of the result, with ``start_min``, ``limits`` and ``more_of_goal``.
        horizon: of the scenario.
        unit: of the goal.
    """
    title = tr("more [{unit}]", unit=unit)
    rows = [
        {
            "start": slot["start_min"],
            "more": slot["more_of_goal"],
            "when": clock(horizon.instant(slot["start_min"])),
            "says": clauses(map(say, slot["limits"])) or tr("possible"),
        }
        for slot in slots
    ]
    frame = pd.DataFrame(rows)
    x = time_axis(View.of(horizon), labels=True, title=True)
    y = alt.Y("more:Q", title=title, axis=alt.Axis(titleFontSize=FONT, labelFontSize=FONT))
    tips = [alt.Tooltip("when:N", title=tr("start")), alt.Tooltip("more:Q", title=title, format=",.1f"),
            alt.Tooltip("says:N", title=tr("limits"))]  # fmt: skip
    possible, blocked = frame[frame["more"].notna()], frame[frame["more"].isna()]
    points = alt.Chart(possible).mark_circle(size=40, color=palette.POWER, opacity=0.9).encode(x=x, y=y, tooltip=tips)
    ticks = alt.Chart(blocked).mark_tick(color=palette.LIMIT, thickness=2, size=8).encode(
        x=x, y=alt.value(4), tooltip=[tips[0], tips[2]]
    )  # fmt: skip
    return alt.layer(points, ticks).properties(height=HEIGHT)
