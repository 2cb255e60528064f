"""Bounds of small lines, as they were recorded: who changes one on purpose writes the table again."""

from __future__ import annotations

import pytest
from bounds import carbon, recorded


@pytest.mark.parametrize(("case", "seed"), recorded())
def test_bounds_are_as_recorded(case: str, seed: int) -> None:
    """Proves: each bound is what it was when ``make figures`` wrote it down, no weaker and no stronger; those of prices
    within the distance at which these end. Sensitivity: a row, a weight, a window or a branch of any of them."""
    target = recorded()[case, seed]
    for name, value in carbon(case, seed).items():
        tolerance = 2e-3 if name == "prices" else 1e-6
        assert value == pytest.approx(target[name], rel=tolerance, abs=1e-3), name
