"""Charts of a Pareto front: carbon against cost with what is proven below it, and what each tonne avoided costs."""

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
"""What stands on the chart: its name, colour and shape."""
PICKED = "picked"
"""Selection of a point by a click, field ``point``."""
HEIGHT = 380


def front(found: Front, chosen: int | None = None) -> Layers:
    """Cost over carbon from the cleanest to the cheapest point, with gaps, knee and baseline.

    Below the dashed line no plan can be: what is proven of a point holds for all that emit no more than its cap.

    Args:
        found: with one point at least.
        chosen: number of the point that is ringed.
    """
    money = found.scenario.market.currency
    frame = pd.DataFrame(rows(found.data))
    for name in ("carbon_kg", "carbon_cap_kg", "carbon_bound_kg"):
        frame[name.removesuffix("_kg")] = frame[name].astype(float) / 1000
    frame["kind"] = ["knee" if marked else "point" for marked in frame["knee"]]
    baseline = {"kind": "baseline", "carbon": found.baseline.carbon_kg / 1000, "cost": found.baseline.cost}
    shown = ["point", "kind", "carbon", "cost", "gap", "difference_per_t", "dual_per_t", "status"]
    marks = pd.DataFrame([*frame[shown].to_dict("records"), baseline])
    return _drawn(frame, marks, money, chosen)


def so_far(points: Sequence[dict[str, Any]], currency: str) -> Layers:
    """The points that a search has found up to now, with their gaps; those without a plan are left out.

    Args:
        points: as ``emberline.plans.pareto.search`` tells them.
        currency: of the costs.
    """
    told = [point for point in points if point["carbon_kg"] is not None]
    frame = pd.DataFrame(told).drop_duplicates(["carbon_kg", "cost"]).sort_values("carbon_kg")
    frame = frame.assign(carbon=frame["carbon_kg"] / 1000, kind="point")
    proven = {"carbon_cap": "carbon_cap_kg", "carbon_bound": "carbon_bound_kg", "cost_bound": "cost_bound"}
    for name, told_as in proven.items():
        values = frame[told_as] if told_as in frame else pd.Series(None, frame.index)
        frame[name] = values.astype(float) / (1000 if told_as.endswith("_kg") else 1)
    return _drawn(frame, frame[["point", "kind", "carbon", "cost", "gap", "status"]], currency, None)


def _drawn(frame: pd.DataFrame, marks: pd.DataFrame, money: str, chosen: int | None) -> Layers:
    told = [say(str(status)) for status in marks["status"].fillna("")]
    marks = marks.assign(status=told, what=[tr(KINDS[kind][0]) for kind in marks["kind"]])
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
    ring = marks.loc[marks["point"] == chosen, ["carbon", "cost"]] if chosen is not None else marks.iloc[:0]
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
    """Where no plan can be, and the gap of each point: down to the bound of its cost, left to that of its carbon."""
    layers: list[Any] = []
    if "cost_bound" not in frame:
        return layers
    proven = frame.dropna(subset=["cost_bound"])[["carbon", "carbon_cap", "cost", "cost_bound"]]
    if len(proven):
        # a bound holds for every plan that emits no more than the cap; a step goes back to the cap before
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


def abatement(found: Front) -> Layers:
    """What each tonne costs that a cleaner point avoids, from the cheapest point on; the area is what it adds up to.

    Hollow where the difference between two points may be no more than their gaps.
    """
    money, price = found.scenario.market.currency, found.scenario.market.carbon_price.per_t
    told = rows(found.data)[::-1]
    bars = []
    for cheaper, cleaner in pairwise(told):
        bars.append(
            {
                "from": (told[0]["carbon_kg"] - cheaper["carbon_kg"]) / 1000,
                "to": (told[0]["carbon_kg"] - cleaner["carbon_kg"]) / 1000,
                "per_t": cleaner["difference_per_t"],
                "sure": tr("proven") if cleaner["proven"] else tr("may be no more than the gaps"),
                "opacity": 0.85 if cleaner["proven"] else 0.15,
                "step": tr("from point {one} to point {two}", one=cheaper["point"], two=cleaner["point"]),
                "middle": (told[0]["carbon_kg"] - (cheaper["carbon_kg"] + cleaner["carbon_kg"]) / 2) / 1000,
                "label": f"{cheaper['point']} → {cleaner['point']}",
                "zero": 0.0,
            }
        )
    frame = pd.DataFrame(bars)
    x = alt.X(
        "from:Q", title=tr("carbon avoided against the cheapest point [t CO2e]"), scale=alt.Scale(nice=False),
        axis=alt.Axis(tickCount=8),
    )  # fmt: skip
    y = alt.Y("per_t:Q", title=tr("abatement cost [{unit}/t CO2e]", unit=money), axis=alt.Axis(format=",.0f"))
    tooltip = [
        alt.Tooltip("step:N", title=tr("step")),
        alt.Tooltip("per_t:Q", title=tr("cost of a tonne avoided [{unit}/t]", unit=money), format=",.0f"),
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
