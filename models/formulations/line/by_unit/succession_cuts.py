"""Precedence of starts counted by unit: rows of Hall's condition.

A deadline of a start is the slot by which a start of its heat's stage before must lie. Casts set deadlines too: a start
of a cast sets one for each of its heats.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.by_unit.bipartite_matching import Demand, patterns
from emberline.models.formulations.line.by_unit.groups import Groups
from emberline.models.kernel import running_sum
from emberline.models.kernel.arrays import constraint, limit
from emberline.models.kernel.banded_rows import Stretches, Terms, weighed
from emberline.models.problem.slots import runs

Key = tuple[int, ...]


def add(m: pyo.ConcreteModel, groups: Groups, options: Mapping[tuple[int, int], list[int]]) -> None:
    """Add rows of Hall's condition between consecutive stages, and between the last and the casts.

    Args:
        m: the model, its counts and casts built.
        groups: what is counted.
        options: slots of each cast on each caster.
    """
    fed = Fed(groups.n)
    rows = [Terms(groups.n, 4), Terms(groups.n, 2)]
    late = [Terms(groups.n, 4), Terms(groups.n, 2)]
    in_time: dict[Key, range] = {}
    not_too_late: dict[Key, range] = {}
    for g in range(len(groups.groups)):
        operations = groups.operations(g)
        for i in range(len(operations)):
            if i + 1 < len(operations):
                demands = [_next(groups, g, i, members) for members in groups.classes[g, i + 1]]
            elif groups.problem.campaign and groups.problem.casts:
                demands = _casts_take(m, groups, options, fed, g)
            else:
                continue
            sources = [(g, i, members[0]) for members in groups.classes[g, i]]
            for reach, deadline in patterns([demand.earlier for demand in demands]):
                row = (len(in_time),)
                for demand, d in zip(demands, deadline, strict=True):
                    demand.add(rows, row, -d, 1)
                for key, r in zip(sources, reach, strict=True):
                    rows[0].counted(row, key, -r, -1)
                # without a demand that may have begun a row says nothing
                begin = min(-d - demand.ahead for demand, d in zip(demands, deadline, strict=True))
                first = max(-max(demand.ahead for demand in demands), begin)
                in_time[row] = range(first, groups.n + max(0, -min(deadline)))
            if groups.units != "each":
                # pooled units only show the way or bound: without the rows that seldom bind they do so much sooner
                continue
            row = (len(not_too_late),)
            for demand in demands:
                demand.add(late, row, -demand.most, -1)
            for key in sources:
                late[0].counted(row, key, 0, 1)
            not_too_late[row] = range(max(groups.n - 1 - min(demand.most for demand in demands), 0))
    m.fed = pyo.Block()
    intake = fed.add(m.fed, m.z)
    m.in_time, m.not_too_late = pyo.Block(), pyo.Block()
    for block, slots, kinds in ((m.in_time, in_time, rows), (m.not_too_late, not_too_late, late)):
        _never_more(block, Stretches.of(slots, *kinds), m.Y, intake)


def _next(groups: Groups, g: int, i: int, members: tuple[int, ...]) -> Demand:
    heat = groups.problem.heats[groups.groups[g][0]]
    units, classes = heat.operations[i].units, groups.classes[g, i]
    columns = [heat.operations[i + 1].units.index(u) for u in members]
    tables = heat.least[i][:, columns], heat.most[i][:, columns]
    least, most = _lag(groups, tables[0], "least", units, classes), _lag(groups, tables[1], "most", units, classes)
    lag = min(least)

    def add(kinds: list[Terms], row: Key, later: int, weight: int) -> None:
        kinds[0].counted(row, (g, i + 1, members[0]), later - lag, weight)

    return Demand(tuple(x - lag for x in least), add, max(max(most) - lag, 0), lag)


def _casts_take(
    m: pyo.ConcreteModel, groups: Groups, options: Mapping[tuple[int, int], list[int]], fed: Fed, g: int
) -> list[Demand]:
    """What the casts take of a group: an option of a cast sets a deadline for each of its heats."""
    cast_of = groups.problem.cast_of()
    spans: dict[tuple[int, ...], int] = {}
    number: dict[tuple[int, ...], int] = {}
    for h in groups.groups[g]:
        heat, (c, _) = groups.problem.heats[h], cast_of[h]
        for column in range(len(groups.problem.casts[c].units)):
            slots = options[c, column]
            units, classes = heat.operations[-1].units, groups.classes[g, len(heat.operations) - 1]
            least = _lag(groups, heat.least[-1][:, column], "least", units, classes)
            most = _lag(groups, heat.most[-1][:, column], "most", units, classes)
            lag = min(least)
            kind = tuple(x - lag for x in least)
            for t in slots[: bisect_left(slots, lag)]:
                m.z[c, column, t].fix(0)
            slots = slots[bisect_left(slots, lag) :]
            if slots:
                spans[kind] = max(spans.get(kind, 0), max(most) - lag)
                number.setdefault(kind, fed.size + len(number))
                fed.changes.lagged((number[kind],), (c, column), -lag, 1, runs(slots))
    fed.most += [len(groups.groups[g])] * len(number)

    def adding(k: int) -> Callable[[list[Terms], Key, int, int], None]:
        return lambda kinds, row, later, weight: kinds[1].counted(row, (k,), later, weight)

    return [Demand(kind, adding(k), spans[kind]) for kind, k in number.items()]


def _lag(
    groups: Groups, table: np.ndarray, which: str, units: tuple[int, ...], classes: list[tuple[int, ...]]
) -> list[int]:
    """Lags of a column or table by class of sources."""
    shortest = (which == "least") == (groups.units != "longest")
    rows = [[units.index(u) for u in members] for members in classes]
    return [int(table[r].min() if shortest else table[r].max()) for r in rows]


class Fed:
    """Counts of heats that casts have taken, each with a deadline some slots before the cast's start."""

    def __init__(self, n_slots: int) -> None:
        self.changes = Terms(n_slots, 3)
        self.most: list[int] = []
        """Of each count, what it may be."""

    @property
    def size(self) -> int:
        """Number of counts."""
        return len(self.most)

    def add(self, block: pyo.Block, starts: pyo.Var) -> pyo.Var:
        """Fill a block with the counts; returns them by number and slot."""
        level = running_sum.add(block, starts, self.changes, {k: (k, 1) for k in range(self.size)})
        limit(level, upper=np.repeat(np.array(self.most, dtype=float), self.changes.n_slots))
        return level


def _never_more(block: pyo.Block, stretches: Stretches, counts: pyo.Var, intake: pyo.Var) -> None:
    """Rows of counts of starts and of heats taken, at most 0."""
    block.ROW, block.COUNT, block.INTAKE = stretches.rows(), stretches.set(0), stretches.set(1)

    @constraint(block, block.ROW)
    def row_limit(b: Any, row: int, stretch: int, t: int) -> Any:
        return weighed(counts, b.COUNT[row, stretch], t) + weighed(intake, b.INTAKE[row, stretch], t) <= 0
