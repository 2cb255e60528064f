"""Limits that prevent a heat from starting elsewhere while all others stay in place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from emberline.models import line
from emberline.scenarios import Scenario
from emberline.scenarios.case.line import Stage
from emberline.scenarios.messages import Message, mark

CLOSE = 1e-9


class Line:
    """Line with all its heats in place, used to check other places of one operation or cast."""

    def __init__(self, scenario: Scenario, problem: line.SlotProblem, starts: line.Starts) -> None:
        """Store the line's operations by unit.

        Args:
            scenario: scenario with the line.
            problem: slots of the line, without locks on the operation in question.
            starts: starts of all operations.
        """
        self.scenario, self.problem, self.starts = scenario, problem, starts
        self.begin: dict[line.Key, float] = {}
        """Start of each operation and cast, in slots."""
        self.occupied: dict[int, list[tuple[float, float, line.Key]]] = {}
        for key, work, unit, _, begin_min in starts.placed(problem):
            begin = self.begin[key] = begin_min / problem.step_min
            self.occupied.setdefault(unit, []).append((begin, begin + work.occupy[unit], key))

    def key(self, h: int, stage: int) -> line.Key:
        """Key of a heat at a stage: that of its operation, or of its cast."""
        operations = enumerate(self.problem.heats[h].operations)
        i = next((i for i, operation in operations if operation.stage == stage), None)
        return (h, i) if i is not None else (-1, self.problem.cast_of()[h][0])

    def _name(self, key: line.Key) -> Message:
        if key[0] < 0:
            return Message("cast {order}", order=self.scenario.orders[self.problem.casts[key[1]].order].name)
        return Message("heat {heat}", heat=self.problem.heats[key[0]].name)

    def in_the_way(self, key: line.Key, slot: int, unit: int | None = None) -> list[Message]:
        """Limits that an operation or a cast would violate in a slot, in words; empty if the start is possible."""
        u = self.starts.place(key)[0] if unit is None else unit
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
        stage = self._stage(key).name
        for h, offset in offsets.items():
            heat = self.problem.heats[h]
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
        for begin, end, other in sorted(self.occupied.get(u, [])):
            if other != key and begin < slot + slots - CLOSE and slot < end - CLOSE:
                span = {"begin": self._at(begin), "end": self._at(end)}
                yield Message(
                    "{name} is busy with {who} from {begin} to {end}", name=name, who=self._name(other), **span
                )

    def _lags(self, key: line.Key, slot: int, u: int) -> Iterator[Message]:
        """Yield violated lags to the stages before and after; for a cast, those of all its heats."""
        for link in self.problem.links():
            if key not in link:
                continue
            before, after = link
            (one, here), (other, there) = ((u, slot) if part == key else self.starts.place(part) for part in link)
            least, most = self.problem.lag(link, (one, other))
            heat, stage = self.problem.heats[before[0]], self._stage(before)
            if there - here < least:
                if after == key:
                    text = mark("heat {heat} is there from {stage} at {time} at the earliest")
                    yield Message(text, heat=heat.name, stage=stage.name, time=self._at(here + least))
                elif after[0] < 0:
                    order = self.scenario.orders[heat.order].name
                    text = mark("cast {order} takes it at its place, from {there} on: it would come too late")
                    yield Message(text, order=order, there=self._at(there))
                else:
                    text = mark("{after} of this heat starts at {there}: it would come too late from {stage}")
                    yield Message(text, after=self._stage(after).name, there=self._at(there), stage=stage.name)
            if there - here > most:
                text = mark("heat {heat} may wait {longest:g} min at most after {stage}")
                yield Message(text, heat=heat.name, longest=stage.longest_wait_min, stage=stage.name)

    def _stage(self, key: line.Key) -> Stage:
        return self.scenario.line.stages[self.problem.work(key).stage]
