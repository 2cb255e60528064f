"""Energy states of a machine: off, standby, idle, and the timed and powered transitions between them.

Work begins and ends in the *ready* state; what it draws meanwhile belongs to the work. A plan on a grid lets every
transition begin with a slot and takes ⌈duration/step⌉ slots for it; in what is left of the last one the machine is in
the next state already and draws its power. So transitions need not be whole steps, and the energy of each slot is that
of the exact machine which follows the plan.

A unit of a line takes in each gap between its works the state that needs the least energy, exact in time
(``idle_pieces``): a rule that whoever knows the works can apply, and that looks at no price.

Reference: Benedikt, Módos, Hanzálek (2020), Power of pre-processing: production scheduling with variable energy pricing
and power-saving states.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydantic import Field, model_validator

from scenarios.quantity import Megawatts, Minutes
from scenarios.record import NAME, Record

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

    @model_validator(mode="after")
    def _sound(self) -> Transition:
        if self.start == self.end:
            raise ValueError(f"a transition from {self.start} to itself is none")
        if self.duration_min == 0 and self.power_mw > 0:
            raise ValueError(f"the transition from {self.start} to {self.end} takes no time, so its power_mw must be 0")
        return self

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

    @model_validator(mode="after")
    def _sound(self) -> EnergyStates:
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
        return self

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
        done: set[int] = set()
        while heap:
            minutes, energy, place, taken = heapq.heappop(heap)
            if place == end:
                return taken
            if place in done:
                continue
            done.add(place)
            for k, way in enumerate(self.transitions):
                if self.index[way.start] == place:
                    found = (minutes + way.duration_min, energy + way.energy_mwh, self.index[way.end], (*taken, k))
                    heapq.heappush(heap, found)
        return None

    def minutes(self, route: Sequence[int]) -> float:
        """How long some transitions take [min]."""
        return sum(self.transitions[k].duration_min for k in route)

    @cached_property
    def _ways(self) -> dict[tuple[int, int], tuple[float, float]]:
        """Minutes and energy [MWh] of the fastest way by its two ends; ends that no way joins are left out."""
        places = range(len(self.states))
        found = {(i, j): self.route(i, j) for i in places for j in places}
        return {
            ends: (self.minutes(route), sum(self.transitions[k].energy_mwh for k in route))
            for ends, route in found.items()
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
    """What a machine does outside its works, each gap spent in the state that takes the least energy for it.

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
    found: list[tuple[float, float, float]] = []
    at, state = 0.0, states.start_index
    for begin, end in sorted(works):
        if end <= 0 or begin >= length_min:
            continue
        found += _gap(states, (at, begin), state, states.ready_index, to_work=True)
        at, state = max(at, end), states.ready_index
    return found + _gap(states, (at, length_min), state, states.end_index, to_work=False)


def _gap(
    states: EnergyStates, span: tuple[float, float], start: int, end: int, *, to_work: bool
) -> list[tuple[float, float, float]]:
    """The pieces of one gap, by start and end [min], between two states."""
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
    found = []
    for k in route:
        over = at + states.transitions[k].duration_min
        begin, end = max(at, span[0]), min(over, span[1])
        if end > begin:
            found.append((begin, end, states.transitions[k].power_mw))
        at = over
    return found


@dataclass(frozen=True)
class Move:
    """A transition that a plan begins at a moment."""

    at_min: float
    transition: int


@dataclass(frozen=True)
class Work:
    """Work that a plan begins at a moment; the machine must be ready."""

    at_min: float
    duration_min: float
    power_mw: float


@dataclass(frozen=True)
class Leg:
    """An arc of the time-expanded graph, the same from every slot: a transition, or a slot spent in a state."""

    start: int
    end: int
    transition: int | None
    """Place of the transition; none: staying."""
    energy_mwh: np.ndarray
    """Energy by slot from the first, shape (slots,)."""

    @property
    def slots(self) -> int:
        """How many slots it takes; a transition without duration takes none."""
        return len(self.energy_mwh)

    def costs(self, price: np.ndarray) -> np.ndarray:
        """What it costs from each slot, shape (n_slots + 1 - slots,); prices per MWh, shape (n_slots,)."""
        if not self.slots:
            return np.zeros(len(price) + 1)
        if self.slots > len(price):
            return np.zeros(0)
        return np.lib.stride_tricks.sliding_window_view(price, self.slots) @ self.energy_mwh


def slots(duration_min: float, step_min: float) -> int:
    """Whole slots that a duration needs."""
    return max(math.ceil((duration_min - TOLERANCE_MIN) / step_min), 0)


