"""What a search does with its time when its strategy has run dry: it goes on until the gap or the limit is reached.

A line that is small enough is solved as a whole, which finds the best plan and proves it. Else some heats at a time are
planned anew, chosen by chance and more of them the longer none helps; where there is no plan yet, averaged heats are
rounded another way each time.
"""

from __future__ import annotations

import numpy as np

from models import whole
from models.first_plan import first_plan
from models.moves import polish, shake
from models.search import Search

SEED = 20
FAILURES = 8
"""So many tries without a better plan, and more is planned anew at a time."""


def fits(search: Search) -> bool:
    """Whether the line is solved as a whole: there is time to write it, or without it no plan."""
    size = whole.terms(search.problem)
    return size <= whole.MOST_TERMS and (search.best is None or size <= whole.TERMS_A_SECOND * search.left)


def run(search: Search) -> None:
    """Go on until the gap or the limit is reached."""
    if not search.done() and fits(search):
        whole.solve(search, search.left)
    chance, size, failures = np.random.default_rng(SEED), 2, 0
    while not search.done():
        if search.draft is not None and (search.best is not None or chance.random() < 0.5):
            better = shake(search, chance, size)
        else:
            better = first_plan(search, float(chance.random()))
        if better:
            polish(search)
        failures = 0 if better else failures + 1
        if failures >= FAILURES:
            size, failures = size + 1, 0
