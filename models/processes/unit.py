"""Units of a process in the model: runs in modes, start-up, change-over, rate, power and heat, by slot.

Identical units are counted: ``on[t]`` units run in a mode, a flow of units through time between rest, start-up, modes
and change-over. A flow of whole numbers splits into the paths of single units, first in first out, so that
counting is exact and knows no symmetry. Minimum run (of a run in one mode) and rest are the turn on and turn off
inequalities of D. Rajan and S. Takriti, *Minimum Up/Down Polytopes of the Unit Commitment Problem with Start-Up Costs*,
IBM Research Report RC23628 (2005), written for counts.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from models.processes.plant import Plant, Units
from models.processes.ports import Pair, Runs, UnitPorts
from models.processes.recipe import add_beginnings, add_ramp, add_recipe


def add_units(block: pyo.Block, units: Units, plant: Plant, ordered: bool) -> UnitPorts:
    """Fill a block.

    Args:
        block: empty.
        units: alike.
        plant: all numbers.
        ordered: whether a curve of power that bends up needs to be told to fill in order, as negative prices ask.
    """
    n, process = plant.n, units.process
    whole = pyo.NonNegativeIntegers
    block.T = pyo.RangeSet(0, n - 1)
    block.LATER = pyo.RangeSet(1, n - 1)
    block.MODE = pyo.RangeSet(0, len(units.modes) - 1)
    block.mode = pyo.Block(block.MODE)
    runs = Runs(block, units, plant)
    ordered = ordered or process.daily_energy_mwh is not None
    switched = 0 if stays(units, plant) else units.count
    for m in block.MODE:
        part = block.mode[m]
        part.on = pyo.Var(block.T, domain=whole, bounds=(0, units.count))
        part.fire = pyo.Var(block.T, domain=whole, bounds=(0, switched))
        part.end = pyo.Var(block.T, bounds=(0, switched))
        part.turn = pyo.Var(block.T, domain=whole, bounds=(0, units.count if len(units.modes) > 1 else 0))
        part.leave = pyo.Var(block.T, bounds=(0, units.count if len(units.modes) > 1 else 0))
    _changes(block, units, plant, whole)
    _counts(block, units, plant, runs)
    if process.name in plant.stops:
        _planned_stop(block, plant, process.name, units)
    ports = UnitPorts(units, block, starting=runs.starting)
    for b in block.MODE:
        for variable, k, _ in runs.turns(b):
            key = (variable.start if isinstance(variable, Pair) else -1, b)
            ports.turns[key], ports.changing[key] = variable, k
    for m in block.MODE:
        add_recipe(block.mode[m], units, units.modes[m], m, plant, runs, ports, ordered)
    add_beginnings(block, units, plant, runs, ports)
    if process.ramp_tph_per_h is not None:
        add_ramp(block, units, plant, runs, process.ramp_tph_per_h)
    return ports


def stays(units: Units, plant: Plant) -> bool:
    """Whether units run from the first to the last slot, in whatever mode."""
    process = units.process
    return process.must_run and process.name not in plant.stops and bool((units.available == units.count).all())


def _changes(block: Any, units: Units, plant: Plant, whole: Any) -> None:
    """Units that leave a mode turn to another one; none that could not arrive within the horizon."""
    process, modes, n = units.process, units.modes, plant.n
    if len(modes) == 1:
        return
    if process.uniform:
        k = plant.steps(process.change_over.minutes / 60)
        for m in block.MODE:
            for t in range(n - k, n):
                block.mode[m].turn[t].setub(0)

        @block.Constraint(block.T)
        def turns(b: Any, t: int) -> Any:
            return pyo.quicksum(b.mode[m].leave[t] for m in b.MODE) == pyo.quicksum(b.mode[m].turn[t] for m in b.MODE)

        @block.Constraint(block.MODE, block.T)
        def from_another(b: Any, m: int, t: int) -> Any:
            # to the mode that it leaves no unit turns: that would be a pause without a stop
            return b.mode[m].turn[t] <= pyo.quicksum(b.mode[a].leave[t] for a in b.MODE if a != m)

        return
    block.PAIR = pyo.Set(initialize=[(a, b) for a in block.MODE for b in block.MODE if a != b], dimen=2)
    block.to = pyo.Var(block.PAIR, block.T, domain=whole, bounds=(0, units.count))
    block.turning = {(a, b): Pair(block.to, a, b) for a, b in block.PAIR}
    for a, b in block.PAIR:
        k = plant.steps(process.changing(modes[a].name, modes[b].name).minutes / 60)
        for t in range(n - k, n):
            block.to[a, b, t].setub(0)

    @block.Constraint(block.MODE, block.T)
    def leaves(blk: Any, m: int, t: int) -> Any:
        return blk.mode[m].leave[t] == pyo.quicksum(blk.to[m, b, t] for b in blk.MODE if b != m)

    @block.Constraint(block.MODE, block.T)
    def arrives(blk: Any, m: int, t: int) -> Any:
        return blk.mode[m].turn[t] == pyo.quicksum(blk.to[a, m, t] for a in blk.MODE if a != m)


def _counts(block: Any, units: Units, plant: Plant, runs: Runs) -> None:
    """Units that run in each mode, and that rest; minimum run and rest, what is left of them at the start too."""
    process, count = units.process, units.count
    states = process.start[units.first : units.first + count]
    begun = [sum(state.mode == mode.name for state in states) for mode in units.modes]
    resting = count - sum(begun)
    up, down = (max(plant.steps(span), 1) for span in (process.min_run_h, process.min_rest_h))
    least = (count - units.available).tolist()
    # what must run rests in outages only, or in its planned stop
    kept = process.must_run and process.name not in plant.stops
    down = 1 if kept else down
    block.rest = pyo.Var(block.T, bounds=lambda b, t: (least[t], least[t] if kept else count))

    @block.Constraint(block.MODE, block.T)
    def running(b: Any, m: int, t: int) -> Any:
        mode = b.mode[m]
        before = mode.on[t - 1] if t else begun[m]
        return mode.on[t] - before == pyo.quicksum(runs.begins(m, t)) - mode.end[t] - mode.leave[t]

    @block.Constraint(block.T)
    def at_rest(b: Any, t: int) -> Any:
        before = b.rest[t - 1] if t else resting
        return b.rest[t] - before == pyo.quicksum(b.mode[m].end[t] - b.mode[m].fire[t] for m in b.MODE)

    # a process that stays on is only bound by its change-overs
    if len(units.modes) > 1 or not stays(units, plant):

        @block.Constraint(block.MODE, block.T)
        def min_run(b: Any, m: int, t: int) -> Any:
            first = max(t - up + 1, 0)
            held = sum(
                state.mode == units.modes[m].name and plant.steps(process.min_run_h - state.since_h) > t
                for state in states
            )
            if (units.available[first : t + 1] < count).any():
                # an outage ends a run before its time
                first, held = t, 0
            begins = [term for i in range(first, t + 1) for term in runs.begins(m, i)]
            if not begins and not held:
                return pyo.Constraint.Skip
            return pyo.quicksum(begins) + held <= b.mode[m].on[t]

        @block.Constraint(block.T)
        def min_rest(b: Any, t: int) -> Any:
            held = sum(state.mode is None and plant.steps(process.min_rest_h - state.since_h) > t for state in states)
            ends = pyo.quicksum(b.mode[m].end[i] for i in range(max(t - down + 1, 0), t + 1) for m in b.MODE)
            return ends + held <= b.rest[t]


def _planned_stop(block: Any, plant: Plant, name: str, units: Units) -> None:
    """One stop of a given length: when it begins is free."""
    first, last, length = plant.stops[name]
    block.STOP = pyo.RangeSet(first, last)
    block.stopping = pyo.Var(block.STOP, domain=pyo.Binary)
    block.once = pyo.Constraint(expr=pyo.quicksum(block.stopping.values()) == 1)

    @block.Constraint(block.T)
    def stopped(b: Any, t: int) -> Any:
        within = [b.stopping[i] for i in range(t - length + 1, t + 1) if first <= i <= last]
        out = int(units.count - units.available[t])
        return pyo.inequality(0, b.rest[t] - pyo.quicksum(within), out)
