"""Comparison of a roll with the baseline, with one plan under perfect foresight, and with less frequent planning.

Regret is the roll's excess of the goal over the plan with perfect foresight; gain is its reduction against the
baseline. A roll of the same steps with perfect foresight separates the cost of uncertainty from that of a short
look-ahead. Intervals are bootstrapped from the days (``studies/rolling/laying.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from emberline import twin
from emberline.models import Study
from emberline.planning.accounts.figures import Figures, comparable
from emberline.planning.accounts.stock import difference
from emberline.planning.accounts.sums import figures
from emberline.planning.engine import memory
from emberline.planning.plan.record import Plan, violations
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.loading.issued_forecasts import uncertain
from emberline.scenarios.metrics import METRICS
from emberline.scenarios.plain import Plain, plain
from emberline.studies.rolling.budgets import goal_by_step
from emberline.studies.rolling.horizon import How, refuse
from emberline.studies.rolling.laying import interval, of_days
from emberline.studies.rolling.roll import Rolled, Tell, followed, roll


@dataclass(frozen=True)
class Difference(Plain):
    """Excess of the goal in one run over another."""

    named = {"interval": "interval_90"}
    total: float
    """Difference [kg CO2e or currency], including amounts that belong to no day (charges on peaks)."""
    share: float
    """Difference as a share of the other run's value."""
    stock: float
    """Part of the total that is due to final stocks."""
    interval: tuple[float, float] | None
    """90 % interval of the total; None: too few days."""


@dataclass(frozen=True)
class Followed:
    """Run over the whole roll, with its figures."""

    run: xr.Dataset
    figures: Figures


@dataclass(frozen=True)
class Comparison:
    """Roll and its references; for a disturbed line, all with the same disturbances."""

    rolled: Rolled
    perfect: Plan
    """One plan over the whole roll that knew every series, but no disturbance."""
    baseline: Followed
    best: Followed | None
    """Run of the plan with perfect foresight; None: no plan was found."""
    foresight: Rolled | None = None
    """Roll of the same steps with perfect foresight."""
    others: tuple[Rolled, ...] = ()
    """Rolls with other planning intervals."""

    @property
    def scenario(self) -> Case:
        """Scenario of the roll."""
        return self.rolled.scenario

    def more_than(self, one: Rolled | Followed, other: Rolled | Followed) -> Difference:
        """Excess of the goal in one run over another, with additional final stock credited."""
        metric = goal_metric(self.scenario)
        values = [metric.of(each.figures) for each in (one, other)]
        steps = goal_by_step(self.scenario, one.run) - goal_by_step(self.scenario, other.run)
        spans = [day for day, _ in self.scenario.horizon.local_days()]
        credit = difference(other.figures, one.figures).credit(metric.figure)
        days, total = of_days(steps, spans), values[0] - values[1] - credit
        apart_by = levels(one.run) - levels(other.run)
        ends = np.vstack([np.zeros(apart_by.shape[1]), apart_by[[day.stop - 1 for day in spans]]])
        bounds = interval(days, np.diff(ends, axis=0), self.scenario.disturbances.seed)
        apart = total - float(days.sum())
        within = None if bounds is None else (bounds[0] + apart, bounds[1] + apart)
        return Difference(total, total / abs(values[1]) if values[1] else 0.0, 0.0 - credit, within)

    def regret(self, rolled: Rolled | None = None) -> Difference | None:
        """Regret of a roll against the plan with perfect foresight; None if there is no such plan."""
        return None if self.best is None else self.more_than(rolled or self.rolled, self.best)

    @property
    def unknown(self) -> float | None:
        """Maximum additional regret, because the plan with foresight is not proven optimal."""
        best = self.perfect
        return None if best.bound is None or best.objective is None else max(best.objective - best.bound, 0.0)

    @property
    def gain(self) -> Difference | None:
        """Saving of the roll against the baseline; None if the two do not have the same output and service."""
        if not comparable(self.baseline.figures, self.rolled.figures):
            return None
        more = self.more_than(self.rolled, self.baseline)
        flipped = None if more.interval is None else (-more.interval[1], -more.interval[0])
        return Difference(-more.total, -more.share, 0.0 - more.stock, flipped)

    @property
    def not_knowing(self) -> Difference | None:
        """Regret against a roll of the same steps with perfect foresight; None if there is no such roll."""
        return None if self.foresight is None else self.more_than(self.rolled, self.foresight)

    def less_often(self) -> list[tuple[Rolled, Difference]]:
        """Excess of rolls at other intervals over this roll: the value of planning at this interval."""
        return [(other, self.more_than(other, self.rolled)) for other in self.others]

    def caps(self) -> dict[str, tuple[float, float]]:
        """Total of the roll and its cap, for each cap of the goal over the whole roll."""
        caps, sums, baseline = self.scenario.goal.caps, self.rolled.figures, self.baseline.figures.cost
        totals = {}
        for row in METRICS.values():
            cap = getattr(caps, row.cap) if row.cap else None
            if cap is not None:
                totals[row.cap] = (row.of(sums), cap)
        if caps.extra_cost_share is not None:
            totals["extra_cost"] = (sums.cost, baseline + caps.extra_cost_share * abs(baseline))
        return totals

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        rolled, best = self.rolled, self.perfect
        horizon, goal, currency = self.scenario.horizon, self.scenario.goal, self.scenario.market.currency
        perfect = {name: getattr(best, name) for name in ("status", "gap", "objective", "bound")}
        perfect["violations"] = [] if self.best is None else violations(self.best.run)
        perfect["figures"] = None if self.best is None else self.best.figures.summary()
        less_often = [
            {**_side(other), "more_than_roll": plain(more), "regret": plain(self.regret(other))}
            for other, more in self.less_often()
        ]
        return {
            "scenario": self.scenario.name,
            "from": horizon.instant(0).isoformat(),
            "to": horizon.instant(horizon.length_min).isoformat(),
            "goal": goal.minimize,
            "signal": goal.signal,
            "unit": goal_metric(self.scenario).unit_in(currency),
            "currency": currency,
            "forecasts": uncertain(self.scenario),
            "roll": _side(rolled),
            "baseline": self.baseline.figures.summary() | {"complete": best.baseline_complete},
            "perfect": perfect,
            "foresight": None if self.foresight is None else _side(self.foresight),
            "gain": plain(self.gain),
            "regret": plain(self.regret()),
            "regret_unknown": self.unknown,
            "caps": {name: {"value": value, "cap": cap} for name, (value, cap) in self.caps().items()},
            "not_knowing": plain(self.not_knowing),
            "less_often": less_often,
        }


