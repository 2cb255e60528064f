"""What the line gives of other carriers than electricity by slot, as terms of a model: a share of what it draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pyomo.core.expr import LinearExpression

from models.slots import SlotProblem


class Given:
    """Terms by carrier and slot, added to as a model's power is."""

    def __init__(self, problem: SlotProblem) -> None:
        self._problem = problem
        self._terms: dict[str, list[list[tuple[Any, float]]]] = {
            carrier: [[] for _ in range(problem.n_slots)] for carrier in problem.gives
        }

    def put(self, var: Any, stage: int, first: int, cells: np.ndarray) -> None:
        """Where ``var`` is 1 the stage draws these energies from a cell on [MWh]."""
        for carrier, weight in self._problem.gives.items():
            if weight[stage]:
                per, n = self._problem.cells_per_slot, self._problem.n_slots
                slots = np.add.reduceat(cells, np.arange(0, len(cells), per)) * weight[stage]
                for k, amount in enumerate(slots.tolist()[: n - first // per]):
                    if amount:
                        self._terms[carrier][first // per + k].append((var, amount))

    def casting(self, cells: Sequence[Any]) -> None:
        """What the last stage draws by cell, as variables [MWh]."""
        per = self._problem.cells_per_slot
        for carrier, weight in self._problem.gives.items():
            if weight[-1]:
                for t in range(self._problem.n_slots):
                    self._terms[carrier][t] += [(cells[t * per + k], float(weight[-1])) for k in range(per)]

    def at(self, carrier: str, t: int) -> Any:
        """What is given in a slot, in the carrier's unit; what has begun and what is decided already included."""
        if carrier not in self._terms:
            return 0.0
        problem = self._problem
        begun = problem.on_slots(problem.begun(problem.gives[carrier]))[t]
        constant = float(begun + problem.fixed_gives.get(carrier, np.zeros(problem.n_slots))[t])
        terms = self._terms[carrier][t]
        return LinearExpression(
            constant=constant, linear_coefs=[factor for _, factor in terms], linear_vars=[var for var, _ in terms]
        )
