"""Linear programs given as arrays, solved to central multipliers.

The interior point method without crossover ends amid the optimal multipliers instead of in a corner of them. That is
what steadies column generation: Gondzio, González-Brevis, Munari, European Journal of Operational Research 224 (2013).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from emberline.models.kernel.highs.program import Program
from emberline.models.kernel.standard_form import Compiled


@dataclass(frozen=True)
class Central:
    """Where the method ended: multipliers as good as the tolerance asks, no solution to rely on."""

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
    program = Program(Compiled.of_arrays(cost, matrix, low, high, lower, upper))
    run = program.search(work=max(work, 0.01), ipm=True, crossover=False, tolerance=tolerance, cancel=cancel)
    prices = program.rows_priced()
    if prices is None:
        return None
    value = program.outcome(run).objective
    values = program.solution()
    return Central(prices, values, float(cost @ values) if value is None else value)
