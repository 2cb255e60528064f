"""Planning a horizon as a whole: a bound, a pooled plan disaggregated into heats, and neighbourhoods of what comes out.

1. At the same time: the bound (``models/bounds/branch_and_bound.py``).
   On a fine grid a plan on quarter-hours comes before all that follows (``models/heuristics/line/coarse_grid.py``);
   where it leads to nothing, casts of the baseline schedule are put back another way.
2. A pooled plan of averaged heats near its relaxation: when the leading stage melts, and where the casts lie.
3. Named heats around it. The import limit is priced here, not hard: a plan that breaks it a little is a better place
   to go on from than one that keeps it and is far off.
4. All starts at their best times, units and sequences kept (``models/heuristics/line/minimum_cut_retiming.py``); two
   casts exchanged; the heats of one or two casts moved by some slots, all others held, until nothing improves any more.
5. What is left of the time: ``models/strategies/whole_horizon.py``.

Every plan is judged by its own figures, whatever made it. Mixed-integer programs are solved around their relaxation:
that is where good plans lie, and HiGHS would look there last.
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
    """Share of the time that plans may take.

    Args:
        search: under way.
        more: what heats by name over the whole horizon prove and find comes after it: a beginning is enough then.
    """
    return LINE.opening_shares[search.best is None] if more else 1.0


def plans(search: Search) -> None:
    """Plans from several beginnings, improved until no step helps any more."""
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
    """Begin with the plan of a coarser grid, where there is one. True where that led to a plan."""
    if search.coarser is None:
        return False
    with search.timed("coarse plan"):
        inner = search.coarser(search)
        plans(inner)
        starts = coarse_grid.finer(inner, search)
    if starts is None:
        return False
    before = search.draft_rank
    # better than a baseline schedule on the finer grid it need not be, but it may soon become so
    with search.afresh():
        if search.offer(starts):
            polish(search)
    return search.draft_rank < before


def _renewed(search: Search) -> bool:
    """Put casts of the baseline schedule back another way, where a coarser grid finds nothing. True if better."""
    if search.coarser is None or search.phase_over() or not ruin_and_recreate.useful(search):
        return False
    before = search.draft_rank
    ruin_and_recreate.run(search, LINE.coarse_renewal_share * search.remaining)
    return search.draft_rank < before


def exact_fits(search: Search) -> bool:
    """Whether there is time to solve the line as a whole."""
    return exact_named.terms(search.problem) <= min(FEW_HEATS.most_terms, FEW_HEATS.terms_per_work * search.remaining)


def go_on(search: Search) -> None:
    """Go on until the gap or the limit is reached."""
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
