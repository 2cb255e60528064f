"""Segments of a curve that are filled one after the other: the incremental form of a piecewise linear function.

M. Padberg, *Approximating separable nonlinear functions via mixed zero-one programs*, Operations Research Letters 27
(2000) 1–5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.kernel.arrays import Series, Variable, constraint, limit
from emberline.models.kernel.templates import each, total


def add(
    block: pyo.Block,
    slots: Any,
    amount: Callable[[Any], Any],
    width: np.ndarray,
    *,
    on: Any = None,
    least: float = 0.0,
    ordered: bool,
) -> None:
    """Let an amount be what is filled of the segments of a curve, above its least: ``filled[k, t]``.

    Args:
        block: gets ``K``, ``width`` and ``filled``.
        slots: set of the slots.
        amount: of a slot, an expression; the slot may be a placeholder.
        width: how much each segment can hold, of each unit that is on.
        on: units that are on, by slot; None: there is one that always is.
        least: amount of each unit that is on while no segment is filled.
        ordered: whether a segment may be begun only where the one before it is full; else it must pay.
    """
    block.K = pyo.RangeSet(0, len(width) - 1)
    block.width = Series(block.K, values=width)
    block.filled = Variable(block.K, slots, domain=pyo.NonNegativeReals)
    if on is None:
        limit(block.filled, upper=np.repeat(width, len(slots)))

    @constraint(block, slots)
    def of_segments(b: Any, t: int) -> Any:
        base = 0.0 if on is None else least * on[t]
        return amount(t) == base + total(b.filled[k, t] for k in each(b.K))

    if on is not None:

        @constraint(block, block.K, slots)
        def while_on(b: Any, k: int, t: int) -> Any:
            return b.filled[k, t] <= b.width[k] * on[t]

    if ordered:
        _in_order(block, slots, len(width))


def _in_order(block: pyo.Block, slots: Any, count: int) -> None:
    """Let a segment be begun only where the one before it is full, by a binary for each two of them."""
    block.BEND = pyo.RangeSet(0, count - 2)
    block.full = Variable(block.BEND, slots, domain=pyo.Binary)

    @constraint(block, block.BEND, slots)
    def lower_full(b: Any, k: int, t: int) -> Any:
        return b.filled[k, t] >= b.width[k] * b.full[k, t]

    @constraint(block, block.BEND, slots)
    def upper_after(b: Any, k: int, t: int) -> Any:
        return b.filled[k + 1, t] <= b.width[k + 1] * b.full[k, t]
