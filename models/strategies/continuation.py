"""What a search does with its time when its strategy has run dry: it goes on until the gap or the limit is reached.

A line that is small enough is solved as a whole, which finds the best plan and proves it. Else some heats at a time are
planned again, chosen by chance and more of them the longer none helps; where there is no plan yet, averaged heats are
rounded another way each time.
"""

from __future__ import annotations

import numpy as np

from emberline.models.heuristics.line.aggregate_first import first_plan
from emberline.models.heuristics.line.neighbourhoods import polish, shake
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import FEW_HEATS, LINE
from emberline.models.strategies import exact_named


def fits(search: Search) -> bool:
    """Whether there is time to solve the line as a whole."""
    return exact_named.terms(search.problem) <= min(FEW_HEATS.most_terms, FEW_HEATS.terms_per_work * search.remaining)


def run(search: Search) -> None:
    """Go on until the gap or the limit is reached."""
    last_resort = search.best is None and exact_named.terms(search.problem) <= FEW_HEATS.most_terms
    if not search.phase_over() and (last_resort or fits(search)):
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
