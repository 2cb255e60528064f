"""Energy states of a machine, transitions between them, and the best state for a gap between operations."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from functools import cached_property

from pydantic import Field

from emberline.scenarios.records.base import NAME, Record
from emberline.scenarios.records.quantity import Megawatts, Minutes

TOLERANCE_MIN = 1e-6
"""Shorter durations are rounding errors [min]."""
TOLERANCE_MWH = 1e-9
"""Smaller savings do not justify another state [MWh]."""


class EnergyState(Record):
    """State in which the machine can remain without working."""

    name: str = Field(pattern=NAME)
    power_mw: Megawatts


class Transition(Record):
    """Transition from one state to another; it cannot be interrupted."""

    start: str
    end: str
    duration_min: Minutes
    power_mw: Megawatts = 0
    """Power during the whole transition."""

    def check(self) -> None:
        if self.start == self.end:
            raise ValueError(f"a transition must lead to another state, not from {self.start} to itself")
        if self.duration_min == 0 and self.power_mw > 0:
            raise ValueError(f"the transition from {self.start} to {self.end} takes no time, so its power_mw must be 0")

    @property
    def energy_mwh(self) -> float:
        """Energy of the transition [MWh]."""
        return self.power_mw * self.duration_min / 60


class EnergyStates(Record):
    """States of a machine and transitions between them, with its initial and final state."""

    states: tuple[EnergyState, ...] = Field(min_length=1)
    transitions: tuple[Transition, ...] = ()
    ready: str
    """State in which operations begin and end."""
    initial: str | None = None
    """State at the start of the horizon; none: the ready state."""
    final: str | None = None
    """Required state at the end of the horizon; none: the initial state."""

    def check(self) -> None:
        names = [state.name for state in self.states]
        doubled = [name for name in names if names.count(name) > 1]
        if doubled:
            raise ValueError(f"there are two states {doubled[0]}")
        named = [("ready", self.ready), ("initial", self.initial), ("final", self.final)]
        named += [("transitions", name) for change in self.transitions for name in (change.start, change.end)]
        for key, name in named:
            if name is not None and name not in names:
                raise ValueError(f"{key}: there is no state {name}, only {', '.join(names)}")
        for start, end in ((self.start_index, self.ready_index), (self.ready_index, self.end_index)):
            if self.route(start, end) is None:
                raise ValueError(f"no transitions lead from {names[start]} to {names[end]}")

    @cached_property
    def index(self) -> dict[str, int]:
        """Index of each state by name."""
        return {state.name: i for i, state in enumerate(self.states)}

    @property
    def ready_index(self) -> int:
        """Index of the ready state."""
        return self.index[self.ready]

    @property
    def start_index(self) -> int:
        """Index of the initial state."""
        return self.index[self.ready if self.initial is None else self.initial]

    @property
    def end_index(self) -> int:
        """Index of the final state."""
        return self.start_index if self.final is None else self.index[self.final]

    def route(self, start: int, end: int) -> tuple[int, ...] | None:
        """Return the fastest transitions from one state to another; ties are broken by lower energy."""
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
        """Return the total duration of a sequence of transitions [min]."""
        return sum(self.transitions[k].duration_min for k in route)

    @cached_property
    def _ways(self) -> dict[tuple[int, int], tuple[float, float]]:
        """Duration [min] and energy [MWh] of the fastest route by its start and end; unreachable pairs are omitted."""
        places = range(len(self.states))
        routes = {(i, j): self.route(i, j) for i in places for j in places}
        return {
            ends: (self.minutes(route), sum(self.transitions[k].energy_mwh for k in route))
            for ends, route in routes.items()
            if route is not None
        }

    def excursion_mwh(self, state: int, gap_min: float, start: int | None = None, end: int | None = None) -> float:
        """Return the energy of a gap spent in a state, including transitions [MWh]; infinite if they do not fit.

        Args:
            state: state during the gap.
            gap_min: length of the gap [min].
            start, end: states before and after the gap; None: the ready state.
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
        """Return the state with the least energy during a gap, the nearest of equal ones; None if no state fits.

        Between operations the ready state always fits. The arguments are those of ``excursion_mwh``.
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
        """Largest power without working [MW]."""
        staying = max(state.power_mw for state in self.states)
        return max([staying, *(way.power_mw for way in self.transitions)])

    def break_even_min(self, state: int) -> float:
        """Return the shortest gap for which a state needs no more energy than the ready state [min], or infinity."""
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
    """Compute the power of a machine between its operations, with each gap spent in the state of least energy.

    The machine changes to that state immediately and is ready again just in time. It is in the initial state before the
    first operation and in the final state at the end of the horizon. If there is not enough time, transitions to the
    first operation begin before the horizon and those to the final state continue after it; only the part within the
    horizon counts.

    Args:
        states: states of the machine.
        works: start and end of each operation [min]; parts outside the horizon are ignored.
        length_min: length of the horizon [min].

    Returns:
        Start [min], end [min] and power [MW] of each piece, in order.
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
    """Compute the pieces of one gap between two states.

    Args:
        states: states of the machine.
        span: start and end of the gap [min].
        start, end: states before and after the gap.
        to_work: if no route fits, whether transitions end with the gap; otherwise they begin with it.

    Returns:
        Pieces as in ``idle_pieces``.
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
    """Return the pieces of consecutive transitions that begin at a given time, clipped to a span [min]."""
    pieces = []
    for k in route:
        over = at + states.transitions[k].duration_min
        begin, end = max(at, span[0]), min(over, span[1])
        if end > begin:
            pieces.append((begin, end, states.transitions[k].power_mw))
        at = over
    return pieces
