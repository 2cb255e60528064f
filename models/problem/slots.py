"""Slots in which a unit is free, and runs of slots."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def unbroken(free: np.ndarray, hold: int) -> np.ndarray:
    """Whether a unit is free in each slot and in those after it, so many in all, as far as the horizon goes.

    Args:
        free: by slot, shape (n_slots,).
        hold: slots.
    """
    shut = np.concatenate([[0], np.cumsum(~free)])
    ends = np.minimum(np.arange(len(free)) + hold, len(free))
    return shut[ends] == shut[:-1]


def runs(slots: Iterable[int]) -> list[tuple[int, int]]:
    """Runs of consecutive slots, first and last of each, of slots in ascending order."""
    found: list[tuple[int, int]] = []
    for t in slots:
        if found and found[-1][1] == t - 1:
            found[-1] = (found[-1][0], t)
        else:
            found.append((t, t))
    return found
