"""Interface to HiGHS: create a solver, pass a model and a start, follow its progress, read the outcome."""

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
    """Outcome of a solve. ``objective`` is the solver's own value; recompute it to judge a plan."""

    status: str
    """``optimal`` (to the requested gap), ``feasible``, ``infeasible``, ``unbounded``, ``none`` (no solution found)."""
    objective: float | None
    bound: float | None
    seconds: float
    nodes: int

    @property
    def has_solution(self) -> bool:
        """Whether the variables contain a solution."""
        return self.status in ("optimal", "feasible")


@dataclass(frozen=True)
class SearchRun:
    """A finished search, whose solution is still in the solver."""

    relaxed: bool
    seconds: float


@dataclass(frozen=True)
class Multipliers:
    """Changes of the objective per unit of a constraint's right-hand side, or of a variable's bound."""

    form: Compiled
    rows: np.ndarray
    columns: np.ndarray

    def of(self, constraint: Any) -> float:
        """Return the multiplier of a constraint; 0 if the model does not contain it."""
        row = self.form.row(constraint)
        return 0.0 if row < 0 else float(self.rows[row])

    def of_rows(self, constraint: Any) -> np.ndarray:
        """Return the multiplier of each member of a Constraint component, shape (n,); 0 for members without a row."""
        rows = self.form.rows_of(constraint)
        return np.where(rows >= 0, self.rows[rows], 0.0)

    def of_bounds(self, variable: Any) -> np.ndarray:
        """Return the multipliers of the active bounds of a Var component, shape (n,); 0 for members at no bound."""
        columns = self.form.columns_of(variable)
        return np.where(columns >= 0, self.columns[columns], 0.0)

    def of_bound(self, variable: Any) -> float:
        """Return the multiplier of the active bound of a variable; 0 if it is at no bound."""
        column = self.form.column(variable)
        return 0.0 if column < 0 else float(self.columns[column])


def read_outcome(solver: highspy.Highs, whole: bool, sense: float, run: SearchRun) -> Outcome:
    """Return the outcome of a finished search, as the solver reports it.

    Args:
        solver: solver with the solution.
        whole: whether some columns had to be integer.
        sense: 1 for minimization, −1 for maximization.
        run: the finished search.
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
        # without crossover, interior point ends slightly above the optimum: the bound is the value of its multipliers
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
"""Bit of enumeration, which tries the values of some integers in turn and takes minutes for a large program."""
OPTIONS = {
    "threads": 1,
    # probing takes many seconds on these models and gains almost nothing
    "presolve_rule_off": PROBING,
}
_BANNER = [True]
PER_COEFFICIENT = 5e-7
"""Work per coefficient of a program that is handed over and presolved."""
PER_ROW, RELAXED = 4.5e-8, 1.8
"""Work per row and iteration of a relaxed mixed-integer program, whose basis is dense, and a factor on its steps of
the interior point method."""
PER_ITERATION, SIMPLEX_GROWTH = 1.2e-6, 0.3
"""Work of a simplex iteration in any other linear program, times the coefficients to this power."""
PER_INTERIOR = 1.5e-7
"""Work per coefficient and iteration of the interior point method."""
PER_STEP, STEP_GROWTH = 2.4e-7, 0.45
"""Work of a step within such an iteration, times the coefficients to this power."""
PER_POLL, GROWTH = 4.5e-6, 0.9
"""Work of a mixed-integer search between two interrupt checks, times the coefficients to this power."""
BRANCHING = 1 / 3
"""Share of this work once it branches; the root has cuts, sub-problems and most of the simplex steps."""
MIN_ITERATIONS, UNLIMITED = 100, 2**31 - 1


def new() -> highspy.Highs:
    """Create a solver without output.

    Raises:
        RuntimeError: this release is known to give wrong results.
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
    """Call a solver; repeat if HiGHS refuses because other code in this thread used another thread count."""
    outcome = call()
    if (outcome[0] if isinstance(outcome, tuple) else outcome) == highspy.HighsStatus.kError:
        # earlier releases have only the latter
        getattr(highspy.Highs, "resetThreadScheduler", highspy.Highs.resetGlobalScheduler)(True)
        outcome = call()
    return outcome


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress the banner that HiGHS prints once per process before it can be silenced."""
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
    """Pass a whole model to the solver."""
    n_rows, n_columns = form.shape
    solver.passModel(
        n_columns, n_rows, len(form.values), int(highspy.MatrixFormat.kColwise), int(highspy.ObjSense.kMinimize),
        form.offset, form.cost, form.lower, form.upper, form.row_lower, form.row_upper,
        form.starts[:-1], form.index, form.values, form.whole.astype(np.int32),
    )  # fmt: skip


def set_start(solver: highspy.Highs, form: Compiled) -> None:
    """Start from the values of the model's variables."""
    values = form.column_values()
    places = np.flatnonzero(~np.isnan(values)).astype(np.int32)
    if len(places):
        solver.setSolution(len(places), places, values[places])


