"""Coefficients as they are noted, and the matrix by columns that they make.

A year's coefficients are put in order some columns at a time: what is in between stays small, so that it is quick and
little memory is taken before the solver begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

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
    rest = dict(enumerate(parts))
    parts.clear()
    batch: list[Part] = []
    size, last = 0, -1
    for low, high, i in sorted(spans):
        if size >= AT_ONCE and low > last:
            yield batch
            batch, size = [], 0
        part = rest.pop(i)
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
