"""A machine with energy states in the twin: exact in time, its power constant between events.

It follows a plan, or rules of a baseline between works: with the next work known, the state in which the gap takes the
least energy, as units of a line do (``idle_pieces``); without, ready until the break-even time of the lowest state,
then down to it until work comes.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from benchmarks.machine_states.graph import Move, Work
from emberline.scenarios.energy_states.record import TOLERANCE_MIN, EnergyStates
from emberline.twin.power import Trace

WORKING = "work"
MissedLimit = tuple[str, str, str, float, float, str]
"""Kind, heat (none), machine, when [min], amount and its unit of measure."""


@dataclass(frozen=True)
class Piece:
    """Time of constant power."""

    name: str
    """A state, ``work``, or the transition as ``off > idle``."""
    start_min: float
    end_min: float
    power_mw: float


@dataclass
class Machine:
    """The machine at work: a SimPy actor that writes down what it did."""

    env: simpy.Environment
    states: EnergyStates
    name: str = "machine"
    pieces: list[Piece] = field(default_factory=list)
    late_min: list[float] = field(default_factory=list)
    """How much later than planned each work began."""
    violations: list[MissedLimit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = self.states.start_index
        self._since = self.env.now

    def _record(self, until: float) -> None:
        """Write down the time in a state that has ended."""
        if until > self._since:
            state = self.states.states[self.state]
            self.pieces.append(Piece(state.name, self._since, until, state.power_mw))
        self._since = until

    def violate(self, kind: str, amount: float, measure: str) -> None:
        """Note something that the plan asks for and the machine cannot do."""
        self.violations.append((kind, "", self.name, float(self.env.now), amount, measure))

    def _busy(self, name: str, minutes: float, power_mw: float) -> Generator[simpy.Event, Any, None]:
        began = self.env.now
        self._record(began)
        yield self.env.timeout(minutes)
        if minutes > 0:
            self.pieces.append(Piece(name, began, self.env.now, power_mw))
        self._since = self.env.now

    def go(self, route: Iterable[int]) -> Generator[simpy.Event, Any, None]:
        """Go through transitions one after the other; one that begins in another state is noted and left out."""
        for k in route:
            way = self.states.transitions[k]
            if self.states.index[way.start] != self.state:
                self.violate("state", way.duration_min, "min")
                continue
            yield from self._busy(f"{way.start} > {way.end}", way.duration_min, way.power_mw)
            self.state = self.states.index[way.end]

    def go_to(self, state: int) -> Generator[simpy.Event, Any, None]:
        """Go to a state by the fastest way; without any way it is noted and the machine stays."""
        route = self.states.route(self.state, state)
        if route is None:
            self.violate("state", 0.0, "min")
        else:
            yield from self.go(route)

    def until(self, at_min: float) -> Generator[simpy.Event, Any, None]:
        """Stay in the state until a moment, or not at all where it is over."""
        if at_min > self.env.now:
            yield self.env.timeout(at_min - self.env.now)

    def work(self, work: Work) -> Generator[simpy.Event, Any, None]:
        """Work, after getting ready where the machine is not."""
        if self.state != self.states.ready_index:
            yield from self.go_to(self.states.ready_index)
        self.late_min.append(max(float(self.env.now) - work.at_min, 0.0))
        yield from self._busy(WORKING, work.duration_min, work.power_mw)

    def close(self, end_min: float) -> None:
        """Stay in the last state until the end."""
        self._record(max(end_min, float(self.env.now)))


@dataclass(frozen=True)
class Run:
    """What a machine did."""

    pieces: tuple[Piece, ...]
    """Without gaps from the start to the end."""
    late_min: np.ndarray
    """How much later than planned each work began [min], in order of their plan, shape (n_works,)."""
    violations: tuple[MissedLimit, ...]

    @property
    def trace(self) -> Trace:
        """Its power over time."""
        rows = [(piece.start_min, piece.end_min, piece.power_mw) for piece in self.pieces]
        return Trace(*np.array(rows, dtype=float).reshape(-1, 3).T)

    def at(self, minute: float) -> str:
        """What the machine is doing at a moment, at an event what begins then; empty outside the run."""
        return next((piece.name for piece in self.pieces if piece.start_min <= minute < piece.end_min), "")


def replay(states: EnergyStates, moves: Sequence[Move], works: Sequence[Work], length_min: float) -> Run:
    """Follow a plan of transitions and works.

    Nothing begins earlier than planned. What is asked for in the wrong state, begins late, is not in the wanted
    state at the end or lasts beyond it is a violation: ``state``, ``late``, ``final state``, ``too long``.
    """
    env = simpy.Environment()
    machine = Machine(env, states)

    def follow() -> Generator[simpy.Event, Any, None]:
        # what takes no time comes first at its moment, and of several moves the plan's own order holds
        rows: list[Move | Work] = [*moves, *works]
        steps = [(step.at_min, isinstance(step, Work), i, step) for i, step in enumerate(rows)]
        for at_min, _, _, step in sorted(steps):
            yield from machine.until(at_min)
            late = float(env.now) - at_min
            if late > TOLERANCE_MIN:
                machine.violate("late", late, "min")
            if isinstance(step, Move):
                yield from machine.go((step.transition,))
                continue
            if machine.state != states.ready_index:
                machine.violate("state", step.duration_min, "min")
            yield from machine.work(step)

    return _run(env, machine, follow(), length_min)


def baseline(states: EnergyStates, works: Sequence[Work], length_min: float, *, foreseen: bool = True) -> Run:
    """Let a baseline without a model choose the states.

    Args:
        states: the machine.
        works: in the order of their moments.
        length_min: end of the run; later where works last longer.
        known: whether it knows when the next work begins. If so the machine is ready in time and ends in the wanted
            state. If not, work finds the machine as it is, waits until it is ready, and begins late.
    """
    env = simpy.Environment()
    machine = Machine(env, states)
    rule = _knowing(machine, works, length_min) if foreseen else _surprised(machine, works)
    return _run(env, machine, rule, length_min, final=foreseen)


def _knowing(machine: Machine, works: Sequence[Work], length_min: float) -> Generator[simpy.Event, Any, None]:
    ready = machine.states.ready_index
    for work in works:
        yield from _spend(machine, work.at_min, ready)
        yield from machine.work(work)
    yield from _spend(machine, length_min, machine.states.end_index)


def _spend(machine: Machine, until_min: float, end: int) -> Generator[simpy.Event, Any, None]:
    """Spend a gap where it takes the least energy and be in a state at its end, or as soon as that can be."""
    states = machine.states
    state = states.best_state(until_min - float(machine.env.now), machine.state, end)
    if state is not None:
        yield from machine.go_to(state)
        yield from machine.until(until_min - states.minutes(states.route(state, end) or ()))
    yield from machine.go_to(end)
    yield from machine.until(until_min)


def _surprised(machine: Machine, works: Sequence[Work]) -> Generator[simpy.Event, Any, None]:
    env, states = machine.env, machine.states
    queue: simpy.Store = simpy.Store(env)

    def ordering() -> Generator[simpy.Event, Any, None]:
        for work in works:
            yield env.timeout(max(work.at_min - float(env.now), 0.0))
            yield queue.put(work)

    env.process(ordering())
    paying = [i for i in range(len(states.states)) if math.isfinite(states.break_even_min(i))]
    lowest = min(paying, key=lambda i: states.states[i].power_mw)
    for _ in works:
        coming = queue.get()
        if machine.state == states.ready_index and lowest != machine.state:
            yield coming | env.timeout(states.break_even_min(lowest))
            if not coming.triggered:
                yield from machine.go_to(lowest)
        work = yield coming
        yield from machine.work(work)
    yield env.timeout(states.break_even_min(lowest))
    yield from machine.go_to(lowest)


def _run(
    env: simpy.Environment,
    machine: Machine,
    doing: Generator[simpy.Event, Any, None],
    length_min: float,
    *,
    final: bool = True,
) -> Run:
    env.process(doing)
    env.run()
    if final and machine.state != machine.states.end_index:
        machine.violate("final state", 0.0, "min")
    if env.now > length_min + TOLERANCE_MIN and final:
        machine.violate("too long", float(env.now) - length_min, "min")
    machine.close(length_min)
    return Run(tuple(machine.pieces), np.array(machine.late_min), tuple(machine.violations))
