"""The least makespan of heats that each have their unit, under a limit on energy per metered interval.

A search from interval to interval (``search.interval_labels``) keeps more and more states; one that left none out is a
proof. Before it, the busiest unit and the energy of all heats bound the makespan.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.minutes.interval_labels import IntervalSearch, Plan, Weights
from benchmarks.minutes.lateness import Lateness
from benchmarks.minutes.one_stage import Furnaces, furnaces
from emberline.scenarios import Case

Progress = Callable[[dict[str, Any]], None]
WIDTHS = (10, *(100 * 4**i for i in range(9)))
"""States that go on from an interval, search after search."""
WEIGHTS = (Weights(0.3, 1.0), Weights(0.0, 0.5), Weights(1.0, 0.0), Weights(0.0, 0.0))
"""Which states are promising, search after search."""


def least_makespan(
    scenario: Case,
    *,
    time_limit: float = 60.0,
    gap: float = 0.0,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
    widths: tuple[int, ...] = WIDTHS,
) -> Lateness:
    """The schedule of least makespan found, in whole minutes, with a bound; objective in minutes.

    Args:
        scenario: of a line of one stage whose heats each have their unit, with makespan as its goal.
        time_limit: seconds.
        gap: relative gap at which the search may stop.
        on_progress: called with ``incumbent``, ``bound`` and ``seconds``.
        cancel: polled; True ends the search with what was found.
        widths: effort, search after search.
    """
    began = time.perf_counter()
    line = furnaces(scenario)
    search = IntervalSearch(line.loads)
    bound = line.loads.least_makespan()
    best: Plan | None = None
    latest = math.floor(line.due + 1e-9)
    target = latest

    def over() -> bool:
        return (cancel is not None and cancel()) or time.perf_counter() - began > time_limit

    def tell() -> None:
        if on_progress is not None:
            incumbent = None if best is None else float(best.makespan)
            on_progress({"incumbent": incumbent, "bound": float(bound), "seconds": time.perf_counter() - began})

    for width in widths:
        for weights in WEIGHTS:
            if over() or bound > target or (best is not None and best.makespan - bound <= gap * best.makespan):
                break
            outcome = search.run(target, width, weights, over)
            if outcome.plan is not None:
                best, target = outcome.plan, outcome.plan.makespan - 1
            if outcome.complete:
                bound = target + 1
            tell()
        # what is sooner than the best plan has fewer states left
        while bound <= target and not over():
            outcome = search.run(bound, width, WEIGHTS[0], over)
            if outcome.plan is not None:
                best, target = outcome.plan, outcome.plan.makespan - 1
            if not outcome.complete or outcome.plan is not None:
                break
            bound += 1
            tell()
        if bound > target:
            break
    return _result(line, best, min(bound, latest + 1), gap, time.perf_counter() - began)


def _result(line: Furnaces, plan: Plan | None, bound: int, gap: float, seconds: float) -> Lateness:
    n = sum(len(of) for of in line.heats)
    unit = np.full((n, 1), "", dtype=f"U{max(len(name) for name in line.units)}")
    start, end = np.full((n, 1), np.nan), np.full((n, 1), np.nan)
    starts = () if plan is None else plan.starts
    for u, of_unit in enumerate(starts):
        for place, h in enumerate(line.heats[u]):
            at = float(of_unit[place])
            unit[h, 0], start[h, 0], end[h, 0] = line.units[u], at, at + line.loads.minutes[u][place]
    value = math.nan if plan is None else float(plan.makespan)
    reached = plan is not None and value - bound <= gap * value
    return Lateness(
        unit=unit,
        start_min=start,
        end_min=end,
        tardiness_min=np.zeros(n),
        objective=value,
        makespan_min=value,
        bound=float(bound),
        status="no schedule" if plan is None else "within gap" if reached else "best found",
        seconds=seconds,
    )
