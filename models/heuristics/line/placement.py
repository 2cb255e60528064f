"""Casts and their heats in their places, and what the places cost.

What waiting costs is counted at the worth of the hours waited in, which is near enough to choose by: a plan is judged
by its own figures.
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
    """By heat and operation."""
    slots: tuple[tuple[int, ...], ...]


class Shop:
    """Places of all casts, and the cost of each start."""

    def __init__(self, problem: SlotProblem, weight: np.ndarray) -> None:
        """An empty shop.

        Args:
            problem: the line; ``emberline.models.bounds.cast_pricing.useful`` says whether it may be asked.
            weight: worth of a MWh by slot, shape (n_slots,).
        """
        self.problem, self.n = problem, problem.n_slots
        self.mean_worth = float(np.abs(weight).mean())
        """Of a MWh."""
        cells = np.repeat(weight, problem.cells_per_slot)
        kinds: dict[tuple, int] = {}
        self.kinds = [kinds.setdefault(heat.kind, len(kinds)) for heat in problem.heats]
        """Number of the kind of each heat; those of a kind have the same curves."""
        self._heats = [problem.heats[self.kinds.index(k)] for k in range(len(kinds))]
        self._worth = {
            (k, i, u): np.where(problem.start_slots(o, u), cost_curves.energy(problem, o.cells[u], cells), np.inf)
            for k, heat in enumerate(self._heats)
            for i, o in enumerate(heat.operations)
            for u in o.units
        }
        for k, heat in enumerate(self._heats):
            if heat.reheat:
                # worth of the heat that has been lost by a slot since the first: off at the start, on at the reheating
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
        """Worth of the heat that a slot's wait loses."""
        if heat.reheat is None:
            return np.zeros(self.n)
        minutes = min(heat.operations[heat.reheat].minutes.values())
        mwh = self.problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * self.problem.step_min
        return cost_curves.energy(self.problem, mwh * even_cells(self.problem, minutes), cells)

    def worth(self, h: int, i: int, u: int) -> np.ndarray:
        """Cost of an operation of a heat on a unit by start slot, if it is free, shape (n_slots,)."""
        return self._worth[self.kinds[h], i, u]

    def casting(self, c: int, u: int) -> np.ndarray:
        """Cost of a cast on a caster by start slot, its heats left out, shape (n_slots,)."""
        return self._casting[c][u]

    def cells(self, c: int, placed: Placed) -> np.ndarray:
        """Energy of a cast and its heats in some place by cell [MWh], reheating included, shape (n_cells,)."""
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
        """Energy that makes good what a heat has lost while it waited [MWh].

        Args:
            h: the heat.
            units: on which its operations are.
            slots: in which they start.
        """
        heat = self.problem.heats[h]
        if not heat.reheat:
            return 0.0
        passed = (slots[heat.reheat] - slots[0]) * self.problem.step_min
        shortest_min = sum(heat.operations[i].minutes[units[i]] + heat.quickest[i] for i in range(heat.reheat))
        return self.problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * max(passed - shortest_min, 0.0)

    def read(self, starts: Starts) -> None:
        """Put all casts where a plan has them."""
        for c, cast in enumerate(self.problem.casts):
            units, slots = tuple(starts.unit[h] for h in cast.heats), tuple(starts.slot[h] for h in cast.heats)
            self.at[c] = Placed(*starts.place((-1, c)), units, slots)

    def starts(self, at: Sequence[Placed | None]) -> Starts:
        """The plan in which all casts lie in some places."""
        unit: list[tuple[int, ...]] = [()] * len(self.problem.heats)
        slot = list(unit)
        placed = [one for one in at if one is not None]
        for cast, one in zip(self.problem.casts, placed, strict=True):
            for place, h in enumerate(cast.heats):
                unit[h], slot[h] = one.units[place], one.slots[place]
        return Starts(tuple(unit), tuple(slot), tuple(one.unit for one in placed), tuple(one.slot for one in placed))
