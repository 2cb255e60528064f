"""Carbon over time and by heat: stacked scopes 1 and 2, and a line for the total with the other grid intensity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from emberline.planning.accounts import Ledger
from emberline.reports.charts import palette, site_panels
from emberline.reports.charts.site_panels import PanelData, y_axis
from emberline.reports.charts.view import View, shades, time_axis, tips
from emberline.reports.text import mark, tr
from emberline.scenarios import Scenario

PARTS = {
    "direct_kg": (mark("scope 1"), "#B4543C"),
    "bought_kg": (mark("scope 2, bought heat"), "#8C6BB1"),
    "grid": (mark("scope 2, grid"), "#2F88C9"),
}
"""Components of the total from bottom to top, with the colours of the carbon diagrams."""
SOURCES = ("#DDCC77", "#EE8866", "#44BB99", "#AA4499", "#88CCEE", "#999933", "#BBBBBB")
"""Colours of carbon sources (after Tol)."""
MAX_HEATS = 200
"""Maximum number of heats drawn as bars; the table contains all of them."""


def by_step(scenario: Scenario, book: Ledger, signal: str, view: View) -> alt.LayerChart:
    """Draw stacked scopes in tonnes of CO2e per hour; the dashed line is the total with the other grid intensity."""
    table, x, hours = PanelData(view), time_axis(view, labels=True, title=True), scenario.horizon.step_h
    kg = {name: book.by_step[name].to_numpy() for name in book.by_step.data_vars}
    pieces = {name: kg[name] for name in ("direct_kg", "bought_kg") if name in kg} | {"grid": kg[f"grid_{signal}_kg"]}
    titles, low, layers = {"clock": tr("from")}, np.zeros(scenario.horizon.n_steps), []
    y: dict[str, Any] = {"axis": y_axis(), "title": [tr("carbon"), "[t CO2e/h]"]}
    for name, values in pieces.items():
        if not values.any():
            continue
        high = low + values / hours / 1000
        bottom, top = table.mean(f"low_{name}", low), table.mean(f"high_{name}", high)
        titles[table.mean(name, values / hours / 1000)] = f"{tr(PARTS[name][0])} [t CO2e/h]"
        area = alt.Chart(table.frame).mark_area(interpolate="step-after", color=PARTS[name][1], opacity=0.75, clip=True)
        layers.append(area.encode(x=x, y=alt.Y(f"{bottom}:Q", **y), y2=f"{top}:Q"))
        low = high
    for other in ("average", "marginal"):
        if other != signal and f"grid_{other}_kg" in kg:
            total = low + (kg[f"grid_{other}_kg"] - kg[f"grid_{signal}_kg"]) / hours / 1000
            key = table.mean("other", total)
            titles[key] = tr("total, with {signal} grid intensity", signal=tr(other)) + " [t CO2e/h]"
            line = alt.Chart(table.frame).encode(x=x, y=alt.Y(f"{key}:Q", **y))
            look: dict[str, Any] = {"color": palette.CARBON, "strokeDash": [4, 2], "strokeWidth": 1.4}
            layers.append(line.mark_line(interpolate="step-after", clip=True, **look))
    layers += site_panels.hover(table, x, titles)
    return alt.layer(*layers).properties(height=240).configure_view(strokeOpacity=0.25)


def heats(scenario: Scenario, book: Ledger, baseline: Ledger | None, signal: str) -> alt.LayerChart:
    """Draw kilograms of CO2e per tonne of each heat, in the order of the heats; ticks show the baseline."""
    mass = book.by_heat["mass_t"].to_numpy()
    names = [str(name) for name in book.by_heat["heat"].values]
    grade_of = {heat.name: heat.grade.name for heat in scenario.heats}
    parts = {column: tr(title) for column, (title, _) in PARTS.items()}
    parts[f"grid_{signal}_kg"] = parts.pop("grid")
    frame = pd.DataFrame(
        {"heat": name, "grade": grade_of[name], "part": title, "kg": round(kg, 3)}
        for column, title in parts.items() if column in book.by_heat
        for name, kg in zip(names, (book.by_heat[column].to_numpy() / mass).tolist(), strict=True)
    )  # fmt: skip
    order = {tr(title): i for i, (title, _) in enumerate(PARTS.values())}
    frame["order"] = frame["part"].map(order)
    titles = [title for title in order if (frame.loc[frame["part"] == title, "kg"] > 0).any()]
    colours = {tr(title): colour for title, colour in PARTS.values()}
    legend = alt.Legend(title=None, orient="top", symbolStrokeWidth=0)
    x = alt.X("heat:N", sort=names, title=tr("heat"), axis=alt.Axis(labelOverlap=True, labelAngle=0))
    bars = alt.Chart(frame[frame["part"].isin(titles)]).mark_bar(stroke=palette.INK, strokeWidth=0.3)
    bars = bars.encode(
        x=x,
        y=alt.Y("kg:Q", title=tr("carbon [kg CO2e/t]"), axis=y_axis(), stack="zero"),
        color=shades("part", {title: colours[title] for title in titles}, legend),
        order=alt.Order("order:Q"),
        tooltip=tips({"heat": tr("heat"), "grade": tr("grade"), "part": tr("source"), "kg": ("kg CO2e/t", ",.1f")}),
    )
    layers: list[Any] = [bars]
    if baseline is not None:
        theirs = baseline.kg_per_t(signal).to_series().reindex(names)
        ticks = pd.DataFrame({"heat": names, "kg": theirs.to_numpy()}).dropna()
        mark_ = alt.Chart(ticks).mark_tick(color=palette.BASELINE, thickness=2.5)
        tooltip = tips({"heat": tr("heat"), "kg": (tr("baseline"), ",.1f")})
        layers.append(mark_.encode(x=x, y="kg:Q", tooltip=tooltip))
    return alt.layer(*layers).properties(height=240).configure_view(strokeOpacity=0.25)


def per_tonne(table: pd.DataFrame, parts: Sequence[str]) -> alt.Chart:
    """Draw the carbon per tonne of each product as bars by source.

    Args:
        table: column ``product`` and one column per source [kg CO2e/t].
        parts: names of the source columns, in the order of the bar segments.
    """
    long = table.melt("product", list(parts), var_name="from", value_name="kg")
    long["kg"] = long["kg"].round(2)
    long = long[long["kg"] > 0]
    long["order"] = long["from"].map({name: i for i, name in enumerate(parts)})
    colours = [SOURCES[i % len(SOURCES)] for i in range(len(parts))]
    products = table["product"].tolist()
    legend = alt.Legend(title=None, orient="top", offset=4, symbolStrokeWidth=0)
    names = alt.Axis(ticks=False, labelLimit=160, labelOverlap=False)
    # the height includes axis and legend
    bars = alt.Chart(long, height=22 * len(products) + 134).mark_bar(height=14, stroke=palette.INK, strokeWidth=0.4)
    return bars.encode(
        y=alt.Y("product:N", sort=products, title=None, axis=names, scale=alt.Scale(domain=products)),
        x=alt.X("kg:Q", title=tr("carbon [kg CO2e/t]"), stack="zero"),
        color=shades("from", dict(zip(parts, colours, strict=True)), legend),
        order=alt.Order("order:Q", sort="ascending"),
        tooltip=tips({"product": tr("product"), "from": tr("source"), "kg": ("kg CO2e/t", ",.1f")}),
    )
