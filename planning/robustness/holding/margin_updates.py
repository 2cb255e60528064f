"""Margins to raise and their raises, computed from all violations on one batch of disturbed days."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from emberline.planning.robustness.holding.margins import Margin, answering, raised, step
from emberline.planning.robustness.holding.tuning import HOLDING
from emberline.planning.robustness.holding.violation_amounts import ViolationAmounts


def amounts(days: ViolationAmounts, stuck: Collection[Margin] = ()) -> tuple[tuple[Margin, ...], np.ndarray]:
    """Compute the raise of each margin that each day would have needed, as far as it is known.

    Args:
        days: training days.
        stuck: margins that are not raised.

    Returns:
        The margins, and the raises, shape (n_days, n_margins): 0 if the day has no violation addressed by the margin,
        infinite for all margins if the day has a violation that no margin addresses.
    """
    scenario, by_margin = days.scenario, dict[Margin, np.ndarray]()
    beyond = np.zeros(days.n, dtype=bool)
    for place, limit in enumerate(days.limits):
        missed = days.amount[:, place]
        margin = next(
            (
                margin
                for margin in answering(scenario, limit.kind, limit.stage, limit.unit)
                if margin not in stuck and raised(scenario, margin, step(scenario, margin)[0])
            ),
            None,
        )
        if margin is None:
            beyond |= missed > 0
        else:
            by_margin[margin] = np.maximum(by_margin.get(margin, 0.0), missed)
    margins = tuple(sorted(by_margin))
    table = np.array([by_margin[margin] for margin in margins]).reshape(len(margins), days.n).T
    return margins, np.where(beyond[:, None], np.inf, table)


def causes(days: ViolationAmounts) -> tuple[str, ...]:
    """Descriptions of the margins that address the violations, the most frequent first."""
    margins, table = amounts(days)
    n_days = {margin: int((table[:, k] > 0).sum()) for k, margin in enumerate(margins)}
    most_often_first = sorted(margins, key=lambda margin: (-n_days[margin], margin))
    return tuple(margin.says for margin in most_often_first if n_days[margin])


def steps(days: ViolationAmounts, level: float, stuck: Collection[Margin] = ()) -> list[tuple[Margin, float]]:
    """Return the margins to raise and their raises, the one responsible for most days first, without stuck ones.

    All are raised at once, so that a sufficient share of days would have kept every limit. The days to give up are
    chosen so that the raises are small.
    """
    margins, table = amounts(days, stuck)
    allowed = int(HOLDING.aimed * (1 - level) * days.n)
    finite = np.isfinite(table).all(axis=1)
    scales = [step(days.scenario, margin)[1] for margin in margins]
    covered = _covered(table[finite], allowed - int((~finite).sum()), scales)
    rows = []
    for k, margin in enumerate(margins):
        target = float(covered[:, k].max(initial=0.0))
        if target <= 0:
            continue
        least, largest = step(days.scenario, margin)
        by = least if margin.fixed else min(max(target, least), largest)
        rows.append((int((table[finite][:, k] > 0).sum()), margin, by))
    return [(margin, by) for _, margin, by in sorted(rows, key=lambda row: (-row[0], row[1]))]


def _covered(table: np.ndarray, allowed: int, scales: list[float]) -> np.ndarray:
    """Return the days that remain after giving up those that lower the raises most.

    Args:
        table: raises by day and margin.
        allowed: number of days that may be given up.
        scales: scale by which raises of each margin are compared.
    """
    while allowed > 0 and len(table):
        best: tuple[float, np.ndarray] | None = None
        for k, scale in enumerate(scales):
            order = np.argsort(-table[:, k], kind="stable")
            column = table[order, k]
            most = min(allowed, len(column) - 1)
            if column[0] <= 0 or most < 1:
                continue
            gains = (column[0] - column[1 : most + 1]) / scale / np.arange(1, most + 1)
            count = int(gains.argmax()) + 1
            if best is None or gains[count - 1] > best[0]:
                best = float(gains[count - 1]), order[:count]
        if best is None or best[0] <= 0:
            break
        table = np.delete(table, best[1], axis=0)
        allowed -= len(best[1])
    return table
