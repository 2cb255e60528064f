"""Units of a process in the model: runs in modes, start-up, change-over, rate, power and heat, by slot.

Identical units are counted: ``on[t]`` units run in a mode, a flow of units through time between rest, start-up, modes
and change-over. A flow of whole numbers splits into the paths of single units, first in first out, so that
counting is exact and knows no symmetry. Minimum run (of a run in one mode) and rest are the turn on and turn off
inequalities of D. Rajan and S. Takriti, *Minimum Up/Down Polytopes of the Unit Commitment Problem with Start-Up Costs*,
IBM Research Report RC23628 (2005), written for counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.environ as pyo

from models.assets.ports import Linear
from models.processes.plant import Plant, Units, convex, slopes
from scenarios.flows import directions, per_t
from scenarios.process import GJ_PER_MWH, ChangeOver, Mode


@dataclass
class UnitPorts:
    """What units offer, amounts by slot."""

    units: Units
    block: Any
    electricity: list[Linear] = field(default_factory=list)
    """Drawn [MWh]."""
    places: dict[str, list[Linear]] = field(default_factory=dict)
    """What they give to stores [t] and carriers [their unit], negative: take, by place."""
    fuels: dict[str, list[Linear]] = field(default_factory=dict)
    """Part of ``places`` that is heat for each fuel, as a positive number [MWh]."""
    emitted: list[Linear] = field(default_factory=list)
    """Fossil process emissions [kg CO2e]."""
    turns: dict[tuple[int, int], Any] = field(default_factory=dict)
    """Units that begin to change over, by slot; by the mode that they leave, −1: any, and the one they go to."""
    changing: dict[tuple[int, int], int] = field(default_factory=dict)
    """Slots of each of these change-overs."""
    starting: int = 0
    """Slots of a start-up."""


def add_units(block: pyo.Block, units: Units, plant: Plant, ordered: bool) -> UnitPorts:
    """Fill a block.

    Args:
        block: empty.
        units: alike.
        plant: all numbers.
        ordered: whether a curve of power that bends up needs to be told to fill in order, as negative prices ask.
    """
    n, process = plant.n, units.process
    whole = pyo.NonNegativeIntegers if plant.whole else pyo.NonNegativeReals
    block.T = pyo.RangeSet(0, n - 1)
    block.LATER = pyo.RangeSet(1, n - 1)
    block.MODE = pyo.RangeSet(0, len(units.modes) - 1)
    block.mode = pyo.Block(block.MODE)
    runs = _Runs(block, units, plant)
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
            key = (variable.start if isinstance(variable, _Pair) else -1, b)
            ports.turns[key], ports.changing[key] = variable, k
    for m in block.MODE:
        _recipe(block.mode[m], units, units.modes[m], m, plant, runs, ports, ordered)
    _beginnings(block, units, plant, runs, ports)
    if process.ramp_tph_per_h is not None:
        _ramp(block, units, plant, runs, process.ramp_tph_per_h)
    return ports


def stays(units: Units, plant: Plant) -> bool:
    """Whether units run from the first to the last slot, in whatever mode."""
    process = units.process
    return process.must_run and process.name not in plant.stops and bool((units.available == units.count).all())


class _Runs:
    """When runs of a mode begin, as sums over the block's variables."""

    def __init__(self, block: Any, units: Units, plant: Plant) -> None:
        self.block, self.units, self.plant = block, units, plant
        self.starting = plant.steps(units.process.start_up.hours)
        """Slots of a start-up."""

    def changing(self, a: int, b: int) -> int:
        """Slots of a change-over."""
        modes = self.units.modes
        return self.plant.steps(self.units.process.changing(modes[a].name, modes[b].name).minutes / 60)

    def turns(self, b: int) -> list[tuple[Any, int, ChangeOver]]:
        """What brings units to a mode by change-over: variable, its slots, and the change-over."""
        process, modes, block = self.units.process, self.units.modes, self.block
        if len(modes) == 1:
            return []
        if process.uniform:
            k = self.plant.steps(process.change_over.minutes / 60)
            return [(block.mode[b].turn, k, process.change_over)]
        return [
            (block.turning[a, b], self.changing(a, b), process.changing(modes[a].name, modes[b].name))
            for a in range(len(modes))
            if a != b
        ]

    def begins(self, m: int, t: int) -> list[Any]:
        """Terms of the number of runs of a mode that begin in a slot."""
        found = [self.block.mode[m].fire[t - self.starting]] if t >= self.starting else []
        return found + [variable[t - k] for variable, k, _ in self.turns(m) if t >= k]


