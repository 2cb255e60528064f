"""Savings against load: the same plant at a part of its orders, and where flexibility ends.

A plant that is full has nowhere to move its heats to. Each load is a scenario of its own, with evenly fewer heats or
smaller deliveries, planned like any other; what is saved against the baseline is told for the undisturbed day and, on
the same luck, for the disturbed ones, with the interval of the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from emberline.plans.jobs.engine import Engine
from emberline.plans.plan.pipeline import plan
from emberline.plans.plan.progress import Progress
from emberline.plans.plan.record import Plan
from emberline.plans.plan.replays import saved
from emberline.plans.studies.scaled_orders import scaled
from emberline.scenarios import Problem, Scenario, ScenarioError
from emberline.scenarios.goal_metrics import figures_of, goal_metric

LOADS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
THRESHOLD = 0.01
"""Share of the baseline figure below which a saving counts as none."""
CONFIDENCE = 0.95
MOST_LOADS = 50


@dataclass(frozen=True)
class Saving:
    """What is saved of one figure against the baseline."""

    undisturbed: float
    """In kg CO2e or currency."""
    share: float
    """Of the baseline's."""
    mean: float | None = None
    """Over the disturbed replays, baseline and plan on the same luck; None: nothing is disturbed."""
    low: float | None = None
    """The 95 % interval of that mean."""
    high: float | None = None
    p10: float | None = None
    """Of single replays."""
    p90: float | None = None


@dataclass(frozen=True)
class Load:
    """The plant at one load."""

    load: float
    """Share of the orders that was asked for."""
    share: float
    """Share of the tonnes that is left: whole heats do not divide."""
    heats: int
    tonnes: float
    status: str
    gap: float | None = None
    saved: dict[str, Saving] | None = None
    """By ``carbon_kg`` and ``cost``; None: there is no plan, or the baseline does not make the same."""
    baseline: dict[str, float] | None = None
    replications: int = 0
    held: int = 0
    acceptable: bool = False
    says: str = ""
    goal_share: float | None = None
    """What is saved of the goal as a share of the baseline's: the mean of the disturbed replays, where there are."""
    goal_low: float | None = None
    """Its 95 % interval."""
    goal_high: float | None = None
    goal_most: float | None = None
    """What the best of all plans could save at most, by the bound of the search; None: no bound is known."""


@dataclass(frozen=True)
class Headroom:
    """Savings against load."""

    scenario: str
    currency: str
    goal: str
    threshold: float
    loads: tuple[Load, ...]
    """From the least load to the whole."""

    @property
    def ends_at(self) -> float | None:
        """The least load from which on, up to the whole, less than the threshold is saved; None: at none of them."""
        found = None
        for load in reversed([load for load in self.loads if load.goal_share is not None]):
            if (load.goal_share or 0.0) >= self.threshold:
                break
            found = load.share
        return found

    @property
    def says(self) -> str:
        """Where flexibility ends, in a sentence."""
        limit = f"{self.threshold * 100:g} % of the baseline's {'carbon' if self.goal == 'carbon' else 'cost'}"
        known = [load for load in self.loads if load.goal_share is not None]
        if not known:
            return "no load has a plan that could be compared with the baseline"
        end = self.ends_at
        if end is None:
            last = known[-1]
            gone = "" if last is self.loads[-1] else "; above that there is no plan to compare"
            return f"flexibility does not end: at {last.share * 100:.0f} % load still {_percent(last)} is saved{gone}"
        before = [load for load in known if load.share < end]
        first = next(load for load in known if load.share == end)
        reaches = [
            f"{what} {value * 100:.1f} %"
            for what, value in (("its interval reaches", first.goal_high), ("a better plan may save", first.goal_most))
            if value is not None and value >= self.threshold
        ]
        doubt = f" ({'; '.join(reaches)})" if reaches else ""
        if not before:
            return f"flexibility has ended at {end * 100:.0f} % load already: less than {limit} is saved{doubt}"
        return (
            f"flexibility ends between {before[-1].share * 100:.0f} and {end * 100:.0f} % load: "
            f"from there on less than {limit} is saved{doubt}"
        )

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "scenario": self.scenario,
            "currency": self.currency,
            "goal": self.goal,
            "threshold": self.threshold,
            "ends_at": self.ends_at,
            "says": self.says,
            "loads": [asdict(load) for load in self.loads],
        }


def _percent(load: Load) -> str:
    return f"{(load.goal_share or 0.0) * 100:.1f} %"


