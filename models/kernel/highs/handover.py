"""HiGHS itself: made, given a model and a start, listened to while it runs, and what its search came to."""

from __future__ import annotations

import ctypes
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import highspy
import numpy as np

from emberline.models.kernel.progress import Progress
from emberline.models.kernel.standard_form import Compiled
from emberline.scenarios import effort

R = TypeVar("R")


@dataclass(frozen=True)
class Outcome:
    """Outcome of a solve. ``objective`` is the solver's own figure: judge a plan by recomputing it."""

    status: str
    """``optimal`` (to the gap asked for), ``feasible``, ``infeasible``, ``unbounded``, ``none`` (no solution found)."""
    objective: float | None
    bound: float | None
    seconds: float
    nodes: int

    @property
    def has_solution(self) -> bool:
        """Whether the variables hold a solution."""
        return self.status in ("optimal", "feasible")


@dataclass(frozen=True)
class SearchRun:
    """A search that is over; its solution is still with the solver."""

    relaxed: bool
    seconds: float


@dataclass(frozen=True)
class Multipliers:
    """By how much the objective changes for a unit more on the right side of a constraint, or of a variable's bound."""

    form: Compiled
    rows: np.ndarray
    columns: np.ndarray

    def of(self, constraint: Any) -> float:
        """Of a constraint; 0 where the model has none such."""
        row = self.form.row(constraint)
        return 0.0 if row < 0 else float(self.rows[row])

    def of_rows(self, constraint: Any) -> np.ndarray:
        """Of each member of a Constraint component, shape (n,); 0 for those that are no row."""
        rows = self.form.rows_of(constraint)
        return np.where(rows >= 0, self.rows[rows], 0.0)

    def of_bounds(self, variable: Any) -> np.ndarray:
        """Of the bounds that the members of a Var component stand at, shape (n,); 0 where they stand at none."""
        columns = self.form.columns_of(variable)
        return np.where(columns >= 0, self.columns[columns], 0.0)

    def of_bound(self, variable: Any) -> float:
        """Of the bound that a variable stands at; 0 where it stands at none."""
        column = self.form.column(variable)
        return 0.0 if column < 0 else float(self.columns[column])


def read_outcome(solver: highspy.Highs, whole: bool, sense: float, run: SearchRun) -> Outcome:
    """Outcome of a search that is over, as the solver reports it.

    Args:
        solver: holds its solution.
        whole: whether some columns had to be whole.
        sense: 1 of what is minimized, −1 of what is maximized.
        run: how it was searched.
    """
    relax, seconds = run.relaxed, run.seconds
    info, state = solver.getInfo(), solver.getModelStatus()
    states = highspy.HighsModelStatus
    mixed = not relax and whole
    primal = info.primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
    nodes = int(info.mip_node_count) if mixed else 0
    if state == states.kInfeasible:
        return Outcome("infeasible", None, None, seconds, nodes)
    if state in (states.kUnbounded, states.kUnboundedOrInfeasible):
        return Outcome("unbounded", None, None, seconds, nodes)
    bound: float | None = None
    if mixed:
        bound = sense * info.mip_dual_bound if abs(info.mip_dual_bound) < 1e30 else None
    elif state == states.kOptimal:
        # without crossover an interior point ends a little above the optimum: the bound is what its multipliers prove
        proven = info.objective_function_value
        basis = info.basis_validity == int(highspy.BasisValidity.kBasisValidityValid)
        short = 0.0 if basis else info.primal_dual_objective_error * (1 + abs(proven))  # type: ignore[attr-defined]
        bound = sense * (proven - short)
    if not primal or (state == states.kUnknown and not mixed):
        return Outcome("none", None, bound, seconds, nodes)
    status = "optimal" if state == states.kOptimal else "feasible"
    return Outcome(status, sense * info.objective_function_value, bound, seconds, nodes)


