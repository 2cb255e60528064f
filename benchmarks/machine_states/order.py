"""The cheapest order of works of given lengths on one machine with energy states, at prices known beforehand.

A work is an arc of the time-expanded graph of ``benchmarks.machine_states.model``, and works count by length only: the
model grows with slots and lengths, not with works. It is a shortest path with a few counts to keep, which Benedikt,
Módos, Hanzálek (2020), Power of pre-processing, solve by ILP-SPACES; here the search is confined by multipliers first.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo

from benchmarks.machine_states.graph import Leg, Move, slots_between
from benchmarks.machine_states.model import TOLERANCE, Arc, add, moves, steps
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint
from emberline.models.kernel.highs import Outcome, solve
from emberline.models.kernel.templates import building
from emberline.scenarios.energy_states.record import EnergyStates

FIRST_WINDOW = 5e-4
"""How far above its bound the optimum is looked for first, relative; four times as far when it is not there."""
SMALLEST_WINDOW = 1e-2
"""The same for a bound near zero, as a share of an arc's mean cost."""


@dataclass(frozen=True)
class Order:
    """The cheapest order found for works on one machine."""

    status: str
    """``optimal``, ``feasible``, ``infeasible`` or ``none`` (none found in time)."""
    cost: float | None = None
    """Of all energy, recomputed from prices."""
    bound: float | None = None
    """No order costs less."""
    starts: tuple[tuple[int, int], ...] = ()
    """Slot and length in slots of each work, in order."""
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True)
class _Graph:
    """States, slots and works as one graph, arcs as arrays: shape (n_arcs,) each, in the order of their slots."""

    states: EnergyStates
    lengths: Mapping[int, int]
    price: np.ndarray
    step_min: float
    places: list[Arc]
    """Place of the leg and its slot; for work the length in slots, negative."""
    tail: np.ndarray
    head: np.ndarray
    cost: np.ndarray
    length: np.ndarray
    """Of work in slots; 0: no work."""
    n_nodes: int
    source: int
    sink: int

    @classmethod
    def of(
        cls, states: EnergyStates, lengths: Mapping[int, int], power_mw: float, price: np.ndarray, step_min: float
    ) -> _Graph:
        n, size = len(price), len(states.states)
        arcs, first, last = steps(states, step_min, n)
        kinds = list(enumerate(arcs))
        for slots in lengths:
            kinds.append(
                (-slots, Leg(states.ready_index, states.ready_index, None, np.full(slots, power_mw / 60 * step_min)))
            )
        rows = []
        for k, leg in kinds:
            costs = leg.costs(price)
            for t in range(n + 1 - leg.slots):
                if first[leg.start] <= t and t + leg.slots <= last[leg.end]:
                    nodes = (t * size + leg.start, (t + leg.slots) * size + leg.end)
                    rows.append((t, leg.slots > 0, k, *nodes, float(costs[t]), max(-k, 0)))
        rows.sort()
        slot, _, kind, tail, head, cost, length = (np.array(column) for column in zip(*rows, strict=True))
        places = list(zip(kind.tolist(), slot.tolist(), strict=True))
        ends = (states.start_index, n * size + states.end_index)
        return cls(states, lengths, price, step_min, places, tail, head, cost, length, (n + 1) * size, *ends)

    def multipliers(self, time_limit: float) -> dict[int, float] | None:
        """Price of a work of each length at the relaxation's optimum, from its dual: node potentials below costs."""
        model = pyo.ConcreteModel()
        with building():
            model.potential = Variable(sorted({*self.tail.tolist(), *self.head.tolist()}))
            model.worth = Variable(list(self.lengths))
            model.potential[self.source].fix(0)
            arcs = list(zip(*(row.tolist() for row in (self.tail, self.head, self.length)), strict=True))
            model.ARC = pyo.RangeSet(0, len(arcs) - 1)
            model.cost = Series(model.ARC, values=self.cost)
            model.LEG = pyo.Set(initialize=[(i, *arc[:2]) for i, arc in enumerate(arcs) if not arc[2]], dimen=3)
            model.WORK = pyo.Set(initialize=[(i, *arc) for i, arc in enumerate(arcs) if arc[2]], dimen=4)

            @constraint(model, model.LEG)
            def below(m: Any, i: int, tail: int, head: int) -> Any:
                return m.potential[head] - m.potential[tail] <= m.cost[i]

            @constraint(model, model.WORK)
            def worth_below(m: Any, i: int, tail: int, head: int, length: int) -> Any:
                return m.potential[head] - m.potential[tail] + m.worth[length] <= m.cost[i]

            counted = pyo.quicksum(count * model.worth[length] for length, count in self.lengths.items())
            model.goal = pyo.Objective(expr=model.potential[self.sink] + counted, sense=pyo.maximize)
        if not solve(model, work=time_limit, relax=True).has_solution:
            return None
        return {length: float(model.worth[length].value or 0.0) for length in self.lengths}

    def least(self, multipliers: Mapping[int, float]) -> np.ndarray:
        """A bound on what any order with an arc in it costs, shape (n_arcs,); infinite where no path leads through."""
        price = self.cost - np.array([multipliers.get(length, 0.0) for length in self.length.tolist()])
        ahead = self._distances(self.source, self.tail.tolist(), self.head.tolist(), price.tolist())
        back = self._distances(self.sink, self.head.tolist()[::-1], self.tail.tolist()[::-1], price.tolist()[::-1])
        counted = sum(multipliers[length] * count for length, count in self.lengths.items())
        return ahead[self.tail] + price + back[self.head] + counted

    def _distances(self, start: int, tail: list[int], head: list[int], price: list[float]) -> np.ndarray:
        reached = [math.inf] * self.n_nodes
        reached[start] = 0.0
        changed = True
        while changed:  # once, and again only where transitions without duration come in another order
            changed = False
            for a, b, cost in zip(tail, head, price, strict=True):
                if reached[a] + cost < reached[b]:
                    reached[b] = reached[a] + cost
                    changed = True
        return np.array(reached)

    def order(self, stored: np.ndarray, time_limit: float) -> tuple[Outcome, Order]:
        """The best order over some of the arcs."""
        model = pyo.ConcreteModel()
        places = [self.places[i] for i in np.flatnonzero(stored)]
        cost = dict(zip(self.places, self.cost.tolist(), strict=True))
        with building():
            model.start = Variable([(-k, t) for k, t in places if k < 0], domain=pyo.Binary)
            work: dict[int, dict[int, Any]] = {length: {} for length in self.lengths}
            for (length, t), start in model.start.items():
                work[length][t] = start
            if any(len(work[length]) < count for length, count in self.lengths.items()):
                return Outcome("infeasible", None, None, 0.0, 0), Order("infeasible")
            model.machine = pyo.Block()
            n = len(self.price)
            ports = add(
                model.machine, self.states, self.step_min, n, work, whole=True, among={p for p in places if p[0] >= 0}
            )
            model.counted = Rows(
                list(self.lengths), rule=lambda _, length: pyo.quicksum(work[length].values()) == self.lengths[length]
            )
            working = pyo.quicksum(cost[-length, t] * start for (length, t), start in model.start.items())
            model.goal = pyo.Objective(expr=ports.costs(self.price) + working)
        outcome = solve(model, work=time_limit)
        if not outcome.has_solution:
            return outcome, Order(outcome.status)
        starts = sorted((t, length) for (length, t), start in model.start.items() if start.value > 0.5)
        path = moves(model.machine, self.states, self.step_min, n, work)
        return outcome, Order(outcome.status, float(pyo.value(model.goal)), outcome.bound, tuple(starts), path)


