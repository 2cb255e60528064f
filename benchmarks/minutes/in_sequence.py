"""Heats in a sequence with changeovers: least tardiness, or least cost of what they take; the other breaks ties.

Cost is proven by the flow of classes (``formulations.line.succession``), tardiness is bounded by places: the heat at a
place starts no sooner than the shortest lags before it allow, and each heat takes one place. Of a few heats all orders
are tried.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks.minutes.lateness import Lateness
from benchmarks.minutes.one_stage import Sequence, sequence
from benchmarks.minutes.sequence_moves import improved
from benchmarks.minutes.succession import TOLERANCE, least_cost
from emberline.scenarios import Case
from emberline.scenarios.metrics import sound
from emberline.scenarios.records.goal import Target

Progress = Callable[[dict[str, Any]], None]
ROUNDS = 150
"""How often a search begins elsewhere."""
SEARCHES = 3
SHARE_OF_COST = 0.5
"""Share of the time limit that the proof of least cost may take."""
PROVEN_MIN = 1e-6
FEW = 7
"""Heats whose orders are all tried."""


def least_in_sequence(
    scenario: Case,
    *,
    time_limit: float = 60.0,
    gap: float = 0.0,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
    rounds: int = ROUNDS,
) -> Lateness:
    """The order that the scenario's goal asks for, with a bound; objective in minutes, or in the market's currency.

    Args:
        scenario: with changeovers, and lateness or cost as its goal.
        time_limit: seconds.
        gap: relative gap at which the search may stop.
        on_progress: called with ``incumbent``, ``bound`` and ``seconds``.
        cancel: polled; True ends the search with what was found.
        rounds: effort of each search.
    """
    began = time.perf_counter()
    heats = sequence(scenario)
    cheap = scenario.goal.minimize == Target.COST
    first, second = heats.tardiness_min, heats.total_cost
    if cheap:
        first, second = second, first
    if len(heats.length) <= FEW:
        orders = np.array(list(itertools.permutations(range(len(heats.length)))))
        values = first(orders)
        k = np.lexsort((second(orders), values))[0]
        least = float(values[k])
        if on_progress is not None:
            on_progress({"incumbent": least, "bound": least, "seconds": time.perf_counter() - began})
        return _result(heats, orders[k], least, least, gap, time.perf_counter() - began)
    rank = np.argsort(np.argsort(heats.due, kind="stable"), kind="stable")
    starts = [np.argsort(rank), np.arange(len(rank))]
    if cheap:
        path = least_cost(heats.cost, rank, time_limit=SHARE_OF_COST * time_limit, cancel=cancel)
        bound = heats.own_cost + path.bound
        starts = ([] if path.order is None else [path.order]) + starts
    else:
        bound = late_bound(heats)

    def stop(value: tuple[float, float]) -> bool:
        late = cancel is not None and cancel()
        least = value[0] <= bound + max(gap * abs(value[0]), TOLERANCE * max(1.0, abs(bound)))
        # ties are broken by the other goal, which is not known to be least before it is nothing
        return late or time.perf_counter() - began > time_limit or (least and (cheap and value[1] <= PROVEN_MIN))

    best: np.ndarray | None = None
    best_value = (math.inf, math.inf)
    for seed in range(SEARCHES):
        order = starts[seed % len(starts)] if seed < len(starts) or best is None else best
        order = improved(order, first, second, rounds=rounds, seed=seed, stop=stop)
        value = float(first(order[None])[0]), float(second(order[None])[0])
        if best is None or value < best_value:
            best, best_value = order, value
            if on_progress is not None:
                seconds = time.perf_counter() - began
                on_progress({"incumbent": value[0], "bound": bound, "seconds": seconds})
        if stop(best_value):
            break
    assert best is not None
    return _result(heats, best, best_value[0], bound, gap, time.perf_counter() - began)


def late_bound(heats: Sequence) -> float:
    """Total tardiness that no order undercuts [min]: each heat takes a place, reached by the shortest lags."""
    n = len(heats.length)
    lag = heats.lag + np.where(np.eye(n, dtype=bool), np.inf, 0.0)
    soonest = np.concatenate([[0.0], np.cumsum(np.sort(lag.min(axis=1))[: n - 1])])
    late = np.maximum(soonest[:, None] + heats.length - heats.due, 0.0)
    rows, columns = linear_sum_assignment(late)
    return max(float(late[rows, columns].sum()) - PROVEN_MIN, 0.0)


def _result(heats: Sequence, order: np.ndarray, objective: float, bound: float, gap: float, seconds: float) -> Lateness:
    n = len(order)
    start = np.zeros(n)
    start[order] = heats.start_min(order)
    end = start + heats.length
    reached = objective - bound <= max(gap * abs(objective), TOLERANCE * max(1.0, abs(bound)))
    return Lateness(
        unit=np.full((n, 1), heats.unit),
        start_min=start[:, None],
        end_min=end[:, None],
        tardiness_min=np.maximum(end - heats.due, 0.0),
        objective=objective,
        makespan_min=float(end.max()),
        bound=sound(bound, objective),
        status="within gap" if reached else "best found",
        seconds=seconds,
    )
