"""Windows of named heats: around a plan, or around a pooled one."""

from __future__ import annotations

from emberline.models.problem.aggregation import leading_stage
from emberline.models.problem.assignment import Starts
from emberline.models.problem.line import Counted, Windows
from emberline.models.problem.line_reader import SlotProblem


def near(problem: SlotProblem, plan: Starts, width: int, moving: set[int] | None = None) -> Windows:
    """Windows around a plan; where some heats move, all others are held."""
    operation: dict[tuple[int, int], tuple[int, int]] = {}
    cast: dict[int, list[tuple[int, int]]] = {}
    settled: dict[tuple[int, int], int] = {}
    for h, heat in enumerate(problem.heats):
        room = width if moving is None or h in moving else 0
        for i in range(len(heat.operations)):
            operation[h, i] = (plan.slot[h][i] - room, plan.slot[h][i] + room)
            if room == 0:
                settled[h, i] = plan.unit[h][i]
    for c, casting in enumerate(problem.casts):
        if casting.started_min is None:
            still = moving is not None and moving.isdisjoint(casting.heats)
            at = (plan.cast_unit[c], plan.cast_slot[c])
            cast[c] = [at] if still else options(problem, c, at[1], width)
    return Windows(operation, cast, settled)


def around_counted(problem: SlotProblem, counted: Counted, wide: int, around: int) -> Windows:
    """Windows around a pooled plan.

    Args:
        problem: the line.
        counted: leading starts and casts of the pooled plan.
        wide: slots by which leading starts may leave it.
        around: the same of casts.
    """
    lead_stage = leading_stage(problem)
    operation: dict[tuple[int, int], tuple[int, int]] = {}
    cast_of = problem.cast_of()
    for h, heat in enumerate(problem.heats):
        for i, op in enumerate(heat.operations):
            low, high = op.first, op.last
            if op.stage == lead_stage and op.started_min is None:
                slot = counted.lead[h]
                low, high = slot - wide, slot + wide
            operation[h, i] = (max(low, op.first), min(high, op.last))
        _propagate(problem, h, operation, counted.cast.get(cast_of[h][0]) if h in cast_of else None, around)
    return Windows(operation, {c: options(problem, c, slot, around) for c, (_, slot) in counted.cast.items()})


def everywhere(problem: SlotProblem) -> Windows:
    """Windows that hold every plan."""
    operation = {
        (h, i): (op.first, op.last) for h, heat in enumerate(problem.heats) for i, op in enumerate(heat.operations)
    }
    for h in range(len(problem.heats)):
        _propagate(problem, h, operation, None, 0)
    waiting = [c for c, cast in enumerate(problem.casts) if cast.started_min is None]
    return Windows(operation, {c: options(problem, c, 0, problem.n_slots) for c in waiting})


def options(problem: SlotProblem, c: int, slot: int, around: int) -> list[tuple[int, int]]:
    """Caster and slot of each place of a cast near a slot."""
    cast = problem.casts[c]
    open_ = {u: problem.may_start(u, cast.hold[u], cast.minutes[u]) for u in cast.units}
    return [
        (u, t)
        for u in cast.units
        for t in range(max(slot - around, cast.first[u], 0), min(slot + around, cast.last[u], problem.n_slots - 1) + 1)
        if open_[u][t]
    ]


def _propagate(
    problem: SlotProblem,
    h: int,
    windows: dict[tuple[int, int], tuple[int, int]],
    cast: tuple[int, int] | None,
    around: int,
) -> None:
    """Tighten a heat's windows by its lags, the loosest of all pairs of units."""
    heat = problem.heats[h]
    last = len(heat.operations) - 1
    if last < 0:
        return
    low = [windows[h, i][0] for i in range(last + 1)]
    high = [windows[h, i][1] for i in range(last + 1)]
    if cast is not None:
        unit, slot = cast
        column = problem.casts[problem.cast_of()[h][0]].units.index(unit)
        high[last] = min(high[last], slot + around - int(heat.least[last][:, column].min()))
        low[last] = max(low[last], slot - around - int(heat.most[last][:, column].max()))
    heat.tighten(low, high)
    for i in range(last + 1):
        windows[h, i] = (low[i], high[i])
