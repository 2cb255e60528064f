"""Units of a process in the model: runs in modes, start-up, change-over, rate, power and heat by slot.

Identical units are counted: ``on[t]`` units run in a mode, and a flow of units through time connects rest, start-up,
modes and change-overs. An integer flow splits into the paths of single units, first in, first out, so that counting is
exact and has no symmetry. Minimum run (of a run in one mode) and rest are the turn on and turn off inequalities of
D. Rajan and S. Takriti, *Minimum Up/Down Polytopes of the Unit Commitment Problem with Start-Up Costs*, IBM Research
Report RC23628 (2005), written for counts. The recipe of a mode gives its inputs and outputs by rate: power, flows,
heat, off-spec product; start-ups, change-overs and ramps are added to these.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.processes.runs import REST, Response, Runs, UnitPorts, by_slot
from emberline.models.formulations.site.assets.ports import Linear, Row, add_segments
from emberline.models.kernel import deadline
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint, limit
from emberline.models.kernel.templates import each, total
from emberline.models.problem.plant import Plant, Units, convex, slopes
from emberline.scenarios.flows.process_flows import added_per_t, directions, per_t
from emberline.scenarios.process.recipe import GJ_PER_MWH, Heat, Mode


def add_recipe(part: Any, mode: Mode, m: int, plant: Plant, runs: Runs, ports: UnitPorts, ordered: bool) -> None:
    """Add the rate, off-spec product, power, flows and heat of one mode."""
    deadline.look()
    h, units = plant.hours, ports.units
    part.T = pyo.RangeSet(0, plant.n - 1)
    low, high = mode.rates.low * h, units.high_tph(mode) * h
    knots = [(rate * h, mw * h) for rate, mw in mode.knots]
    if mode.rates.fixed:
        output = Linear(((part.on, low),))
        electricity = Linear(((part.on, knots[0][1]),))
    else:
        part.output = Variable(part.T, bounds=(0, high * units.count))
        output = Linear(((part.output, 1.0),))
        part.most = Rows(part.T, rule=lambda b, t: b.output[t] <= high * b.on[t])
        part.least = Rows(part.T, rule=lambda b, t: b.output[t] >= low * b.on[t])
        electricity = _power(part, knots, slopes(mode), ordered or not convex(mode))
    ports.electricity.append(electricity)
    good = _good(part, mode, m, output, runs)
    for direction, places in directions(units.process).items():
        for place in places:
            amount = per_t(mode, direction, place)
            if amount:
                flow = output.scaled(-amount) if direction == "in" else good.scaled(amount)
                ports.places.setdefault(place, []).append(flow)
    for component, amount in added_per_t(mode).items():
        if amount:
            ports.added.setdefault(component, []).append(output.scaled(amount))
    if mode.heat is not None:
        _heat(part, mode.heat, output.scaled(mode.heat.mwh_per_t), ports)


def _good(part: Any, mode: Mode, m: int, output: Linear, runs: Runs) -> Linear:
    """Return the output of a mode without off-spec product."""
    part.spoilt = pyo.Block()
    every = [(runs.events(b), b.slots, runs.off_spec(b)) for b in runs.of_mode[m]]
    spoilt = Response(part.spoilt, every, runs.units.available if runs.units.count == 1 else None)
    going_on = runs.going_on("lost", m)
    if spoilt.empty and not going_on.any():
        return output
    part.lost = Variable(part.T, domain=pyo.NonNegativeReals)
    part.lost_before = Series(part.T, values=going_on)
    part.off_spec = Rows(part.T, rule=lambda b, t: b.lost[t] - spoilt.at(t) == b.lost_before[t])
    if mode.rates.low == 0:
        part.no_more_than_made = Rows(part.T, rule=lambda b, t: b.lost[t] <= b.output[t])
    return Linear((*output.parts, (part.lost, -1.0)))


def _heat(part: Any, heat: Heat, heat_demand: Linear, ports: UnitPorts) -> None:
    """Add the fuels that supply the heat of a mode, within the limits of their shares."""
    fuels = heat.fuels
    if len(fuels) == 1:
        _burn(ports, fuels[0].carrier, heat_demand)
        return
    part.FUEL = pyo.RangeSet(0, len(fuels) - 1)
    part.fuel = Variable(part.FUEL, part.T, domain=pyo.NonNegativeReals)
    part.most_of = Series(part.FUEL, values=np.array([fuel.most for fuel in fuels]))
    part.least_of = Series(part.FUEL, values=np.array([fuel.least for fuel in fuels]))
    part.MOST = pyo.Set(initialize=[f for f, fuel in enumerate(fuels) if fuel.most < 1])
    part.LEAST = pyo.Set(initialize=[f for f, fuel in enumerate(fuels) if fuel.least > 0])

    @constraint(part, part.T)
    def heat_balance(b: Any, t: int) -> Any:
        return total(b.fuel[f, t] for f in each(b.FUEL)) - by_slot(heat_demand, t) == 0

    @constraint(part, part.MOST, part.T)
    def most_share(b: Any, f: int, t: int) -> Any:
        return b.fuel[f, t] - b.most_of[f] * by_slot(heat_demand, t) <= 0

    @constraint(part, part.LEAST, part.T)
    def least_share(b: Any, f: int, t: int) -> Any:
        return b.fuel[f, t] - b.least_of[f] * by_slot(heat_demand, t) >= 0

    for f, fuel in enumerate(fuels):
        _burn(ports, fuel.carrier, Linear(((Row(part.fuel, f), 1.0),)))


def _power(part: Any, knots: list[tuple[float, float]], slope: list[float], ordered: bool) -> Linear:
    """Return the electricity over a range of rates: the draw at the lowest rate, and that of each segment above it."""
    (low, base), *_ = knots
    if len(slope) == 1:
        return Linear(((part.output, slope[0]), (part.on, base - slope[0] * low)))
    width = np.array([b - a for (a, _), (b, _) in pairwise(knots)])
    # counted units are identical, and their power is convex where segments need no order
    add_segments(part, part.T, lambda t: part.output[t], width, on=part.on, least=low, ordered=ordered)
    filled = tuple((Row(part.filled, k), slope[k]) for k in range(len(width)))
    return Linear(((part.on, base), *filled))


def add_beginnings(block: Any, plant: Plant, runs: Runs, ports: UnitPorts) -> None:
    """Add the draw of start-ups and change-overs."""
    block.powered = pyo.Block()
    powered = Response(
        block.powered, [(runs.events(b), 0, runs.energy(b, b.what.energy_mwh)) for b in runs.every]
    )  # fmt: skip
    going_on = runs.going_on("mwh")
    if not powered.empty or going_on.any():
        block.beginning = Variable(block.T, domain=pyo.NonNegativeReals)
        block.going_on = Series(block.T, values=going_on)
        block.power_balance = Rows(block.T, rule=lambda b, t: b.beginning[t] - powered.at(t) == b.going_on[t])
        ports.electricity.append(Linear(((block.beginning, 1.0),)))
    heat = ports.units.process.start_up.heat_gj / GJ_PER_MWH
    burnt: dict[str, list[tuple[Any, int, list[float]]]] = {}
    for b in runs.every if heat else ():
        mode_heat = ports.units.modes[b.mode].heat
        for fuel in mode_heat.fuels if mode_heat is not None and b.origin == REST else ():
            burnt.setdefault(fuel.carrier, []).append((runs.events(b), 0, runs.energy(b, heat * fuel.share)))
    block.KINDLING = pyo.Set(initialize=list(burnt), dimen=1)
    block.kindling = Variable(block.KINDLING, block.T, domain=pyo.NonNegativeReals)
    block.kindled = pyo.Block(block.KINDLING)
    for carrier, parts in burnt.items():
        fuel_row = Row(block.kindling, carrier)
        going_on = sum(
            (runs.going_on("heat_mwh", m) * fuel.share for m, mode in enumerate(runs.units.modes)
             for fuel in (mode.heat.fuels if mode.heat else ()) if fuel.carrier == carrier), np.zeros(plant.n),
        )  # fmt: skip
        _kindle(block.kindled[carrier], block.T, fuel_row, parts, going_on)
        _burn(ports, carrier, Linear(((fuel_row, 1.0),)))


def _kindle(block: Any, slots: Any, fuel_row: Row, parts: list[tuple[Any, int, list[float]]], going_on: Any) -> None:
    """Add the use of one fuel by start-ups."""
    block.amounts = pyo.Block()
    block.going_on = Series(slots, values=going_on)
    amounts = Response(block.amounts, parts)
    block.heated = Rows(slots, rule=lambda b, t: fuel_row[t] - amounts.at(t) == b.going_on[t])


def add_ramp(block: Any, units: Units, plant: Plant, runs: Runs, ramp: float) -> None:
    """Limit the change of the rate between slots within a run of a single unit; a run may begin and end at any rate."""
    most, names = ramp * plant.hours * plant.hours, [mode.name for mode in units.modes]
    jump = max(units.high_tph(mode) for mode in units.modes) * plant.hours
    state = units.process.start[units.first]
    block.arriving = Series(block.T, values=runs.arrivals())
    # if a change-over takes no time, the ramp applies across it
    free = [b for b in runs.every if b.origin == REST or b.slots]
    turning = [runs.events(b) for b in free if b.origin != REST]

    def rate(t: Any) -> Any:
        return sum(
            mode.rates.low * plant.hours * part.on[t] if mode.rates.fixed else part.output[t]
            for mode, part in zip(units.modes, runs.parts, strict=True)
        )

    def starts(t: Any) -> Any:
        """Return the number of runs that begin from standstill in a slot."""
        return sum(runs.events(b)[t - b.slots] for b in free) + block.arriving[t]

    def ends(t: Any) -> Any:
        return sum([*(part.end[t] for part in runs.parts), *(events[t] for events in turning)])

    block.ramp_up = Rows(block.LATER, rule=lambda b, t: rate(t) - rate(t - 1) <= most + jump * starts(t))
    block.ramp_down = Rows(block.LATER, rule=lambda b, t: rate(t - 1) - rate(t) <= most + jump * ends(t))
    if runs.at_start(names.index(state.mode) if state.mode else 0) and state.rate_tph is not None:
        first = state.rate_tph * plant.hours
        block.first_ramp_up = pyo.Constraint(expr=rate(0) - first <= most + jump * starts(0))
        block.first_ramp_down = pyo.Constraint(expr=first - rate(0) <= most + jump * ends(0))


def _burn(ports: UnitPorts, carrier: str, heat: Linear) -> None:
    ports.places.setdefault(carrier, []).append(heat.scaled(-1.0))


def add_units(block: pyo.Block, units: Units, plant: Plant, ordered: bool) -> UnitPorts:
    """Add identical units to a block.

    Args:
        block: empty block.
        units: identical units.
        plant: data of the plant.
        ordered: whether even a convex power curve needs rows that fill its segments in order, as for negative prices.
    """
    deadline.look()
    n, process = plant.n, units.process
    whole = pyo.NonNegativeIntegers
    runs = Runs(block, units, plant)
    block.T = pyo.RangeSet(0, n - 1)
    block.LATER = pyo.RangeSet(1, n - 1)
    block.EVER = pyo.RangeSet(-runs.before, n - 1)
    block.MODE = pyo.RangeSet(0, len(units.modes) - 1)
    block.mode = pyo.Block(block.MODE)
    ordered = ordered or process.daily_energy_mwh is not None
    switched = 0 if stays(units, plant) else units.count
    for part in runs.parts:
        part.on = Variable(block.T, domain=whole, bounds=(0, units.count))
        part.fire = Variable(block.EVER, domain=whole, bounds=(0, switched))
        part.end = Variable(block.EVER, bounds=(0, switched))
        _nothing_before(part.fire, runs.before)
        _nothing_before(part.end, runs.before)
    if len(units.modes) > 1:
        _changes(block, units, plant, runs)
    _counts(block, units, runs)
    # a process that always runs is only restricted by its change-overs
    if len(units.modes) > 1 or not stays(units, plant):
        for m, part in enumerate(runs.parts):
            _least_run(part, m, units, plant, runs)
        _least_rest(block, units, plant, runs)
    if process.name in plant.stops:
        _planned_stop(block, plant, process.name, units)
    ports = UnitPorts(units, block, runs)
    for m, part in enumerate(runs.parts):
        add_recipe(part, units.modes[m], m, plant, runs, ports, ordered)
    add_beginnings(block, plant, runs, ports)
    if process.ramp_tph_per_h is not None:
        add_ramp(block, units, plant, runs, process.ramp_tph_per_h)
    return ports


def stays(units: Units, plant: Plant) -> bool:
    """Return whether units run from the first to the last slot, in any mode."""
    process = units.process
    return process.must_run and process.name not in plant.stops and bool((units.available == units.count).all())


def _nothing_before(events: Any, before: int) -> None:
    """Fix events before the horizon at zero; the state at the start describes what began there."""
    for t in range(-before, 0):
        events[t].fix(0)


def _changes(block: Any, units: Units, plant: Plant, runs: Runs) -> None:
    """Add the changes of mode: units that leave a mode turn to another one, if they can arrive within the horizon."""
    n, count, parts = plant.n, units.count, runs.parts
    slot = np.array(block.EVER)
    for part in parts:
        part.turn = Variable(block.EVER, domain=pyo.NonNegativeIntegers, bounds=(0, count))
        part.leave = Variable(block.T, bounds=(0, count))
        _nothing_before(part.turn, runs.before)
    changes = [b for b in runs.every if b.origin != REST]
    if units.process.uniform:
        for change in changes:
            limit(parts[change.mode].turn, upper=np.where(slot < n - change.slots, count, 0))

        @constraint(block, block.T)
        def turns(b: Any, t: int) -> Any:
            return sum(part.leave[t] for part in parts) == sum(part.turn[t] for part in parts)

        for part in parts:
            _from_another(part, block.T, [other.leave for other in parts if other is not part])
        return
    block.PAIR = pyo.Set(initialize=[(b.origin, b.mode) for b in changes], dimen=2)
    block.to = Variable(block.PAIR, block.EVER, domain=pyo.NonNegativeIntegers, bounds=(0, count))
    limit(block.to, upper=np.concatenate([np.where(slot < n - b.slots, count, 0) for b in changes]))
    for change in changes:
        _nothing_before(runs.events(change), runs.before)
    for m, part in enumerate(parts):
        departures, arrivals = ([runs.events(b) for b in changes if m == getattr(b, end)] for end in ("origin", "mode"))
        _by_pairs(part, block.T, departures, arrivals)


def _from_another(part: Any, slots: Any, leaving: list[Any]) -> None:
    # no unit turns to the mode that it leaves: that would be a pause without a stop
    part.from_another = Rows(slots, rule=lambda b, t: b.turn[t] <= sum(leave[t] for leave in leaving))


def _by_pairs(part: Any, slots: Any, departures: list[Any], arrivals: list[Any]) -> None:
    part.leaves = Rows(slots, rule=lambda b, t: b.leave[t] == sum(to[t] for to in departures))
    part.arrives = Rows(slots, rule=lambda b, t: b.turn[t] == sum(to[t] for to in arrivals))


def _counts(block: Any, units: Units, runs: Runs) -> None:
    """Add the balances of units that run in each mode, and of units at rest."""
    count, parts = units.count, runs.parts
    at_start = [runs.at_start(m) for m in range(len(parts))]
    still = sum(state.mode is None or state.repair_h > 0 for state in runs.states)
    least = count - units.available
    block.rest = Variable(block.T)
    limit(block.rest, least, least if runs.always_on else count)
    for m, part in enumerate(parts):
        part.arriving = Series(block.T, values=runs.arrivals(m))
        _running(part, block.LATER, at_start[m], runs.begins(m), len(parts) > 1)
    block.repaired = Series(block.T, values=runs.repaired())

    def stopping(t: Any) -> Any:
        return sum(part.end[t] - part.fire[t] for part in parts) - block.repaired[t]

    block.first_at_rest = pyo.Constraint(expr=block.rest[0] - still == stopping(0))
    block.at_rest = Rows(block.LATER, rule=lambda b, t: b.rest[t] - b.rest[t - 1] == stopping(t))


def _running(part: Any, later: Any, at_start: int, begins: list[tuple[Any, int]], turning: bool) -> None:
    """Add the balance of units that are on in a mode, from those that are on at the start."""

    def more(t: Any) -> Any:
        departures = part.end[t] + part.leave[t] if turning else part.end[t]
        return sum(events[t - k] for events, k in begins) + part.arriving[t] - departures

    part.first_running = pyo.Constraint(expr=part.on[0] - at_start == more(0))
    part.running = Rows(later, rule=lambda b, t: b.on[t] - b.on[t - 1] == more(t))


def _least_run(part: Any, m: int, units: Units, plant: Plant, runs: Runs) -> None:
    """Add the minimum run time: for runs that began recently, and for the remainder of a run at the start."""
    process, slot, begins = units.process, np.arange(plant.n), runs.begins(m)
    least_on = np.zeros(plant.n)
    for state, under_way in zip(runs.states, runs.under_way, strict=True):
        if state.mode == units.modes[m].name:
            first = 0 if under_way is None else max(under_way.begins, 0)
            left_h = process.min_run_h - (0.0 if first else state.since_h)
            least_on += (slot >= first) & (slot < first + plant.steps(left_h))
    away = np.convolve(units.available < units.count, np.ones(runs.up))[: plant.n] > 0.5
    reached = slot >= min(k for _, k in begins)
    part.WITHIN = pyo.RangeSet(0, runs.up - 1)
    part.BOUND = _slots(~away & (reached | (least_on > 0)))
    part.AWAY = _slots(away & reached)
    part.carry_over = Series(pyo.RangeSet(0, plant.n - 1), values=least_on)

    @constraint(part, part.BOUND)
    def min_run(b: Any, t: int) -> Any:
        return (
            sum(total(events[t - k - j] for j in each(b.WITHIN)) for events, k in begins) + b.carry_over[t] <= b.on[t]
        )

    # an outage ends a run early
    part.on_when_begun = Rows(part.AWAY, rule=lambda b, t: sum(events[t - k] for events, k in begins) <= b.on[t])


def _least_rest(block: Any, units: Units, plant: Plant, runs: Runs) -> None:
    """Add the minimum rest time: for rests that began recently, and for the remainder of a rest at the start."""
    process, slot, parts = units.process, np.arange(plant.n), runs.parts
    remainders = [plant.steps(process.min_rest_h - state.since_h) for state in runs.states if state.mode is None]
    block.WITHIN = pyo.RangeSet(0, runs.down - 1)
    block.carry_over = Series(
        block.T, values=np.sum([slot < s for s in remainders], axis=0) if remainders else np.zeros(plant.n)
    )

    @constraint(block, block.T)
    def min_rest(b: Any, t: int) -> Any:
        return sum(total(part.end[t - j] for j in each(b.WITHIN)) for part in parts) + b.carry_over[t] <= b.rest[t]


def _planned_stop(block: Any, plant: Plant, name: str, units: Units) -> None:
    """Add one stop of a given length, whose beginning is free."""
    first, last, length = plant.stops[name]
    block.STOP = pyo.RangeSet(first, last)
    block.SPAN = pyo.RangeSet(0, length - 1)
    # it begins in no other slot
    block.stopping = Variable(pyo.RangeSet(1 - length, plant.n - 1), domain=pyo.Binary)
    slot = np.arange(1 - length, plant.n)
    block.stopping.fix_some((slot < first) | (slot > last), 0.0)
    block.out = Series(block.T, values=units.count - units.available)
    block.once = pyo.Constraint(rule=lambda b: total(b.stopping[t] for t in each(b.STOP)) == 1)

    @constraint(block, block.T)
    def stopped(b: Any, t: int) -> Any:
        return pyo.inequality(0, b.rest[t] - total(b.stopping[t - j] for j in each(b.SPAN)), b.out[t])


def _slots(mask: np.ndarray) -> Any:
    """Return the slots of a mask, shape (n,), as a range if they are consecutive."""
    slots = np.flatnonzero(mask).tolist()
    if slots and slots[-1] - slots[0] == len(slots) - 1:
        return pyo.RangeSet(slots[0], slots[-1])
    return pyo.Set(initialize=slots, dimen=1)