def levels(run: xr.Dataset) -> np.ndarray:
    """Level of battery and stores at the end of each step, shape (n_steps, n_stores)."""
    rows = [run["battery_mwh"].to_numpy()]
    if "asset_level" in run:
        rows += list(run["asset_level"].to_numpy())
    return np.array(rows).T


def compare(
    scenario: Case,
    how: How,
    others: Sequence[float] = (),
    *,
    foresight: bool = True,
    replication: int | None = None,
    study: Study | None = None,
    on_step: Callable[[str, Any], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Comparison:
    """Roll a scenario and compare the result with its references.

    Args:
        scenario: scenario of the whole roll.
        how: settings of the roll.
        others: other planning intervals to compare [min].
        foresight: whether to roll with perfect foresight, too, if any series is uncertain.
        replication: number of the disturbances; None: undisturbed.
        study: stores solver data from plan to plan.
        on_step: called with the name of the roll (``roll``, ``foresight``, ``every 360 min``, ``perfect``) and its
            step.
        cancel: polled; True ends each part early.

    Raises:
        ScenarioError: the scenario cannot be rolled, or its plan needs more memory than is available.
    """
    for minutes in (how.every_min, *others):
        refuse(scenario, replace(how, every_min=minutes), disturbed=replication is not None)
    memory.refuse(memory.of_plan(scenario), scenario.name)
    more: dict[str, Any] = {"replication": replication, "study": study, "cancel": cancel}

    def progress_of(name: str) -> Tell | None:
        return None if on_step is None else lambda step: on_step(name, step)

    rolled = roll(scenario, how, on_step=progress_of("roll"), **more)
    if on_step is not None:
        on_step("perfect", None)
    best = make_plan(scenario, PLAIN, replications=0, cancel=cancel)
    foresight_roll = None
    if foresight and uncertain(scenario):
        foresight_roll = roll(scenario, how, foresight=True, on_step=progress_of("foresight"), **more)
    other_rolls = [
        roll(scenario, replace(how, every_min=every), on_step=progress_of(f"every {every:g} min"), **more)
        for every in others
    ]
    return Comparison(
        rolled=rolled,
        perfect=best,
        baseline=_followed(scenario, twin.dispatch(scenario), replication),
        best=None if best.schedule is None else _followed(scenario, best.schedule, replication),
        foresight=foresight_roll,
        others=tuple(other_rolls),
    )


def _followed(scenario: Case, schedule: xr.Dataset, replication: int | None) -> Followed:
    run = followed(scenario, schedule, replication)
    return Followed(run, figures(scenario, run))


def _side(rolled: Rolled) -> dict[str, Any]:
    steps, how = rolled.steps, rolled.how
    return {
        "policy": how.using or "search",
        **{name: getattr(how, name) for name in ("every_min", "look_ahead_min", "frozen_min")},
        "plans": len(steps) + rolled.looks,
        "laid": sum(step.adopted for step in steps) + rolled.changes,
        "unplanned": rolled.unplanned,
        "worst_gap": max((step.gap for step in steps if step.gap is not None), default=None),
        **{name: sum(getattr(step, name) for step in steps) for name in ("moved_mwh", "moved_heats")},
        "violations": rolled.violations,
        "figures": rolled.figures.summary(),
        "steps": [step.summary() for step in steps],
        "seconds": round(rolled.seconds, 3),
    }
