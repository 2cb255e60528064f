"""Disturbed replays: schedule and foreman's list followed on the same luck, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from emberline.plans.accounts.figures import Figures, figures
from emberline.plans.accounts.site_stores import site_stores
from emberline.plans.accounts.stock import shortfall
from emberline.scenarios import Scenario
from emberline.scenarios.metrics import FIGURES

if TYPE_CHECKING:
    from emberline.plans.plan.progress import Progress

QUANTILES = (0.1, 0.5, 0.9)
COLUMNS = (*FIGURES, "peak_mw", "late_heats", "missed_deliveries")
"""Of disturbed replays; what a run of an earlier release lacks is not told."""


@dataclass(frozen=True)
class Replays:
    """Disturbed replays of schedule and foreman on the same luck, dimension ``replication``."""

    n: int
    held: int
    """Replays without any violation."""
    data: xr.Dataset
    """``carbon_kg``, ``cost``, ``peak_mw``, ``violations``, ``late_heats``, ``missed_deliveries`` and the foreman's
    ``baseline_…``; where there are stores ``more_carbon_kg`` and ``more_cost``: by how much the schedule's stocks and
    deliveries are worth more than the foreman's."""

    def quantiles(self) -> dict[str, dict[str, float]]:
        """P10, P50 and P90 of each figure, and of what is saved against the foreman on the same luck."""
        if not self.n:
            return {}
        told = [name for name in COLUMNS if name in self.data]
        table = {name: self.data[name].to_numpy() for name in told}
        for name in FIGURES:
            more = self.data[f"more_{name}"].to_numpy() if f"more_{name}" in self.data else 0.0
            table[f"saved_{name}"] = self.data[f"baseline_{name}"].to_numpy() - table[name] + more
        return {
            name: {f"p{round(q * 100)}": float(np.quantile(values, q)) for q in QUANTILES}
            for name, values in table.items()
        }


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

    wanted = scenario.disturbances.replications if replications is None else replications
    n = wanted if scenario.disturbed else 0
    columns: dict[str, list[float]] = {
        prefix + name: [] for prefix in ("", "baseline_") for name in (*COLUMNS, "violations")
    }
    stores = scenario.processes or any(site_stores(scenario))
    if stores:
        columns |= {f"more_{name}": [] for name in FIGURES}
    for replication in range(n):
        made: dict[str, Figures] = {}
        for prefix, followed in (("", schedule), ("baseline_", dispatched)):
            run = twin.replay(scenario, followed, replication=replication, disturbed=True)
            # the foreman nominates what he draws
            nominated = followed if followed is schedule else None
            sums = figures(scenario, run, nominated=nominated)
            made[prefix] = sums
            kinds = run["violation_kind"].values
            for name, value in (
                *((name, getattr(sums, name)) for name in FIGURES),
                ("peak_mw", sums.peak_mw),
                ("violations", len(kinds)),
                ("late_heats", len(set(run["violation_heat"].values[np.isin(kinds, ("due", "unfinished"))]))),
                ("missed_deliveries", len(set(run["violation_unit"].values[kinds == "delivery"]))),
            ):
                columns[prefix + name].append(float(value))
        if stores:
            more = shortfall(scenario, made["baseline_"], made[""])
            for name in FIGURES:
                columns[f"more_{name}"].append(more.credit(name))
        tell({"phase": "replays", "done": replication + 1, "of": n})
    data = xr.Dataset(
        {name: ("replication", np.array(values, dtype=float)) for name, values in columns.items()},
        coords={"replication": np.arange(n)},
    )
    return Replays(n=n, held=int((data["violations"] == 0).sum()), data=data)
