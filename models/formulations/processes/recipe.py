"""What a mode takes and gives by its rate: power, flows, heat, off-spec product; start-ups, change-overs and ramps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.processes.ports import UnitPorts, by_slot
from emberline.models.formulations.processes.runs import REST, Response, Runs
from emberline.models.formulations.site.assets import segments
from emberline.models.formulations.site.assets.ports import Linear, Row
from emberline.models.kernel import deadline
from emberline.models.kernel.arrays import Series, Variable, constraint
from emberline.models.kernel.templates import each, total
from emberline.models.problem.plant import Plant, Units, convex, slopes
from emberline.scenarios.flows.process_flows import added_per_t, directions, per_t
from emberline.scenarios.process import GJ_PER_MWH, Heat, Mode


def add_recipe(part: Any, mode: Mode, m: int, plant: Plant, runs: Runs, ports: UnitPorts, ordered: bool) -> None:
    """Rate, off-spec product, power, flows and heat of one mode."""
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

        @constraint(part, part.T)
        def most(b: Any, t: int) -> Any:
            return b.output[t] <= high * b.on[t]

        @constraint(part, part.T)
        def least(b: Any, t: int) -> Any:
            return b.output[t] >= low * b.on[t]

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
    """What is made in a mode, what is off-spec left out."""
    part.spoilt = pyo.Block()
    every = [(runs.events(b), b.slots, runs.off_spec(b)) for b in runs.of_mode[m]]
    spoilt = Response(part.spoilt, every, runs.units.available if runs.units.count == 1 else None)
    going_on = runs.going_on("lost", m)
    if spoilt.empty and not going_on.any():
        return output
    part.lost = Variable(part.T, domain=pyo.NonNegativeReals)
    part.lost_before = Series(part.T, values=going_on)

    @constraint(part, part.T)
    def off_spec(b: Any, t: int) -> Any:
        return b.lost[t] - spoilt.at(t) == b.lost_before[t]

    if mode.rates.low == 0:

        @constraint(part, part.T)
        def no_more_than_made(b: Any, t: int) -> Any:
            return b.lost[t] <= b.output[t]

    return Linear((*output.parts, (part.lost, -1.0)))


def _heat(part: Any, heat: Heat, heat_demand: Linear, ports: UnitPorts) -> None:
    """Fuels that give the heat of a mode, within the limits of their shares."""
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
    """Electricity of a range of rates: what the least takes, and segment by segment what is made above it."""
    (low, base), *_ = knots
    if len(slope) == 1:
        return Linear(((part.output, slope[0]), (part.on, base - slope[0] * low)))
    width = np.array([b - a for (a, _), (b, _) in pairwise(knots)])
    # counted units are alike, and convex where segments need no order
    segments.add(part, part.T, lambda t: part.output[t], width, on=part.on, least=low, ordered=ordered)
    filled = tuple((Row(part.filled, k), slope[k]) for k in range(len(width)))
    return Linear(((part.on, base), *filled))


def add_beginnings(block: Any, plant: Plant, runs: Runs, ports: UnitPorts) -> None:
    """What start-ups and change-overs draw."""
    block.powered = pyo.Block()
    powered = Response(
        block.powered, [(runs.events(b), 0, runs.energy(b, b.what.energy_mwh)) for b in runs.every]
    )  # fmt: skip
    going_on = runs.going_on("mwh")
    if not powered.empty or going_on.any():
        block.beginning = Variable(block.T, domain=pyo.NonNegativeReals)
        block.going_on = Series(block.T, values=going_on)

        @constraint(block, block.T)
        def power_balance(b: Any, t: int) -> Any:
            return b.beginning[t] - powered.at(t) == b.going_on[t]

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
    """What start-ups take of one fuel."""
    block.amounts = pyo.Block()
    block.going_on = Series(slots, values=going_on)
    amounts = Response(block.amounts, parts)

    @constraint(block, slots)
    def heated(b: Any, t: int) -> Any:
        return fuel_row[t] - amounts.at(t) == b.going_on[t]


def add_ramp(block: Any, units: Units, plant: Plant, runs: Runs, ramp: float) -> None:
    """From slot to slot while it runs; a run may begin and end at any rate. One unit alone."""
    most, names = ramp * plant.hours * plant.hours, [mode.name for mode in units.modes]
    jump = max(units.high_tph(mode) for mode in units.modes) * plant.hours
    state = units.process.start[units.first]
    block.arriving = Series(block.T, values=runs.arrivals())
    # where a change-over takes no time the ramp holds across it
    free = [b for b in runs.every if b.origin == REST or b.slots]
    turning = [runs.events(b) for b in free if b.origin != REST]

    def rate(t: Any) -> Any:
        return sum(
            mode.rates.low * plant.hours * part.on[t] if mode.rates.fixed else part.output[t]
            for mode, part in zip(units.modes, runs.parts, strict=True)
        )

    def starts(t: Any) -> Any:
        """Runs that begin from standstill in a slot."""
        return sum(runs.events(b)[t - b.slots] for b in free) + block.arriving[t]

    def ends(t: Any) -> Any:
        return sum([*(part.end[t] for part in runs.parts), *(events[t] for events in turning)])

    @constraint(block, block.LATER)
    def ramp_up(b: Any, t: int) -> Any:
        return rate(t) - rate(t - 1) <= most + jump * starts(t)

    @constraint(block, block.LATER)
    def ramp_down(b: Any, t: int) -> Any:
        return rate(t - 1) - rate(t) <= most + jump * ends(t)

    if runs.at_start(names.index(state.mode) if state.mode else 0) and state.rate_tph is not None:
        first = state.rate_tph * plant.hours
        block.first_ramp_up = pyo.Constraint(expr=rate(0) - first <= most + jump * starts(0))
        block.first_ramp_down = pyo.Constraint(expr=first - rate(0) <= most + jump * ends(0))


def _burn(ports: UnitPorts, carrier: str, heat: Linear) -> None:
    ports.places.setdefault(carrier, []).append(heat.scaled(-1.0))
