"""Pooled starts: heats that are alike are counted, not named.

``Y[s, k, c, t]`` is how many heats of pool k have started at stage s, on units of class c, by slot t: non-decreasing.
Identical units are pooled: Σ Y(t) − Y(t−p) ≤ units available. At the leading stage, which draws most, each group of
heats that are alike in every respect is a pool with whole starts; at the other stages all groups that hold a unit for
the same time with the same power share one. Precedence and longest wait tie counts to those of the leading stage,
Y'(t) ≤ Y(t−least) and Y'(t) ≥ Y(t−most). A cast is one binary for each caster and start slot; it takes its heats at
their offsets. (Cumulative form of the resource-task network: Castro, Sun, Harjunkoski, IECR 2013.)

With the shortest lags between any two units the model is a relaxation, and so the optimum of its relaxation bounds
every plan. Made of heats that are averaged (``models/problem/averaging.py``) it is small and says where a plan lies.
"""

from __future__ import annotations

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line import load
from emberline.models.formulations.line.pooled import casts, counts, limit_cuts, reheating
from emberline.models.formulations.site import balance as site_model
from emberline.models.formulations.site.balance import Ports
from emberline.models.kernel import running_sum
from emberline.models.kernel.arrays import Variable
from emberline.models.kernel.banded_rows import Terms
from emberline.models.problem.aggregation import Pools
from emberline.models.problem.line_reader import SlotProblem
from emberline.models.problem.site import SiteData


class Pooled(Pools):
    """The pooled model of a line with its site, and what it is made of."""

    def __init__(
        self, problem: SlotProblem, data: SiteData, *, bounding: bool, whole_total: bool = False, cuts: bool = True
    ) -> None:
        """Build the model.

        Args:
            problem: the line.
            data: the site.
            bounding: leave out what only a plan must keep.
            whole_total: ask for whole starts of the leading stage in total only, not of each pool.
            cuts: add what the import limit means for starts on slots, which need not hold between them.
        """
        super().__init__(problem, bounding=bounding)
        self.data, self.whole_total, self.cuts = data, whole_total, cuts
        self.casting, self.queues = casts.Casting(self), reheating.Queues(self)
        self.model = m = pyo.ConcreteModel()
        m.T = pyo.RangeSet(0, self.n - 1)
        counts.add(m, self, whole_total=whole_total)
        self.possible &= casts.add(m, self.casting)
        if not self.possible:
            return
        counts.chain(m, self)
        if problem.campaign:
            casts.feed(m, self.casting)
        if self.queues.pools:
            reheating.add(m, self.queues)
        self.ports = self._power()

    @property
    def batches(self) -> dict[int, list[int]]:
        """Casts that are placed together, by the first of them."""
        return self.casting.batches

    @property
    def reheating_exact(self) -> bool:
        """Whether the model says exactly what reheating draws."""
        return self.queues.exact

    def _power(self) -> Ports:
        """Energy of the line by cell, and the site."""
        m, problem = self.model, self.problem
        per = problem.cells_per_slot
        draws = [self._counted(), self._cast(), *self._reheated(), *self._idle()]
        load.add(m, problem, draws)
        m.site, m.gives = pyo.Block(), pyo.Block()
        ports = site_model.add(
            m.site,
            self.data,
            lambda c, t: m.line[c],
            lambda t: sum([m.line[t * per + k] for k in range(per)]),
            exclusive=not self.bounding,
            line_gives=load.give(m.gives, problem, draws),
        )
        if self.cuts:
            started = problem.fixed_cells + problem.under_way
            limit_cuts.add(m, self, self.data, self.queues.full_cells, self.casting.runs(), started)
        return ports

    def _counted(self) -> load.Draws:
        """What counted starts draw, on differences of the count, so that constant power telescopes.

        A start at t draws cells[k] in cell t·per+k; the count's coefficient is that less a start one slot later.
        """
        per = self.problem.cells_per_slot
        draws = load.Draws(self.problem, self.model.Y, 4)
        for (s, k), classes in self.able.items():
            for c in classes:
                cells, sure = self.cells(s, k, c), np.zeros(0)
                draws.add_energies((s, k, c), _steps(cells, per), s)
                if (s, k) in self.queues.sure_mwh:
                    # what makes good the waiting that no plan avoids
                    sure = self.queues.reheating(s, k, self.queues.sure_mwh[s, k])
                    draws.add_energies((s, k, c), _steps(sure, per))
        return draws

    def _cast(self) -> load.Draws:
        per, changes = self.problem.cells_per_slot, Terms(self.n, 3)
        for (c, column), slots in self.casting.runs().items():
            cast = self.problem.casts[c]
            running_sum.profile(changes, 0, (c, column), cast.cells[cast.units[column]], slots, per)
        # a cell goes on from the one before, the first of a slot from the last of the slot before
        previous = {j: (j - 1, 0) if j else (per - 1, 1) for j in range(per)}
        self.model.casting = pyo.Block()
        draws = load.Draws(self.problem, running_sum.add(self.model.casting, self.model.z, changes, previous), 2)
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
        """A bound lets units draw anything when idle: what serves best, so nothing unless a price is negative."""
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
