"""Disturbed replays of a plan: schedule and baseline followed under the same disturbances."""

from __future__ import annotations

import numpy as np
import xarray as xr

from emberline.plans.accounts.figures import Figures
from emberline.plans.accounts.site_stores import site_stores
from emberline.plans.accounts.stock import shortfall
from emberline.plans.accounts.sums import figures
from emberline.plans.plan.progress import Progress
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
    from emberline import twin

    count = scenario.disturbances.replications if replications is None else replications
    n = count if scenario.disturbed else 0
    columns: dict[str, list[float]] = {
        prefix + name: [] for prefix in ("", "baseline_") for name in (*figures_of(scenario), *COUNTS)
    }
    stores = scenario.processes or any(site_stores(scenario))
    if stores:
        columns |= {f"more_{name}": [] for name in figures_of(scenario)}
    for replication in range(n):
        sums_of: dict[str, Figures] = {}
        for prefix, followed in (("", schedule), ("baseline_", dispatched)):
            run = twin.replay(scenario, followed, replication=replication, disturbed=True)
            # the baseline nominates what it draws
            nominated = followed if followed is schedule else None
            sums = figures(scenario, run, nominated=nominated)
            sums_of[prefix] = sums
            kinds = run["violation_kind"].values
            for name, value in (
                *((name, getattr(sums, name)) for name in figures_of(scenario)),
                ("peak_mw", sums.peak_mw),
                ("violations", len(kinds)),
                *((name, value) for name in PARTS if (value := getattr(sums, name)) is not None),
                ("late_heats", len(set(run["violation_heat"].values[np.isin(kinds, ("due", "unfinished"))]))),
                ("missed_deliveries", len(set(run["violation_unit"].values[kinds == "delivery"]))),
            ):
                columns.setdefault(prefix + name, []).append(float(value))
        if stores:
            more = shortfall(scenario, sums_of["baseline_"], sums_of[""])
            for name in figures_of(scenario):
                columns[f"more_{name}"].append(more.credit(name))
        tell({"phase": "replays", "done": replication + 1, "of": n})
    data = xr.Dataset(
        {name: ("replication", np.array(values, dtype=float)) for name, values in columns.items()},
        coords={"replication": np.arange(n)},
    )
    return Replays(n=n, successes=int((data["violations"] == 0).sum()), data=data)
