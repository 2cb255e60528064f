"""Disturbed replays of a plan: schedule and baseline followed under the same disturbances."""

from __future__ import annotations

import numpy as np
import xarray as xr

from emberline.plans.accounts.site_stores import site_stores
from emberline.plans.plan.progress import Progress
from emberline.plans.plan.replay_outcome import Followed, outcomes
from emberline.plans.plan.replays import COUNTS, PARTS, Replays
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import figures_of


def disturbed_replays(
    scenario: Scenario, schedule: xr.Dataset, dispatched: xr.Dataset, tell: Progress, replications: int | None = None
) -> Replays:
    """Replays of the schedule and of the baseline's list under the same disturbances.

    Args:
        scenario: of both.
        schedule: of the plan.
        dispatched: the baseline's list.
        tell: called after each replay with ``done`` and ``of``.
        replications: how many; None: the scenario's.
    """
    count = scenario.disturbances.replications if replications is None else replications
    n = count if scenario.disturbed else 0
    names = [prefix + name for prefix in ("", "baseline_") for name in (*figures_of(scenario), *COUNTS)]
    if scenario.processes or any(site_stores(scenario)):
        names += [f"more_{name}" for name in figures_of(scenario)]
    columns: dict[str, list[float]] = {name: [] for name in names}
    for outcome in outcomes(Followed(scenario, schedule, dispatched), range(n)):
        parts = [prefix + name for prefix in ("", "baseline_") for name in PARTS if prefix + name in outcome.figures]
        for name in (*names, *parts):
            columns.setdefault(name, []).append(float(outcome.figures[name]))
        tell({"phase": "replays", "done": outcome.replication + 1, "of": n})
    data = xr.Dataset(
        {name: ("replication", np.array(values, dtype=float)) for name, values in columns.items()},
        coords={"replication": np.arange(n)},
    )
    return Replays(n=n, successes=int((data["violations"] == 0).sum()), data=data)
