"""Coefficients in any order against a dense matrix."""

from __future__ import annotations

import numpy as np
import pytest

from emberline.models.kernel import standard_form
from emberline.models.kernel.standard_form import ordered


@pytest.mark.parametrize("at_once", [1, 30, 10**6])
@pytest.mark.parametrize("seed", range(20))
def test_any_order_gives_the_matrix(seed: int, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: by columns and rows, what stands twice added, noughts left out, however many are put in order at once.

    Sensitivity: columns of two batches that overlap; row 0 counted among the rows."""
    monkeypatch.setattr(standard_form, "AT_ONCE", at_once)
    draw = np.random.default_rng(seed)
    n_rows, n_columns = (int(number) for number in draw.integers(2, 30, 2))
    dense = np.zeros((n_rows, n_columns))
    parts = []
    for _ in range(int(draw.integers(0, 9))):
        low, size = int(draw.integers(n_columns)), int(draw.integers(0, 25))
        columns = draw.integers(low, min(low + 5, n_columns), size)
        rows, values = draw.integers(n_rows, size=size), draw.integers(-2, 3, size).astype(float)
        np.add.at(dense, (rows, columns), values)
        parts.append((rows, columns, values))
    listed = {int(column) for _, columns, _ in parts for column in columns}
    result, cost, used = ordered(parts, n_rows, n_columns)
    assert parts == []
    np.testing.assert_array_equal(cost, dense[0])
    np.testing.assert_array_equal(used, dense.any(axis=0))
    assert set(np.flatnonzero(used)) <= listed
    rows, columns = np.nonzero(dense[1:].T)[::-1]
    np.testing.assert_array_equal(result.index, rows + 1)
    np.testing.assert_array_equal(np.repeat(np.arange(n_columns), np.diff(result.starts)), columns)
    np.testing.assert_array_equal(result.values, dense[1:][rows, columns])
    condition = draw.random(n_rows) < 0.6
    narrow = result.of_rows(np.where(condition, np.cumsum(condition) - 1, -1))
    listing = dense.copy()
    listing[0] = 0
    at, place = np.nonzero(listing[condition].T)[::-1]
    np.testing.assert_array_equal(narrow.index, at)
    np.testing.assert_array_equal(np.repeat(np.arange(n_columns), np.diff(narrow.starts)), place)
    np.testing.assert_array_equal(narrow.values, listing[condition][at, place])
