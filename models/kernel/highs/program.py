"""HiGHS program: a model that is compiled once, changed and solved repeatedly.

The interior point method without crossover (``central``) ends at central multipliers instead of a vertex of the
optimal ones, which stabilizes column generation: Gondzio, González-Brevis, Munari, European Journal of Operational
Research 224 (2013).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
import pyomo.core as pyo

from emberline.models.kernel.arrays import Neighbourhood
from emberline.models.kernel.compile import compiled
from emberline.models.kernel.highs import handover
from emberline.models.kernel.highs.handover import Multipliers, Outcome, SearchRun, read_outcome
from emberline.models.kernel.progress import Progress
from emberline.models.kernel.standard_form import Compiled
from emberline.models.kernel.templates import building
from emberline.scenarios import effort

LATE = 0.1
"""Share of its time limit by which a search may overrun before it is interrupted."""
MANY = 500
"""Number of changed coefficients above which the whole model is handed over again, with its basis."""
SAME = 1e-5
"""Relative difference that is allowed between the reported objective and that of the solution."""
PER_TERM = 4e-6
"""Work per coefficient of a model that is written."""
TIED = 1e-7
"""Reduced cost or multiplier above which a limit counts as active at the optimum."""


class Program:
    """A Pyomo model that is compiled once and solved repeatedly with other bounds, costs or numbers."""

    def __init__(self, model: pyo.ConcreteModel | Compiled) -> None:
        """Compile the model, which has one active objective, minimized or maximized.

        Args:
            model: Pyomo model, or arrays that are used as they are.

        Raises:
            RuntimeError: this release of the solver is known to give wrong results.
        """
        self._solver = handover.new()
        if isinstance(model, Compiled):
            self.form = model
        else:
            with building():
                self.form = _compile(model)
        self._hand_over()

    def _hand_over(self) -> None:
        form = self.form
        handover.hand_over(self._solver, form)
        self._bounds = form.lower, form.upper
        """Bounds of columns in the solver: the model's own arrays until a bound is changed."""
        self._bounded = False
        """Whether a bound has been changed."""
        self._costs = form.cost
        """Costs of columns, likewise."""
        self._offset = form.offset
        self._sense = form.sense
        self._kinds = self._all_kinds = form.whole
        """Masks of integer columns: at present, and as the model defines them."""
        self._has_solution = False
        """Whether the solver still has data of an earlier run."""
        self.start_values: np.ndarray | None = None
        """Solution of the previous model by column, if this model differs from it in numbers only."""
        self._rows_held = False
        """Whether bounds of rows differ from those of the model."""
        self._anchor: tuple[Any, np.ndarray] | None = None

    def renew(self, model: pyo.ConcreteModel) -> bool:
        """Replace the model; basis and solution are kept if only numbers differ.

        Differences are sent as changes of costs, bounds and coefficients. If variables, constraints or the places of
        coefficients differ, the whole model is handed over.

        Returns:
            Whether changes were sufficient.
        """
        with building():
            new = _compile(model)
        old, self.form = self.form, new
        same = old.shape == new.shape and all(
            np.array_equal(getattr(old, name), getattr(new, name)) for name in ("whole", "starts", "index")
        )
        if not same or old.sense != new.sense:
            self._hand_over()
            return False
        solution = self._solver.getSolution()
        self.start_values = np.array(solution.col_value) if solution.value_valid else None
        self._send(old)
        solver = self._solver
        changed = np.flatnonzero(old.values != new.values)
        if len(changed) > MANY:
            basis, start_values = solver.getBasis(), self.start_values
            self._hand_over()
            self.start_values = start_values
            if basis.valid:
                solver.setBasis(basis)
        else:
            columns = np.searchsorted(new.starts, changed, side="right") - 1
            for place, column in zip(changed.tolist(), columns.tolist(), strict=True):
                solver.changeCoeff(int(new.index[place]), column, float(new.values[place]))
        return True

    def restore(self) -> None:
        """Undo all changes since the hand-over, except those of coefficients; the basis is kept."""
        if self._anchor is not None:
            basis, self.start_values = self._anchor
        else:
            solution = self._solver.getSolution()
            basis, self.start_values = None, np.array(solution.col_value) if solution.value_valid else None
        self._send(self.form)
        if basis is not None:
            self._solver.setBasis(basis)

    def anchor(self) -> None:
        """Store the present basis and solution, to which ``restore`` returns whatever was solved since."""
        solution, basis = self._solver.getSolution(), self._solver.getBasis()
        if solution.value_valid:
            self._anchor = basis if basis.valid else None, np.array(solution.col_value)

    def _send(self, before: Compiled) -> None:
        """Send the costs and bounds that differ from those of the previous model."""
        form, solver = self.form, self._solver
        self.whole_only(None)
        self._price(form.cost, form.offset)
        moved = np.flatnonzero((self._bounds[0] != form.lower) | (self._bounds[1] != form.upper))
        self.bound(moved, form.lower[moved], form.upper[moved])
        differ = (before.row_lower != form.row_lower) | (before.row_upper != form.row_upper)
        # rows may have been fixed at the optimum of an earlier goal
        rows = np.flatnonzero(differ | self._rows_held).astype(np.int32)
        if len(rows):
            low, high = form.row_lower[rows], form.row_upper[rows]
            solver.changeRowsBounds(len(rows), rows, low, high)  # type: ignore[attr-defined]
        self._rows_held = False

    def _price(self, costs: np.ndarray, offset: float) -> None:
        """Set all costs; only differences are sent."""
        changed = np.flatnonzero(costs != self._costs).astype(np.int32)
        if len(changed):
            self._solver.changeColsCost(len(changed), changed, costs[changed])
        self._solver.changeObjectiveOffset(offset)
        self._costs, self._offset = costs, offset

    def price(self, costs: np.ndarray) -> None:
        """Minimize other costs of the columns, shape (n_columns,); the constant of the model is kept."""
        self._price(costs, self.form.offset)

    @property
    def has_basis(self) -> bool:
        """Whether the simplex method has a basis to start from."""
        return bool(self._solver.getBasis().valid)

    @property
    def whole(self) -> bool:
        """Whether any variable must be integer."""
        return bool(self._kinds.any())

    def places(self, variables: Iterable[Any]) -> np.ndarray:
        """Return the columns of variables, shape (n,); −1 for variables that the model does not use."""
        return np.array([self.form.column(variable) for variable in variables], dtype=np.int32)

    def columns_of(self, variable: Any) -> np.ndarray:
        """Return the columns of a Var component in index order, shape (n,); −1 for members that are not used."""
        return self.form.columns_of(variable)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and upper bounds of all columns, shape (n_columns,) each."""
        lower, upper = self._bounds
        return lower.copy(), upper.copy()

    def bound(self, places: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        """Set the bounds of columns, shape (n,) each."""
        if len(places):
            if not self._bounded:
                self._bounds, self._bounded = self.bounds(), True
            self._bounds[0][places], self._bounds[1][places] = low, high
            self._solver.changeColsBounds(len(places), places.astype(np.int32), low, high)

    def whole_only(self, places: np.ndarray | None) -> None:
        """Require only some of the integer columns to be integer; None: all of them, as the model defines."""
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
        """Return the solution of the solver after a search, shape (n_columns,)."""
        return np.array(self._solver.getSolution().col_value)

    def solution_of(self, variable: Any) -> np.ndarray:
        """Return the solution of a Var component by member, shape (n,); 0 for members that the model does not use."""
        columns = self.columns_of(variable)
        return np.where(columns >= 0, self.solution()[columns], 0.0)

    def load_values(self, values: np.ndarray) -> None:
        """Load values by column into the variables of the Pyomo model; integers are rounded."""
        self.form.load_values(np.where(self._kinds, np.rint(values), values))

    def duals(self, constraint: Any) -> np.ndarray:
        """Return the change of the objective per unit of the right-hand sides of a Constraint component.

        The values are valid after a linear program, shape (n,); 0 for members without a row.
        """
        rows, duals = self.form.rows_of(constraint), np.asarray(self._solver.getSolution().row_dual)
        return np.where(rows >= 0, self._sense * duals[rows], 0.0) if len(duals) else np.zeros(len(rows))

    def rows_priced(self) -> np.ndarray | None:
        """Return the multipliers of all rows after a linear program, shape (n_rows,); None if there are none."""
        solution = self._solver.getSolution()
        prices = self._sense * np.asarray(solution.row_dual)
        return prices if solution.dual_valid and bool(np.isfinite(prices).all()) else None

    def forget(self) -> None:
        """Drop all data of the last run, including its basis.

        Before a mixed-integer search HiGHS completes its present values to a solution, and reports the bounds of that
        smaller search as if they applied to the whole problem.
        """
        self._solver.clearSolver()
        self._has_solution = False

    def restrict(self, bounds: Iterable[tuple[Any, float, float]]) -> None:
        """Set lower and upper bounds of variables; the Pyomo model keeps its own."""
        listed = [(self.form.column(variable), low, high) for variable, low, high in bounds]
        entries = [entry for entry in listed if entry[0] >= 0]
        if entries:
            places, low, high = (np.array(part) for part in zip(*entries, strict=True))
            self.bound(places, low.astype(float), high.astype(float))

    def confine(self, neighbourhood: Iterable[Neighbourhood]) -> None:
        """Set the bounds of all members of Var components; the Pyomo model keeps its own."""
        for variable, low, high in neighbourhood:
            columns = self.columns_of(variable)
            used = columns >= 0
            self.bound(columns[used], low[used], high[used])

    def run(self, *, work: float, **options: Any) -> Outcome:
        """Solve and load the solution into the variables; the arguments are those of ``search``."""
        return self.load(self.search(work=work, **options))

    def attempt(self, **options: Any) -> Outcome:
        """Return the outcome of a search without changing the Pyomo model; the arguments are those of ``search``."""
        return self.outcome(self.search(**options))

    def search(
        self,
        *,
        work: float,
        gap: float = 0.0,
        start: bool | np.ndarray = False,
        relax: bool = False,
        nodes: int = handover.UNLIMITED,
        heuristics: float = 0.05,
        ipm: bool = False,
        crossover: bool = True,
        tolerance: float | None = None,
        refute: bool = False,
        on_progress: Progress | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> SearchRun:
        """Solve without changing the Pyomo model, so that the search can run in a thread next to other work.

        A start may also be given by column, as ``solution`` returns it. ``refute`` asks for a proof of infeasibility
        and does not look for solutions.
        """
        began = time.perf_counter()
        solver, mixed = self._solver, self.whole and not relax
        rows = self.form.shape[0] if self.whole and relax else 0
        meter = handover.Meter(len(self.form.values), work, mixed=mixed, n_rows=rows)
        # HiGHS counts the time of a linear program from its first run, that of a mixed-integer program for each run
        used = 0.0 if mixed else solver.getRunTime()
        # presolve takes its time before the solver polls for the first time
        seconds = 0.0 if mixed and meter.short else _seconds(work)
        options: dict[str, Any] = {
            "time_limit": used + seconds,
            "mip_rel_gap": gap,
            "mip_abs_gap": 0.0 if gap == 0 else 1e-9,
            "solve_relaxation": relax,
            "mip_lp_solver" if mixed else "solver": "ipm" if ipm else "choose",
            "run_crossover": "on" if crossover else "off",
            "ipm_optimality_tolerance": 1e-8 if tolerance is None else tolerance,
            "presolve": "choose" if tolerance is None else "off",
            "presolve_rule_off": handover.PROBING | (handover.ENUMERATION if refute else 0),
            "mip_max_nodes": nodes,
            "mip_heuristic_effort": 0.0 if refute else heuristics,
        }
        for name, value in (options | meter.limits()).items():
            solver.setOptionValue(name, value)
        if isinstance(start, np.ndarray):
            solver.setSolution(len(start), np.arange(len(start), dtype=np.int32), start)
        elif start:
            handover.set_start(solver, self.form)
        if cancel is not None:
            # some parts of HiGHS poll the callback but not the clock
            cancelled, until = cancel, began + seconds + max(LATE * seconds, 1.0)

            def cancel() -> bool:
                return cancelled() or time.perf_counter() > until

        with handover.listening(
            solver, began, self._sense, on_progress, cancel, meter,
            completes=not relax and (start is not False or self._has_solution),
        ):  # fmt: skip
            handover.attempt(solver.run)
        meter.end(solver.getInfo())
        self._has_solution = True
        return SearchRun(relax, time.perf_counter() - began)

    def aim(self, variable: Any | None) -> None:
        """Minimize a single variable from now on; None: accept any feasible solution."""
        costs = np.zeros(self.form.shape[1])
        if variable is not None:
            column = self.form.column(variable)
            if column < 0:
                raise KeyError(f"{variable.name} is not a column of the model")
            costs[column] = self._sense
        self._price(costs, 0.0)

    def hold(self) -> bool:
        """Restrict the model to the optimal solutions of the last linear program, for any later objective.

        Columns with a reduced cost and rows with a multiplier are fixed at their limits; every solution of the rest is
        optimal, too. This is exact and keeps the basis feasible; a limit on the objective would achieve neither. Return
        False if there is no such optimum.
        """
        solver = self._solver
        solution = solver.getSolution()
        if not solution.dual_valid or solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return False
        values, costs = np.asarray(solution.col_value), np.asarray(solution.col_dual)
        tied = np.flatnonzero(np.abs(costs) > TIED).astype(np.int32)
        if len(tied):
            self.bound(tied, values[tied], values[tied])
        rows, prices = np.asarray(solution.row_value), np.asarray(solution.row_dual)
        free = self.form.row_lower != self.form.row_upper
        tight = np.flatnonzero((np.abs(prices) > TIED) & free).astype(np.int32)
        if len(tight):
            solver.changeRowsBounds(len(tight), tight, rows[tight], rows[tight])  # type: ignore[attr-defined]
            self._rows_held = True
        return True

    def settle(self) -> None:
        """Fix integer variables at the values of the last run, so that a linear program remains."""
        whole = np.flatnonzero(self.form.whole)
        if len(whole):
            values = np.round(self.solution()[whole])
            self.bound(whole, values, values)

    def multipliers(self, *, work: float) -> Multipliers | None:
        """Return the multipliers of limits after fixing integer variables at the last run and solving the rest again.

        None if there is no solution to fix them at, or the time is over. Integer variables stay fixed.
        """
        solver, incumbent = self._solver, self._solver.getSolution()
        if not incumbent.value_valid:
            return None
        self.settle()
        if not self.attempt(work=work, relax=True).has_solution:
            return None
        solution = solver.getSolution()
        if not solution.dual_valid:
            return None
        duals, bounds = (self._sense * np.asarray(dual) for dual in (solution.row_dual, solution.col_dual))
        return Multipliers(self.form, duals, bounds)

    def conflict(self, *, work: float) -> list[tuple[Any, str]] | None:
        """Return constraints and bounds of the relaxation that cannot all hold, none of which could be left out.

        They are constraints and variables of the Pyomo model, each with the side concerned: ``lower``, ``upper`` or
        ``both``. None if the relaxation is feasible, or nothing was found in time. The solver's data is unchanged.
        """
        form = self.form
        iis, solver = highspy.IisStrategy, handover.new()
        handover.hand_over(solver, replace(form, whole=np.zeros(len(form.whole), dtype=bool)))
        # in seconds: nothing is counted here, and only the explanation of a conflict depends on it
        solver.setOptionValue("time_limit", max(work, 0.01))
        solver.setOptionValue("iis_time_limit", max(work, 0.01))
        # first the rows of a phase that minimizes the violation, then each of them is tested
        solver.setOptionValue("iis_strategy", int(iis.kIisStrategyFromLp) | int(iis.kIisStrategyIrreducible))
        began = time.perf_counter()
        status, subsystem = handover.attempt(solver.getIis)
        effort.spend(time.perf_counter() - began)
        if status != highspy.HighsStatus.kOk or not len(subsystem.row_index_) + len(subsystem.col_index_):
            return None
        bound = highspy.IisBoundStatus
        sides = {int(bound.kIisBoundStatusLower): "lower", int(bound.kIisBoundStatusUpper): "upper"}
        constraints, variables = form.constraints, form.columns
        rows = [(constraints[row], side) for row, side in zip(subsystem.row_index_, subsystem.row_bound_, strict=True)]
        columns = [(variables[j], side) for j, side in zip(subsystem.col_index_, subsystem.col_bound_, strict=True)]
        return [(member, sides.get(int(side), "both")) for member, side in rows + columns]

    def outcome(self, run: SearchRun) -> Outcome:
        """Return the outcome of a search without changing the Pyomo model.

        With a start, a mixed-integer search may report an objective and a bound that do not belong to its solution:
        then the objective of the solution is returned without a bound.
        """
        outcome = read_outcome(self._solver, self.whole, self._sense, run)
        if not outcome.has_solution or outcome.objective is None or run.relaxed or not self.whole:
            return outcome
        objective = self._sense * float(self._costs @ self.solution() + self._offset)
        if abs(objective - outcome.objective) <= SAME * max(abs(objective), abs(outcome.objective), 1.0):
            return outcome
        return replace(outcome, status="feasible", objective=objective, bound=None)

    def values(self, variables: Iterable[Any]) -> list[float]:
        """Return the values of variables after a search; 0 for variables that the model does not use."""
        solution, places = self.solution(), self.places(variables)
        return np.where(places >= 0, solution[places], 0.0).tolist() if len(solution) else [0.0] * len(places)

    def load(self, run: SearchRun) -> Outcome:
        """Load the solution of a search into the Pyomo model's variables and return its outcome."""
        outcome = self.outcome(run)
        if outcome.has_solution and run.relaxed:
            self.form.load_values(self.solution())
        elif outcome.has_solution:
            self.load_values(self.solution())
        return outcome