def cheapest(
    states: EnergyStates,
    lengths: Mapping[int, int],
    power_mw: float,
    price: np.ndarray,
    step_min: float,
    *,
    time_limit: float,
) -> Order:
    """Works in any order, none interrupted, at least cost of all energy; the optimum, where time suffices.

    Multipliers on the counts turn the problem into a shortest path, whose best value is that of the relaxation. An arc
    of which every path costs more than some sum is in no order that costs at most that. So the optimum is looked for
    among the arcs within a window above the bound, and the window is widened where the optimum is not in it.

    Args:
        states: the machine.
        lengths: how many works there are of each length in slots.
        power_mw: what work draws.
        price: per MWh in each slot, shape (n_slots,)
        step_min: length of a slot [min].
        time_limit: seconds.

    Returns:
        The order; infeasible exactly where the works, one after the other, do not fit between the ways up and down.
    """
    until = time.perf_counter() + time_limit
    lengths = {length: count for length, count in lengths.items() if count}
    if slots_needed(states, lengths, step_min) > len(price):
        return Order("infeasible")
    graph = _Graph.of(states, lengths, power_mw, price, step_min)
    multipliers = graph.multipliers(time_limit)
    if multipliers is None:
        return Order("none")
    least = graph.least(multipliers)
    root = bound = float(least.min())
    window = max(FIRST_WINDOW * abs(root), SMALLEST_WINDOW * float(np.abs(graph.cost).mean()))
    best = Order("none")
    while True:
        stored = np.isfinite(least) & (least <= root + window + TOLERANCE * max(1.0, abs(root)))
        outcome, result = graph.order(stored, until - time.perf_counter())
        beyond = math.inf if stored.sum() == np.isfinite(least).sum() else root + window
        within = math.inf if outcome.status == "infeasible" else outcome.bound
        bound = max(bound, min(beyond, bound if within is None else within))
        if result.cost is not None and (best.cost is None or result.cost < best.cost):
            best = result
        if best.cost is not None and bound >= best.cost - TOLERANCE * max(1.0, abs(best.cost)):
            return replace(best, status="optimal", bound=min(bound, best.cost))
        if outcome.status not in ("optimal", "infeasible"):
            return replace(best, status="none" if best.cost is None else "feasible", bound=bound)
        window = 4 * window if best.cost is None else best.cost - root


def slots_needed(states: EnergyStates, lengths: Mapping[int, int], step_min: float) -> int:
    """Slots that works take at least, with the ways from the first state and to the last."""
    least, ready = slots_between(states, step_min), states.ready_index
    if not lengths:
        return int(least[states.start_index, states.end_index])
    ways = least[states.start_index, ready] + least[ready, states.end_index]
    return int(ways) + sum(length * count for length, count in lengths.items())
