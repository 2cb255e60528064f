"""State of a search for a plan of processes: best plan, bound, clock; moves are accepted on recomputed figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from emberline.models.formulations.site.objective import Aim
from emberline.models.kernel.progress import Progress
from emberline.models.problem.flows import Flows
from emberline.models.problem.site import SiteData
from emberline.scenarios import Scenario

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


class Clock:
    """Adds the seconds of a block to those of a phase."""

    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self._seconds, self._name = seconds, name

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *raised: object) -> None:
        spent = time.perf_counter() - self._began
        self._seconds[self._name] = self._seconds.get(self._name, 0.0) + spent


@dataclass
class ProcessSearch:
    """State of a search for a plan of processes: best plan, bound, clock."""

    scenario: Scenario
    envelope: xr.Dataset
    data: SiteData
    aim: Aim
    time_limit: float
    gap: float
    on_progress: Progress
    cancel: Callable[[], bool]
    figures: Callable[[Any], Flows]
    """Flows of the solution that a model holds, stock credited."""
    began: float = field(default_factory=time.perf_counter)
    best: BestPlan | None = None
    bound: float | None = None
    infeasible: bool = False
    baseline: bool = False
    """Whether the best plan has the baseline's switches."""
    hints: list[dict[Any, np.ndarray]] = field(default_factory=list)
    """Units that run in each mode by step, by lists to look around."""
    improvement: Any = None
    """What is being improved, for whoever has time to help."""
    share: float = 1.0
    """About this share of the first goal can be decided."""
    seconds: dict[str, float] = field(default_factory=dict)
    site_model: Any = field(init=False)
    """The model on the horizon's steps."""
    model: Any = field(init=False)
    """Its whole numbers by slot."""

    @property
    def remaining_s(self) -> float:
        """Seconds left."""
        return self.time_limit - (time.perf_counter() - self.began)

    @property
    def told_gap(self) -> float | None:
        """Share by which a better plan could lie below the best one; None: unknown."""
        if self.best is None or self.bound is None:
            return None
        apart, size = self.best.value - self.bound, abs(self.best.value)
        return apart / max(size, 1e-9) if apart > EXACT * max(size, 1.0) else 0.0

    def phase_over(self) -> bool:
        """Whether to stop searching."""
        reached = self.told_gap is not None and self.told_gap <= self.gap
        return reached or self.remaining_s <= 0 or self.cancel() or self.infeasible

    def raise_bound(self, bound: float) -> None:
        """A proven bound on the first goal, constant included."""
        bound -= self.aim.constant
        if self.bound is None or bound > self.bound:
            self.bound = bound
            self._tell()

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
            self._tell()
        return True

    def _tell(self) -> None:
        self.on_progress({
            "incumbent": None if self.best is None else self.best.value, "bound": self.bound, "gap": self.told_gap,
            "seconds": time.perf_counter() - self.began,
        })  # fmt: skip

    def clock(self, name: str) -> Clock:
        return Clock(self.seconds, name)
