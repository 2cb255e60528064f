"""Energy states of a machine in the model: a flow of one machine through a graph of states and slots.

``add`` adds a machine to work that another part of the model decides, a work being one more arc of the graph. Where
work is whole, the balances are those of a shortest path: their matrix is totally unimodular, so that a vertex is whole
without being declared so. Where other rows weigh on the energy, as a limit on power does, ask for ``whole``; and the
solver proves an optimum among whole costs sooner when it knows this.

``add_gaps`` is the formulation of Benedikt, Módos, Hanzálek (2020), Power of pre-processing, ILP-SPACES: the best way
through each gap is found beforehand and a gap is one arc. A path of states is the same flow with the gap's nodes kept,
so that both relaxations have one bound; arcs grow with the square of the slots there, and with the slots here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from benchmarks.machine_states.graph import Leg, Move, gap_costs, legs, slots_between, through
from emberline.scenarios.energy_states.record import EnergyStates

Arc = tuple[int, int]
"""Place of a leg or length of a work, and the slot in which it begins."""
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Ports:
    """What a machine offers to balances and objective, works not counted."""

    energy: list[Any]
    """Electric energy by slot [MWh], length n_slots."""
    costs: Callable[[np.ndarray], Any]
    """Cost of it for prices per MWh by slot, shape (n_slots,)."""


def steps(states: EnergyStates, step_min: float, n_slots: int) -> tuple[tuple[Leg, ...], np.ndarray, np.ndarray]:
    """The legs, and the first and the last edge of the grid at which the machine can be in each state.

    Raises:
        ValueError: the horizon is too short for any way from the first state to the last.
    """
    least = slots_between(states, step_min)
    first, last = least[states.start_index], n_slots - least[:, states.end_index]
    if first[states.end_index] > n_slots:
        raise ValueError(f"{n_slots} slots are too few to get from the first state to the last")
    return legs(states, step_min), first, last


def add(
    block: pyo.Block,
    states: EnergyStates,
    step_min: float,
    n_slots: int,
    work: Mapping[int, Mapping[int, Any]],
    *,
    whole: bool = False,
    among: Collection[Arc] | None = None,
) -> Ports:
    """A machine's states around its work.

    Args:
        block: filled with ``go[leg, slot]``, 1 where a leg begins, and the balances.
        states: the machine.
        step_min: length of a slot [min].
        n_slots: how many there are.
        work: by length in slots and by slot, how many works of that length begin: variables or expressions. An
            indicator of each slot in which the machine is on is work of length 1.
        whole: tell the solver that the flow is whole.
        among: legs and slots that may be used; none: all.

    Returns:
        Energy and cost of everything that is not work.

    Raises:
        ValueError: the horizon is too short for any way from the first state to the last.
    """
    arcs, first, last = steps(states, step_min, n_slots)
    places = [
        (k, t)
        for k, leg in enumerate(arcs)
        for t in range(n_slots + 1 - leg.slots)
        if first[leg.start] <= t and t + leg.slots <= last[leg.end] and (among is None or (k, t) in among)
    ]
    block.go = pyo.Var(places, bounds=(0, 1), domain=pyo.Binary if whole else pyo.Reals)
    terms: dict[tuple[int, int], list[Any]] = defaultdict(list)
    energy: list[list[Any]] = [[] for _ in range(n_slots)]
    for (k, t), go in block.go.items():
        leg = arcs[k]
        terms[leg.start, t].append(-go)
        terms[leg.end, t + leg.slots].append(go)
        for j, mwh in enumerate(leg.energy_mwh.tolist()):
            if mwh:
                energy[t + j].append(mwh * go)
    for length, starts in work.items():
        for t, begins in starts.items():
            terms[states.ready_index, t].append(-begins)
            terms[states.ready_index, t + length].append(begins)
    source, sink = (states.start_index, 0), (states.end_index, n_slots)
    for node in (source, sink):
        terms[node].append((node == source) - (node == sink))
    block.balance = pyo.Constraint(pyo.Any)
    # no template: works may be any expressions
    for node, flows in terms.items():
        balance = pyo.quicksum(flows)
        if not isinstance(balance, (int, float)):
            block.balance[node] = balance == 0
        elif balance:
            block.balance[node] = pyo.Constraint.Infeasible

    def costs(price: np.ndarray) -> Any:
        by_leg = [leg.costs(price).tolist() for leg in arcs]
        return pyo.quicksum(by_leg[k][t] * go for (k, t), go in block.go.items())

    return Ports([pyo.quicksum(slot) for slot in energy], costs)


def moves(
    block: pyo.Block, states: EnergyStates, step_min: float, n_slots: int, work: Mapping[int, Mapping[int, Any]]
) -> tuple[Move, ...]:
    """The transitions in order, after ``add`` with the same arguments and a solution that is whole."""
    arcs = legs(states, step_min)
    onward: dict[tuple[int, int], list[tuple[tuple[int, int], int | None]]] = defaultdict(list)
    for (k, t), go in block.go.items():
        if (go.value or 0) > 0.5:
            onward[arcs[k].start, t].append(((arcs[k].end, t + arcs[k].slots), arcs[k].transition))
    ready = states.ready_index
    for length, starts in work.items():
        for t, begins in starts.items():
            if (pyo.value(begins, exception=False) or 0) > 0.5:
                onward[ready, t].append(((ready, t + length), None))
    rows, node = [], (states.start_index, 0)
    while onward[node]:  # followed from node to node: transitions without duration begin in one slot
        after, transition = onward[node].pop()
        if transition is not None:
            rows.append(Move(node[1] * step_min, transition))
        node = after
    return tuple(rows)


def add_gaps(
    block: pyo.Block, states: EnergyStates, step_min: float, price: np.ndarray, work: Mapping[int, Mapping[int, Any]]
) -> Any:
    """The same with one arc for each gap between works, its cost reckoned beforehand for known prices.

    Gaps in which the machine would better be ready in between are left out: other gaps make them up.

    Args:
        block: filled with ``gap[left, reached]``, −1 standing for the start and n_slots + 1 for the end.
        states, step_min, work: as for ``add``.
        price: per MWh in each slot, shape (n_slots,)

    Returns:
        The cost of all gaps.

    Raises:
        ValueError: the horizon is too short for any way from the first state to the last.
    """
    n = len(price)
    steps(states, step_min, n)
    best, away = (gap_costs(states, price, step_min, away=only) for only in (False, True))
    gaps = {
        (int(t), int(u)): float(away[t, u])
        for t, u in np.argwhere(np.isfinite(away) & (away <= best + TOLERANCE))
        if t < u
    }
    for t in range(n + 1):
        before = through(states, price[:t], step_min, start=states.start_index)
        after = through(states, price[t:], step_min, end=states.end_index)
        gaps |= {(-1, t): before.cost} if before else {}
        gaps |= {(t, n + 1): after.cost} if after else {}
    whole = through(states, price, step_min, states.start_index, states.end_index)
    gaps |= {(-1, n + 1): whole.cost} if whole else {}
    block.gap = pyo.Var(gaps, domain=pyo.Binary)
    terms: dict[int, list[Any]] = defaultdict(list)
    for (t, u), gap in block.gap.items():
        terms[t].append(-gap)
        terms[u].append(gap)
    for length, starts in work.items():
        for t, begins in starts.items():
            terms[t].append(-begins)
            terms[t + length].append(begins)
    terms[-1].append(1)
    terms[n + 1].append(-1)
    block.balance = pyo.Constraint(terms, rule=lambda _, node: pyo.quicksum(terms[node]) == 0)
    return pyo.quicksum(cost * block.gap[place] for place, cost in gaps.items())
