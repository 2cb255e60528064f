"""Conversion of a Pyomo model to the arrays of HiGHS.

Rows of one template (``models/kernel/arrays.py``) are traversed once and evaluated with NumPy over all their indices at
once; every other constraint is traversed separately. Constants and fixed variables move to the right-hand sides; unused
variables get no columns; a ranged constraint is one row. Nonlinear expressions are rejected by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyomo.core as pyo
from pyomo.common.errors import InvalidConstraintError
from pyomo.core import expr as nodes

from emberline.models.kernel import arrays, deadline
from emberline.models.kernel.arrays import Rows
from emberline.models.kernel.evaluate import (
    NUMBERS,
    SUMS,
    Evaluator,
    NoTemplate,
    Numbers,
    Points,
    Variables,
    is_variable,
)
from emberline.models.kernel.standard_form import Compiled, Part, ordered

_CONSTANT = 1e-9
"""Relative amount by which a row without variables may miss its bound because of rounding."""


class NotLinear(ValueError):
    """A constraint or objective that is not linear, with its name."""


def compiled(model: pyo.ConcreteModel) -> Compiled:
    """Return the arrays of a model with one active objective.

    Raises:
        NotLinear: a constraint or the objective is not linear, with its name.
        ValueError: no objective, or several.
    """
    return _Compiler(model).run()


class _Compiler:
    def __init__(self, model: pyo.ConcreteModel) -> None:
        self.model = model
        self._variables = Variables(model)
        self._evaluator = Evaluator(self._variables)
        self._single: tuple[list[int], list[int], list[float]] = ([], [], [])
        """Coefficients that are added individually."""

    def run(self) -> Compiled:
        goals = list(self.model.component_data_objects(pyo.Objective, active=True, descend_into=True))
        if len(goals) != 1:
            raise ValueError(f"a model needs exactly one active objective, not {len(goals)}")
        # the objective is row 0
        low, high, const, count = [np.zeros(1)], [np.zeros(1)], [np.zeros(1)], 1
        const[0][:] = self._goal(goals[0])
        constraints: list[tuple[Any, slice]] = []
        for component in self.model.component_objects(pyo.Constraint, active=True, descend_into=True):
            deadline.look()
            lower, upper, constant = self._rows(component, count)
            constraints.append((component, slice(count, count + len(lower))))
            low.append(lower)
            high.append(upper)
            const.append(constant)
            count += len(lower)
        return self._arrays(goals[0], constraints, *(np.concatenate(parts) for parts in (low, high, const)))

    # rows of a component

    def _rows(self, component: Any, first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the bounds and constants of a component's rows, and store its coefficients."""
        n = len(component)
        low, high, const = np.full(n, -np.inf), np.full(n, np.inf), np.zeros(n)
        if isinstance(component, Rows) and component.template is not None:
            active = component.active_ones()
            here, noted = np.flatnonzero(active), len(self._evaluator.triplets)
            try:
                low[here], high[here], const[here] = self._template(component, component.template, here, first)
                return low, high, const
            except NoTemplate:
                del self._evaluator.triplets[noted:]
        for i, member in enumerate(component.values()):
            if member.active:
                low[i], high[i], const[i] = self._constraint_row(member, first + i)
        return low, high, const

    def _template(
        self, component: Any, template: Any, here: np.ndarray, first: int
    ) -> tuple[Numbers, Numbers, np.ndarray]:
        expression, indices = template
        points = self._evaluator.points(component, indices, here)
        const = np.zeros(len(here))
        kind = expression.__class__
        if kind is nodes.RangedExpression:
            low, body, high = expression.args
        elif kind in (nodes.EqualityExpression, nodes.InequalityExpression):
            lhs, rhs = expression.args
            low = high = None
            body, other = lhs, rhs
            if not is_variable(rhs):
                high = rhs
                low = rhs if kind is nodes.EqualityExpression else None
            elif not is_variable(lhs):
                body, low = rhs, lhs
                high = lhs if kind is nodes.EqualityExpression else None
            else:
                high, low = 0.0, (0.0 if kind is nodes.EqualityExpression else None)
                self._evaluator.emit(other, -1.0, points, first, here, const)
        else:
            raise NoTemplate
        self._evaluator.emit(body, 1.0, points, first, here, const)
        return (
            -np.inf if low is None else self._evaluator.number(low, points),
            np.inf if high is None else self._evaluator.number(high, points),
            const,
        )

    def _constraint_row(self, data: Any, row: int) -> tuple[float, float, float]:
        """Return the bounds and constant of a single constraint."""
        try:
            low, body, high = data.to_bounded_expression()
        except InvalidConstraintError as error:
            raise NotLinear(str(error)) from None
        constant = self._note(body, row, f"constraint {data.name}")
        return (
            -np.inf if low is None else float(pyo.value(low)),
            np.inf if high is None else float(pyo.value(high)),
            constant,
        )

    def _note(self, body: Any, row: int, name: str) -> float:
        """Store the coefficients of an expression in a row, and return its constant.

        Raises:
            NotLinear: the expression is not linear.
        """
        rows, columns, values = self._single
        const = 0.0
        waiting = [(body, 1.0)]
        while waiting:
            node, factor = waiting.pop()
            kind = node.__class__
            if kind in NUMBERS:
                const += factor * node
            elif node.is_variable_type() and not node.fixed:
                rows.append(row)
                columns.append(self._variables.place(node))
                values.append(factor)
            elif kind in SUMS:
                waiting += [(part, factor) for part in node.args]
            elif kind is nodes.MonomialTermExpression and not node.arg(1).fixed:
                waiting.append((node.arg(1), factor * float(pyo.value(node.arg(0)))))
            else:
                const += self._by_points(node, factor, row, name)
        return const

    def _by_points(self, node: Any, factor: float, row: int, name: str) -> float:
        """Store the coefficients of an expression that may contain sums over sets, and return its constant."""
        const, noted = np.zeros(1), len(self._evaluator.triplets)
        here = np.zeros(1, dtype=np.int64)
        try:
            self._evaluator.emit(node, factor, Points(here, {}), row, here, const)
        except NoTemplate:
            del self._evaluator.triplets[noted:]
            raise NotLinear(f"{name} is not linear") from None
        return float(const[0])

    def _goal(self, goal: Any) -> float:
        return self._note(goal.expr, 0, f"objective {goal.name}")

    def _arrays(self, goal: Any, constraints: list[tuple[Any, slice]], low: Any, high: Any, const: Any) -> Compiled:
        parts, n_rows = self._evaluator.triplets, len(low)
        parts += self._singles()
        matrix, cost, used = ordered(parts, n_rows, self._variables.size)
        # rows without variables do not depend on any decision; feasible ones are left out
        filled = np.zeros(n_rows, dtype=bool)
        filled[matrix.index] = True
        slack = _CONSTANT * np.maximum(1.0, np.abs(const))
        row_mask = (filled | (const < low - slack) | (const > high + slack)) & ~(np.isneginf(low) & np.isposinf(high))
        row_mask[0] = False
        at, place = _numbered(row_mask), _numbered(used)
        matrix = matrix.of_rows(at)
        sense = 1.0 if goal.sense == pyo.minimize else -1.0
        lower, upper, whole = self._limits(used)
        return Compiled(
            sense=sense, cost=sense * cost[used], offset=sense * float(const[0]), lower=lower, upper=upper, whole=whole,
            row_lower=(low - const)[row_mask], row_upper=(high - const)[row_mask],
            starts=matrix.starts[np.append(used, True)], index=matrix.index, values=matrix.values,
            _variables={id(variable): (variable, place[span]) for variable, span in self._variables.spans()},
            _constraints={id(component): (component, at[span]) for component, span in constraints},
            _model=self.model,
        )  # fmt: skip

    def _singles(self) -> Iterator[Part]:
        """Yield the coefficients that were added individually, by component of their variables."""
        rows, columns = (np.array(part, dtype=np.int32) for part in self._single[:2])
        values = np.array(self._single[2], dtype=float)
        order = np.argsort(columns, kind="stable")
        rows, columns, values = rows[order], columns[order], values[order]
        for group in np.split(np.arange(len(order)), np.searchsorted(columns, list(self._variables.first.values()))):
            if len(group):
                yield rows[group], columns[group], values[group]

    def _limits(self, used: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the bounds of the columns, and which must be integer."""
        parts = [(np.zeros(0), np.zeros(0), np.zeros(0, dtype=bool))]
        for variable, span in self._variables.spans():
            selected = used[span]
            if selected.any():
                lower, upper, whole = arrays.limits(variable)
                parts.append((lower[selected], upper[selected], whole[selected]))
        lower, upper, whole = (np.concatenate(part) for part in zip(*parts, strict=True))
        return lower, upper, whole


def _numbered(mask: np.ndarray) -> np.ndarray:
    """Return numbers from 0 for the members of a mask, −1 for the others."""
    return np.where(mask, np.cumsum(mask, dtype=np.int32) - np.int32(1), np.int32(-1))
