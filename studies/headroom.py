"""Savings as a function of load: the same plant with part of its orders, and the load at which flexibility ends.

A fully loaded plant cannot move its heats. Each load is a separate scenario with proportionally fewer heats or smaller
deliveries, planned as usual. Savings against the baseline are reported for the undisturbed day and, with the same
disturbances for both, for the disturbed days, with the interval of the mean. Casts are kept whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from emberline.planning.engine.engine import Engine
from emberline.planning.engine.progress import Progress
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replays import saved
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, Problem, Scenario, ScenarioError
from emberline.scenarios.checking import to_the_minute
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.goal_metrics import figures_of, goal_metric
from emberline.scenarios.messages import Message
from emberline.scenarios.plain import Plain
from emberline.scenarios.process.delivery import Arrival, Delivery
from emberline.scenarios.records.orders import HeatEntry, Order

__all__ = ["LOADS", "checked", "headroom"]

LOADS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
THRESHOLD = 0.01
"""Share of the baseline figure below which a saving counts as zero."""
CONFIDENCE = 0.95
MAX_LOADS = 50


@dataclass(frozen=True)
class Saving:
    """Saving of one figure against the baseline."""

    undisturbed: float
    """Saving of the undisturbed day [kg CO2e or currency]."""
    share: float
    """Saving as a share of the baseline's figure."""
    mean: float | None = None
    """Mean over the disturbed replays, with the same disturbances for baseline and plan; None: there are none."""
    low: float | None = None
    """Lower end of the 95 % interval of the mean."""
    high: float | None = None
    p10: float | None = None
    """P10 of single replays."""
    p90: float | None = None


@dataclass(frozen=True)
class Load(Plain):
    """Plant at one load."""

    named = {"successes": "held"}
    load: float
    """Requested share of the orders."""
    share: float
    """Actual share of the tonnes, given whole heats."""
    heats: int
    tonnes: float
    status: str
    gap: float | None = None
    saved: dict[str, Saving] | None = None
    """Savings by ``carbon_kg`` and ``cost``; None: there is no plan, or no comparable baseline."""
    baseline: dict[str, float] | None = None
    replications: int = 0
    successes: int = 0
    acceptable: bool = False
    says: str = ""
    goal_share: float | None = None
    """Saving of the goal as a share of the baseline's; the mean of the disturbed replays, if there are any."""
    goal_low: float | None = None
    """Lower end of its 95 % interval."""
    goal_high: float | None = None
    goal_most: float | None = None
    """Upper limit of that share over all plans, by the bound of the search; None if no bound is known."""


