"""Rows of named starts: precedence and longest wait on cumulated starts, for each unit reached and each unit left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.named.placed import Placed
from emberline.models.kernel import deadline
from emberline.models.kernel.arrays import Series, constraint
from emberline.models.kernel.templates import Members, each, total

Key = tuple[int, ...]
Listed = dict[Key, list[Key]]
"""Terms by row: an index of a variable, and its weight."""


def add(placed: Placed) -> bool:
    """Add precedence and longest wait between named starts; False where what has begun leaves no way."""
    m, problem = placed.model, placed.problem
    before: dict[Key, tuple[list[Key], list[Key]]] = {}
    after: dict[Key, tuple[list[Key], list[Key]]] = {}
    cast_of = problem.cast_of()
    for h, heat in enumerate(problem.heats):
        for i in range(len(heat.operations)):
            last = i == len(heat.operations) - 1
            if last and h not in cast_of:
                continue
            here = _places(placed, h, i)
            there = _cast_places(placed, cast_of[h][0]) if last else _places(placed, h, i + 1)
            deadline.look()
            least, most = heat.least[i], heat.most[i]
            for column, v in enumerate(there):
                for t, _ in there[v]:
                    ready = [key for row, u in enumerate(here) for s, key in here[u] if s + least[row, column] <= t]
                    before[h, i, v, t] = ([key for s, key in there[v] if s <= t], ready)
            for row, u in enumerate(here):
                for t, _ in here[u]:
                    gone = [key for column, v in enumerate(there) for s, key in there[v] if s <= t + most[row, column]]
                    after[h, i, u, t] = ([key for s, key in here[u] if s <= t], gone)
    m.precedence, m.longest_wait = pyo.Block(), pyo.Block()
    possible = _tied(placed, m.precedence, before)
    return _tied(placed, m.longest_wait, after) and possible


def _tied(placed: Placed, block: pyo.Block, rows: dict[Key, tuple[list[Key], list[Key]]]) -> bool:
    """Of two lists of starts no more of the first than of the second; what has begun already has no key."""
    x: Listed = {}
    z: Listed = {}
    top = {}
    possible = True
    for row, (some, others) in rows.items():
        terms = [(*key, 1) for key in some if key] + [(*key, -1) for key in others if key]
        balance = others.count(()) - some.count(())
        if terms:
            x[row] = [term for term in terms if len(term) == 5]
            z[row] = [term for term in terms if len(term) == 4]
            top[row] = balance
        possible &= bool(terms) or balance >= 0
    at_most(block, placed.model, list(top), x, z, top)
    return possible


def _places(placed: Placed, h: int, i: int) -> dict[int, list[tuple[int, Key]]]:
    """Slot and key of each possible start, by unit in the order of the operation's units."""
    operation = placed.problem.heats[h].operations[i]
    if operation.started_min is not None:
        return {operation.units[0]: [(operation.first, ())]}
    return {u: [(t, (h, i, u, t)) for t in placed.of[h, i, u]] for u in operation.units}


def _cast_places(placed: Placed, c: int) -> dict[int, list[tuple[int, Key]]]:
    cast = placed.problem.casts[c]
    if cast.started_min is not None:
        return {cast.units[0]: [(cast.first[cast.units[0]], ())]}
    places: dict[int, list[tuple[int, Key]]] = {u: [] for u in cast.units}
    for u, t in placed.windows.cast[c]:
        places[u].append((t, (c, u, t)))
    return places


def at_most(
    block: pyo.Block,
    m: pyo.ConcreteModel,
    rows: list[Key],
    x: Listed,
    z: Listed,
    top: Mapping[Any, int],
    more: pyo.Var | None = None,
) -> None:
    """Rows of starts of heats and of casts, each at most a number.

    Args:
        block: filled.
        m: has the starts.
        rows: their index.
        x: keys of heats' starts by row, each with its weight.
        z: likewise of casts'.
        top: of each row.
        more: how much above that it may be, by row.
    """
    block.ROW = pyo.Set(initialize=rows, dimen=len(rows[0]) if rows else None)
    block.HEAT = Members({row: x.get(row, ()) for row in rows}, dimen=5)
    block.CAST = Members({row: z.get(row, ()) for row in rows}, dimen=4)
    block.top = Series(block.ROW, values=np.array([top[row] for row in rows]))

    @constraint(block, block.ROW)
    def row_limit(b: Any, *row: int) -> Any:
        heats = total(w * m.x[h, i, u, t] for h, i, u, t, w in each(b.HEAT[row]))
        casts = total(w * m.z[c, u, t] for c, u, t, w in each(b.CAST[row]))
        return heats + casts <= (b.top[row] if more is None else b.top[row] + more[row])
