"""Search with counts by unit: a plan of pooled units, exact plans in corridors around it, a bound, and the whole.

0. If no plan is given: pooled counts (``models/strategies/whole_horizon.py``) give a first plan.
1. Identical units together, with the longest lags between them, show where heats should lie. If the time for this is
   up, repeated searches around the given plan lead there as well.
2. Each unit separately within a corridor of some slots around it; corridors grow while plans improve.
3. Identical units together, with the shortest lags, give a bound that often equals the plan.
4. Each unit separately over the whole horizon, starting from the best plan. Longest waits are kept in total only, so
   that the optimum need not be a plan: then, and if time is left, the search continues
   (``models/strategies/whole_horizon.py``).
"""

from __future__ import annotations

from collections.abc import Callable

import pyomo.core as pyo

from emberline.models.formulations.line.by_unit.model import Corridor, Matched, around, begin, read, suits
from emberline.models.formulations.line.by_unit.succession_cuts import Units
from emberline.models.kernel.highs import Outcome, solve
from emberline.models.kernel.templates import building
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE


def useful(search: Search) -> bool:
    """Return whether counts by unit are exact and small for the line and the site.

    The draw of idle units depends on whole gaps, which counts do not represent.
    """
    data, problem = search.data, search.problem
    simple = data.plain and data.purchase is None and data.import_limit_mw is None
    return suits(problem) and simple and bool(problem.casts) and not problem.states


def plans(search: Search, begin_with: Callable[[Search], None], more: bool = False) -> None:
    """Search for plans and a bound with counts by unit.

    Args:
        search: search that receives them.
        begin_with: function that disaggregates pooled counts into heats while the bound rises: it gives a plan within
            seconds where counts by unit need minutes.
        more: whether heats by name may be solved afterwards, which leaves a share of the time for the whole.
    """
    if search.best is None:
        with search.part(LINE.counts_begin_share):
            begin_with(search)
    centre = _pooled_plan(search) or _walk(search)
    for width in LINE.counts_widths:
        if centre is None or search.phase_over():
            break
        before = search.value
        centre = _within(search, Corridor(centre.slot, centre.cast_slot, width)) or centre
        if before is not None and search.value is not None and before - search.value <= LINE.counts_near * abs(before):
            break
    if not search.phase_over():
        _solve(search, "shortest", None, search.remaining * LINE.counts_share, bounds=True)
    if not search.phase_over():
        _solve(search, "each", None, search.remaining * (LINE.counts_whole_share if more else 1.0), bounds=True)


def _pooled_plan(search: Search) -> Corridor | None:
    for share in LINE.counts_pooled_shares:
        formulation, outcome = _solve(search, "longest", None, search.remaining * share, gap=5e-3)
        if outcome.has_solution:
            return around(formulation, LINE.counts_widths[0])
        if outcome.status == "infeasible" or search.best is not None or search.phase_over():
            break
    return None


def _walk(search: Search) -> Corridor | None:
    """Move from the present plan towards the optimum of the aim, one wide corridor at a time."""
    if search.best is None:
        return None
    centre: Corridor | None = Corridor(search.best.slot, search.best.cast_slot, LINE.counts_wide)
    last = float("inf")
    for _ in range(LINE.counts_rounds):
        if centre is None or search.phase_over():
            break
        formulation, outcome = _solve(search, "each", centre, search.remaining * LINE.counts_share, gap=5e-3)
        if not outcome.has_solution or outcome.objective is None or outcome.objective > last * (1 - 1e-3):
            break
        centre, last = around(formulation, LINE.counts_wide), outcome.objective
    return centre


def _within(search: Search, corridor: Corridor) -> Corridor | None:
    share = LINE.counts_share if search.best is not None else LINE.counts_pooled_shares[-1]
    formulation, outcome = _solve(
        search, "each", corridor, search.remaining * share, gap=max(search.gap / 4, LINE.counts_near)
    )
    return around(formulation, corridor.width) if outcome.has_solution else None


def _solve(
    search: Search,
    units: Units,
    corridor: Corridor | None,
    limit: float,
    *,
    gap: float | None = None,
    bounds: bool = False,
) -> tuple[Matched, Outcome]:
    with search.timed("build"), building():
        formulation = Matched(search.problem, search.data, units=units, corridor=corridor)
        if not formulation.possible:
            search.infeasible |= corridor is None
            return formulation, Outcome("infeasible", None, None, 0.0, 0)
        set_goal(formulation, search, pure=bounds)
    warm = units == "each" and search.best is not None
    if warm and search.best is not None:
        begin(formulation, search.best)
    with search.timed("bound" if bounds else "plan"):
        outcome = solve(
            formulation.model,
            work=max(min(limit, search.remaining), 0.1),
            gap=search.gap / 4 if gap is None else gap,
            start=warm,
            # the simplex method takes up to half a minute for the first relaxation, and cannot be interrupted there
            ipm=True,
            on_progress=(lambda event: search.raise_bound(event["bound"], search.aim.constant)) if bounds else None,
            cancel=search.cancel,
        )
    if bounds:
        search.raise_bound(outcome.bound, search.aim.constant)
        search.infeasible |= outcome.status == "infeasible"
    if outcome.has_solution and units == "each":
        starts = read(formulation)
        if starts is not None:
            search.offer(starts)
    return formulation, outcome


def set_goal(formulation: Matched, search: Search, *, pure: bool) -> None:
    """Set the objective and the caps; ``pure`` leaves the second goal out, as a bound requires."""
    m, aim = formulation.model, search.aim
    formulation.ports.keep(m, aim.tops)
    m.goal = pyo.Objective(expr=(aim.pure if pure else aim.expression)(formulation.ports))
