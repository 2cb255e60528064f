"""Draw of the line by cell, and its output of other carriers by slot, which is a share of the draw of its stages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.site.assets.ports import Linear, Row
from emberline.models.kernel.arrays import Series, Variable
from emberline.models.kernel.banded_rows import Runs, Terms, banded
from emberline.models.problem.line import SlotProblem


class Draws:
    """Draws of variables of one kind."""

    def __init__(self, problem: SlotProblem, variable: Any, width: int) -> None:
        """Start without any draws.

        Args:
            problem: the line.
            variable: variable indexed by a key and a slot.
            width: number of places of this index.
        """
        self.problem, self.variable = problem, variable
        self.energy, self.gives = Terms(problem.n_slots, width), Terms(problem.n_slots, width)

    def add_energies(
        self, key: tuple[Any, ...], cells: np.ndarray, stage: int | None = None, runs: Runs | None = None
    ) -> None:
        """Add energies from the first cell of the variable's slot on.

        Args:
            key: key of the variable, without its slot.
            cells: energy by cell [MWh].
            stage: stage that draws them, if it gives a carrier.
            runs: slots of the variable; None: all.
        """
        per = self.problem.cells_per_slot
        for k in np.flatnonzero(cells).tolist():
            self.energy.lagged((k % per,), key, k // per, float(cells[k]), runs)
        for carrier, weight in self.problem.gives.items():
            if stage is not None and weight[stage]:
                amounts = np.add.reduceat(cells, np.arange(0, len(cells), per)) * weight[stage]
                for k in np.flatnonzero(amounts).tolist():
                    self.gives.lagged((carrier,), key, k, float(amounts[k]), runs)

    def level(self, stage: int | None = None) -> None:
        """Add a variable that is itself the draw [MWh], by cell of a slot, and slot."""
        for j in range(self.problem.cells_per_slot):
            self.energy.lagged((j,), (j,), 0, 1)
            for carrier, weight in self.problem.gives.items():
                if stage is not None and weight[stage]:
                    self.gives.lagged((carrier,), (j,), 0, float(weight[stage]))


def add(m: pyo.ConcreteModel, problem: SlotProblem, kinds: list[Draws]) -> None:
    """Add ``line[c]``, the energy by cell [MWh], with started and fixed work."""
    per, n = problem.cells_per_slot, problem.n_slots
    m.C = pyo.RangeSet(0, problem.n_cells - 1)
    m.line = Variable(m.C, domain=pyo.NonNegativeReals)
    m.decided = Series(m.C, values=problem.fixed_cells + problem.under_way)

    @banded(m, {(j,): range(n) for j in range(per)}, *((kind.variable, kind.energy) for kind in kinds))
    def line_energy(m: Any, *parts: Any) -> Any:
        *draws, j, t = parts
        return m.line[per * t + j] == sum(draws) + m.decided[per * t + j]


def give(block: pyo.Block, problem: SlotProblem, kinds: list[Draws]) -> dict[str, Linear]:
    """Add ``amount[carrier, t]``, the output of the line, to a block.

    Returns:
        The output by carrier, in its unit, with started and fixed work.
    """
    n, carriers = problem.n_slots, list(problem.gives)
    nothing = np.zeros(n)
    decided = [
        problem.on_steps(problem.started_cells(weight)) + problem.fixed_gives.get(carrier, nothing)
        for carrier, weight in problem.gives.items()
    ]
    block.CARRIER, block.T = pyo.Set(initialize=carriers, dimen=1), pyo.RangeSet(0, n - 1)
    block.amount = Variable(block.CARRIER, block.T)
    block.decided = Series(block.CARRIER, block.T, values=np.concatenate([np.zeros(0), *decided]))

    @banded(block, {(carrier,): range(n) for carrier in carriers}, *((kind.variable, kind.gives) for kind in kinds))
    def share(b: Any, *parts: Any) -> Any:
        *shares, carrier, t = parts
        return b.amount[carrier, t] == sum(shares) + b.decided[carrier, t]

    return {carrier: Linear(((Row(block.amount, carrier), 1.0),)) for carrier in carriers}
