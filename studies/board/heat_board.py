"""Heats on the planning board: the line's rules as plain numbers, and the violations of a move.

A move is a lock: an operation, or a whole cast, starts at a given step on one of its units. The rules are those of the
search (``models/problem/assignment.py``), without the planner's locks. The page checks them while a bar is dragged, and
they are checked again here when it is dropped. All other operations keep their places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from emberline.models import line
from emberline.planning.answer.uses import SIGNALS, signal
from emberline.planning.plan import replan
from emberline.planning.plan.record import Plan
from emberline.scenarios import Scenario
from emberline.scenarios.case.scenario import ProductionLine
from emberline.scenarios.messages import Message
from emberline.scenarios.records.locks import merged
from emberline.scenarios.records.orders import AnyLock, Lock
from emberline.studies.why.limits import Line

Place = tuple[int, int]
"""Unit and start slot."""


def of_line(plan: Plan) -> HeatBoard | None:
    """Return the board of a line; None if its heats do not start on steps, or its set-ups depend on the sequence."""
    scenario = plan.scenario
    if plan.schedule is None or scenario.by_the_minute:
        return None
    free = replan.with_locks(scenario, ())
    problem = line.from_scenario(free, plan.envelope, like=plan.schedule)
    starts = line.from_schedule(problem, plan.schedule)
    return None if starts is None else HeatBoard(plan, free, problem, starts)


@dataclass(frozen=True)
class HeatBoard:
    """Line of a plan without locks, and the plan's starts."""

    plan: Plan
    free: Scenario
    """Plan's scenario without locks."""
    problem: line.SlotProblem
    starts: line.Starts

    @cached_property
    def key_of(self) -> dict[replan.Operation, line.Key]:
        """Key of each operation that has not started, by heat and stage; heats of a cast share the key of the cast."""
        stages = self.free.line.stages
        keys = {
            (heat.name, stages[operation.stage].name): (h, i)
            for h, heat in enumerate(self.problem.heats) for i, operation in enumerate(heat.operations)
            if operation.started_min is None
        }  # fmt: skip
        for c, cast in enumerate(self.problem.casts):
            if cast.started_min is None:
                keys |= {(self.problem.heats[h].name, stages[-1].name): (-1, c) for h in cast.heats}
        return keys

    def place(self, key: line.Key, starts: line.Starts | None = None) -> Place:
        """Unit and start slot of an operation or a cast; by default the plan's."""
        return (starts or self.starts).place(key)

    def units(self, key: line.Key) -> tuple[int, ...]:
        """Units that can process an operation or a cast."""
        return self.problem.work(key).units

    def offset_min(self, heat: str, key: line.Key, unit: int) -> float:
        """Start of a heat relative to that of its cast [min]; 0 for stages before casting."""
        if key[0] >= 0:
            return 0.0
        cast = self.problem.casts[key[1]]
        number = next(i for i, h in enumerate(cast.heats) if self.problem.heats[h].name == heat)
        return float(cast.offsets[unit][number])

    def operation(self, key: line.Key) -> replan.Operation:
        """Heat and stage of a key; for a cast those of its first heat."""
        stages = self.free.line.stages
        if key[0] < 0:
            return self.problem.heats[self.problem.casts[key[1]].heats[0]].name, stages[-1].name
        heat = self.problem.heats[key[0]]
        return heat.name, stages[heat.operations[key[1]].stage].name

    def lock(self, key: line.Key, place: Place) -> Lock:
        """Return the lock that represents a move.

        Raises:
            ScenarioError: the operation has already started.
        """
        unit, slot = place
        assert self.plan.schedule is not None
        operation, minute = self.operation(key), slot * self.problem.step_min
        return replan.lock(self.free, self.plan.schedule, *operation, minute, self.problem.units[unit])

    def moves(self, locks: Sequence[AnyLock]) -> dict[line.Key, Place]:
        """Places of operations and casts that are locked to a start."""
        places: dict[line.Key, Place] = {}
        index = {name: u for u, name in enumerate(self.problem.units)}
        for (heat, stage), window in merged(ProductionLine.locks_among(locks), self.free.horizon).items():
            key = self.key_of.get((heat, stage))
            if key is None or not window.fixed:
                continue
            unit = self.place(key)[0] if window.unit is None else index[window.unit]
            if unit in self.units(key):
                slot = (window.earliest_min - self.offset_min(heat, key, unit)) / self.problem.step_min
                places[key] = unit, round(slot)
        return places

    def moved(self, places: dict[line.Key, Place]) -> line.Starts:
        """Return the plan's starts with some operations and casts moved."""
        unit, slot = ([list(row) for row in rows] for rows in (self.starts.unit, self.starts.slot))
        cast_unit, cast_slot = list(self.starts.cast_unit), list(self.starts.cast_slot)
        for (h, i), (u, at) in places.items():
            if h < 0:
                cast_unit[i], cast_slot[i] = u, at
            else:
                unit[h][i], slot[h][i] = u, at
        rows = {"unit": tuple(map(tuple, unit)), "slot": tuple(map(tuple, slot))}
        return replace(self.starts, **rows, cast_unit=tuple(cast_unit), cast_slot=tuple(cast_slot))

    def conflicts(self, places: dict[line.Key, Place]) -> list[line.Conflict]:
        """Conflicts after some moves, with everything else as planned; empty if the moves are feasible."""
        return line.conflicts(self.problem, self.moved(places))

    def in_the_way(self, key: line.Key, place: Place, places: dict[line.Key, Place] | None = None) -> list[Message]:
        """Limits that a move violates, in words.

        Args:
            key: operation or cast to move.
            place: its new place.
            places: other moves.
        """
        others = self.moved({k: at for k, at in (places or {}).items() if k != key})
        return Line(self.free, self.problem, others).in_the_way(key, place[1], place[0])

    def rules(self) -> dict[str, Any]:
        """Rules of the line as plain data: works by key, and edges between them with their lags by units."""
        problem, stages = self.problem, self.free.line.stages
        edges = [
            {
                "before": key_text(before),
                "after": key_text(after),
                "lags": {
                    f"{u},{v}": problem.lag((before, after), (u, v))
                    for u in problem.work(before).units
                    for v in problem.work(after).units
                },
            }
            for before, after in problem.links()
        ]
        names = [heat.name for heat in problem.heats]
        works = {
            key_text(key): {
                "name": names[key[0]] if key[0] >= 0 else self.free.orders[problem.casts[key[1]].order].name,
                "stage": stages[work.stage].name if key[0] >= 0 else "",
                "place": self.starts.place(key),
                "started": work.started_min,
                "on": {u: _on(work, u) for u in work.units},
            }
            for key, work in problem.works()
        }
        limits = {"units": problem.units, "outages": problem.outages, "works": works, "edges": edges}
        worth = worth_of(self.plan, problem.per_step)
        return {"step": problem.step_min, "slots": problem.n_slots, **limits, "worth": worth}


def key_text(key: line.Key | None) -> str:
    """Key in the browser's format; empty if there is none."""
    return "" if key is None else f"{key[0]}.{key[1]}"


def _on(work: line.Work, u: int) -> dict[str, float]:
    """Plain data of a work on one of its units."""
    first, last = work.window(u)
    times = {"slots": work.occupy[u], "planned": work.planned[u], "minutes": work.minutes[u]}
    return {"first": first, "last": last, **times, "mwh": float(work.cells[u].sum())}


def worth_of(plan: Plan, per_step: int = 1) -> dict[str, Any]:
    """Value of electricity by the goal in each slot, with its name and unit."""
    worth, kind, unit = signal(plan)
    values = [round(float(value), 3) for value in worth.repeat(per_step)]
    return {"values": values, "says": str(SIGNALS[kind]), "unit": unit}


def undone(locks: Iterable[Lock], board: HeatBoard, key: line.Key) -> tuple[Lock, ...]:
    """Return the locks except those on an operation, or on any heat of a cast."""
    return tuple(lock for lock in locks if board.key_of.get((lock.heat, lock.stage)) != key)
