"""The only file that names a solver: a Pyomo model goes to HiGHS and its outcome comes back.

The model is compiled to arrays by Pyomo's standard form and handed to HiGHS as a whole. A start is set just before the
run. What HiGHS calls unknown is never taken for a solution.
"""

from __future__ import annotations

import ctypes
import gc
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import highspy
import numpy as np
import pyomo.environ as pyo
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

Progress = Callable[[dict[str, Any]], None]
WRONG = ("1.14.0",)
"""Releases of highspy that return wrong optima (HiGHS issues 2957, 2975, 3043, 3073, 3094)."""


PROBING = 1 << 15
"""HiGHS's bit for the presolve rule of probing."""
TIED = 1e-7
"""Reduced cost, or multiplier, above which a limit counts as one that holds the optimum."""
_OPTIONS = {
    "threads": 1,
    # probing costs many seconds on these models and finds next to nothing
    "presolve_rule_off": PROBING,
}


@dataclass(frozen=True)
class Outcome:
    """What a solve came to. ``objective`` is the solver's own figure: judge a plan by recomputing it."""

    status: str
    """``optimal`` (to the gap asked for), ``feasible``, ``infeasible``, ``unbounded``, ``none`` (no solution found)."""
    objective: float | None
    bound: float | None
    seconds: float
    nodes: int

    @property
    def found(self) -> bool:
        """Whether the variables hold a solution."""
        return self.status in ("optimal", "feasible")


