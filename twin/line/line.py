"""Simulation of a line whose units follow a given sequence (first come, first served: ``twin.line.first_come``)."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import simpy

from emberline.scenarios.datasets import RecourseKind
from emberline.scenarios.records.disturbances import Recourse
from emberline.twin.line.clock import Environment
from emberline.twin.line.load_management import LoadManagement
from emberline.twin.line.operations import Actual, Operations, SoFar, expected_end
from emberline.twin.run_variables import Act
from emberline.twin.streams import Breakdowns

TOLERANCE = 1e-6
"""Amounts below this count as zero [min, MW, MWh]: far below any reading, far above rounding errors of sums."""
SHORTEST_PATIENCE_MIN = 0.1
"""Minimum time between two checks of whether a waiting cast can start."""
LOOKS_AGAIN_MIN = 5.0
"""Interval at which a caster that may slow down checks when the next heat arrives [min of planned casting]."""


@dataclass
class LineHistory:
    """Start and end of each operation [min]; nan if the operation never took place."""

    start: list[float]
    end: list[float]
    stops: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    """Breakdowns during an operation: time and duration."""
    acts: list[Act] = field(default_factory=list)
    """Recourse actions."""
    new_casts: set[int] = field(default_factory=set)
    """Operations that resume a cast after it was ended early."""
    returns: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Start and end of the second treatment of a heat, by the operation before which the heat was sent back [min]."""


