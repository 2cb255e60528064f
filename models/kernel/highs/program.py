"""A model that is solved again and again: compiled once, sent as changes.

The interior point method without crossover (``central``) ends amid the optimal multipliers instead of in a corner of
them. That is what steadies column generation: Gondzio, González-Brevis, Munari, European Journal of Operational
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
"""Share of its time limit by which a search may be late before it is interrupted."""
MANY = 500
"""More coefficients than this are not changed one by one: the model is handed over again, with its basis."""
SAME = 1e-5
"""Share by which the objective reported of a solution may differ from its own."""
PER_TERM = 4e-6
"""Work for each coefficient of a model that is written."""
TIED = 1e-7
"""Reduced cost, or multiplier, above which a limit counts as one that holds the optimum."""


class Program:
    """A Pyomo model compiled once and solved as often as bounds or the search's place change."""

    def __init__(self, model: pyo.ConcreteModel | Compiled) -> None:
        """Compile the model; it has one active objective, minimized or maximized.

        Args:
            model: of Pyomo, or arrays as they are.

        Raises:
            RuntimeError: this release of the solver is known to be wrong.
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
        """Bounds of columns as the solver has them: the model's own arrays until one of them is changed."""
        self._bounded = False
        """Whether one has been."""
        self._costs = form.cost
        """Their costs likewise."""
        self._offset = form.offset
        self._sense = form.sense
        self._kinds = self._all_kinds = form.whole
        """Masks of columns that must be whole: now, and as the model says."""
        self._has_solution = False
        """Whether the solver holds what an earlier run left."""
        self.start_values: np.ndarray | None = None
        """Solution of the model before, by column, where this one differs from it in numbers only."""
        self._rows_held = False
        """Whether bounds of rows are others than the model's."""
        self._anchor: tuple[Any, np.ndarray] | None = None

    def renew(self, model: pyo.ConcreteModel) -> bool:
        """Take another model in the place of the one before; basis and solution stay where only numbers differ.

        What differs is sent as changes: costs, bounds, coefficients. Where variables, constraints or the places of
        coefficients differ, the model is handed over as a whole.

        Returns:
            Whether changes were enough.
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
        """Take back what was changed since the model was handed over, but for its coefficients; the basis stays."""
        if self._anchor is not None:
            basis, self.start_values = self._anchor
        else:
            solution = self._solver.getSolution()
            basis, self.start_values = None, np.array(solution.col_value) if solution.value_valid else None
        self._send(self.form)
        if basis is not None:
            self._solver.setBasis(basis)

    def anchor(self) -> None:
        """Keep basis and solution as they are now: ``restore`` comes back to them, whatever was solved since."""
        solution, basis = self._solver.getSolution(), self._solver.getBasis()
        if solution.value_valid:
            self._anchor = basis if basis.valid else None, np.array(solution.col_value)

    def _send(self, before: Compiled) -> None:
        """Send costs and bounds of the model, of which the solver had another one before."""
        form, solver = self.form, self._solver
        self.whole_only(None)
        self._price(form.cost, form.offset)
        moved = np.flatnonzero((self._bounds[0] != form.lower) | (self._bounds[1] != form.upper))
        self.bound(moved, form.lower[moved], form.upper[moved])
        differ = (before.row_lower != form.row_lower) | (before.row_upper != form.row_upper)
        # rows may have been held at the optimum of a goal before
        rows = np.flatnonzero(differ | self._rows_held).astype(np.int32)
        if len(rows):
            low, high = form.row_lower[rows], form.row_upper[rows]
            solver.changeRowsBounds(len(rows), rows, low, high)  # type: ignore[attr-defined]
        self._rows_held = False

    def _price(self, costs: np.ndarray, offset: float) -> None:
        """Set all costs; only what differs is sent."""
        changed = np.flatnonzero(costs != self._costs).astype(np.int32)
        if len(changed):
            self._solver.changeColsCost(len(changed), changed, costs[changed])
        self._solver.changeObjectiveOffset(offset)
        self._costs, self._offset = costs, offset

    def price(self, costs: np.ndarray) -> None:
        """Minimize other costs of the columns, shape (n_columns,); the model's constant stays."""
        self._price(costs, self.form.offset)

    @property
    def has_basis(self) -> bool:
        """Whether the simplex method has a basis to begin from."""
        return bool(self._solver.getBasis().valid)

    @property
    def whole(self) -> bool:
        """Whether some variables must be whole."""
        return bool(self._kinds.any())

    def places(self, variables: Iterable[Any]) -> np.ndarray:
        """Columns of some variables, shape (n,); −1 for those that the model does not use."""
        return np.array([self.form.column(variable) for variable in variables], dtype=np.int32)

    def columns_of(self, variable: Any) -> np.ndarray:
        """Columns of a Var component in the order of its indices, shape (n,); −1 for those that are not used."""
        return self.form.columns_of(variable)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound of every column, shape (n_columns,) each."""
        lower, upper = self._bounds
        return lower.copy(), upper.copy()

    def bound(self, places: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        """Set bounds of columns, shape (n,) each."""
        if len(places):
            if not self._bounded:
                self._bounds, self._bounded = self.bounds(), True
            self._bounds[0][places], self._bounds[1][places] = low, high
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
        """Solution of the solver after a search, by column, shape (n_columns,)."""
        return np.array(self._solver.getSolution().col_value)

    def solution_of(self, variable: Any) -> np.ndarray:
        """The same by member of a Var component, shape (n,); 0 for those that the model does not use."""
        columns = self.columns_of(variable)
        return np.where(columns >= 0, self.solution()[columns], 0.0)

    def load_values(self, values: np.ndarray) -> None:
        """Load values by column into the Pyomo model's variables, those that are whole exactly whole."""
        self.form.load_values(np.where(self._kinds, np.rint(values), values))

    def duals(self, constraint: Any) -> np.ndarray:
        """By how much the objective changes for a unit more on the right-hand sides of a Constraint component.

        After a linear program, shape (n,); 0 for members that are no row.
        """
        rows, duals = self.form.rows_of(constraint), np.asarray(self._solver.getSolution().row_dual)
        return np.where(rows >= 0, self._sense * duals[rows], 0.0) if len(duals) else np.zeros(len(rows))

    def rows_priced(self) -> np.ndarray | None:
        """Multipliers of all rows after a linear program, shape (n_rows,); None where there are none."""
        solution = self._solver.getSolution()
        prices = self._sense * np.asarray(solution.row_dual)
        return prices if solution.dual_valid and bool(np.isfinite(prices).all()) else None

    def forget(self) -> None:
        """Drop what the last run left, its basis too.

        Before a mixed-integer search HiGHS completes what it holds to a solution, and tells the bounds of that smaller
        search as if they were this one's.
        """
        self._solver.clearSolver()
        self._has_solution = False

    def restrict(self, bounds: Iterable[tuple[Any, float, float]]) -> None:
        """Set bounds of variables: each with its lower and upper one. The Pyomo model keeps its own."""
        listed = [(self.form.column(variable), low, high) for variable, low, high in bounds]
        entries = [one for one in listed if one[0] >= 0]
        if entries:
            places, low, high = (np.array(part) for part in zip(*entries, strict=True))
            self.bound(places, low.astype(float), high.astype(float))

    def confine(self, neighbourhood: Iterable[Neighbourhood]) -> None:
        """Set bounds of all members of some Var components; the Pyomo model keeps its own."""
        for variable, low, high in neighbourhood:
            columns = self.columns_of(variable)
            used = columns >= 0
            self.bound(columns[used], low[used], high[used])

    def run(self, *, work: float, **how: Any) -> Outcome:
        """Solve and load the solution into the variables; the arguments are those of ``solve``."""
        return self.load(self.search(work=work, **how))

    def attempt(self, **how: Any) -> Outcome:
        """Outcome of a search, the Pyomo model left as it is; the arguments are those of ``search``."""
        return self.outcome(self.search(**how))

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
        """Solve without touching the Pyomo model, so that it may run in a thread next to other work.

        A start may be given by column too, as ``solution`` tells it. ``refute``: a proof that there is no solution is
        wanted, and no solution is looked for.
        """
        began = time.perf_counter()
        solver, mixed = self._solver, self.whole and not relax
        rows = self.form.shape[0] if self.whole and relax else 0
        meter = handover.Meter(len(self.form.values), work, mixed=mixed, n_rows=rows)
        # HiGHS counts the time of a linear program from its first run on, that of a mixed-integer one by itself
        used = 0.0 if mixed else solver.getRunTime()
        # reducing a program takes its time before the solver asks for the first time
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
            # some parts of HiGHS poll the callback and not the clock
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
        """Minimize one variable from now on, and nothing else; None: any solution will do."""
        costs = np.zeros(self.form.shape[1])
        if variable is not None:
            column = self.form.column(variable)
            if column < 0:
                raise KeyError(f"{variable.name} is no column of the model")
            costs[column] = self._sense
        self._price(costs, 0.0)

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
            self.bound(tied, values[tied], values[tied])
        rows, prices = np.asarray(solution.row_value), np.asarray(solution.row_dual)
        free = self.form.row_lower != self.form.row_upper
        tight = np.flatnonzero((np.abs(prices) > TIED) & free).astype(np.int32)
        if len(tight):
            solver.changeRowsBounds(len(tight), tight, rows[tight], rows[tight])  # type: ignore[attr-defined]
            self._rows_held = True
        return True

    def settle(self) -> None:
        """Fix whole variables where the last run left them; what is left is a linear program."""
        whole = np.flatnonzero(self.form.whole)
        if len(whole):
            values = np.round(self.solution()[whole])
            self.bound(whole, values, values)

    def multipliers(self, *, work: float) -> Multipliers | None:
        """Worth of limits: whole variables fixed where the last run left them, the rest solved once more.

        None where there is no solution to fix them at, or the time is over. The bounds of whole variables stay fixed.
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
        """Constraints and bounds of the relaxation that cannot all hold, none of which could be left out.

        Members of the Pyomo model, constraints and variables, each with the side that is meant: ``lower``, ``upper`` or
        ``both``. None where the relaxation has a solution, or nothing was found in time. What the solver holds stays.
        """
        form = self.form
        iis, solver = highspy.IisStrategy, handover.new()
        handover.hand_over(solver, replace(form, whole=np.zeros(len(form.whole), dtype=bool)))
        # of seconds: nothing is counted here, and nothing but what is said of a conflict follows from it
        solver.setOptionValue("time_limit", max(work, 0.01))
        solver.setOptionValue("iis_time_limit", max(work, 0.01))
        # first those of a phase that minimizes what is violated, then each of them is tried
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
        """Outcome of a search, the Pyomo model left as it is.

        A mixed-integer search that was given a start may tell an objective, and a bound with it, that is not the one of
        its solution: then the solution's own is given, and no bound.
        """
        outcome = read_outcome(self._solver, self.whole, self._sense, run)
        if not outcome.has_solution or outcome.objective is None or run.relaxed or not self.whole:
            return outcome
        objective = self._sense * float(self._costs @ self.solution() + self._offset)
        if abs(objective - outcome.objective) <= SAME * max(abs(objective), abs(outcome.objective), 1.0):
            return outcome
        return replace(outcome, status="feasible", objective=objective, bound=None)

    def values(self, variables: Iterable[Any]) -> list[float]:
        """Values of some variables in the solver after a search; 0 for those that the model does not use."""
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
    """Seconds that a run may take: those of the net it is in, and what is asked for where they are over."""
    net = effort.current_net()
    if net is None:
        return math.inf
    return max(work, 0.01) if net.acted else max(net.rest_s, 0.01)


@dataclass(frozen=True)
class Central:
    """End point of the interior-point method: multipliers as good as the tolerance asks, no solution to rely on."""

    multipliers: np.ndarray
    """By row: by how much the objective rises for a unit more on the right side."""
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
    """Minimize cost·x with low ≤ A x ≤ high and lower ≤ x ≤ upper; None where that did not end in time.

    Args:
        cost: shape (n_columns,).
        matrix: A, a scipy matrix by columns (CSC).
        low: shape (n_rows,), −∞ for none.
        high: shape (n_rows,), ∞ for none.
        tolerance: relative distance between primal and dual at which it may end.
        work: at most (``scenarios/effort.py``).
        cancel: polled; True ends it.
        lower: shape (n_columns,); None: 0 for all.
        upper: shape (n_columns,); None: ∞ for all.
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
