"""Heat lost in queues before the reheating stage of a pooled model, and what making it good draws.

``wait[d, t]`` counts heats that are ready for the reheating stage in slot t, on the quickest way, and begin there d
slots later; these slots of waiting go into the reheating, exactly where heats are alike. Where masses or units'
durations differ the lightest heat and the slowest unit count, so that a bound holds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.pooled.counts import count
from emberline.models.kernel.arrays import Variable, constraint
from emberline.models.kernel.banded_rows import Stretches, Terms, weighed
from emberline.models.problem.aggregation import Pools
from emberline.models.problem.line_reader import even_cells

LONGEST_QUEUE_MIN = 180
"""Longest wait before reheating that a pooled plan reckons with."""


class Queues:
    """Pools that wait before they are reheated, and how their heat is lost."""

    def __init__(self, line: Pools) -> None:
        self.line, problem = line, line.problem
        self.rate = problem.reheat_kwh_per_t_min / 1000
        self.pools = [(s, k) for s, k in line.able if all(self._reheated(g, s) for g in line.pools[s][k])]
        lossy = [heat for heat in problem.heats if heat.reheat is not None and self.rate]
        self.exact = not lossy
        """Whether the model says exactly what reheating draws."""
        self.ready: list[tuple[int, int]] = []
        """Pool at the leading stage, and least slots from there to the reheating stage."""
        self.sure_mwh: dict[tuple[int, int], float] = {}
        """By pool: what makes good the waiting that no plan avoids, for each heat."""
        self.span, self.short, self.mass = 0, 0.0, math.inf
        """Slots of waiting at most, minutes of them that lose nothing, mass of a heat [t]."""
        if self.rate == 0 or not self.pools:
            self.pools = []
            return
        waits, leading = {}, line.lead_pool
        for s, k in self.pools:
            least_wait = math.inf
            for g in line.pools[s][k]:
                heat, (lag, most) = line.heat_of(g), line.apart(g, line.lead, s)
                self.ready.append((leading[g], lag))
                lossless = heat.lossless_min(line.place(g, line.lead), line.place(g, s), slowest=True)
                rest = lag * problem.step_min - lossless
                least_wait, self.short = min(least_wait, max(rest, 0.0)), max(self.short, -rest)
                self.span, self.mass = max(self.span, most - lag), min(self.mass, heat.mass_t)
            waits[s, k] = least_wait
        self.sure_mwh = {key: self.rate * self.mass * wait for key, wait in waits.items()}
        self.exact = (
            self.short <= 0
            and len({heat.mass_t for heat in lossy}) == 1
            and sum(line.size(s, k) for s, k in self.pools) == len(lossy)
            and all(heat.operations[0].stage == line.lead for heat in lossy)
            and all(len(set(o.minutes.values())) == 1 for heat in lossy for o in heat.operations[: heat.reheat])
        )
        if not line.bounding:
            self.span = min(self.span, math.ceil(LONGEST_QUEUE_MIN / problem.step_min))

    def _reheated(self, g: int, stage: int) -> bool:
        """Whether a stage reheats the heats of a group, which have the leading stage before them."""
        line, heat = self.line, self.line.heat_of(g)
        i, j = line.operation_at(heat, line.lead), line.operation_at(heat, stage)
        return i is not None and j is not None and j == heat.reheat and i < j

    def lost_mwh(self, slots: int) -> float:
        """What makes good so many slots of waiting of a heat."""
        return self.rate * self.mass * max(slots * self.line.problem.step_min - self.short, 0.0)

    def reheating(self, s: int, k: int, energy: float) -> np.ndarray:
        """Energy by cell from the start of the reheating stage on [MWh]."""
        return energy * even_cells(self.line.problem, max(self.line.operation(s, k).minutes.values()))

    def full_cells(self, s: int, k: int, c: int) -> np.ndarray:
        """Energy by cell of a pool's operation on a class of units, with reheating that no plan avoids [MWh]."""
        cells, sure = self.line.cells(s, k, c), self.sure_mwh.get((s, k), 0.0)
        if sure:
            more = self.reheating(s, k, sure)
            size = max(len(more), len(cells))
            cells = np.pad(cells, (0, size - len(cells))) + np.pad(more, (0, size - len(more)))
        return cells


def add(m: pyo.ConcreteModel, queues: Queues) -> None:
    """Add heats that wait, ``wait[d, t]``: d slots from slot t on, and ``owed[s, k, t]``: reheating from t on [MWh]."""
    line, n, pools = queues.line, queues.line.n, queues.pools
    waits = range(min(queues.span, n - 1) + 1)
    m.WAIT = pyo.Set(initialize=[(d, t) for d in waits for t in range(n - d)], dimen=2)
    m.wait = Variable(m.WAIT, domain=pyo.NonNegativeReals)
    m.QUEUE = pyo.Set(initialize=[(*key, t) for key in pools for t in range(n)], dimen=3)
    m.owed = Variable(m.QUEUE, domain=pyo.NonNegativeReals)
    onward, back, lossy, owed = Terms(n, 2), Terms(n, 2), Terms(n, 2), Terms(n, 3)
    for d in waits:
        slots = [(0, n - 1 - d)]
        onward.lagged((), (d,), 0, 1, slots)
        back.lagged((), (d,), d, 1, slots)
        if queues.lost_mwh(d):
            lossy.lagged((), (d,), d, queues.lost_mwh(d), slots)
    ready, starts, bounds = Terms(n, 4), Terms(n, 4), Terms(n, 4)
    most = queues.rate * queues.mass * queues.span * line.problem.step_min
    for k, lag in queues.ready:
        _counts(ready, (), line, (line.lead, k), lag, 1)
    for key in pools:
        _counts(starts, (), line, key, 0, 1)
        _counts(bounds, key, line, key, 0, most)
        owed.lagged((), key, 0, 1)
    m.arrives, m.begins, m.owes = pyo.Block(), pyo.Block(), pyo.Block()
    _balanced(m.arrives, m.wait, onward, m.Y, ready)
    _balanced(m.begins, m.wait, back, m.Y, starts)
    _balanced(m.owes, m.owed, owed, m.wait, lossy)
    stretches = Stretches.of({key: range(n) for key in pools}, bounds)
    m.OWING, m.BOUND = stretches.rows(), stretches.set()

    @constraint(m, m.OWING)
    def owes_at_most(m: Any, s: int, k: int, stretch: int, t: int) -> Any:
        return m.owed[s, k, t] <= weighed(m.Y, m.BOUND[s, k, stretch], t)


def _counts(terms: Terms, row: tuple[Any, ...], line: Pools, pool: tuple[int, int], lag: int, weight: float) -> None:
    """Heats of a pool that start in the slot that lies some slots before."""
    count(terms, row, line, pool, lag, weight)
    count(terms, row, line, pool, lag + 1, -weight)


def _balanced(block: pyo.Block, lhs: pyo.Var, some: Terms, rhs: pyo.Var, others: Terms) -> None:
    """In each slot the terms of one variable come to those of another."""
    stretches = Stretches.of({(): range(some.n_slots)}, some, others)
    block.PLACE, block.LHS, block.RHS = stretches.rows(), stretches.set(0), stretches.set(1)

    @constraint(block, block.PLACE)
    def balance(b: Any, stretch: int, t: int) -> Any:
        return weighed(lhs, b.LHS[stretch], t) == weighed(rhs, b.RHS[stretch], t)
