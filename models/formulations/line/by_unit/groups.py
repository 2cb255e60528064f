"""Groups of heats that are alike, and the units of their operations that are counted together."""

from __future__ import annotations

from typing import Literal

from emberline.models.problem.line_reader import Operation, SlotProblem

Units = Literal["each", "shortest", "longest"]
"""Every unit by itself, or units that are alike together with the shortest (longest) lags between them."""


class Groups:
    """What is counted by unit."""

    def __init__(self, problem: SlotProblem, units: Units) -> None:
        """Group heats and units.

        Args:
            problem: the line.
            units: which of them are counted together.
        """
        self.problem, self.n, self.units = problem, problem.n_slots, units
        groups: dict[tuple, list[int]] = {}
        for h, heat in enumerate(problem.heats):
            if heat.operations:
                groups.setdefault(heat.kind, []).append(h)
        self.groups = list(groups.values())
        self.classes = {
            (g, i): self._classes(g, i) for g in range(len(self.groups)) for i in range(len(self.operations(g)))
        }

    def operations(self, g: int) -> tuple[Operation, ...]:
        """Operations of a group's heats, which are alike."""
        return self.problem.heats[self.groups[g][0]].operations

    def _classes(self, g: int, i: int) -> list[tuple[int, ...]]:
        """Units of an operation that are counted together, each class under its first unit's name."""
        operation = self.operations(g)[i]
        if self.units == "each":
            return [(u,) for u in operation.units]
        alike: dict[tuple, list[int]] = {}
        others = [o for heat in self.problem.heats for o in heat.operations if o.stage == operation.stage]
        for u in operation.units:
            key = [self.problem.free[u].tobytes(), self.problem.outages.get(u, ())]
            for other in others:
                key.append((other.occupy[u], other.cells[u].tobytes()) if u in other.units else b"")
                if u in self.problem.outages and u in other.units:
                    key.append(other.planned[u])
            alike.setdefault(tuple(key), []).append(u)
        return [tuple(units) for units in alike.values()]