def legs(states: EnergyStates, step_min: float) -> tuple[Leg, ...]:
    """The arcs of the time-expanded graph: staying in each state, then each transition, rounded up to slots."""
    found = [Leg(i, i, None, np.array([state.power_mw * step_min / 60])) for i, state in enumerate(states.states)]
    for k, way in enumerate(states.transitions):
        start, end = states.index[way.start], states.index[way.end]
        under_way = np.clip(way.duration_min - np.arange(slots(way.duration_min, step_min)) * step_min, 0, step_min)
        energy = way.power_mw * under_way + states.states[end].power_mw * (step_min - under_way)
        found.append(Leg(start, end, k, energy / 60))
    return tuple(found)


def slots_between(states: EnergyStates, step_min: float) -> np.ndarray:
    """Fewest slots from each state to each other, infinite where no way leads, shape (n_states, n_states)."""
    n = len(states.states)
    least = np.where(np.eye(n, dtype=bool), 0.0, np.inf)
    for leg in legs(states, step_min):
        least[leg.start, leg.end] = min(least[leg.start, leg.end], 0.0 if leg.start == leg.end else leg.slots)
    for via in range(n):
        least = np.minimum(least, least[:, [via]] + least[[via], :])
    return least


@dataclass(frozen=True)
class Passage:
    """The cheapest way through a gap."""

    cost: float
    energy_mwh: np.ndarray
    """By slot, shape (n_slots,)."""
    moves: tuple[Move, ...]
    """From the gap's start on."""


def through(
    states: EnergyStates, price: np.ndarray, step_min: float, start: int | None = None, end: int | None = None
) -> Passage | None:
    """The cheapest way through a gap of as many slots as there are prices, by dynamic programming.

    Args:
        states: the machine.
        price: per MWh in each slot, shape (n_slots,)
        step_min: length of a slot [min].
        start, end: states before and after the gap; none: the ready one.

    Returns:
        What it costs and how it goes; None where the gap is too short for any way.
    """
    start, end = (states.ready_index if state is None else state for state in (start, end))
    n, arcs = len(price), legs(states, step_min)
    costs = [leg.costs(price) for leg in arcs]
    best = np.full((n + 1, len(states.states)), np.inf)
    best[0, start] = 0.0
    came: dict[tuple[int, int], tuple[int, int]] = {}
    instant = [k for k, leg in enumerate(arcs) if not leg.slots]
    lasting = [k for k, leg in enumerate(arcs) if leg.slots]
    for t in range(n + 1):
        for k in [*instant * len(states.states), *lasting]:
            leg = arcs[k]
            if t + leg.slots <= n and best[t, leg.start] + costs[k][t] < best[t + leg.slots, leg.end]:
                best[t + leg.slots, leg.end] = best[t, leg.start] + costs[k][t]
                came[t + leg.slots, leg.end] = (k, t)
    if not math.isfinite(best[n, end]):
        return None
    energy, moves, at = np.zeros(n), [], (n, end)
    while at != (0, start):
        k, t = came[at]
        energy[t : t + arcs[k].slots] += arcs[k].energy_mwh
        transition = arcs[k].transition
        if transition is not None:
            moves.append(Move(t * step_min, transition))
        at = (t, arcs[k].start)
    return Passage(float(best[n, end]), energy, tuple(reversed(moves)))


def gap_costs(states: EnergyStates, price: np.ndarray, step_min: float, *, away: bool = False) -> np.ndarray:
    """What the cheapest way costs from ready at each slot's start to ready at each other, or infinite.

    Args:
        states: the machine.
        price: per MWh in each slot, shape (n_slots,)
        step_min: length of a slot [min].
        away: only ways that are not ready in between.

    Returns:
        From row to column, shape (n_slots + 1, n_slots + 1).
    """
    n, arcs, ready = len(price), legs(states, step_min), states.ready_index
    costs = [leg.costs(price) for leg in arcs]
    best = np.full((len(states.states), n + 1, n + 1), np.inf)  # state, slot reached, slot left
    reached = np.full((n + 1, n + 1), np.inf)
    instant = [leg for leg in enumerate(arcs) if not leg[1].slots]
    lasting = [leg for leg in enumerate(arcs) if leg[1].slots]
    for t in range(n + 1):
        if away:
            reached[t] = best[ready, t]
            best[ready, t] = np.inf
        best[ready, t, t] = 0.0
        for k, leg in [*instant * len(states.states), *lasting]:
            if t + leg.slots <= n:
                target = reached if away and leg.end == ready and not leg.slots else best[leg.end]
                np.minimum(target[t + leg.slots], best[leg.start, t] + costs[k][t], out=target[t + leg.slots])
    return (reached if away else best[ready]).T
