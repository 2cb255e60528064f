"""A schedule in the place of a plan's: the same question, bound and baseline."""

from __future__ import annotations

import dataclasses
from typing import Any

import xarray as xr

from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import follow
from emberline.planning.plan.proof import proven
from emberline.planning.plan.record import Plan


def substitute(base: Plan, schedule: xr.Dataset, baseline: Baseline, *, reason: str = "", judged: bool = False) -> Plan:
    """The plan that follows another schedule, judged by the goal of the plan and against its bound.

    Args:
        base: a plan of the same scenario, with its bound.
        schedule: table ``SCHEDULE``.
        baseline: of the scenario.
        reason: what is said of it.
        judged: whether it is followed through the scenario's disturbed days too.

    Raises:
        ContradictionError: the bound lies above it.
    """
    result = follow(base.scenario, baseline=baseline, schedule=schedule, replications=None if judged else 0)
    names = ("baseline", "baseline_figures", "baseline_complete")
    compared: dict[str, Any] = {name: getattr(base, name) for name in names}
    return proven(dataclasses.replace(result, reason=reason, **compared), base.bound)
