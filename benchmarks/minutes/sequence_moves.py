"""Orders on one unit, improved by moving blocks and swapping heats: iterated local search over all moves at once.

Each round takes the best of all moves until none is better, then disturbs the order by a few moves (Lourenço, Martin &
Stützle, "Iterated local search", Handbook of Metaheuristics, 2003). Moves of a block are Or's (1976).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LONGEST_BLOCK = 4
ROWS = 6000
"""Orders that are valued at once."""
SHAKEN = 3
"""Moves by which a round begins elsewhere."""
EQUAL = 1e-7

Value = Callable[[np.ndarray], np.ndarray]
"""Of orders, shape (n_orders, n); smaller is better, shape (n_orders,)."""


def improved(
    order: np.ndarray,
    first: Value,
    second: Value,
    *,
    rounds: int,
    seed: int,
    stop: Callable[[tuple[float, float]], bool],
) -> np.ndarray:
    """An order that is no worse by ``first`` and, among equal ones, by ``second``.

    Args:
        order: to begin with, shape (n,).
        first: what is minimized.
        second: what breaks ties.
        rounds: how often the search begins elsewhere.
        seed: of the moves by which it does.
        stop: called with the best values; True ends the search.
    """
    moves = _moves(len(order))
    generator = np.random.Generator(np.random.Philox(key=seed))

    def value(one: np.ndarray) -> tuple[float, float]:
        return float(first(one[None])[0]), float(second(one[None])[0])

    best = here = order
    best_value = here_value = value(order)
    for number in range(rounds + 1):
        if number:
            here = best
            for _ in range(SHAKEN):
                here = here[moves[int(generator.integers(len(moves)))]]
            here_value = value(here)
        while not stop(best_value):
            candidate, candidate_value = _best(here, moves, first, second)
            if candidate is None or not _less(candidate_value, here_value):
                break
            here, here_value = candidate, candidate_value
        if _less(here_value, best_value):
            best, best_value = here, here_value
        if stop(best_value) or not len(moves):
            break
    return best


def _less(one: tuple[float, float], other: tuple[float, float]) -> bool:
    if abs(one[0] - other[0]) > EQUAL * max(1.0, abs(other[0])):
        return one[0] < other[0]
    return one[1] < other[1] - EQUAL * max(1.0, abs(other[1]))


def _best(
    order: np.ndarray, moves: np.ndarray, first: Value, second: Value
) -> tuple[np.ndarray | None, tuple[float, float]]:
    best, best_value = None, (np.inf, np.inf)
    for begin in range(0, len(moves), ROWS):
        orders = order[moves[begin : begin + ROWS]]
        values = first(orders)
        least = values.min()
        equal = np.flatnonzero(values <= least + EQUAL * max(1.0, abs(least)))
        ties = second(orders[equal])
        at = int(np.argmin(ties))
        value = float(values[equal[at]]), float(ties[at])
        if best is None or _less(value, best_value):
            best, best_value = orders[equal[at]], value
    return best, best_value


def _moves(n: int) -> np.ndarray:
    """All moves of blocks and all swaps of two, as places, shape (n_moves, n)."""
    rows = []
    for size in range(1, min(LONGEST_BLOCK, n - 1) + 1):
        for i in range(n - size + 1):
            remaining = [p for p in range(n) if not i <= p < i + size]
            block = list(range(i, i + size))
            rows += [remaining[:j] + block + remaining[j:] for j in range(len(remaining) + 1) if j != i]
    for i in range(n):
        for j in range(i + 2, n):
            swap = list(range(n))
            swap[i], swap[j] = j, i
            rows.append(swap)
    return np.array(rows, dtype=np.int32).reshape(-1, n)
