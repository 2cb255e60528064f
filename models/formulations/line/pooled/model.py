"""Pooled starts: identical heats are counted, not named.

``Y[s, k, c, t]`` is the number of heats of pool k that have started at stage s, on units of class c, by slot t; it
never decreases. Identical units are pooled: Σ Y(t) − Y(t−p) ≤ units available. At the leading stage, which draws most
energy, each group of identical heats is a pool with integer starts; at the other stages all groups that occupy a unit
for the same time with the same power share one. Precedence and longest wait tie counts to those of the leading stage,
Y'(t) ≤ Y(t−least) and Y'(t) ≥ Y(t−most). A cast is one binary for each caster and start slot; it takes its heats at
their offsets. (Cumulative form of the resource-task network: Castro, Sun, Harjunkoski, IECR 2013.)

``wait[d, t]`` is the number of heats that are ready for the reheating stage in slot t, on the quickest route, and start
there d slots later; these slots of waiting determine the reheating, exactly if heats are identical. If masses or
durations differ by heat or unit, the lightest heat and the slowest unit count, so that a bound stays valid.

With the shortest lags between any two units the model is a relaxation, so that the optimum of its linear relaxation
bounds every plan. With averaged heats (``models/problem/aggregation.py``) it is small and shows where a plan lies.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line import load
from emberline.models.formulations.line.pooled import counts, limit_cuts
from emberline.models.formulations.line.pooled.counts import count
from emberline.models.formulations.site import balance as site_model
from emberline.models.formulations.site.balance import Ports
from emberline.models.kernel.arrays import Variable
from emberline.models.kernel.banded_rows import Terms, banded, profile, running_sum
from emberline.models.problem.aggregation import Pools
from emberline.models.problem.line import SlotProblem, even_cells
from emberline.models.problem.site import SiteData

LONGEST_QUEUE_MIN = 180
"""Longest wait before reheating in a pooled plan [min]."""


class Queues:
    """Pools that wait before they are reheated, and their heat loss."""

    def __init__(self, line: Pools) -> None:
        self.line, problem = line, line.problem
        self.rate = problem.reheat_kwh_per_t_min / 1000
        self.pools = [(s, k) for s, k in line.able if all(self._reheated(g, s) for g in line.pools[s][k])]
        lossy = [heat for heat in problem.heats if heat.reheat is not None and self.rate]
        self.exact = not lossy
        """Whether the model of reheating is exact."""
        self.ready: list[tuple[int, int]] = []
        """Pool at the leading stage, and minimum slots from there to the reheating stage."""
        self.sure_mwh: dict[tuple[int, int], float] = {}
        """Reheating for the waiting that no plan avoids, per heat, by pool [MWh]."""
        self.span, self.short, self.mass = 0, 0.0, math.inf
        """Maximum slots of waiting, minutes of them without heat loss, mass of a heat [t]."""
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
                remaining = lag * problem.step_min - lossless
                least_wait, self.short = min(least_wait, max(remaining, 0.0)), max(self.short, -remaining)
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
        """Return whether a stage reheats the heats of a group, which have the leading stage before it."""
        line, heat = self.line, self.line.heat_of(g)
        i, j = line.operation_at(heat, line.lead), line.operation_at(heat, stage)
        return i is not None and j is not None and j == heat.reheat and i < j

    def lost_mwh(self, slots: int) -> float:
        """Return the energy that replaces the heat lost in some slots of waiting [MWh]."""
        return self.rate * self.mass * max(slots * self.line.problem.step_min - self.short, 0.0)

    def reheating(self, s: int, k: int, energy: float) -> np.ndarray:
        """Return the energy by cell from the start of the reheating stage on [MWh]."""
        return energy * even_cells(self.line.problem, max(self.line.operation(s, k).minutes.values()))

    def full_cells(self, s: int, k: int, c: int) -> np.ndarray:
        """Return the energy by cell of a pool's operation on a class of units, with unavoidable reheating [MWh]."""
        cells, sure = self.line.cells(s, k, c), self.sure_mwh.get((s, k), 0.0)
        if sure:
            more = self.reheating(s, k, sure)
            size = max(len(more), len(cells))
            cells = np.pad(cells, (0, size - len(cells))) + np.pad(more, (0, size - len(more)))
        return cells


def add_queues(m: pyo.ConcreteModel, queues: Queues) -> None:
    """Add waiting heats, ``wait[d, t]``: d slots from slot t on, and ``owed[s, k, t]``: reheating from t on [MWh]."""
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
        _starting(ready, (), line, (line.lead, k), lag, 1)
    for key in pools:
        _starting(starts, (), line, key, 0, 1)
        _starting(bounds, key, line, key, 0, most)
        owed.lagged((), key, 0, 1)
    m.arrives, m.begins, m.owes = pyo.Block(), pyo.Block(), pyo.Block()
    banded(m.arrives, {(): range(n)}, (m.wait, onward), (m.Y, ready))(_balance)
    banded(m.begins, {(): range(n)}, (m.wait, back), (m.Y, starts))(_balance)
    banded(m.owes, {(): range(n)}, (m.owed, owed), (m.wait, lossy))(_balance)

    @banded(m, {key: range(n) for key in pools}, (m.Y, bounds))
    def owes_at_most(m: Any, most_mwh: Any, s: int, k: int, t: int) -> Any:
        return m.owed[s, k, t] <= most_mwh


