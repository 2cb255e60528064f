"""Casts of a pooled model: one binary for each caster and start slot; it takes the cast's heats at their offsets."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.pooled.counts import count
from emberline.models.kernel import deadline, running_sum
from emberline.models.kernel.arrays import Series, Variable, constraint, limit
from emberline.models.kernel.banded_rows import Runs, Stretches, Terms, weighed
from emberline.models.kernel.templates import Members, each, total
from emberline.models.problem.aggregation import Pools
from emberline.models.problem.slots import runs


class Casting:
    """Which casts are placed together, and where each may start."""

    def __init__(self, line: Pools) -> None:
        self.line = line
        self.batches = self._batches()
        """Casts that are alike but for their latest start, by the first of them; each alone where a plan is read."""
        self.places = {c: self._places(c) for casts in self.batches.values() for c in casts}
        """By cast: caster, by its place among the cast's units, and slot."""
        self.options = {
            first: sorted({p for c in casts for p in self.places[c]}) for first, casts in self.batches.items()
        }
        """By the first cast of a batch: where its casts may start."""

    def runs(self) -> dict[tuple[int, int], Runs]:
        """Runs of slots in which a batch may start, by its first cast and caster."""
        return {
            (c, column): runs(t for _, t in places)
            for c, options in self.options.items()
            for column, places in groupby(options, key=lambda place: place[0])
        }

    def _batches(self) -> dict[int, list[int]]:
        by_kind: dict[tuple, list[int]] = {}
        line = self.line
        for c, cast in enumerate(line.problem.casts):
            if cast.started_min is None:
                alike = tuple(
                    (u, cast.first[u], cast.hold[u], cast.cells[u].tobytes(), cast.offsets[u].tobytes())
                    for u in cast.units
                )
                reach = tuple(line.windows[h].first[-1] for h in cast.heats if line.problem.heats[h].operations)
                kinds = tuple(line.problem.heats[h].kind for h in cast.heats)
                by_kind.setdefault((alike, kinds, reach) if line.bounding else (c,), []).append(c)
        return {casts[0]: casts for casts in by_kind.values()}

    def _places(self, c: int) -> list[tuple[int, int]]:
        deadline.look()
        line, problem, cast = self.line, self.line.problem, self.line.problem.casts[c]
        places = []
        for column, u in enumerate(cast.units):
            low, high = cast.first[u], cast.last[u]
            for h in cast.heats:
                heat = problem.heats[h]
                if heat.operations:
                    least, most = line.to_cast(heat, len(heat.operations) - 1, column)
                    low = max(low, line.windows[h].first[-1] + least)
                    high = min(high, line.windows[h].last[-1] + most)
            open_ = problem.may_start(u, cast.hold[u], cast.minutes[u])
            low = max(low, 0)
            places += [(column, low + t) for t in np.flatnonzero(open_[low : max(high + 1, low)]).tolist()]
        return places


def add(m: pyo.ConcreteModel, casting: Casting) -> bool:
    """Add starts ``z[c, caster, t]`` and what casters hold; False where a cast has no place."""
    options, batches = casting.options, casting.batches
    m.OPTION = pyo.Set(initialize=[(c, *place) for c, places in options.items() for place in places], dimen=3)
    m.z = Variable(m.OPTION, domain=pyo.Binary)
    if not all(casting.places.values()):
        return False
    m.CAST = pyo.Set(initialize=list(batches), dimen=1)
    m.PLACE = Members(options, dimen=2)
    m.casts = Series(m.CAST, values=np.array([len(casts) for casts in batches.values()]))

    @constraint(m, m.CAST)
    def once(m: Any, c: int) -> Any:
        return total(m.z[c, column, t] for column, t in each(m.PLACE[c])) == m.casts[c]

    # what must have begun by when; that they may all begin from the same slot on makes it enough
    must = [
        (first, k + 1, last)
        for first, casts in batches.items()
        for k, last in enumerate(sorted(max(t for _, t in casting.places[c]) for c in casts)[:-1])
    ]
    early = {key: [(column, t) for column, t in options[key[0]] if t <= key[2]] for key in must}
    m.MUST_CAST = pyo.Set(initialize=must, dimen=3)
    m.EARLY = Members(early, dimen=2)

    @constraint(m, m.MUST_CAST)
    def in_window(m: Any, c: int, count: int, last: int) -> Any:
        return total(m.z[c, column, t] for column, t in each(m.EARLY[c, count, last])) >= count

    _occupancy(m, casting)
    return True


