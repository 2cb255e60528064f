"""Pareto front: the cost of reducing a metric, such as carbon. Its points, the trade-offs between them, and the knee.

The metric is taken from the plan's figures (carbon: scopes 1 and 2 by the goal's signal). Cost is the total bill,
including the carbon price of the market's scheme, if any. Points are sorted from the lowest metric to the lowest cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from emberline.planning.accounts.figures import Figures
from emberline.planning.plan.record import Plan
from emberline.scenarios import Case, Scenario
from emberline.scenarios.datasets import Variable, check
from emberline.scenarios.goal_metrics import in_use
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.metrics import METRICS, Metric

CARBON, COST = "carbon", "cost_with_carbon_price"
"""Cost is the total bill, including the carbon price of the market's scheme."""


class Axis:
    """Metric as an axis; names end with the figure's unit of measure, such as ``carbon_cap_kg``."""

    def __init__(self, metric: str = CARBON) -> None:
        """Define the names of the axis's columns.

        Args:
            metric: key of ``METRICS``.
        """
        self.metric, self.figure = metric, METRICS[metric].figure
        """Field of the figures, and column of the front."""
        self.unit, self.factor, self.digits = METRICS[metric].display
        """Display unit, conversion factor from the figure's unit, and number of digits."""
        stem, _, ending = self.figure.rpartition("_")
        self.cap, self.bound = f"{stem}_cap_{ending}", f"{stem}_bound_{ending}"
        """Columns of the cap under which cost was minimized, and of the proven bound of an end."""
        per = self.unit.split()[0]
        self.difference, self.dual = f"difference_per_{per}", f"dual_per_{per}"
        """Columns of the cost per unit of reduction from the next cheaper point, and of the shadow price of the cap."""

    @property
    def row(self) -> Metric:
        """Row of the metric in ``METRICS``."""
        return METRICS[self.metric]

    def of(self, figures: object) -> float:
        """Return the value of the metric in some figures."""
        return float(getattr(figures, self.figure))


def axes(scenario: Scenario) -> tuple[str, ...]:
    """Metrics that can be an axis: those in use that can be capped and are not money."""
    rows = (METRICS[name] for name in in_use(scenario))
    return tuple(row.name for row in rows if row.cap and not (row.money or row.only_capped))


SAME = 1e-6
"""Relative tolerance for equal figures; caps are not kept more exactly."""
KNEE_RULE = Message(
    "largest distance below the chord between the ends, both axes scaled to 1 (Das 1999, Structural Optimization 18)"
)
DUAL_RULE = Message(
    "shadow price of the cap in the site's least-cost program with the heats' starts and all integer variables fixed: "
    "cost to the site alone of lowering the cap by one more unit (at the first point: by the last unit)"
)
NOISE = Message(
    "each figure is accurate only to within its gap: smaller differences between points are not significant"
)
POINT = ("point",)
COUNTED = {CARBON: "scope 1 and 2 by the goal's signal"}
"""Descriptions of metrics whose names are ambiguous."""
REST = {
    "gap": Variable(POINT, "1", "gap without fixed amounts; for an end the wider of its two; missing: not proven"),
    "proven": Variable(POINT, "1", "1: proven to cost more than the next cheaper point"),
    "chord_distance": Variable(POINT, "1", "distance below the chord between the ends, both axes scaled to 1"),
    "knee": Variable(POINT, "1", "1: the knee"),
    "direct_kg": Variable(POINT, "kg CO2e", "scope 1"),
    "grid_average_kg": Variable(POINT, "kg CO2e", "scope 2 by average intensity"),
    "grid_marginal_kg": Variable(POINT, "kg CO2e", "scope 2 by marginal intensity; missing: not given"),
    "peak_mw": Variable(POINT, "MW", "highest metered mean of the grid import"),
    "seconds": Variable(POINT, "s", "time of the search for the point"),
    "status": Variable(POINT, "", "status of the search; for an end the worse of its two", text=True),
    "dual_reason": Variable(POINT, "", "reason why there is no shadow price", text=True),
}
"""Variables of every front, whatever its axis is."""


def variables(axis: Axis) -> dict[str, Variable]:
    """Variables of a front's dataset. Coordinate ``point`` is the number of the point among those searched."""
    name, unit, per = axis.metric, axis.row.unit, f"{{currency}}/{axis.unit.split()[0]}"
    return {
        axis.figure: Variable(POINT, unit, f"{COUNTED.get(name, name)}, undisturbed replay"),
        "cost": Variable(POINT, "{currency}", "energy and carbon price minus export revenue, undisturbed replay"),
        axis.cap: Variable(POINT, unit, "cap under which cost was minimized; missing at the cheap end"),
        "cost_bound": Variable(POINT, "{currency}", "lower bound on cost under the cap; missing: not proven"),
        axis.bound: Variable(POINT, unit, "for the ends: lower bound on the metric (within the cheap end's cost)"),
        axis.dual: Variable(POINT, per, f"shadow price of the cap on {name}, starts fixed"),
        axis.difference: Variable(POINT, per, "cost per unit of reduction from the next cheaper point"),
    } | REST


