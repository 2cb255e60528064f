"""A list of heats kept as it is, and the site around it used as well as can be.

With the starts fixed the line's load is given, and what is left is a small program of the site alone: seconds where a
search of heats takes minutes. So many sites can be compared under the same heats, and many heats on the same site.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.dispatch import Dispatcher, columns, dispatcher
from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.assignment import from_schedule, idle_column, line_gives, load_cells
from emberline.models.problem.flows import SETTLE_SHARE, Flows
from emberline.models.search.schedule import empty, stamped
from emberline.scenarios import Case

__all__ = ["Redispatch", "Redispatched"]

GAP = 1e-4
"""Relative gap on the goal at which a use of the site counts as proven best; the solver is asked for less."""
HEATS = ("start_min", "end_min", "unit", "extra_mwh")
"""What of a schedule tells of its heats."""


@dataclass(frozen=True)
class Redispatched:
    """The best use of a site that was found for some heats."""

    schedule: xr.Dataset | None
    """A dataset of table ``SCHEDULE``; None where the site cannot do what is asked of it."""
    status: str
    """``within gap``, ``best found`` or ``no plan``."""
    rank: float = math.inf
    """Both goals as one, to compare with others of the same site."""
    slack: float | None = None
    """By how much better the site might be used at most, heats as they are, in the goal's measure; None: not known."""
    reason: str = ""


@dataclass(frozen=True)
class _Load:
    """What some heats draw and give."""

    cells: np.ndarray
    gives: dict[str, np.ndarray]
    idle: dict[str, tuple[str, np.ndarray]]
    """Part of it that is drawn outside work, as a variable of the schedule."""


class Redispatch:
    """A site made ready for any number of lists of heats."""

    def __init__(self, scenario: Case, envelope: xr.Dataset, baseline: xr.Dataset | None) -> None:
        """Read the site.

        Args:
            scenario: with its site and goal.
            envelope: as for ``emberline.models.optimize``.
            baseline: its list on this site, which the cap on extra cost counts from; None: that cap does not hold.
        """
        self.scenario, self.envelope = scenario, envelope
        self.problem = line_reader.from_scenario(scenario, envelope)
        self.data = sites.read(scenario, envelope)
        self.aim = aims.of(scenario, envelope, self.data, baseline)
        self._dispatchers: dict[bool, Dispatcher] = {}

    def least(self, heats: xr.Dataset) -> float:
        """A bound on ``rank`` for some heats, machines on in part.

        Infinite where the site cannot do what is asked of it, the import limit kept.
        """
        load = self._load(heats)
        flows = None if load is None else self._flows(load, whole=False)
        return math.inf if flows is None or flows.over_mwh > 0 else self._rank(flows)

    def best(self, heats: xr.Dataset) -> Redispatched:
        """The best use of the site for the heats of a schedule."""
        load = self._load(heats)
        if load is None:
            return Redispatched(None, "no plan", reason="the heats do not lie on the model's slots")
        flows = self._flows(load, whole=True)
        if flows is None:
            return Redispatched(None, "no plan", reason="the site cannot do what is asked of it")
        data = empty(self.scenario).assign({name: heats[name] for name in HEATS})
        data = data.assign(columns(self.scenario, self.data, flows, self.problem.on_slots(load.cells)))
        data = data.assign(load.idle)
        slack = self._slack(flows)
        scale = max(abs(self.aim.value(flows)), 1e-9)
        status = "within gap" if slack is not None and slack <= GAP * scale else "best found"
        value = self.aim.value(flows)
        data = stamped(
            data, self.scenario, status, "", objective=value, bound=None if slack is None else value - slack,
            gap=None if slack is None else slack / scale, constant=self.aim.constant,
        )  # fmt: skip
        reason = ""
        if flows.over_mwh > 0:
            reason = f"draws {flows.over_mwh:.3g} MWh above the import limit"
        elif not self.aim.keeps_caps(flows):
            reason = "breaks a cap of the goal"
        return Redispatched(data, status, self._rank(flows), slack, reason)

    def _load(self, heats: xr.Dataset) -> _Load | None:
        starts = from_schedule(self.problem, heats)
        if starts is None:
            return None
        problem = self.problem
        return _Load(load_cells(problem, starts), line_gives(problem, starts), idle_column(problem, starts))

    def _flows(self, load: _Load, *, whole: bool) -> Flows | None:
        if whole not in self._dispatchers:
            data = replace(self.data, whole=whole)
            self._dispatchers[whole] = dispatcher(data, self.aim)
        limit = SETTLE_SHARE * self.scenario.goal.budget
        return self._dispatchers[whole].flows(load.cells, work=limit, line_gives=load.gives)

    def _rank(self, flows: Flows) -> float:
        return self.aim.draft_rank(self.data, flows)

    def _slack(self, flows: Flows) -> float | None:
        """What the solver has left open, from its own figures of the last run."""
        return self._dispatchers[True].slack()