WRONG = ("1.14.0",)
"""Releases of highspy that return wrong optima (HiGHS issues 2957, 2975, 3043, 3073, 3094)."""
PROBING = 1 << 15
"""HiGHS's bit for the presolve rule of probing."""
ENUMERATION = 1 << 16
"""That of enumeration, which tries the values of some whole numbers in turn: minutes for a large program."""
OPTIONS = {
    "threads": 1,
    # probing costs many seconds on these models and finds next to nothing
    "presolve_rule_off": PROBING,
}
_BANNER = [True]
PER_COEFFICIENT = 5e-7
"""Work for each coefficient of a program that is handed over and reduced."""
PER_ROW, RELAXED = 4.5e-8, 1.8
"""Work for each row and iteration of a relaxed mixed-integer program, whose basis is dense, and a factor on its steps
of the interior point."""
PER_ITERATION, SIMPLEX_GROWTH = 1.2e-6, 0.3
"""Work of an iteration of the simplex method in any other linear program, by coefficients to that power."""
PER_INTERIOR = 1.5e-7
"""Work for each coefficient and iteration of the interior point."""
PER_STEP, STEP_GROWTH = 2.4e-7, 0.45
"""Work of a step within the latter, by coefficients to that power."""
PER_POLL, GROWTH = 4.5e-6, 0.9
"""Work of a mixed-integer search from one question whether to end to the next, by coefficients to that power."""
BRANCHING = 1 / 3
"""The same once it branches, as a share of that: the root has cuts, sub-problems and most of the simplex steps."""
MIN_ITERATIONS, UNLIMITED = 100, 2**31 - 1


def new() -> highspy.Highs:
    """A solver that says nothing.

    Raises:
        RuntimeError: this release is known to be wrong.
    """
    with quiet():
        solver = highspy.Highs()
        solver.silent()
    if solver.version() in WRONG:
        raise RuntimeError(f"highspy {solver.version()} returns wrong optima; install another release")
    for name, value in OPTIONS.items():
        solver.setOptionValue(name, value)
    return solver


def attempt(call: Callable[[], R]) -> R:
    """Call a solver; again where HiGHS refuses, because other code has run it in this thread with other threads."""
    outcome = call()
    if (outcome[0] if isinstance(outcome, tuple) else outcome) == highspy.HighsStatus.kError:
        # earlier releases have the latter alone
        getattr(highspy.Highs, "resetThreadScheduler", highspy.Highs.resetGlobalScheduler)(True)
        outcome = call()
    return outcome


@contextmanager
def quiet() -> Iterator[None]:
    """Keep HiGHS's banner, which it prints once in a process before it can be silenced, away from stdout."""
    if not _BANNER:
        yield
        return
    sys.stdout.flush()
    stdout_fd = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(stdout_fd, 1)
        os.close(stdout_fd)
        os.close(nowhere)
        _BANNER.clear()


def hand_over(solver: highspy.Highs, form: Compiled) -> None:
    """Give the solver a model as a whole."""
    n_rows, n_columns = form.shape
    solver.passModel(
        n_columns, n_rows, len(form.values), int(highspy.MatrixFormat.kColwise), int(highspy.ObjSense.kMinimize),
        form.offset, form.cost, form.lower, form.upper, form.row_lower, form.row_upper,
        form.starts[:-1], form.index, form.values, form.whole.astype(np.int32),
    )  # fmt: skip


def set_start(solver: highspy.Highs, form: Compiled) -> None:
    """Begin with the values that the model's variables hold."""
    values = form.column_values()
    some = np.flatnonzero(~np.isnan(values)).astype(np.int32)
    if len(some):
        solver.setSolution(len(some), some, values[some])


