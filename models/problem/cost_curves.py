"""Cost of starts over time: one number for each start slot, infinite where no start is possible."""

from __future__ import annotations

import numpy as np

from emberline.models.problem.line import SlotProblem


def energy(problem: SlotProblem, cells: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the value of the draw of a start in each slot, within the horizon.

    Args:
        problem: the line.
        cells: energy by cell from the start on [MWh].
        weights: value of a MWh in each cell, shape (..., n_cells).

    Returns:
        Shape (..., n_slots).
    """
    per, n = problem.cells_per_slot, problem.n_cells
    curve = np.zeros(weights.shape)
    for k, mwh in enumerate(cells.tolist()[:n]):
        curve[..., : n - k] += mwh * weights[..., k:]
    return curve[..., ::per]


def holding(prices: np.ndarray, slots: int) -> np.ndarray:
    """Return the price of occupying a unit for some slots from each slot on, within the horizon, shape (n_slots,)."""
    total = np.concatenate(([0.0], np.cumsum(prices)))
    return total[np.minimum(np.arange(len(prices)) + slots, len(prices))] - total[:-1]


def shifted(curve: np.ndarray, slots: int) -> np.ndarray:
    """Return a curve some slots later (negative: earlier), infinite where it is not known."""
    later = np.full_like(curve, np.inf)
    n = len(curve)
    if abs(slots) < n:
        later[max(slots, 0) : n + min(slots, 0)] = curve[max(-slots, 0) : n - max(slots, 0)]
    return later


def best_before(curve: np.ndarray, least: int, most: int) -> np.ndarray:
    """Return the minimum of a curve between ``most`` and ``least`` slots before each slot, by doubling."""
    width, cover = min(most - least + 1, len(curve)), 1
    lowest = curve
    while cover < width:
        step = min(cover, width - cover)
        wider = lowest.copy()
        np.minimum(lowest[step:], lowest[:-step], out=wider[step:])
        lowest, cover = wider, cover + step
    return shifted(lowest, least)
