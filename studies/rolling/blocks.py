"""How far a sum over days can be relied on: intervals by a bootstrap of blocks of days.

``arch.bootstrap`` draws such blocks too; it would bring statsmodels for three lines.
"""

from __future__ import annotations

import numpy as np

DRAWS = 10_000
LEAST_DAYS = 5
"""Fewer days tell nothing of how days differ."""
LEVEL = 0.90


def of_days(values: np.ndarray, days: list[range]) -> np.ndarray:
    """Sums by day of values by step, shape (n_days,)."""
    return np.array([values[day.start : day.stop].sum() for day in days])


def interval(differences: np.ndarray, moved: np.ndarray, seed: int) -> tuple[float, float] | None:
    """The 90 % interval of a sum of daily differences; None: too few days.

    Stores that end a day at other levels move what they are worth from one day to another; over all days that is
    nothing. So it is taken out of the days first, by least squares, as a control variate whose sum is known. Days that
    follow each other are alike: blocks of about the cube root of their number are drawn, circular so that every day
    comes as often as any other (Politis and Romano, "A circular block-resampling procedure for stationary data", in
    Exploring the Limits of Bootstrap, 1992).

    Args:
        differences: by day, shape (n_days,).
        moved: change over each day of the difference in the level of each store, shape (n_days, n_stores); its sums
            are zero, or are no part of what is reported.
        seed: of the draws.
    """
    n = len(differences)
    if n < LEAST_DAYS:
        return None
    free = n - 1
    used = moved - moved.mean(axis=0)
    rank = int(np.linalg.matrix_rank(used)) if used.size else 0
    if rank and rank <= (n - 1) // 3:
        worth, *_ = np.linalg.lstsq(used, differences - differences.mean(), rcond=None)
        differences, free = differences - used @ worth, n - 1 - rank
    total = float(differences.sum())
    block = max(round(n ** (1 / 3)), 1)
    generator = np.random.Generator(np.random.Philox(key=seed))
    starts = generator.integers(n, size=(DRAWS, -(-n // block)))
    places = (starts[:, :, None] + np.arange(block)).reshape(DRAWS, -1)[:, :n] % n
    # what the least squares have explained away must not pass for certainty
    spread = (differences[places].sum(axis=1) - total) * np.sqrt((n - 1) / free)
    low, high = np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return total + float(low), total + float(high)
