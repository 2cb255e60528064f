"""Simulation of a line with independent heats: units serve heats first come, first served."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping

import simpy

from emberline.scenarios.line.tables import LineShop
from emberline.twin.line.line import TOLERANCE, after_outages
from emberline.twin.streams import Breakdowns


class Serving:
    """Parallel units that serve independent heats first come, first served.

    A heat that leaves a stage takes the free unit of the next stage that will finish it first. If no unit is free, the
    heat queues. ``rank`` decides between heats that arrive at the same time.
    """

    def __init__(
        self, shop: LineShop, rank: list[int], duration: list[list[float]], failures: Mapping[int, Breakdowns]
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
        busy_until: dict[int, float] = {}
        for (heat, stage), (at, u) in sorted(self.shop.started.items()):
            busy_until[u] = max(busy_until.get(u, -math.inf), self._carry_on(heat, stage, u, at))
        for u, over in busy_until.items():
            if over + self.shop.setup[u] > 0:
                self.free[self.shop.stage_of[u]].remove(u)
                self.env.process(self._back(u, over))
        for heat in self.rank:
            self.env.process(self._heat(heat))
        self.env.run()

    def _carry_on(self, heat: int, stage: int, u: int, at: float) -> float:
        """Continue an operation that started before the horizon. Return its end [min]."""
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
        return sum(stop_min for _, stop_min in stops)

    def _back(self, u: int, over: float) -> Generator[simpy.Event, None, None]:
        """Release a unit after an operation and its set-up."""
        at = over + self.shop.setup[u]
        if at > self.env.now:
            yield self.env.timeout(at - self.env.now)
        self.free[self.shop.stage_of[u]].append(u)
        self._serve(self.shop.stage_of[u])

    def _serve(self, stage: int) -> None:
        queue, free = self.queue[stage], self.free[stage]
        place = 0
        while free and place < len(queue):
            heat, source, event = queue[place]
            unit = self._choose(heat, source, free)
            if unit < 0:  # no free unit can process this heat; a later heat in the queue may fit
                place += 1
                continue
            del queue[place]
            free.remove(unit)
            event.succeed(unit)

    def _choose(self, heat: int, source: int, free: list[int]) -> int:
        """Free unit that will finish a heat first, ties in file order; -1 if no free unit can process the heat."""
        shop, now = self.shop, self.env.now
        best, unit = math.inf, -1
        for u in sorted(free):
            nominal = shop.duration[heat][u]
            if math.isnan(nominal):
                continue
            reach = 0.0
            if source >= 0:
                reach = shop.lag[heat][source][u].least - self._shortest(heat, source, shop.stage_of[u])
            at = after_outages(shop.outages[u], now + reach, nominal)
            if at + nominal < best - TOLERANCE:
                best, unit = at + nominal, u
        return unit

    def _shortest(self, heat: int, source: int, stage: int) -> float:
        return min(self.shop.lag[heat][source][u].least for u in self.shop.able(heat, stage))

    def _heat(self, heat: int) -> Generator[simpy.Event, None, None]:
        shop, env = self.shop, self.env
        source, arrived = -1, max(shop.release[heat], 0.0)
        for stage in shop.route[heat]:
            if (heat, stage) in self.rows:
                source, _, arrived = self.rows[heat, stage]
                continue
            if source >= 0:
                arrived += self._shortest(heat, source, stage)
            if arrived > env.now:
                yield env.timeout(arrived - env.now)
            event = env.event()
            self.queue[stage].append((heat, source, event))
            self._serve(stage)
            unit: int = yield event  # type: ignore[assignment]
            at = max(env.now, arrived)
            if source >= 0:
                at = max(at, arrived + shop.lag[heat][source][unit].least - self._shortest(heat, source, stage))
            at = after_outages(shop.outages[unit], at, shop.duration[heat][unit])
            working = self.duration[heat][unit]
            finish = at + working + self._halt(heat, stage, unit, at, working)
            yield env.timeout(finish - env.now)
            self.rows[heat, stage] = unit, at, finish
            source, arrived = unit, finish
            if shop.setup[unit]:
                env.process(self._back(unit, finish))
            else:
                self.free[stage].append(unit)
                self._serve(stage)