@dataclass(frozen=True)
class Headroom:
    """Savings as a function of load."""

    scenario: str
    currency: str
    goal: str
    threshold: float
    loads: tuple[Load, ...]
    """Loads in increasing order."""

    @property
    def ends_at(self) -> float | None:
        """Smallest load from which on savings stay below the threshold up to the largest; None: there is none."""
        share = None
        for load in reversed([load for load in self.loads if load.goal_share is not None]):
            if (load.goal_share or 0.0) >= self.threshold:
                break
            share = load.share
        return share

    @property
    def says(self) -> str:
        """Load at which flexibility ends, in a sentence."""
        figure = Message("carbon") if self.goal == "carbon" else Message("cost")
        limit = Message("{share:g} % of the baseline's {figure}", share=self.threshold * 100, figure=figure)
        rows = [load for load in self.loads if load.goal_share is not None]
        if not rows:
            return Message("no load has a plan that could be compared with the baseline")
        end = self.ends_at
        if end is None:
            last = rows[-1]
            values = {"load": last.share * 100, "saved": (last.goal_share or 0.0) * 100}
            if last is self.loads[-1]:
                return Message("flexibility does not end: at {load:.0f} % load still {saved:.1f} % is saved", **values)
            return Message(
                "flexibility does not end: at {load:.0f} % load still {saved:.1f} % is saved; above that there is no "
                "plan to compare",
                **values,
            )
        before = [load for load in rows if load.share < end]
        first = next(load for load in rows if load.share == end)
        doubt = self._doubt(first)
        if not before:
            text = Message(
                "flexibility has ended at {load:.0f} % load already: less than {limit} is saved",
                load=end * 100, limit=limit,
            )  # fmt: skip
        else:
            text = Message(
                "flexibility ends between {low:.0f} and {load:.0f} % load: from there on less than {limit} is saved",
                low=before[-1].share * 100, load=end * 100, limit=limit,
            )  # fmt: skip
        return Message("{says} ({doubt})", says=text, doubt=doubt) if doubt else text

    def _doubt(self, first: Load) -> str:
        """Savings that may still reach the threshold where flexibility ends, in words; empty if there are none."""
        high, most = first.goal_high, first.goal_most
        reaches = high is not None and high >= self.threshold
        better = most is not None and most >= self.threshold
        values = {"high": (high or 0.0) * 100, "most": (most or 0.0) * 100}
        if reaches and better:
            return Message("its interval reaches {high:.1f} %; a better plan may save {most:.1f} %", **values)
        if reaches:
            return Message("its interval reaches {high:.1f} %", high=values["high"])
        return Message("a better plan may save {most:.1f} %", most=values["most"]) if better else ""

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        names = ("scenario", "currency", "goal", "threshold", "ends_at", "says")
        return {name: getattr(self, name) for name in names} | {"loads": [load.summary() for load in self.loads]}


