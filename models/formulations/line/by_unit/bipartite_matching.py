"""Who follows whom: Hall's condition for starts that need a start of the stage before, and the matching itself.

A start at (v, t) can follow a start at (u, s) when s ≤ t − least(u, v). Every start finds one of its own exactly when
no set of them has fewer sources than members (P. Hall, J. London Math. Soc. 10, 1935).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Demand:
    """Starts of one kind that need sources: by deadline, a count; by source unit, how much earlier than the others."""

    earlier: tuple[int, ...]
    """Slots before the deadline by which a start on each source unit must lie, shape (n_sources,); the least is 0."""
    add: Callable[[Any, tuple[int, ...], int, int], None]
    """Adds to a row how many have a deadline up to the slot that lies so many before the row's, times a weight."""
    most: int
    """Slots after a source's start by which the deadline must lie at the latest."""
    ahead: int = 0
    """Slots before the horizon in which a deadline of what starts within it may lie."""


def patterns(earlier: list[tuple[int, ...]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Sets of Hall's condition that no other dominates, up to a shift in time.

    Args:
        earlier: for each kind of demand, slots before its deadline by which a start on each source must lie.

    Returns:
        Pairs of reach (last slot that counts for each source) and deadline (last one that counts for each kind).
        Demands of up to two kinds span them; larger sets that they do not span are left out, which relaxes.
    """
    widest = max(max(kind) for kind in earlier)
    reaches: set[tuple[int, ...]] = set()
    for size in (1, 2):
        for kinds in itertools.combinations(earlier, size):
            for shifts in itertools.product(range(widest + 2), repeat=size):
                latest = [
                    max(-s - kind[u] for kind, s in zip(kinds, shifts, strict=True)) for u in range(len(earlier[0]))
                ]
                reaches.add(tuple(r - max(latest) for r in latest))
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], None] = {}
    for reach in reaches:
        deadline = tuple(min(r + e for r, e in zip(reach, kind, strict=True)) for kind in earlier)
        needed = tuple(max(d - kind[u] for d, kind in zip(deadline, earlier, strict=True)) for u in range(len(reach)))
        found[needed, deadline] = None
    return sorted(found)


def matching(able: list[list[int]]) -> list[int] | None:
    """For each demand one supply of its own (Hopcroft and Karp, in scipy); None where there is no such matching."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    columns = [s for supplies in able for s in supplies]
    rows = np.repeat(np.arange(len(able)), [len(supplies) for supplies in able])
    shape = (len(able), max(columns, default=-1) + 1)
    graph = csr_array((np.ones(len(columns), bool), (rows, columns)), shape)
    supply_of: list[int] = maximum_bipartite_matching(graph, perm_type="column").tolist()
    return None if -1 in supply_of else supply_of
