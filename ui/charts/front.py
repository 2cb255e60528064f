"""Charts of a Pareto front: carbon against cost with proven bounds, and the cost of each tonne avoided."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from emberline.plans.exports import palette
from emberline.plans.pareto import Front, rows
from emberline.ui.charts.gantt import Layers
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr
from emberline.ui.text.messages import say

KINDS = {
    "point": (mark("point"), palette.POWER, "circle"),
    "knee": (mark("knee"), palette.CARBON, "diamond"),
    "baseline": (mark("baseline"), palette.BASELINE, "cross"),
}
"""Marks on the chart: name, colour and shape."""
PICKED = "picked"
"""Selection of a point by click, field ``point``."""
HEIGHT = 380


def front(front: Front, number: int | None = None) -> Layers:
    """Cost over carbon from the cleanest to the cheapest point, with gaps, knee and baseline.

    No plan exists below the dashed line: the bound of a point holds for all plans that emit at most its cap.

    Args:
        front: with at least one point.
        number: the point to highlight with a ring.
    """
    money = front.scenario.market.currency
    frame = pd.DataFrame(rows(front.data))
    for name in ("carbon_kg", "carbon_cap_kg", "carbon_bound_kg"):
        frame[name.removesuffix("_kg")] = frame[name].astype(float) / 1000
    frame["kind"] = ["knee" if marked else "point" for marked in frame["knee"]]
    baseline = {"kind": "baseline", "carbon": front.baseline.carbon_kg / 1000, "cost": front.baseline.cost}
    columns = ["point", "kind", "carbon", "cost", "gap", "difference_per_t", "dual_per_t", "status"]
    marks = pd.DataFrame([*frame[columns].to_dict("records"), baseline])
    return _chart(frame, marks, money, number)


def so_far(points: Sequence[dict[str, Any]], currency: str) -> Layers:
    """The points found so far, with their gaps; those without a plan are left out.

    Args:
        points: as reported by ``emberline.plans.pareto.search``.
        currency: of the costs.
    """
    plans = [point for point in points if point["carbon_kg"] is not None]
    frame = pd.DataFrame(plans).drop_duplicates(["carbon_kg", "cost"]).sort_values("carbon_kg")
    frame = frame.assign(carbon=frame["carbon_kg"] / 1000, kind="point")
    proven = {"carbon_cap": "carbon_cap_kg", "carbon_bound": "carbon_bound_kg", "cost_bound": "cost_bound"}
    for name, source in proven.items():
        values = frame[source] if source in frame else pd.Series(None, frame.index)
        frame[name] = values.astype(float) / (1000 if source.endswith("_kg") else 1)
    return _chart(frame, frame[["point", "kind", "carbon", "cost", "gap", "status"]], currency, None)


def _chart(frame: pd.DataFrame, marks: pd.DataFrame, money: str, current: int | None) -> Layers:
    texts = [say(str(status)) for status in marks["status"].fillna("")]
    marks = marks.assign(status=texts, what=[tr(KINDS[kind][0]) for kind in marks["kind"]])
    low, high = _span(frame, marks)
    x = alt.X("carbon:Q", title=tr("carbon [t CO2e]"), scale=alt.Scale(zero=False, padding=24))
    y = alt.Y(
        "cost:Q",
        title=tr("cost [{unit}]", unit=money),
        scale=alt.Scale(domain=[low, high], nice=False, zero=False),
        axis=alt.Axis(format=",.0f"),
    )
    there = [kind for kind in KINDS if kind in set(marks["kind"])]
    domain = [tr(KINDS[kind][0]) for kind in there]
    legend = alt.Legend(title=None, orient="top", symbolSize=90)
    tooltip = [alt.Tooltip("what:N", title=tr("is")), alt.Tooltip("point:Q", title=tr("point"))]
    titles = {
        "carbon": (tr("carbon [t CO2e]"), 1.0, 2),
        "cost": (tr("cost [{unit}]", unit=money), 1.0, 0),
        "gap": (tr("gap [%]"), 100.0, 2),
        "difference_per_t": (tr("to next cheaper [{unit}/t]", unit=money), 1.0, 0),
        "dual_per_t": (tr("shadow price [{unit}/t]", unit=money), 1.0, 0),
    }
    for name, (title, factor, digits) in titles.items():
        if name in marks:
            values = marks[name].astype(float)
            marks[f"says_{name}"] = [wording.number(None if v != v else v * factor, digits) for v in values]
            tooltip.append(alt.Tooltip(f"says_{name}:N", title=title))
    tooltip.append(alt.Tooltip("status:N", title=tr("status")))
    picked = alt.selection_point(name=PICKED, fields=["point"], on="click", empty=False)
    points = (
        alt.Chart(marks)
        .mark_point(size=110, filled=True, opacity=1)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "what:N", scale=alt.Scale(domain=domain, range=[KINDS[kind][1] for kind in there]), legend=legend
            ),
            shape=alt.Shape(
                "what:N", scale=alt.Scale(domain=domain, range=[KINDS[kind][2] for kind in there]), legend=legend
            ),
            tooltip=tooltip,
        )
        .add_params(picked)
    )
    layers: list[Any] = [*_proven(frame, x, y, low)]
    line = alt.Chart(frame[["carbon", "cost"]]).mark_line(color=palette.POWER, strokeWidth=1.4)
    layers += [line.encode(x=x, y=y), points]
    ring = marks.loc[marks["point"] == current, ["carbon", "cost"]] if current is not None else marks.iloc[:0]
    if len(ring):
        layers.append(alt.Chart(ring).mark_point(size=420, color=palette.POWER, strokeWidth=2).encode(x=x, y=y))
    numbers = marks.dropna(subset=["point"])[["carbon", "cost", "point"]]
    numbers = numbers.assign(number=[f"{number:.0f}" for number in numbers["point"]])
    text = alt.Chart(numbers).mark_text(dx=9, dy=-9, align="left", color=palette.BASELINE, fontSize=11)
    layers.append(text.encode(x=x, y=y, text="number:N"))
    return alt.layer(*layers).properties(height=HEIGHT)


def _span(frame: pd.DataFrame, marks: pd.DataFrame) -> tuple[float, float]:
    costs = pd.concat([marks["cost"], *([frame["cost_bound"]] if "cost_bound" in frame else [])]).astype(float)
    low, high = float(costs.min()), float(costs.max())
    room = 0.08 * (high - low) or 0.01 * abs(high) or 1.0
    return low - room, high + room


def _proven(frame: pd.DataFrame, x: alt.X, y: alt.Y, low: float) -> list[Any]:
    """The region without plans, and the gap of each point: down to the bound of its cost, left to that of its
    carbon."""
    layers: list[Any] = []
    if "cost_bound" not in frame:
        return layers
    proven = frame.dropna(subset=["cost_bound"])[["carbon", "carbon_cap", "cost", "cost_bound"]]
    if len(proven):
        # a bound holds for every plan that emits at most the cap, so the step goes back to the previous cap
        steps = pd.DataFrame(
            {"carbon": proven["carbon_cap"].fillna(proven["carbon"]).to_numpy(), "cost": proven["cost_bound"]}
        )
        steps["low"] = low
        below = alt.Chart(steps).encode(x=x, y=y)
        layers.append(
            below.mark_area(interpolate="step-before", color=palette.BASELINE, opacity=0.12).encode(y2="low:Q")
        )
        layers.append(
            below.mark_line(interpolate="step-before", color=palette.BASELINE, strokeDash=[5, 3], strokeWidth=1.2)
        )
        gaps = alt.Chart(proven).mark_rule(color=palette.POWER, strokeWidth=3, opacity=0.4)
        layers.append(gaps.encode(x=x, y=y, y2="cost_bound:Q"))
    ends = frame.dropna(subset=["carbon_bound"])[["carbon", "carbon_bound", "cost"]]
    if len(ends):
        layers.append(
            alt.Chart(ends)
            .mark_rule(color=palette.POWER, strokeWidth=3, opacity=0.4)
            .encode(x=alt.X("carbon_bound:Q"), x2="carbon:Q", y=y)
        )
    return layers


def abatement(front: Front) -> Layers:
    """Cost of each tonne that a cleaner point avoids, beginning at the cheapest point; the area is the total cost.

    Hollow if the difference between two points may be within their gaps.
    """
    money, price = front.scenario.market.currency, front.scenario.market.carbon_price.per_t
    points = rows(front.data)[::-1]
    bars = []
    for cheaper, cleaner in pairwise(points):
        bars.append(
            {
                "from": (points[0]["carbon_kg"] - cheaper["carbon_kg"]) / 1000,
                "to": (points[0]["carbon_kg"] - cleaner["carbon_kg"]) / 1000,
                "per_t": cleaner["difference_per_t"],
                "sure": tr("proven") if cleaner["proven"] else tr("may be within the gaps"),
                "opacity": 0.85 if cleaner["proven"] else 0.15,
                "step": tr("from point {one} to point {two}", one=cheaper["point"], two=cleaner["point"]),
                "middle": (points[0]["carbon_kg"] - (cheaper["carbon_kg"] + cleaner["carbon_kg"]) / 2) / 1000,
                "label": f"{cheaper['point']} → {cleaner['point']}",
                "zero": 0.0,
            }
        )
    frame = pd.DataFrame(bars)
    x = alt.X(
        "from:Q", title=tr("carbon avoided relative to the cheapest point [t CO2e]"), scale=alt.Scale(nice=False),
        axis=alt.Axis(tickCount=8),
    )  # fmt: skip
    y = alt.Y("per_t:Q", title=tr("abatement cost [{unit}/t CO2e]", unit=money), axis=alt.Axis(format=",.0f"))
    tooltip = [
        alt.Tooltip("step:N", title=tr("step")),
        alt.Tooltip("per_t:Q", title=tr("cost per tonne avoided [{unit}/t]", unit=money), format=",.0f"),
        alt.Tooltip("sure:N", title=tr("difference")),
    ]
    base = alt.Chart(frame).encode(x=x, y=y, tooltip=tooltip)
    layers: list[Any] = [
        base.mark_bar(color=palette.CARBON, stroke=palette.CARBON, strokeWidth=1.4).encode(
            x2="to:Q", y2="zero:Q", fillOpacity=alt.FillOpacity("opacity:Q", scale=None, legend=None)
        ),
        base.mark_text(dy=-7, fontSize=11, color=palette.BASELINE).encode(x="middle:Q", text="label:N"),
    ]
    if price:
        rule = alt.Chart(pd.DataFrame({"per_t": [price], "says": [tr("carbon price of the scenario")]}))
        layers.append(
            rule.mark_rule(color=palette.BASELINE, strokeDash=[5, 3], strokeWidth=1.4).encode(
                y=y, tooltip=[alt.Tooltip("says:N", title=tr("is")), alt.Tooltip("per_t:Q", title=f"{money}/t")]
            )
        )
    return alt.layer(*layers).properties(height=240)
