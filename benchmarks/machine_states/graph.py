"""A machine on a grid: the time-expanded graph of states and slots, the cheapest ways through it, moves and works."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from emberline.scenarios.energy_states.record import TOLERANCE_MIN, EnergyStates


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
        """Cost from each slot, shape (n_slots + 1 - slots,), by prices per MWh, shape (n_slots,)."""
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
    legs_of_states = [
        Leg(i, i, None, np.array([state.power_mw * step_min / 60])) for i, state in enumerate(states.states)
    ]
    for k, way in enumerate(states.transitions):
        start, end = states.index[way.start], states.index[way.end]
        under_way = np.clip(way.duration_min - np.arange(slots(way.duration_min, step_min)) * step_min, 0, step_min)
        energy = way.power_mw * under_way + states.states[end].power_mw * (step_min - under_way)
        legs_of_states.append(Leg(start, end, k, energy / 60))
    return tuple(legs_of_states)


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
    """Cost of the cheapest way from ready at each slot's start to ready at each other; infinite where there is none.

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
