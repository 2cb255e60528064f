"""Named heats within windows: disaggregation of pooled plans, and steps that improve a plan.

Windows lie around a plan or a pooled plan. Mixed-integer programs are solved near their relaxation, where good plans
lie and where HiGHS would search last. The steps are: optimize all starts at once, move some casts, exchange two casts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.named.model import Named
from emberline.models.formulations.site.objective import EARLY
from emberline.models.heuristics.line import minimum_cut_retiming
from emberline.models.kernel.highs import Program
from emberline.models.kernel.templates import building, each, total
from emberline.models.problem.aggregation import leading_stage
from emberline.models.problem.assignment import Starts
from emberline.models.problem.line import Counted, SlotProblem, Windows
from emberline.models.search.incumbent import PricedSite, Search
from emberline.models.search.tuning import LINE
from emberline.scenarios import effort


def near(problem: SlotProblem, plan: Starts, width: int, moving: set[int] | None = None) -> Windows:
    """Return windows around a plan; if some heats move, all others are fixed."""
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
    """Return windows around a pooled plan.

    Args:
        problem: the line.
        counted: leading starts and casts of the pooled plan.
        wide: slots by which leading starts may deviate from it.
        around: slots by which casts may deviate from it.
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
    """Return windows that contain every plan."""
    operation = {
        (h, i): (op.first, op.last) for h, heat in enumerate(problem.heats) for i, op in enumerate(heat.operations)
    }
    for h in range(len(problem.heats)):
        _propagate(problem, h, operation, None, 0)
    waiting = [c for c, cast in enumerate(problem.casts) if cast.started_min is None]
    return Windows(operation, {c: options(problem, c, 0, problem.n_slots) for c in waiting})


def options(problem: SlotProblem, c: int, slot: int, around: int) -> list[tuple[int, int]]:
    """Return the caster and slot of each place of a cast near a slot."""
    cast = problem.casts[c]
    slots = {u: np.flatnonzero(problem.start_slots(cast, u)) for u in cast.units}
    return [(u, t) for u in cast.units for t in slots[u][np.abs(slots[u] - slot) <= around].tolist()]


def _propagate(
    problem: SlotProblem,
    h: int,
    windows: dict[tuple[int, int], tuple[int, int]],
    cast: tuple[int, int] | None,
    around: int,
) -> None:
    """Tighten the windows of a heat by its lags, using the loosest pair of units."""
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


def name_heats(
    search: Search, counted: Counted, loose: Collection[int], draft: Starts | None = None, *, hurried: bool = False
) -> tuple[bool, Starts | None]:
    """Disaggregate a pooled plan into named heats.

    A pooled plan fills units better than single heats can. Units may therefore be used twice at first, at a price that
    rises until they are not.

    Args:
        search: search that receives the plan.
        counted: the pooled plan.
        loose: units that may be used twice at first.
        draft: plan with double use of units, to continue from.
        hurried: stop if this takes long and much double use remains.

    Returns:
        Whether a better plan was obtained, and otherwise the remaining draft, if any.
    """
    problem = search.problem
    windows = (
        around_counted(problem, counted, LINE.naming_slots, LINE.naming_slots)
        if draft is None
        else near(problem, draft, LINE.naming_slots)
    )
    price = overlap_price(search)
    rise = price if draft is None else 2 * price
    least, idle = math.inf, 0
    for _ in range(LINE.naming_rounds):
        if search.remaining <= 0.1 or search.phase_over() or idle > LINE.naming_patience:
            break
        limit = min(LINE.naming_work, max(search.remaining, 0.5))
        plan, twice, cut = named(search, windows, limit, "name heats", draft, loose, rise, gap=search.gap / 2)
        if plan is None:
            break
        draft = plan
        if twice < 0.5:
            return search.offer(draft), None
        if twice <= LINE.overlap_few and told_apart(search, draft, LINE.overlap_firm * price):
            return True, None
        idle = 0 if twice < least - 0.5 else idle + 1
        if twice > LINE.overlap_few and (idle or (hurried and cut)):
            break
        least, rise = min(twice, least), 2 * rise
        windows = near(problem, draft, LINE.naming_slots + idle)
    return False, draft


def told_apart(search: Search, draft: Starts, price: float) -> bool:
    """Move every heat by up to a slot while this reduces double use; return whether a better plan was obtained."""
    everything = set(range(len(search.problem.units)))
    plan: Starts | None = draft
    least = math.inf
    while plan is not None and not search.phase_over():
        windows = near(search.problem, plan, 1)
        plan, overlaps, _ = named(
            search, windows, min(search.remaining, LINE.step_work), "name heats", plan, everything, price
        )
        if plan is not None and overlaps < 0.5:
            return search.offer(plan)
        if overlaps > least - 0.5:
            break
        least = overlaps
    return False


