"""The lateness goal: total tardiness first, then makespan, for lines whose heats all differ. Continuous time.

1. Search (``lateness_search``): list scheduling, improved by moving casts and heats.
2. Bound (``lateness_bound``): casts on a grid of start times, the stages before them as capacity over time. Its own
   casting plan leads the search once more.
3. Small shops: the exact model (``lateness_milp``) from the best schedule, for a plan and a bound that may meet.

Due times are reported, not forbidden: a heat that ends after its due time counts with the minutes it is late. Limits on
waits and the planner's locks are kept; a schedule that misses one is no schedule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from benchmarks.minutes.general_precedence import improve, pairs
from benchmarks.minutes.lateness_grid import bound, least, settled, shortest
from benchmarks.minutes.line_in_minutes import Operation, Place, Shop, shop
from benchmarks.minutes.list_scheduling import Decoder, Listing, SearchEnd, Value, led, search, simple
from benchmarks.minutes.longest_path import earliest
from emberline.models.kernel.progress import Progress
from emberline.models.search.record import Record
from emberline.scenarios import Case
from emberline.scenarios.metrics import gap as relative_gap
from emberline.scenarios.metrics import sound

STEPS = 6000
"""Moves of the longest search."""
ROUNDS = ((24, STEPS // 20), (6, STEPS // 5), (2, STEPS))
"""How many searches go on, and for how many moves each."""
GRIDS = (500, 3000)
"""Cumulative starts that the bound's grids may have."""
EXACT_PAIRS = 60
"""Up to this many order variables the exact model is solved."""
SHARE_OF_SEARCH, SHARE_OF_BOUND, SHARE_OF_LED = 0.4, 0.35, 0.75
"""Shares of the time limit: of the first searches, of the bound, and when the search that the bound leads ends."""
NODES = 2000
TOLERANCE = 1e-5
"""Minutes that count as nothing: the solver's own tolerance on a sum of start times."""


@dataclass(frozen=True)
class Lateness:
    """A schedule by lateness. Arrays have shape (n_heats, n_stages), in the scenario's order."""

    unit: np.ndarray
    """Name of the unit that takes the heat; empty where its route skips the stage or the stage is over."""
    start_min: np.ndarray
    """Start after the horizon's start [min]; nan where there is none."""
    end_min: np.ndarray
    """End by the planned duration [min]."""
    tardiness_min: np.ndarray
    """By how much each heat is late, shape (n_heats,) [min]."""
    objective: float
    """Total tardiness [min]; nan where no schedule was found."""
    makespan_min: float
    bound: float
    """Total tardiness that no schedule undercuts, as far as proven [min]."""
    status: str
    """``within gap``, ``best found`` (the search ended before the gap was reached) or ``no schedule``."""
    seconds: float

    @property
    def has_schedule(self) -> bool:
        """Whether there is a schedule that keeps every limit."""
        return self.status != "no schedule"

    @property
    def gap(self) -> float:
        """Relative distance of the objective from the bound."""
        return relative_gap(self.objective, self.bound)


