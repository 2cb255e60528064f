"""The order of least changeover cost: a path through classes of heats that no changeover tells apart.

Heats with equal rows and columns of the cost are one class. How often one class follows another is a flow: each class
is entered as often as it has heats. A flow that hangs together is a path (Euler), one that does not is cut off and
solved again (Dantzig, Fulkerson & Johnson, Journal of the Operations Research Society of America 2, 1954, for classes).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyomo.core as pyo

from emberline.models.kernel import highs

CLOSE = 1e-9
"""Costs that count as equal."""
TOLERANCE = 1e-6


class Succession(NamedTuple):
    """The order of least cost, where there is one, and a bound on the cost of every order."""

    order: np.ndarray | None
    bound: float


def classes(cost: np.ndarray) -> list[list[int]]:
    """Heats that cost the same before and after every other one, in the order of their first members."""
    n = len(cost)
    groups: list[list[int]] = []
    for i in range(n):
        for group in groups:
            j = group[0]
            remaining = np.ones(n, dtype=bool)
            remaining[[i, j]] = False
            within = {cost[a, b] for a in (i, *group) for b in (i, *group) if a != b}
            if (
                np.allclose(cost[i, remaining], cost[j, remaining], rtol=0, atol=CLOSE)
                and np.allclose(cost[remaining, i], cost[remaining, j], rtol=0, atol=CLOSE)
                and max(within) - min(within) <= CLOSE
            ):
                group.append(i)
                break
        else:
            groups.append([i])
    return groups


def least_cost(
    cost: np.ndarray, rank: np.ndarray, *, time_limit: float, cancel: Callable[[], bool] | None = None
) -> Succession:
    """The order of least total cost of neighbours.

    Args:
        cost: of each heat after each, shape (n, n), not negative.
        rank: heats of a class come by rising rank, shape (n,).
        time_limit: seconds.
        cancel: polled; True ends the search.
    """
    began = time.perf_counter()
    groups = [sorted(group, key=lambda h: rank[h]) for group in classes(cost)]
    if len(cost) == 1:
        return Succession(np.array([0]), 0.0)
    count = len(groups)
    first = [group[0] for group in groups]
    each = cost[np.ix_(first, first)].copy()
    for g, group in enumerate(groups):
        each[g, g] = cost[group[0], group[1]] if len(group) > 1 else 0.0
    m = pyo.ConcreteModel()
    pairs = [(a, b) for a in range(count) for b in range(count) if a != b or len(groups[a]) > 1]
    m.flow = pyo.Var(pairs, domain=pyo.NonNegativeIntegers)
    m.begin = pyo.Var(range(count), domain=pyo.Binary)
    m.end = pyo.Var(range(count), domain=pyo.Binary)
    m.once = pyo.Constraint(expr=sum(m.begin[g] for g in range(count)) == 1)
    m.ends = pyo.Constraint(expr=sum(m.end[g] for g in range(count)) == 1)
    m.degree = pyo.ConstraintList()
    for g, group in enumerate(groups):
        m.degree.add(m.begin[g] + sum(m.flow[a, b] for a, b in pairs if b == g) == len(group))
        m.degree.add(m.end[g] + sum(m.flow[a, b] for a, b in pairs if a == g) == len(group))
    m.cuts = pyo.ConstraintList()
    m.cost = pyo.Objective(expr=sum(float(each[a, b]) * m.flow[a, b] for a, b in pairs))
    proven = 0.0
    while (remaining_s := time_limit - (time.perf_counter() - began)) > 0 and not (cancel is not None and cancel()):
        outcome = highs.solve(m, work=remaining_s, gap=0.0, cancel=cancel)
        if outcome.bound is not None and math.isfinite(outcome.bound):
            proven = max(proven, outcome.bound - TOLERANCE)
        if not outcome.has_solution:
            break
        flow = {pair: round(m.flow[pair].value or 0.0) for pair in pairs}
        begin = next(g for g in range(count) if (m.begin[g].value or 0.0) > 0.5)
        parts = _parts(count, begin, flow)
        if len(parts) == 1:
            return Succession(_path(groups, begin, flow), proven)
        for part in parts[1:]:
            m.cuts.add(
                sum(m.begin[g] for g in part) + sum(m.flow[a, b] for a, b in pairs if a not in part and b in part) >= 1
            )
    return Succession(None, proven)


def _parts(count: int, begin: int, flow: dict[tuple[int, int], int]) -> list[set[int]]:
    """Classes that hang together, those with the beginning first."""
    open_ones, parts = set(range(count)), []
    for root in (begin, *range(count)):
        if root not in open_ones:
            continue
        part, ahead = {root}, [root]
        while ahead:
            g = ahead.pop()
            for (a, b), times in flow.items():
                for other in (b,) if a == g else (a,) if b == g else ():
                    if times and other not in part:
                        part.add(other)
                        ahead.append(other)
        open_ones -= part
        parts.append(part)
    return parts


def _path(groups: list[list[int]], begin: int, flow: dict[tuple[int, int], int]) -> np.ndarray:
    """Heats along an Euler path (Hierholzer)."""
    open_ones = dict(flow)
    stack, walk = [begin], []
    while stack:
        g = stack[-1]
        # a class is worked off before it is left
        after = next(
            (b for (a, b), times in sorted(open_ones.items(), key=lambda one: one[0][1] != g) if a == g and times), -1
        )
        if after < 0:
            walk.append(stack.pop())
        else:
            open_ones[g, after] -= 1
            stack.append(after)
    heats = [iter(group) for group in groups]
    return np.array([next(heats[g]) for g in reversed(walk)])