class _Pair:
    """Turns from one mode to another as a variable indexed by slot."""

    def __init__(self, variable: Any, a: int, b: int) -> None:
        self._variable, self._a, self._b = variable, a, b
        self.start = a

    def __getitem__(self, t: int) -> Any:
        return self._variable[self._a, self._b, t]

    def __contains__(self, t: int) -> bool:
        return (self._a, self._b, t) in self._variable


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
    block.turning = {(a, b): _Pair(block.to, a, b) for a, b in block.PAIR}
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


def _counts(block: Any, units: Units, plant: Plant, runs: _Runs) -> None:
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
    block.stopping = pyo.Var(block.STOP, domain=pyo.Binary if plant.whole else pyo.UnitInterval)
    block.once = pyo.Constraint(expr=pyo.quicksum(block.stopping.values()) == 1)

    @block.Constraint(block.T)
    def stopped(b: Any, t: int) -> Any:
        within = [b.stopping[i] for i in range(t - length + 1, t + 1) if first <= i <= last]
        out = int(units.count - units.available[t])
        return pyo.inequality(0, b.rest[t] - pyo.quicksum(within), out)


def kernel(total: float, span_h: float, hours: float) -> list[float]:
    """An amount spread evenly over a span of hours, by slots; all in the first one where there is no span."""
    if not total:
        return []
    if span_h <= 0:
        return [total]
    slots = int(np.ceil(span_h / hours - 1e-9))
    edges = np.minimum(np.arange(slots + 1) * hours, span_h)
    return (total * np.diff(edges) / span_h).tolist()


def _spread(n: int, parts: list[tuple[Any, int, list[float]]]) -> Callable[[int], list[Any]]:
    """Terms of a slot: each variable's events with what they bring after some slots, slot by slot."""

    def terms(t: int) -> list[Any]:
        return [
            weight * variable[t - lag - j]
            for variable, lag, kernel in parts
            for j, weight in enumerate(kernel)
            if weight and 0 <= t - lag - j < n
        ]

    return terms


def _recipe(
    part: Any, units: Units, mode: Mode, m: int, plant: Plant, runs: _Runs, ports: UnitPorts, ordered: bool
) -> None:
    """Rate, off-spec product, power, flows and heat of one mode."""
    n, h, process = plant.n, plant.hours, units.process
    part.T = pyo.RangeSet(0, n - 1)
    low, high = mode.rates.low * h, units.high_tph(mode) * h
    knots = [(rate * h, mw * h) for rate, mw in mode.knots]
    if mode.rates.fixed:
        made = Linear(((part.on, low),))
        electricity = Linear(((part.on, knots[0][1]),))
    else:
        part.made = pyo.Var(part.T, bounds=(0, high * units.count))
        made = Linear(((part.made, 1.0),))

        @part.Constraint(part.T)
        def most(b: Any, t: int) -> Any:
            return b.made[t] <= high * b.on[t]

        @part.Constraint(part.T)
        def least(b: Any, t: int) -> Any:
            return b.made[t] >= low * b.on[t]

        electricity = _power(part, knots, slopes(mode), plant, ordered or not convex(mode))
    ports.electricity.append(electricity)
    pace = mode.rates.low or mode.rates.high
    start = _kernel_off_spec(mode, process.start_up.off_spec_t, h)
    parts = [(part.fire, runs.starting, start)]
    parts += [(variable, k, _kernel_off_spec(mode, change.off_spec_t, h)) for variable, k, change in runs.turns(m)]
    good = made
    if any(kernel for *_, kernel in parts) and pace:
        part.lost = pyo.Var(part.T, bounds=(0, None))
        terms = _spread(n, parts)

        @part.Constraint(part.T)
        def off_spec(b: Any, t: int) -> Any:
            return b.lost[t] - pyo.quicksum(terms(t)) == 0

        if mode.rates.low == 0:

            @part.Constraint(part.T)
            def no_more_than_made(b: Any, t: int) -> Any:
                return b.lost[t] <= b.made[t]

        good = Linear((*made.parts, (part.lost, -1.0)))
    for direction, places in directions(process).items():
        for place in places:
            amount = per_t(mode, direction, place)
            if amount:
                flow = made if direction == "in" else good
                sign = -amount if direction == "in" else amount
                ports.places.setdefault(place, []).append(_times(flow, sign))
    fossil = sum(emission.kg_per_t for emission in mode.emissions if not emission.biogenic)
    if fossil:
        ports.emitted.append(_times(made, fossil))
    if mode.heat is None:
        return
    heat = _times(made, mode.heat.mwh_per_t)
    if len(mode.heat.fuels) == 1:
        _burn(ports, mode.heat.fuels[0].carrier, heat)
        return
    fuels = mode.heat.fuels
    part.FUEL = pyo.RangeSet(0, len(fuels) - 1)
    part.fuel = pyo.Var(part.FUEL, part.T, domain=pyo.NonNegativeReals)
    needed = heat.at(n)

    def demand(t: int) -> Any:
        return pyo.quicksum(weights[t] * variable[t] for variable, weights in needed)

    @part.Constraint(part.T)
    def heat_balance(b: Any, t: int) -> Any:
        return pyo.quicksum(b.fuel[f, t] for f in b.FUEL) - demand(t) == 0

    part.MOST = pyo.Set(initialize=[f for f, fuel in enumerate(fuels) if fuel.most < 1])
    part.LEAST = pyo.Set(initialize=[f for f, fuel in enumerate(fuels) if fuel.least > 0])

    @part.Constraint(part.MOST, part.T)
    def most_share(b: Any, f: int, t: int) -> Any:
        return b.fuel[f, t] - fuels[f].most * demand(t) <= 0

    @part.Constraint(part.LEAST, part.T)
    def least_share(b: Any, f: int, t: int) -> Any:
        return b.fuel[f, t] - fuels[f].least * demand(t) >= 0

    for f, fuel in enumerate(fuels):
        _burn(ports, fuel.carrier, Linear(((Row(part.fuel, f), 1.0),)))


