"""Every plan that the suite makes in its process is judged by ``plan_judge`` before anyone else sees it."""

from __future__ import annotations

import functools
import sys
from typing import Any

import numpy as np
from plan_judge import Row, faults

from emberline import plans
from emberline.plans import Plan

COLUMNS = ("heat", "stage", "unit", "start_min", "end_min", "energy_mwh")


def watch() -> None:
    """Put the judge before ``plans.plan.pipeline.plan``; to be called before anything that plans is imported."""
    module = sys.modules["emberline.plans.plan.pipeline"]
    make = module.plan

    @functools.wraps(make)
    def judged(*given: Any, **named: Any) -> Plan:
        plan: Plan = make(*given, **named)
        assert not broken(plan), f"{plan.scenario.name}: {broken(plan)}"
        return plan

    module.plan = plans.plan = judged  # type: ignore[attr-defined]


def broken(plan: Plan) -> list[str]:
    """What the judge has against a plan that calls itself acceptable; empty for any other, and without a line."""
    if not plan.acceptable or not plan.scenario.heats or plan.replay is None:
        return []
    rows = [Row(*row) for row in zip(*(plan.replay[f"op_{name}"].values.tolist() for name in COLUMNS), strict=True)]
    flows: dict[str, np.ndarray] = {name: plan.replay[name].to_numpy() for name in ("line_mw", "import_mw")}
    return faults(plan.scenario, rows, flows, on_steps=plan.gap is not None)