def minimize_lateness(
    scenario: Case,
    envelope: xr.Dataset,
    *,
    start: xr.Dataset | None = None,
    time_limit: float = 60.0,
    gap: float = 0.0,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Lateness:
    """The schedule with the least total tardiness found, then the least makespan, and a proven bound.

    The work is counted in moves and nodes; the result depends on the time limit only where that cuts the work short.

    Args:
        scenario: what is asked.
        envelope: durations and state, from the twin (table ``ENVELOPE``).
        start: a known schedule (table ``SCHEDULE``), such as the baseline's; the result is never worse than it.
        time_limit: seconds.
        gap: relative gap at which the search may stop.
        on_progress: called with ``incumbent``, ``bound``, ``gap`` and ``seconds`` as they change.
        cancel: polled; True ends the search with what was found.

    Raises:
        ValueError: a heat finds no unit, because locks and named units leave none.
    """
    run = _Run(
        shop(scenario, envelope),
        limit=time_limit,
        gap=gap,
        on_progress=on_progress or (lambda event: None),
        cancel=cancel or (lambda: False),
    )
    if start is not None:
        run.offer(_places(run.shop, start))
    run.searches(SHARE_OF_SEARCH)
    run.prove_on_grids(SHARE_OF_BOUND)
    run.exact()
    return run.result()


@dataclass
class _Run(Record):
    """The best schedule and bound so far, and what is still to be tried."""

    shop: Shop
    best: tuple[Value, dict[Operation, Place]] | None = None

    def __post_init__(self) -> None:
        self.decoder = Decoder(self.shop)
        self.bound = settled(self.shop) + sum(least(self.shop))
        self.shortest = shortest(self.shop)
        self.small = pairs(self.shop) <= EXACT_PAIRS

    @property
    def proven(self) -> float:
        """Total tardiness that no schedule undercuts, as far as proven [min]."""
        return self.bound or 0.0

    @property
    def value(self) -> float | None:
        """Total tardiness of the best schedule; None where that misses a limit."""
        return None if self.best is None or self.best[0].missed_min > 0 else self.best[0].tardiness_min

    @property
    def tolerance(self) -> float:
        """Minutes that count as nothing."""
        return TOLERANCE

    def ends(self, share: float = 1.0) -> bool:
        """Whether to stop: cancelled, out of time, or the gap is reached."""
        return self.cancel() or self.spent_s > share * self.limit or self.reached

    def take(self, value: Value, places: dict[Operation, Place]) -> None:
        """Keep a schedule if it is better than the best one."""
        if self.best is None or value < self.best[0]:
            self.best = value, places
            self.report()

    def offer(self, places: dict[Operation, Place] | None) -> None:
        """Settle the times of a schedule from elsewhere and keep it if it is better."""
        if places is not None:
            places = earliest(self.shop, places)
            self.take(self.decoder.value(places, self.decoder.missed(places)), places)

    def prove(self, proven: float | None) -> None:
        """Take a bound, in whole minutes where all data are."""
        if proven is not None:
            self.raise_bound(float(math.ceil(proven - 1e-4)) if self.shop.integral else proven)

    def search(self, first: Listing, seed: int, share: float, steps: int) -> SearchEnd:
        def stop(value: Value) -> bool:
            if self.cancel() or self.spent_s > share * self.limit:
                return True
            least_late = value.missed_min == 0 and value.tardiness_min <= self.proven + TOLERANCE
            return least_late and value.makespan_min <= self.shortest + TOLERANCE

        outcome = search(self.shop, steps, first, seed=seed, stop=stop)
        self.take(outcome.value, outcome.places)
        return outcome

    def searches(self, share: float) -> None:
        """Short searches from many lists, longer ones from the best of them: halving, as in a tournament."""
        rounds = ((4, STEPS // 4),) if self.small else ROUNDS
        lists = [simple(self.shop, number) for number in range(rounds[0][0])]
        for count, steps in rounds:
            outcomes = []
            for number, first in enumerate(lists[:count]):
                if self.best is not None and (self.ends(share) or (self.small and self.reached)):
                    break
                outcomes.append(self.search(first, number, share, steps))
            outcomes.sort(key=lambda one: one.value)
            lists = [one.listing for one in outcomes]

    def prove_on_grids(self, share: float) -> None:
        """Prove bounds, on a coarse grid and on a finer one, and search again from each one's casting plan."""
        for binaries in GRIDS:
            if self.best is None or self.best[0].missed_min > 0 or self.ends():
                return
            value = self.best[0]
            lower_bound = bound(
                self.shop,
                value.tardiness_min,
                value.makespan_min,
                binaries=binaries,
                time_limit=min(share * self.limit, self.total_remaining),
                nodes=NODES,
                cancel=self.cancel,
            )
            self.prove(lower_bound.tardiness_min)
            if lower_bound.start and not self.ends(SHARE_OF_LED):
                self.search(led(self.shop, lower_bound.unit, lower_bound.start), 0, SHARE_OF_LED, STEPS // 2)

    def exact(self) -> None:
        """Solve the exact model, where the shop is small enough."""
        if self.best is None or not self.small or self.cancel():
            return
        if self.total_remaining <= 0 or (self.reached and self.best[0].makespan_min <= self.shortest + TOLERANCE):
            return
        places, proven = improve(
            self.shop,
            self.best[1],
            self.proven,
            settled(self.shop),
            time_limit=self.total_remaining,
            gap=self.gap,
            cancel=self.cancel,
        )
        self.offer(places)
        self.prove(proven)

    def result(self) -> Lateness:
        line = self.shop
        assert self.best is not None
        value, places = self.best
        shape = len(line.heats), len(line.stages)
        unit = np.full(shape, "", dtype=f"U{max(len(name) for name in line.units)}")
        start, end = np.full(shape, np.nan), np.full(shape, np.nan)
        for (h, k), place in places.items():
            unit[h, k], start[h, k], end[h, k] = line.units[place.unit], place.start, place.end
        last = np.array([places[h, route[-1]].end for h, route in enumerate(line.route)])
        missed = value.missed_min > 0
        return Lateness(
            unit=unit,
            start_min=start,
            end_min=end,
            tardiness_min=np.maximum(last - np.array(line.due), 0.0),
            objective=math.nan if missed else value.tardiness_min,
            makespan_min=value.makespan_min,
            bound=sound(self.proven, value.tardiness_min) if not missed else self.proven,
            status="no schedule" if missed else "within gap" if self.reached else "best found",
            seconds=self.spent_s,
        )


def _places(line: Shop, schedule: xr.Dataset) -> dict[Operation, Place] | None:
    """The places of a schedule; None where it leaves something out."""
    unit = {name: u for u, name in enumerate(line.units)}
    table = schedule.reindex(heat=list(line.heats), stage=list(line.stages), fill_value={"unit": ""})
    names, starts = table["unit"].values.tolist(), table["start_min"].values.tolist()
    places = dict(line.under_way)
    for h, route in enumerate(line.route):
        for k in route:
            if (h, k) in line.under_way:
                continue
            u = unit.get(names[h][k], -1)
            if u not in line.able[h, k] or math.isnan(starts[h][k]):
                return None
            places[h, k] = Place(u, starts[h][k], starts[h][k] + line.planned[h][u])
    return places
