"""The machine: its states, the ways between them, and the gaps that a state is good for."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from functools import cached_property

from pydantic import Field

from emberline.scenarios.records.base import NAME, Record
from emberline.scenarios.records.quantity import Megawatts, Minutes

TOLERANCE_MIN = 1e-6
"""Less than this above whole slots is rounding, not another slot."""
TOLERANCE_MWH = 1e-9
"""A state that saves less than this is not left for."""


class EnergyState(Record):
    """A state that the machine can stay in without working."""

    name: str = Field(pattern=NAME)
    power_mw: Megawatts


class Transition(Record):
    """A way from one state to another; it is not interrupted."""

    start: str
    end: str
    duration_min: Minutes
    power_mw: Megawatts = 0
    """Drawn all the way through."""

    def check(self) -> None:
        if self.start == self.end:
            raise ValueError(f"a transition from {self.start} to itself is none")
        if self.duration_min == 0 and self.power_mw > 0:
            raise ValueError(f"the transition from {self.start} to {self.end} takes no time, so its power_mw must be 0")

    @property
    def energy_mwh(self) -> float:
        """Energy from start to end [MWh]."""
        return self.power_mw * self.duration_min / 60


class EnergyStates(Record):
    """The states of a machine, how it changes between them, and where it begins and ends."""

    states: tuple[EnergyState, ...] = Field(min_length=1)
    transitions: tuple[Transition, ...] = ()
    ready: str
    """State in which work begins and ends."""
    initial: str | None = None
    """State at the start; none: the ready one."""
    final: str | None = None
    """State wanted at the end; none: that of the start."""

    def check(self) -> None:
        names = [state.name for state in self.states]
        doubled = [name for name in names if names.count(name) > 1]
        if doubled:
            raise ValueError(f"there are two states {doubled[0]}")
        named = [("ready", self.ready), ("initial", self.initial), ("final", self.final)]
        named += [("transitions", name) for way in self.transitions for name in (way.start, way.end)]
        for key, name in named:
            if name is not None and name not in names:
                raise ValueError(f"{key}: there is no state {name}, only {', '.join(names)}")
        for start, end in ((self.start_index, self.ready_index), (self.ready_index, self.end_index)):
            if self.route(start, end) is None:
                raise ValueError(f"no transitions lead from {names[start]} to {names[end]}")

    @cached_property
    def index(self) -> dict[str, int]:
        """Place of each state by its name."""
        return {state.name: i for i, state in enumerate(self.states)}

    @property
    def ready_index(self) -> int:
        """Place of the ready state."""
        return self.index[self.ready]

    @property
    def start_index(self) -> int:
        """Place of the state at the start."""
        return self.index[self.ready if self.initial is None else self.initial]

    @property
    def end_index(self) -> int:
        """Place of the state wanted at the end."""
        return self.start_index if self.final is None else self.index[self.final]

    def route(self, start: int, end: int) -> tuple[int, ...] | None:
        """The fastest transitions from one state to another, of equally fast ones those with the least energy."""
        heap: list[tuple[float, float, int, tuple[int, ...]]] = [(0.0, 0.0, start, ())]
        visits: set[int] = set()
        while heap:
            minutes, energy, place, path = heapq.heappop(heap)
            if place == end:
                return path
            if place in visits:
                continue
            visits.add(place)
            for k, way in enumerate(self.transitions):
                if self.index[way.start] == place:
                    candidate = (minutes + way.duration_min, energy + way.energy_mwh, self.index[way.end], (*path, k))
                    heapq.heappush(heap, candidate)
        return None

    def minutes(self, route: Sequence[int]) -> float:
        """Total duration of some transitions [min]."""
        return sum(self.transitions[k].duration_min for k in route)

    @cached_property
    def _ways(self) -> dict[tuple[int, int], tuple[float, float]]:
        """Minutes and energy [MWh] of the fastest way by its two ends; ends that no way joins are left out."""
        places = range(len(self.states))
        routes = {(i, j): self.route(i, j) for i in places for j in places}
        return {
            ends: (self.minutes(route), sum(self.transitions[k].energy_mwh for k in route))
            for ends, route in routes.items()
            if route is not None
        }

    def excursion_mwh(self, state: int, gap_min: float, start: int | None = None, end: int | None = None) -> float:
        """Energy of a gap spent in a state, the ways there and on included; infinite where they do not fit.

        Args:
            state: where the gap is spent.
            gap_min: its length.
            start, end: states before and after it; none: the ready one.
        """
        start, end = (self.ready_index if place is None else place for place in (start, end))
        if (start, state) not in self._ways or (state, end) not in self._ways:
            return math.inf
        (there_min, there_mwh), (on_min, on_mwh) = self._ways[start, state], self._ways[state, end]
        staying = gap_min - there_min - on_min
        if staying < -TOLERANCE_MIN:
            return math.inf
        return there_mwh + on_mwh + self.states[state].power_mw * max(staying, 0.0) / 60

    def best_state(self, gap_min: float, start: int | None = None, end: int | None = None) -> int | None:
        """The state in which a gap takes the least energy, of equal ones the nearest; None where none fits.

        Between works there is always one: the ready state. Arguments are those of ``excursion_mwh``.
        """
        start, end = (self.ready_index if place is None else place for place in (start, end))
        reached = [i for i in range(len(self.states)) if (start, i) in self._ways and (i, end) in self._ways]
        best, least = None, math.inf
        for i in sorted(reached, key=lambda i: (self._ways[start, i][0] + self._ways[i, end][0], i != start)):
            energy = self.excursion_mwh(i, gap_min, start, end)
            if energy < least - TOLERANCE_MWH:
                best, least = i, energy
        return best

    @property
    def most_mw(self) -> float:
        """The most that it draws without working."""
        staying = max(state.power_mw for state in self.states)
        return max([staying, *(way.power_mw for way in self.transitions)])

    def break_even_min(self, state: int) -> float:
        """The gap from which a state takes no more energy than waiting ready does; infinite where none does [min]."""
        down, up = self.route(self.ready_index, state), self.route(state, self.ready_index)
        if state == self.ready_index or down is None or up is None:
            return 0.0 if state == self.ready_index else math.inf
        shortest = self.minutes(down) + self.minutes(up)
        more = self.excursion_mwh(state, shortest) - self.states[self.ready_index].power_mw * shortest / 60
        saved_mw = self.states[self.ready_index].power_mw - self.states[state].power_mw
        if more <= 0:
            return shortest if saved_mw >= 0 else math.inf
        return shortest + more / saved_mw * 60 if saved_mw > 0 else math.inf


def idle_pieces(
    states: EnergyStates, works: Iterable[tuple[float, float]], length_min: float
) -> list[tuple[float, float, float]]:
    """States of a machine between its works: each gap is spent in the state that takes the least energy for it.

    Between works it leaves for that state at once and is ready again on the minute; before the first work it comes
    from the initial state, at the end of the horizon it is in the final one. A way to the first work that does not fit
    has begun before the horizon, one to the final state goes on after it: only what lies within counts.

    Args:
        states: the machine.
        works: start and end of each [min]; only what lies within the horizon matters.
        length_min: the horizon.

    Returns:
        Start, end [min] and power [MW] of each piece, in order; gaps shorter than rounding are none.
    """
    pieces: list[tuple[float, float, float]] = []
    at, state = 0.0, states.start_index
    for begin, end in sorted(works):
        if end <= 0 or begin >= length_min:
            continue
        pieces += gap_pieces(states, (at, begin), state, states.ready_index, to_work=True)
        at, state = max(at, end), states.ready_index
    return pieces + gap_pieces(states, (at, length_min), state, states.end_index, to_work=False)


def gap_pieces(
    states: EnergyStates, span: tuple[float, float], start: int, end: int, *, to_work: bool
) -> list[tuple[float, float, float]]:
    """The pieces of one gap between two states.

    Args:
        states: the machine.
        span: start and end of the gap [min].
        start, end: states before and after it.
        to_work: where no way fits, whether it ends with the gap; else it begins with it.

    Returns:
        As ``idle_pieces``.
    """
    first, last = span
    if last - first <= TOLERANCE_MIN:
        return []
    state = states.best_state(last - first, start, end)
    if state is None:
        ways = states.route(start, end) or ()
        return _go(states, ways, last - states.minutes(ways) if to_work else first, span)
    there, on = states.route(start, state) or (), states.route(state, end) or ()
    away, back = first + states.minutes(there), last - states.minutes(on)
    stay = [(away, back, states.states[state].power_mw)] if back > away else []
    return [*_go(states, there, first, span), *stay, *_go(states, on, back, span)]


def _go(
    states: EnergyStates, route: Sequence[int], at: float, span: tuple[float, float]
) -> list[tuple[float, float, float]]:
    """The pieces of transitions one after the other from a moment on, as far as they lie within a span [min]."""
    pieces = []
    for k in route:
        over = at + states.transitions[k].duration_min
        begin, end = max(at, span[0]), min(over, span[1])
        if end > begin:
            pieces.append((begin, end, states.transitions[k].power_mw))
        at = over
    return pieces