class Meter:
    """Work of a solver run by the solver's own counts, so that it is the same on any machine.

    The rates are fitted to several hundred programs of lines, sites and processes on one core of an ordinary laptop.
    """

    def __init__(self, n_coefficients: int, work: float, *, mixed: bool, n_rows: int = 0) -> None:
        """Start counting.

        Args:
            n_coefficients: number of coefficients of the program.
            work: maximum work.
            mixed: whether it is a mixed-integer search.
            n_rows: rows of a relaxed mixed-integer program; 0 for any other program.
        """
        self.size, self.limit, self.mixed = n_coefficients, work, mixed
        self.per_iteration = n_rows * PER_ROW or PER_ITERATION * n_coefficients**SIMPLEX_GROWTH
        self.interior = RELAXED if n_rows else 1.0
        self.began = effort.counted()
        self.polled = 0.0

    def limits(self) -> dict[str, int]:
        """Return the solver's own limit for a linear program, by option."""
        most = UNLIMITED if self.mixed else self.limit / max(self.per_iteration, PER_ITERATION)
        return {"simplex_iteration_limit": int(min(max(most, MIN_ITERATIONS), UNLIMITED))}

    @property
    def short(self) -> bool:
        """Whether less work is left than the hand-over takes."""
        return self.limit < PER_COEFFICIENT * self.size

    def poll(self, work: float) -> None:
        """Count the work up to an interrupt check of the solver."""
        self.polled += work
        self._reach(self.polled)

    def nodes(self, n_nodes: int) -> None:
        """Count an interrupt check of a mixed-integer search, which reports only these checks and its nodes."""
        self.poll(PER_POLL * self.size**GROWTH * (BRANCHING if n_nodes > 0 else 1.0))

    def iterations(self, count: int) -> None:
        """Count the simplex iterations so far."""
        self._reach(count * self.per_iteration)

    def end(self, info: Any) -> None:
        """Count the whole run, whose final counts are now known."""
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
        """Whether the work is used up; the simplex method, which is not always monitored, has its own limit."""
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
    """Report solutions, count work and check for interrupts while the solver runs.

    Args:
        solver: solver that is about to run.
        began: start of the search, by ``time.perf_counter``.
        sense: 1 for minimization, −1 for maximization.
        on_progress: called with ``incumbent``, ``bound`` and ``seconds``, at moments that depend on work only.
        cancel: polled; True ends the run.
        meter: counter of the work.
        completes: whether a start is completed first.
    """
    last: list[float] = [math.nan, math.nan]

    def on_event(event: Any) -> None:
        out = event.data_out
        # while a start is completed, the reported bounds are those of the completion, and its end is not reported
        now = [out.mip_primal_bound, -math.inf if completes else out.mip_dual_bound]
        if on_progress is not None and now != last:
            last[:] = now
            incumbent, bound = (sense * value if abs(value) < 1e30 else None for value in now)
            on_progress({"incumbent": incumbent, "bound": bound, "seconds": time.perf_counter() - began})

    def ask(event: Any) -> None:
        # set each time because HiGHS keeps the request of an earlier run
        event.interrupt(meter.over or (cancel is not None and effort.look_due() and cancel()))

    def node(event: Any) -> None:
        meter.nodes(event.data_out.mip_node_count)
        on_event(event)
        ask(event)

    def simplex(event: Any) -> None:
        meter.iterations(event.data_out.simplex_iteration_count)
        ask(event)

    def interior(event: Any) -> None:
        meter.poll(PER_STEP * meter.size**STEP_GROWTH * meter.interior)
        ask(event)

    used = [(solver.cbMipInterrupt, node) if meter.mixed else (solver.cbIpmInterrupt, interior)]
    if on_progress is not None:
        used.append((solver.cbMipImprovingSolution, on_event))
    if cancel is not None:
        used.append((solver.cbSimplexInterrupt, simplex))
    for callback, listener in used:
        callback.subscribe(listener)
    yield
    for callback, listener in used:
        callback.unsubscribe(listener)