class Meter:
    """Work of a run of the solver, by what it counts, so that it is the same on any machine.

    The rates are fitted to some hundred programs of lines, sites and processes on one core of an ordinary laptop.
    """

    def __init__(self, n_coefficients: int, work: float, *, mixed: bool, n_rows: int = 0) -> None:
        """Begin to count.

        Args:
            n_coefficients: of the program.
            work: at most.
            mixed: whether whole numbers are searched for.
            n_rows: of a relaxed mixed-integer program; 0 of any other.
        """
        self.size, self.limit, self.mixed = n_coefficients, work, mixed
        self.per_iteration = n_rows * PER_ROW or PER_ITERATION * n_coefficients**SIMPLEX_GROWTH
        self.interior = RELAXED if n_rows else 1.0
        self.began = effort.counted()
        self.polled = 0.0

    def limits(self) -> dict[str, int]:
        """The solver's own limit of a linear program, by option."""
        most = UNLIMITED if self.mixed else self.limit / max(self.per_iteration, PER_ITERATION)
        return {"simplex_iteration_limit": int(min(max(most, MIN_ITERATIONS), UNLIMITED))}

    @property
    def short(self) -> bool:
        """Whether there is less work to do than handing over takes."""
        return self.limit < PER_COEFFICIENT * self.size

    def poll(self, work: float) -> None:
        """The solver asks whether to end, after some work."""
        self.polled += work
        self._reach(self.polled)

    def nodes(self, n_nodes: int) -> None:
        """The same in a mixed-integer search, where that and its nodes are all that it counts while it runs."""
        self.poll(PER_POLL * self.size**GROWTH * (BRANCHING if n_nodes > 0 else 1.0))

    def iterations(self, count: int) -> None:
        """So many of the simplex method have been made."""
        self._reach(count * self.per_iteration)

    def end(self, info: Any) -> None:
        """The run is over; its counts are all there."""
        work = PER_COEFFICIENT * self.size
        if self.mixed:
            work += self.polled
        else:
            work += max(info.simplex_iteration_count, 0) * self.per_iteration
            work += max(info.ipm_iteration_count, 0) * PER_INTERIOR * self.size * self.interior
            work += max(info.crossover_iteration_count, 0) * self.per_iteration
        self._reach(work)

    def _reach(self, work: float) -> None:
        effort.reach(self.began + work)

    @property
    def over(self) -> bool:
        """Whether the work is done; the simplex method, which is not always listened to, has a limit of its own."""
        return effort.counted() - self.began >= self.limit


@contextmanager
def listening(
    solver: highspy.Highs,
    began: float,
    sense: float,
    on_progress: Progress | None,
    cancel: Callable[[], bool] | None,
    meter: Meter,
    *,
    completes: bool,
) -> Iterator[None]:
    """While it runs: tell what the solver finds, count its work, and ask whether it should end.

    Args:
        solver: about to run.
        began: when the search began, by ``time.perf_counter``.
        sense: 1 of what is minimized, −1 of what is maximized.
        on_progress: called with ``incumbent``, ``bound`` and ``seconds``, at moments that follow from work alone.
        cancel: polled; True ends the run.
        meter: counts.
        completes: whether a start is completed first.
    """
    last: list[float] = [math.nan, math.nan]

    def tell(event: Any) -> None:
        out = event.data_out
        # while a start is completed the bounds reported are those of the completion, and nothing says when that is over
        now = [out.mip_primal_bound, -math.inf if completes else out.mip_dual_bound]
        if on_progress is not None and now != last:
            last[:] = now
            incumbent, bound = (sense * value if abs(value) < 1e30 else None for value in now)
            on_progress({"incumbent": incumbent, "bound": bound, "seconds": time.perf_counter() - began})

    def ask(event: Any) -> None:
        # set each time: HiGHS keeps the request of an earlier run
        event.interrupt(meter.over or (cancel is not None and effort.look_due() and cancel()))

    def node(event: Any) -> None:
        meter.nodes(event.data_out.mip_node_count)
        tell(event)
        ask(event)

    def simplex(event: Any) -> None:
        meter.iterations(event.data_out.simplex_iteration_count)
        ask(event)

    def interior(event: Any) -> None:
        meter.poll(PER_STEP * meter.size**STEP_GROWTH * meter.interior)
        ask(event)

    used = [(solver.cbMipInterrupt, node) if meter.mixed else (solver.cbIpmInterrupt, interior)]
    if on_progress is not None:
        used.append((solver.cbMipImprovingSolution, tell))
    if cancel is not None:
        used.append((solver.cbSimplexInterrupt, simplex))
    for callback, listener in used:
        callback.subscribe(listener)
    yield
    for callback, listener in used:
        callback.unsubscribe(listener)
