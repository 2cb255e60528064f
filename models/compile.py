"""From a Pyomo model to HiGHS's arrays, and from HiGHS's vectors back to the model's components.

A component that is one template (``models/templates.py``) is walked once, and evaluated with numpy over all its indices
at the same time; every other constraint goes through Pyomo's linear walker. Constants move to the right-hand sides, and
so do fixed variables; variables that nothing uses are no columns; a ranged constraint is one row. What is not linear is
refused by its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyomo.environ as pyo
import xarray as xr
from pyomo.common.errors import InvalidConstraintError
from pyomo.core.expr import relational_expr as relational
from pyomo.repn.linear import LinearRepnVisitor
from pyomo.repn.util import VarRecorder

from models.evaluate import Evaluator, Numbers, Points, Variables, is_variable
from models.keys import NoTemplate

_CONSTANT = 1e-9
"""By how much, relative to its size, a row without variables may miss its bound: rounding, no contradiction."""


class NotLinear(ValueError):
    """A constraint or objective that is not linear, told by its name."""


@dataclass(frozen=True)
class Compiled:
    """A model as arrays: minimize cost·x + offset, row_lower ≤ A x ≤ row_upper, lower ≤ x ≤ upper.

    A maximized objective has its sign turned; ``sense`` is −1 then, else 1.
    """

    sense: float
    cost: np.ndarray
    offset: float
    lower: np.ndarray
    upper: np.ndarray
    whole: np.ndarray
    """Which columns are integer or binary, shape (n_columns,)."""
    row_lower: np.ndarray
    row_upper: np.ndarray
    starts: np.ndarray
    """The matrix by columns: column j holds ``index[starts[j]:starts[j + 1]]`` and the same of ``values``."""
    index: np.ndarray
    values: np.ndarray
    columns: list[Any] = field(repr=False)
    """The variable of each column."""
    _variables: dict[int, tuple[Any, np.ndarray]] = field(repr=False)
    """By identity of a Var component: itself, and the column of each of its members, −1 where it is none."""
    _constraints: dict[int, tuple[Any, list[Any], np.ndarray]] = field(repr=False)
    """By identity of a Constraint component: itself, its keys, and the row of each, −1 where it is none."""

    @classmethod
    def of_arrays(cls, cost: np.ndarray, matrix: Any, row_lower: np.ndarray, row_upper: np.ndarray) -> Compiled:
        """A linear program without a Pyomo model: minimize cost·x with x ≥ 0.

        Args:
            cost: shape (n_columns,).
            matrix: a SciPy matrix by columns (CSC).
            row_lower: shape (n_rows,), −∞ for none.
            row_upper: shape (n_rows,), ∞ for none.
        """
        n = len(cost)
        return cls(
            sense=1.0, cost=cost, offset=0.0,
            lower=np.zeros(n), upper=np.full(n, np.inf), whole=np.zeros(n, dtype=bool),
            row_lower=row_lower, row_upper=row_upper, starts=matrix.indptr.astype(np.int32),
            index=matrix.indices.astype(np.int32), values=np.asarray(matrix.data, dtype=float), columns=[],
            _variables={}, _constraints={},
        )  # fmt: skip

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return len(self.row_lower), len(self.cost)

    @cached_property
    def places(self) -> dict[int, int]:
        """Column by identity of a variable."""
        return {id(column): i for i, column in enumerate(self.columns)}

    @cached_property
    def rows(self) -> dict[int, int]:
        """Row by identity of a constraint."""
        return {
            id(data): row
            for component, _, rows in self._constraints.values()
            for data, row in zip(component._data.values(), rows.tolist(), strict=True)
            if row >= 0
        }

    def put(self, values: np.ndarray) -> None:
        """Give the model's variables values by column, shape (n_columns,), unasked whether they keep their bounds."""
        for column, value in zip(self.columns, values.tolist(), strict=True):
            column._value = value

    def columns_of(self, variable: Any) -> np.ndarray:
        """Columns of a Var component in the order of its indices, −1 where there is none, shape (n,)."""
        return self._variables[id(variable)][1]

    def rows_of(self, constraint: Any) -> np.ndarray:
        """Rows of a Constraint component in the order of its indices, −1 where there is none, shape (n,)."""
        return self._constraints[id(constraint)][2]

    def labelled(self, component: Any, vector: np.ndarray, missing: float = np.nan) -> xr.DataArray:
        """A vector by column or row as the part of one component.

        Args:
            component: a Var (the vector is by column) or a Constraint (by row).
            vector: shape (n_columns,) or (n_rows,).
            missing: for members that are no column or row.

        Returns:
            One dimension for each dimension of the index, named by the sets where they have one each; what the index
            leaves out is ``missing`` too.
        """
        if component.ctype is pyo.Var:
            places, keys = self._variables[id(component)][1], list(component._data)
        else:
            _, keys, places = self._constraints[id(component)]
        found = np.where(places >= 0, vector[places], missing) if len(vector) else np.full(len(places), missing)
        if not component.is_indexed():
            return xr.DataArray(found[0] if len(found) else missing, name=component.local_name)
        width = component.index_set().dimen
        parts = [keys] if width == 1 else [list(part) for part in zip(*keys, strict=True)] or [[]] * width
        names = [part.local_name for part in component.index_set().subsets()]
        if len(names) != width or len(set(names)) != width:
            names = [f"index_{d}" for d in range(width)]
        levels, codes = zip(*(_levels(part) for part in parts), strict=True)
        array = np.full([len(level) for level in levels], missing)
        array[codes] = found
        return xr.DataArray(array, dict(zip(names, levels, strict=True)), names, name=component.local_name)


