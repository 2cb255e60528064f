"""Chart of a saving by cause: each bar begins where the one above it ends; the last one is the sum."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from emberline.reports.charts import palette
from emberline.reports.charts.gantt import Layers
from emberline.reports.text import wording
from emberline.reports.text.language import tr

HELPS, COUNTERS, WHOLE = palette.IMPORT, palette.LIMIT, palette.BASELINE
ROW = 26
"""Height of a bar with its gap [px]."""
AXIS = 80
"""Height of the axis and its title [px]."""


def waterfall(rows: Sequence[tuple[str, float]], unit: str, digits: int) -> Layers:
    """The chart.

    Args:
        rows: causes in words, and what each saves (negative: more).
        unit: of measure.
        digits: to show.
    """
    at, entries = 0.0, []
    for label, value in rows:
        says = tr("saves more") if value >= 0 else tr("counters it")
        entries.append(
            {"cause": label, "from": at, "to": at + value, "kind": says, "says": wording.signed(value, digits)}
        )
        at += value
    total = tr("in all")
    entries.append({"cause": total, "from": 0.0, "to": at, "kind": total, "says": wording.signed(at, digits)})
    frame = pd.DataFrame(entries)
    frame["end"] = frame[["from", "to"]].max(axis=1)
    span = float(frame[["from", "to"]].to_numpy().max() - min(frame[["from", "to"]].to_numpy().min(), 0.0)) or 1.0
    names = [str(name) for name in frame["cause"]]
    kinds = [tr("saves more"), tr("counters it"), total]
    domain = [
        float(min(frame[["from", "to"]].to_numpy().min(), 0.0)) - 0.02 * span,
        float(frame["end"].max()) + 0.2 * span,
    ]
    y = alt.Y("cause:N", sort=names, title=None, axis=alt.Axis(labelLimit=200, ticks=False, domain=False))
    x = alt.X("from:Q", title=tr("saved [{unit}]", unit=unit), scale=alt.Scale(domain=domain, nice=False))
    colour = alt.Color(
        "kind:N", scale=alt.Scale(domain=kinds, range=[HELPS, COUNTERS, WHOLE]), legend=None
    )  # fmt: skip
    base = alt.Chart(frame).encode(
        y=y,
        tooltip=[
            alt.Tooltip("cause:N", title=tr("cause")),
            alt.Tooltip("says:N", title=tr("saved [{unit}]", unit=unit)),
        ],
    )
    bars = base.mark_bar(height=16).encode(x=x, x2="to:Q", color=colour)
    texts = base.mark_text(align="left", dx=5, fontSize=11, color=palette.BASELINE).encode(
        x=alt.X("end:Q"), text="says:N"
    )
    return alt.layer(bars, texts).properties(height=ROW * len(names) + AXIS)
