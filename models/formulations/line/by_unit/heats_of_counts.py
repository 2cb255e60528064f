"""From counts by unit to a plan and back: who follows whom is settled by matching, last stage first."""

from __future__ import annotations

from collections.abc import Iterable

from emberline.models.formulations.line.by_unit.bipartite_matching import matching
from emberline.models.formulations.line.by_unit.model import Corridor, Matched
from emberline.models.problem.assignment import Starts


def around(made: Matched, width: int) -> Corridor | None:
    """The surroundings of what the counts hold, heats told apart first in, first out."""
    slot: list[list[int]] = [[0] * len(heat.operations) for heat in made.problem.heats]
    for g, group in enumerate(made.groups):
        for i in range(len(made.operations(g))):
            total = [
                round(sum(made.model.Y[g, i, u, t].value or 0.0 for u, *_ in made.classes[g, i])) for t in range(made.n)
            ]
            for k, h in enumerate(group):
                slot[h][i] = next((t for t, count in enumerate(total) if count > k), made.n - 1)
    casts = {c: t for c, k, t in made.model.OPTION if (made.model.z[c, k, t].value or 0.0) > 0.5}
    if len(casts) < len(made.problem.casts):
        return None
    return Corridor(tuple(map(tuple, slot)), tuple(casts[c] for c in range(len(casts))), width)


def begin(made: Matched, starts: Starts) -> None:
    """Set the variables to a plan, as a start; every unit must be counted by itmade."""
    m = made.model
    place: dict[tuple[int, int, int], list[int]] = {}
    for g, group in enumerate(made.groups):
        for h in group:
            for i, (u, t) in enumerate(zip(starts.unit[h], starts.slot[h], strict=True)):
                place.setdefault((g, i, u), []).append(t)
    for g, i, u, t in m.INDEX:
        if not m.Y[g, i, u, t].fixed:
            m.Y[g, i, u, t].set_value(sum(s <= t for s in place.get((g, i, u), ())), skip_validation=True)
    for c, column, t in m.OPTION:
        here = made.problem.casts[c].units[column] == starts.cast_unit[c] and t == starts.cast_slot[c]
        m.z[c, column, t].set_value(int(here))


def read(made: Matched) -> Starts | None:
    """The plan that the counts hold; None where longest waits or fractions leave a start unmatched."""
    m, problem = made.model, made.problem
    casts = {c: (column, t) for c, column, t in m.OPTION if m.z[c, column, t].value > 0.5}
    cast_of = problem.cast_of()
    unit: list[list[int]] = [[] for _ in problem.heats]
    slot: list[list[int]] = [[] for _ in problem.heats]
    for g, group in enumerate(made.groups):
        operations = made.operations(g)
        for i in range(len(operations) - 1, -1, -1):
            supply = _placed(made, g, i, operations[i].units)
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


def _placed(made: Matched, g: int, i: int, units: Iterable[int]) -> list[tuple[int, int]]:
    found = []
    for u in units:
        before = 0
        for t in range(made.n):
            value = made.model.Y[g, i, u, t].value or 0.0
            now = round(value)
            if abs(value - now) > 1e-4:
                return []
            found += [(u, t)] * (now - before)
            before = now
    return sorted(found, key=lambda place: place[1])
