"""The site as a linear program of its own, under any load of the line: what prices of that load prove of it.

The line is two families of columns, what it draws by cell and what it gives of each carrier by slot. Everything else is
the formulation that plans are dispatched with, whole numbers left out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.site import balance as site_model
from emberline.models.formulations.site.assets.ports import Linear, Row
from emberline.models.formulations.site.objective import Aim
from emberline.models.kernel.arrays import Variable, limit
from emberline.models.kernel.highs import Program
from emberline.models.kernel.templates import building
from emberline.models.problem.line_reader import SlotProblem, even_cells
from emberline.models.problem.site import SiteData


class SiteProgram:
    """The site's linear program, kept warm from one set of prices to the next."""

    def __init__(self, problem: SlotProblem, data: SiteData, aim: Aim) -> None:
        """Build and compile it."""
        self.carriers = list(problem.gives)
        n, per = problem.n_slots, problem.cells_per_slot
        self.most = most_cells(problem)
        """The most that the line can draw, by cell [MWh]."""
        model = pyo.ConcreteModel()
        with building():
            model.CELL = pyo.RangeSet(0, n * per - 1)
            model.line = Variable(model.CELL, domain=pyo.NonNegativeReals)
            limit(model.line, upper=self.most)
            model.gives = Variable(pyo.RangeSet(0, len(self.carriers) - 1), pyo.RangeSet(0, n - 1))
            if self.carriers:
                # no more than if all of it were drawn by the stage that gives most
                top = [float(np.abs(problem.gives[carrier]).max()) for carrier in self.carriers]
                fixed = [np.abs(problem.fixed_gives.get(carrier, 0.0)) for carrier in self.carriers]
                slots = problem.on_steps(self.most)
                highest = np.concatenate([one * slots + more for one, more in zip(top, fixed, strict=True)])
                limit(model.gives, lower=-highest, upper=highest)
            model.site = pyo.Block()
            ports = site_model.add(
                model.site,
                data,
                lambda c, t: model.line[c],
                lambda t: sum([model.line[t * per + k] for k in range(per)]),
                exclusive=False,
                line_gives={carrier: Linear(((Row(model.gives, k), 1.0),)) for k, carrier in enumerate(self.carriers)},
            )
            ports.keep(model, aim.tops)
            model.goal = pyo.Objective(rule=lambda m: aim.pure(ports))
            self.program = Program(model)
        self.line, self.gives = (self.program.columns_of(one) for one in (model.line, model.gives))
        """Columns of the program, −1 where the site does not know them."""
        self.form = self.program.form

    def proven(self, load: np.ndarray, gives: np.ndarray, *, work: float, cancel: Callable[[], bool]) -> float:
        """What the site costs at least where it is paid for the line's load and pays for what the line gives.

        Args:
            load: worth of a MWh that the line draws, by cell.
            gives: worth of a unit that it gives, by carrier and slot.
            work: at most (``scenarios/effort.py``).
            cancel: polled; True ends it.

        Returns:
            −∞ where nothing was proven in time.
        """
        costs = self.form.cost.copy()
        cells, slots = self.line >= 0, self.gives >= 0
        costs[self.line[cells]] -= load[cells]
        costs[self.gives[slots]] += gives.reshape(-1)[slots]
        self.program.price(costs)
        run = self.program.search(work=max(work, 0.05), relax=True, cancel=cancel)
        bound = self.program.outcome(run).bound
        if bound is None:
            return -np.inf
        # what the site does not know of is worth what its limits make of it
        blind = np.where(cells, 0.0, np.maximum(load, 0.0) * self.most).sum()
        return float(bound - blind) if slots.all() else -np.inf


def most_cells(problem: SlotProblem) -> np.ndarray:
    """More than the line can draw in any plan, by cell [MWh]: every unit at its most, all that is reheated at once."""
    highest = dict.fromkeys(range(len(problem.units)), 0.0)
    works = [operation.cells for heat in problem.heats for operation in heat.operations]
    for cells in [*works, *(cast.cells for cast in problem.casts)]:
        for u, curve in cells.items():
            highest[u] = max(highest[u], float(np.abs(curve).max(initial=0.0)))
    # works follow each other within a cell
    power = 2 * sum(highest.values())
    idle = sum(states.most_mw for states in problem.states.values()) * problem.cell_min / 60
    return problem.fixed_cells + power + idle + most_reheated(problem)


def most_reheated(problem: SlotProblem) -> float:
    """What can be made good in a cell at most [MWh]."""
    most = 0.0
    for heat in problem.heats:
        if heat.reheat is not None and problem.reheat_kwh_per_t_min:
            slots = sum(min(int(pair.max()), problem.n_slots) for pair in heat.most[: heat.reheat])
            mwh = problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * slots * problem.step_min
            share = max(even_cells(problem, one).max() for one in heat.operations[heat.reheat].minutes.values())
            most = max(most, mwh * float(share) * 2 * len(problem.stage_units[heat.operations[heat.reheat].stage]))
    return most
