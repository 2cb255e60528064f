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
from collections.abc import Callable, Iterator
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


def solve(
    model: pyo.ConcreteModel,
    *,
    time_limit: float,
    gap: float = 0.0,
    start: bool = False,
    relax: bool = False,
    nodes: int | None = None,
    effort: float | None = None,
    ipm: bool = False,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Outcome:
    """Solve a linear or mixed-integer Pyomo model and load the solution into its variables.

    Args:
        model: with one active objective, minimized or maximized.
        time_limit: seconds.
        gap: relative gap at which the search may stop.
        start: begin from the values that the variables hold.
        relax: drop the integrality.
        nodes: limit on branch-and-bound nodes, which unlike seconds gives the same result each time.
        effort: share of the time that goes into heuristics.
        ipm: solve a linear program by interior point, which is several times faster on these than the simplex method.
        on_progress: told ``incumbent``, ``bound`` and ``seconds`` as they change.
        cancel: polled; True ends the run with what was found.

    Raises:
        RuntimeError: this release of the solver is known to be wrong.
    """
    if version("highspy") in WRONG:
        raise RuntimeError(f"highspy {version('highspy')} returns wrong optima; install another release")
    began = time.perf_counter()
    with building():
        form = LinearStandardFormCompiler().write(model, mixed_form=True)
    sense = 1.0 if form.objectives[0].sense == pyo.minimize else -1.0
    with quiet():
        solver = highspy.Highs()
        solver.silent()
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("time_limit", max(time_limit - (time.perf_counter() - began), 0.01))
    solver.setOptionValue("mip_rel_gap", gap)
    solver.setOptionValue("mip_abs_gap", 0.0 if gap == 0 else 1e-9)
    # probing costs many seconds on these models and finds next to nothing
    solver.setOptionValue("presolve_rule_off", PROBING)
    if nodes is not None:
        solver.setOptionValue("mip_max_nodes", nodes)
    if effort is not None:
        solver.setOptionValue("mip_heuristic_effort", effort)
    if ipm:
        solver.setOptionValue("solver", "ipm")
    solver.passModel(_program(form, relax))
    if start:
        _set_start(solver, form)
    _listen(solver, began, sense, on_progress, cancel)
    solver.run()
    return _outcome(solver, form, sense, relax, time.perf_counter() - began)


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


def _program(form: Any, relax: bool) -> highspy.HighsLp:
    columns = form.columns
    bounds = np.array([(-math.inf if b[0] is None else b[0], math.inf if b[1] is None else b[1])
                       for b in (column.bounds for column in columns)], dtype=float)  # fmt: skip
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
    if not relax:
        whole = highspy.HighsVarType.kInteger
        program.integrality_ = [
            whole if column.is_integer() or column.is_binary() else highspy.HighsVarType.kContinuous
            for column in columns
        ]
    return program


def _set_start(solver: highspy.Highs, form: Any) -> None:
    held = [(i, column.value) for i, column in enumerate(form.columns) if column.value is not None]
    if held:
        index = np.array([i for i, _ in held], dtype=np.int32)
        solver.setSolution(len(held), index, np.array([value for _, value in held], dtype=float))


def _listen(
    solver: highspy.Highs,
    began: float,
    sense: float,
    on_progress: Progress | None,
    cancel: Callable[[], bool] | None,
) -> None:
    last: list[float] = [math.nan, math.nan]

    def tell(event: Any) -> None:
        out = event.data_out
        now = [out.mip_primal_bound, out.mip_dual_bound]
        if on_progress is not None and now != last:
            last[:] = now
            incumbent, bound = (sense * value if abs(value) < 1e30 else None for value in now)
            on_progress({"incumbent": incumbent, "bound": bound, "seconds": time.perf_counter() - began})

    def poll(event: Any) -> None:
        if cancel is not None and cancel():
            event.interrupt()

    if on_progress is not None:
        solver.cbMipImprovingSolution += tell
        solver.cbMipLogging += tell
    if cancel is not None:
        solver.cbMipInterrupt += poll
        solver.cbSimplexInterrupt += poll
        solver.cbIpmInterrupt += poll


def _outcome(solver: highspy.Highs, form: Any, sense: float, relax: bool, seconds: float) -> Outcome:
    info, state = solver.getInfo(), solver.getModelStatus()
    states = highspy.HighsModelStatus
    mixed = not relax and any(column.is_integer() or column.is_binary() for column in form.columns)
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
        bound = sense * info.objective_function_value
    if not primal or (state == states.kUnknown and not mixed):
        return Outcome("none", None, bound, seconds, nodes)
    values = np.asarray(solver.getSolution().col_value)
    for column, value in zip(form.columns, values.tolist(), strict=True):
        column.set_value(round(value) if not relax and not column.is_continuous() else value, skip_validation=True)
    status = "optimal" if state == states.kOptimal else "feasible"
    return Outcome(status, sense * info.objective_function_value, bound, seconds, nodes)
