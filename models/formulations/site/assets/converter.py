"""A converter in the model: flows by load, switching and ramps.

Switching is the formulation with three indicators of D. Rajan and S. Takriti, *Minimum Up/Down Polytopes of the Unit
Commitment Problem with Start-Up Costs*, IBM Research Report RC23628 (2005): its turn on and turn off inequalities
describe minimum run and rest as tightly as possible, and start and stop are integer if ``on`` is. Part load is filled
segment by segment; binaries that order the segments are omitted if filling them in the wrong order could never pay.
Ramps are per hour and scaled to the slot (``Converter.rise``).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.site.assets.ports import Flow, Linear, Ports, Row, add_segments, slots
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint, limit
from emberline.models.kernel.templates import each, total
from emberline.models.problem.site import Hub
from emberline.scenarios.assets.converter import Converter


def add_converter(block: pyo.Block, machine: Converter, hub: Hub) -> Ports:
    """Add the load of a machine and all flows that follow from it; on, start and stop if switching matters."""
    slots(block, hub.n)
    full = machine.capacity * hub.hours
    series = hub.series[machine.name]
    block.load = Variable(block.T, domain=pyo.NonNegativeReals)
    limit(block.load, upper=full * np.minimum(series["availability"], 1.0))
    if machine.switched:
        _switching(block, machine, hub)
    curved = [stream for _, stream in machine.streams() if stream.by_load]
    segments = len(machine.knots) - 1 if curved else 0
    if segments > 1:
        width, on = np.diff(machine.knots) * full, block.on if machine.switched else None
        ordered = not drives_to_hull(machine, hub)
        add_segments(
            block, block.T, lambda t: block.load[t], width, on=on, least=machine.min_load * full, ordered=ordered
        )
    elif machine.switched:
        _linear(block, machine, full)
    if math.isfinite(machine.rise(hub.hours)) or (machine.switched and machine.starting(hub.hours) < 1):
        _rising(block, machine, hub, full)
    if math.isfinite(machine.fall(hub.hours)) or (machine.switched and machine.stopping(hub.hours) < 1):
        _falling(block, machine, hub, full)
    if machine.name in hub.days:
        _daily(block, hub.days[machine.name])
    return _ports(block, machine, hub, full, segments)


def drives_to_hull(machine: Converter, hub: Hub) -> bool:
    """Return whether segments fill in order by themselves, because the wrong order needs more input for less output.

    More input cannot pay if a surplus of its carrier cannot (``Hub.freely_disposable``). Less output is equivalent to
    venting a part of it, which gains nothing where venting is allowed anyway.
    """
    for key, stream in machine.streams():
        if not stream.by_load:
            continue
        slope = np.diff(stream.at(machine.knots)) / np.diff(machine.knots)
        bend = np.diff(slope)
        straight = 1e-9 * max(float(np.abs(slope).max()), 1e-9)
        if key.startswith("inputs") and not (
            (bend >= -straight).all() and (stream.carrier in hub.freely_disposable or (bend <= straight).all())
        ):
            return False
        if key.startswith("outputs") and not (
            (bend <= straight).all() and (hub.carriers[stream.carrier].dumps or (bend >= -straight).all())
        ):
            return False
    return True


def _switching(block: pyo.Block, machine: Converter, hub: Hub) -> None:
    """Add on, start and stop, with minimum run and rest and their remainders from before the horizon."""
    bound_slots, now = _slots(machine.held_h(), hub.hours), int(machine.on_at_start())
    block.on = Variable(block.T, domain=pyo.Binary)
    is_bound = np.arange(hub.n) < bound_slots
    limit(block.on, lower=np.where(is_bound, now, 0), upper=np.where(is_bound, now, 1))
    block.start = Variable(block.T, bounds=(0, 1))
    block.stop = Variable(block.T, bounds=(0, 1))
    # a run that outlasts the horizon is covered by the shortened windows
    up, down = (min(max(_slots(span, hub.hours), 1), hub.n) for span in (machine.min_up_h, machine.min_down_h))
    block.switch = Rows(block.LATER, rule=lambda b, t: b.on[t] - b.on[t - 1] == b.start[t] - b.stop[t])
    block.first_switch = pyo.Constraint(expr=block.on[0] - now == block.start[0] - block.stop[0])

    # in the first slots the window would extend to before the horizon, where nothing is decided
    block.UP, block.DOWN = (pyo.RangeSet(span - 1, hub.n - 1) for span in (up, down))
    block.UP_CUT, block.DOWN_CUT = (pyo.RangeSet(0, span - 2) for span in (up, down))
    block.BEFORE = pyo.Set(pyo.RangeSet(0, max(up, down) - 2), initialize=lambda b, t: range(t + 1))
    block.min_up = Rows(block.UP, rule=lambda b, t: sum(b.start[t - k] for k in range(up)) <= b.on[t])

    @constraint(block, block.UP_CUT)
    def min_up_at_first(b: Any, t: int) -> Any:
        return total(b.start[i] for i in each(b.BEFORE[t])) <= b.on[t]

    block.min_down = Rows(block.DOWN, rule=lambda b, t: sum(b.stop[t - k] for k in range(down)) <= 1 - b.on[t])

    @constraint(block, block.DOWN_CUT)
    def min_down_at_first(b: Any, t: int) -> Any:
        return total(b.stop[i] for i in each(b.BEFORE[t])) <= 1 - b.on[t]


def _slots(hours: float, step: float) -> int:
    """Return the number of slots that cover some hours."""
    return math.ceil(hours / step - 1e-9)


def _linear(block: pyo.Block, machine: Converter, full: float) -> None:
    """Keep the load between minimum and full load while the machine is on, and at zero while it is off."""
    least = machine.min_load * full
    block.most = Rows(block.T, rule=lambda b, t: b.load[t] <= full * b.on[t])
    if least > 0:
        block.at_least = Rows(block.T, rule=lambda b, t: b.load[t] >= least * b.on[t])


def _rising(block: pyo.Block, machine: Converter, hub: Hub, full: float) -> None:
    rise, first = (min(share, 1.0) * full for share in (machine.rise(hub.hours), machine.first_rise(hub.hours)))
    start_load = machine.load_at_start()
    if not machine.switched:
        block.ramp_up = Rows(block.LATER, rule=lambda b, t: b.load[t] - b.load[t - 1] <= rise)
        if start_load is not None:
            block.first_ramp_up = pyo.Constraint(expr=block.load[0] <= start_load * full + first)
        return
    starting = machine.starting(hub.hours) * full

    @constraint(block, block.LATER)
    def ramp_up_while_on(b: Any, t: int) -> Any:
        return b.load[t] - b.load[t - 1] <= rise * b.on[t - 1] + starting * b.start[t]

    on = float(machine.on_at_start())
    block.first_ramp_up = pyo.Constraint(
        expr=block.load[0] - (start_load or 0.0) * full <= first * on + starting * block.start[0]
    )


def _falling(block: pyo.Block, machine: Converter, hub: Hub, full: float) -> None:
    fall, first = (min(share, 1.0) * full for share in (machine.fall(hub.hours), machine.first_fall(hub.hours)))
    start_load = machine.load_at_start()
    if not machine.switched:
        block.ramp_down = Rows(block.LATER, rule=lambda b, t: b.load[t - 1] - b.load[t] <= fall)
        if start_load is not None:
            block.first_ramp_down = pyo.Constraint(expr=start_load * full - block.load[0] <= first)
        return
    stopping = machine.stopping(hub.hours) * full

    @constraint(block, block.LATER)
    def ramp_down_while_on(b: Any, t: int) -> Any:
        return b.load[t - 1] - b.load[t] <= fall * b.on[t] + stopping * b.stop[t]

    # at the start of the horizon it stops from the load at which it may stop at once
    at_once = 1.0 if machine.ramp_down_per_h is None else machine.min_load
    at_once = (at_once if machine.stop_load is None else machine.stop_load) * full
    block.first_ramp_down = pyo.Constraint(
        expr=(start_load or 0.0) * full - block.load[0] <= first * block.on[0] + max(at_once, 0.0) * block.stop[0]
    )


def _daily(block: pyo.Block, days: list[tuple[range, float]]) -> None:
    block.DAY = pyo.RangeSet(0, len(days) - 1)
    block.OF_DAY = pyo.Set(block.DAY, initialize=dict(enumerate(steps for steps, _ in days)))
    block.amount_of_day = Series(block.DAY, values=np.array([amount for _, amount in days]))
    block.per_day = Rows(block.DAY, rule=lambda b, d: total(b.load[t] for t in each(b.OF_DAY[d])) == b.amount_of_day[d])


def _ports(block: pyo.Block, machine: Converter, hub: Hub, full: float, segments: int) -> Ports:
    load, series = block.load, hub.series[machine.name]
    flows = [Flow(machine.name, "main", machine.carrier, Linear(((load, 1.0 if machine.main == "output" else -1.0),)))]
    for key, stream in machine.streams():
        sign = 1.0 if key.startswith("outputs") else -1.0
        if not stream.by_load:
            gives = Linear(((load, sign * series[key]),))
        else:
            knots = stream.at(machine.knots)
            slope = np.diff(knots) / np.diff(machine.knots)
            parts: list[tuple[Any, float]] = []
            if segments > 1:
                parts += [(Row(block.filled, k), sign * float(slope[k])) for k in range(segments)]
                idle = float(knots[0])
            elif segments == 1:
                parts.append((load, sign * float(slope[0])))
                idle = float(knots[0] - slope[0] * machine.min_load)
            else:
                # it is at full load whenever it is on
                idle = float(knots[0])
            if machine.switched and idle:
                parts.append((block.on, sign * idle * full))
            gives = Linear(tuple(parts))
        flows.append(Flow(machine.name, key, stream.carrier, gives))
    cost = [Linear(((load, machine.cost_per_unit),))]
    on: Linear | None = None
    if machine.switched:
        if machine.start_fuel is not None:
            fuel = Linear(((block.start, -machine.start_fuel.amount),))
            flows.append(Flow(machine.name, "start_fuel", machine.start_fuel.carrier, fuel))
        cost += [
            Linear(((block.start, machine.start_cost), (block.stop, machine.stop_cost))),
            Linear(((block.on, machine.running_cost_per_h * hub.hours),)),
        ]
        on = Linear(((block.on, 1.0),))
    return Ports(
        flows=tuple(flows),
        cost=tuple(cost),
        scope1=(Linear(((load, machine.fossil_kg_per_unit),)),),
        on=on,
    )
