"""Search for a plan of processes: first on hours, then on the steps of the horizon near the hourly switches.

1. *The baseline schedule*, if there is one, gives the first plan: its switches, with all else optimized.
2. *Hours.* A plan is built window by window: decisions are integer within a window, fixed before it and relaxed after
   it, so that a window accounts for the production in the rest of the horizon. (Relax and fix: Pochet and Wolsey,
   *Production Planning by Mixed Integer Programming*, Springer 2006, section 3.6.) If this fails, fixed switches may
   move. Then the plan is improved.
3. *Steps, in a corridor.* Switches may move by some steps around those of the hours.
4. *Improvement* until the gap is reached or the time is over: corridors, windows of time and windows of single
   processes are freed in turn, with all else fixed. A move is accepted on the recomputed objective only.

The bound is the linear relaxation on the horizon's steps, solved by interior point in a thread next to the search. This
thread then helps to improve the plan. A small problem goes to the solver as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from emberline.models.bounds.process_relaxation import Bounding
from emberline.models.formulations.whole_site import build
from emberline.models.heuristics.processes.integer_slots import Grid, coarser
from emberline.models.heuristics.processes.repair import repaired
from emberline.models.kernel.highs import Program
from emberline.models.problem import plant as plants
from emberline.models.search.record import ProcessSearch
from emberline.models.search.tuning import PROCESSES
from emberline.scenarios import effort


@dataclass(eq=False)
class Improvement:
    """Improvement of a plan part by part; two threads may share it, each with its own program."""

    search: ProcessSearch
    grid: Grid
    values: np.ndarray
    """Best solution, by column."""
    acceptance: Callable[[np.ndarray, float], bool]
    """Called with a solution and the solver's objective; returns whether it is better than the best one."""
    until: float
    """Seconds that must be left afterwards."""
    seconds: float
    """Time limit of a part [s]."""
    enough: Callable[[], bool] = lambda: False
    """Whether the plan is good enough."""
    helped: bool = effort.shared(False)
    """Whether the second program is running."""

    def __post_init__(self) -> None:
        self.parts = Parts(self.grid, self.seconds)

    @property
    def goes_on(self) -> bool:
        """Whether there is time left and something to try."""
        over = self.search.phase_over() or self.search.remaining <= self.until
        return not (over or self.parts.exhausted or self.enough())

    def move(self, program: Program) -> None:
        """Search one part."""
        search, grid = self.search, self.grid
        effort.turn()
        values = self.values
        part = self.parts.next(values)
        program.bound(grid.whole, part.low, part.high)
        began = effort.counted()
        outcome = program.attempt(
            work=min(max(search.remaining - self.until, 0.05), self.seconds),
            gap=search.gap * PROCESSES.part_gap * search.share,
            start=values,
            heuristics=0.1,
            cancel=search.phase_over,
        )
        effort.turn()
        better = outcome.objective is not None and self.acceptance(program.solution(), outcome.objective)
        if better:
            self.values = program.solution()
        self.parts.record(part, better, outcome.status == "optimal", effort.counted() - began)


