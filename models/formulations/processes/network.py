"""All processes in the model with the stores between them: material balances, orders, daily energy.

Levels are those of ``Store``: the loss per hour acts continuously, so that the optimum does not depend on the slot.
Within a slot flows are constant and a level changes in one direction, so that its limits hold at every instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.processes.commitment import add_units
from emberline.models.formulations.processes.runs import UnitPorts, by_slot, joined
from emberline.models.formulations.site.assets.ports import Linear, Row
from emberline.models.formulations.site.balance import Ports as SitePorts
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint, limit
from emberline.models.kernel.templates import each, total
from emberline.models.problem.plant import Plant
from emberline.scenarios.metrics import FACTORS
from emberline.scenarios.process.store import Store

ADDED = ("scope1", *FACTORS)
"""Components to which processes contribute."""
HAIR = 1e-9
"""Share by which a final level may miss its target, which a solver counts as equal."""


@dataclass(frozen=True)
class PlantPorts:
    """Contributions of the plant to the site and the objective."""

    plant: Plant
    block: Any
    units: tuple[UnitPorts, ...]
    electricity: Any
    """Draw in each slot [MWh], a variable."""
    gives: dict[str, Linear]
    """Deliveries to each carrier's balance, in the carrier's unit; consumption is negative."""

    def added(self, component: str) -> Any:
        """Return the contribution of processes to a component of the metrics, as an expression for a rule."""
        every = joined(term for ports in self.units for term in ports.added.get(component, ()))
        return sum(weight * total(variable[t] for t in each(self.block.T)) for variable, weight in every.parts)

    def emitting(self, ports: SitePorts) -> SitePorts:
        """Return the ports of a site whose load is the plant, with the contributions of processes to each metric."""

        def emission(metric: str) -> Any:
            factors = self.plant.parts[metric]
            return sum(-factors[name] * self.added(name) for name in ADDED if factors.get(name))

        return ports.less(emission)

    def crediting(
        self,
        ports: SitePorts,
        credits: Mapping[str, Mapping[str, float]],
        bands: Mapping[str, float],
        slack_prices: Mapping[str, float],
    ) -> SitePorts:
        """Return ports less the value of extra stock at the end.

        Args:
            ports: ports of the site.
            credits: value of a tonne in each store, by metric.
            bands: extra stock that is credited in each store [t].
            slack_prices: price of a tonne that a store lacks or spills, by metric.
        """
        block, last = self.block, self.plant.n - 1
        block.end_stock = Series(block.STORE, values=np.array([store.end_t for store in self.plant.stores]))
        block.more = Variable(block.STORE, domain=pyo.NonNegativeReals)
        limit(block.more, upper=np.array([bands[name] for name in block.STORE]))

        @constraint(block, block.STORE)
        def more_than_wanted(b: Any, name: str) -> Any:
            return b.more[name] - b.level[name, last] <= -(1 - HAIR) * b.end_stock[name]

        def less(metric: str) -> Any:
            credit = sum(worth * block.more[name] for name, worth in credits[metric].items() if worth)
            if not self.plant.elastic:
                return credit
            return credit - slack_prices[metric] * sum(
                total(Row(slack, name)[t] for t in each(block.T)) for slack in self.slacks for name in block.STORE
            )

        return ports.less(less)

    @property
    def slacks(self) -> tuple[Any, ...]:
        """Shortage and spill of each store by slot, as variables [t]; empty if the plant is not elastic."""
        return (self.block.lacking, self.block.spilt) if self.plant.elastic else ()

    def of_place(self, place: str) -> list[Linear]:
        """Return all deliveries of units to a store or carrier."""
        return [term for ports in self.units for term in ports.places.get(place, ())]


def add(block: pyo.Block, plant: Plant, carriers: list[str], *, ordered: bool = False) -> PlantPorts:
    """Add the plant to a block.

    Args:
        block: empty block.
        plant: data of the plant.
        carriers: carriers of the site except electricity.
        ordered: whether power curves need rows that fill their segments in order.
    """
    n = plant.n
    block.T = pyo.RangeSet(0, n - 1)
    block.LATER = pyo.RangeSet(1, n - 1)
    block.UNITS = pyo.RangeSet(0, len(plant.units) - 1)
    block.units = pyo.Block(block.UNITS)
    unit_ports = tuple(add_units(block.units[i], units, plant, ordered) for i, units in enumerate(plant.units))
    _alike(block, plant)
    _locked(block, plant, unit_ports)
    electricity = joined(term for ports in unit_ports for term in ports.electricity)
    block.electricity = Variable(block.T, domain=pyo.NonNegativeReals)
    block.power_balance = Rows(block.T, rule=lambda b, t: b.electricity[t] - by_slot(electricity, t) == 0)
    gives = {
        carrier: joined(term for unit in unit_ports for term in unit.places.get(carrier, ())) for carrier in carriers
    }
    _orders(block, plant)
    ports = PlantPorts(
        plant, block, unit_ports, block.electricity, {c: flow for c, flow in gives.items() if flow.parts}
    )
    _stores(block, plant, ports)
    _daily(block, plant, ports)
    return ports


def _alike(block: Any, plant: Plant) -> None:
    """Order identical units that are planned separately: those named first have their first start-up first."""
    pairs = []
    for i in range(len(plant.units) - 1):
        first, second = plant.units[i], plant.units[i + 1]
        if first.process is second.process and not first.process.must_run:
            same_state = first.process.start[first.first] == second.process.start[second.first]
            if same_state and (first.available == second.available).all():
                pairs.append(i)
    block.ALIKE = pyo.Set(initialize=pairs)
    block.alike = pyo.Block(block.ALIKE)
    for i in pairs:
        modes = [list(block.units[k].mode.values()) for k in (i, i + 1)]
        _first_first(block.alike[i], block.T, block.LATER, *modes)


def _first_first(block: Any, slots: Any, later: Any, first: list[Any], second: list[Any]) -> None:
    # counted from slot to slot: sums over all earlier start-ups would have many times the terms
    block.started = Variable(slots, domain=pyo.NonNegativeReals)

    def starts(modes: list[Any], t: Any) -> Any:
        return sum(mode.fire[t] for mode in modes)

    block.first_started = pyo.Constraint(expr=block.started[0] == starts(first, 0))
    block.started_so_far = Rows(later, rule=lambda b, t: b.started[t] - b.started[t - 1] == starts(first, t))
    block.first_first = Rows(slots, rule=lambda b, t: starts(second, t) <= b.started[t])


def _locked(block: Any, plant: Plant, unit_ports: tuple[UnitPorts, ...]) -> None:
    """Add the runs that the planner has locked: minimum numbers of runs that begin and of units that run."""
    rows = []
    for (name, mode), runs in plant.locks.items():
        ports = [unit_port for unit_port in unit_ports if unit_port.units.process.name == name]
        m = [mode.name for mode in ports[0].units.modes].index(mode)
        for t, count in runs.begins.items():
            rows.append(sum(events[t - lag] for port in ports for events, lag in port.runs.begins(m)) >= count)
        for t in np.flatnonzero(runs.running).tolist():
            rows.append(sum(port.block.mode[m].on[t] for port in ports) >= int(runs.running[t]))
    block.LOCKED = pyo.RangeSet(0, len(rows) - 1)
    block.locked = pyo.Constraint(block.LOCKED, rule=lambda b, i: rows[i])


def _orders(block: Any, plant: Plant) -> None:
    """Add the loading of each order in its slots, and the sets of orders and slots that it is allowed in."""
    orders = plant.orders
    block.ORDERS = pyo.RangeSet(0, len(orders) - 1)
    block.LOADING = pyo.Set(block.ORDERS, initialize={o: range(a, b) for o, (_, a, b) in enumerate(orders)})
    block.ORDER = pyo.Set(initialize=[(o, t) for o, (_, a, b) in enumerate(orders) for t in range(a, b)], dimen=2)
    block.loaded = Variable(block.ORDER, domain=pyo.NonNegativeReals)
    most = [delivery.most_tph(plant.hours) * plant.hours for delivery, *_ in orders]
    limit(block.loaded, upper=np.repeat(most, [b - a for _, a, b in orders]))
    block.amount = Series(block.ORDERS, values=np.array([delivery.amount_t for delivery, *_ in orders]))

    @constraint(block, block.ORDERS)
    def order_whole(b: Any, o: int) -> Any:
        return total(b.loaded[o, t] for t in each(b.LOADING[o])) == b.amount[o]


def _stores(block: Any, plant: Plant, ports: PlantPorts) -> None:
    n, stores = plant.n, plant.stores
    block.STORE = pyo.Set(initialize=[store.name for store in stores], dimen=1)
    block.level = Variable(block.STORE, block.T)
    if plant.elastic:
        block.lacking, block.spilt = (Variable(block.STORE, block.T, domain=pyo.NonNegativeReals) for _ in range(2))
    lowest, highest = np.zeros((len(stores), n)), np.repeat([store.capacity_t for store in stores], n)
    lowest[:, :-1] = np.array([plant.reserve_t[store.name] for store in stores]).reshape(-1, 1)
    lowest[:, -1] = [store.end_t * (1 - HAIR) for store in stores]
    limit(block.level, lowest.reshape(-1), highest)
    # between two moments at which the time of an order begins or ends, the same orders may be loaded
    moments = sorted({0, *(t for _, a, b in plant.orders for t in (a, b))})
    block.PHASE = pyo.RangeSet(0, len(moments) - 1)
    phase = (np.searchsorted(moments, np.arange(1, n), side="right") - 1).tolist()
    block.STEP = pyo.Set(initialize=list(zip(range(1, n), phase, strict=True)), dimen=2)
    block.store = pyo.Block(block.STORE)
    for store in stores:
        loading = {
            phase: [o for o, (d, a, b) in enumerate(plant.orders) if d.store == store.name and a <= moment < b]
            for phase, moment in enumerate(moments)
        }
        _balance(block.store[store.name], block, store, plant, joined(ports.of_place(store.name)), loading)


def _balance(
    store_block: Any, block: Any, store: Store, plant: Plant, flow: Linear, loading: Mapping[int, list[int]]
) -> None:
    """Add the level at the end of each slot from the flows in it.

    Args:
        store_block: empty block.
        block: block with levels and orders.
        store: store of the level.
        plant: data of the plant.
        flow: deliveries of units to the store.
        loading: orders that may be loaded from the store in each phase.
    """
    h, level = plant.hours, Row(block.level, store.name)
    retention, counted, ordered = store.retention(h), store.effective_hours(h) / h, any(loading.values())
    store_block.demand = Series(block.T, values=plant.demand[store.name])
    store_block.LOADING = pyo.Set(block.PHASE, initialize=loading if ordered else {}, dimen=1)

    def stays(t: Any, phase: Any, demand: Any) -> Any:
        """Return the part of a slot's flows that remains at its end."""
        out = total(block.loaded[o, t] for o in each(store_block.LOADING[phase])) if ordered else 0.0
        slack = block.lacking[store.name, t] - block.spilt[store.name, t] if plant.elastic else 0.0
        return counted * (by_slot(flow, t) - out - demand + slack)

    @constraint(store_block, block.STEP)
    def stock(b: Any, t: int, phase: int) -> Any:
        return level[t] - retention * level[t - 1] - stays(t, phase, b.demand[t]) == 0

    before, demand = retention * plant.start_t[store.name], float(plant.demand[store.name][0])
    store_block.first_stock = pyo.Constraint(expr=level[0] - before - stays(0, 0, demand) == 0)


def _daily(block: Any, plant: Plant, ports: PlantPorts) -> None:
    """Add the electricity that processes must draw on each day."""
    block.DAILY = pyo.Set(initialize=list(plant.days), dimen=1)
    block.daily = pyo.Block(block.DAILY)
    for name, days in plant.days.items():
        process_block = block.daily[name]
        process_block.DAY = pyo.RangeSet(0, len(days) - 1)
        process_block.SLOTS = pyo.Set(process_block.DAY, initialize={d: steps for d, (steps, _) in enumerate(days)})
        process_block.amount = Series(process_block.DAY, values=np.array([amount for _, amount in days]))
        electricity = joined(term for p in ports.units if p.units.process.name == name for term in p.electricity)
        process_block.per_day = Rows(process_block.DAY, rule=_drawn_on(electricity))


def _drawn_on(electricity: Linear) -> Callable[[Any, Any], Any]:
    return lambda b, d: total(by_slot(electricity, t) for t in each(b.SLOTS[d])) == b.amount[d]


def levels(ports: PlantPorts) -> dict[str, np.ndarray]:
    """Return the level of each store at the end of each slot in the solution [t]."""
    level, n = ports.block.level, ports.plant.n
    return {name: Row(level, name).values(n) for name in ports.block.STORE}
