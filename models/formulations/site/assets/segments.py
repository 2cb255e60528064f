"""Segments of a curve that are filled one after the other: the incremental form of a piecewise linear function.

M. Padberg, *Approximating separable nonlinear functions via mixed zero-one programs*, Operations Research Letters 27
(2000) 1–5.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from emberline.models.kernel.arrays import Variable, constraint


def in_order(block: pyo.Block, slots: Any, count: int) -> None:
    """Let a segment be begun only where the one before it is full, by a binary for each two of them.

    Args:
        block: with ``filled``, what is filled of each segment in each slot, and ``width``, how much each can hold.
        slots: set of the slots.
        count: number of segments.
    """
    block.BEND = pyo.RangeSet(0, count - 2)
    block.full = Variable(block.BEND, slots, domain=pyo.Binary)

    @constraint(block, block.BEND, slots)
    def lower_full(b: Any, k: int, t: int) -> Any:
        return b.filled[k, t] >= b.width[k] * b.full[k, t]

    @constraint(block, block.BEND, slots)
    def upper_after(b: Any, k: int, t: int) -> Any:
        return b.filled[k + 1, t] <= b.width[k + 1] * b.full[k, t]