class Parts:
    """Parts of the integer decisions to free in turn, each as large as can be searched in a few seconds.

    A corridor lets all switches move by some slots; a window frees some hours; the window of a process frees only this
    process, for longer. A part that was searched quickly is larger next time; one that was not finished is smaller.
    """

    def __init__(self, grid: Grid, seconds: float) -> None:
        """Start with small parts.

        Args:
            grid: grid of the model.
            seconds: time limit of a part.
        """
        self.grid, self.seconds = grid, seconds
        hours = grid.n * grid.hours
        unit_kinds = [i for i in range(len(grid.plant.units)) if (grid.units == i).any()]
        self.kinds: list[int | str] = ["corridor", "window", *(unit_kinds if len(unit_kinds) > 1 else ())]
        # on hours a corridor of some hours is searched quickly and achieves more than any window
        first = {"corridor": 0.5 if grid.hours <= 0.5 else 4.0 * grid.hours, "window": min(12.0, hours)}
        self.size: dict[int | str, float] = {kind: first.get(str(kind), min(36.0, hours)) for kind in self.kinds}
        """Length of a window, or distance by which switches may move [h]."""
        self.place = dict.fromkeys(self.kinds, 0.0)
        self.turn = 0
        self.fruitless = 0

    @property
    def exhausted(self) -> bool:
        """Whether everything was tried without success since the last improvement."""
        hours = self.grid.n * self.grid.hours
        passes = sum(1.0 if kind == "corridor" else 2 * hours / self.size[kind] for kind in self.kinds)
        return self.fruitless > 2 * passes

    def next(self, values: np.ndarray) -> Part:
        """Return the next part.

        Args:
            values: plan to improve, by column.
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
        """Record the outcome of a part: whether it was better, whether it was searched completely, and its time."""
        self.fruitless = 0 if better else self.fruitless + 1
        size = self.size[part.kind]
        if through and seconds < 0.4 * self.seconds:
            self.size[part.kind] = min(size * 1.5, self.grid.n * self.grid.hours)
        elif not through:
            self.size[part.kind] = max(size * 0.6, self.grid.hours if part.kind == "corridor" else 2.0)


@dataclass(frozen=True)
class Part:
    """Bounds of all integer columns while a part of them is free."""

    kind: int | str
    low: np.ndarray
    high: np.ndarray


class Search(ProcessSearch):
    """Search for a plan of processes."""

    def run(self, start: xr.Dataset | None = None, others: Sequence[xr.Dataset] = ()) -> None:
        """Search until the gap is reached, the time is over, or the caller cancels.

        Args:
            start: baseline schedule, from which the search starts.
            others: further schedules to search around, which may violate limits.
        """
        with self.timed("build"):
            plant = plants.read(self.scenario, self.envelope)
            self.site_model = build(self.data, self.aim, plant=plant)
            self.model = Grid(self.site_model)
        if start is not None:
            with self.timed("baseline"):
                self.baseline = self._begin(start)
        if self.best is not None:
            self.hints.append(self.model.switches(self.best.values))
        elif start is not None and self.scenario.run_locks:
            # runs are locked at other times: the changes that this requires are near
            with self.timed("corridor"):
                self._corridor(self.model.runs_of(start))
        self.hints += [self.model.runs_of(other) for other in others]
        if len(self.model.whole) <= PROCESSES.small:
            self._direct()
        else:
            with Bounding(self):
                self._by_parts()

    def repair(self, start: xr.Dataset) -> None:
        """Repair a schedule: keep its switches as far as possible, optimize all else, then improve switches near them.

        Stores may lack or spill material at a price, so that there is always a plan.
        """
        with self.timed("build"):
            plant = replace(plants.read(self.scenario, self.envelope), elastic=True)
            self.site_model = build(self.data, self.aim, plant=plant)
            self.model = grid = Grid(self.site_model)
        with self.timed("repair"):
            fitting = repaired(plant, start)
            limit, self.limit = self.limit, math.inf
            if not self._begin(fitting):
                self._corridor(grid.runs_of(fitting))
        self.limit = limit + effort.now() - self.began  # the effort limit applies to the search that follows
        if not self.phase_over():
            self._around(grid.runs_of(fitting) if self.best is None else grid.switches(self.best.values))

    def _around(self, switches: dict[Any, np.ndarray]) -> None:
        """Search for better switches near the given ones, first on hours, which are quick to search."""
        coarse, ratio = coarser(self.scenario, self.envelope), 1
        if coarse is not None:
            with self.timed("hours"):
                rough = Grid(build(coarse[1], self.aim, plant=replace(coarse[0], elastic=True)))
                values = self._hours_of(rough, switches)
                if values is not None:
                    until, ratio = PROCESSES.corridor_share * self.remaining, self.model.n // rough.n
                    switches = self._improved(rough, values, until, PROCESSES.repair_work)
        with self.timed("corridor"):
            self._corridor(switches, ratio)
        self._improve_best()

    def _begin(self, start: xr.Dataset) -> bool:
        """Fix the switches of the baseline and optimize all else; return whether this gives a plan."""
        program, grid = self.site_model.program, self.model
        places, values = grid.values_of(start)
        program.bound(places, values, values)
        run = program.search(
            work=max(min(self.remaining, PROCESSES.corridor_work), PROCESSES.baseline_work), gap=self.gap
        )
        success = program.outcome(run).has_solution and self.offer(program.solution())
        grid.free(grid.whole)
        return success

    def _direct(self) -> None:
        """Solve the whole problem at once."""
        program = self.site_model.program
        constant = self.aim.constant

        def on_event(event: dict[str, Any]) -> None:
            low, high = event["bound"], event["incumbent"]
            self.raise_bound(low, constant)
            if high is not None and self.best is None:
                self.on_progress({**event, "incumbent": high - constant, "bound": self.bound, "gap": None})

        with self.timed("solve"):
            gap = self.gap * self._decided_share(program)
            outcome = program.attempt(work=max(self.remaining, 0.05), gap=gap, on_progress=on_event, cancel=self.cancel)
            self.infeasible = outcome.status == "infeasible"
            self.raise_bound(outcome.bound, constant)
            if outcome.has_solution:
                self.offer(program.solution())

    def _decided_share(self, program: Program) -> float:
        """Return the approximate share of the first goal that can be decided; the solver's gap refers to all of it."""
        if not self.aim.constant:
            return 1.0
        outcome = program.attempt(work=max(self.remaining, 0.05), relax=True, ipm=True, crossover=False)
        program.forget()
        if outcome.bound is None or not outcome.bound:
            return 1.0
        return min(max((outcome.bound - self.aim.constant) / abs(outcome.bound), 1e-4), 1.0)

    def _by_parts(self) -> None:
        # with locked runs there is a plan already, and the remaining time improves it
        switches = self._hours() if self.best is None or not self.scenario.run_locks else None
        if switches is not None and not self.phase_over():
            slots = len(next(iter(switches.values())))
            with self.timed("corridor"):
                self._corridor(switches, self.model.n // slots)
        if self.best is None and not self.phase_over():
            with self.timed("windows"):
                values = self._windows(self.model, 1.0)
                if values is not None:
                    self.offer(values)
        self._improve_best()

    def _improve_best(self) -> None:
        if self.best is not None:
            with self.timed("improve"):
                best, work = self.best.values, PROCESSES.move_work
                self._improve(Improvement(self, self.model, best, lambda values, _: self.offer(values), 0.0, work))

    def _hours(self) -> dict[Any, np.ndarray] | None:
        """Return the switches of a plan on hours, built window by window, or near the baseline if this fails."""
        coarse = coarser(self.scenario, self.envelope)
        if coarse is None:
            return None
        with self.timed("hours"):
            rough = Grid(build(coarse[1], self.aim, plant=coarse[0]))
            until = self.remaining * (1 - PROCESSES.coarse_share)
            values = self._windows(rough, PROCESSES.first_share)
            for hint in self.hints:
                values = self._hours_of(rough, hint) if values is None and not self.phase_over() else values
            if values is None:
                return None
            seconds = max(PROCESSES.window_share * self.limit, PROCESSES.move_work / 2)
            return self._improved(rough, values, until, seconds)

    def _improved(self, rough: Grid, values: np.ndarray, until: float, seconds: float) -> dict[Any, np.ndarray]:
        """Improve a plan on hours by the solver's objective and return its switches, as :meth:`_improve` does."""
        goal = rough.site_model.program.places([rough.site_model.model.total[self.aim.first]])
        lowest = float(values[goal[0]])

        def acceptance(solution: np.ndarray, objective: float) -> bool:
            nonlocal lowest
            if objective >= lowest - 1e-9 * abs(objective):
                return False
            lowest = objective
            return True

        def good() -> bool:
            """Return whether the steps are likely to reach the gap from here."""
            bound = self.bound
            return bound is not None and lowest - self.aim.constant - bound <= PROCESSES.near * self.gap * abs(bound)

        return rough.switches(self._improve(Improvement(self, rough, values, acceptance, until, seconds, good)))

    def _hours_of(self, rough: Grid, switches: dict[Any, np.ndarray]) -> np.ndarray | None:
        """Return a solution on hours with switches near those of a plan on the steps; None if there is none."""
        ratio = self.model.n // rough.n
        for width in (1, 3, 9):
            low, high = rough.within(switches, ratio, width)
            rough.site_model.program.bound(rough.on, low, high)
            outcome = rough.site_model.program.attempt(
                work=min(max(self.remaining, 0.05), PROCESSES.corridor_work),
                gap=self.gap * PROCESSES.corridor_gap * self.share,
                cancel=self.phase_over,
            )
            rough.free(rough.whole)
            if outcome.has_solution:
                return rough.site_model.program.solution()
        return None

    def _windows(self, grid: Grid, share: float) -> np.ndarray | None:
        """Solve window by window and return the solution of the last window; None if there is none in time."""
        program, hours = grid.site_model.program, grid.hours
        until = self.remaining * (1 - share)
        n, width = grid.n, max(round(PROCESSES.window_h / hours), 1)
        gap = self.gap * PROCESSES.window_gap * self._decided_share(program)
        values: np.ndarray | None = None
        first, patience, loose, complete = 0, 1.0, 0, False
        while True:
            last = n if first + 2 * width >= n else first + width
            program.whole_only(grid.between(0, last))
            grid.free(grid.whole)
            if values is not None:
                grid.hold(values, first, loose)
            remaining = self.remaining - until
            if remaining <= 0 or self.phase_over():
                break
            # the solver starts from its data of the previous window
            limit = min(max(PROCESSES.window_share * self.limit, PROCESSES.window_work) * patience, remaining)
            outcome = program.attempt(work=limit, gap=gap, heuristics=0.05, cancel=self.phase_over)
            if outcome.has_solution:
                values, patience, loose = program.solution(), 1.0, 0
                complete = last == n
                if complete:
                    break
                first += width
            elif outcome.status == "infeasible" and (values is None or loose >= n):
                # nothing is fixed and later decisions are relaxed: on the horizon's steps this is a proof
                self.infeasible = grid is self.model
                return None
            elif values is None or loose >= n:
                patience *= 3
            else:
                # the fixed decisions are infeasible, or no solution is found soon: their switches may move
                program.forget()
                patience *= 2
                loose = min(max(3 * loose, round(PROCESSES.loose_h / hours), 1), n)
        program.whole_only(None)
        grid.free(grid.whole)
        return values if complete else None

    def _corridor(self, switches: dict[Any, np.ndarray], ratio: int = 1) -> None:
        """Search with the switches of a coarser solution, then near them, and farther away while there is no plan."""
        program, grid = self.site_model.program, self.model
        start: np.ndarray | bool = False
        width = max(round(PROCESSES.corridor_h / grid.hours), 1)
        for near in (0, width, 3 * width, 9 * width):
            if self.phase_over():
                break
            low, high = grid.around(switches, ratio, near)
            program.bound(grid.on, low, high)
            outcome = program.attempt(
                work=min(max(self.remaining, 0.05), PROCESSES.corridor_work), start=start, heuristics=0.1,
                gap=self.gap * PROCESSES.corridor_gap * self.share, cancel=self.phase_over,
            )  # fmt: skip
            if outcome.has_solution:
                start = values = program.solution()
                self.offer(values)
            grid.free(grid.whole)
            if near and (outcome.has_solution or outcome.status != "infeasible"):
                break

    def _improve(self, improvement: Improvement) -> np.ndarray:
        """Free a part of the integer decisions at a time, with all others fixed, and return the best values."""
        self.improvement, grid = improvement, improvement.grid
        while improvement.goes_on:
            improvement.move(grid.site_model.program)
        self.improvement = None
        while improvement.helped:
            effort.spend(PROCESSES.pause)
        grid.free(grid.whole)
        return improvement.values
