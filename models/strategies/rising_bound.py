"""The bound that rises in a thread of its own while plans are searched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from emberline.models.bounds import column_generation as casts
from emberline.models.bounds import joint_prices as joint
from emberline.models.bounds.branch_and_bound import Bound
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE
from emberline.scenarios import effort


class Rising(Protocol):
    """A bound that rises until it is over."""

    over: bool
    """Set by the search: nobody needs the bound any more."""
    failure: BaseException | None
    """What ended it."""

    def run(self) -> None:
        """Raise the search's bound."""


class InTurn:
    """Bounds one after the other in the same thread, each built when it is its turn."""

    _over = effort.shared(False)

    def __init__(self, parts: Sequence[Callable[[], Rising]]) -> None:
        """Take what makes the bounds, at least one; the first is made at once."""
        self._rest = list(parts[1:])
        self.parts = [parts[0]()]
        """Those that have had their turn, or have it."""

    @property
    def over(self) -> bool:
        """Set by the search: nobody needs the bound any more."""
        return self._over

    @over.setter
    def over(self, value: bool) -> None:
        self._over = self.parts[-1].over = value

    @property
    def failure(self) -> BaseException | None:
        """What ended one of them."""
        return self.parts[-1].failure

    def run(self) -> None:
        """Raise the search's bound until it is over."""
        self.parts[-1].run()
        while self._rest and not self._over and self.failure is None:
            part = self._rest.pop(0)()
            part.over = self._over
            self.parts.append(part)
            part.run()


def of(search: Search) -> InTurn:
    """What proves a search's bound: prices where they suit, then the pooled relaxation branched on."""
    problem, data = search.problem, search.data
    long = len(problem.heats) > LINE.long_heats
    fine = long or problem.n_slots > LINE.long_slots
    quick = casts.of(search) if fine else None
    if quick is not None:
        return InTurn([lambda: quick] if long else [lambda: quick, lambda: Bound(search)])
    # an import limit that is felt is best seen by the pooled relaxation, as long as that has a root in time
    if joint.useful(search) and (long or not data.plain):
        return InTurn([lambda: joint.JointBound(search), lambda: Bound(search)])
    return InTurn([lambda: Bound(search)])


@contextmanager
def rising(search: Search) -> Iterator[threading.Thread]:
    """Raise the bound in a thread while plans are searched inside; it ends with the search."""
    if not search.proving:
        yield threading.Thread()
        return
    bound = of(search)
    with effort.in_parallel(bound.run, "bound") as thread:
        try:
            yield thread
        finally:
            bound.over = True
    if bound.failure is not None:
        raise bound.failure
