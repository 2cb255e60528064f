"""Bound from the relaxation on the horizon's steps, solved in a thread that afterwards helps to improve plans."""

from __future__ import annotations

from contextlib import ExitStack

from emberline.models.kernel.highs import Program
from emberline.models.search.record import ProcessSearch
from emberline.models.search.tuning import PROCESSES
from emberline.scenarios import effort


class Bounding:
    """Relaxation on the horizon's steps, solved in a thread that afterwards helps with the improvement."""

    over = effort.shared(False)
    """Set by the search when the bound is no longer needed."""
    proving = effort.shared(True)
    """Whether the relaxation is still being solved."""

    def __init__(self, search: ProcessSearch) -> None:
        self.search = search
        self.failure: BaseException | None = None
        self._stack = ExitStack()

    def __enter__(self) -> None:
        with self.search.timed("build"):
            self.program = Program(self.search.site_model.model)
        self._stack.enter_context(effort.in_parallel(self._run, "bound"))

    def __exit__(self, *raised: object) -> None:
        search = self.search
        while search.best is not None and self.proving and search.remaining > 0:
            effort.spend(PROCESSES.pause)
        self.over = True
        self._stack.close()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        search = self.search
        try:
            with search.timed("bound"):
                outcome = self.program.attempt(
                    work=max(search.remaining, 0.05), relax=True, ipm=True, crossover=False,
                    cancel=lambda: self.over or search.cancel(),
                )  # fmt: skip
            if outcome.status == "infeasible":
                search.infeasible = True
            search.raise_bound(outcome.bound, search.aim.constant)
            self.proving = False
            self._help()
        except BaseException as error:
            self.failure = error
            self.proving = False

    def _help(self) -> None:
        """Improve plans next to the search, with a separate program."""
        search, programs = self.search, {id(self.search.model): self.program}
        while not (self.over or search.phase_over()):
            improvement = search.improvement
            if improvement is None or not improvement.goes_on:
                effort.spend(PROCESSES.pause)
                continue
            improvement.helped = True
            grid = improvement.grid
            if id(grid) not in programs:
                programs[id(grid)] = Program(grid.site_model.model)
            improvement.move(programs[id(grid)])
            improvement.helped = False
