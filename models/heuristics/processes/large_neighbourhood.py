"""A plan being improved: a part of its whole numbers is free at a time, all others stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emberline.models.heuristics.processes.integer_slots import Grid
from emberline.models.kernel.highs import Program
from emberline.models.search.process_search import ProcessSearch
from emberline.models.search.tuning import PROCESSES
from emberline.scenarios import effort


class Improvement:
    """A plan being improved part by part; two threads may do so, each with a program of its own."""

    helped = effort.shared(False)
    """Whether the second program is at work."""

    def __init__(
        self,
        search: ProcessSearch,
        grid: Grid,
        values: np.ndarray,
        acceptance: Callable[[np.ndarray, float], bool],
        until: float,
        seconds: float,
        enough: Callable[[], bool],
    ) -> None:
        self.enough = enough
        self.search, self.grid, self.values, self.acceptance = search, grid, values, acceptance
        self.until, self.seconds = until, seconds
        self.parts = Parts(grid, seconds)

    @property
    def goes_on(self) -> bool:
        """Whether there is time and something to try."""
        over = self.search.phase_over() or self.search.remaining <= self.until
        return not (over or self.parts.exhausted or self.enough())

    def move(self, program: Program) -> None:
        """Search through one part."""
        search, grid = self.search, self.grid
        effort.turn()
        values = self.values
        part = self.parts.next(values)
        program.bound(grid.whole, part.low, part.high)
        began = effort.counted()
        run = program.search(
            work=min(max(search.remaining - self.until, 0.05), self.seconds),
            gap=search.gap * PROCESSES.part_gap * search.share,
            start=values,
            heuristics=0.1,
            cancel=search.phase_over,
        )
        outcome = program.outcome(run)
        effort.turn()
        better = outcome.objective is not None and self.acceptance(program.solution(), outcome.objective)
        if better:
            self.values = program.solution()
        self.parts.record(part, better, outcome.status == "optimal", effort.counted() - began)


class Parts:
    """Parts of the whole numbers to free, in turn: each as large as can be searched through in a few seconds.

    A corridor lets all switches move by some slots; a window frees some hours; the window of a process frees it alone,
    for longer. A part that was searched through quickly is larger next time, one that was not is smaller.
    """

    def __init__(self, grid: Grid, seconds: float) -> None:
        """Start with small parts.

        Args:
            grid: of the model.
            seconds: longest time for a part.
        """
        self.grid, self.seconds = grid, seconds
        hours = grid.n * grid.hours
        unit_kinds = [i for i in range(len(grid.plant.units)) if (grid.units == i).any()]
        self.kinds: list[int | str] = ["corridor", "window", *(unit_kinds if len(unit_kinds) > 1 else ())]
        # on hours a corridor of some hours is searched through, and does more than any window
        first = {"corridor": 0.5 if grid.hours <= 0.5 else 4.0 * grid.hours, "window": min(12.0, hours)}
        self.size: dict[int | str, float] = {kind: first.get(str(kind), min(36.0, hours)) for kind in self.kinds}
        """Hours: of a window, or by which switches may move."""
        self.place = dict.fromkeys(self.kinds, 0.0)
        self.turn = 0
        self.fruitless = 0

    @property
    def exhausted(self) -> bool:
        """Whether everything was tried without success since the last one."""
        hours = self.grid.n * self.grid.hours
        passes = sum(1.0 if kind == "corridor" else 2 * hours / self.size[kind] for kind in self.kinds)
        return self.fruitless > 2 * passes

    def next(self, values: np.ndarray) -> Part:
        """The next part.

        Args:
            values: of the plan to improve, by column.
        """
        grid = self.grid
        kind = self.kinds[self.turn % len(self.kinds)]
        self.turn += 1
        if kind == "corridor":
            low, high = grid.low.copy(), grid.high.copy()
            width = max(round(self.size[kind] / grid.hours), 1)
            low[grid.on], high[grid.on] = grid.around(grid.switches(values), 1, width)
            return Part(kind, low[grid.whole], high[grid.whole])
        size, hours = self.size[kind], grid.n * grid.hours
        first = self.place[kind]
        self.place[kind] = 0.0 if first + size >= hours else first + size / 2
        free = (grid.slot >= first / grid.hours) & (grid.slot < (first + size) / grid.hours)
        if isinstance(kind, int):
            free &= grid.units == kind
        at = np.rint(values[grid.whole])
        return Part(kind, np.where(free, grid.low[grid.whole], at), np.where(free, grid.high[grid.whole], at))

    def record(self, part: Part, better: bool, through: bool, seconds: float) -> None:
        """What came of a part: whether it was better, whether it was searched through, and in which time."""
        self.fruitless = 0 if better else self.fruitless + 1
        size = self.size[part.kind]
        if through and seconds < 0.4 * self.seconds:
            self.size[part.kind] = min(size * 1.5, self.grid.n * self.grid.hours)
        elif not through:
            self.size[part.kind] = max(size * 0.6, self.grid.hours if part.kind == "corridor" else 2.0)


@dataclass(frozen=True)
class Part:
    """Bounds of all whole columns while a part of them is free."""

    kind: int | str
    low: np.ndarray
    high: np.ndarray
