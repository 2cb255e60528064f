"""The line in simulated time: units work off their sequence, or take heats first come, first served."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

import simpy

from twin.operations import Operations, Shop
from twin.streams import Breakdowns

TOLERANCE = 1e-6
"""What counts as nothing [min, MW, MWh]: far below any reading, far above the rounding of sums."""
SHORTEST_PATIENCE_MIN = 0.1
"""How long a cast that waits for its heats lets pass at least before it looks again."""


@dataclass
class Course:
    """What happened to each operation; nan where it never took place. Times in minutes."""

    start: list[float]
    end: list[float]
    stops: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    """Standstills by breakdown within an operation: when and how long."""


class Following:
    """Units that follow a list: each works off its sequence, nothing starts earlier than scheduled.

    When reality is late, everything after it shifts right: the order on each unit is kept, and a cast starts only when
    its heats will arrive in time by what is known then, those under way as long before as the plan's margins say. A
    heat whose next stages are later than scheduled is held back before it would wait for them too long.
    """

    def __init__(self, todo: Operations, duration: list[float], failures: Mapping[int, Breakdowns]) -> None:
        n = len(todo)
        self.todo = todo
        self.duration = duration
        self.failures = failures
        self.env = simpy.Environment()
        self.start = [math.nan] * n
        self.end: list[float | None] = [None] * n
        self.waiting: list[simpy.Event | None] = [None] * n
        self.stops: dict[int, list[tuple[float, float]]] = {}
        campaign = todo.shop.campaign
        self._ahead = sorted((i for i in range(n) if todo.stage[i] != campaign), key=todo.scheduled.__getitem__)
        self._open = 0
        self._place = [0] * len(todo.sequence)
        """How many operations of each unit are over."""
        self._latest = 0.0
        """By how much anything has been later than scheduled until now, or will be that is under way [min]."""
        self._slack = max(todo.shop.slack, default=0.0)

    def run(self) -> Course:
        """Run until nothing moves any more."""
        for u, sequence in enumerate(self.todo.sequence):
            if sequence:
                self.env.process(self._unit(u, sequence))
        self.env.run()
        return Course(self.start, [math.nan if end is None else end for end in self.end], self.stops)

    def _unit(self, u: int, sequence: list[int]) -> Generator[simpy.Event, None, None]:
        todo, env, end, waiting = self.todo, self.env, self.end, self.waiting
        shop = todo.shop
        setup, outages, failures = shop.setup[u], shop.outages[u], self.failures.get(u)
        casting = shop.stage_of[u] == shop.campaign
        free, previous = -math.inf, -1
        for place, i in enumerate(sequence):
            b = todo.before[i]
            if b < 0:
                ready = max(shop.release[todo.heat[i]], 0.0)
            else:
                if end[b] is None:
                    waiting[b] = env.event()
                    yield waiting[b]  # type: ignore[misc]
                ready = end[b] + todo.travel[i]  # type: ignore[operator]
            follows = casting and previous >= 0 and todo.same_cast(previous, i)
            at = todo.scheduled[i]
            if todo.started[i]:
                finish = self._finish_started(i, failures)
            else:
                at = max(at, ready, free if follows else free + setup)
                if not follows:
                    if outages:
                        at = _after_outages(outages, at, self._expected(sequence, place))
                    if casting:
                        while True:
                            if at > env.now:
                                yield env.timeout(at - env.now)
                            wanted = self._heats_in_time(sequence, place, at)
                            if wanted <= at + TOLERANCE:
                                break
                            at = max(wanted, at + SHORTEST_PATIENCE_MIN)
                            if outages:
                                at = _after_outages(outages, at, self._expected(sequence, place))
                # lateness is passed on at most: what was never so late holds nobody back
                while self._latest > TOLERANCE and todo.soonest[i] + self._latest + self._slack > at:
                    if at > env.now:
                        yield env.timeout(at - env.now)
                    wanted = self._not_before(i)
                    if wanted <= at + TOLERANCE:
                        break
                    at = max(wanted, at + SHORTEST_PATIENCE_MIN)
                    if outages:
                        at = _after_outages(outages, at, todo.planned[i])
                finish = self._finish(i, at, max(self.duration[i], todo.pace[i]), failures)
            self.start[i] = at
            late = finish - todo.scheduled[i] - todo.planned[i]
            if i in self.stops:
                late += failures.mean_repair  # type: ignore[union-attr]
            self._latest = max(self._latest, late)
            if finish > env.now:
                yield env.timeout(finish - env.now)
            end[i] = free = finish
            self._place[u] = place + 1
            previous = i
            event = waiting[i]
            if event is not None:
                event.succeed()

    def _finish(self, i: int, at: float, working: float, failures: Breakdowns | None) -> float:
        finish = at + working
        if failures is not None:
            stops = failures.during(at, working)
            if stops:
                self.stops[i] = stops
                finish += sum(halt for _, halt in stops)
        return finish

    def _finish_started(self, i: int, failures: Breakdowns | None) -> float:
        """End of an operation that has begun before the horizon: over already, or going on for what remains."""
        todo = self.todo
        at = todo.scheduled[i]
        nominal = at + max(todo.shop.duration[todo.heat[i]][todo.unit[i]], todo.pace[i])
        if nominal <= 0:
            return nominal
        finish = max(at + max(self.duration[i], todo.pace[i]), 0.0)
        if failures is not None:
            stops = failures.during(0.0, finish)
            if stops:
                self.stops[i] = stops
                finish += sum(halt for _, halt in stops)
        return finish

    def _cast(self, sequence: list[int], place: int) -> list[int]:
        """The heats of the cast that begins at a place of a caster's sequence."""
        first = sequence[place]
        length = 1
        while place + length < len(sequence) and self.todo.same_cast(first, sequence[place + length]):
            length += 1
        return sequence[place : place + length]

    def _expected(self, sequence: list[int], place: int) -> float:
        """Planned minutes of an operation, or of the whole cast that it begins."""
        return sum(self.todo.planned[i] for i in self._cast(sequence, place))

    def _not_before(self, i: int) -> float:
        """Earliest start of an operation after which, by what is known now, its heat waits for no stage too long.

        Only what is later than scheduled holds a heat back: the waits of the schedule itself are not mended.
        """
        todo = self.todo
        low = -math.inf
        for j in range(todo.last_of(i), i, -1):
            expected = self._expected_start(j)
            if expected > todo.scheduled[j] + TOLERANCE:
                low = max(low, expected)
            low -= todo.reach(j)
        return low

    def _expected_start(self, i: int) -> float:
        """Expected start of an operation by what its unit has to do before it, of a cast's also by its heats."""
        todo, now = self.todo, self.env.now
        u = todo.unit[i]
        sequence, setup = todo.sequence[u], todo.shop.setup[u]
        first = self._place[u]
        free = self.end[sequence[first - 1]] if first else -math.inf
        assert free is not None
        at = now
        for place in range(first, todo.rank[i] + 1):
            j = sequence[place]
            if not math.isnan(self.start[j]):
                at, free = self.start[j], self._expected_end(j, now)
                continue
            follows = place > 0 and todo.same_cast(sequence[place - 1], j)
            at = max(todo.scheduled[j], free if follows else free + setup, now)
            if not follows and todo.stage[j] == todo.shop.campaign:
                at = self._heats_in_time(sequence, place, at)
            free = at + todo.planned[j]
        return at

    def _heats_in_time(self, sequence: list[int], place: int, at: float) -> float:
        """Earliest start of a cast from ``at`` on at which, by what is known now, each of its heats will be there."""
        todo = self.todo
        cast = self._cast(sequence, place)
        if len(cast) == 1:
            return at
        ends = self._forecast(self.env.now, [todo.before[i] for i in cast])
        wanted, offset = at, 0.0
        for i in cast:
            b = todo.before[i]
            if b >= 0:
                under_way = self.end[b] is None and not todo.started[b]
                slack = todo.shop.slack[todo.stage[b]] if under_way else 0.0
                wanted = max(wanted, ends[b] + todo.travel[i] + slack - offset)
            offset += todo.planned[i]
        return wanted

    def _forecast(self, now: float, asked: list[int]) -> dict[int, float]:
        """Expected end of operations: what is over is known, the rest takes its planned duration in the kept order."""
        todo, end, start = self.todo, self.end, self.start
        ahead = self._ahead
        while self._open < len(ahead) and end[ahead[self._open]] is not None:
            self._open += 1
        ends: dict[int, float] = {}
        missing = set()
        for b in asked:
            known = end[b] if b >= 0 else 0.0
            if known is None:
                missing.add(b)
            else:
                ends[b] = known
        free: dict[int, float] = {}
        setup = todo.shop.setup
        for i in ahead[self._open :]:
            if not missing:
                break
            u = todo.unit[i]
            over = end[i]
            if over is None and math.isnan(start[i]):
                b = todo.before[i]
                at = max(todo.scheduled[i], now)
                if b >= 0:
                    before = end[b]
                    at = max(at, (ends.get(b, now) if before is None else before) + todo.travel[i])
                if u in free:
                    at = max(at, free[u] + setup[u])
                over = at + todo.planned[i]
            elif over is None:
                over = self._expected_end(i, now)
            ends[i] = over
            free[u] = over
            missing.discard(i)
        for b in missing:  # a list whose order cannot be kept: nothing is known of these
            ends[b] = now
        return ends

    def _expected_end(self, i: int, now: float) -> float:
        """Expected end of an operation under way, standstills until now taken in, a repair at its mean time."""
        over = self.start[i] + self.todo.planned[i]
        for at, halt in self.stops.get(i, ()):
            if at + halt <= now:
                over += halt
            elif at <= now:
                failures = self.failures[self.todo.unit[i]]
                return over + now - at + failures.mean_repair
        return max(over, now)