def _kernel_off_spec(mode: Mode, total_t: float, hours: float) -> list[float]:
    pace = mode.rates.low or mode.rates.high
    if not total_t or not pace:
        return []
    slots = int(np.ceil(total_t / pace / hours - 1e-9))
    return [mode.off_spec_t(total_t, j * hours, (j + 1) * hours) for j in range(slots)]


def _power(part: Any, knots: list[tuple[float, float]], slope: list[float], plant: Plant, ordered: bool) -> Linear:
    """Electricity of a range of rates: what the least takes, and segment by segment what is made above it."""
    (low, base), *_ = knots
    if len(slope) == 1:
        return Linear(((part.made, slope[0]), (part.on, base - slope[0] * low)))
    width = [b - a for (a, _), (b, _) in pairwise(knots)]
    part.K = pyo.RangeSet(0, len(width) - 1)
    part.filled = pyo.Var(part.K, part.T, domain=pyo.NonNegativeReals)

    @part.Constraint(part.T)
    def rate_of_segments(b: Any, t: int) -> Any:
        return b.made[t] == low * b.on[t] + pyo.quicksum(b.filled[k, t] for k in b.K)

    @part.Constraint(part.K, part.T)
    def while_on(b: Any, k: int, t: int) -> Any:
        return b.filled[k, t] <= width[k] * b.on[t]

    if ordered:
        # the incremental form: a segment is full before the next is begun (counted units are alike and convex)
        part.BEND = pyo.RangeSet(0, len(width) - 2)
        part.full = pyo.Var(part.BEND, part.T, domain=pyo.Binary if plant.whole else pyo.UnitInterval)

        @part.Constraint(part.BEND, part.T)
        def lower_full(b: Any, k: int, t: int) -> Any:
            return b.filled[k, t] >= width[k] * b.full[k, t]

        @part.Constraint(part.BEND, part.T)
        def upper_after(b: Any, k: int, t: int) -> Any:
            return b.filled[k + 1, t] <= width[k + 1] * b.full[k, t]

    segments = tuple((Row(part.filled, k), slope[k]) for k in range(len(width)))
    return Linear(((part.on, base), *segments))


