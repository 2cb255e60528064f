"""The bound that rises in a thread of its own while plans are searched."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from emberline.models.bounds import column_generation as casts
from emberline.models.bounds.branch_and_bound import LONG_HEATS, Bound
from emberline.models.search.incumbent import Search

FINE_SLOTS = 200
"""More slots than these: prices on units prove something long before the relaxation has its root."""


class InTurn:
    """Bounds one after the other in the same thread: first the one that proves something soon."""

    def __init__(self, bounds: Sequence[Bound | casts.CastBound]) -> None:
        """Take the bounds, at least one."""
        self.parts = bounds

    @property
    def over(self) -> bool:
        """Set by the search: nobody needs the bound any more."""
        return self.parts[0].over

    @over.setter
    def over(self, value: bool) -> None:
        for bound in self.parts:
            bound.over = value

    @property
    def failure(self) -> BaseException | None:
        """What ended one of them."""
        return next((bound.failure for bound in self.parts if bound.failure is not None), None)

    def run(self) -> None:
        """Raise the search's bound until it is over."""
        for bound in self.parts:
            if not self.over and self.failure is None:
                bound.run()


def of(search: Search) -> InTurn:
    """What proves a search's bound."""
    problem = search.problem
    long = len(problem.heats) > LONG_HEATS
    quick = casts.of(search) if long or problem.n_slots > FINE_SLOTS else None
    if quick is None:
        return InTurn([Bound(search)])
    return InTurn([quick] if long else [quick, Bound(search)])


@contextmanager
def rising(search: Search) -> Iterator[threading.Thread]:
    """Raise the bound in a thread while plans are searched inside; it ends with the search."""
    if not search.proving:
        yield threading.Thread()
        return
    bound = of(search)
    thread = threading.Thread(target=bound.run, name="bound", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        bound.over = True
        thread.join()
    if bound.failure is not None:
        raise bound.failure
