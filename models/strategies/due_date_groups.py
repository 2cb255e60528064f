"""Planning of longer horizons: orders in groups by due time, each planned with earlier decisions fixed.

If the value of a plan follows from the line's load alone, casts are first removed from it and put back differently
(``models/heuristics/line/ruin_and_recreate.py``). A group is planned like a day
(``models/strategies/whole_horizon.py``) on a line without the units and power that the others have taken, and then all
starts of the plan are retimed (``models/heuristics/line/minimum_cut_retiming.py``). The bound is proven for the whole
horizon.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from emberline.models.heuristics.line import neighbourhoods, ruin_and_recreate
from emberline.models.problem.assignment import Starts, extra_mwh, line_cells, line_gives
from emberline.models.problem.line import Heat, SlotProblem
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE


def suits(search: Search) -> bool:
    """Return whether there are more heats than can be planned at once, and a plan to start from."""
    return len(search.problem.heats) > LINE.long_heats and bool(search.problem.casts) and search.best is not None


def run(search: Search, plan_part: Callable[[Search], None]) -> None:
    """Search group by group.

    Args:
        search: running search, whose bound rises.
        plan_part: function that finds plans of a group.
    """
    if ruin_and_recreate.useful(search):
        ruin_and_recreate.run(search, LINE.group_renewal_share * search.remaining)
    if search.data.purchase is not None:
        # peaks couple all parts: a part that is planned again would raise them
        neighbourhoods.polish(search)
    before, offset = math.inf, 0
    while not search.phase_over() and search.draft_rank < before - LINE.group_gain * abs(search.draft_rank):
        before = search.draft_rank
        groups = _groups(search.problem, offset)
        for number, group in enumerate(groups):
            if not search.phase_over():
                _replan(search, group, max(search.remaining / (len(groups) - number), LINE.group_work), plan_part)
                neighbourhoods.retime(search)
        offset = LINE.group_heats // 2 - offset


def _groups(problem: SlotProblem, size: int) -> list[list[int]]:
    """Return casts in due order, in groups of about a day's heats; the first group is reduced by ``size`` heats."""
    waiting = [c for c, cast in enumerate(problem.casts) if cast.started_min is None]
    order = sorted(waiting, key=lambda c: (max(problem.casts[c].last.values(), default=0), c))
    groups: list[list[int]] = [[]]
    for c in order:
        heats = len(problem.casts[c].heats)
        if groups[-1] and size + heats > LINE.group_heats:
            groups.append([])
            size = 0
        groups[-1].append(c)
        size += heats
    return [group for group in groups if group]


def _replan(search: Search, casts: list[int], seconds: float, plan_part: Callable[[Search], None]) -> None:
    """Plan some casts again around all others, and use the result if it is better."""
    best, problem = search.best, search.problem
    assert best is not None
    free = [h for c in casts for h in problem.casts[c].heats]
    starts = Starts(
        tuple(best.unit[h] for h in free),
        tuple(best.slot[h] for h in free),
        tuple(best.cast_unit[c] for c in casts),
        tuple(best.cast_slot[c] for c in casts),
    )
    inner = search.inner(
        _around(search, free, casts, starts), limit=seconds, gap=search.gap / 2 * len(free) / len(problem.heats)
    )  # fmt: skip
    with search.timed("groups"):
        inner.offer(starts, capped=False)
        plan_part(inner)
    if inner.best is None or inner.best is starts:
        return
    moved = {
        (-1, casts[i]) if h < 0 else (free[h], i): (u, slot)
        for (h, i), _, u, slot, _ in inner.best.placed(inner.problem)
    }
    search.offer(Starts.of(problem, {key: moved.get(key, best.place(key)) for key, _ in problem.works()}))


def _within(heat: Heat, low: int, high: int) -> Heat:
    """Return a heat that starts between two slots."""
    operations = (replace(o, first=max(o.first, low), last=min(o.last, high)) for o in heat.operations)
    return replace(heat, operations=tuple(operations))


def _around(search: Search, free: list[int], casts: list[int], starts: Starts) -> SlotProblem:
    """Return the line for some heats, without the units and power that all others take.

    The draw of idle units is left out because it depends on the gaps between all works; the whole plan accounts for it.
    """
    best, problem = search.best, search.problem
    assert best is not None
    open_ = problem.free.copy()

    for (h, i), work, u, _, begin_min in best.placed(problem):
        if h not in free and (h >= 0 or i not in casts):
            begin = begin_min / problem.step_min
            low, high = math.floor(begin + 1e-9), math.ceil(begin + work.occupy[u] - 1e-9)
            open_[u, max(low, 0) : max(high, 0)] = False
    index = {h: place for place, h in enumerate(free)}
    reach = round(LINE.group_reach_h * 60 / problem.step_min)
    low = min((min(slots) for slots in starts.slot if slots), default=0) - reach
    high = max((max(slots) for slots in starts.slot if slots), default=0) + reach
    moving = []
    for cast in (problem.casts[c] for c in casts):
        first = {u: max(t, low) for u, t in cast.first.items()}
        last = {u: min(t, high + reach) for u, t in cast.last.items()}
        moving.append(replace(cast, heats=tuple(index[h] for h in cast.heats), first=first, last=last))
    heats = tuple(_within(problem.heats[h], low, high) for h in free)
    part = replace(problem, heats=heats, casts=tuple(moving), free=open_, states={})
    everything = line_cells(problem, best, extra_mwh(problem, best)) + problem.under_way
    part_load = line_cells(part, starts, extra_mwh(part, starts)) + part.under_way
    whole, own_part, decided = line_gives(problem, best), line_gives(part, starts), problem.fixed_gives
    gives = {carrier: amount - (own_part[carrier] - decided.get(carrier, 0.0)) for carrier, amount in whole.items()}
    return replace(part, fixed_cells=problem.fixed_cells + everything - part_load, fixed_gives=gives)
