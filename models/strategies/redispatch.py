"""Redispatch: heats, or runs of processes, are kept, and the site around them is used as well as possible.

With production fixed its load is given, and only a small program of the site remains, which takes seconds where a
search for heats takes minutes. So many sites can be compared under the same production, and many productions on one
site.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import xarray as xr

from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.dispatch import Dispatcher, columns
from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.assignment import from_schedule, line_gives, site_cells
from emberline.models.problem.flows import SETTLE_SHARE, Flows
from emberline.models.problem.line import SlotProblem
from emberline.models.search.schedule import empty, filled, stamped
from emberline.scenarios import Case

__all__ = ["Redispatch", "Redispatched"]

OF_SITE = ("flow", "store", "machine", "carrier")
"""Dimensions of the site's variables in a schedule."""
GAP = 1e-4
"""Relative gap on the goal below which a use of the site counts as optimal; the solver's own gap is smaller."""


@dataclass(frozen=True)
class Redispatched:
    """Best use of a site that was found for given heats or runs."""

    schedule: xr.Dataset | None
    """A dataset of table ``SCHEDULE``; None if the site cannot supply the production."""
    status: str
    """``within gap``, ``best found`` or ``no plan``."""
    rank: float = math.inf
    """Both goals as one, for comparison with others of the same site."""
    slack: float | None = None
    """Largest possible improvement of the site's use for this production, in the goal's unit; None: not known."""
    reason: str = ""
    broken: tuple[str, ...] = ()
    """Metrics above their caps."""


@dataclass(frozen=True)
class _Production:
    """Heats or runs of a schedule, with their draw and output."""

    cells: np.ndarray
    """Energy on the cells of the site [MWh]."""
    gives: dict[str, np.ndarray]
    """Output by carrier and slot."""
    with_site: Callable[[Flows], xr.Dataset]
    """Function that returns the schedule with given flows of the site."""


class Redispatch:
    """A site that is prepared for any number of production schedules."""

    def __init__(self, scenario: Case, envelope: xr.Dataset, baseline: xr.Dataset | None) -> None:
        """Read the site.

        Args:
            scenario: scenario with its site and goal.
            envelope: as for ``emberline.models.optimize``.
            baseline: baseline schedule on this site, to which the cap on extra cost refers; None: it does not apply.
        """
        self.scenario, self.envelope = scenario, envelope
        self.data = sites.read(scenario, envelope)
        self.aim = aims.of(scenario, envelope, self.data, baseline)
        self._dispatchers: dict[bool, Dispatcher] = {}
        self._lines: dict[float | None, SlotProblem] = {}
        """Lines by the grid of their starts."""

    def least(self, schedule: xr.Dataset) -> float:
        """Return a lower bound on ``rank`` for given heats or runs, with machines partly on.

        Infinite if the site cannot supply the production within the import limit.
        """
        placed = self._placed(schedule)
        flows = None if placed is None else self._flows(placed, whole=False)
        return math.inf if flows is None or flows.over_mwh > 0 else self._rank(flows)

    def best(self, schedule: xr.Dataset) -> Redispatched:
        """Return the best use of the site for the heats or runs of a schedule."""
        placed = self._placed(schedule)
        if placed is None:
            return Redispatched(None, "no plan", reason="the heats do not lie on the model's slots")
        flows = self._flows(placed, whole=True)
        if flows is None:
            return Redispatched(None, "no plan", reason="the site cannot do what is asked of it")
        data = placed.with_site(flows)
        slack = self._dispatchers[True].slack()
        scale = max(abs(self.aim.value(flows)), 1e-9)
        status = "within gap" if slack is not None and slack <= GAP * scale else "best found"
        value = self.aim.value(flows)
        data = stamped(
            data, self.scenario, status, "", objective=value, bound=None if slack is None else value - slack,
            gap=None if slack is None else slack / scale, constant=self.aim.constant,
            **{name: schedule.attrs[name] for name in ("grid_min",) if name in schedule.attrs},
        )  # fmt: skip
        reason = ""
        if flows.over_mwh > 0:
            reason = f"draws {flows.over_mwh:.3g} MWh above the import limit"
        elif not self.aim.keeps_caps(flows):
            reason = "breaks a cap of the goal"
        return Redispatched(data, status, self._rank(flows), slack, reason, self.aim.broken(flows))

    def _placed(self, schedule: xr.Dataset) -> _Production | None:
        if any(producer.by_step for producer in self.scenario.producers):
            return self._runs(schedule)
        moments = schedule.attrs.get("grid_min")
        if moments not in self._lines:
            self._lines[moments] = line_reader.from_scenario(self.scenario, self.envelope, like=schedule)
        problem = self._lines[moments]
        starts = from_schedule(problem, schedule)
        if starts is None:
            return None
        cells = site_cells(problem, starts, self.data.n_cells)
        with_site = partial(filled, self.scenario, self.envelope, problem, self.data, starts)
        return _Production(cells, line_gives(problem, starts), with_site)

    def _runs(self, schedule: xr.Dataset) -> _Production:
        data = self.data
        line = schedule["line_mw"].to_numpy() * data.hours
        gives = {}
        if "line_rate" in schedule:
            rates = zip(schedule["given"].values.tolist(), schedule["line_rate"].to_numpy(), strict=True)
            gives = {carrier: rate * data.hours for carrier, rate in rates}
        others = schedule.drop_dims([dim for dim in OF_SITE if dim in schedule.dims]).drop_attrs(deep=False)

        def with_site(flows: Flows) -> xr.Dataset:
            site = columns(self.scenario, data, flows, line)
            return others.assign_coords(site.coords).assign(site).assign_attrs(empty(self.scenario).attrs)

        return _Production(np.repeat(line / data.cells_per_slot, data.cells_per_slot), gives, with_site)

    def _flows(self, placed: _Production, *, whole: bool) -> Flows | None:
        if whole not in self._dispatchers:
            data = replace(self.data, whole=whole)
            self._dispatchers[whole] = Dispatcher(data, self.aim)
        limit = SETTLE_SHARE * self.scenario.goal.budget
        return self._dispatchers[whole].flows(placed.cells, work=limit, line_gives=placed.gives)

    def _rank(self, flows: Flows) -> float:
        return self.aim.draft_rank(self.data, flows)
