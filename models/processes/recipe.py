"""What a mode takes and gives by its rate: power, flows, heat, off-spec product; start-ups, change-overs and ramps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.environ as pyo

from models.assets.ports import Linear
from models.processes.plant import Plant, Units, convex, slopes
from models.processes.ports import Row, Runs, UnitPorts
from scenarios.flows import directions, per_t
from scenarios.process import GJ_PER_MWH, Mode, in_steps


def add_recipe(
    part: Any, units: Units, mode: Mode, m: int, plant: Plant, runs: Runs, ports: UnitPorts, ordered: bool
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
        part.full = pyo.Var(part.BEND, part.T, domain=pyo.Binary)

        @part.Constraint(part.BEND, part.T)
        def lower_full(b: Any, k: int, t: int) -> Any:
            return b.filled[k, t] >= width[k] * b.full[k, t]

        @part.Constraint(part.BEND, part.T)
        def upper_after(b: Any, k: int, t: int) -> Any:
            return b.filled[k + 1, t] <= width[k + 1] * b.full[k, t]

    segments = tuple((Row(part.filled, k), slope[k]) for k in range(len(width)))
    return Linear(((part.on, base), *segments))


def add_beginnings(block: Any, units: Units, plant: Plant, runs: Runs, ports: UnitPorts) -> None:
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


def add_ramp(block: Any, units: Units, plant: Plant, runs: Runs, ramp: float) -> None:
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


def kernel(total: float, span_h: float, hours: float) -> list[float]:
    """An amount spread evenly over the slots of a span of hours; all in the first one where there is no span."""
    if not total:
        return []
    if span_h <= 0:
        return [total]
    slots = in_steps(span_h, hours)
    return [total / slots] * slots


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


def _times(flow: Linear, factor: float) -> Linear:
    return Linear(tuple((variable, weight * factor) for variable, weight in flow.parts))


def _burn(ports: UnitPorts, carrier: str, heat: Linear) -> None:
    ports.places.setdefault(carrier, []).append(_times(heat, -1.0))