def overlap_price(search: Search) -> float:
    """Return the initial price of a slot of double use."""
    return LINE.overlap * float(np.abs(search.aim.both_weights(search.data)).mean()) * line_mwh(search.problem)


def line_mwh(problem: SlotProblem) -> float:
    """Return the energy of operations that have not started, without reheating [MWh]."""
    return sum(
        float(np.mean([cells.sum() for cells in operation.cells.values()]))
        for heat in problem.heats
        for operation in heat.operations
        if operation.started_min is None
    )


def named(
    search: Search,
    windows: Windows,
    limit: float,
    phase: str,
    start: Starts | None,
    loose: Collection[int] = (),
    overlap: float = 0.0,
    gap: float | None = None,
    *,
    wide: bool = False,
) -> tuple[Starts | None, float, bool]:
    """Compute the best plan of named heats near the relaxation within windows.

    Args:
        search: search that limits the time.
        windows: windows of the starts.
        limit: maximum work.
        phase: name under which the seconds are reported.
        start: a plan within the windows.
        loose: units that may be used twice at the same time.
        overlap: price of a slot of double use.
        gap: gap at which the search may stop; None: a tenth of the requested one.
        wide: also search far from the relaxation.

    Returns:
        The plan, the number of slots with double use, and whether time ended the search.
    """
    until = effort.now() + limit
    with search.timed("build"), building():
        priced_site = search.planning
        formulation = Named(search.problem, priced_site.data, windows, loose)
        if not formulation.possible:
            return None, 0.0, False
        aim = _aim(search, priced_site, formulation)
        twice = overlap * formulation.twice if loose else 0.0
        formulation.model.goal = pyo.Objective(rule=lambda m: aim(m) + twice)
        program = Program(formulation.model)
        if start is not None:
            formulation.begin(start)

    def remaining() -> float:
        return max(min(until - effort.now(), search.remaining), 0.2)

    with search.timed(phase):
        # the solver keeps the start; the solution of the relaxation goes into the variables
        before = effort.now()
        relaxed = program.run(work=remaining(), relax=True, cancel=search.phase_over)
        outcome = relaxed
        # everything takes longer on a slow or busy machine
        until = max(until, effort.now() + LINE.naming_relaxations * (effort.now() - before))
        if relaxed.has_solution:
            gap = search.gap / 10 if gap is None else gap
            # without a start HiGHS adds cuts for long before it has a plan; within the relaxation it has one at once
            for around in (1,) if start is not None else (0, 1):
                if not wide:
                    program.confine(formulation.surroundings(around, start))
                if start is not None:
                    formulation.begin(start)
                outcome = program.run(work=remaining(), gap=gap, start=start is not None, cancel=search.phase_over)
                if outcome.has_solution or search.phase_over():
                    break
    if not outcome.has_solution or outcome is relaxed:
        return None, 0.0, True
    return formulation.read(), float(pyo.value(formulation.twice)), outcome.status != "optimal"


def _aim(search: Search, priced_site: PricedSite, formulation: Named) -> Callable[[Any], Any]:
    """Return the rule of an objective: both goals, prices of broken limits and caps, early starts to break ties."""
    aim, data, m = priced_site.aim, priced_site.data, formulation.model
    broken = formulation.ports.price_caps(m, aim.caps(data), aim.over_price(data))
    if aim.grades:
        above = formulation.cap_grades(aim.grades, search.mixed, soft=True)
        broken += sum(price * kg for (_, price), kg in zip(aim.grade_prices(data), above, strict=True))
    scale = EARLY * float(np.abs(aim.weight(data)).mean()) + 1e-12
    early = total(t * m.x[h, i, u, t] for h, i, u, t in each(m.START)) + total(
        t * m.z[c, u, t] for c, u, t in each(m.OPTION)
    )
    return lambda m: aim.expression(formulation.ports) + broken + scale * early


def polish(search: Search) -> None:
    """Improve the plan step by step, in wider windows if no step helps, until none does."""
    improving = True
    while improving and not search.phase_over() and search.draft is not None:
        before = search.draft_rank
        retime(search)
        for width in LINE.widths:
            if corridors(search, width) | exchange(search):
                retime(search)
        improving = search.draft_rank < before


def retime(search: Search) -> bool:
    """Optimize all starts at once with units and sequences fixed; return whether the plan improved."""
    retiming = minimum_cut_retiming.of_search(search)
    if retiming is None or search.draft is None or search.phase_over():
        return False
    shop = retiming.shop
    shop.read(search.draft)
    places = retiming.best([placed for placed in shop.at if placed is not None], math.inf, search.phase_over)
    return places is not None and search.offer(shop.starts(places))


