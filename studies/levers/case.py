"""Cases that are compared to evaluate each lever, and the reported results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from emberline.planning.accounts.figures import Figures
from emberline.planning.plan.record import Plan
from emberline.scenarios import Case, Scenario
from emberline.scenarios.goal_metrics import goal_metric

BASELINE, SEQUENTIAL, JOINT = "baseline", "sequential", "joint"
NOTE = (
    "each alone: the lever is added to the baseline's production; each as the last one: it is removed from the joint "
    "plan, with the same production. Levers overlap: the two savings differ, and the remainder is their interaction."
)


@dataclass(frozen=True)
class LeverCase:
    """Plant with some levers in their best known use, simulated in the twin."""

    heats: str
    """Plan from which the heats are taken: ``baseline``, ``sequential`` or ``joint``."""
    figures: Figures | None
    """Figures of the undisturbed replay; None if there is no plan."""
    status: str
    slack: float | None = None
    """Maximum possible improvement of the site with the same heats, in the goal's measure; None: unknown."""
    broken: int = 0
    """Number of violations in the replay."""
    reason: str = ""

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        sums = self.figures
        return asdict(self) | {"figures": sums.summary() if sums else None, "parts": parts(sums) if sums else None}


@dataclass(frozen=True)
class Change:
    """Saving from one case to another; positive values are reductions."""

    carbon_kg: float
    """Saving by the goal's signal."""
    average_kg: float
    marginal_kg: float | None
    """Saving by marginal intensity; None: the market gives none."""
    cost: float
    parts: dict[str, float]
    """Parts that add up to ``cost``: ``energy``, ``demand``, ``fuel``, ``carbon``, ``other``."""
    peak_mw: float
    goal: float
    low: float | None
    """Lower limit of the goal's saving, by the remaining gap of the solver under the same heats; ``high``: upper
    limit."""
    high: float | None


@dataclass(frozen=True)
class Lever:
    """Lever and its savings; None if a case has no plan."""

    name: str
    kind: str
    """``heats``, ``battery``, or the kind of the asset."""
    first: Change | None
    last: Change | None
    ruled: Change | None
    reason: str = ""
    """Reason why a value is missing or unreliable."""


@dataclass(frozen=True)
class Levers:
    """Levers of one scenario and the cases compared."""

    scenario: Case
    baseline: LeverCase
    """All assets operated by the baseline's rules."""
    bare: LeverCase
    """Baseline heats without levers."""
    managed: LeverCase
    """Baseline heats with all assets planned."""
    sequential: LeverCase
    """Production planned first, then the site."""
    joint: LeverCase
    heats_first: Plan
    """Search of the heats with only grid, base load and PV."""
    search: Plan
    """Joint search of heats and site."""
    bound: float | None
    """Lower bound on the goal of any plan, in the measure of the figures; proven by the joint search."""
    gap: float | None
    """Gap of the joint plan; fixed emissions and costs are left out."""
    levers: tuple[Lever, ...]
    essentials: tuple[str, ...]
    """Machines and stores that the site requires."""

    @property
    def has_plan(self) -> bool:
        """Whether there is a joint plan that the twin can follow."""
        return self.joint.figures is not None and not self.joint.broken and not self.joint.reason

    @property
    def together(self) -> Change | None:
        """Saving of all levers together: the joint plan against the baseline heats without levers."""
        return change(self.scenario, self.bare, self.joint)

    def interaction(self, column: str) -> dict[str, float] | None:
        """Saving of all levers together minus the sum of a column, for ``carbon_kg`` and ``cost``; None if unknown.

        Args:
            column: ``first`` or ``last``.
        """
        whole, parts = self.together, [getattr(lever, column) for lever in self.levers]
        if whole is None or any(part is None for part in parts):
            return None
        return {name: getattr(whole, name) - sum(getattr(p, name) for p in parts) for name in ("carbon_kg", "cost")}

    def saved(self, against: LeverCase) -> Change | None:
        """Return the saving of the joint plan against another case."""
        return change(self.scenario, against, self.joint)

    def cases(self) -> Iterator[tuple[str, LeverCase]]:
        """Yield the compared cases, from the plant without levers to the joint plan."""
        yield "baseline heats, no lever", self.bare
        yield "baseline, by rules", self.baseline
        yield "baseline heats, site planned", self.managed
        yield "production first, site after", self.sequential
        yield "planned together", self.joint

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        goal = self.scenario.goal
        searches = {
            name: {key: getattr(plan, key) for key in ("status", "objective", "bound", "gap", "reason")}
            for name, plan in ((SEQUENTIAL, self.heats_first), (JOINT, self.search))
        }
        head = {"scenario": self.scenario.name, "goal": goal.minimize, "signal": goal.signal}
        return {
            **head,
            "currency": self.scenario.market.currency,
            "cases": {name: case.summary() for name, case in self.cases()},
            "searches": searches,
            "bound": self.bound,
            "gap": self.gap,
            "saved": {
                name: asdict(saving) if (saving := self.saved(case)) else None
                for name, case in ((BASELINE, self.baseline), (SEQUENTIAL, self.sequential))
            },
            "together": asdict(self.together) if self.together else None,
            "levers": [asdict(lever) for lever in self.levers],
            "interaction": {column: self.interaction(column) for column in ("first", "last")},
            "needed": list(self.essentials),
            "note": NOTE,
        }


def parts(sums: Figures) -> dict[str, float]:
    """Split the bill into five parts that add up to it: ``other`` is upkeep, fixed, taxes and imbalance, minus
    sales."""
    peaks = sums.demand_cost + sums.coincident_cost
    costs = {"energy": sums.energy_cost, "demand": peaks, "fuel": sums.fuel_cost, "carbon": sums.carbon_cost}
    remaining = (
        sums.upkeep_cost + sums.fixed_cost + sums.tax_cost + sums.imbalance_cost + sums.recourse_cost - sums.sales
    )
    return {**costs, "other": remaining}


def change(scenario: Scenario, before: LeverCase, after: LeverCase) -> Change | None:
    """Compute the saving from one case to another; None if one of them has no plan."""
    one, two = before.figures, after.figures
    if one is None or two is None:
        return None

    site_kg = one.direct_kg + one.bought_kg - two.direct_kg - two.bought_kg
    marginal = None
    if one.grid_marginal_kg is not None and two.grid_marginal_kg is not None:
        marginal = one.grid_marginal_kg - two.grid_marginal_kg + site_kg
    metric = goal_metric(scenario)
    goal = metric.of(one) - metric.of(two)
    before_parts, after_parts = parts(one), parts(two)
    return Change(
        carbon_kg=one.carbon_kg - two.carbon_kg,
        average_kg=one.grid_average_kg - two.grid_average_kg + site_kg,
        marginal_kg=marginal,
        cost=one.cost - two.cost,
        parts={name: before_parts[name] - after_parts[name] for name in before_parts},
        peak_mw=one.peak_mw - two.peak_mw,
        goal=goal,
        low=None if before.slack is None else goal - before.slack,
        high=None if after.slack is None else goal + after.slack,
    )
