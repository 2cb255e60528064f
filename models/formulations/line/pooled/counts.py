"""Cumulative counts of starts by pool, and the casts that take the heats.

Counts state how many heats of a pool have started by each slot at one stage after the other, on units of limited
capacity. A cast is one binary for each caster and start slot; it takes the heats of the cast at their offsets.
"""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.kernel import deadline
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint, limit
from emberline.models.kernel.banded_rows import Runs, Terms, banded, profile, running_sum
from emberline.models.kernel.templates import Members, each, total
from emberline.models.problem.aggregation import Pools
from emberline.models.problem.line import CLOSE_MIN, down, runs, up


def add_counts(m: pyo.ConcreteModel, line: Pools, *, whole_total: bool) -> None:
    """Add counts ``Y[s, k, c, t]``: starts of pool k at stage s, on units of class c, by slot t.

    Args:
        m: model with its slots ``T``.
        line: pools to count.
        whole_total: require integer starts of the leading stage in total only, not for each pool.
    """
    n, able = line.n, line.able
    reach = {key: line.reach(*key) for key in able}
    single = {key: len(classes) == 1 for key, classes in able.items()}
    counted = [(s, k, c) for (s, k), classes in able.items() for c in classes]
    m.INDEX = pyo.Set(initialize=[(*key, t) for key in counted for t in range(n)], dimen=4)
    m.Y = Variable(m.INDEX)
    if counted:
        # if several classes share a pool, the starts that are required apply to their sum
        lower = [reach[s, k][0] if single[s, k] else np.zeros(n) for s, k, _ in counted]
        limit(m.Y, np.concatenate(lower), np.concatenate([reach[s, k][1] for s, k, _ in counted]))
    if not whole_total:
        m.Y.ask_whole(np.repeat([s == line.lead for s, *_ in counted], n))
    m.ABLE = pyo.Set(list(able), initialize=able, dimen=1)
    several = [key for key in able if not single[key]]
    m.SEVERAL = pyo.Set(initialize=[(*key, t) for key in several for t in range(n)], dimen=3)
    m.must = Series(m.SEVERAL, values=np.concatenate([np.zeros(0), *(reach[key][0] for key in several)]))
    m.may = Series(m.SEVERAL, values=np.concatenate([np.zeros(0), *(reach[key][1] for key in several)]))

    @constraint(m, m.SEVERAL)
    def by_window(m: Any, s: int, k: int, t: int) -> Any:
        return pyo.inequality(m.must[s, k, t], total(m.Y[s, k, c, t] for c in each(m.ABLE[s, k])), m.may[s, k, t])

    m.GROW = pyo.Set(initialize=[(*key, t) for key in counted for t in range(1, n)], dimen=4)
    m.grows = Rows(m.GROW, rule=lambda m, s, k, c, t: m.Y[s, k, c, t] >= m.Y[s, k, c, t - 1])
    if whole_total:
        m.LEADING = pyo.Set(initialize=[key for key in counted if key[0] == line.lead], dimen=3)
        m.started = Variable(m.T, domain=pyo.Integers, bounds=(0, len(line.problem.heats)))
        m.in_total = Rows(m.T, rule=lambda m, t: m.started[t] == total(m.Y[s, k, c, t] for s, k, c in each(m.LEADING)))
    _capacity(m, line)


def count(terms: Terms, row: tuple[Any, ...], line: Pools, pool: tuple[int, int], lag: int, weight: float) -> None:
    """Add to a row the number of heats of a pool that have started some slots before."""
    for c in line.able[pool]:
        terms.counted(row, (*pool, c), lag, weight)


def _capacity(m: pyo.ConcreteModel, line: Pools) -> None:
    problem, n = line.problem, line.n
    uses = Terms(n, 4)
    for (s, k), classes in line.able.items():
        for c in classes:
            uses.lagged((s, c), (s, k, c), 0, 1)
            uses.lagged((s, c), (s, k, c), line.operation(s, k).occupy[line.classes[s][c][0]], -1)
    free = problem.free & ~_busy(line)
    open_ = {(s, c): free[list(line.classes[s][c])] for s, c in uses.of}
    units = {(s, c): (mask & line.could_hold(s, c)).sum(axis=0) for (s, c), mask in open_.items()}
    m.CLASS = pyo.Set(initialize=list(units), dimen=2)
    m.units = Series(m.CLASS, m.T, values=np.concatenate([np.zeros(0), *units.values()]))

    @banded(m, {row: range(n) for row in uses.of}, (m.Y, uses))
    def capacity(m: Any, used: Any, s: int, c: int, t: int) -> Any:
        return used <= m.units[s, c, t]

    if problem.outages:
        _available(m, line, open_, units)


