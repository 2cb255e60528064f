"""Precedence of starts counted by unit: rows of Hall's condition, and the matching itself.

A start at (v, t) can follow a start at (u, s) if s ≤ t − least(u, v). Every start has a source of its own if and only
if no set of starts has fewer sources than members (P. Hall, J. London Math. Soc. 10, 1935). The deadline of a start is
the slot by which the start of its heat at the stage before must lie. Casts set deadlines, too: a start of a cast sets
one for each of its heats.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyomo.core as pyo

from emberline.models.kernel.arrays import limit
from emberline.models.kernel.banded_rows import Terms, banded, running_sum
from emberline.models.problem.line import Operation, SlotProblem, grouped, runs


@dataclass(frozen=True)
class Demand:
    """Starts of one kind that need sources: their counts by deadline, and their lead by source unit."""

    earlier: tuple[int, ...]
    """Slots before the deadline by which a start on each source unit must lie, shape (n_sources,); minimum 0."""
    add: Callable[[Any, tuple[int, ...], int, int], None]
    """Function that adds to a row, with a weight, the count of deadlines up to some slots before the row's slot."""
    most: int
    """Latest deadline of a start after the start of its source [slots]."""
    ahead: int = 0
    """Slots before the horizon in which deadlines of starts within it may lie."""


def patterns(earlier: list[tuple[int, ...]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the sets of Hall's condition that no other dominates, up to a shift in time.

    Args:
        earlier: for each kind of demand, slots before its deadline by which a start on each source must lie.

    Returns:
        Pairs of reach (last slot that counts for each source) and deadline (last one that counts for each kind). They
        are spanned by up to two kinds of demand; larger sets that are not spanned are left out, which gives a
        relaxation.
    """
    widest = max(max(kind) for kind in earlier)
    reaches: set[tuple[int, ...]] = set()
    for size in (1, 2):
        for kinds in itertools.combinations(earlier, size):
            for shifts in itertools.product(range(widest + 2), repeat=size):
                latest = [
                    max(-s - kind[u] for kind, s in zip(kinds, shifts, strict=True)) for u in range(len(earlier[0]))
                ]
                reaches.add(tuple(r - max(latest) for r in latest))
    pairs: dict[tuple[tuple[int, ...], tuple[int, ...]], None] = {}
    for reach in reaches:
        deadline = tuple(min(r + e for r, e in zip(reach, kind, strict=True)) for kind in earlier)
        tight_reach = tuple(
            max(d - kind[u] for d, kind in zip(deadline, earlier, strict=True)) for u in range(len(reach))
        )
        pairs[tight_reach, deadline] = None
    return sorted(pairs)


def matching(able: list[list[int]]) -> list[int] | None:
    """Match each demand to a supply of its own (Hopcroft and Karp, in SciPy); None if there is no such matching."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    columns = [s for supplies in able for s in supplies]
    rows = np.repeat(np.arange(len(able)), [len(supplies) for supplies in able])
    shape = (len(able), max(columns, default=-1) + 1)
    graph = csr_array((np.ones(len(columns), bool), (rows, columns)), shape)
    supply_of: list[int] = maximum_bipartite_matching(graph, perm_type="column").tolist()
    return None if -1 in supply_of else supply_of


Units = Literal["each", "shortest", "longest"]
"""Each unit separately, or identical units together with the shortest (longest) lags between them."""


class Groups:
    """Groups of heats and classes of units that are counted together."""

    def __init__(self, problem: SlotProblem, units: Units) -> None:
        """Group heats and units.

        Args:
            problem: the line.
            units: units that are counted together.
        """
        self.problem, self.n, self.units = problem, problem.n_slots, units
        self.groups = list(grouped((heat.kind, h) for h, heat in enumerate(problem.heats) if heat.operations).values())
        self.classes = {
            (g, i): self._classes(g, i) for g in range(len(self.groups)) for i in range(len(self.operations(g)))
        }

    def operations(self, g: int) -> tuple[Operation, ...]:
        """Return the operations of a group's heats, which are identical."""
        return self.problem.heats[self.groups[g][0]].operations

    def _classes(self, g: int, i: int) -> list[tuple[int, ...]]:
        """Return the units of an operation that are counted together; the first unit of a class identifies it."""
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


Key = tuple[int, ...]


def add(m: pyo.ConcreteModel, groups: Groups, options: Mapping[tuple[int, int], list[int]]) -> None:
    """Add rows of Hall's condition between consecutive stages, and between the last and the casts.

    Args:
        m: model with its counts and casts.
        groups: groups that are counted.
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
                # a row without a demand that may have begun is redundant
                begin = min(-d - demand.ahead for demand, d in zip(demands, deadline, strict=True))
                first = max(-max(demand.ahead for demand in demands), begin)
                in_time[row] = range(first, groups.n + max(0, -min(deadline)))
            if groups.units != "each":
                # pooled units only guide the search or give a bound, which is much faster without rows that seldom bind
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

        @banded(block, slots, (m.Y, kinds[0]), (intake, kinds[1]))
        def row_limit(b: Any, counts: Any, fed_ones: Any, *row: int) -> Any:
            return counts + fed_ones <= 0


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
    """Return the demand of the casts for a group: an option of a cast sets a deadline for each of its heats."""
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
                number.setdefault(kind, len(fed.most) + len(number))
                fed.changes.lagged((number[kind],), (c, column), -lag, 1, runs(slots))
    fed.most += [len(groups.groups[g])] * len(number)

    def adding(k: int) -> Callable[[list[Terms], Key, int, int], None]:
        return lambda kinds, row, later, weight: kinds[1].counted(row, (k,), later, weight)

    return [Demand(kind, adding(k), spans[kind]) for kind, k in number.items()]


def _lag(
    groups: Groups, table: np.ndarray, which: str, units: tuple[int, ...], classes: list[tuple[int, ...]]
) -> list[int]:
    """Return the lags of a column or table by class of sources."""
    shortest = (which == "least") == (groups.units != "longest")
    rows = [[units.index(u) for u in members] for members in classes]
    return [int(table[r].min() if shortest else table[r].max()) for r in rows]


class Fed:
    """Counts of heats that casts have taken, each with a deadline some slots before the cast's start."""

    def __init__(self, n_slots: int) -> None:
        self.changes = Terms(n_slots, 3)
        self.most: list[int] = []
        """Maximum of each count."""

    def add(self, block: pyo.Block, starts: pyo.Var) -> pyo.Var:
        """Fill a block with the counts and return them by number and slot."""
        level = running_sum(block, starts, self.changes, {k: (k, 1) for k in range(len(self.most))})
        limit(level, upper=np.repeat(np.array(self.most, dtype=float), self.changes.n_slots))
        return level
