"""Places of casts and their heats, and the cost of these places.

The cost of waiting is estimated at the value of energy in the hours of waiting, which is sufficient for selection:
plans are evaluated by recomputation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emberline.models.problem import cost_curves
from emberline.models.problem.assignment import Starts
from emberline.models.problem.line import Heat, SlotProblem, even_cells


@dataclass(frozen=True)
class Placed:
    """Place of a cast and its heats."""

    unit: int
    slot: int
    units: tuple[tuple[int, ...], ...]
    """Units by heat and operation."""
    slots: tuple[tuple[int, ...], ...]


class Shop:
    """Places of all casts, and the cost of each start."""

    def __init__(self, problem: SlotProblem, weight: np.ndarray) -> None:
        """Create an empty shop.

        Args:
            problem: the line, for which ``emberline.models.bounds.cast_pricing.useful`` must be true.
            weight: value of a MWh by slot, shape (n_slots,).
        """
        self.problem, self.n = problem, problem.n_slots
        self.mean_worth = float(np.abs(weight).mean())
        """Mean value of a MWh."""
        cells = np.repeat(weight, problem.cells_per_slot)
        kinds: dict[tuple, int] = {}
        self.kinds = [kinds.setdefault(heat.kind, len(kinds)) for heat in problem.heats]
        """Kind of each heat as a number; heats of a kind have the same curves."""
        self._heats = [problem.heats[self.kinds.index(k)] for k in range(len(kinds))]
        self._worth = {
            (k, i, u): np.where(problem.start_slots(o, u), cost_curves.energy(problem, o.cells[u], cells), np.inf)
            for k, heat in enumerate(self._heats)
            for i, o in enumerate(heat.operations)
            for u in o.units
        }
        for k, heat in enumerate(self._heats):
            if heat.reheat:
                # value of the heat lost since the first slot: subtracted at the start, added at the reheating
                lost = np.cumsum(self._slope(heat, cells))
                for i, sign in ((0, -1), (heat.reheat, 1)):
                    for u in heat.operations[i].units:
                        self._worth[k, i, u] = self._worth[k, i, u] + sign * lost
        self._casting = [
            {
                u: np.where(problem.start_slots(cast, u), cost_curves.energy(problem, cast.cells[u], cells), np.inf)
                for u in cast.units
            }
            for cast in problem.casts
        ]
        self.at: list[Placed | None] = [None] * len(problem.casts)
        """Place of each cast."""

    def _slope(self, heat: Heat, cells: np.ndarray) -> np.ndarray:
        """Return the value of the heat that is lost in a slot of waiting."""
        if heat.reheat is None:
            return np.zeros(self.n)
        minutes = min(heat.operations[heat.reheat].minutes.values())
        mwh = self.problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * self.problem.step_min
        return cost_curves.energy(self.problem, mwh * even_cells(self.problem, minutes), cells)

    def worth(self, h: int, i: int, u: int) -> np.ndarray:
        """Return the cost of an operation of a heat on a unit by start slot, if it is free, shape (n_slots,)."""
        return self._worth[self.kinds[h], i, u]

    def casting(self, c: int, u: int) -> np.ndarray:
        """Return the cost of a cast on a caster by start slot, without its heats, shape (n_slots,)."""
        return self._casting[c][u]

    def cells(self, c: int, placed: Placed) -> np.ndarray:
        """Return the energy of a placed cast and its heats by cell [MWh], reheating included, shape (n_cells,)."""
        problem, cast, load = self.problem, self.problem.casts[c], np.zeros(self.problem.n_cells)
        problem.draw(load, placed.slot, cast.cells[placed.unit])
        for h, units, slots in zip(cast.heats, placed.units, placed.slots, strict=True):
            heat = problem.heats[h]
            for operation, u, t in zip(heat.operations, units, slots, strict=True):
                problem.draw(load, t, operation.cells[u])
            if heat.reheat and problem.reheat_kwh_per_t_min:
                spread = even_cells(problem, heat.operations[heat.reheat].minutes[units[heat.reheat]])
                problem.draw(load, slots[heat.reheat], self.reheat_mwh(h, units, slots) * spread)
        return load

    def reheat_mwh(self, h: int, units: Sequence[int], slots: Sequence[int]) -> float:
        """Return the energy that replaces the heat lost while waiting [MWh].

        Args:
            h: index of the heat.
            units: units of its operations.
            slots: start slots of its operations.
        """
        heat = self.problem.heats[h]
        if not heat.reheat:
            return 0.0
        passed = (slots[heat.reheat] - slots[0]) * self.problem.step_min
        shortest_min = sum(heat.operations[i].minutes[units[i]] + heat.quickest[i] for i in range(heat.reheat))
        return self.problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * max(passed - shortest_min, 0.0)

    def read(self, starts: Starts) -> None:
        """Place all casts as in a plan."""
        for c, cast in enumerate(self.problem.casts):
            units, slots = tuple(starts.unit[h] for h in cast.heats), tuple(starts.slot[h] for h in cast.heats)
            self.at[c] = Placed(*starts.place((-1, c)), units, slots)

    def starts(self, at: Sequence[Placed | None]) -> Starts:
        """Return the plan with all casts in given places."""
        unit: list[tuple[int, ...]] = [()] * len(self.problem.heats)
        slot = list(unit)
        placed = [p for p in at if p is not None]
        for cast, p in zip(self.problem.casts, placed, strict=True):
            for place, h in enumerate(cast.heats):
                unit[h], slot[h] = p.units[place], p.slots[place]
        return Starts(tuple(unit), tuple(slot), tuple(p.unit for p in placed), tuple(p.slot for p in placed))