def _available(
    m: pyo.ConcreteModel,
    line: Pools,
    open_: dict[tuple[int, int], np.ndarray],
    units: dict[tuple[int, int], np.ndarray],
) -> None:
    """Limit the work at each moment, to the minute, to the units that are available then.

    Around an outage more units may be occupied than are available, by set-ups and by the rest of last slots. Elsewhere
    the rows of occupied units imply the same.

    Args:
        m: model with its counts.
        line: pools that are counted.
        open_: units that no other work occupies, by stage and class, shape (n_units, n_slots).
        units: number of units that may be occupied, by stage and class, shape (n_slots,).
    """
    problem, step = line.problem, line.problem.step_min
    works, rows, there = Terms(line.n, 4), {}, {}
    for (s, c), mask in open_.items():
        members = line.classes[s][c]
        edges = [span for u in members for span in problem.outages.get(u, ())]
        moments = {max(out, 0.0) for out, _ in edges}
        moments |= {t * step for out, over in edges for t in range(max(up(out, step), 0), min(up(over, step), line.n))}
        for number, moment in enumerate(sorted(moments)):
            t = down(moment, step)
            if t >= line.n:
                continue
            present = sum(
                bool(mask[i, t]) and not problem.is_out(u, moment, 2 * CLOSE_MIN) for i, u in enumerate(members)
            )
            if present >= units[s, c][t]:
                continue
            rows[s, c, number], there[s, c, number] = [t], present
            for k in range(len(line.pools[s])):
                if c in line.able[s, k]:
                    lasts = up(line.shortest(s, k, c) - (moment - t * step), step)
                    if lasts > 0:
                        works.lagged((s, c, number), (s, k, c), 0, 1)
                        works.lagged((s, c, number), (s, k, c), lasts, -1)
    m.MOMENT = pyo.Set(initialize=list(there), dimen=3)
    m.present = Series(m.MOMENT, values=np.array(list(there.values()), dtype=float))

    @banded(m, rows, (m.Y, works))
    def available(m: Any, working: Any, s: int, c: int, number: int, t: int) -> Any:
        return working <= m.present[s, c, number]


def _busy(line: Pools) -> np.ndarray:
    """Return the slots in which started work occupies its unit, shape (n_units, n_slots)."""
    busy = np.zeros_like(line.problem.free)
    for u, until in line.problem.held_until().items():
        busy[u, : max(math.ceil(until - 1e-9), 0)] = True
    return busy


def chain(m: pyo.ConcreteModel, line: Pools) -> None:
    """Couple the counts of every stage to those of the leading one, and other consecutive stages in total."""
    n, lead, leading = line.n, line.lead, line.lead_pool
    before, after, late = Terms(n, 4), Terms(n, 4), {}
    for s, k in line.able:
        pool = line.pools[s][k]
        if s == lead or any(g not in leading for g in pool):
            continue
        count(before, (s, k), line, (s, k), 0, 1)
        count(after, (s, k), line, (s, k), 0, -1)
        latest = []
        for g in pool:
            least, most = line.apart(g, lead, s)
            count(before, (s, k), line, (lead, leading[g]), least, -1)
            count(after, (s, k), line, (lead, leading[g]), most, 1)
            latest.append(most)
        late[s, k] = range(max(min(latest), 0), n)

    @banded(m, {row: range(n) for row in before.of}, (m.Y, before))
    def precedence(m: Any, ahead: Any, *row: int) -> Any:
        return ahead <= 0

    @banded(m, late, (m.Y, after))
    def longest_wait(m: Any, behind: Any, *row: int) -> Any:
        return behind <= 0

    _in_sum(m, line)


def _in_sum(m: pyo.ConcreteModel, line: Pools) -> None:
    terms = Terms(line.n, 4)
    for s, r in zip(line.stages, line.stages[1:], strict=False):
        groups = [{g for pool in line.pools[stage] for g in pool} for stage in (s, r)]
        if line.lead in (s, r) or groups[0] != groups[1] or not groups[0]:
            continue
        lag = min(line.apart(g, s, r)[0] for g in groups[0])
        for k in range(len(line.pools[r])):
            count(terms, (s, r), line, (r, k), 0, 1)
        for k in range(len(line.pools[s])):
            count(terms, (s, r), line, (s, k), lag, -1)

    @banded(m, {row: range(line.n) for row in terms.of}, (m.Y, terms))
    def in_sum(m: Any, ahead: Any, *row: int) -> Any:
        return ahead <= 0


