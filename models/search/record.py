"""Record of any search: bound, work done and limits; it reports progress and decides when to stop.

A search for a plan of processes accepts moves on recomputed figures only.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from emberline.models.formulations.site.objective import Aim
from emberline.models.kernel.progress import Progress
from emberline.models.problem.flows import Flows
from emberline.models.problem.site import SiteData
from emberline.scenarios import Case, effort
from emberline.scenarios.metrics import ZERO


@dataclass(kw_only=True)
class Record(ABC):
    """Bound, work done and limits of a search; a subclass has the best plan."""

    limit: float
    """Maximum work (``scenarios/effort.py``)."""
    gap: float
    on_progress: Progress = field(default=lambda event: None)
    cancel: Callable[[], bool] = field(default=lambda: False)
    began: float = field(default_factory=effort.now)
    """Start of the search, by ``effort.now``."""
    began_s: float = field(default_factory=time.perf_counter)
    bound: float | None = effort.shared(None)
    """Bound on the first goal, without the constant."""
    infeasible: bool = effort.shared(False)
    """Whether the relaxation is infeasible, so that no plan exists."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds by phase."""
    until: float = math.inf
    """End of the present part of the search, by ``effort.now``; the bound continues after it."""

    @property
    @abstractmethod
    def value(self) -> float | None:
        """First goal of the best plan, without the constant."""

    @property
    def tolerance(self) -> float:
        """Distance between plan and bound that is due to the solver's tolerance, in the goal's unit."""
        return 0.0

    @property
    def spent_s(self) -> float:
        """Seconds since the search began."""
        return time.perf_counter() - self.began_s

    @property
    def total_remaining(self) -> float:
        """Remaining work of the whole search."""
        return self.limit - (effort.now() - self.began)

    @property
    def remaining(self) -> float:
        """Remaining work, of a part if there is one."""
        return min(self.total_remaining, self.until - effort.now())

    @contextmanager
    def part(self, share: float) -> Iterator[None]:
        """Limit the code inside to a share of the remaining work."""
        before, self.until = self.until, effort.now() + share * self.remaining
        try:
            yield
        finally:
            self.until = before

    @property
    def told_gap(self) -> float | None:
        """Relative gap on what can be decided; None: unknown."""
        value = self.value
        if value is None or self.bound is None:
            return None
        difference = value - self.bound
        return difference / max(abs(value), ZERO) if difference > self.tolerance else 0.0

    @property
    def reached(self) -> bool:
        """Whether the gap is reached."""
        gap = self.told_gap
        return gap is not None and gap <= self.gap

    def over(self) -> bool:
        """Return whether the whole search ends: gap reached, work used up, cancelled or infeasible."""
        return self.infeasible or self.total_remaining <= 0.05 or self.cancel() or self.reached

    def phase_over(self) -> bool:
        """Return whether to stop here: the whole search ends, or the work for a part of it is used up."""
        return self.remaining <= 0.05 or self.over()

    def raise_bound(self, bound: float | None, constant: float = 0.0) -> None:
        """Store a proven bound if it is better; ``constant`` is the part of it that the objective leaves out."""
        if bound is not None and (self.bound is None or bound - constant > self.bound):
            self.bound = bound - constant
            self.report()

    def report(self) -> None:
        """Report incumbent, bound and gap; plans and bound come from two threads."""
        event = {"incumbent": self.value, "bound": self.bound, "gap": self.told_gap, "seconds": self.spent_s}
        self.on_progress(event | self.news())

    def news(self) -> dict[str, Any]:
        """Return further items of a report; for a line the best plan, once."""
        return {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the seconds of the code inside to a phase."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


EXACT = 1e-6
"""Share of the first goal (or kg, or money) within which the solver's tolerances on levels are no gap."""


@dataclass
class BestPlan:
    """The best plan so far."""

    values: np.ndarray
    """Solution by column of the model."""
    flows: Flows
    value: float
    """First goal with stock credited, without the constant."""
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
    """Function that returns the flows of a model's solution, with stock credited."""
    best: BestPlan | None = effort.shared(None)
    baseline: bool = False
    """Whether the best plan has the baseline's switches."""
    hints: list[dict[Any, np.ndarray]] = field(default_factory=list)
    """Units that run in each mode by step, for each schedule to search around."""
    improvement: Any = effort.shared(None)
    """Improvement in progress, for threads that have time to help."""
    share: float = 1.0
    """Approximate share of the first goal that can be decided."""
    site_model: Any = field(init=False)
    """The model on the horizon's steps."""
    model: Any = field(init=False)
    """Its integer columns by slot."""

    @property
    def value(self) -> float | None:
        """First goal of the best plan with stock credited, without the constant."""
        return None if self.best is None else self.best.value

    @property
    def tolerance(self) -> float:
        """Distance between plan and bound that is due to the solver's tolerances on levels."""
        return EXACT * max(abs(self.value or 0.0), 1.0)

    def offer(self, values: np.ndarray, *, anyway: bool = False) -> bool:
        """Store a solution of the model on the steps if it is better than the best one; return whether it was stored.

        Args:
            values: solution by column.
            anyway: store it even if it is not better.
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
            self.report()
        return True
