"""The record of disturbed replays: what comes of schedule and baseline under the same disturbances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from emberline.scenarios.metrics import FIGURES

if TYPE_CHECKING:
    pass

QUANTILES = (0.1, 0.5, 0.9)
COUNTS = ("peak_mw", "late_heats", "missed_deliveries", "violations")
COLUMNS = (*FIGURES, *COUNTS[:-1])
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
        for name in (name for name in FIGURES if name in self.data):
            more = self.data[f"more_{name}"].to_numpy() if f"more_{name}" in self.data else 0.0
            table[f"saved_{name}"] = self.data[f"baseline_{name}"].to_numpy() - table[name] + more
        return {
            name: {f"p{round(q * 100)}": float(np.quantile(values, q)) for q in QUANTILES}
            for name, values in table.items()
        }
