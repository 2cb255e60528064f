"""A schedule in the place of a plan's: the same question, bound and baseline."""

from __future__ import annotations

import dataclasses

import xarray as xr

from emberline.plans.accounts.stock import difference
from emberline.plans.plan.baseline import Baseline
from emberline.plans.plan.pipeline import plan
from emberline.plans.plan.record import Plan
from emberline.scenarios.goal_metrics import goal_metric


def substitute(base: Plan, schedule: xr.Dataset, baseline: Baseline, *, reason: str = "", judged: bool = False) -> Plan:
    """The plan that follows another schedule; its objective differs as the goal's figure does, stock credited.

    Args:
        base: a plan of the same scenario, with its bound.
        schedule: table ``SCHEDULE``.
        baseline: of the scenario.
        reason: what is said of it.
        judged: whether it is followed through the scenario's disturbed days too.
    """
    result = plan(
        base.scenario, baseline=baseline, schedule=schedule.assign_attrs(found=1), replications=None if judged else 0
    )
    sums, before = result.replay_figures, base.replay_figures
    objective, gap = None, None
    if base.objective is not None and sums is not None and before is not None:
        row = goal_metric(base.scenario)
        objective = base.objective + row.of(sums) - row.of(before) - difference(before, sums).credit(row.figure)
    if objective is not None and base.bound is not None:
        gap = max(objective - base.bound, 0.0) / max(abs(objective), 1e-9)
    status = "within gap" if gap is not None and gap <= base.scenario.goal.gap else "best found"
    return dataclasses.replace(
        result, status=status, objective=objective, bound=base.bound, gap=gap, constant=base.constant, reason=reason,
        baseline=base.baseline, baseline_figures=base.baseline_figures, baseline_complete=base.baseline_complete,
    )  # fmt: skip
