"""Margins to raise and by how much: from all limits missed on one batch of disturbed days."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from emberline.planning.robustness.holding.knobs import Knob, answering, raised, step
from emberline.planning.robustness.holding.misses import Misses
from emberline.planning.robustness.holding.tuning import HOLDING


def amounts(days: Misses, stuck: Collection[Knob] = ()) -> tuple[tuple[Knob, ...], np.ndarray]:
    """Margins that can still be raised, and how much each would have to be raised on each day, as far as is known.

    Args:
        days: that steer.
        stuck: margins that are not raised.

    Returns:
        The margins, and the raises, shape (n_days, n_margins): 0 where nothing is missed that the margin answers to,
        infinite in all of them where something is missed that none answers to.
    """
    scenario, by_knob = days.scenario, dict[Knob, np.ndarray]()
    beyond = np.zeros(days.n, dtype=bool)
    for place, limit in enumerate(days.limits):
        missed = days.amount[:, place]
        knob = next(
            (
                knob
                for knob in answering(scenario, limit.kind, limit.stage, limit.unit)
                if knob not in stuck and raised(scenario, knob, step(scenario, knob)[0])
            ),
            None,
        )
        if knob is None:
            beyond |= missed > 0
        else:
            by_knob[knob] = np.maximum(by_knob.get(knob, 0.0), missed)
    knobs = tuple(sorted(by_knob))
    table = np.array([by_knob[knob] for knob in knobs]).reshape(len(knobs), days.n).T
    return knobs, np.where(beyond[:, None], np.inf, table)


def causes(days: Misses) -> tuple[str, ...]:
    """Margins that answer to what was missed, in words, the one that is missed most often first."""
    knobs, table = amounts(days)
    often = {knob: int((table[:, k] > 0).sum()) for k, knob in enumerate(knobs)}
    return tuple(knob.says for knob in sorted(knobs, key=lambda knob: (-often[knob], knob)) if often[knob])


def steps(days: Misses, level: float, stuck: Collection[Knob] = ()) -> list[tuple[Knob, float]]:
    """Margins to raise and by how much, the one that answers to most days first; those stuck are left out.

    All are raised at once, so that enough of the days would have kept every limit; which days are given up is chosen
    so that the raises are small.
    """
    knobs, table = amounts(days, stuck)
    allowed = int(HOLDING.aimed * (1 - level) * days.n)
    finite = np.isfinite(table).all(axis=1)
    covered = _covered(table[finite], allowed - int((~finite).sum()), [step(days.scenario, knob)[1] for knob in knobs])
    rows = []
    for k, knob in enumerate(knobs):
        target = float(covered[:, k].max(initial=0.0))
        if target <= 0:
            continue
        least, largest = step(days.scenario, knob)
        by = least if knob.fixed else min(max(target, least), largest)
        rows.append((int((table[finite][:, k] > 0).sum()), knob, by))
    return [(knob, by) for _, knob, by in sorted(rows, key=lambda row: (-row[0], row[1]))]


def _covered(table: np.ndarray, allowed: int, scales: list[float]) -> np.ndarray:
    """The days that remain where so many are given up that each lower the raises most.

    Args:
        table: raises by day and margin.
        allowed: how many days may be given up.
        scales: what a raise of each margin is measured by.
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
