"""What starts add up to over time: a variable that changes by the changes of their profiles.

A profile is level for hours, so this takes a handful of coefficients a start where a sum takes one a slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.kernel.arrays import Series, Variable, constraint
from emberline.models.kernel.banded_rows import Runs, Stretches, Terms, weighed

Previous = Mapping[int, tuple[int, int]]
"""By row, which row comes before it, and how many slots earlier."""


def add(
    block: pyo.Block,
    starts: pyo.Var,
    changes: Terms,
    previous: Previous,
    begin: Mapping[int, float] | None = None,
) -> pyo.Var:
    """Fill a block with courses.

    Args:
        block: empty.
        starts: variables with a slot at the end of their index.
        changes: of each row by the starts.
        previous: rows, and where each goes on from: ``{r: (r, 1)}`` for a course of its own.
        begin: what rows are before the first slot; 0 where nothing is said.

    Returns:
        The level, not negative, indexed by row and slot.
    """
    n = changes.n_slots
    block.ROW, block.T = pyo.Set(initialize=list(previous), dimen=1), pyo.RangeSet(0, n - 1)
    block.level = Variable(block.ROW, block.T, domain=pyo.NonNegativeReals)
    before = Terms(n, 2)
    for r, (row, lag) in previous.items():
        before.lagged((r,), (row,), lag, 1)
    stretches = Stretches.of({(r,): range(n) for r in previous}, before, changes)
    block.PLACE, block.BEFORE, block.CHANGE = stretches.rows(), stretches.set(0), stretches.set(1)
    # only the first slot has nothing before it
    begin_levels = [(begin or {}).get(r, 0.0) if not terms else 0.0 for (r, _), terms in stretches.terms[0].items()]
    block.STRETCH = pyo.Set(initialize=list(stretches.terms[0]), dimen=2)
    block.begin = Series(block.STRETCH, values=np.array(begin_levels))

    @constraint(block, block.PLACE)
    def changes_by(b: Any, r: int, stretch: int, t: int) -> Any:
        came = weighed(b.level, b.BEFORE[r, stretch], t) + weighed(starts, b.CHANGE[r, stretch], t)
        return b.level[r, t] == came + b.begin[r, stretch]

    return block.level


def profile(changes: Terms, row: int, key: tuple[Any, ...], cells: np.ndarray, runs: Runs, per: int = 1) -> None:
    """Add what a start adds from its slot on.

    Args:
        changes: to add to.
        row: of the first place in a slot; the others follow.
        key: of the start.
        cells: what it adds, by place.
        runs: slots in which it may start.
        per: places in a slot, each a row.
    """
    steps = np.diff(cells, prepend=0.0, append=0.0)
    for k in np.flatnonzero(np.abs(steps) > 1e-12).tolist():
        changes.lagged((row + k % per,), key, k // per, float(steps[k]), runs)