def _levels(part: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values in the order in which they come, and the place of each value among them."""
    order: dict[Any, int] = {}
    codes = np.array([order.setdefault(value, len(order)) for value in part], dtype=np.int64)
    return np.array(list(order)), codes


def compiled(model: pyo.ConcreteModel) -> Compiled:
    """The arrays of a model with one active objective.

    Raises:
        NotLinear: a constraint or the objective is not linear, told by its name.
        ValueError: no objective, or several.
    """
    return _Compiler(model).run()


class _Compiler:
    def __init__(self, model: pyo.ConcreteModel) -> None:
        self.model = model
        self._variables = Variables(model)
        self._evaluator = Evaluator(self._variables)
        self._met: dict[int, int] = {}
        self._single: tuple[list[int], list[int], list[float]] = ([], [], [])
        """Coefficients that come one by one."""
        self._visitor = LinearRepnVisitor({}, var_recorder=VarRecorder({}, None))

    def run(self) -> Compiled:
        goals = list(self.model.component_data_objects(pyo.Objective, active=True, descend_into=True))
        if len(goals) != 1:
            raise ValueError(f"a model needs one active objective and has {len(goals)}")
        # the objective is row 0
        low, high, const, count = [np.zeros(1)], [np.zeros(1)], [np.zeros(1)], 1
        const[0][:] = self._goal(goals[0])
        constraints: dict[int, tuple[Any, list[Any], np.ndarray]] = {}
        for component in self.model.component_objects(pyo.Constraint, active=True, descend_into=True):
            keys = list(component._data)
            lower, upper, constant = self._rows(component, list(component._data.values()), count)
            constraints[id(component)] = component, keys, np.arange(count, count + len(keys))
            low.append(lower)
            high.append(upper)
            const.append(constant)
            count += len(keys)
        return self._arrays(goals[0], constraints, *(np.concatenate(parts) for parts in (low, high, const)))

    # rows of a component

    def _rows(self, component: Any, data: list[Any], first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Bounds and constants of a component's rows; its coefficients are noted."""
        n = len(data)
        low, high, const = np.full(n, -np.inf), np.full(n, np.inf), np.zeros(n)
        forms = [one._expr for one in data]
        active = np.array([one._active for one in data], dtype=bool)
        left = np.zeros(n, dtype=bool)
        template = next((one._expr for one in data if hasattr(one, "template_expr")), None)
        if template is not None and active.any():
            mine = active.copy()
            if forms.count(template) < n:  # some have been asked for and are expressions of their own
                mine &= np.array([form is template for form in forms], dtype=bool)
            here, noted = np.flatnonzero(mine), len(self._evaluator.triplets)
            try:
                low[here], high[here], const[here] = self._template(component, template, here, first)
                left = mine
            except NoTemplate:
                del self._evaluator.triplets[noted:]
        others = np.flatnonzero(active & ~left).tolist()
        for i in others:
            low[i], high[i], const[i] = self._one(data[i], first + i)
        return low, high, const

    def _template(
        self, component: Any, template: Any, here: np.ndarray, first: int
    ) -> tuple[Numbers, Numbers, np.ndarray]:
        expression, indices = template
        if expression.__class__ is tuple or not hasattr(expression, "is_expression_type"):
            raise NoTemplate
        points = self._evaluator.points(component, indices, here)
        const = np.zeros(len(here))
        kind = expression.__class__
        if kind is relational.RangedExpression:
            low, body, high = expression.args
        elif kind in (relational.EqualityExpression, relational.InequalityExpression):
            left, right = expression.args
            low = high = None
            body, other = left, right
            if not is_variable(right):
                high = right
                low = right if kind is relational.EqualityExpression else None
            elif not is_variable(left):
                body, low = right, left
                high = left if kind is relational.EqualityExpression else None
            else:
                high, low = 0.0, (0.0 if kind is relational.EqualityExpression else None)
                self._evaluator.emit(other, -1.0, points, first, here, const)
        else:
            raise NoTemplate
        self._evaluator.emit(body, 1.0, points, first, here, const)
        return (
            -np.inf if low is None else self._evaluator.number(low, points),
            np.inf if high is None else self._evaluator.number(high, points),
            const,
        )

    def _one(self, data: Any, row: int) -> tuple[float, float, float]:
        """A constraint that is no template, or none that is understood here."""
        if hasattr(data, "template_expr"):
            data.expr  # noqa: B018  asked for, Pyomo makes its own expression
        try:
            low, body, high = data.to_bounded_expression()
        except InvalidConstraintError as error:
            raise NotLinear(str(error)) from None
        constant = self._note(body, row, lambda: f"constraint {data.name}")
        return (
            -np.inf if low is None else float(pyo.value(low)),
            np.inf if high is None else float(pyo.value(high)),
            constant,
        )

    def _note(self, body: Any, row: int, name: Any) -> float:
        """Coefficients of an expression go to a row; its constant is returned."""
        found = self._visitor.walk_expression(body)
        if found.nonlinear is not None:
            raise NotLinear(f"{name()} is not linear")
        rows, columns, values = self._single
        columns += self._recorded(found.linear)
        values += found.linear.values()
        rows += [row] * len(found.linear)
        return float(found.constant)

    def _recorded(self, keys: Iterable[int]) -> list[int]:
        """Places of variables that Pyomo's walker has met, by its keys."""
        met, places = self._visitor.var_recorder.var_map, self._met
        found = []
        for key in keys:
            place = places.get(key)
            if place is None:
                place = places[key] = self._variables.place(met[key])
            found.append(place)
        return found

    def _goal(self, goal: Any) -> float:
        if hasattr(goal, "template_expr"):
            expression, indices = goal._args_
            const = np.zeros(1)
            if not indices and hasattr(expression, "is_expression_type"):
                noted = len(self._evaluator.triplets)
                try:
                    points = Points(np.zeros(1, dtype=np.int64), {})
                    self._evaluator.emit(expression, 1.0, points, 0, np.zeros(1, dtype=np.int64), const)
                    return float(const[0])
                except NoTemplate:
                    del self._evaluator.triplets[noted:]
        return self._note(goal.expr, 0, lambda: f"objective {goal.name}")

    def _arrays(
        self, goal: Any, constraints: dict[int, tuple[Any, list[Any], np.ndarray]], low: Any, high: Any, const: Any
    ) -> Compiled:
        noted = [*self._evaluator.triplets, tuple(np.array(part) for part in self._single)]
        rows, columns = (np.concatenate([part[k] for part in noted]).astype(np.int64) for k in (0, 1))
        values = np.concatenate([part[2] for part in noted]).astype(float)
        n_rows = len(low)
        # by column, then by row; what stands twice is added
        code = columns * n_rows + rows
        order = np.argsort(code, kind="stable")
        code, values = code[order], values[order]
        new = np.flatnonzero(np.append(True, code[1:] != code[:-1])) if len(code) else np.zeros(0, dtype=np.int64)
        values = np.add.reduceat(values, new) if len(new) else values
        code = code[new]
        some = values != 0
        code, values = code[some], values[some]
        columns, rows = np.divmod(code, n_rows)

        used = np.zeros(len(self._variables.members), dtype=bool)
        used[columns] = True
        place = np.where(used, np.cumsum(used) - 1, -1)
        columns = place[columns]
        chosen = np.flatnonzero(used).tolist()
        members = [self._variables.members[i] for i in chosen]
        n = len(members)

        sense = 1.0 if goal.sense == pyo.minimize else -1.0
        in_goal = rows == 0
        cost = np.zeros(n)
        cost[columns[in_goal]] = sense * values[in_goal]
        columns, rows, values = columns[~in_goal], rows[~in_goal], values[~in_goal]

        # rows without variables hold or not whatever is chosen; those that hold are left out
        filled = np.zeros(n_rows, dtype=bool)
        filled[rows] = True
        slack = _CONSTANT * np.maximum(1.0, np.abs(const))
        kept = (filled | (const < low - slack) | (const > high + slack)) & ~(np.isneginf(low) & np.isposinf(high))
        kept[0] = False
        at = np.where(kept, np.cumsum(kept) - 1, -1)
        holds = kept[rows]
        columns, rows, values = columns[holds], at[rows[holds]], values[holds]

        lower, upper, whole = _limits(members)
        return Compiled(
            sense=sense, cost=cost, offset=sense * float(const[0]), lower=lower, upper=upper, whole=whole,
            row_lower=(low - const)[kept], row_upper=(high - const)[kept],
            starts=np.searchsorted(columns, np.arange(n + 1)).astype(np.int32),
            index=rows.astype(np.int32), values=values, columns=members,
            _variables={
                key: (variable, place[first : first + len(variable._data)])
                for variable, (key, first) in zip(
                    self._variables.components, self._variables.first.items(), strict=True
                )
            },
            _constraints={key: (component, keys, at[mine]) for key, (component, keys, mine) in constraints.items()},
        )  # fmt: skip


def _limits(members: list[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bounds of some variables, those of their domains too, and which must be whole."""
    domains = [member._domain for member in members]
    _, firsts, which = np.unique(np.array([id(domain) for domain in domains]), return_index=True, return_inverse=True)
    kinds: list[tuple[float, float, bool]] = []
    for first in firsts.tolist():
        least, most = domains[first].bounds()
        whole_only = not members[first].is_continuous()
        kinds.append((-np.inf if least is None else least, np.inf if most is None else most, whole_only))
    lower = _bounds([member._lb for member in members], -np.inf)
    upper = _bounds([member._ub for member in members], np.inf)
    if not kinds:
        return lower, upper, np.zeros(0, dtype=bool)
    least, most, whole = (np.array(part)[which] for part in zip(*kinds, strict=True))
    return np.maximum(lower, least), np.minimum(upper, most), whole.astype(bool)


def _bounds(held: list[Any], none: float) -> np.ndarray:
    numbers = [none if bound is None else bound for bound in held]
    try:
        return np.array(numbers, dtype=float)
    except TypeError:
        return np.array([float(pyo.value(bound)) for bound in numbers])
