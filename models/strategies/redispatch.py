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
from emberline.models.formulations.site.dispatch import Dispatcher
from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.assignment import Starts, from_schedule, line_gives, site_cells
from emberline.models.problem.flows import SETTLE_SHARE, Flows
from emberline.models.problem.line import SlotProblem
from emberline.models.search.schedule import filled, stamped
from emberline.scenarios import Case

__all__ = ["Redispatch", "Redispatched"]

GAP = 1e-4
"""Relative gap on the goal at which a use of the site counts as proven best; the solver is asked for less."""


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
    broken: tuple[str, ...] = ()
    """Metrics above their caps."""


@dataclass(frozen=True)
class _Heats:
    """Some heats on the line, and what they draw and give."""

    problem: SlotProblem
    starts: Starts
    cells: np.ndarray
    """Of the site."""
    gives: dict[str, np.ndarray]


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
        self.data = sites.read(scenario, envelope)
        self.aim = aims.of(scenario, envelope, self.data, baseline)
        self._dispatchers: dict[bool, Dispatcher] = {}
        self._lines: dict[float | None, SlotProblem] = {}
        """By the moments on which starts lie."""

    def least(self, heats: xr.Dataset) -> float:
        """A bound on ``rank`` for some heats, machines on in part.

        Infinite where the site cannot do what is asked of it, the import limit kept.
        """
        placed = self._placed(heats)
        flows = None if placed is None else self._flows(placed, whole=False)
        return math.inf if flows is None or flows.over_mwh > 0 else self._rank(flows)

    def best(self, heats: xr.Dataset) -> Redispatched:
        """The best use of the site for the heats of a schedule."""
        placed = self._placed(heats)
        if placed is None:
            return Redispatched(None, "no plan", reason="the heats do not lie on the model's slots")
        flows = self._flows(placed, whole=True)
        if flows is None:
            return Redispatched(None, "no plan", reason="the site cannot do what is asked of it")
        data = filled(self.scenario, self.envelope, placed.problem, self.data, placed.starts, flows)
        slack = self._dispatchers[True].slack()
        scale = max(abs(self.aim.value(flows)), 1e-9)
        status = "within gap" if slack is not None and slack <= GAP * scale else "best found"
        value = self.aim.value(flows)
        data = stamped(
            data, self.scenario, status, "", objective=value, bound=None if slack is None else value - slack,
            gap=None if slack is None else slack / scale, constant=self.aim.constant,
            **{name: heats.attrs[name] for name in ("grid_min",) if name in heats.attrs},
        )  # fmt: skip
        reason = ""
        if flows.over_mwh > 0:
            reason = f"draws {flows.over_mwh:.3g} MWh above the import limit"
        elif not self.aim.keeps_caps(flows):
            reason = "breaks a cap of the goal"
        return Redispatched(data, status, self._rank(flows), slack, reason, self.aim.broken(flows))

    def _placed(self, heats: xr.Dataset) -> _Heats | None:
        moments = heats.attrs.get("grid_min")
        if moments not in self._lines:
            self._lines[moments] = line_reader.from_scenario(self.scenario, self.envelope, like=heats)
        problem = self._lines[moments]
        starts = from_schedule(problem, heats)
        if starts is None:
            return None
        cells = site_cells(problem, starts, self.data.n_cells)
        return _Heats(problem, starts, cells, line_gives(problem, starts))

    def _flows(self, placed: _Heats, *, whole: bool) -> Flows | None:
        if whole not in self._dispatchers:
            data = replace(self.data, whole=whole)
            self._dispatchers[whole] = Dispatcher(data, self.aim)
        limit = SETTLE_SHARE * self.scenario.goal.budget
        return self._dispatchers[whole].flows(placed.cells, work=limit, line_gives=placed.gives)

    def _rank(self, flows: Flows) -> float:
        return self.aim.draft_rank(self.data, flows)
