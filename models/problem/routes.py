"""Routes of heats: the units of a heat, and the slots of its operations after its first start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from emberline.models.kernel import deadline
from emberline.models.problem.assignment import Starts, extra_mwh, line_cells
from emberline.models.problem.line import Heat, SlotProblem, grouped


@dataclass(frozen=True)
class Route:
    """Units and slots of a heat."""

    units: tuple[int, ...]
    """Units by operation."""
    lags: tuple[int, ...]
    """Slots from the first start to that of each operation."""
    first: list[int]
    """Slots in which the heat may start."""

    def holds(self, heat: Heat) -> Iterator[tuple[int, int, int]]:
        """Yield the units that it occupies, each with the slots from its start to the first and after the last."""
        for operation, u, lag in zip(heat.operations, self.units, self.lags, strict=True):
            yield u, lag, lag + operation.occupy[u]

    def cells(self, problem: SlotProblem, h: int) -> np.ndarray:
        """Return the energy of a heat by cell from its first start on [MWh], as in a plan of this heat only."""
        single, starts = (
            replace(problem, heats=(problem.heats[h],), casts=()),
            Starts((self.units,), (self.lags,), (), ()),
        )
        return np.trim_zeros(line_cells(single, starts, extra_mwh(single, starts)), "b")


def groups_of(problem: SlotProblem) -> dict[int, list[int]]:
    """Return groups of identical heats by the first of them; each heat of a cast is a group of its own."""
    cast_of, heats = problem.cast_of(), [(h, heat) for h, heat in enumerate(problem.heats) if heat.operations]
    groups = grouped((("cast", h) if h in cast_of else heat.kind, h) for h, heat in heats)
    return {members[0]: members for members in groups.values()}


def routes(problem: SlotProblem, h: int) -> Iterator[Route]:
    """Yield all routes of a heat."""
    heat, n = problem.heats[h], problem.n_slots
    open_ = {(i, u): problem.start_slots(o, u) for i, o in enumerate(heat.operations) for u in o.units}

    def go(units: tuple[int, ...], lags: tuple[int, ...], first: np.ndarray) -> Iterator[Route]:
        i = len(units)
        if i == len(heat.operations):
            deadline.look()
            yield Route(units, lags, np.flatnonzero(first).tolist())
            return
        row = heat.operations[i - 1].units.index(units[-1])
        for column, v in enumerate(heat.operations[i].units):
            low, high = (lags[-1] + int(lag[i - 1][row, column]) for lag in (heat.least, heat.most))
            for lag in range(low, min(high, n - 1) + 1):
                there = first & np.append(open_[i, v][lag:], np.zeros(lag, dtype=bool))
                if there.any():
                    yield from go((*units, v), (*lags, lag), there)

    for u in heat.operations[0].units:
        yield from go((u,), (0,), open_[0, u])


def few(problem: SlotProblem, terms: int) -> bool:
    """Return whether the rows of units have at most ``terms`` terms: each column with the slots that it occupies."""
    for h in groups_of(problem):
        hold = sum(max(operation.occupy.values()) for operation in problem.heats[h].operations)
        for route in routes(problem, h):
            terms -= hold * len(route.first)
            if terms < 0:
                return False
    return True
