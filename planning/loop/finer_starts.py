"""A list at other times: its order stays, its starts lie on finer moments than the steps, and slack has a price.

A search on steps of a quarter of an hour rounds every duration up, and five minutes of slack cost it a whole step. On
moments of five minutes all starts are chosen together by one minimum cut (``planning/loop/retiming.py``): what rounding
has left over becomes saving, or slack where a limit hangs on it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from emberline.planning.loop.replan import LineReplan, expected, moved
from emberline.planning.loop.retiming import Retiming
from emberline.planning.loop.risks import BROKEN, Risks
from emberline.scenarios import Case, effort
from emberline.scenarios.checking.locks import impossible
from emberline.scenarios.messages import Message
from emberline.scenarios.records.horizon import MOMENT_MIN
from emberline.scenarios.records.orders import Lock
from emberline.twin import Follower
from emberline.twin.line.operations import Operations, SoFar
from emberline.twin.plant import LinePlant

if TYPE_CHECKING:
    from emberline.models.strategies.redispatch import Redispatch, Redispatched

PASSES = 3
"""Cuts one after the other, since a start moves by no more than their reach in each."""
ROUNDS = 9
"""Times of a list until it keeps the import limit: reheating, which follows from waits, is seen once it is followed."""
CAPPED, GROWTH = 0.2, 2.5
"""First weight of what is capped next to the goal, both by their means, and its growth until a list keeps the caps."""
WORTH_IT = 1e-5
"""Share of a day's worth that another pass must bring."""
PER_OPERATION = 3e-4
"""Work of a cut for each operation."""
BEFORE_MIN = -1.0
"""Moment at which nothing of the list has begun [min]."""
BETWEEN = Message("Its starts lie on moments of {moment:g} min, between the steps.", moment=MOMENT_MIN)


class FinerStarts:
    """One list, made ready to be put at other times."""

    def __init__(self, scenario: Case, envelope: xr.Dataset, schedule: xr.Dataset, start: xr.Dataset | None) -> None:
        """Args:
        scenario: what is asked, its locks kept as they stand.
        envelope: of it (table ``ENVELOPE``).
        schedule: the list (table ``SCHEDULE``).
        start: the baseline's, from whose cost a cap on extra cost counts; None: that cap does not hold.
        """
        self._scenario, self._envelope, self._schedule, self._start = scenario, envelope, schedule, start
        follower = Follower(scenario, schedule)
        self._policy, self._list = LineReplan(follower), follower.operations
        plant = LinePlant(follower, 0, 0, disturbed=False)
        plant.run(BEFORE_MIN)
        self._view: SoFar = self._policy.view(plant.so_far())

    def at(self, price: float) -> xr.Dataset | None:
        """The schedule at the times that are best at a price of slack, its site used as well as can be.

        Args:
            price: of a limit that is broken for want of slack, as a share of what a broken day counts.

        Returns:
            None: it has them already, or the site or a cap of the goal has nothing for them.
        """
        policy, low, high = self._policy, dict[str, float](), dict[str, float]()
        risks = Risks(policy.shop, price * BROKEN * policy.day)
        weights, best = dict[str, float](), None
        for _ in range(ROUNDS):
            parts = [weight * policy.weighed(name) for name, weight in weights.items()]
            operations = self._within(np.sum([policy.goal_worth, *parts], axis=0), risks)
            # between weights that do too little and enough there may be some for which no times keep the import limit
            used = None if operations is None or operations is self._list else self._used(operations)
            if not weights and (used is None or (used.reason and not used.broken)):
                break
            if used is None or used.reason:
                broken = weights if used is None else used.broken or weights
                low |= {name: weights.get(name, 0.0) for name in broken}
            else:
                high, best = weights, used.schedule
            if not low:
                break
            weights = {name: self._between(low[name], high.get(name)) for name in low}
        return best

    @staticmethod
    def _between(low: float, high: float | None) -> float:
        """A weight between one that is too small and one that is enough, or beyond the first."""
        return max(GROWTH * low, CAPPED) if high is None else (low + high) / 2

    def _within(self, worth: np.ndarray, risks: Risks) -> Operations | None:
        """The list at its best times within the import limit; None: none is found."""
        policy = self._policy
        retiming = Retiming(policy.shop, worth, policy.room_mw, policy.follower.grid.meter_min)
        for _ in range(ROUNDS):
            operations = self._timed(retiming, risks)
            over = policy.over_mw(operations)
            if not over.any():
                return operations
            retiming.tighten(over)
        return None

    def _timed(self, retiming: Retiming, risks: Risks) -> Operations:
        operations, view = self._list, self._view
        for _ in range(PASSES):
            effort.spend(PER_OPERATION * len(operations))
            better = retiming.best(operations, expected(operations, view), view.now, risks, exact=True)
            if better is None or better.gain <= WORTH_IT * self._policy.day:
                break
            operations = moved(self._policy.shop, operations, view, better.starts)
        return operations

    def _used(self, operations: Operations) -> Redispatched:
        begin = self._schedule["start_min"].to_numpy().copy()
        begin[operations.heat, operations.stage] = operations.scheduled
        heats = self._schedule.assign(start_min=(("heat", "stage"), begin)).assign_attrs(grid_min=MOMENT_MIN)
        return self._site.best(heats)

    @cached_property
    def _site(self) -> Redispatch:
        from emberline.models.strategies.redispatch import Redispatch

        return Redispatch(self._scenario, self._envelope, self._start)


def around_locks(scenario: Case) -> Case:
    """The scenario with a step of room around locks that no start on a step keeps, for a search on steps."""
    step, minutes = scenario.horizon.step_min, scenario.horizon.minutes
    if not scenario.locks or scenario.moment_min == step:
        return scenario
    on_steps = scenario.model_copy(update={"goal": scenario.goal.model_copy(update={"hold": 0.0})})
    between = {place[1] for place, _ in impossible(on_steps)}

    def roomy(lock: Lock) -> Lock:
        begin, end = (lock.start, lock.start) if lock.start is not None else (lock.earliest, lock.latest)
        room = {
            name: None if at is None else timedelta(minutes=max(minutes(at) + by, 0.0))
            for name, at, by in (("earliest", begin, -step), ("latest", end, step))
        }
        return lock.model_copy(update={"start": None, **room})

    locks = tuple(roomy(lock) if number in between else lock for number, lock in enumerate(scenario.locks))
    return scenario if locks == scenario.locks else scenario.model_copy(update={"locks": locks})


def keeps_locks(scenario: Case, schedule: xr.Dataset) -> bool:
    """Whether the starts of a schedule keep all locks as they stand."""
    starts = ((window, schedule["start_min"].sel(heat=h, stage=k)) for (h, k), window in scenario.lock_windows.items())
    return not any(window.missed_min(float(start)) for window, start in starts)
