"""Violations in a run of the line: waits, gaps within casts, locks, outages, due times, unfinished heats."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise

import numpy as np

from emberline.scenarios.datasets import ViolationKind
from emberline.twin.line.line import TOLERANCE
from emberline.twin.line.operations import Operations
from emberline.twin.site.site import Violation


def last_end(operations: Operations, end: np.ndarray) -> dict[int, float]:
    """End of the last stage of each heat [min]; infinite if the heat did not reach it."""
    last = dict.fromkeys(range(len(operations.shop.names)), math.inf)
    for h, i in operations.last.items():
        if not math.isnan(end[i]):
            last[h] = float(end[i])
    return last


def late_min(operations: Operations, end: np.ndarray, heat: str) -> tuple[str, float]:
    """Last unit of a heat that is late or unfinished, and its delay [min]; the length of the horizon if unfinished."""
    shop = operations.shop
    h = shop.index[heat]
    i = max((i for i, other in enumerate(operations.heat) if other == h), default=-1)
    if operations.last.get(h) != i or math.isnan(end[i]):
        return ("" if i < 0 else shop.units[operations.unit[i]]), shop.length
    return shop.units[operations.unit[i]], float(end[i]) - shop.due[h]  # within the horizon


def missed(
    operations: Operations,
    start: np.ndarray,
    end: np.ndarray,
    leeway_min: float,
    new_casts: Collection[int] = (),
    returns: Mapping[int, tuple[float, float]] | None = None,
) -> list[Violation]:
    """Violations of longest waits, casts without gaps, locks, outages and due times, and unfinished heats.

    Operations that started before the horizon are not checked. ``leeway_min`` is the shortest window that a lock leaves
    for a start. Operations of ``new_casts`` resume a cast that was ended. A heat in ``returns`` waits from the end of
    its second treatment.
    """
    lag = (
        start - end[operations.arrays["before"]]
    )  # arbitrary for the first operation of a heat, whose longest wait is unlimited
    for i, (_, over) in (returns or {}).items():
        lag[i] = start[i] - over
    return [
        *_long_waits(operations, start, lag),
        *_gaps(operations, start, end, new_casts),
        *_off_lock(operations, start, end, leeway_min),
        *_in_outage(operations, start, end),
        *_late(operations, end),
    ]


def _long_waits(operations: Operations, start: np.ndarray, lag: np.ndarray) -> Iterator[Violation]:
    """Waits that were too long, from the time between successive operations of a heat."""
    longest = operations.arrays["longest"]
    for i in np.flatnonzero(lag > longest + TOLERANCE).tolist():
        if not operations.started[i]:
            yield _violation(ViolationKind.WAIT, operations, i, float(start[i]), float(lag[i] - longest[i]))


def _gaps(
    operations: Operations, start: np.ndarray, end: np.ndarray, new_casts: Collection[int]
) -> Iterator[Violation]:
    for sequence in operations.sequence:
        for first, second in pairwise(sequence):
            if operations.started[second] or second in new_casts or not operations.follows[second]:
                continue
            if start[second] - end[first] > TOLERANCE:
                amount = float(start[second] - end[first])
                yield _violation(ViolationKind.CAST, operations, second, float(end[first]), amount)


def _late(operations: Operations, end: np.ndarray) -> Iterator[Violation]:
    """Heats that are unfinished or late."""
    shop, names = operations.shop, operations.shop.names
    for h, over in last_end(operations, end).items():
        if over > shop.length + TOLERANCE:
            yield Violation(ViolationKind.UNFINISHED, names[h], "", shop.length, shop.mass_t[h], "t")
        if shop.due[h] < min(over, shop.length) - TOLERANCE and math.isfinite(over):
            yield Violation(ViolationKind.DUE, names[h], "", over, over - shop.due[h], "min")


def _off_lock(operations: Operations, start: np.ndarray, end: np.ndarray, leeway_min: float) -> Iterator[Violation]:
    """Starts outside a locked window, and operations on a unit other than the locked unit."""
    shop, windows = operations.shop, operations.shop.scenario.lock_windows
    for i, (h, k) in enumerate(zip(operations.heat, operations.stage, strict=True)) if windows else ():
        window = windows.get((shop.names[h], shop.stages[k]))
        if window is None or operations.started[i] or math.isnan(start[i]):
            continue
        elsewhere = window.unit not in (None, shop.units[operations.unit[i]])
        amount = float(end[i] - start[i]) if elsewhere else window.missed_min(float(start[i]), leeway_min)
        if amount:
            yield _violation(ViolationKind.LOCK, operations, i, float(start[i]), amount)


def _in_outage(operations: Operations, start: np.ndarray, end: np.ndarray) -> Iterator[Violation]:
    """Operations on a unit during an outage."""
    outages = operations.shop.outages
    for i, u in enumerate(operations.unit) if any(outages) else ():
        if operations.started[i] or math.isnan(end[i]):
            continue
        for begin, over in outages[u]:
            first, amount = max(begin, float(start[i])), min(over, float(end[i])) - max(begin, float(start[i]))
            if amount > TOLERANCE:
                yield _violation(ViolationKind.OUTAGE, operations, i, first, amount)


def _violation(kind: ViolationKind, operations: Operations, i: int, at_min: float, minutes: float) -> Violation:
    shop = operations.shop
    return Violation(kind, shop.names[operations.heat[i]], shop.units[operations.unit[i]], at_min, minutes, "min")
