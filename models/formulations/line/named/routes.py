"""Named heats by their routes: one column determines the units and times of all operations of a heat.

``x[h, 0, k, t]`` is 1 if heat h takes its k-th route from slot t on. Lags, waits and reheating are part of a column, so
that only units, casts and the site couple heats. The first of several identical heats represents all of them. If routes
are few, this proves in seconds what starts by stage prove in minutes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.load import Draws
from emberline.models.formulations.line.named import precedence
from emberline.models.formulations.line.named.model import Named
from emberline.models.kernel.arrays import support
from emberline.models.problem.assignment import Starts
from emberline.models.problem.routes import Route, groups_of, routes


class Routed(Named):
    """Model of heats by their routes, for lines without started work, energy states and output of carriers."""

    def _open(self) -> dict[tuple[int, int, int], list[int]]:
        self.groups = groups_of(self.problem)
        self.routes = {(h, k): route for h in self.groups for k, route in enumerate(routes(self.problem, h))}
        self._cells = {(h, k): route.cells(self.problem, h) for (h, k), route in self.routes.items()}
        return {(h, 0, 0): list[int]() for h in self.groups} | {(h, 0, k): r.first for (h, k), r in self.routes.items()}

    def copies(self, h: int) -> int:
        """Return the number of heats that the routes of a heat represent."""
        return len(self.groups[h])

    def cells(self, h: int, i: int, u: int) -> np.ndarray:
        """Return the energy by cell of a route [MWh]."""
        return self._cells[h, u]

    def _holds(self, h: int, i: int, u: int) -> Iterator[tuple[int, int, int]]:
        return self.routes[h, u].holds(self.problem.heats[h])

    def _precede(self) -> bool:
        """Add rows that require routes of a cast's heats that reach the place of the cast in time."""
        m, problem = self.model, self.problem
        x: precedence.Listed = {}
        z: precedence.Listed = {}
        for c, cast in enumerate(problem.casts):
            for h in cast.heats if problem.heats[cast.heats[0]].operations else ():
                heat = problem.heats[h]
                ends = [(k, *self._end(h, route)) for (lead, k), route in self.routes.items() if lead == h]
                for v, t in self.windows.cast[c]:
                    column = cast.units.index(v)
                    x[c, v, t, h] = [
                        (h, 0, k, s, -1)
                        for k, row, lag in ends
                        for s in self.routes[h, k].first
                        if heat.least[-1][row, column] <= t - s - lag <= heat.most[-1][row, column]
                    ]
                    z[c, v, t, h] = [(c, v, t, 1)]
        m.precedence = pyo.Block()
        precedence.at_most(m.precedence, m, list(x), x, z, dict.fromkeys(x, 0))
        return True

    def _end(self, h: int, route: Route) -> tuple[int, int]:
        """Return the unit of a route's last operation, by its place, and the slots to it."""
        return self.problem.heats[h].operations[-1].units.index(route.units[-1]), route.lags[-1]

    def _waits(self, starts: Draws) -> list[Draws]:
        return []

    def begin(self, starts: Starts) -> None:
        """Set the variables to a plan as a start."""
        m = self.model
        number = {(h, route.units, route.lags): k for (h, k), route in self.routes.items()}
        plan = set()
        for lead, members in self.groups.items():
            for h in members:
                first, *_ = starts.slot[h]
                lags = tuple(slot - first for slot in starts.slot[h])
                plan.add((lead, 0, number.get((lead, starts.unit[h], lags), -1), first))
        m.x.write("value", self._flags(m.START, lambda *key: key in plan))
        self._begin_casts(starts)

    def _places(self) -> dict[tuple[int, int], tuple[int, int]]:
        heats = {h: iter(members) for h, members in self.groups.items()}
        places = dict[tuple[int, int], tuple[int, int]]()
        for lead, _, k, t in support(self.model.x):
            h, route = next(heats[lead]), self.routes[lead, k]
            places |= {(h, i): (u, t + lag) for i, (u, lag) in enumerate(zip(route.units, route.lags, strict=True))}
        return places
