"""State of a search: best plan, bound and clock. Every plan is evaluated here by recomputation.

A site with many assets makes every program of heats large, although most of it hardly depends on them. So heats are
planned against a ``PricedSite``: the site with its assets fixed as in the best plan so far, import priced as usual and
the line's output priced at its value there. Then the assets are planned for the heats (``Search.flows``), and so on in
turn. Bounds are proven for the whole problem.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from emberline.models.formulations.site.objective import Aim
from emberline.models.problem.assignment import (
    Starts,
    extra_mwh,
    line_cells,
    line_gives,
    mistakes,
    site_cells,
)
from emberline.models.problem.flows import TIME_LIMIT_S, Flows
from emberline.models.problem.line import GradeCap, SlotProblem
from emberline.models.problem.site import SiteData
from emberline.models.search.record import Record
from emberline.models.search.tuning import LINE_AND_SITE
from emberline.scenarios import effort
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.metrics import CARBON, METRICS


@dataclass(frozen=True)
class PricedSite:
    """Site and aim with which heats are planned."""

    data: SiteData
    aim: Aim


def priced_site_around(
    data: SiteData, aim: Aim, flows: Flows, worth: dict[str, np.ndarray], gives: dict[str, np.ndarray]
) -> PricedSite:
    """Return the priced site around the flows of a site.

    Args:
        data: the site.
        aim: aim of the search.
        flows: present flows of the site.
        worth: value of an extra unit of a carrier in each slot, by both goals as one.
        gives: present output of the line by carrier and slot.
    """
    supply = np.zeros(len(data.base)) if flows.hub is None else flows.hub.delivered(ELECTRICITY)
    base, pv = data.base + flows.charge - flows.discharge - supply, data.pv
    if not data.curtails_within:
        base, pv = base - flows.pv, np.zeros(len(base))
    prices = {carrier: worth[carrier] for carrier in gives if carrier in worth and np.abs(worth[carrier]).any()}
    site = replace(data, base=base, pv=pv, battery=None, hub=None, whole=True, given_worth=(aim.first, prices))
    # cost and emissions of the assets are not part of the figures of its ports
    meter = flows.meter_mw * data.meter_min / 60
    more = 0.0 if data.purchase is None else data.purchase.cost(flows.imported, meter)
    more -= float(flows.exported @ data.export_price)
    totals = {
        name: float(flows.imported @ weight) + (more if METRICS[name].money else 0.0)
        for name, weight in data.per_mwh.items()
    }
    totals[aim.first] -= sum(float(amount @ gives[carrier]) for carrier, amount in prices.items())
    tops = {name: top - (flows.totals[name] - totals[name]) for name, top in aim.tops.items()}
    more_kg = flows.totals[CARBON] - totals[CARBON]
    grades = tuple(replace(cap, top_kg=cap.top_kg - cap.mass_share * more_kg) for cap in aim.grades)
    return PricedSite(site, replace(aim, tops=tops, grades=grades))


@dataclass
class Search(Record):
    """State of a search: best plan, bound and clock. Moves are accepted on recomputed figures only."""

    problem: SlotProblem
    data: SiteData
    aim: Aim
    dispatching: Callable[[SiteData, Aim], Any]
    """Factory of dispatchers, which optimize a site under a load (``models/formulations/site/dispatch.py``)."""
    best: Starts | None = effort.shared(None)
    best_flows: Flows | None = effort.shared(None)
    draft: Starts | None = None
    """Plan to continue from: the best one, or a better one that still breaks the import limit or a cap."""
    draft_rank: float = math.inf
    draft_flows: Flows | None = None
    """Flows of the site under the last draft."""
    priced_site: PricedSite | None = None
    """Site with its assets fixed, if it has any."""
    proving: bool = True
    """Whether a bound is required."""
    coarser: Callable[[Search], Search] | None = None
    """Factory of a search on a coarser grid, whose plan serves as a first plan; None: the grid is coarse enough."""
    load_worth: np.ndarray | None = effort.shared(None)
    """Value of a MWh that the line draws, by cell, from the multipliers of the best bound; shape (n_cells,)."""
    memory: dict[str, Any] = field(default_factory=dict)
    """State that heuristics keep between their calls, by their names."""
    _reported: Starts | None = None
    study: Any = None
    """Store of the bound's solver for the next search (``models/search/warm_start.py``); None: nothing is stored."""

    def inner(self, problem: SlotProblem, limit: float, gap: float, **changes: Any) -> Search:
        """Return a search within this one that reports and proves nothing.

        Args:
            problem: line of the search.
            limit: work of the search.
            gap: gap of the search.
            **changes: ``data``, ``aim`` or ``cancel`` if they differ from those of this search.
        """
        settings = {"data": self.data, "aim": self.aim, "cancel": self.cancel, **changes}
        return Search(problem=problem, limit=limit, gap=gap, proving=False, dispatching=self.dispatching, **settings)

    @property
    def value(self) -> float | None:
        """First goal of the best plan, without the constant."""
        return None if self.best_flows is None else self.aim.value(self.best_flows)

    @property
    def by_load(self) -> bool:
        """Whether the value of a plan follows from the line's load alone."""
        return self.data.battery is None and self.data.hub is None and self.data.purchase is None

    def offer(self, starts: Starts, *, capped: bool = True) -> bool:
        """Evaluate a plan by recomputation, and store it if it is feasible and better.

        Args:
            starts: the plan.
            capped: whether the caps on cost and carbon must hold.

        Returns:
            Whether the search has a better plan to continue from, acceptable or not.
        """
        if mistakes(self.problem, starts):
            return False
        flows = self.flows(starts)
        if flows is None:
            return False
        rank = self.aim.rank(flows)
        broken = self._broken_grades(starts, flows) if capped else 0.0
        acceptable = flows.over_mwh == 0 and broken == 0 and (not capped or self.aim.keeps_caps(flows))
        if acceptable and (self.best_flows is None or rank < self.aim.rank(self.best_flows) - 1e-9):
            self.best, self.best_flows = starts, flows
            self._hold(starts, flows)
            self.report()
        rank = rank if acceptable else self.aim.draft_rank(self.data, flows) + broken
        if rank < self.draft_rank - 1e-9 * abs(self.draft_rank if math.isfinite(self.draft_rank) else 0.0) - 1e-9:
            self.draft, self.draft_rank, self.draft_flows = starts, rank, flows
            return True
        return False

    def news(self) -> dict[str, Any]:
        """Return the best plan if it is new: heat, stage (as number), unit and start [min] of each operation."""
        best, problem = self.best, self.problem
        if best is None or best is self._reported:
            return {}
        self._reported = best
        rows = [
            (problem.heats[h].name, stage, problem.units[u], minute) for h, stage, u, minute in best.operations(problem)
        ]
        return {"operations": rows}

    def keeps_caps(self, starts: Starts, flows: Flows) -> bool:
        """Return whether a plan keeps all caps, including those on grades."""
        return self.aim.keeps_caps(flows) and not self._broken_grades(starts, flows)

    def _broken_grades(self, starts: Starts, flows: Flows) -> float:
        """Return the penalty for broken caps on grades."""
        prices = self.aim.grade_prices(self.data) if self.aim.grades else []
        return sum(price * cap.excess_kg(self.carried_kg(cap, starts, flows)) for cap, price in prices)

    def carried_kg(self, cap: GradeCap, starts: Starts, flows: Flows) -> float:
        """Return the emissions of a grade under a plan, without scope 1 [kg CO2e] (``models/problem/constants.py``)."""
        shares = cap.weights(self.problem)
        cells = line_cells(self.problem, starts, extra_mwh(self.problem, starts), shares=shares)
        mixed = self.data.average * flows.import_share()
        return cap.mass_share * flows.totals[CARBON] + float(self.problem.on_steps(cells) @ mixed)

    @property
    def mixed(self) -> np.ndarray:
        """Carbon intensity of the site's electricity under the last draft, shape (n_slots,) [kg/MWh]."""
        return self.data.average * (1.0 if self.draft_flows is None else self.draft_flows.import_share())

    def _hold(self, starts: Starts, flows: Flows) -> None:
        """Plan heats around the present use of the assets."""
        if self.data.hub is not None:
            gives = line_gives(self.problem, starts)
            self.priced_site = priced_site_around(self.data, self.aim, flows, self._dispatcher.worth(), gives)

    @property
    def planning(self) -> PricedSite:
        """Site and aim with which heats are planned."""
        return self.priced_site or PricedSite(self.data, self.aim)

    @contextmanager
    def afresh(self) -> Iterator[None]:
        """Search from another starting point; afterwards the better of both drafts is used."""
        previous = self.draft, self.draft_rank
        self.draft, self.draft_rank = None, math.inf
        yield
        if previous[1] < self.draft_rank:
            self.draft, self.draft_rank = previous

    def flows(self, starts: Starts) -> Flows | None:
        """Return the flows of a plan with the best use of the site; None if the site cannot supply it in time."""
        # a plan is evaluated even if no time is left; with negative prices this can take long, so it is limited
        return self._flows(self._dispatcher, starts, min(max(self.remaining / 10, 1.0), TIME_LIMIT_S), self.cancel)

    def settled(self, starts: Starts, limit: float) -> Flows | None:
        """Return the flows of a plan with the present ``data``, within some seconds; a cancelled search gets extra time
        because it has no plan otherwise."""
        cancelled_at = math.inf

        def over() -> bool:
            nonlocal cancelled_at
            if self.cancel():
                cancelled_at = min(cancelled_at, time.perf_counter())
            return time.perf_counter() - cancelled_at > LINE_AND_SITE.settle_work

        return self._flows(self.dispatching(self.data, self.aim), starts, limit, over)

    def _flows(self, site: Any, starts: Starts, limit: float, cancel: Callable[[], bool]) -> Flows | None:
        cells, gives = site_cells(self.problem, starts, self.data.n_cells), line_gives(self.problem, starts)
        flows: Flows | None = site.flows(cells, work=limit, cancel=cancel, line_gives=gives)
        return flows

    @cached_property
    def _dispatcher(self) -> Any:
        return self.dispatching(self.data, self.aim)