def _compile(model: pyo.ConcreteModel) -> Compiled:
    form = compiled(model)
    effort.spend(PER_TERM * len(form.values))
    return form


def _seconds(work: float) -> float:
    """Return the time limit of a run [s]: the rest of the enclosing safety net, or ``work`` once the net has acted."""
    net = effort.current_net()
    if net is None:
        return math.inf
    return max(work, 0.01) if net.acted else max(net.rest_s, 0.01)


@dataclass(frozen=True)
class Central:
    """End point of the interior point method: multipliers within the tolerance, without a reliable solution."""

    multipliers: np.ndarray
    """Change of the objective per unit of the right-hand side, by row."""
    values: np.ndarray
    objective: float


def central(
    cost: np.ndarray,
    matrix: Any,
    low: np.ndarray,
    high: np.ndarray,
    *,
    tolerance: float,
    work: float,
    cancel: Callable[[], bool],
    lower: np.ndarray | None = None,
    upper: np.ndarray | None = None,
) -> Central | None:
    """Minimize cost·x with low ≤ A x ≤ high and lower ≤ x ≤ upper; return None if this does not finish in time.

    Args:
        cost: costs of columns, shape (n_columns,).
        matrix: A as a scipy CSC matrix.
        low: lower bounds of rows, shape (n_rows,); −∞ for none.
        high: upper bounds of rows, shape (n_rows,); ∞ for none.
        tolerance: relative distance between primal and dual at which it may stop.
        work: maximum work (``scenarios/effort.py``).
        cancel: polled; True stops it.
        lower: lower bounds of columns, shape (n_columns,); None: 0 for all.
        upper: upper bounds of columns, shape (n_columns,); None: ∞ for all.
    """
    n = len(cost)
    form = Compiled(
        sense=1.0, cost=cost, offset=0.0, lower=np.zeros(n) if lower is None else lower,
        upper=np.full(n, np.inf) if upper is None else upper, whole=np.zeros(n, dtype=bool), row_lower=low,
        row_upper=high, starts=matrix.indptr.astype(np.int32), index=matrix.indices.astype(np.int32),
        values=np.asarray(matrix.data, dtype=float), _variables={}, _constraints={},
    )  # fmt: skip
    program = Program(form)
    run = program.search(work=max(work, 0.01), ipm=True, crossover=False, tolerance=tolerance, cancel=cancel)
    prices = program.rows_priced()
    if prices is None:
        return None
    value = program.outcome(run).objective
    values = program.solution()
    return Central(prices, values, float(cost @ values) if value is None else value)
