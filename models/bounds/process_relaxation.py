"""The bound next to the search: the relaxation on the horizon's steps; then the thread helps to improve."""

from __future__ import annotations

import threading
import time

from emberline.models.kernel.highs import Program
from emberline.models.search.process_search import ProcessSearch


class Bounding:
    """The relaxation on the horizon's steps, in a thread next to the search, and then the hours."""

    def __init__(self, search: ProcessSearch) -> None:
        self.search, self.over = search, False
        self.failure: BaseException | None = None

    def __enter__(self) -> None:
        with self.search.timed("build"):
            self.program = Program(self.search.site_model.model)
        self.thread = threading.Thread(target=self._run, name="bound", daemon=True)
        self.thread.start()

    def __exit__(self, *raised: object) -> None:
        if self.search.best is not None and self.search.bound is None:
            self.thread.join(max(self.search.remaining_s, 0.0))
        self.over = True
        self.thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        search = self.search
        began = time.perf_counter()
        try:
            run = self.program.search(
                time_limit=max(search.remaining_s, 0.05), relax=True, ipm=True, crossover=False,
                cancel=lambda: self.over or search.cancel(),
            )  # fmt: skip
            outcome = self.program.outcome(run)
            search.seconds["bound"] = time.perf_counter() - began
            if outcome.status == "infeasible":
                search.infeasible = True
            elif outcome.bound is not None:
                search.raise_bound(outcome.bound - search.aim.constant)
            self._help()
        except BaseException as error:
            self.failure = error

    def _help(self) -> None:
        """Improve next to the search, with a program of one's own."""
        search, programs = self.search, {id(self.search.model): self.program}
        while not (self.over or search.phase_over()):
            improvement = search.improvement
            if improvement is None or not improvement.goes_on:
                time.sleep(0.02)
                continue
            grid = improvement.grid
            if id(grid) not in programs:
                programs[id(grid)] = Program(grid.site_model.model)
            with improvement.moving:
                improvement.move(programs[id(grid)])