def headroom(
    scenario: Scenario,
    engine: Engine,
    loads: Sequence[float] = LOADS,
    *,
    threshold: float = THRESHOLD,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Headroom:
    """Plan a scenario at some loads and say what is saved at each.

    Args:
        scenario: the whole; its disturbances say how often each plan is replayed.
        engine: who plans; the result does not depend on how many workers it has.
        loads: shares of the orders, above 0 up to 1.
        threshold: share of the baseline figure of the goal below which flexibility has ended.
        on_progress: told ``done``, ``of`` and ``load`` after each plan.
        cancel: polled; True ends it; loads that are not planned by then are told so.

    Raises:
        ScenarioError: there are no orders to scale, or a load is none.
    """
    asked = [(load, scaled(scenario, load)) for load in checked(scenario, loads)]
    tell: Progress = on_progress or (lambda event: None)
    found = [_row(scenario, load, part, None) for load, part in asked]
    pieces = engine.each(_planned, None, [part for _, part in asked], cancel)
    for done, piece in enumerate(pieces, start=1):
        load, part = asked[piece.place]
        made = piece.unwrap()
        found[piece.place] = _row(scenario, load, part, made)
        tell({"phase": "headroom", "done": done, "of": len(asked), "load": found[piece.place]})
    goal = scenario.goal.minimize
    return Headroom(scenario.name, scenario.market.currency, goal, threshold, tuple(found))


def checked(scenario: Scenario, loads: Sequence[float]) -> list[float]:
    """The loads in rising order.

    Raises:
        ScenarioError: as :func:`headroom`.
    """
    if not scenario.orders and not scenario.deliveries:
        says = "a site alone makes nothing, so there is no order load; its levers are told by 'emberline prices'"
        raise ScenarioError([Problem(scenario.name, "orders", says)])
    if scenario.goal.minimize == "lateness":
        says = "lateness weighs neither carbon nor cost; plan for one of them"
        raise ScenarioError([Problem(scenario.name, "goal.minimize", says)])
    wrong = [load for load in loads if not 0 < load <= 1]
    if wrong or not loads or len(loads) > MOST_LOADS:
        says = f"{wrong[0]:g} is no load" if wrong else f"{len(loads)} loads"
        raise ScenarioError([Problem("--load", "", f"{says}; give 1 to {MOST_LOADS} of them, above 0 up to 100 %")])
    return sorted(set(loads))


def _planned(_: None, scenario: Scenario) -> dict[str, Any]:
    """What is kept of a plan: in a worker, so that little comes back."""
    made = plan(scenario)
    return {
        "status": made.status,
        "gap": made.gap,
        "acceptable": made.acceptable,
        "says": made.verdict,
        "replications": made.replays.n if made.replays else 0,
        "held": made.replays.held if made.replays else 0,
        "baseline": {name: getattr(made.baseline_figures, name) for name in figures_of(made.scenario)},
        "saved": _savings(made),
        "goal": _goal(made),
        "slack": _slack(made),
    }


def _savings(made: Plan) -> dict[str, Saving] | None:
    told = made.saved()
    if not told:
        return None
    found = {}
    for name in figures_of(made.scenario):
        each = _each(made, name)
        mean, low, high = interval(each)
        p10, p90 = (None, None) if each.size == 0 else (float(np.quantile(each, q)) for q in (0.1, 0.9))
        found[name] = Saving(told[name], told[f"{name}_share"], mean, low, high, p10, p90)
    return found


def _each(made: Plan, name: str) -> np.ndarray:
    """What each disturbed replay saves, stock credited, shape (n_replications,)."""
    if made.replays is None or not made.replays.n:
        return np.zeros(0)
    return saved(made.replays.data, name)


def _goal(made: Plan) -> tuple[float | None, float | None, float | None]:
    """Share of the goal that is saved, and the interval of its mean where there are disturbed replays."""
    told = made.saved()
    if not told:
        return None, None, None
    name = goal_metric(made.scenario).figure
    each = _each(made, name)
    base = abs(getattr(made.baseline_figures, name))
    if each.size and made.replays is not None and base:
        scale = float(np.abs(made.replays.data[f"baseline_{name}"].to_numpy()).mean()) or base
        mean, low, high = (None if value is None else value / scale for value in interval(each))
        return mean, low, high
    return told[f"{name}_share"], None, None


def _slack(made: Plan) -> float | None:
    """What the search has left open, as a share of the baseline's figure of the goal."""
    name = goal_metric(made.scenario).figure
    base = abs(getattr(made.baseline_figures, name))
    if made.objective is None or made.bound is None or not base:
        return None
    return max(made.objective - made.bound, 0.0) / base


def interval(values: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Mean of some values and its 95 % interval by Student's t; no interval of one value, nothing of none.

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


def _row(whole: Scenario, load: float, part: Scenario, made: dict[str, Any] | None) -> Load:
    tonnes = part.tonnes
    share = tonnes / whole.tonnes if whole.tonnes else load
    bare = Load(load, share, len(part.heats), tonnes, status="not planned")
    if made is None:
        return bare
    (mean, low, high), slack = made.pop("goal"), made.pop("slack")
    most = None if mean is None or slack is None else mean + slack
    return replace(bare, **made, goal_share=mean, goal_low=low, goal_high=high, goal_most=most)
