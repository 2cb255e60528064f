"""A model as HiGHS takes it: arrays, and where the model's components stand in them.

A year's coefficients are put in order some columns at a time: what is in between stays small, so that it is quick and
little memory is taken before the solver begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emberline.models.kernel import arrays
from emberline.models.kernel.arrays import Positions

AT_ONCE = 1 << 15
"""Coefficients from which on those of the columns so far are put in order."""
Part = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Rows, columns and values, shape (n,) each."""


@dataclass(frozen=True)
class Matrix:
    """By columns: column j holds ``index[starts[j]:starts[j + 1]]`` and the same of ``values``."""

    starts: np.ndarray
    index: np.ndarray
    values: np.ndarray

    def of_rows(self, at: np.ndarray) -> Matrix:
        """With other numbers for its rows; −1: without the row."""
        index = at[self.index]
        mask = index >= 0
        if mask.all():
            return Matrix(self.starts, index, self.values)
        starts = np.append(0, np.cumsum(mask))[self.starts]
        return Matrix(starts.astype(np.int32), index[mask], self.values[mask])


def ordered(parts: list[Part], n_rows: int, n_columns: int) -> tuple[Matrix, np.ndarray, np.ndarray]:
    """Coefficients by column and row; what stands twice is added, and what comes to 0 is left out.

    Args:
        parts: in any order; the list is empty afterwards, so that no coefficient is held twice.
        n_rows: with row 0, which is the objective.
        n_columns: likewise those that have no coefficient.

    Returns:
        The matrix without row 0, costs by column, and which columns have any coefficient, row 0 counted.
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
    """Parts that have columns in common, or neighbouring ones, those of the lowest columns first."""
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
    """One part, by column and row, each place once and none with 0."""
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
    some = values != 0
    if not some.all():
        code, values = code[some], values[some]
    columns, rows = np.divmod(code, n_rows)
    return rows, columns, values


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
    """Mask of integer and binary columns, shape (n_columns,)."""
    row_lower: np.ndarray
    row_upper: np.ndarray
    starts: np.ndarray
    """The matrix by columns: column j holds ``index[starts[j]:starts[j + 1]]`` and the same of ``values``."""
    index: np.ndarray
    values: np.ndarray
    _variables: dict[int, tuple[Any, np.ndarray]] = field(repr=False)
    """By identity of a Var component: itself, and the column of each of its members, −1 where it is none."""
    _constraints: dict[int, tuple[Any, np.ndarray]] = field(repr=False)
    """By identity of a Constraint component: itself, and the row of each of its members, −1 where it is none."""
    _model: Any = field(repr=False, default=None)
    """Kept for its components, which hold their parents by weak references only."""
    _positions: Positions = field(repr=False, default_factory=Positions)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return len(self.row_lower), len(self.cost)

    @property
    def columns(self) -> list[Any]:
        """The variable of each column: an object for each."""
        return _members(self._variables, len(self.cost))

    @property
    def constraints(self) -> list[Any]:
        """The constraint of each row: an object for each."""
        return _members(self._constraints, len(self.row_lower))

    def column(self, variable: Any) -> int:
        """Column of one variable, −1 where it is none."""
        return self._place_of(self._variables, variable)

    def row(self, constraint: Any) -> int:
        """Row of one constraint, −1 where it is none."""
        return self._place_of(self._constraints, constraint)

    def _place_of(self, components: dict[int, tuple[Any, np.ndarray]], member: Any) -> int:
        component = member.parent_component()
        entry = components.get(id(component))
        return -1 if entry is None else int(entry[1][self._positions.of(component, member)])

    def load_values(self, values: np.ndarray) -> None:
        """Give the model's variables values by column, shape (n_columns,), unasked whether they keep their bounds."""
        for variable, places in self._variables.values():
            some = places >= 0
            if some.any():
                arrays.hold(variable, values[places], some)

    def column_values(self) -> np.ndarray:
        """Values of the model's variables by column, not a number where they have none, shape (n_columns,)."""
        values = np.full(len(self.cost), np.nan)
        for variable, places in self._variables.values():
            some = places >= 0
            values[places[some]] = arrays.values(variable)[some]
        return values

    def columns_of(self, variable: Any) -> np.ndarray:
        """Columns of a Var component in the order of its indices, −1 where there is none, shape (n,)."""
        return self._variables[id(variable)][1]

    def rows_of(self, constraint: Any) -> np.ndarray:
        """Rows of a Constraint component in the order of its indices, −1 where there is none, shape (n,)."""
        return self._constraints[id(constraint)][1]


def _members(components: dict[int, tuple[Any, np.ndarray]], n: int) -> list[Any]:
    """Members of components by column or row."""
    members: list[Any] = [None] * n
    for component, places in components.values():
        for member, place in zip(component.values(), places.tolist(), strict=True):
            if place >= 0:
                members[place] = member
    return members