def headroom(
    scenario: Case,
    engine: Engine,
    loads: Sequence[float] = LOADS,
    *,
    threshold: float = THRESHOLD,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Headroom:
    """Plan a scenario at several loads and compute the savings at each.

    Args:
        scenario: scenario at full load; its disturbances define the number of replays per plan.
        engine: engine that makes the plans; the result does not depend on its number of workers.
        loads: shares of the orders, above 0 and at most 1.
        threshold: share of the goal's baseline figure below which flexibility has ended.
        on_progress: called with ``done``, ``of`` and ``load`` after each plan.
        cancel: polled; True stops, and the remaining loads are reported as not planned.

    Raises:
        ScenarioError: there are no orders to scale, or a load is invalid.
    """
    cases = [(load, scaled(scenario, load)) for load in checked(scenario, loads)]
    tell: Progress = on_progress or (lambda event: None)
    rows = [_row(scenario, load, part, None) for load, part in cases]
    pieces = engine.each(_planned, None, [part for _, part in cases], cancel)
    for count, piece in enumerate(pieces, start=1):
        load, part = cases[piece.place]
        facts = piece.unwrap()
        rows[piece.place] = _row(scenario, load, part, facts)
        tell({"phase": "headroom", "done": count, "of": len(cases), "load": rows[piece.place]})
    goal = scenario.goal.minimize
    return Headroom(scenario.name, scenario.market.currency, goal, threshold, tuple(rows))


def checked(scenario: Case, loads: Sequence[float]) -> list[float]:
    """Return the loads in increasing order.

    Raises:
        ScenarioError: as for :func:`headroom`.
    """
    if not scenario.tonnes:
        text = "a site alone makes nothing, so there is no order load; 'emberline prices' reports its levers"
        raise ScenarioError([Problem(scenario.name, "orders", text)])
    to_the_minute.refuse(scenario)
    wrong = [load for load in loads if not 0 < load <= 1]
    if wrong or not loads or len(loads) > MAX_LOADS:
        text = f"{wrong[0]:g} is not a valid load" if wrong else f"{len(loads)} loads"
        raise ScenarioError([Problem("--load", "", f"{text}; give 1 to {MAX_LOADS} of them, above 0 up to 100 %")])
    return sorted(set(loads))


def _planned(_: None, scenario: Case) -> dict[str, Any]:
    """Make the plan of a load and summarize it in the worker, so that little data is sent back."""
    load_plan = make_plan(scenario, PLAIN)
    baseline = {name: getattr(load_plan.baseline_figures, name) for name in figures_of(load_plan.scenario)}
    facts = {"baseline": baseline, "saved": _savings(load_plan), "goal": _goal(load_plan), "slack": _slack(load_plan)}
    return outcome_of(load_plan) | facts


def outcome_of(plan: Plan) -> dict[str, Any]:
    """Data of a plan that appear in each row of a table of plans."""
    replays = plan.replays
    counts = {"replications": replays.n if replays else 0, "successes": replays.successes if replays else 0}
    return {"status": plan.status, "gap": plan.gap, **counts, "acceptable": plan.acceptable, "says": plan.verdict}


def _savings(load_plan: Plan) -> dict[str, Saving] | None:
    savings = load_plan.saved()
    if not savings:
        return None
    by_figure = {}
    for name in figures_of(load_plan.scenario):
        each = _each(load_plan, name)
        mean, low, high = interval(each)
        p10, p90 = (None, None) if each.size == 0 else (float(np.quantile(each, q)) for q in (0.1, 0.9))
        by_figure[name] = Saving(savings[name], savings[f"{name}_share"], mean, low, high, p10, p90)
    return by_figure


def _each(load_plan: Plan, name: str) -> np.ndarray:
    """Saving of each disturbed replay with stock credit, shape (n_replications,)."""
    if load_plan.replays is None or not load_plan.replays.n:
        return np.zeros(0)
    return saved(load_plan.replays.data, name)


def _goal(load_plan: Plan) -> tuple[float | None, float | None, float | None]:
    """Saving as a share of the goal's figure, with the interval of its mean if there are disturbed replays."""
    savings = load_plan.saved()
    if not savings:
        return None, None, None
    name = goal_metric(load_plan.scenario).figure
    each = _each(load_plan, name)
    base = abs(getattr(load_plan.baseline_figures, name))
    if each.size and load_plan.replays is not None and base:
        scale = float(np.abs(load_plan.replays.data[f"baseline_{name}"].to_numpy()).mean()) or base
        mean, low, high = (None if value is None else value / scale for value in interval(each))
        return mean, low, high
    return savings[f"{name}_share"], None, None


def _slack(load_plan: Plan) -> float | None:
    """Remaining gap of the search as a share of the baseline's figure of the goal."""
    name = goal_metric(load_plan.scenario).figure
    base = abs(getattr(load_plan.baseline_figures, name))
    if load_plan.objective is None or load_plan.bound is None or not base:
        return None
    return max(load_plan.objective - load_plan.bound, 0.0) / base


def interval(values: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Mean of some values and its 95 % interval by Student's t; no interval for one value, and no mean for none.

    Source: Student (1908), "The probable error of a mean", Biometrika 6.
    """
    if not values.size:
        return None, None, None
    mean = float(values.mean())
    if values.size == 1:
        return mean, None, None
    from scipy.stats import t

    half = float(t.ppf((1 + CONFIDENCE) / 2, values.size - 1)) * float(values.std(ddof=1)) / math.sqrt(values.size)
    return mean, mean - half, mean + half


def _row(whole: Case, load: float, part: Case, facts: dict[str, Any] | None) -> Load:
    tonnes = part.tonnes
    share = tonnes / whole.tonnes if whole.tonnes else load
    bare = Load(load, share, len(part.heats), tonnes, status="not planned")
    if facts is None:
        return bare
    (mean, low, high), slack = facts.pop("goal"), facts.pop("slack")
    most = None if mean is None or slack is None else mean + slack
    return replace(bare, **facts, goal_share=mean, goal_low=low, goal_high=high, goal_most=most)


Flow = TypeVar("Flow", bound=Arrival)


def scaled(scenario: Case, load: float) -> Case:
    """Return the scenario with a share of its orders, everything else unchanged.

    The number of heats is rounded to a whole number. Heats are removed evenly from the orders, from the end of each, so
    that casts stay whole; started heats are always kept. Deliveries and arrivals are scaled.

    Args:
        scenario: scenario at full load.
        load: share of the orders, above 0 and at most 1.

    Raises:
        ScenarioError: the result is not a valid scenario.
    """
    if load == 1:
        return scenario
    orders = tuple(_orders(scenario, load))
    heats = {heat.name for heat in scenario.model_copy(update={"orders": orders}).heats}
    variant = scenario.with_inputs(
        _inputs(scenario.inputs, load),
        orders=orders,
        locks=tuple(lock for lock in scenario.locks if lock.heat in heats),
        deliveries=tuple(_delivery(delivery, load) for delivery in scenario.deliveries),
        arrivals=tuple(_flow(arrival, load) for arrival in scenario.arrivals),
    )
    problems = [Problem(scenario.name, ".".join(map(str, place)), text) for place, text in between_nouns(variant)]
    if problems:
        raise ScenarioError(problems)
    return variant


def _orders(scenario: Scenario, load: float) -> Iterator[Order]:
    fixed_heats = {item.heat for item in scenario.state.started}
    counts = {order.name: sum(entry.count for entry in order.heats) for order in scenario.orders}
    least = dict.fromkeys(counts, 0)
    for heat in scenario.heats:
        if heat.name in fixed_heats:
            least[heat.order] = max(least[heat.order], heat.position + 1)
    quotas = _shares(counts, least, max(int(load * sum(counts.values()) + 0.5), 1))
    for order in scenario.orders:
        entries = tuple(_first(order.heats, quotas[order.name]))
        if entries:
            yield order.model_copy(update={"heats": entries})


def _shares(counts: dict[str, int], least: dict[str, int], total: int) -> dict[str, int]:
    """Number of heats of each order: its share, with the largest remainders rounded up, and at least its minimum.

    Source: Hamilton's method of largest remainders; the earlier order comes first in a tie.
    """
    whole = sum(counts.values())
    exact = {name: count * total / whole for name, count in counts.items()}
    quotas = {name: max(int(exact[name] + 1e-9), least[name]) for name in counts}
    by_rest = sorted(counts, key=lambda name: -(exact[name] - int(exact[name] + 1e-9)))
    for name in by_rest:
        if sum(quotas.values()) < total and quotas[name] < counts[name]:
            quotas[name] += 1
    return quotas


def _first(entries: tuple[HeatEntry, ...], count: int) -> Iterator[HeatEntry]:
    for entry in entries:
        if count <= 0:
            return
        yield entry.model_copy(update={"count": min(entry.count, count)})
        count -= entry.count


def _delivery(delivery: Delivery, load: float) -> Delivery:
    """Scale a delivery: its amount, or its continuous rate."""
    amount_t = None if delivery.amount_t is None else delivery.amount_t * load
    return _flow(delivery, load).model_copy(update={"amount_t": amount_t})


def _flow(item: Flow, load: float) -> Flow:
    """Scale the rate of a delivery or an arrival."""
    changed: dict[str, object] = {}
    if item.rate is not None:
        field = "scale" if item.rate.value is None else "value"
        changed["rate"] = item.rate.model_copy(update={field: getattr(item.rate, field) * load})
    if item.weekly:
        changed["weekly"] = tuple(w.model_copy(update={"rate_tph": w.rate_tph * load}) for w in item.weekly)
    return item.model_copy(update=changed)


def _inputs(inputs: xr.Dataset, load: float) -> xr.Dataset:
    """Scale the series of demand and arrivals."""
    flows = {name: inputs[name] * load for name in ("demand_tph", "arrival_tph") if name in inputs}
    return inputs.assign({name: values.assign_attrs(inputs[name].attrs) for name, values in flows.items()})
