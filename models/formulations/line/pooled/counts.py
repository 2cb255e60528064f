"""Counted starts of pools: how many by each slot, on units that can take so many, one stage after the other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.kernel.arrays import Series, Variable, constraint, limit
from emberline.models.kernel.banded_rows import Stretches, Terms, weighed
from emberline.models.kernel.templates import each, total
from emberline.models.problem.aggregation import Pools
from emberline.models.problem.line_reader import CLOSE_MIN, down, up


def add(m: pyo.ConcreteModel, line: Pools, *, whole_total: bool) -> None:
    """Add counts ``Y[s, k, c, t]``: pool k at stage s, on units of class c, by slot t.

    Args:
        m: with its slots ``T``.
        line: what is counted.
        whole_total: ask for whole starts of the leading stage in total only, not of each pool.
    """
    n, able = line.n, line.able
    reach = {key: line.reach(*key) for key in able}
    single = {key: len(classes) == 1 for key, classes in able.items()}
    counted = [(s, k, c) for (s, k), classes in able.items() for c in classes]
    m.INDEX = pyo.Set(initialize=[(*key, t) for key in counted for t in range(n)], dimen=4)
    m.Y = Variable(m.INDEX)
    if counted:
        # where several classes share a pool what must have started is asked of them together
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

    @constraint(m, m.GROW)
    def grows(m: Any, s: int, k: int, c: int, t: int) -> Any:
        return m.Y[s, k, c, t] >= m.Y[s, k, c, t - 1]

    if whole_total:
        m.LEADING = pyo.Set(initialize=[key for key in counted if key[0] == line.lead], dimen=3)
        m.started = Variable(m.T, domain=pyo.Integers, bounds=(0, len(line.problem.heats)))

        @constraint(m, m.T)
        def in_total(m: Any, t: int) -> Any:
            return m.started[t] == total(m.Y[s, k, c, t] for s, k, c in each(m.LEADING))

    _capacity(m, line)


def count(terms: Terms, row: tuple[Any, ...], line: Pools, pool: tuple[int, int], lag: int, weight: float) -> None:
    """Add to a row how many of a pool have started some slots before."""
    for c in line.able[pool]:
        terms.counted(row, (*pool, c), lag, weight)


def _capacity(m: pyo.ConcreteModel, line: Pools) -> None:
    problem, n = line.problem, line.n
    uses = Terms(n, 4)
    for (s, k), classes in line.able.items():
        for c in classes:
            uses.lagged((s, c), (s, k, c), 0, 1)
            uses.lagged((s, c), (s, k, c), line.operation(s, k).occupy[line.classes[s][c][0]], -1)
    stretches = Stretches.of({row: range(n) for row in uses.of}, uses)
    free = problem.free & ~_busy(line)
    open_ = {(s, c): free[list(line.classes[s][c])] for s, c in uses.of}
    units = {(s, c): (mask & line.could_hold(s, c)).sum(axis=0) for (s, c), mask in open_.items()}
    m.SHARED, m.USE = stretches.rows(), stretches.set()
    m.units = Series(m.SHARED, values=np.array([units[s, c][t] for s, c, _, t in stretches.index]))

    @constraint(m, m.SHARED)
    def capacity(m: Any, s: int, c: int, stretch: int, t: int) -> Any:
        return weighed(m.Y, m.USE[s, c, stretch], t) <= m.units[s, c, stretch, t]

    if problem.outages:
        _available(m, line, open_, units)


def _available(
    m: pyo.ConcreteModel,
    line: Pools,
    open_: dict[tuple[int, int], np.ndarray],
    units: dict[tuple[int, int], np.ndarray],
) -> None:
    """What works at a moment, to the minute, is on units that are available then.

    Around an outage more units may be held than are available: by set-ups, and by what is left of last slots. Elsewhere
    the rows of what is held say as much.

    Args:
        m: with its counts.
        line: what is counted.
        open_: by stage and class: which of its units nothing else holds, shape (n_units, n_slots).
        units: the same: how many may be held, shape (n_slots,).
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
    stretches = Stretches.of(rows, works)
    m.MOMENT, m.WORK = stretches.rows(), stretches.set()
    m.present = Series(
        m.MOMENT, values=np.array([there[s, c, number] for s, c, number, *_ in stretches.index], dtype=float)
    )

    @constraint(m, m.MOMENT)
    def available(m: Any, s: int, c: int, number: int, stretch: int, t: int) -> Any:
        return weighed(m.Y, m.WORK[s, c, number, stretch], t) <= m.present[s, c, number, stretch, t]


def _busy(line: Pools) -> np.ndarray:
    """Slots in which what has started already holds its unit, shape (n_units, n_slots)."""
    problem = line.problem
    busy = np.zeros_like(problem.free)
    for heat in problem.heats:
        for operation in heat.operations:
            if operation.started_min is not None:
                u = operation.units[0]
                until = operation.started_min + operation.occupy[u] * problem.step_min
                busy[u, : max(math.ceil(until / problem.step_min - 1e-9), 0)] = True
    return busy


def chain(m: pyo.ConcreteModel, line: Pools) -> None:
    """Tie the counts of every stage to those of the leading one, and consecutive others in sum."""
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
    tied, waited = Stretches.of({row: range(n) for row in before.of}, before), Stretches.of(late, after)
    m.TIED, m.BEFORE = tied.rows(), tied.set()
    m.LATE, m.AFTER = waited.rows(), waited.set()

    @constraint(m, m.TIED)
    def precedence(m: Any, s: int, k: int, stretch: int, t: int) -> Any:
        return weighed(m.Y, m.BEFORE[s, k, stretch], t) <= 0

    @constraint(m, m.LATE)
    def longest_wait(m: Any, s: int, k: int, stretch: int, t: int) -> Any:
        return weighed(m.Y, m.AFTER[s, k, stretch], t) <= 0

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
    stretches = Stretches.of({row: range(line.n) for row in terms.of}, terms)
    m.BETWEEN, m.PASSED = stretches.rows(), stretches.set()

    @constraint(m, m.BETWEEN)
    def in_sum(m: Any, s: int, r: int, stretch: int, t: int) -> Any:
        return weighed(m.Y, m.PASSED[s, r, stretch], t) <= 0
