"""State of a search for a plan of processes: best plan, bound, clock; moves are accepted on recomputed figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from emberline.models.formulations.site.objective import Aim
from emberline.models.problem.flows import Flows
from emberline.models.problem.site import SiteData
from emberline.models.search.record import Record
from emberline.scenarios import Case, effort

EXACT = 1e-6
"""Share of the first goal (or kg, or money) that a solver's tolerances on levels may come to: no gap."""


@dataclass
class BestPlan:
    """The best plan so far."""

    values: np.ndarray
    """By column of the model."""
    flows: Flows
    value: float
    """First goal, stock credited, the constant left out."""
    rank: float
    """Both goals as one."""


@dataclass
class ProcessSearch(Record):
    """State of a search for a plan of processes."""

    scenario: Case
    envelope: xr.Dataset
    data: SiteData
    aim: Aim
    figures: Callable[[Any], Flows]
    """Flows of the solution that a model holds, stock credited."""
    best: BestPlan | None = effort.shared(None)
    baseline: bool = False
    """Whether the best plan has the baseline's switches."""
    hints: list[dict[Any, np.ndarray]] = field(default_factory=list)
    """Units that run in each mode by step, by lists to look around."""
    improvement: Any = effort.shared(None)
    """What is being improved, for whoever has time to help."""
    share: float = 1.0
    """About this share of the first goal can be decided."""
    site_model: Any = field(init=False)
    """The model on the horizon's steps."""
    model: Any = field(init=False)
    """Its whole numbers by slot."""

    @property
    def value(self) -> float | None:
        """First goal of the best plan, stock credited, the constant left out."""
        return None if self.best is None else self.best.value

    @property
    def tolerance(self) -> float:
        """Distance of plan and bound that the solver's tolerances on levels may come to."""
        return EXACT * max(abs(self.value or 0.0), 1.0)

    def offer(self, values: np.ndarray, *, anyway: bool = False) -> bool:
        """Take a solution of the model on the steps if it is better than the best one; whether it was taken.

        Args:
            values: by column.
            anyway: take it though it is no better.
        """
        site_model = self.site_model
        site_model.program.load_values(values)
        flows = self.figures(site_model)
        if flows.over_mwh > 0:
            return False
        rank = self.aim.rank(flows)
        if not anyway and self.best is not None and rank >= self.best.rank - 1e-9 * abs(self.best.rank):
            return False
        self.baseline = False
        self.best = BestPlan(values, flows, self.aim.value(flows), rank)
        whole = abs(self.best.value + self.aim.constant)
        self.share = min(max(abs(self.best.value) / whole, 1e-4), 1.0) if whole else 1.0
        if not anyway:
            self.tell()
        return True