def _occupancy(m: pyo.ConcreteModel, casting: Casting) -> None:
    """Casters take one cast at a time."""
    problem, n = casting.line.problem, casting.line.n
    units = sorted({u for cast in problem.casts for u in cast.units})
    holds, open_ = Terms(n, 3), {u: np.ones(n) for u in units}
    for (c, column), slots in casting.runs().items():
        u = problem.casts[c].units[column]
        running_sum.profile(holds, u, (c, column), np.ones(problem.casts[c].hold[u]), slots)
    for cast in problem.casts:
        if cast.started_min is not None:
            u = cast.units[0]
            open_[u][: max(math.ceil(cast.started_min / problem.step_min + cast.hold[u] - 1e-9), 0)] = 0
    m.occupancy = pyo.Block()
    level = running_sum.add(m.occupancy, m.z, holds, {u: (u, 1) for u in units})
    limit(level, upper=np.concatenate([np.zeros(0), *open_.values()]))


def feed(m: pyo.ConcreteModel, casting: Casting) -> None:
    """What the casts take: by a slot so many must, and at most so many may, have started at the stage before them.

    The chain of counts hands on what the stages before that must have done.
    """
    line, problem, n = casting.line, casting.line.problem, casting.line.n
    cast_of, starts = problem.cast_of(), casting.runs()
    last = line.stages[-1] if line.stages else -1
    pools = [k for s, k in line.able if s == last]
    ahead = dict.fromkeys(pools, 0.0)
    must: dict[tuple[int, tuple[int, int], int], int] = {}
    may: dict[tuple[int, tuple[int, int], int], int] = {}
    for k in pools:
        for g in line.pools[last][k]:
            for h in line.groups[g]:
                heat, (c, _) = problem.heats[h], cast_of[h]
                if problem.casts[c].started_min is not None:
                    ahead[k] += 1
                    continue
                for column in range(len(problem.casts[c].units)):
                    if (c, column) in starts:
                        low, high = line.to_cast(heat, line.place(g, last), column)
                        must[k, (c, column), low] = must.get((k, (c, column), low), 0) + 1
                        may[k, (c, column), high] = may.get((k, (c, column), high), 0) + 1
    due, possible = (_takes(n, demand, starts) for demand in (must, may))
    m.FED = pyo.Set(initialize=pools, dimen=1)
    terms = Terms(n, 4)
    for k in pools:
        count(terms, (k,), line, (last, k), 0, 1)
    stretches = Stretches.of({(k,): range(n) for k in pools}, terms)
    m.FEEDING, m.FROM = stretches.rows(), stretches.set()
    sizes = np.repeat([line.size(last, k) for k in pools], n)
    m.due, m.open = pyo.Block(), pyo.Block()
    previous = {k: (k, 1) for k in pools}
    due_by, open_by = (
        running_sum.add(m.due, m.z, due, previous),
        running_sum.add(m.open, m.z, possible, previous, ahead),
    )
    limit(due_by, upper=sizes)
    limit(open_by, upper=sizes)

    @constraint(m, m.FEEDING)
    def in_time(m: Any, k: int, stretch: int, t: int) -> Any:
        return weighed(m.Y, m.FROM[k, stretch], t) >= due_by[k, t]

    @constraint(m, m.FEEDING)
    def not_too_early(m: Any, k: int, stretch: int, t: int) -> Any:
        return weighed(m.Y, m.FROM[k, stretch], t) <= open_by[k, t]


def _takes(n: int, demand: dict[tuple[int, tuple[int, int], int], int], starts: dict[tuple[int, int], Runs]) -> Terms:
    """Heats of a pool that a cast takes some slots before it starts, or in the first slot."""
    terms = Terms(n, 3)
    for (k, key, lag), heats in demand.items():
        for first, last in starts[key]:
            terms.add((k,), (*key, 1, lag), heats, max(first - lag, 1), last - lag)
            for t in range(first, min(last, lag) + 1):
                terms.add((k,), (*key, 0, t), heats, 0, 0)
    return terms
