"""Planning of a horizon as a whole: a bound, a pooled plan disaggregated into heats, and neighbourhoods around it.

1. At the same time, the bound rises (``models/bounds/branch_and_bound.py``). On a fine grid, a plan on quarter-hours
   precedes all that follows (``models/heuristics/line/coarse_grid.py``); if this gives no plan, casts of the baseline
   schedule are put back differently.
2. A pooled plan of averaged heats near its relaxation shows when the leading stage melts and where the casts lie.
3. Named heats are planned around it. The import limit is priced here, not hard: a plan that breaks it slightly is a
   better starting point than one that keeps it and is far from the optimum.
4. All starts are retimed with units and sequences fixed (``models/heuristics/line/minimum_cut_retiming.py``); two casts
   are exchanged; the heats of one or two casts are moved by some slots, with all others fixed, until nothing improves.
5. The remaining time is used by ``go_on``.

Every plan is evaluated by recomputation, whatever its origin. Mixed-integer programs are solved near their relaxation,
where good plans lie and where HiGHS would search last.
"""

from __future__ import annotations

import numpy as np

from emberline.models.heuristics.line import coarse_grid, ruin_and_recreate
from emberline.models.heuristics.line.aggregate_first import first_plan
from emberline.models.heuristics.line.neighbourhoods import corridors, exchange, polish, retime, shake
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import FEW_HEATS, LINE
from emberline.models.strategies import exact_named


def share(search: Search, more: bool) -> float:
    """Return the share of the time that is spent on plans.

    Args:
        search: running search.
        more: whether heats by name over the whole horizon follow, for which a first plan is sufficient.
    """
    return LINE.opening_shares[search.best is None] if more else 1.0


def plans(search: Search) -> None:
    """Search for plans from several starting points, and improve them until no step helps."""
    for rounding in () if _from_coarser(search) or _renewed(search) else LINE.beginnings:
        if search.phase_over():
            break
        with search.afresh():
            first_plan(search, rounding)
            retime(search)
            exchange(search)
            corridors(search, LINE.widths[0])
    polish(search)


def _from_coarser(search: Search) -> bool:
    """Start from the plan of a coarser grid, if there is one; return whether this led to a plan."""
    if search.coarser is None:
        return False
    with search.timed("coarse plan"):
        inner = search.coarser(search)
        plans(inner)
        starts = coarse_grid.finer(inner, search)
    if starts is None:
        return False
    before = search.draft_rank
    # it need not be better than a baseline on the finer grid, but it may soon become so
    with search.afresh():
        if search.offer(starts):
            polish(search)
    return search.draft_rank < before


def _renewed(search: Search) -> bool:
    """Put casts of the baseline back differently if a coarser grid finds nothing; return whether this improved it."""
    if search.coarser is None or search.phase_over() or not ruin_and_recreate.useful(search):
        return False
    before = search.draft_rank
    ruin_and_recreate.run(search, LINE.coarse_renewal_share * search.remaining)
    return search.draft_rank < before


def exact_fits(search: Search) -> bool:
    """Return whether there is time to solve the line as a whole."""
    return exact_named.terms(search.problem) <= min(FEW_HEATS.most_terms, FEW_HEATS.terms_per_work * search.remaining)


def go_on(search: Search) -> None:
    """Continue until the gap or the limit is reached."""
    last_resort = search.best is None and exact_named.terms(search.problem) <= FEW_HEATS.most_terms
    if not search.phase_over() and (last_resort or exact_fits(search)):
        exact_named.solve(search, search.remaining)
    chance, size, failures = np.random.default_rng(LINE.shake_seed), 2, 0
    while not search.phase_over():
        if search.draft is not None and (search.best is not None or chance.random() < 0.5):
            better = shake(search, chance, size)
        else:
            better = first_plan(search, float(chance.random()))
        if better:
            polish(search)
        failures = 0 if better else failures + 1
        if failures >= LINE.shake_failures:
            size, failures = size + 1, 0
