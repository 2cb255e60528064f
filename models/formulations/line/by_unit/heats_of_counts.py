"""From counts by unit to a plan and back: who follows whom is settled by matching, last stage first."""

from __future__ import annotations

import numpy as np

from emberline.models.formulations.line.by_unit.bipartite_matching import matching
from emberline.models.formulations.line.by_unit.model import Corridor, Matched
from emberline.models.kernel.arrays import fixed, hold, support, values
from emberline.models.problem.assignment import Starts


def around(formulation: Matched, width: int) -> Corridor | None:
    """The surroundings of what the counts hold, heats disaggregated first in, first out."""
    slot: list[list[int]] = [[0] * len(heat.operations) for heat in formulation.problem.heats]
    counts = _counts(formulation)
    for g, group in enumerate(formulation.groups):
        for i in range(len(formulation.operations(g))):
            total = np.rint(sum(counts[g, i, u] for u, *_ in formulation.classes[g, i])).astype(int).tolist()
            for k, h in enumerate(group):
                slot[h][i] = next((t for t, count in enumerate(total) if count > k), formulation.n - 1)
    casts = {c: t for c, _, t in support(formulation.model.z)}
    if len(casts) < len(formulation.problem.casts):
        return None
    return Corridor(tuple(map(tuple, slot)), tuple(casts[c] for c in range(len(casts))), width)


def begin(formulation: Matched, starts: Starts) -> None:
    """Set the variables to a plan, as a start; every unit must be counted by itself."""
    m = formulation.model
    place: dict[tuple[int, int, int], list[int]] = {}
    for g, group in enumerate(formulation.groups):
        for h in group:
            for i, (u, t) in enumerate(zip(starts.unit[h], starts.slot[h], strict=True)):
                place.setdefault((g, i, u), []).append(t)
    value = [sum(s <= t for s in place.get((g, i, u), ())) for g, i, u, t in m.INDEX]
    hold(m.Y, np.array(value, dtype=float), ~fixed(m.Y))
    m.z.write("value", np.array(
        [
            formulation.problem.casts[c].units[k] == starts.cast_unit[c] and t == starts.cast_slot[c]
            for c, k, t in m.OPTION
        ],
        dtype=float,
    ))  # fmt: skip


def read(formulation: Matched) -> Starts | None:
    """The plan that the counts hold; None where longest waits or fractions leave a start unmatched."""
    problem, counts = formulation.problem, _counts(formulation)
    casts = {c: (column, t) for c, column, t in support(formulation.model.z)}
    cast_of = problem.cast_of()
    unit: list[list[int]] = [[] for _ in problem.heats]
    slot: list[list[int]] = [[] for _ in problem.heats]
    for g, group in enumerate(formulation.groups):
        operations = formulation.operations(g)
        for i in range(len(operations) - 1, -1, -1):
            supply = _placed({u: counts[g, i, u] for u in operations[i].units})
            if len(supply) != len(group):
                return None
            able = []
            for h in group:
                heat = problem.heats[h]
                least, most = heat.least, heat.most
                if i == len(operations) - 1:
                    if h not in cast_of:
                        able.append(list(range(len(supply))))
                        continue
                    column, at = casts[cast_of[h][0]]
                else:
                    column, at = operations[i + 1].units.index(unit[h][0]), slot[h][0]
                lags = [(operations[i].units.index(u), at - t) for u, t in supply]
                able.append(
                    [k for k, (row, lag) in enumerate(lags) if least[i][row, column] <= lag <= most[i][row, column]]
                )
            match = matching(able)
            if match is None:
                return None
            for h, k in zip(group, match, strict=True):
                unit[h].insert(0, supply[k][0])
                slot[h].insert(0, supply[k][1])
    order = range(len(problem.casts))
    return Starts(
        tuple(map(tuple, unit)),
        tuple(map(tuple, slot)),
        tuple(problem.casts[c].units[casts[c][0]] for c in order),
        tuple(casts[c][1] for c in order),
    )


def _counts(formulation: Matched) -> dict[tuple[int, int, int], np.ndarray]:
    """Counts by group, operation and unit, shape (n,) each."""
    values_of = np.nan_to_num(values(formulation.model.Y), nan=0.0).reshape(-1, formulation.n)
    keys = [(g, i, u) for (g, i), classes in formulation.classes.items() for u, *_ in classes]
    return dict(zip(keys, values_of, strict=True))


def _placed(counts: dict[int, np.ndarray]) -> list[tuple[int, int]]:
    """Unit and slot of each start, in time; none where a count is a fraction."""
    places: list[tuple[int, int]] = []
    for u, values_of in counts.items():
        whole = np.rint(values_of)
        if (np.abs(values_of - whole) > 1e-4).any():
            return []
        more = np.diff(whole, prepend=0.0).astype(int)
        places += [(u, t) for t in np.flatnonzero(more > 0).tolist() for _ in range(more[t])]
    return sorted(places, key=lambda place: place[1])
