"""From a relaxed pooled model to a plan of it, and from that plan to the places of single heats."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from emberline.models.formulations.line.pooled.model import Pooled
from emberline.models.kernel.arrays import WEIGHT, chosen, limits, values
from emberline.models.kernel.highs import Neighbourhood
from emberline.models.problem.line import Counted
from emberline.models.problem.line_reader import SlotProblem


def read(found: Pooled, problem: SlotProblem) -> Counted:
    """Tell the heats of each group apart: the earliest start goes to the heat that is needed first.

    Args:
        found: the model, solved.
        problem: the line with its heats as they are.
    """
    m = found.model
    placed: dict[int, list[tuple[int, int]]] = {}
    for c, column, t in chosen(m.z):
        placed.setdefault(c, []).append((t, problem.casts[c].units[column]))
    cast: dict[int, tuple[int, int]] = {}
    for first, places in placed.items():
        by_due = sorted(found.batches[first], key=lambda c: (max(problem.casts[c].last.values()), c))
        cast.update({c: (u, t) for c, (t, u) in zip(by_due, sorted(places), strict=True)})
    cast_of = problem.cast_of()

    def need(h: int) -> tuple[float, float, int]:
        heat = problem.heats[h]
        i = found.operation_at(heat, found.lead)
        assert i is not None
        if h not in cast_of:
            return (found.windows[h].last[i], 0.0, h)
        c, position = cast_of[h]
        if c not in cast:
            return (-1.0, position, h)
        u, t = cast[c]
        cast_min = t * problem.step_min + float(problem.casts[c].offsets[u][position])
        last = len(heat.operations) - 1
        rest = heat.lossless_min(i, last) + min(heat.operations[last].minutes.values())
        return (cast_min - rest, 0.0, h)

    lead: dict[int, int] = {}
    for heats, counts in _lead_counts(found):
        slots: list[int] = []
        for t, (before, now) in enumerate(pairwise([0, *counts])):
            slots += [t] * (now - before)
        lead.update(zip(sorted(heats, key=need), slots, strict=True))
    return Counted(lead, cast)


def _lead_counts(found: Pooled) -> Iterator[tuple[list[int], list[int]]]:
    """Heats that share a count at the leading stage, and how many of them have started there by each slot."""
    m, lead = found.model, found.lead
    if found.whole_total:
        heats = [h for pool in found.pools[lead] for g in pool for h in found.groups[g]]
        yield heats, np.rint(values(m.started)).astype(int).tolist()
        return
    by_key = dict(zip(m.INDEX, np.nan_to_num(values(m.Y), nan=0.0).tolist(), strict=True))
    for k, pool in enumerate(found.pools[lead]):
        counts = [round(sum(by_key[lead, k, c, t] for c in found.able[lead, k])) for t in range(found.n)]
        yield [h for g in pool for h in found.groups[g]], counts


def surroundings(found: Pooled, slack: int, around: int) -> Iterator[Neighbourhood]:
    """Bounds of a model's variables around what its relaxation holds.

    Relaxation-enforced neighbourhood search: counts are rounded both ways and may leave that by some room; casts stay
    open where they have weight (Berthold, "RENS", Mathematical Programming Computation 2014).

    Args:
        found: the model, its relaxation solved.
        slack: how far counts may leave the rounded values.
        around: slots around each cast start with weight that stay open.
    """
    m = found.model
    near = {(c, column, t + d) for c, column, t in chosen(m.z, WEIGHT) for d in range(-around, around + 1)}
    yield m.z, np.zeros(len(m.z)), np.array([key in near for key in m.OPTION], dtype=float)
    counts = m.started if found.whole_total else m.Y
    value = np.nan_to_num(values(counts), nan=0.0)
    low, high, _ = limits(counts)
    least, most = np.floor(value + WEIGHT) - slack, np.ceil(value - WEIGHT) + slack
    mine = np.ones(len(value), dtype=bool) if found.whole_total else np.array([key[0] == found.lead for key in m.INDEX])
    yield counts, np.where(mine, np.maximum(least, low), low), np.where(mine, np.minimum(most, high), high)