def _beginnings(block: Any, units: Units, plant: Plant, runs: _Runs, ports: UnitPorts) -> None:
    """What start-ups and change-overs draw."""
    n, h, start = plant.n, plant.hours, units.process.start_up
    fired = kernel(start.energy_mwh, start.hours, h)
    lag = runs.starting if start.hours <= 0 else 0
    parts = [(block.mode[m].fire, lag, fired) for m in block.MODE if fired]
    for m in block.MODE:
        for variable, k, change in runs.turns(m):
            turned = kernel(change.energy_mwh, change.minutes / 60, h)
            if turned:
                parts.append((variable, k if change.minutes <= 0 else 0, turned))
    if parts:
        terms = _spread(n, parts)
        block.beginning = pyo.Var(block.T, domain=pyo.NonNegativeReals)

        @block.Constraint(block.T)
        def drawn(b: Any, t: int) -> Any:
            return b.beginning[t] - pyo.quicksum(terms(t)) == 0

        ports.electricity.append(Linear(((block.beginning, 1.0),)))
    if not start.heat_gj:
        return
    heat = kernel(start.heat_gj / GJ_PER_MWH, start.hours, h)
    burnt = {
        fuel.carrier: [
            (block.mode[m].fire, lag, [weight * own.share for weight in heat])
            for m, mode in enumerate(units.modes)
            for own in (mode.heat.fuels if mode.heat else ())
            if own.carrier == fuel.carrier
        ]
        for mode in units.modes
        for fuel in (mode.heat.fuels if mode.heat else ())
    }
    block.KINDLING = pyo.Set(initialize=list(burnt), dimen=1)
    block.kindling = pyo.Var(block.KINDLING, block.T, domain=pyo.NonNegativeReals)

    @block.Constraint(block.KINDLING, block.T)
    def heated(b: Any, carrier: str, t: int) -> Any:
        return b.kindling[carrier, t] - pyo.quicksum(_spread(n, burnt[carrier])(t)) == 0

    for carrier in burnt:
        _burn(ports, carrier, Linear(((Row(block.kindling, carrier), 1.0),)))


def _ramp(block: Any, units: Units, plant: Plant, runs: _Runs, ramp: float) -> None:
    """From slot to slot while it runs; a run may begin and end at any rate. One unit alone."""
    most = ramp * plant.hours * plant.hours
    jump = max(units.high_tph(mode) for mode in units.modes) * plant.hours
    state = units.process.start[units.first]

    def made(t: int) -> Any:
        return pyo.quicksum(
            units.modes[m].rates.low * plant.hours * block.mode[m].on[t]
            if units.modes[m].rates.fixed
            else block.mode[m].made[t]
            for m in block.MODE
        )

    def freed(t: int, ends: bool) -> Any:
        """Runs that begin from standstill, or end in one, in a slot."""
        terms = []
        for m in block.MODE:
            if ends:
                terms += [block.mode[m].end[t]]
                terms += [v[t] for b in block.MODE for v, k, _ in runs.turns(b) if k and m == 0]
            else:
                terms += [block.mode[m].fire[t - runs.starting]] if t >= runs.starting else []
                terms += [v[t - k] for v, k, _ in runs.turns(m) if k and t >= k]
        return pyo.quicksum(terms)

    @block.Constraint(block.LATER)
    def ramp_up(b: Any, t: int) -> Any:
        return made(t) - made(t - 1) <= most + jump * freed(t, False)

    @block.Constraint(block.LATER)
    def ramp_down(b: Any, t: int) -> Any:
        return made(t - 1) - made(t) <= most + jump * freed(t, True)

    if state.mode is not None and state.rate_tph is not None:
        begun = state.rate_tph * plant.hours
        block.first_ramp_up = pyo.Constraint(expr=made(0) - begun <= most + jump * freed(0, False))
        block.first_ramp_down = pyo.Constraint(expr=begun - made(0) <= most + jump * freed(0, True))


def _times(flow: Linear, factor: float) -> Linear:
    return Linear(tuple((variable, weight * factor) for variable, weight in flow.parts))


def _burn(ports: UnitPorts, carrier: str, heat: Linear) -> None:
    ports.fuels.setdefault(carrier, []).append(heat)
    ports.places.setdefault(carrier, []).append(_times(heat, -1.0))


class Row:
    """One row of a variable indexed by something and the slot, as a variable indexed by slot."""

    def __init__(self, variable: Any, index: Any) -> None:
        self._variable, self._index = variable, index

    def __getitem__(self, t: int) -> Any:
        return self._variable[self._index, t]

    def __contains__(self, t: int) -> bool:
        return (self._index, t) in self._variable