def _balance(block: Any, lhs: Any, rhs: Any, t: int) -> Any:
    return lhs == rhs


def _starting(terms: Terms, row: tuple[Any, ...], line: Pools, pool: tuple[int, int], lag: int, weight: float) -> None:
    """Add the heats of a pool that start some slots before the row's slot."""
    count(terms, row, line, pool, lag, weight)
    count(terms, row, line, pool, lag + 1, -weight)


class Pooled(Pools):
    """Pooled model of a line with its site, and its parts."""

    def __init__(
        self, problem: SlotProblem, data: SiteData, *, bounding: bool, whole_total: bool = False, cuts: bool = True
    ) -> None:
        """Build the model.

        Args:
            problem: the line.
            data: the site.
            bounding: leave out conditions that only a plan must satisfy.
            whole_total: require integer starts of the leading stage in total only, not for each pool.
            cuts: add the consequences of the import limit for starts on slots, which need not hold between slots.
        """
        super().__init__(problem, bounding=bounding)
        self.data, self.whole_total, self.cuts = data, whole_total, cuts
        self.casting, self.queues = counts.Casting(self), Queues(self)
        self.model = m = pyo.ConcreteModel()
        m.T = pyo.RangeSet(0, self.n - 1)
        counts.add_counts(m, self, whole_total=whole_total)
        self.possible &= counts.add_casts(m, self.casting)
        if not self.possible:
            return
        counts.chain(m, self)
        if problem.campaign:
            counts.feed(m, self.casting)
        if self.queues.pools:
            add_queues(m, self.queues)
        self.ports = self._power()

    def _power(self) -> Ports:
        """Add the energy of the line by cell, and the site."""
        m, problem = self.model, self.problem
        draws = [self._counted(), self._cast(), *self._reheated(), *self._idle()]
        load.add(m, problem, draws)
        m.site, m.gives = pyo.Block(), pyo.Block()
        energy, gives = site_model.of_cells(m.line, problem.cells_per_slot), load.give(m.gives, problem, draws)
        ports = site_model.add(m.site, self.data, *energy, exclusive=not self.bounding, line_gives=gives)
        if self.cuts:
            started = problem.fixed_cells + problem.under_way
            limit_cuts.add(m, self, self.data, self.queues.full_cells, self.casting.runs(), started)
        return ports

    def _counted(self) -> load.Draws:
        """Return the draws of counted starts, on differences of the count, so that constant power telescopes.

        A start at t draws cells[k] in cell t·per+k; the coefficient of the count is this minus a start one slot later.
        """
        per = self.problem.cells_per_slot
        draws = load.Draws(self.problem, self.model.Y, 4)
        for (s, k), classes in self.able.items():
            for c in classes:
                cells, sure = self.cells(s, k, c), np.zeros(0)
                draws.add_energies((s, k, c), _steps(cells, per), s)
                if (s, k) in self.queues.sure_mwh:
                    # reheating for the waiting that no plan avoids
                    sure = self.queues.reheating(s, k, self.queues.sure_mwh[s, k])
                    draws.add_energies((s, k, c), _steps(sure, per))
        return draws

    def _cast(self) -> load.Draws:
        per, changes = self.problem.cells_per_slot, Terms(self.n, 3)
        for (c, column), slots in self.casting.runs().items():
            cast = self.problem.casts[c]
            profile(changes, 0, (c, column), cast.cells[cast.units[column]], slots, per)
        # a cell continues from the one before, the first of a slot from the last of the slot before
        previous = {j: (j - 1, 0) if j else (per - 1, 1) for j in range(per)}
        self.model.casting = pyo.Block()
        draws = load.Draws(self.problem, running_sum(self.model.casting, self.model.z, changes, previous), 2)
        draws.level(len(self.problem.stage_units) - 1)
        return draws

    def _reheated(self) -> list[load.Draws]:
        if not self.queues.pools:
            return []
        draws = load.Draws(self.problem, self.model.owed, 3)
        for key in self.queues.pools:
            draws.add_energies(key, self.queues.reheating(*key, 1.0))
        return [draws]

    def _idle(self) -> list[load.Draws]:
        """Return a free draw of idle units for a bound, which is used only if a price is negative; empty for a plan."""
        m, problem = self.model, self.problem
        most_mw = sum(states.most_mw for states in problem.states.values()) if self.bounding else 0.0
        if not most_mw:
            return []
        m.idle = Variable(range(problem.cells_per_slot), m.T, bounds=(0, most_mw * problem.cell_min / 60))
        draws = load.Draws(problem, m.idle, 2)
        draws.level()
        return [draws]


def _steps(cells: np.ndarray, per: int) -> np.ndarray:
    return np.pad(cells, (0, per)) - np.pad(cells, (per, 0))
