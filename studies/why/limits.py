"""What is in the way of a heat that would start elsewhere while all others stay where they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from emberline.models import line
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message

CLOSE = 1e-9


class Line:
    """A line with all its heats at their places, of which one operation or cast is looked at elsewhere."""

    def __init__(self, scenario: Scenario, problem: line.SlotProblem, starts: line.Starts) -> None:
        """Take the line.

        Args:
            scenario: whose line it is.
            problem: its slots, without a lock on what is looked at.
            starts: where everything is.
        """
        self.scenario, self.problem, self.starts = scenario, problem, starts
        self.cast_of = problem.cast_of()
        self.occupied: dict[int, list[tuple[float, float, line.Key, Message]]] = {}
        for h, heat in enumerate(problem.heats):
            for i, operation in enumerate(heat.operations):
                u = starts.unit[h][i]
                self._take(
                    u, starts.minute(problem, h, i), operation.occupy[u], (h, i), Message("heat {heat}", heat=heat.name)
                )
        for c, cast in enumerate(problem.casts):
            u, name = starts.cast_unit[c], scenario.orders[cast.order].name
            self._take(u, starts.cast_minute(problem, c), cast.hold[u], (-1, c), Message("cast {order}", order=name))

    def _take(self, u: int, minute: float, slots: int, key: line.Key, who: Message) -> None:
        begin = minute / self.problem.step_min
        self.occupied.setdefault(u, []).append((begin, begin + slots, key, who))

    def begin(self, key: line.Key) -> float:
        """Where an operation or a cast starts [min]."""
        if key[0] < 0:
            return self.starts.cast_minute(self.problem, key[1])
        return self.starts.minute(self.problem, *key)

    def in_the_way(self, key: line.Key, slot: int, unit: int | None = None) -> list[Message]:
        """Limits that an operation or a cast would break in a slot, in words; empty: it could start there."""
        u = self._unit(key) if unit is None else unit
        return list(
            dict.fromkeys([*self._window(key, slot, u), *self._on_unit(key, slot, u), *self._lags(key, slot, u)])
        )

    def _unit(self, key: line.Key) -> int:
        return self.starts.cast_unit[key[1]] if key[0] < 0 else self.starts.unit[key[0]][key[1]]

    def _at(self, slots: float) -> datetime:
        return self.scenario.horizon.instant(float(slots * self.problem.step_min))

    def _window(self, key: line.Key, slot: int, u: int) -> Iterator[Message]:
        problem = self.problem
        if key[0] < 0:
            cast = problem.casts[key[1]]
            order, first, last = cast.order, cast.first[u], cast.last[u]
        else:
            operation = problem.heats[key[0]].operations[key[1]]
            order, first, last = problem.heats[key[0]].order, operation.first, operation.latest(u)
        customer_order = self.scenario.orders[order]
        lock = self._lock(key, slot, u)
        if lock and not first <= slot <= last:
            yield lock
            return
        if slot < first:
            released = customer_order.release is not None and self.scenario.horizon.minutes(customer_order.release) > 0
            yield (
                Message(
                    "release of order {order}, {time}",
                    order=customer_order.name,
                    time=self.scenario.horizon.instant(self._release(order)),
                )
                if released
                else Message("the start of the horizon")
            )
        if slot > last:
            due = min(heat.due_min for heat in self.scenario.heats if heat.order == customer_order.name)
            late = customer_order.due is not None or due < self.scenario.horizon.length_min
            yield (
                Message(
                    "due time of order {order}, {time}",
                    order=customer_order.name,
                    time=self.scenario.horizon.instant(due),
                )
                if late
                else Message("the end of the horizon")
            )

    def _lock(self, key: line.Key, slot: int, u: int) -> Message | None:
        """The planner's lock on an operation, or on any heat of a cast, that forbids a slot; None: there is none."""
        offsets = {key[0]: 0.0}
        if key[0] < 0:
            cast = self.problem.casts[key[1]]
            offsets = dict(zip(cast.heats, cast.offsets[u].tolist(), strict=True))
        for h, offset in offsets.items():
            heat = self.problem.heats[h]
            stage = self.scenario.line.stages[-1].name if key[0] < 0 else self._stage(heat.operations[key[1]])
            window = self.scenario.lock_windows.get((heat.name, stage))
            if window is None:
                continue
            first, last = window.steps(self.problem.step_min, offset)
            if not first <= slot <= last:
                return Message("the lock of heat {heat} at {stage}", heat=heat.name, stage=stage)
        return None

    def _release(self, order: int) -> float:
        release = self.scenario.orders[order].release
        return 0.0 if release is None else self.scenario.horizon.minutes(release)

    def _on_unit(self, key: line.Key, slot: int, u: int) -> Iterator[Message]:
        problem, name = self.problem, self.problem.units[u]
        if key[0] < 0:
            slots, minutes = problem.casts[key[1]].hold[u], problem.casts[key[1]].minutes[u]
        else:
            operation = problem.heats[key[0]].operations[key[1]]
            slots, minutes = operation.occupy[u], operation.planned[u]
        if slot >= 0 and problem.is_out(u, slot * problem.step_min, minutes):
            yield Message("{name} is not available", name=name)
        for begin, end, other, who in sorted(self.occupied.get(u, [])):
            if other != key and begin < slot + slots - CLOSE and slot < end - CLOSE:
                yield Message(
                    "{name} is busy with {who} from {begin} to {end}",
                    name=name,
                    who=who,
                    begin=self._at(begin),
                    end=self._at(end),
                )

    def _lags(self, key: line.Key, slot: int, u: int) -> Iterator[Message]:
        """To the stages before and after; of a cast to all its heats."""
        problem = self.problem
        if key[0] < 0:
            cast = problem.casts[key[1]]
            column = cast.units.index(u)
            for h in cast.heats:
                heat = problem.heats[h]
                if heat.operations:
                    i = len(heat.operations) - 1
                    yield from self._lag(heat, h, i, self._row(h, i), column, self._slot((h, i)), slot, "caster")
            return
        h, i = key
        heat = problem.heats[h]
        row = heat.operations[i].units.index(u)
        if i:
            yield from self._lag(heat, h, i - 1, self._row(h, i - 1), row, self._slot((h, i - 1)), slot, "")
        if i + 1 < len(heat.operations):
            yield from self._lag(heat, h, i, row, self._row(h, i + 1), slot, self._slot((h, i + 1)), "next")
        elif h in self.cast_of:
            c = self.cast_of[h][0]
            column = problem.casts[c].units.index(self.starts.cast_unit[c])
            yield from self._lag(heat, h, i, row, column, slot, self._slot((-1, c)), "cast")

    def _row(self, h: int, i: int) -> int:
        return self.problem.heats[h].operations[i].units.index(self.starts.unit[h][i])

    def _slot(self, key: line.Key) -> int:
        return self.starts.cast_slot[key[1]] if key[0] < 0 else self.starts.slot[key[0]][key[1]]

    def _lag(
        self, heat: line.Heat, h: int, i: int, row: int, column: int, here: int, there: int, which: str
    ) -> Iterator[Message]:
        """What is wrong from operation i to the next, if anything."""
        least, most = heat.least[i][row, column], heat.most[i][row, column]
        stage = self._stage(heat.operations[i])
        if there - here < least:
            if which in ("", "caster"):
                yield Message(
                    "heat {heat} is there from {stage} at {time} at the earliest",
                    heat=heat.name,
                    stage=stage,
                    time=self._at(here + least),
                )
            elif which == "cast":
                order = self.scenario.orders[heat.order].name
                yield Message(
                    "cast {order} takes it at its place, from {there} on: it would come too late",
                    order=order,
                    there=self._at(there),
                )
            else:
                after = self._stage(heat.operations[i + 1])
                yield Message(
                    "{after} of this heat starts at {there}: it would come too late from {stage}",
                    after=after,
                    there=self._at(there),
                    stage=stage,
                )
        if there - here > most:
            longest = self.scenario.line.stages[heat.operations[i].stage].longest_wait_min
            yield Message(
                "heat {heat} may wait {longest:g} min at most after {stage}",
                heat=heat.name,
                longest=longest,
                stage=stage,
            )

    def _stage(self, operation: line.Operation) -> str:
        return self.scenario.line.stages[operation.stage].name