def _after_outages(outages: list[tuple[float, float]], at: float, minutes: float) -> float:
    """Earliest start from ``at`` on at which a unit is available for some minutes."""
    for begin, over in outages:
        if at < over - TOLERANCE and at + minutes > begin + TOLERANCE:
            at = over
    return at


class Serving:
    """Parallel units that serve heats first come, first served; used where nothing couples the heats.

    A heat that leaves a stage takes the free unit of the next one on which it will be done first; where none is free it
    queues. ``rank`` decides between heats that come at the same moment.
    """

    def __init__(
        self, shop: Shop, rank: list[int], duration: list[list[float]], failures: Mapping[int, Breakdowns]
    ) -> None:
        self.shop = shop
        self.rank = rank
        self.duration = duration
        self.failures = failures
        self.env = simpy.Environment()
        self.free = [list(units) for units in shop.units_of]
        self.queue: list[list[tuple[int, int, simpy.Event]]] = [[] for _ in shop.stages]
        self.rows: dict[tuple[int, int], tuple[int, float, float]] = {}
        """Unit, start and end by heat and stage."""
        self.stops: dict[tuple[int, int], list[tuple[float, float]]] = {}

    def run(self) -> None:
        """Run until the last heat has left."""
        begun: dict[int, float] = {}
        for (heat, stage), (at, u) in sorted(self.shop.started.items()):
            begun[u] = max(begun.get(u, -math.inf), self._begun(heat, stage, u, at))
        for u, over in begun.items():
            if over + self.shop.setup[u] > 0:
                self.free[self.shop.stage_of[u]].remove(u)
                self.env.process(self._back(u, over))
        for heat in self.rank:
            self.env.process(self._heat(heat))
        self.env.run()

    def _begun(self, heat: int, stage: int, u: int, at: float) -> float:
        """Continue an operation that has begun before the horizon; returns its end."""
        finish = at + self.shop.duration[heat][u]
        if finish > 0:
            finish = max(at + self.duration[heat][u], 0.0)
            finish += self._halt(heat, stage, u, 0.0, finish)
        self.rows[heat, stage] = u, at, finish
        return finish

    def _halt(self, heat: int, stage: int, u: int, at: float, working: float) -> float:
        failures = self.failures.get(u)
        stops = failures.during(at, working) if failures is not None else []
        if stops:
            self.stops[heat, stage] = stops
        return sum(halt for _, halt in stops)

    def _back(self, u: int, over: float) -> Generator[simpy.Event, None, None]:
        """A unit becomes free after an operation and its set-up."""
        at = over + self.shop.setup[u]
        if at > self.env.now:
            yield self.env.timeout(at - self.env.now)
        self.free[self.shop.stage_of[u]].append(u)
        self._serve(self.shop.stage_of[u])

    def _serve(self, stage: int) -> None:
        queue, free = self.queue[stage], self.free[stage]
        place = 0
        while free and place < len(queue):
            heat, left, event = queue[place]
            unit = self._choose(heat, left, free)
            if unit < 0:  # none of the free units can take this heat; one behind it may fit
                place += 1
                continue
            del queue[place]
            free.remove(unit)
            event.succeed(unit)

    def _choose(self, heat: int, left: int, free: list[int]) -> int:
        """The free unit on which a heat will be done first, the first in the file among equals; -1 where none can."""
        shop, now = self.shop, self.env.now
        best, unit = math.inf, -1
        for u in sorted(free):
            nominal = shop.duration[heat][u]
            if math.isnan(nominal):
                continue
            reach = 0.0
            if left >= 0:
                reach = shop.transfer[left][u] - self._shortest(heat, left, shop.stage_of[u])
            at = _after_outages(shop.outages[u], now + reach, nominal)
            if at + nominal < best - TOLERANCE:
                best, unit = at + nominal, u
        return unit

    def _shortest(self, heat: int, left: int, stage: int) -> float:
        return min(self.shop.transfer[left][u] for u in self.shop.able(heat, stage))

    def _heat(self, heat: int) -> Generator[simpy.Event, None, None]:
        shop, env = self.shop, self.env
        left, arrived = -1, max(shop.release[heat], 0.0)
        for stage in shop.route[heat]:
            if (heat, stage) in self.rows:
                left, _, arrived = self.rows[heat, stage]
                continue
            if left >= 0:
                arrived += self._shortest(heat, left, stage)
            if arrived > env.now:
                yield env.timeout(arrived - env.now)
            event = env.event()
            self.queue[stage].append((heat, left, event))
            self._serve(stage)
            unit: int = yield event  # type: ignore[assignment]
            at = max(env.now, arrived)
            if left >= 0:
                at = max(at, arrived + shop.transfer[left][unit] - self._shortest(heat, left, stage))
            at = _after_outages(shop.outages[unit], at, shop.duration[heat][unit])
            working = self.duration[heat][unit]
            finish = at + working + self._halt(heat, stage, unit, at, working)
            yield env.timeout(finish - env.now)
            self.rows[heat, stage] = unit, at, finish
            left, arrived = unit, finish
            if shop.setup[unit]:
                env.process(self._back(unit, finish))
            else:
                self.free[stage].append(unit)
                self._serve(stage)
