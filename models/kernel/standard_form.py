"""A model in the form that HiGHS needs: arrays, and the places of the model's components in them.

The coefficients of a year are sorted in batches of columns: intermediate arrays stay small, which is fast and needs
little memory before the solver starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emberline.models.kernel import arrays
from emberline.models.kernel.arrays import Positions

AT_ONCE = 1 << 15
"""Number of coefficients above which those of the columns so far are sorted."""
Part = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Rows, columns and values, shape (n,) each."""


@dataclass(frozen=True)
class Matrix:
    """Matrix by columns: column j contains ``index[starts[j]:starts[j + 1]]`` and the same part of ``values``."""

    starts: np.ndarray
    index: np.ndarray
    values: np.ndarray

    def of_rows(self, at: np.ndarray) -> Matrix:
        """Return the matrix with other row numbers; −1 removes a row."""
        index = at[self.index]
        mask = index >= 0
        if mask.all():
            return Matrix(self.starts, index, self.values)
        starts = np.append(0, np.cumsum(mask))[self.starts]
        return Matrix(starts.astype(np.int32), index[mask], self.values[mask])


def ordered(parts: list[Part], n_rows: int, n_columns: int) -> tuple[Matrix, np.ndarray, np.ndarray]:
    """Sort coefficients by column and row; duplicates are added, and zeros are dropped.

    Args:
        parts: parts in any order; the list is emptied, so that no coefficient is stored twice.
        n_rows: number of rows including row 0, the objective.
        n_columns: number of columns, including those without coefficients.

    Returns:
        The matrix without row 0, costs by column, and the mask of columns with a coefficient in any row, including 0.
    """
    cost, counts, used = np.zeros(n_columns), np.zeros(n_columns, dtype=np.int32), np.zeros(n_columns, dtype=bool)
    index, values = [np.zeros(0, dtype=np.int32)], [np.zeros(0)]
    for batch in _batches(parts):
        rows, columns, amounts = _sorted(batch, n_rows)
        used[columns] = True
        aim = rows == 0
        if aim.any():
            cost[columns[aim]] = amounts[aim]
            rows, columns, amounts = rows[~aim], columns[~aim], amounts[~aim]
        if len(columns):
            first, last = columns[0], columns[-1]
            counts[first : last + 1] = np.bincount(columns - first)
        index.append(rows.astype(np.int32))
        values.append(amounts)
    starts = np.zeros(n_columns + 1, dtype=np.int32)
    np.cumsum(counts, out=starts[1:])
    return Matrix(starts, np.concatenate(index), np.concatenate(values)), cost, used


def _batches(parts: list[Part]) -> Iterator[list[Part]]:
    """Yield batches of parts that have columns in common, or neighbouring ones, in ascending order of columns."""
    spans = [(int(columns.min()), int(columns.max()), i) for i, (_, columns, _) in enumerate(parts) if len(columns)]
    remaining = dict(enumerate(parts))
    parts.clear()
    batch: list[Part] = []
    size, last = 0, -1
    for low, high, i in sorted(spans):
        if size >= AT_ONCE and low > last:
            yield batch
            batch, size = [], 0
        part = remaining.pop(i)
        batch.append(part)
        size, last = size + len(part[0]), max(last, high)
    if batch:
        yield batch


def _sorted(batch: list[Part], n_rows: int) -> Part:
    """Merge parts into one by column and row, with each place once and without zeros."""
    rows, columns = (np.concatenate([part[k] for part in batch]) for k in (0, 1))
    values = np.concatenate([part[2] for part in batch]).astype(float, copy=False)
    batch.clear()
    code = columns.astype(np.int64) * n_rows + rows
    order = np.argsort(code, kind="stable")
    code, values = code[order], values[order]
    new = np.append(True, code[1:] != code[:-1])
    if not new.all():
        first = np.flatnonzero(new)
        code, values = code[first], np.add.reduceat(values, first)
    nonzero = values != 0
    if not nonzero.all():
        code, values = code[nonzero], values[nonzero]
    columns, rows = np.divmod(code, n_rows)
    return rows, columns, values


@dataclass(frozen=True)
class Compiled:
    """A model as arrays: minimize cost·x + offset, row_lower ≤ A x ≤ row_upper, lower ≤ x ≤ upper.

    The sign of a maximized objective is reversed; ``sense`` is then −1, otherwise 1.
    """

    sense: float
    cost: np.ndarray
    offset: float
    lower: np.ndarray
    upper: np.ndarray
    whole: np.ndarray
    """Mask of integer and binary columns, shape (n_columns,)."""
    row_lower: np.ndarray
    row_upper: np.ndarray
    starts: np.ndarray
    """Matrix by columns: column j contains ``index[starts[j]:starts[j + 1]]`` and the same part of ``values``."""
    index: np.ndarray
    values: np.ndarray
    _variables: dict[int, tuple[Any, np.ndarray]] = field(repr=False)
    """By identity of a Var component: the component and the columns of its members, −1 for none."""
    _constraints: dict[int, tuple[Any, np.ndarray]] = field(repr=False)
    """By identity of a Constraint component: the component and the rows of its members, −1 for none."""
    _model: Any = field(repr=False, default=None)
    """The model, which must be kept because its components refer to their parents weakly."""
    _positions: Positions = field(repr=False, default_factory=Positions)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return len(self.row_lower), len(self.cost)

    @property
    def columns(self) -> list[Any]:
        """Variable of each column; this creates an object for each."""
        return _members(self._variables, len(self.cost))

    @property
    def constraints(self) -> list[Any]:
        """Constraint of each row; this creates an object for each."""
        return _members(self._constraints, len(self.row_lower))

    def column(self, variable: Any) -> int:
        """Return the column of a variable, −1 if it has none."""
        return self._place_of(self._variables, variable)

    def row(self, constraint: Any) -> int:
        """Return the row of a constraint, −1 if it has none."""
        return self._place_of(self._constraints, constraint)

    def _place_of(self, components: dict[int, tuple[Any, np.ndarray]], member: Any) -> int:
        component = member.parent_component()
        entry = components.get(id(component))
        return -1 if entry is None else int(entry[1][self._positions.of(component, member)])

    def load_values(self, values: np.ndarray) -> None:
        """Set the values of the model's variables by column, shape (n_columns,), without checking their bounds."""
        for variable, places in self._variables.values():
            used = places >= 0
            if used.any():
                arrays.hold(variable, values[places], used)

    def column_values(self) -> np.ndarray:
        """Return the values of the model's variables by column, NaN if they have none, shape (n_columns,)."""
        values = np.full(len(self.cost), np.nan)
        for variable, places in self._variables.values():
            used = places >= 0
            values[places[used]] = arrays.values(variable)[used]
        return values

    def columns_of(self, variable: Any) -> np.ndarray:
        """Return the columns of a Var component in index order, −1 for none, shape (n,)."""
        return self._variables[id(variable)][1]

    def rows_of(self, constraint: Any) -> np.ndarray:
        """Return the rows of a Constraint component in index order, −1 for none, shape (n,)."""
        return self._constraints[id(constraint)][1]


def _members(components: dict[int, tuple[Any, np.ndarray]], n: int) -> list[Any]:
    """Return the members of components by column or row."""
    members: list[Any] = [None] * n
    for component, places in components.values():
        for member, place in zip(component.values(), places.tolist(), strict=True):
            if place >= 0:
                members[place] = member
    return members
