"""What a search came to, and what its limits are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from emberline.models.kernel.standard_form import Compiled


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


def read(solver: highspy.Highs, whole: bool, sense: float, run: SearchRun) -> Outcome:
    """What the solver says of a search that is over.

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
