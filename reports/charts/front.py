"""Charts of a Pareto front: a metric against cost with proven bounds, and the cost of each unit avoided."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from emberline.reports.charts import palette
from emberline.reports.charts.gantt import Layers
from emberline.reports.charts.view import shades, tips
from emberline.reports.text import mark, say, tr, wording
from emberline.scenarios.goal_metrics import NAMES
from emberline.studies.pareto import Axis, Front, rows

KINDS = {
    "point": (mark("point"), palette.POWER, "circle"),
    "knee": (mark("knee"), palette.CARBON, "diamond"),
    "baseline": (mark("baseline"), palette.BASELINE, "cross"),
}
"""Kinds of marks: name, colour and shape."""
CARBON = Axis()
PICKED = "picked"
"""Name of the selection of a point by click, with field ``point``."""
HEIGHT = 380


def front(front: Front, number: int | None = None) -> Layers:
    """Draw cost against the metric, from the point with the lowest metric to the cheapest one, with gaps, knee and
    baseline.

    No plan on the time steps exists below the dashed line: the bound of a point holds for all plans that keep its cap.

    Args:
        front: front with at least one point.
        number: number of the point to highlight with a ring.
    """
    money, axis = front.scenario.market.currency, front.axis
    frame = _scaled(pd.DataFrame(rows(front.data)), axis)
    frame["kind"] = ["knee" if marked else "point" for marked in frame["knee"]]
    baseline = {"kind": "baseline", "amount": axis.of(front.baseline) * axis.factor, "cost": front.baseline.cost}
    columns = ["point", "kind", "amount", "cost", "gap", "difference", "dual", "status"]
    marks = pd.DataFrame([*frame[columns].to_dict("records"), baseline])
    return _chart(frame, marks, axis, money, number)


def _scaled(frame: pd.DataFrame, axis: Axis) -> pd.DataFrame:
    """Return the points with column names common to all axes, and the metric in its display unit."""
    columns = {"amount": axis.figure, "cap": axis.cap, "bound": axis.bound}
    for name, source in columns.items():
        values = frame[source] if source in frame else pd.Series(None, frame.index)
        frame[name] = values.astype(float) * axis.factor
    return frame.rename(columns={axis.difference: "difference", axis.dual: "dual"})


def so_far(points: Sequence[dict[str, Any]], currency: str, axis: Axis = CARBON) -> Layers:
    """Draw the points found so far with their gaps; points without a plan are left out.

    Args:
        points: points as reported by ``emberline.studies.pareto.search``.
        currency: currency of the costs.
        axis: metric that is traded against cost.
    """
    plans = [point for point in points if point[axis.figure] is not None]
    frame = pd.DataFrame(plans).drop_duplicates([axis.figure, "cost"]).sort_values(axis.figure)
    frame = _scaled(frame.assign(kind="point"), axis)
    bounds = frame["cost_bound"] if "cost_bound" in frame else pd.Series(None, frame.index)
    frame["cost_bound"] = bounds.astype(float)
    return _chart(frame, frame[["point", "kind", "amount", "cost", "gap", "status"]], axis, currency, None)


def _chart(frame: pd.DataFrame, marks: pd.DataFrame, axis: Axis, money: str, current: int | None) -> Layers:
    texts = [say(str(status)) for status in marks["status"].fillna("")]
    marks = marks.assign(status=texts, what=[tr(KINDS[kind][0]) for kind in marks["kind"]])
    low, high = _span(frame, marks)
    title, per = f"{tr(NAMES[axis.metric])} [{axis.unit}]", f"{money}/{axis.unit.split()[0]}"
    x = alt.X("amount:Q", title=title, scale=alt.Scale(zero=False, padding=24))
    cost, scale = tr("cost [{unit}]", unit=money), alt.Scale(domain=[low, high], nice=False, zero=False)
    y = alt.Y("cost:Q", title=cost, scale=scale, axis=alt.Axis(format=",.0f"))
    there = [kind for kind in KINDS if kind in set(marks["kind"])]
    domain = [tr(KINDS[kind][0]) for kind in there]
    legend = alt.Legend(title=None, orient="top", symbolSize=90)
    tooltip = tips({"what": tr("is"), "point:Q": tr("point")})
    titles = {
        "amount": (title, 1.0, axis.digits),
        "cost": (cost, 1.0, 0),
        "gap": (tr("gap [%]"), 100.0, 2),
        "difference": (tr("to next cheaper [{unit}]", unit=per), 1.0, 0),
        "dual": (tr("shadow price [{unit}]", unit=per), 1.0, 0),
    }
    for name, (label, factor, digits) in titles.items():
        if name in marks:
            values = marks[name].astype(float)
            marks[f"says_{name}"] = [wording.number(None if v != v else v * factor, digits) for v in values]
            tooltip.append(alt.Tooltip(f"says_{name}:N", title=label))
    tooltip.append(alt.Tooltip("status:N", title=tr("status")))
    picked = alt.selection_point(name=PICKED, fields=["point"], on="click", empty=False)
    shapes = alt.Scale(domain=domain, range=[KINDS[kind][2] for kind in there])
    colour = shades("what", {tr(KINDS[kind][0]): KINDS[kind][1] for kind in there}, legend)
    shape = alt.Shape("what:N", scale=shapes, legend=legend)
    points = alt.Chart(marks).mark_point(size=110, filled=True, opacity=1).add_params(picked)
    points = points.encode(x=x, y=y, color=colour, shape=shape, tooltip=tooltip)
    layers: list[Any] = [*_proven(frame, x, y, low)]
    line = alt.Chart(frame[["amount", "cost"]]).mark_line(color=palette.POWER, strokeWidth=1.4)
    layers += [line.encode(x=x, y=y), points]
    ring = marks.loc[marks["point"] == current, ["amount", "cost"]] if current is not None else marks.iloc[:0]
    if len(ring):
        layers.append(alt.Chart(ring).mark_point(size=420, color=palette.POWER, strokeWidth=2).encode(x=x, y=y))
    numbers = marks.dropna(subset=["point"])[["amount", "cost", "point"]]
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
    """Return layers for the region without plans, and for each point the gaps to the bounds of its cost and of its
    metric."""
    layers: list[Any] = []
    if "cost_bound" not in frame:
        return layers
    proven = frame.dropna(subset=["cost_bound"])[["amount", "cap", "cost", "cost_bound"]]
    if len(proven):
        # the bound of a point holds for every plan that keeps its cap, so the step extends back to the previous cap
        amounts = proven["cap"].fillna(proven["amount"]).to_numpy()
        steps = pd.DataFrame({"amount": amounts, "cost": proven["cost_bound"], "low": low})
        below = alt.Chart(steps).encode(x=x, y=y)
        step: Any = {"interpolate": "step-before", "color": palette.BASELINE}
        layers.append(below.mark_area(opacity=0.12, **step).encode(y2="low:Q"))
        layers.append(below.mark_line(strokeDash=[5, 3], strokeWidth=1.2, **step))
        gaps = alt.Chart(proven).mark_rule(color=palette.POWER, strokeWidth=3, opacity=0.4)
        layers.append(gaps.encode(x=x, y=y, y2="cost_bound:Q"))
    ends = frame.dropna(subset=["bound"])[["amount", "bound", "cost"]]
    if len(ends):
        rules = alt.Chart(ends).mark_rule(color=palette.POWER, strokeWidth=3, opacity=0.4)
        layers.append(rules.encode(x=alt.X("bound:Q"), x2="amount:Q", y=y))
    return layers


def abatement(front: Front) -> Layers:
    """Draw the cost per unit of the metric avoided from point to point, starting at the cheapest; areas are total
    costs.

    Bars are hollow if the difference between two points may be within their gaps.
    """
    axis, money = front.axis, front.scenario.market.currency
    unit, per = axis.unit, f"{money}/{axis.unit}"
    price = front.scenario.market.carbon_price.per_t if axis.metric == "carbon" else 0.0
    points = rows(front.data)[::-1]
    amounts = [axis.factor * row[axis.figure] for row in points]
    bars = [
        {
            "from": amounts[0] - more,
            "to": amounts[0] - less,
            "price": cleaner[axis.difference],
            "sure": tr("proven") if cleaner["proven"] else tr("may be within the gaps"),
            "opacity": 0.85 if cleaner["proven"] else 0.15,
            "step": tr("from point {one} to point {two}", one=cheaper["point"], two=cleaner["point"]),
            "middle": amounts[0] - (more + less) / 2,
            "label": f"{cheaper['point']} → {cleaner['point']}",
            "zero": 0.0,
        }
        for (cheaper, more), (cleaner, less) in pairwise(zip(points, amounts, strict=True))
    ]
    frame = pd.DataFrame(bars)
    metric, cost = tr(NAMES[axis.metric]), tr("abatement cost [{unit}]", unit=per)
    avoided = tr("{metric} avoided relative to the cheapest point [{unit}]", metric=metric, unit=unit)
    x = alt.X("from:Q", title=avoided, scale=alt.Scale(nice=False), axis=alt.Axis(tickCount=8))
    y = alt.Y("price:Q", title=cost, axis=alt.Axis(format=",.0f"))
    tooltip = tips({"step": tr("step"), "price": (cost, ",.0f"), "sure": tr("difference")})
    base = alt.Chart(frame).encode(x=x, y=y, tooltip=tooltip)
    layers: list[Any] = [
        base.mark_bar(color=palette.CARBON, stroke=palette.CARBON, strokeWidth=1.4).encode(
            x2="to:Q", y2="zero:Q", fillOpacity=alt.FillOpacity("opacity:Q", scale=None, legend=None)
        ),
        base.mark_text(dy=-7, fontSize=11, color=palette.BASELINE).encode(x="middle:Q", text="label:N"),
    ]
    if price:
        rule = alt.Chart(pd.DataFrame({"price": [price], "says": [tr("carbon price of the scenario")]}))
        rule = rule.mark_rule(color=palette.BASELINE, strokeDash=[5, 3], strokeWidth=1.4)
        layers.append(rule.encode(y=y, tooltip=tips({"says": tr("is"), "price:Q": f"{money}/t"})))
    return alt.layer(*layers).properties(height=240)
