"""Planning longer horizons: orders in groups by due time, each planned with what is decided before held fixed.

A group is planned like a day (``models/day.py``) on a line whose units and power the earlier groups have taken. Then
stretches of the whole are improved within corridors. The bound is proven on the whole horizon.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

from models import day, matched_search
from models.bound import rising
from models.search import Search
from models.slots import SlotProblem
from models.starts import Starts, extra_mwh, line_cells

GROUP_HEATS = 24
"""Heats that are planned together at most, unless one order has more."""


def run(search: Search, by_orders: bool) -> None:
    """Search the whole at once, or group by group."""
    if not by_orders or not search.problem.casts:
        _whole(search)
        return
    if search.best is None:
        _whole(search)
        return
    with rising(search) as proof:
        groups = _groups(search.problem)
        for number, group in enumerate(groups):
            if not search.done():
                _replan(search, group, search.left / (len(groups) - number))
        while proof.is_alive() and not search.done():
            proof.join(0.1)


def _whole(search: Search) -> None:
    """Counts by unit where they are exact, else pooled plans told apart into heats."""
    if matched_search.useful(search):
        matched_search.pursue(search)
    else:
        day.run(search)


def _groups(problem: SlotProblem) -> list[list[int]]:
    """Casts in due order, in groups of about a day's heats."""
    waiting = [c for c, cast in enumerate(problem.casts) if cast.started_min is None]
    order = sorted(waiting, key=lambda c: (max(problem.casts[c].last.values(), default=0), c))
    groups: list[list[int]] = []
    size = 0
    for c in order:
        heats = len(problem.casts[c].heats)
        if not groups or size + heats > GROUP_HEATS:
            groups.append([])
            size = 0
        groups[-1].append(c)
        size += heats
    return groups


def _replan(search: Search, casts: list[int], seconds: float) -> None:
    """Plan some casts again around all others, and take the result where it is better."""
    best, problem = search.best, search.problem
    assert best is not None
    free = [h for c in casts for h in problem.casts[c].heats]
    own = Starts(
        tuple(best.unit[h] for h in free),
        tuple(best.slot[h] for h in free),
        tuple(best.cast_unit[c] for c in casts),
        tuple(best.cast_slot[c] for c in casts),
    )
    inner = Search(
        problem=_around(search, free, casts, own),
        data=search.data,
        aim=search.aim,
        time_limit=seconds,
        gap=search.gap / 2 * len(free) / len(problem.heats),
        on_progress=lambda event: None,
        cancel=search.cancel,
        proving=False,
    )
    began = time.perf_counter()
    inner.offer(own, capped=False)
    _whole(inner)
    search.clock("groups", began)
    if inner.best is None or inner.best is own:
        return
    unit, slot = list(best.unit), list(best.slot)
    for place, h in enumerate(free):
        unit[h], slot[h] = inner.best.unit[place], inner.best.slot[place]
    cast_unit, cast_slot = list(best.cast_unit), list(best.cast_slot)
    for place, c in enumerate(casts):
        cast_unit[c], cast_slot[c] = inner.best.cast_unit[place], inner.best.cast_slot[place]
    search.offer(Starts(tuple(unit), tuple(slot), tuple(cast_unit), tuple(cast_slot)))


def _around(search: Search, free: list[int], casts: list[int], own: Starts) -> SlotProblem:
    """The line as some heats find it: units and power that all others take are gone."""
    best, problem = search.best, search.problem
    assert best is not None
    available = problem.free.copy()

    def take(u: int, begin_min: float, slots: int) -> None:
        begin = begin_min / problem.step_min
        low, high = math.floor(begin + 1e-9), math.ceil(begin + slots - 1e-9)
        available[u, max(low, 0) : max(high, 0)] = False

    inside = set(free)
    for h, heat in enumerate(problem.heats):
        for i, operation in enumerate(heat.operations):
            if h not in inside:
                take(best.unit[h][i], best.minute(problem, h, i), operation.occupy[best.unit[h][i]])
    for c, cast in enumerate(problem.casts):
        if c not in casts:
            take(best.cast_unit[c], best.cast_minute(problem, c), cast.hold[best.cast_unit[c]])
    index = {h: place for place, h in enumerate(free)}
    part = replace(
        problem,
        heats=tuple(problem.heats[h] for h in free),
        casts=tuple(replace(problem.casts[c], heats=tuple(index[h] for h in problem.casts[c].heats)) for c in casts),
        free=available,
    )
    everything = line_cells(problem, best, extra_mwh(problem, best)) + problem.under_way
    mine = line_cells(part, own, extra_mwh(part, own)) + part.under_way
    return replace(part, fixed_cells=problem.fixed_cells + everything - mine)