@dataclass(frozen=True)
class Point:
    """Plan that was searched for the front, with proven bounds on its position."""

    number: int
    """0 is the end with the lowest metric, the last number is the cheapest end."""
    plan: Plan
    cap: float | None = None
    """Cap on the metric."""
    cost_bound: float | None = None
    bound: float | None = None
    """Lower bound of the metric."""
    gap: float | None = None
    dual: float | None = None
    """Shadow price of the cap per display unit of the metric."""
    dual_reason: str = ""
    seconds: float = 0.0

    @property
    def figures(self) -> Figures:
        """Figures of the undisturbed replay."""
        assert self.plan.replay_figures is not None
        return self.plan.replay_figures


@dataclass(frozen=True)
class Front:
    """Pareto front: its points, and the number of points that are not on it."""

    scenario: Case
    baseline: Figures
    """Figures of the baseline."""
    data: xr.Dataset
    """Dataset with the columns of ``variables``."""
    schedules: dict[int, xr.Dataset]
    """Schedule of each kept point, by its number."""
    n_requested: int
    dominated: int = 0
    """Number of points left out because another point dominates them."""
    same: int = 0
    """Number of points left out because they equal a neighbour."""
    failed: tuple[str, ...] = ()
    """Reasons why points have no acceptable plan."""
    unsearched: int = 0
    """Number of points that were not searched because the user cancelled."""
    metric: str = CARBON
    """Metric that is traded off against cost."""
    seconds: dict[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        currency, baseline = self.scenario.market.currency, self.baseline
        lines = [f"{self.scenario.name}: {self.verdict}"]
        lines.append(f"  {'baseline':<9} {baseline.carbon_kg / 1000:,.1f} t CO2e, {baseline.cost:,.0f} {currency}")
        for row in rows(self.data):
            gap = "no gap proven" if row["gap"] is None else f"gap {row['gap']:.2%}"
            point = f"point {row['point']}{' *' if row['knee'] else ''}"
            lines.append(f"  {point:<9} {row['carbon_kg'] / 1000:,.1f} t CO2e, {row['cost']:,.0f} {currency}, {gap}")
        return "\n".join(lines)

    @property
    def axis(self) -> Axis:
        """Metric as an axis."""
        return Axis(self.metric)

    @property
    def has_points(self) -> bool:
        """Whether there is any acceptable plan."""
        return bool(self.data.sizes["point"])

    @property
    def knee(self) -> int | None:
        """Index of the knee among the kept points."""
        places = np.flatnonzero(self.data["knee"].to_numpy() > 0)
        return int(places[0]) if len(places) else None

    @property
    def verdict(self) -> str:
        """Verdict in one sentence for the planner."""
        n = self.data.sizes["point"]
        if not n:
            if not self.failed:
                return Message("No front: there is no acceptable plan.")
            return Message("No front: there is no acceptable plan: {reason}.", reason=self.failed[0])
        if n == 1 and not self.unsearched:
            text = mark("Nothing can be traded: the plan with the least {metric} is also the cheapest.")
            return Message(text, metric=self.metric)
        if self.knee is None:
            return Message("{n} points, none of them a knee: no point lies below the chord between the ends.", n=n)
        number = int(self.data["point"].to_numpy()[self.knee])
        return Message("{n} points; the knee is point {number}.", n=n, number=number)

    @property
    def notes(self) -> list[str]:
        """Notes that are shown with the figures."""
        counts = [
            (self.dominated, mark("{count} dominated by another")),
            (self.same, mark("{count} the same as a neighbour")),
            (len(self.failed), mark("{count} without an acceptable plan")),
            (self.unsearched, mark("{count} not searched")),
        ]
        reasons = tuple(Message(reason, count=count) for count, reason in counts if count)
        share: dict[str, Any] = {"kept": self.data.sizes["point"], "asked": self.n_requested}
        lines: list[str] = [Message("{kept} of {asked} points are on the front", **share)]
        if reasons:
            text = mark("{kept} of {asked} points are on the front; left out: {reasons}")
            lines = [Message(text, **share, reasons=reasons)]
        if self.data.sizes["point"] > 1:
            unsure = int((self.data["proven"].to_numpy()[:-1] == 0).sum())
            doubt = Message("{noise}; this may apply to {count} of the points", noise=NOISE, count=unsure)
            lines.append(doubt if unsure else NOISE)
            lines.append(Message("knee: {rule}", rule=KNEE_RULE))
        if self.scenario.by_step:
            lines.append(Message("more than is wanted in stores at the end counts for nothing on a front"))
        lines.append(Message("dual: {rule}", rule=DUAL_RULE))
        lines += sorted({why for why in self.data["dual_reason"].values.tolist() if why})
        return lines

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        scenario, knee = self.scenario, None if self.knee is None else int(self.data["point"].to_numpy()[self.knee])
        goal = {"metric": self.metric, "signal": scenario.goal.signal, "currency": scenario.market.currency}
        left_out = {"dominated": self.dominated, "same": self.same, "failed": list(self.failed)}
        return {
            "scenario": scenario.name,
            **goal,
            "asked": self.n_requested,
            "points": rows(self.data),
            "knee": knee,
            **left_out,
            "unsearched": self.unsearched,
            "baseline": self.baseline.summary(),
            "verdict": self.verdict,
            "rules": {"knee": KNEE_RULE, "dual": DUAL_RULE, "gaps": NOISE},
            "units": {str(name): self.data[name].attrs["units"] for name in self.data.data_vars},
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }


def rows(data: xr.Dataset) -> list[dict[str, Any]]:
    """Points of a front's dataset as plain rows; missing values are None."""
    names = ["point", *map(str, data.data_vars)]
    columns = [data[name].values.tolist() for name in names]
    return [
        {name: None if value != value else value for name, value in zip(names, row, strict=True)}
        for row in zip(*columns, strict=True)
    ]


def nondominated(carbon: Sequence[float], cost: Sequence[float]) -> tuple[list[int], int, int]:
    """Indices of the nondominated points by carbon, number of dominated points, and number of duplicates.

    One point dominates another if it is no worse in both figures and better in one; figures within ``SAME`` are equal.
    """
    figures = np.array([carbon, cost], dtype=float)
    small = SAME * np.abs(figures).max(axis=1, initial=1.0)
    indices: list[int] = []
    dominated = same = 0
    for i in np.lexsort((figures[1], figures[0])).tolist():
        less = figures - figures[:, [i]] < -small[:, None]
        more = figures - figures[:, [i]] > small[:, None]
        if (less.any(axis=0) & ~more.any(axis=0)).any():
            dominated += 1
        elif any(not (less[:, k].any() or more[:, k].any()) for k in indices):
            same += 1
        else:
            indices.append(i)
    return indices, dominated, same


def chord_distance(carbon: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Distance of each point below the chord between the first and the last point, with both axes scaled to 1.

    Das (1999), "On characterizing the knee of the Pareto curve based on normal-boundary intersection", Structural
    Optimization 18: the knee is the point farthest from the line through the individual minima, towards the utopia
    point. Negative: above the chord. Zero if the ends are equal.
    """
    spans = (carbon[-1] - carbon[0], cost[0] - cost[-1]) if len(carbon) else (0.0, 0.0)
    if min(spans) <= 0:
        return np.zeros(len(carbon))
    distance = (1.0 - (carbon - carbon[0]) / spans[0] - (cost - cost[-1]) / spans[1]) / np.sqrt(2)
    distance[[0, -1]] = 0.0
    return np.asarray(distance)


def knee(distance: np.ndarray) -> int | None:
    """Index of the point farthest below the chord; None if no point lies below it."""
    if not len(distance) or distance.max() <= SAME:
        return None
    return int(distance.argmax())


def tabulate(scenario: Scenario, points: Sequence[Point], axis: Axis) -> xr.Dataset:
    """Dataset of mutually nondominated points, from the lowest metric to the lowest cost."""
    table = variables(axis)
    figures = [point.figures for point in points]
    amounts, cost = np.array([axis.of(f) for f in figures]), np.array([f.cost for f in figures])
    bound = np.array([_number(point.cost_bound) for point in points])
    # a bound proven under a looser cap also holds under a tighter one
    bound = np.fmax.accumulate(bound[::-1])[::-1] if len(bound) else bound
    difference, proven = np.full(len(points), np.nan), np.zeros(len(points), dtype=np.int8)
    if len(points) > 1:
        difference[:-1] = -np.diff(cost) / np.diff(amounts) / axis.factor
        proven[:-1] = bound[:-1] > cost[1:]
    distance = chord_distance(amounts, cost)
    place = knee(distance)
    marked = np.zeros(len(points), dtype=np.int8)
    if place is not None:
        marked[place] = 1
    columns: dict[str, Any] = {axis.figure: amounts, "cost": cost, "cost_bound": bound, axis.difference: difference}
    columns |= {"proven": proven, "chord_distance": distance, "knee": marked}
    for name in ("direct_kg", "grid_average_kg", "grid_marginal_kg", "peak_mw"):
        columns[name] = np.array([_number(getattr(f, name)) for f in figures])
    fields = {axis.cap: "cap", axis.bound: "bound", axis.dual: "dual", "gap": "gap", "seconds": "seconds"}
    for name, field_ in fields.items():
        columns[name] = np.array([_number(getattr(point, field_)) for point in points])
    kind = object if points else "U1"  # netCDF does not store an empty object array as text
    columns["status"] = np.array([point.plan.status for point in points], dtype=kind)
    columns["dual_reason"] = np.array([point.dual_reason for point in points], dtype=kind)
    data = xr.Dataset(
        {name: ("point", columns[name]) for name in table}, coords={"point": [point.number for point in points]}
    )
    data = check(data, table)
    for name, variable in table.items():
        data[name].attrs["units"] = variable.unit.format(currency=scenario.market.currency)
    return data


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
