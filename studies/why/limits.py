"""Limits that prevent a heat from starting elsewhere while all others stay where they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from emberline.models import line
from emberline.scenarios import Scenario
from emberline.scenarios.messages import Message, mark

CLOSE = 1e-9


def place_of(starts: line.Starts, key: line.Key) -> tuple[int, int]:
    """Unit and start slot of an operation or a cast."""
    h, i = key
    return (starts.cast_unit[i], starts.cast_slot[i]) if h < 0 else (starts.unit[h][i], starts.slot[h][i])


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
            for i in range(len(heat.operations)):
                self._take((h, i), Message("heat {heat}", heat=heat.name))
        for c, cast in enumerate(problem.casts):
            self._take((-1, c), Message("cast {order}", order=scenario.orders[cast.order].name))

    def _take(self, key: line.Key, who: Message) -> None:
        unit, begin = place_of(self.starts, key)[0], self.begin(key) / self.problem.step_min
        slots = self.problem.work(key).occupy[unit]
        self.occupied.setdefault(unit, []).append((begin, begin + slots, key, who))

    def begin(self, key: line.Key) -> float:
        """Start of an operation or a cast [min]."""
        return self.starts.minute(self.problem, key)

    def in_the_way(self, key: line.Key, slot: int, unit: int | None = None) -> list[Message]:
        """Limits that an operation or a cast would break in a slot, in words; empty: it could start there."""
        u = place_of(self.starts, key)[0] if unit is None else unit
        limits = (*self._window(key, slot, u), *self._on_unit(key, slot, u), *self._lags(key, slot, u))
        return list(dict.fromkeys(limits))

    def _at(self, slots: float) -> datetime:
        return self.scenario.horizon.instant(float(slots * self.problem.step_min))

    def _window(self, key: line.Key, slot: int, u: int) -> Iterator[Message]:
        problem, horizon = self.problem, self.scenario.horizon
        order = self.scenario.orders[(problem.casts[key[1]] if key[0] < 0 else problem.heats[key[0]]).order]
        first, last = problem.work(key).window(u)
        lock = self._lock(key, slot, u)
        if lock and not first <= slot <= last:
            yield lock
            return
        if slot < first:
            release = 0.0 if order.release is None else horizon.minutes(order.release)
            at = horizon.instant(release)
            released = Message("release of order {order}, {time}", order=order.name, time=at)
            yield released if release > 0 else Message("the start of the horizon")
        if slot > last:
            due = min(heat.due_min for heat in self.scenario.heats if heat.order == order.name)
            late = Message("due time of order {order}, {time}", order=order.name, time=horizon.instant(due))
            yield late if order.due is not None or due < horizon.length_min else Message("the end of the horizon")

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

    def _on_unit(self, key: line.Key, slot: int, u: int) -> Iterator[Message]:
        work, step, name = self.problem.work(key), self.problem.step_min, self.problem.units[u]
        slots = work.occupy[u]
        if slot >= 0 and self.problem.is_out(u, slot * step, work.planned[u]):
            yield Message("{name} is not available", name=name)
        for begin, end, other, who in sorted(self.occupied.get(u, [])):
            if other != key and begin < slot + slots - CLOSE and slot < end - CLOSE:
                span = {"begin": self._at(begin), "end": self._at(end)}
                yield Message("{name} is busy with {who} from {begin} to {end}", name=name, who=who, **span)

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
        return place_of(self.starts, key)[1]

    def _lag(
        self, heat: line.Heat, h: int, i: int, row: int, column: int, here: int, there: int, which: str
    ) -> Iterator[Message]:
        """Violated limits on the time from operation i to the next, in words."""
        least, most = heat.least[i][row, column], heat.most[i][row, column]
        stage = self._stage(heat.operations[i])
        if there - here < least:
            if which in ("", "caster"):
                says = mark("heat {heat} is there from {stage} at {time} at the earliest")
                yield Message(says, heat=heat.name, stage=stage, time=self._at(here + least))
            elif which == "cast":
                order = self.scenario.orders[heat.order].name
                says = mark("cast {order} takes it at its place, from {there} on: it would come too late")
                yield Message(says, order=order, there=self._at(there))
            else:
                after = self._stage(heat.operations[i + 1])
                says = mark("{after} of this heat starts at {there}: it would come too late from {stage}")
                yield Message(says, after=after, there=self._at(there), stage=stage)
        if there - here > most:
            longest = self.scenario.line.stages[heat.operations[i].stage].longest_wait_min
            says = mark("heat {heat} may wait {longest:g} min at most after {stage}")
            yield Message(says, heat=heat.name, longest=longest, stage=stage)

    def _stage(self, operation: line.Operation) -> str:
        return self.scenario.line.stages[operation.stage].name
