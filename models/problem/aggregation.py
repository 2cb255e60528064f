"""Aggregation of a line for pooled models: groups of identical heats, classes of identical units, start windows.

A pooled plan must know where the leading stage and the casts lie, but not where each grade is. If heats are averaged,
those of all grades share one count, and the model solves in a second. The result only guides the planning of named
heats: its lags, durations and energies belong to no real heat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from emberline.models.problem.line import Heat, Operation, SlotProblem


@dataclass(frozen=True)
class Reach:
    """Earliest and latest start slot of each of a heat's operations, by all that is known beforehand."""

    first: list[int]
    last: list[int]


class Pools:
    """Identical heats in groups, groups that share a count in pools, and units in classes."""

    def __init__(self, problem: SlotProblem, *, bounding: bool) -> None:
        """Read the line.

        Args:
            problem: the line.
            bounding: leave out conditions that only a plan must satisfy.
        """
        self.problem, self.bounding, self.n = problem, bounding, problem.n_slots
        self.lead = leading_stage(problem)
        self.stages = list(range(len(problem.stage_units) - problem.campaign))
        self.windows = {h: self._windows(heat) for h, heat in enumerate(problem.heats)}
        self.possible = all(
            lo <= hi for window in self.windows.values() for lo, hi in zip(window.first, window.last, strict=True)
        )
        """Whether every heat and every cast can start at all."""
        self.groups = self._groups()
        self.pools = {s: self._pools(s) for s in (self.stages or [self.lead])}
        """Groups of each pool, by stage."""
        self.classes = {s: self._classes(s) for s in self.stages}
        """Units of each class, by stage."""
        self.able = {
            (s, k): [c for c, units in enumerate(self.classes[s]) if units[0] in self.operation(s, k).units]
            for s in self.stages
            for k in range(len(self.pools[s]))
        }
        """Classes that may take the heats of a pool, by stage and pool."""

    # ---- lags and windows -------------------------------------------------------------------------------------

    def least(self, heat: Heat, i: int, j: int) -> int:
        """Return the minimum slots from operation i to operation j of a heat."""
        return sum(int(heat.least[k].min()) for k in range(i, j))

    def most(self, heat: Heat, i: int, j: int) -> int:
        """Return the maximum slots from operation i to operation j of a heat."""
        return sum(int(heat.most[k].max()) for k in range(i, j))

    def to_cast(self, heat: Heat, i: int, column: int) -> tuple[int, int]:
        """Return the minimum and maximum slots from operation i to the start of the heat's cast on one caster."""
        last = len(heat.operations) - 1
        least, most = heat.least[last][:, column], heat.most[last][:, column]
        return self.least(heat, i, last) + int(least.min()), self.most(heat, i, last) + int(most.max())

    def apart(self, g: int, s: int, r: int) -> tuple[int, int]:
        """Return the minimum and maximum slots from a group's start at stage s to that at r; negative if earlier."""
        heat, i, j = self.heat_of(g), self.place(g, s), self.place(g, r)
        if i <= j:
            return self.least(heat, i, j), self.most(heat, i, j)
        return -self.most(heat, j, i), -self.least(heat, j, i)

    def _windows(self, heat: Heat) -> Reach:
        first = [operation.first for operation in heat.operations]
        last = [operation.last for operation in heat.operations]
        heat.tighten(first, last)
        return Reach(first, last)

    def reach(self, s: int, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of a pool's heats that must and may have started at a stage by slot, (n_slots,) each."""
        windows = []
        for g in self.pools[s][k]:
            i = self.place(g, s)
            windows += [(self.windows[h].first[i], self.windows[h].last[i]) for h in self.groups[g]]
        first, last = (np.sort(column) for column in zip(*windows, strict=True))
        slots = np.arange(self.n)
        may = np.searchsorted(first, slots, side="right")
        return np.minimum(np.searchsorted(last, slots, side="right"), may), may

    def size(self, s: int, k: int) -> int:
        """Return the number of heats in a pool."""
        return sum(len(self.groups[g]) for g in self.pools[s][k])

    # ---- groups, pools, classes -------------------------------------------------------------------------------

    def operation_at(self, heat: Heat, stage: int) -> int | None:
        """Return the place of a stage in a heat's route, if the heat still has to start there."""
        for i, operation in enumerate(heat.operations):
            if operation.stage == stage and operation.started_min is None:
                return i
        return None

    def heat_of(self, g: int) -> Heat:
        """Return a heat of a group."""
        return self.problem.heats[self.groups[g][0]]

    def place(self, g: int, stage: int) -> int:
        """Return the place of a stage in the route of a group's heats, which still have to start there."""
        i = self.operation_at(self.heat_of(g), stage)
        assert i is not None
        return i

    def operation(self, s: int, k: int) -> Operation:
        """Return the operation of a pool at a stage, as defined by its first group."""
        g = self.pools[s][k][0]
        return self.heat_of(g).operations[self.place(g, s)]

    def shortest(self, s: int, k: int, c: int) -> float:
        """Return the shortest planning duration of a pool's heats on a class of units [min]."""
        operations = [self.heat_of(g).operations[self.place(g, s)] for g in self.pools[s][k]]
        return min(operation.planned[u] for operation in operations for u in self.classes[s][c])

    def could_hold(self, s: int, c: int) -> np.ndarray:
        """Return whether outages allow some pool to occupy each unit of a class by slot, shape (n_units, n_slots)."""
        able = [k for k in range(len(self.pools[s])) if c in self.able[s, k]]
        lengths = {
            (self.operation(s, k).occupy[self.classes[s][c][0]], self.shortest(s, k, c)) for k in able
        }  # fmt: skip
        return np.array(
            [
                np.any([self.problem.could_hold(u, slots, minutes) for slots, minutes in lengths], axis=0)
                for u in self.classes[s][c]
            ]
        )

    def cells(self, s: int, k: int, c: int) -> np.ndarray:
        """Return the energy by cell of a pool's operation on a class of units, without reheating [MWh]."""
        return self.operation(s, k).cells[self.classes[s][c][0]]

    @property
    def lead_pool(self) -> dict[int, int]:
        """Pool at the leading stage, by group."""
        return {g: k for k, pool in enumerate(self.pools[self.lead]) for g in pool}

    def _groups(self) -> list[list[int]]:
        """Return groups of identical heats that have an operation left to start."""
        by_kind: dict[tuple, list[int]] = {}
        for h, heat in enumerate(self.problem.heats):
            if any(operation.started_min is None for operation in heat.operations):
                by_kind.setdefault(heat.kind, []).append(h)
        return list(by_kind.values())

    def _pools(self, stage: int) -> list[list[int]]:
        """Return the groups that share a count at a stage."""
        by_key: dict[tuple, list[int]] = {}
        for g in range(len(self.groups)):
            heat = self.heat_of(g)
            i = self.operation_at(heat, stage)
            if i is None:
                continue
            operation = heat.operations[i]
            key: tuple = (g,)
            if stage != self.lead:
                key = tuple((u, operation.occupy[u], operation.cells[u].tobytes()) for u in operation.units)
            by_key.setdefault(key, []).append(g)
        return list(by_key.values())

    def _classes(self, stage: int) -> list[tuple[int, ...]]:
        """Return classes of units that are identical for every pool in time, power and suitability."""
        likeness: dict[tuple, list[int]] = {}
        operations = [self.operation(stage, k) for k in range(len(self.pools[stage]))]
        for u in self.problem.stage_units[stage]:
            key = tuple((o.occupy[u], o.cells[u].tobytes()) if u in o.units else () for o in operations)
            likeness.setdefault(key, []).append(u)
        return [tuple(units) for units in likeness.values()]


def leading_stage(problem: SlotProblem) -> int:
    """Return the stage that draws most energy, except the campaign stage."""
    energy = [0.0] * len(problem.stage_units)
    for heat in problem.heats:
        for operation in heat.operations:
            energy[operation.stage] += max((float(cells.sum()) for cells in operation.cells.values()), default=0.0)
    stages = len(problem.stage_units) - problem.campaign
    return max(range(stages), key=lambda s: energy[s], default=0)


def averaged(problem: SlotProblem, lead: int, rounding: float = 0.5) -> SlotProblem:
    """Return the line with its heats averaged.

    Heats are averaged if they pass the same stages on the same units and occupy the leading stage for the same time.

    Args:
        problem: the line.
        lead: the leading stage.
        rounding: added to mean lags before they are rounded down; 0.5 rounds to the nearest slot.
    """
    classes: dict[tuple, list[int]] = {}
    for h, heat in enumerate(problem.heats):
        key = (
            heat.reheat,
            tuple(
                (o.stage, o.units, o.started_min, tuple(o.occupy.values()) if o.stage == lead else ())
                for o in heat.operations
            ),
        )
        classes.setdefault(key, []).append(h)
    heats = list(problem.heats)
    for key, members in classes.items():
        for h, heat in zip(members, _with_average([problem.heats[h] for h in members], key, rounding), strict=True):
            heats[h] = heat
    return replace(problem, heats=tuple(heats))


def _with_average(heats: list[Heat], kind: tuple, rounding: float) -> list[Heat]:
    """Return heats with their common average; each keeps its windows and its lags to the cast."""
    count = len(heats[0].operations)
    operations = [_mean([heat.operations[i] for heat in heats]) for i in range(count)]
    least = [_middle([heat.least[i] for heat in heats], rounding) for i in range(count - 1)]
    most = [np.maximum(_middle([heat.most[i] for heat in heats], rounding), least[i]) for i in range(count - 1)]
    mass_t, averages = float(np.mean([heat.mass_t for heat in heats])), []
    for heat in heats:
        mean_operations = tuple(
            replace(mean, first=operation.first, last=operation.last)
            for mean, operation in zip(operations, heat.operations, strict=True)
        )
        # lags to the cast are those of the quickest unit of the last stage
        all_least, all_most = (
            (*tables, *map(_rows, own_tables[count - 1 :]))
            for tables, own_tables in ((least, heat.least), (most, heat.most))
        )
        mean = replace(heat, operations=mean_operations, least=all_least, most=all_most, kind=kind, mass_t=mass_t)
        averages.append(mean)
    return averages


def _middle(tables: list[np.ndarray], rounding: float) -> np.ndarray:
    """Return the mean over heats of the shortest lag between any two units, rounded, as a table."""
    return np.full(tables[0].shape, math.floor(float(np.mean([table.min() for table in tables])) + rounding))


def _rows(table: np.ndarray) -> np.ndarray:
    """Return the lags to each caster from the quickest unit."""
    return np.tile(table.min(axis=0), (len(table), 1))


def _mean(operations: list[Operation]) -> Operation:
    first = operations[0]
    minutes, cells, occupy = {}, {}, {}
    for u in first.units:
        size = max(len(operation.cells[u]) for operation in operations)
        curves = [np.pad(operation.cells[u], (0, size - len(operation.cells[u]))) for operation in operations]
        cells[u] = np.mean(curves, axis=0)
        minutes[u] = float(np.mean([operation.minutes[u] for operation in operations]))
        occupy[u] = math.floor(float(np.mean([operation.occupy[u] for operation in operations])) + 0.5)
    return replace(first, minutes=minutes, cells=cells, occupy=occupy)


def differences(
    problem: SlotProblem, mean: SlotProblem, lead: int, weight: np.ndarray
) -> dict[tuple[int, int, int], float]:
    """Return the extra cost of a cast's heats over average ones, by cast, caster and slot.

    The place of a cast determines where its heats need more energy than the average at the leading stage: they melt
    before it by the time of the quickest route.

    Args:
        problem: the line.
        mean: the line with averaged heats.
        lead: the leading stage.
        weight: value of a MWh by slot.
    """
    costs: dict[tuple[int, int, int], float] = {}
    for c, cast in enumerate(problem.casts):
        if cast.started_min is not None:
            continue
        for u in cast.units:
            for t in range(max(cast.first[u], 0), cast.last[u] + 1):
                total = 0.0
                for position, h in enumerate(cast.heats):
                    i = next((i for i, o in enumerate(problem.heats[h].operations) if o.stage == lead), None)
                    if i is None:
                        continue
                    actual, average = (line.heats[h].operations[i].cells for line in (problem, mean))
                    more = np.mean([cells.sum() for cells in actual.values()]) - np.mean(
                        [x.sum() for x in average.values()]
                    )
                    last = len(problem.heats[h].operations) - 1
                    lag = problem.heats[h].lossless_min(i, last) - float(cast.offsets[u][position])
                    at = t - lag / problem.step_min - 2
                    slot = min(max(round(at), 0), problem.n_slots - 1)
                    total += float(more) * float(weight[slot])
                costs[c, u, t] = total
    return costs