@contextmanager
def building() -> Iterator[None]:
    """Build or compile a model without the garbage collector, which would take most of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Program:
    """A Pyomo model compiled once and solved as often as bounds or the search's place change."""

    def __init__(self, model: pyo.ConcreteModel) -> None:
        """Compile the model; it has one active objective, minimized or maximized.

        Raises:
            RuntimeError: this release of the solver is known to be wrong.
        """
        if version("highspy") in WRONG:
            raise RuntimeError(f"highspy {version('highspy')} returns wrong optima; install another release")
        with building():
            self._form = LinearStandardFormCompiler().write(model, mixed_form=True)
        self._sense = 1.0 if self._form.objectives[0].sense == pyo.minimize else -1.0
        self._place = {id(column): i for i, column in enumerate(self._form.columns)}
        with quiet():
            self._solver = highspy.Highs()
            self._solver.silent()
        for name, value in _OPTIONS.items():
            self._solver.setOptionValue(name, value)
        self._solver.passModel(_program(self._form))
        self._kinds = np.array([not column.is_continuous() for column in self._form.columns], dtype=bool)
        self._all_kinds = self._kinds
        """Which columns must be whole: now, and as the model says."""
        self._left = False
        """Whether the solver holds what an earlier run left."""

    @property
    def whole(self) -> bool:
        """Whether some variables must be whole."""
        return bool(self._kinds.any())

    def places(self, variables: Iterable[Any]) -> np.ndarray:
        """Columns of some variables, shape (n,); −1 for those that the model does not use."""
        return np.array([self._place.get(id(variable), -1) for variable in variables], dtype=np.int32)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound of every column, shape (n_columns,) each."""
        program = self._solver.getLp()
        return np.array(program.col_lower_), np.array(program.col_upper_)

    def bound(self, places: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        """Set bounds of columns, shape (n,) each."""
        self._solver.changeColsBounds(len(places), places.astype(np.int32), low, high)

    def whole_only(self, places: np.ndarray | None) -> None:
        """Let only some of the whole columns be whole, the rest in part; None: all as the model says."""
        kinds = self._all_kinds.copy()
        if places is not None:
            kinds[:] = False
            kinds[places] = self._all_kinds[places]
        changed = np.flatnonzero(kinds != self._kinds).astype(np.int32)
        if len(changed):
            kind = np.where(kinds[changed], int(highspy.HighsVarType.kInteger), int(highspy.HighsVarType.kContinuous))
            self._solver.changeColsIntegrality(len(changed), changed, kind.astype(np.uint8))
        self._kinds = kinds

    def solution(self) -> np.ndarray:
        """What the solver holds after a search, by column, shape (n_columns,)."""
        return np.array(self._solver.getSolution().col_value)

    def put(self, values: np.ndarray) -> None:
        """Load values by column into the Pyomo model's variables, those that are whole exactly whole."""
        values = np.where(self._kinds, np.rint(values), values)
        for column, value in zip(self._form.columns, values.tolist(), strict=True):
            column.set_value(value, skip_validation=True)

    def forget(self) -> None:
        """Drop what the last run left, its basis too.

        Before a mixed-integer search HiGHS completes what it holds to a solution, and tells the bounds of that smaller
        search as if they were this one's.
        """
        self._solver.clearSolver()
        self._left = False

    def restrict(self, bounds: Iterable[tuple[Any, float, float]]) -> None:
        """Set bounds of variables: each with its lower and upper one. The Pyomo model keeps its own."""
        for variable, low, high in bounds:
            place = self._place.get(id(variable))
            if place is not None:
                self._solver.changeColBounds(place, low, high)

    def run(self, *, time_limit: float, **how: Any) -> Outcome:
        """Solve and load the solution into the variables; the arguments are those of ``solve``."""
        return self.load(self.search(time_limit=time_limit, **how))

    def search(
        self,
        *,
        time_limit: float,
        gap: float = 0.0,
        start: bool | np.ndarray = False,
        relax: bool = False,
        nodes: int | None = None,
        effort: float | None = None,
        ipm: bool = False,
        crossover: bool = True,
        on_progress: Progress | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> Found:
        """Solve without touching the Pyomo model, so that it may run in a thread beside other work.

        A start may be given by column too, as ``solution`` tells it.
        """
        began = time.perf_counter()
        solver = self._solver
        # HiGHS counts the time of a linear program from its first run on, that of a mixed-integer one by itself
        used = 0.0 if self.whole and not relax else solver.getRunTime()
        options: dict[str, Any] = {
            "time_limit": used + max(time_limit, 0.01),
            "mip_rel_gap": gap,
            "mip_abs_gap": 0.0 if gap == 0 else 1e-9,
            "solve_relaxation": relax,
            "solver": "ipm" if ipm else "choose",
            "run_crossover": "on" if crossover else "off",
        }
        if nodes is not None:
            options["mip_max_nodes"] = nodes
        if effort is not None:
            options["mip_heuristic_effort"] = effort
        for name, value in options.items():
            solver.setOptionValue(name, value)
        if isinstance(start, np.ndarray):
            solver.setSolution(len(start), np.arange(len(start), dtype=np.int32), start)
        elif start:
            _set_start(solver, self._form)
        given = start is not False
        with _listening(solver, began, self._sense, on_progress, cancel, completes=not relax and (given or self._left)):
            solver.run()
        self._left = True
        return Found(relax, time.perf_counter() - began)

    def aim(self, variable: Any | None) -> None:
        """Minimize one variable from now on, and nothing else; None: any solution will do."""
        costs = np.zeros(len(self._form.columns))
        if variable is not None:
            costs[self._place[id(variable)]] = self._sense
        self._solver.changeColsCost(len(costs), np.arange(len(costs), dtype=np.int32), costs)
        self._solver.changeObjectiveOffset(0.0)

    def hold(self) -> bool:
        """After a linear program's optimum: keep to the optima, all of them, whatever is minimized next.

        What has a reduced cost or a multiplier stays at its limit; every other solution of the rest is optimal too.
        That is exact and leaves the basis feasible, where a limit on the objective would do neither. False where there
        is no such optimum.
        """
        solver = self._solver
        solution = solver.getSolution()
        if not solution.dual_valid or solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return False
        values, costs = np.asarray(solution.col_value), np.asarray(solution.col_dual)
        tied = np.flatnonzero(np.abs(costs) > TIED).astype(np.int32)
        if len(tied):
            solver.changeColsBounds(len(tied), tied, values[tied], values[tied])
        rows, prices = np.asarray(solution.row_value), np.asarray(solution.row_dual)
        kind = np.array([row.bound_type for row in self._form.rows])
        for row in np.flatnonzero((np.abs(prices) > TIED) & (kind != 0)).tolist():
            solver.changeRowBounds(row, float(rows[row]), float(rows[row]))
        return True

    def multipliers(self, *, time_limit: float) -> Multipliers | None:
        """What limits are worth: whole variables fixed where the last run left them, the rest solved once more.

        None where there is no solution to fix them at, or the time is over. The bounds of whole variables stay fixed.
        """
        solver, held = self._solver, self._solver.getSolution()
        if not held.value_valid:
            return None
        columns = self._form.columns
        whole = np.array([i for i, column in enumerate(columns) if not column.is_continuous()], dtype=np.int32)
        if len(whole):
            values = np.round(np.asarray(held.col_value)[whole])
            solver.changeColsBounds(len(whole), whole, values, values)
        if not self.outcome(self.search(time_limit=time_limit, relax=True)).found:
            return None
        solution = solver.getSolution()
        if not solution.dual_valid:
            return None
        own, bounds = (self._sense * np.asarray(dual) for dual in (solution.row_dual, solution.col_dual))
        rows = {id(row.constraint): dual for row, dual in zip(self._form.rows, own.tolist(), strict=True)}
        return Multipliers(rows, {key: float(bounds[place]) for key, place in self._place.items()})

    def outcome(self, found: Found) -> Outcome:
        """What a search came to, the Pyomo model left as it is."""
        return _outcome(self._solver, self.whole, self._sense, found)

    def values(self, variables: Iterable[Any]) -> list[float]:
        """What the solver holds for some variables after a search; 0 for those that the model does not use."""
        held = self._solver.getSolution().col_value
        places = [self._place.get(id(variable)) for variable in variables]
        return [0.0 if place is None else float(held[place]) for place in places]

    def load(self, found: Found) -> Outcome:
        """What a search came to, its solution loaded into the Pyomo model's variables."""
        outcome = self.outcome(found)
        if outcome.found:
            values = np.asarray(self._solver.getSolution().col_value)
            if not found.relaxed:
                values = np.where(self._kinds, np.rint(values), values)
            for column, value in zip(self._form.columns, values.tolist(), strict=True):
                column.set_value(value, skip_validation=True)
        return outcome


@dataclass(frozen=True)
class Multipliers:
    """By how much the objective changes for a unit more on the right side of a constraint, or of a variable's bound."""

    rows: dict[int, float]
    columns: dict[int, float]

    def of(self, constraint: Any) -> float:
        """Of a constraint; 0 where the model has none such."""
        return self.rows.get(id(constraint), 0.0)

    def of_bound(self, variable: Any) -> float:
        """Of the bound that a variable stands at; 0 where it stands at none."""
        return self.columns.get(id(variable), 0.0)


@dataclass(frozen=True)
class Found:
    """A search that is over; its solution is still with the solver."""

    relaxed: bool
    seconds: float


def solve(model: pyo.ConcreteModel, *, time_limit: float, **how: Any) -> Outcome:
    """Solve a linear or mixed-integer Pyomo model once and load the solution into its variables.

    Args:
        model: with one active objective, minimized or maximized.
        time_limit: seconds, compiling included.
        **how: ``gap``, relative, at which the search may stop; ``start`` from the values that the variables hold;
            ``relax`` the integrality; ``nodes`` of branch and bound at most, which unlike seconds gives the same result
            each time; ``effort``, share of the time that goes into heuristics; ``ipm`` for a linear program by
            interior point, several times faster on these than the simplex method; ``crossover`` from there to a basis;
            ``on_progress``, told ``incumbent``, ``bound`` (None with a start) and ``seconds``; ``cancel``, polled, True
            ends the run with what was found.

    Raises:
        RuntimeError: this release of the solver is known to be wrong.
    """
    began = time.perf_counter()
    program = Program(model)
    return program.run(time_limit=time_limit - (time.perf_counter() - began), **how)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep HiGHS's banner, which it prints once in a process before it can be told not to, away from stdout."""
    if not _BANNER:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
        _BANNER.clear()


_BANNER = [True]


def _program(form: Any) -> highspy.HighsLp:
    columns = form.columns
    bounds = np.array([(-math.inf if b[0] is None else b[0], math.inf if b[1] is None else b[1])
                       for b in (column.bounds for column in columns)]).reshape(-1, 2)  # fmt: skip
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(columns), len(form.rows)
    # the standard form minimizes: it has turned a maximized objective already
    program.col_cost_ = np.asarray(form.c.todense(), dtype=float).reshape(-1)
    program.offset_ = float(form.c_offset[0])
    program.col_lower_, program.col_upper_ = bounds[:, 0].copy(), bounds[:, 1].copy()
    kind = np.array([row.bound_type for row in form.rows])  # −1: ≥, 0: =, 1: ≤
    rhs = np.asarray(form.rhs, dtype=float)
    program.row_lower_ = np.where(kind <= 0, rhs, -math.inf)
    program.row_upper_ = np.where(kind >= 0, rhs, math.inf)
    matrix = form.A.tocsc()
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_ = matrix.indptr, matrix.indices
    program.a_matrix_.value_ = matrix.data
    kinds = [not column.is_continuous() for column in columns]
    if any(kinds):
        whole, free = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        program.integrality_ = [whole if kind else free for kind in kinds]
    return program


def _set_start(solver: highspy.Highs, form: Any) -> None:
    held = [(i, column.value) for i, column in enumerate(form.columns) if column.value is not None]
    if held:
        index = np.array([i for i, _ in held], dtype=np.int32)
        solver.setSolution(len(held), index, np.array([value for _, value in held], dtype=float))


@contextmanager
def _listening(
    solver: highspy.Highs,
    began: float,
    sense: float,
    on_progress: Progress | None,
    cancel: Callable[[], bool] | None,
    *,
    completes: bool,
) -> Iterator[None]:
    last: list[float] = [math.nan, math.nan]

    def tell(event: Any) -> None:
        out = event.data_out
        # while a start is completed the bounds told are those of the completion, and nothing says when that is over
        now = [out.mip_primal_bound, -math.inf if completes else out.mip_dual_bound]
        if on_progress is not None and now != last:
            last[:] = now
            incumbent, bound = (sense * value if abs(value) < 1e30 else None for value in now)
            on_progress({"incumbent": incumbent, "bound": bound, "seconds": time.perf_counter() - began})

    def poll(event: Any) -> None:
        if cancel is not None and cancel():
            event.interrupt()

    used = []
    if on_progress is not None:
        used += [(solver.cbMipImprovingSolution, tell), (solver.cbMipLogging, tell)]
    if cancel is not None:
        used += [(solver.cbMipInterrupt, poll), (solver.cbSimplexInterrupt, poll), (solver.cbIpmInterrupt, poll)]
    for callback, listener in used:
        callback.subscribe(listener)
    yield
    for callback, listener in used:
        callback.unsubscribe(listener)


def _outcome(solver: highspy.Highs, whole: bool, sense: float, found: Found) -> Outcome:
    relax, seconds = found.relaxed, found.seconds
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
        # without crossover an interior point ends a little above the optimum: what its multipliers prove is told
        proven = info.objective_function_value
        basis = info.basis_validity == int(highspy.BasisValidity.kBasisValidityValid)
        short = 0.0 if basis else info.primal_dual_objective_error * (1 + abs(proven))  # type: ignore[attr-defined]
        bound = sense * (proven - short)
    if not primal or (state == states.kUnknown and not mixed):
        return Outcome("none", None, bound, seconds, nodes)
    status = "optimal" if state == states.kOptimal else "feasible"
    return Outcome(status, sense * info.objective_function_value, bound, seconds, nodes)