class ListReplay:
    """Replay of a schedule: each unit follows its sequence, and nothing starts earlier than scheduled.

    A delay shifts all later operations. The order on each unit is kept. A cast starts only when all of its heats are
    expected in time; heats in progress must be expected earlier by the margins of the plan. A heat whose next stages
    are delayed is held back if it would otherwise wait too long for these stages.
    """

    def __init__(
        self,
        operations: Operations,
        duration: list[float],
        failures: Mapping[int, Breakdowns],
        recourse: Recourse | None = None,
        load_management: LoadManagement | None = None,
        clock: Environment | None = None,
        so_far: SoFar | None = None,
    ) -> None:
        """Args:
        operations: the operations.
        duration: duration of each operation [min].
        failures: breakdowns by unit, without those of operations that have started.
        recourse: actions available to the dispatcher; None: no action.
        load_management: load management of this run; None: no load management.
        clock: clock of the simulation, set to the time of ``so_far``; None: SimPy's environment.
        so_far: history until now; None: no history.
        """
        n = len(operations)
        self.recourse, self.load_management = recourse, load_management
        self.acts: list[Act] = []
        self.new_casts: set[int] = set()
        self.returns: dict[int, tuple[float, float]] = {}
        self._second_until = [-math.inf] * len(operations.sequence)
        """End of the last second treatment on each unit [min]."""
        self.operations = operations
        self.duration = duration
        self.failures = failures
        self.env: Environment = simpy.Environment() if clock is None else clock
        self.start = [math.nan] * n
        self.end: list[float | None] = [None] * n
        self.waiting: list[Any] = [None] * n
        self.stops: dict[int, list[tuple[float, float]]] = {}
        self._open = 0
        self._place = [0] * len(operations.sequence)
        """Number of completed operations of each unit."""
        self._latest = 0.0
        """Largest delay so far of any operation that has started [min]."""
        self._slack = max(operations.shop.slack, default=0.0)
        self._until = [math.nan] * n
        """End of each operation that has started, set at its start [min]."""
        self._working = [math.nan] * n
        """Working time of each operation without breakdowns [min]."""
        self._casts: dict[int, tuple[float, float, float]] = {}
        """State of casters with adjustable casting time, as in ``Actual.casting``."""
        self.actuals: dict[int, Actual] = {}
        self._from = -math.inf
        """Earliest start of operations that have not started [min]."""
        if so_far is not None:
            self._take_in(so_far)
        for u, sequence in enumerate(operations.sequence):
            if sequence:
                self.env.process(self._unit(u, sequence))

    def _take_in(self, so_far: SoFar) -> None:
        """Continue from a given history."""
        operations = self.operations
        place = {key: i for i, key in enumerate(zip(operations.heat, operations.stage, strict=True))}
        self.actuals = {place[key]: actual for key, actual in so_far.actuals.items()}
        self.returns = {place[key]: span for key, span in so_far.returns.items()}
        self.new_casts = {place[key] for key in so_far.new_casts}
        self.acts, self._latest, self._from = list(so_far.acts), so_far.latest, so_far.now
        for i, (_, over) in self.returns.items():
            u = operations.unit[operations.before[i]]
            self._second_until[u] = max(self._second_until[u], over)
        for i, actual in self.actuals.items():
            self.start[i], self._until[i], self._working[i] = actual.start, actual.end, actual.working
            if actual.stops:
                self.stops[i] = list(actual.stops)
            if actual.casting is not None:
                self._casts[i] = actual.casting
            if actual.end <= so_far.now:
                self.end[i] = actual.end
                self._place[actual.unit] += 1

    def run(self, until: float = math.inf) -> LineHistory:
        """Run until no events are left, or until a given time [min], and return the history."""
        if until == math.inf:
            self.env.run()
        else:
            self.env.run(until)
        end = [math.nan if over is None else over for over in self.end]
        return LineHistory(self.start, end, self.stops, self.acts, self.new_casts, self.returns)

    def so_far(self, now: float) -> SoFar:
        """History until ``now``, the time reached by the simulation; later decisions are left open again."""
        operations, keys = self.operations, list(zip(self.operations.heat, self.operations.stage, strict=True))
        actuals = {}
        for i, at in enumerate(self.start):
            if at <= now:  # not nan
                casting = self._casts.get(i)
                end = math.nan if casting else self._until[i]
                stops = tuple(self.stops.get(i, ()))
                actuals[keys[i]] = Actual(
                    operations.unit[i], at, end, operations.planned[i], self._working[i], stops, casting
                )
        returns = {keys[i]: span for i, span in self.returns.items() if span[0] < span[1] and span[0] <= now}
        new = frozenset(keys[i] for i in self.new_casts)
        return SoFar(now, actuals, returns, new, tuple(act for act in self.acts if act.at_min <= now), self._latest)

    def _unit(self, u: int, sequence: list[int]) -> Generator[Any, None, None]:
        operations, env, end, waiting = self.operations, self.env, self.end, self.waiting
        shop = operations.shop
        outages, failures = shop.outages[u], self.failures.get(u)
        casting = shop.stage_of[u] == shop.campaign
        free = -math.inf
        for place, i in enumerate(sequence):
            b = operations.before[i]
            follows = operations.follows[i]
            actuals = self.actuals.get(i)
            if actuals is None and follows and self.recourse is not None and self._ends_cast(i, free):
                follows = False
            if b < 0 or actuals is not None:
                ready = max(shop.release[operations.heat[i]], 0.0)
            else:
                if end[b] is None:
                    waiting[b] = env.event()
                    yield waiting[b]
                ready = end[b] + operations.travel[i]  # type: ignore[operator]
            at = operations.scheduled[i]
            if actuals is not None:
                at, finish = actuals.start, actuals.end
                if actuals.casting is not None:
                    self.start[i] = at
                    working = yield from self._casting(sequence, place, at, actuals.working, actuals.casting)
                    finish = self._finish(i, at, working, failures)
            elif operations.started[i]:
                finish = self._finish_started(i, failures)
            else:
                at = max(at, ready, free if follows else free + operations.gap[i], self._second_until[u], self._from)
                if i in self.returns:
                    at = max(at, self.returns[i][1] + operations.travel[i])
                if not follows:
                    if outages:
                        at = after_outages(outages, at, self._expected(sequence, place))
                    if casting:
                        while True:
                            if at > env.now:
                                yield env.timeout(at - env.now)
                            target = self._heats_in_time(sequence, place, at)
                            if target <= at + TOLERANCE:
                                break
                            at = max(target, at + SHORTEST_PATIENCE_MIN)
                            if outages:
                                at = after_outages(outages, at, self._expected(sequence, place))
                # only heats that the largest delay so far could affect are held back
                while self._latest > TOLERANCE and operations.soonest[i] + self._latest + self._slack > at:
                    if at > env.now:
                        yield env.timeout(at - env.now)
                    target = self._not_before(i)
                    if target <= at + TOLERANCE:
                        break
                    at = max(target, at + SHORTEST_PATIENCE_MIN)
                    if outages:
                        at = after_outages(outages, at, operations.planned[i])
                if self.recourse is not None and self._returns(i, at):
                    at = yield from self._again(i, at)
                working = max(self.duration[i], operations.pace[i])
                # load management acts on first stages only, where no heat cools, and interrupts no cast
                if self.load_management is not None and b < 0 and not casting:
                    at, working = self._managed(i, at, working)
                if self.recourse is not None and casting and self._casts_on(sequence, place):
                    self.start[i] = at
                    working = yield from self._casting(sequence, place, at, working)
                finish = self._finish(i, at, working, failures)
            self.start[i], self._until[i] = at, finish
            late = finish - operations.scheduled[i] - operations.planned[i]
            if i in self.stops:
                late += failures.mean_repair  # type: ignore[union-attr]
            self._latest = max(self._latest, late)
            over = finish
            if place + 1 < len(sequence):
                # on a line with one stage the next heat may enter before the present heat has left
                over += min(operations.gap[sequence[place + 1]], 0.0)
            if over > env.now:
                yield env.timeout(over - env.now)
            end[i] = free = finish
            self._place[u] = place + 1
            event = waiting[i]
            if event is not None:
                event.succeed()

    def _managed(self, i: int, at: float, working: float) -> tuple[float, float]:
        """Start of an operation permitted by load management, and its duration [min]."""
        assert self.load_management is not None
        assert self.recourse is not None
        begin, share = self.load_management.start(i, at)
        if begin > at:
            cost = (begin - at) / 60 * self.recourse.start_later_cost_per_h
            self._act(RecourseKind.START_LATER, i, at, begin - at, cost)
        longer = working * share / (1 - share)
        if longer:
            self._act(RecourseKind.LESS_POWER, i, at, longer, longer / 60 * self.recourse.less_power_cost_per_h)
        return begin, working + longer

    def _ends_cast(self, i: int, free: float) -> bool:
        """Whether a free caster ends its cast because the next heat is expected too late."""
        assert self.recourse is not None
        b, operations = self.operations.before[i], self.operations
        if len(self.new_casts) >= self.recourse.end_cast_most or b < 0 or operations.started[i]:
            return False
        late = self._forecast(self.env.now, [b])[b] + operations.travel[i] - free
        if late <= self.recourse.end_cast_after_min:
            return False
        self.new_casts.add(i)
        self._act(RecourseKind.END_CAST, i, free, late, self.recourse.end_cast_cost)
        return True

    def _returns(self, i: int, at: float) -> bool:
        """Whether a heat returns to the reheating stage because it has waited longer than tolerated."""
        assert self.recourse is not None
        b, shop = self.operations.before[i], self.operations.shop
        if i in self.returns or len(self.returns) >= self.recourse.return_most or b < 0:
            return False
        if self.operations.stage[b] != shop.reheating:
            return False
        u, h = self.operations.unit, self.operations.heat[i]
        most = shop.lag[h][u[b]][u[i]].most + shop.scenario.tolerances.wait_min
        return at - (self.end[b] or 0.0) > most + TOLERANCE

    def _again(self, i: int, at: float) -> Generator[Any, None, float]:
        """Treat a heat again on its previous unit as soon as that unit is free. Return when the heat is back [min]."""
        operations, env, recourse = self.operations, self.env, self.recourse
        assert recourse is not None
        b = operations.before[i]
        u, begin = operations.unit[b], at + operations.travel[i]
        self.returns[i] = begin, begin
        while True:
            if begin > env.now:
                yield env.timeout(begin - env.now)
            place = self._place[u]
            later = operations.sequence[u][place] if place < len(operations.sequence[u]) else -1
            working = later >= 0 and self.start[later] < begin + recourse.return_min
            if not working and self._second_until[u] <= begin:
                break
            begin = max(env.now + SHORTEST_PATIENCE_MIN, self._second_until[u])
        over = begin + recourse.return_min
        self._second_until[u], self.returns[i] = over, (begin, over)
        heat = operations.heat[i]
        energy = (begin - (self.end[b] or 0.0)) * operations.shop.reheat_mwh_per_min[heat]
        name = operations.shop.units[u]
        self.acts.append(Act(RecourseKind.RETURN, name, begin, energy, "MWh", recourse.return_cost))
        return over + operations.travel[i]

    def _casts_on(self, sequence: list[int], place: int) -> bool:
        """Whether a caster may slow down to wait for the next heat of its cast."""
        assert self.recourse is not None
        follows = place + 1 < len(sequence) and self.operations.follows[sequence[place + 1]]
        return bool(self.recourse.cast_longer_share) and follows and self.operations.before[sequence[place + 1]] >= 0

    def _casting(
        self,
        sequence: list[int],
        place: int,
        at: float,
        working: float,
        under_way: tuple[float, float, float] | None = None,
    ) -> Generator[Any, None, float]:
        """Casting time of a heat [min]; the caster slows down while the next heat is expected late."""
        operations, env, recourse = self.operations, self.env, self.recourse
        assert recourse is not None
        i, j = sequence[place], sequence[place + 1]
        b = operations.before[j]
        if at > env.now:
            yield env.timeout(at - env.now)
        remaining, longer = working, 0.0
        if under_way is not None:
            until, remaining, longer = under_way
            if until > env.now:
                yield env.timeout(until - env.now)
        self._working[i] = working
        while remaining > TOLERANCE:
            ready = self._forecast(env.now, [b])[b] + operations.travel[j]
            slower = min(max(ready - env.now - remaining, 0.0) / remaining, recourse.cast_longer_share)
            part = min(remaining, LOOKS_AGAIN_MIN)
            remaining, longer = remaining - part, longer + part * slower
            self._casts[i] = env.now + part * (1 + slower), remaining, longer
            yield env.timeout(part * (1 + slower))
        self._casts.pop(i, None)
        if longer > TOLERANCE:
            self._act(RecourseKind.CAST_LONGER, i, at, longer, longer / 60 * recourse.cast_longer_cost_per_h)
        return working + longer

    def _act(self, kind: RecourseKind, i: int, at: float, minutes: float, cost: float) -> None:
        self.acts.append(Act(kind, self.operations.shop.units[self.operations.unit[i]], at, minutes, "min", cost))

    def _finish(self, i: int, at: float, working: float, failures: Breakdowns | None) -> float:
        self._working[i] = working
        stops = [] if failures is None else failures.during(at, working)
        if stops:
            self.stops[i] = stops
        return at + working + sum(stop_min for _, stop_min in stops)

    def _finish_started(self, i: int, failures: Breakdowns | None) -> float:
        """End of an operation that started before the horizon: in the past, or after its remaining time."""
        operations = self.operations
        at = operations.scheduled[i]
        nominal = at + max(operations.shop.duration[operations.heat[i]][operations.unit[i]], operations.pace[i])
        if nominal <= 0:
            self._working[i] = 0.0
            return nominal
        return self._finish(i, 0.0, max(at + max(self.duration[i], operations.pace[i]), 0.0), failures)

    def _cast(self, sequence: list[int], place: int) -> list[int]:
        """Operations of the cast that starts at a position in the sequence of a caster."""
        over = place + 1
        while over < len(sequence) and self.operations.follows[sequence[over]] and sequence[over] not in self.new_casts:
            over += 1
        return sequence[place:over]

    def _expected(self, sequence: list[int], place: int) -> float:
        """Planned duration of an operation, or of the whole cast that starts with it [min]."""
        return sum(self.operations.planned[i] for i in self._cast(sequence, place))

    def _not_before(self, i: int) -> float:
        """Earliest start of an operation such that its heat is not expected to wait too long for any later stage.

        Only stages that are later than scheduled hold a heat back. Waits in the schedule itself are not corrected.
        """
        operations = self.operations
        low = -math.inf
        for j in operations.after[i]:
            expected = self._expected_start(j)
            if expected > operations.scheduled[j] + TOLERANCE:
                low = max(low, expected)
            low -= operations.reach[j]
        return low

    def _expected_start(self, i: int) -> float:
        """Expected start of an operation after the earlier ones on its unit; a cast also waits for its heats [min]."""
        operations, now = self.operations, self.env.now
        u = operations.unit[i]
        sequence = operations.sequence[u]
        first = self._place[u]
        free = self.end[sequence[first - 1]] if first else -math.inf
        assert free is not None
        at = now
        for place in range(first, operations.rank[i] + 1):
            j = sequence[place]
            if not math.isnan(self.start[j]):
                at, free = self.start[j], self._expected_end(j, now)
                continue
            follows = operations.follows[j] and j not in self.new_casts
            at = max(operations.scheduled[j], free if follows else free + operations.gap[j], now)
            if not follows and operations.stage[j] == operations.shop.campaign:
                at = self._heats_in_time(sequence, place, at)
            free = at + operations.planned[j]
        return at

    def _heats_in_time(self, sequence: list[int], place: int, at: float) -> float:
        """Earliest start of a cast, not before ``at``, for which all of its heats are expected in time."""
        operations = self.operations
        cast = self._cast(sequence, place)
        if len(cast) == 1:
            return at
        ends = self._forecast(self.env.now, [operations.before[i] for i in cast])
        start, offset = at, 0.0
        for i in cast:
            b = operations.before[i]
            if b >= 0:
                under_way = self.end[b] is None and not operations.started[b]
                slack = operations.shop.slack[operations.stage[b]] if under_way else 0.0
                start = max(start, ends[b] + operations.travel[i] + slack - offset)
            offset += operations.planned[i]
        return start

    def _forecast(self, now: float, places: list[int]) -> dict[int, float]:
        """Expected end of operations: actual if completed, else from planned durations in the order of the schedule."""
        operations, end, start, ahead = self.operations, self.end, self.start, self.operations.ahead
        while self._open < len(ahead) and end[ahead[self._open]] is not None:
            self._open += 1
        ends: dict[int, float] = {}
        missing = set()
        for b in places:
            finish = end[b] if b >= 0 else 0.0
            if finish is None:
                missing.add(b)
            else:
                ends[b] = finish
        free: dict[int, float] = {}
        unit, before, planned, setup = operations.unit, operations.before, operations.planned, operations.shop.setup
        # half of the time of a run is spent here: comparisons are faster than max()
        for i in islice(ahead, self._open, None) if missing else ():
            u, over = unit[i], end[i]
            if over is None:
                begin = start[i]
                if begin == begin:  # in progress (not nan)
                    over = self._expected_end(i, now)
                else:
                    at, b = operations.scheduled[i], before[i]
                    if now > at:
                        at = now
                    if b >= 0:
                        ready = end[b]
                        ready = (ends.get(b, now) if ready is None else ready) + operations.travel[i]
                        if ready > at:
                            at = ready
                    if u in free and free[u] + setup[u] > at:
                        at = free[u] + setup[u]
                    over = at + planned[i]
            ends[i] = free[u] = over
            if i in missing:
                missing.remove(i)
                if not missing:
                    break
        for b in missing:  # the order of the schedule cannot be kept: no forecast is possible
            ends[b] = now
        return ends

    def _expected_end(self, i: int, now: float) -> float:
        """Expected end of an operation in progress, with breakdowns until now; a repair takes its mean time."""
        stops = self.stops.get(i, ())
        mean_repair = self.failures[self.operations.unit[i]].mean_repair if stops else 0.0
        return expected_end(self.start[i] + self.operations.planned[i], stops, now, mean_repair)


def after_outages(outages: list[tuple[float, float]], at: float, minutes: float) -> float:
    """Earliest start, not before ``at``, from which a unit is available for a given time [min]."""
    for begin, over in outages:
        if at < over - TOLERANCE and at + minutes > begin + TOLERANCE:
            at = over
    return at
