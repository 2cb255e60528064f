"""Named heats within windows, and heats of a pooled plan disaggregated.

Mixed-integer programs are solved around their relaxation: that is where good plans lie, and HiGHS would look there
last.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.named.model import Named
from emberline.models.formulations.site.objective import EARLY
from emberline.models.heuristics.line.start_windows import around_counted, near
from emberline.models.kernel.highs import Program
from emberline.models.kernel.templates import building, each, total
from emberline.models.problem.assignment import Starts
from emberline.models.problem.line import Counted, Windows
from emberline.models.problem.line_reader import SlotProblem
from emberline.models.search.incumbent import Search
from emberline.models.search.site_in_turn import Guide
from emberline.models.search.tuning import LINE
from emberline.scenarios import effort


def name_heats(
    search: Search, counted: Counted, loose: Collection[int], draft: Starts | None = None, *, hurried: bool = False
) -> tuple[bool, Starts | None]:
    """Tell heats apart around a pooled plan.

    A pooled plan fills units better than single heats can. So units may be used twice at first, at a price that rises
    until they are not.

    Args:
        search: takes the plan.
        counted: the pooled plan.
        loose: units that may be used twice at first.
        draft: a plan that uses units twice, to go on from.
        hurried: leave off where this takes long and leaves much double use.

    Returns:
        Whether a better plan came out, and if not what there is, if anything.
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
    """Move every heat by a slot until no unit is used twice, as long as it helps. True where a better plan came out."""
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
    """What a slot of double use counts at first."""
    return LINE.overlap * float(np.abs(search.aim.both_weights(search.data)).mean()) * line_mwh(search.problem)


def line_mwh(problem: SlotProblem) -> float:
    """What the heats that have something left to start take, reheating left out [MWh]."""
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
    """The best plan of named heats near the relaxation within windows.

    Args:
        search: takes the time.
        windows: where starts may lie.
        limit: work at most.
        phase: name under which the seconds are reported.
        start: a plan within the windows.
        loose: units that may be used twice at a time.
        overlap: what a slot of that counts.
        gap: at which the search may stop; None: a tenth of what is asked for.
        wide: far from the relaxation too, not only near it.

    Returns:
        The plan, how many slots units are used twice in, and whether time ended the search.
    """
    began = time.perf_counter()
    until = effort.now() + limit
    with building():
        guide = search.planning
        formulation = Named(search.problem, guide.data, windows, loose)
        if not formulation.possible:
            return None, 0.0, False
        aim = _aim(search, guide, formulation)
        twice = overlap * formulation.twice if loose else 0.0
        formulation.model.goal = pyo.Objective(rule=lambda m: aim(m) + twice)
        program = Program(formulation.model)
        if start is not None:
            formulation.begin(start)
    search.clock("build", began)
    began = time.perf_counter()

    def remaining() -> float:
        return max(min(until - effort.now(), search.remaining), 0.2)

    # the start is kept by the solver, what the relaxation holds goes into the variables
    before = effort.now()
    relaxed = program.run(work=remaining(), relax=True, cancel=search.phase_over)
    outcome = relaxed
    # on a slow machine, or a busy one, all takes longer
    until = max(until, effort.now() + LINE.naming_relaxations * (effort.now() - before))
    if relaxed.has_solution:
        gap = search.gap / 10 if gap is None else gap
        # without a start HiGHS cuts for long before it has a plan; where the relaxation holds one it is there at once
        for around in (1,) if start is not None else (0, 1):
            if not wide:
                program.confine(formulation.surroundings(around, start))
            if start is not None:
                formulation.begin(start)
            outcome = program.run(work=remaining(), gap=gap, start=start is not None, cancel=search.phase_over)
            if outcome.has_solution or search.phase_over():
                break
    search.clock(phase, began)
    if not outcome.has_solution or outcome is relaxed:
        return None, 0.0, True
    return formulation.read(), float(pyo.value(formulation.twice)), outcome.status != "optimal"


def _aim(search: Search, guide: Guide, formulation: Named) -> Callable[[Any], Any]:
    """Rule of an objective: both goals, what breaking import limit and caps counts, early starts among equals."""
    aim, data, m = guide.aim, guide.data, formulation.model
    broken = formulation.ports.price_caps(m, aim.caps(data), aim.over_price(data))
    if aim.grades:
        above = formulation.cap_grades(aim.grades, search.mixed, soft=True)
        broken += sum(price * kg for (_, price), kg in zip(aim.grade_prices(data), above, strict=True))
    scale = EARLY * float(np.abs(aim.weight(data)).mean()) + 1e-12
    early = total(t * m.x[h, i, u, t] for h, i, u, t in each(m.START)) + total(
        t * m.z[c, u, t] for c, u, t in each(m.OPTION)
    )
    return lambda m: aim.expression(formulation.ports) + broken + scale * early