class Casting:
    """Groups of casts that are placed together, and the possible starts of each cast."""

    def __init__(self, line: Pools) -> None:
        self.line = line
        self.batches = self._batches()
        """Casts that differ only in their latest start, by the first of them; single casts if a plan is read."""
        self.places = {c: self._places(c) for casts in self.batches.values() for c in casts}
        """Caster, by its place among the cast's units, and slot of each place, by cast."""
        self.options = {
            first: sorted({p for c in casts for p in self.places[c]}) for first, casts in self.batches.items()
        }
        """Possible starts of the casts of a batch, by its first cast."""

    def runs(self) -> dict[tuple[int, int], Runs]:
        """Return the runs of slots in which a batch may start, by its first cast and caster."""
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
                    (u, cast.first[u], cast.occupy[u], cast.cells[u].tobytes(), cast.offsets[u].tobytes())
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
            low, high = 0, line.n
            for h in cast.heats:
                heat = problem.heats[h]
                if heat.operations:
                    least, most = line.to_cast(heat, len(heat.operations) - 1, column)
                    low = max(low, line.windows[h].first[-1] + least)
                    high = min(high, line.windows[h].last[-1] + most)
            slots = np.flatnonzero(problem.start_slots(cast, u))
            places += [(column, t) for t in slots[(slots >= low) & (slots <= high)].tolist()]
        return places


def add_casts(m: pyo.ConcreteModel, casting: Casting) -> bool:
    """Add starts ``z[c, caster, t]`` and the occupation of casters; return False if a cast has no place."""
    options, batches = casting.options, casting.batches
    m.OPTION = pyo.Set(initialize=[(c, *place) for c, places in options.items() for place in places], dimen=3)
    m.z = Variable(m.OPTION, domain=pyo.Binary)
    if not all(casting.places.values()):
        return False
    m.CAST = pyo.Set(initialize=list(batches), dimen=1)
    m.PLACE = Members(options, dimen=2)
    m.casts = Series(m.CAST, values=np.array([len(casts) for casts in batches.values()]))
    m.once = Rows(m.CAST, rule=lambda m, c: total(m.z[c, column, t] for column, t in each(m.PLACE[c])) == m.casts[c])
    # casts that must have begun by a slot; this is sufficient because all may begin from the same slot on
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
    """Limit casters to one cast at a time."""
    problem, n = casting.line.problem, casting.line.n
    units = sorted({u for cast in problem.casts for u in cast.units})
    holds, open_ = Terms(n, 3), {u: np.ones(n) for u in units}
    for (c, column), slots in casting.runs().items():
        u = problem.casts[c].units[column]
        profile(holds, u, (c, column), np.ones(problem.casts[c].occupy[u]), slots)
    for u, until in problem.held_until().items():
        if u in open_:
            open_[u][: max(math.ceil(until - 1e-9), 0)] = 0
    m.occupancy = pyo.Block()
    level = running_sum(m.occupancy, m.z, holds, {u: (u, 1) for u in units})
    limit(level, upper=np.concatenate([np.zeros(0), *open_.values()]))


def feed(m: pyo.ConcreteModel, casting: Casting) -> None:
    """Add the demand of casts: the minimum and maximum number of heats started by a slot at the stage before them.

    The chain of counts passes this on to earlier stages.
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
    terms = Terms(n, 4)
    for k in pools:
        count(terms, (k,), line, (last, k), 0, 1)
    sizes = np.repeat([line.size(last, k) for k in pools], n)
    m.due, m.open = pyo.Block(), pyo.Block()
    previous = {k: (k, 1) for k in pools}
    due_by = running_sum(m.due, m.z, due, previous)
    open_by = running_sum(m.open, m.z, possible, previous, ahead)
    for level in (due_by, open_by):
        limit(level, upper=sizes)

    @banded(m, {(k,): range(n) for k in pools}, (m.Y, terms))
    def in_time(m: Any, fed: Any, k: int, t: int) -> Any:
        return fed >= due_by[k, t]

    @banded(m, {(k,): range(n) for k in pools}, (m.Y, terms))
    def not_too_early(m: Any, fed: Any, k: int, t: int) -> Any:
        return fed <= open_by[k, t]


def _takes(n: int, demand: dict[tuple[int, tuple[int, int], int], int], starts: dict[tuple[int, int], Runs]) -> Terms:
    """Return the heats of a pool that a cast takes some slots before it starts, or in the first slot."""
    terms = Terms(n, 3)
    for (k, key, lag), heats in demand.items():
        for first, last in starts[key]:
            terms.add((k,), (*key, 1, lag), heats, max(first - lag, 1), last - lag)
            for t in range(first, min(last, lag) + 1):
                terms.add((k,), (*key, 0, t), heats, 0, 0)
    return terms
