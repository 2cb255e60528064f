"""A line whose heats are alike: the average of heats that take the same way.

A pooled plan needs to know where the leading stage and the casts lie, not which grade is where. Averaged, the heats of
all grades share one count, and the model solves in a second. What comes out is a guide for named heats, nothing else:
lags, durations and energies are those of no heat.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from emberline.models.problem.line_reader import Heat, Operation, SlotProblem


def averaged(problem: SlotProblem, lead: int, rounding: float = 0.5) -> SlotProblem:
    """The line with its heats averaged.

    Heats are averaged where they pass the same stages on the same units and hold the leading stage for the same time.

    Args:
        problem: the line.
        lead: the leading stage.
        rounding: what is added to mean lags before they are rounded down: 0.5 to the nearest.
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
        for h, heat in zip(members, _alike([problem.heats[h] for h in members], key, rounding), strict=True):
            heats[h] = heat
    return replace(problem, heats=tuple(heats))


def _alike(heats: list[Heat], kind: tuple, rounding: float) -> list[Heat]:
    """Heats with their common average; each keeps its windows and its way into the cast."""
    count = len(heats[0].operations)
    operations = [_mean([heat.operations[i] for heat in heats]) for i in range(count)]
    least = [_middle([heat.least[i] for heat in heats], rounding) for i in range(count - 1)]
    most = [np.maximum(_middle([heat.most[i] for heat in heats], rounding), least[i]) for i in range(count - 1)]
    averages = []
    for heat in heats:
        mean_operations = tuple(
            replace(mean, first=operation.first, last=operation.last)
            for mean, operation in zip(operations, heat.operations, strict=True)
        )
        # to the cast: the usual unit of the last stage
        last_least = tuple(_rows(table) for table in heat.least[count - 1 :])
        last_most = tuple(_rows(table) for table in heat.most[count - 1 :])
        averages.append(
            replace(
                heat,
                operations=mean_operations,
                least=tuple(least) + last_least,
                most=tuple(most) + last_most,
                kind=kind,
                mass_t=float(np.mean([one.mass_t for one in heats])),
            )
        )
    return averages


def _middle(tables: list[np.ndarray], rounding: float) -> np.ndarray:
    """The mean over heats of the shortest lag between any two units, rounded, as a table."""
    return np.full(tables[0].shape, math.floor(float(np.mean([table.min() for table in tables])) + rounding))


def _rows(table: np.ndarray) -> np.ndarray:
    """Lags to each caster from the quickest unit."""
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
    """What a cast's heats cost beyond average ones, by cast, caster and slot.

    Their cast alone says where heats need more energy than the average at the leading stage: they melt as long
    before it as the quickest way takes.

    Args:
        problem: the line.
        mean: the same, averaged.
        lead: the leading stage.
        weight: worth of a MWh by slot.
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
