"""Units run whole: what one unit too many asks of the site, as rows of its linear program.

A mix of casts runs units in part, just as many as stay below the demand that is billed in any case. Where k of them do
and one more does not, the site must deliver the rest, and the rest of a part of a unit is no less than that part of it:
mixed-integer rounding of the balance (Nemhauser and Wolsey, Mathematical Programming 46, 1990). With P what may be
imported, b base load, x what other stages draw and s ≥ 0 what the site delivers or pays for above P,

    Σ l ≤ D + s,  D = P − b − max x,  gives  s ≥ Σ a(l) − k·r,  a(l) = max(0, l − (L − r)),

where l is what a unit draws, L the most that it can, k = ⌊D/L⌋ and r = (k + 1)·L − D.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emberline.models.kernel.standard_form import Compiled
from emberline.models.problem.line_reader import SlotProblem
from emberline.models.search.tuning import LINE_AND_SITE

MOST = 1e4
"""What counts in a cell at most [MWh]."""


@dataclass(frozen=True)
class Rounding:
    """What counts as whole units of one stage."""

    stage: int
    others: float
    """What other stages draw at most, where it counts as well; else 0 [MWh]."""
    below: float
    """What a unit draws in a cell before it counts [MWh]."""
    free: float
    """Of what counts, what asks nothing of the site [MWh]."""
    billed: float
    """What may be imported in a cell [MWh]."""
    charged: bool
    """Whether more may be imported at a charge."""

    def counted(self, stage: int, cells: np.ndarray) -> np.ndarray:
        """Of what an operation draws by cell, what counts [MWh]."""
        if stage == self.stage:
            return np.maximum(cells - self.below, 0.0)
        return cells if self.others else np.zeros(len(cells))


def roundings(problem: SlotProblem, base: float, billed: float, charged: bool) -> list[Rounding]:
    """What counts where so much may be imported; nothing where no unit more than that allows could run.

    Args:
        problem: the line.
        base: base load in a cell, at least [MWh].
        billed: import in a cell [MWh].
        charged: whether more may be imported at a charge.
    """
    highest = [_sum_and_most(problem, stage) for stage in range(len(problem.stage_units))]
    stage = int(np.argmax([most for _, most in highest]))
    most, units = highest[stage][1], len(problem.stage_units[stage])
    rest = sum(total for s, (total, _) in enumerate(highest) if s != stage)
    result = []
    for others in (0.0, rest):
        room = billed - base - others
        whole = int(np.floor(room / most)) if most > 0 else units
        step = (whole + 1) * most - room
        if 0 <= whole < units and LINE_AND_SITE.unit_share * most < step < (1 - LINE_AND_SITE.unit_share) * most:
            result.append(Rounding(stage, others, most - step, whole * step, billed, charged))
    return result


def _sum_and_most(problem: SlotProblem, stage: int) -> tuple[float, float]:
    """What the units of a stage draw together in a cell at most, and what one of them does [MWh]."""
    highest = dict.fromkeys(problem.stage_units[stage], 0.0)
    tails = dict.fromkeys(problem.stage_units[stage], 0.0)
    last = stage == len(problem.stage_units) - 1
    works = [(o.cells, o.occupy) for heat in problem.heats for o in heat.operations if o.stage == stage]
    works += [(cast.cells, cast.hold) for cast in problem.casts] if last else []
    for cells, hold in works:
        for u, curve in cells.items():
            # what reaches beyond the slots that the unit is held overlaps the next one's
            end = hold[u] * problem.cells_per_slot
            highest[u] = max(highest[u], float(curve[:end].max(initial=0.0)))
            tails[u] = max(tails[u], float(curve[end:].max(initial=0.0)))
    units = [highest[u] + tails[u] for u in highest]
    return sum(units), max(units, default=0.0)


def supplied(form: Compiled, balance: np.ndarray, imports: np.ndarray, line: np.ndarray) -> Any | None:
    """What the site delivers besides import, as rows by cell over its columns; None where it may be negative.

    Args:
        form: the site's linear program.
        balance: of each cell, the row of its balance; cells are slots.
        imports: the column of its import.
        line: the column of what the line draws.
    """
    from scipy.sparse import csc_matrix, csr_matrix

    rows = csr_matrix(csc_matrix((form.values, form.index, form.starts), shape=form.shape))[balance]
    signs = -np.asarray(rows[np.arange(len(line)), line]).ravel()
    supply = csr_matrix(rows.multiply(1 / signs[:, None]))
    supply.data[(supply.data < 0) | (supply.indices == np.repeat(imports, np.diff(supply.indptr)))] = 0.0
    supply.eliminate_zeros()
    return None if (signs <= 0).any() or (form.lower[supply.indices] < 0).any() else supply


def least_import(problem: SlotProblem, base: float, form: Compiled, supply: Any) -> float:
    """What is imported at least in some cell of every plan [MWh]: a unit runs, and the site delivers its most."""
    runs = [
        min(float(curve.max(initial=0.0)) for curve in operation.cells.values())
        for cast in problem.casts
        for operation in problem.heats[cast.heats[0]].operations
    ]
    return max(runs, default=0.0) + base - float((supply @ form.upper).max())


def with_rows(
    form: Compiled, supply: Any, billed: tuple[int, float], some: list[Rounding]
) -> tuple[Compiled, np.ndarray]:
    """A site's linear program with the rows of some roundings, and the columns of what counts.

    Args:
        form: the program.
        supply: what the site delivers (``supplied``).
        billed: the column of the demand that is billed [MW], and hours of a cell.
        some: at least one.

    Returns:
        The program; columns of shape (n_roundings, n_cells).
    """
    from scipy.sparse import block_array, csc_matrix, csr_matrix, eye_array

    n, (column, hours) = supply.shape[0], billed
    width = len(some) * n
    matrix = csc_matrix((form.values, form.index, form.starts), shape=form.shape)
    charged = csr_matrix((np.full(n, hours), (np.arange(n), np.full(n, column))), shape=supply.shape)
    more = block_array([[supply + charged if one.charged else supply] for one in some])
    low = [-one.others - one.free + (one.billed if one.charged else 0.0) for one in some]
    whole = block_array([[matrix, None], [more, eye_array(width) * -1.0]], format="csc")
    none = np.zeros(width)
    return replace(
        form,
        cost=np.concatenate([form.cost, none]), lower=np.concatenate([form.lower, none]),
        upper=np.concatenate([form.upper, np.full(width, MOST)]), whole=np.concatenate([form.whole, none > 0]),
        row_lower=np.concatenate([form.row_lower, np.repeat(low, n)]),
        row_upper=np.concatenate([form.row_upper, np.full(width, np.inf)]),
        starts=whole.indptr.astype(np.int32), index=whole.indices.astype(np.int32), values=np.asarray(whole.data),
    ), (form.shape[1] + np.arange(width)).reshape(len(some), n)  # fmt: skip
