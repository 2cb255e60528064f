"""From a relaxed pooled model to a plan of it, and from that plan to the places of single heats."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from emberline.models.formulations.line.pooled.model import Pooled
from emberline.models.problem.line_reader import SlotProblem

WEIGHT = 1e-5
"""What counts as weight in a relaxation."""


@dataclass(frozen=True)
class Counted:
    """A pooled solution: leading starts told apart first in, first out, and the casts."""

    lead: dict[int, int]
    """By heat: slot of its leading operation."""
    cast: dict[int, tuple[int, int]]
    """By cast: caster and slot."""


def read(found: Pooled, problem: SlotProblem) -> Counted:
    """Tell the heats of each group apart: the earliest start goes to the heat that is needed first.

    Args:
        found: the model, solved.
        problem: the line with its heats as they are.
    """
    m = found.model
    placed: dict[int, list[tuple[int, int]]] = {}
    for c, column, t in m.OPTION:
        if (m.z[c, column, t].value or 0) > 0.5:
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
        yield heats, [round(m.started[t].value) for t in range(found.n)]
        return
    for k, pool in enumerate(found.pools[lead]):
        counts = [round(sum(m.Y[lead, k, c, t].value or 0 for c in found.able[lead, k])) for t in range(found.n)]
        yield [h for g in pool for h in found.groups[g]], counts


def surroundings(found: Pooled, slack: int, around: int) -> Iterator[tuple[Any, float, float]]:
    """Bounds of a model's variables around what its relaxation holds.

    Relaxation-enforced neighbourhood search: counts are rounded both ways and may leave that by some room; casts stay
    open where they have weight (Berthold, "RENS", Mathematical Programming Computation 2014).

    Args:
        found: the model, its relaxation solved.
        slack: how far counts may leave the rounded values.
        around: slots around each cast start with weight that stay open.

    Yields:
        Variable, lower and upper bound.
    """
    m = found.model
    near: set[tuple[int, int, int]] = set()
    for c, column, t in m.OPTION:
        if (m.z[c, column, t].value or 0.0) > WEIGHT:
            near.update((c, column, t + d) for d in range(-around, around + 1))
    for key in m.OPTION:
        yield m.z[key], 0.0, float(key in near)
    counts = m.started.values() if found.whole_total else [m.Y[key] for key in m.INDEX if key[0] == found.lead]
    for y in counts:
        low, high = math.floor((y.value or 0.0) + WEIGHT) - slack, math.ceil((y.value or 0.0) - WEIGHT) + slack
        yield y, float(max(low, y.lb)), float(min(high, y.ub))