def corridors(search: Search, width: int) -> bool:
    """Move some casts at a time with all others fixed until no neighbourhood improves; return whether any did."""
    improved = False
    while search.draft is not None and not search.phase_over():
        moved = [improve(search, group, width) for group in _neighbourhoods(search) if not search.phase_over()]
        if not any(moved):
            break
        improved = True
    return improved


def _neighbourhoods(search: Search) -> list[list[int]]:
    """Return heats to move together: those of two casts close in time, or a few successive heats without casts."""
    problem, best = search.problem, search.draft
    assert best is not None
    casts = sorted(
        (c for c, cast in enumerate(problem.casts) if cast.started_min is None), key=lambda c: best.cast_slot[c]
    )
    if not casts:
        heats = [h for h, heat in enumerate(problem.heats) if heat.operations]
        heats.sort(key=lambda h: best.slot[h][0])
        return [heats[i : i + 6] for i in range(0, len(heats), 3)]
    pairs = [[a, b] for gap in (1, 2) for a, b in zip(casts, casts[gap:], strict=False)]
    return [[h for c in group for h in problem.casts[c].heats] for group in pairs or [casts]]


def exchange(search: Search) -> bool:
    """Exchange two casts of equally many heats, which corridors cannot do; return whether the plan improved."""
    problem, improved, better = search.problem, False, True
    waiting = [c for c, cast in enumerate(problem.casts) if cast.started_min is None]
    while better:
        better = False
        for c, d in itertools.combinations(waiting, 2):
            if search.phase_over() or search.draft is None:
                return improved
            near = abs(search.draft.cast_slot[c] - search.draft.cast_slot[d]) * problem.step_min <= LINE.exchange_h * 60
            if near and _equally_long(problem, c, d):
                swapped = _swapped(problem, search.draft, c, d)
                better |= told_apart(search, swapped, LINE.overlap_firm * overlap_price(search))
        improved |= better
    return improved


def _equally_long(problem: SlotProblem, c: int, d: int) -> bool:
    """Return whether two casts have equally many heats, each with equally many remaining operations."""
    first, second = ([len(problem.heats[h].operations) for h in problem.casts[k].heats] for k in (c, d))
    return first == second


def _swapped(problem: SlotProblem, plan: Starts, c: int, d: int) -> Starts:
    """Return a plan with two casts and their heats exchanged; it may violate lags."""
    unit, slot = list(plan.unit), list(plan.slot)
    for g, h in zip(problem.casts[c].heats, problem.casts[d].heats, strict=True):
        unit[g], unit[h], slot[g], slot[h] = unit[h], unit[g], slot[h], slot[g]
    cast_unit, cast_slot = list(plan.cast_unit), list(plan.cast_slot)
    cast_unit[c], cast_unit[d] = cast_unit[d], cast_unit[c]
    cast_slot[c], cast_slot[d] = cast_slot[d], cast_slot[c]
    return Starts(tuple(unit), tuple(slot), tuple(cast_unit), tuple(cast_slot))


def shake(search: Search, chance: np.random.Generator, size: int) -> bool:
    """Reschedule some random casts, or heats if there are no casts; return whether the plan improved.

    Half of the time they are close together; the distance by which they may move is random, too.
    """
    problem, draft = search.problem, search.draft
    assert draft is not None
    groups = [cast.heats for cast in problem.casts if cast.started_min is None] or [
        (h,) for h, heat in enumerate(problem.heats) if any(o.started_min is None for o in heat.operations)
    ]
    if not groups:
        return False
    order = chance.permutation(len(groups))
    if chance.random() < 0.5:
        first = [min((t for h in group for t in draft.slot[h]), default=0) for group in groups]
        order = np.argsort([abs(at - first[order[0]]) for at in first], kind="stable")
    heats = [h for g in order[:size].tolist() for h in groups[g]]
    width = int(chance.choice((*LINE.widths, problem.n_slots)))
    return improve(search, heats, width, seconds=size * LINE.step_work, wide=bool(chance.random() < 0.5))


def improve(
    search: Search, heats: list[int], width: int, *, seconds: float = LINE.step_work, wide: bool = False
) -> bool:
    """Move some heats by some slots, with all others fixed; return whether the plan improved.

    Args:
        search: search with a draft.
        heats: heats to move.
        width: largest move [slots].
        seconds: maximum time.
        wide: also search far from the relaxation.
    """
    assert search.draft is not None
    windows = near(search.problem, search.draft, width, set(heats))
    plan, _, _ = named(search, windows, min(search.remaining, seconds), "improve", search.draft, wide=wide)
    return plan is not None and search.offer(plan)
