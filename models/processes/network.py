"""All processes in the model with the stores between them: balances of material, orders, a day's energy.

Level as in ``Store``: the loss per hour acts continuously, so that the optimum does not depend on the slot. Between the
ends of a slot flows are constant and a level does not turn, so that its limits hold at every instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression

from models.assets.ports import Linear, total
from models.processes.plant import Plant
from models.processes.ports import UnitPorts
from models.processes.unit import add_units
from models.site import Ports as SitePorts


@dataclass(frozen=True)
class PlantPorts:
    """What the plant offers to the site and the objective."""

    plant: Plant
    block: Any
    units: tuple[UnitPorts, ...]
    electricity: Any
    """Drawn in each slot [MWh], a variable."""
    gives: dict[str, list[Any]]
    """What it delivers to each carrier's balance by slot, in the carrier's unit, negative: takes; expressions."""

    def emitted(self) -> Any:
        """Fossil process emissions [kg CO2e], an expression."""
        return total([term for ports in self.units for term in ports.emitted], self.plant.n)

    def emitting(self, ports: SitePorts) -> SitePorts:
        """The site's ports, whose load is the plant, with its process emissions."""
        emitted = self.emitted()
        full_cost = ports.full_cost + self.plant.direct_price_per_kg * emitted
        return replace(ports, carbon=ports.carbon + emitted, full_cost=full_cost)

    def crediting(
        self, ports: SitePorts, credits: Mapping[str, Mapping[str, float]], bands: Mapping[str, float]
    ) -> SitePorts:
        """Ports with what more stock than wanted at the end is worth taken off.

        Args:
            ports: of the site.
            credits: by port, what a tonne is worth in each store.
            bands: how much more is credited in each store [t].
        """
        block, last = self.block, self.plant.n - 1
        ends = {store.name: store.end_t for store in self.plant.stores}
        block.more = pyo.Var(block.STORE, bounds=lambda b, name: (0, bands[name]))

        @block.Constraint(block.STORE)
        def more_than_wanted(b: Any, name: str) -> Any:
            return b.more[name] - b.level[name, last] <= -ends[name] * (1 - 1e-9)

        def less(port: str) -> Any:
            return pyo.quicksum(credits[port][name] * block.more[name] for name in block.STORE if credits[port][name])

        return replace(
            ports,
            carbon=ports.carbon - less("carbon"),
            cost=ports.cost - less("cost"),
            full_cost=ports.full_cost - less("full_cost"),
        )

    def of_place(self, place: str) -> list[Linear]:
        """All that units give to a store or carrier."""
        return [term for ports in self.units for term in ports.places.get(place, ())]


def add(block: pyo.Block, plant: Plant, carriers: list[str], *, ordered: bool = False) -> PlantPorts:
    """Fill a block with the plant.

    Args:
        block: empty.
        plant: its numbers.
        carriers: those of the site beside electricity.
        ordered: whether power curves must be told to fill in order.
    """
    n = plant.n
    block.T = pyo.RangeSet(0, n - 1)
    block.UNITS = pyo.RangeSet(0, len(plant.units) - 1)
    block.units = pyo.Block(block.UNITS)
    found = tuple(add_units(block.units[i], units, plant, ordered) for i, units in enumerate(plant.units))
    _alike(block, plant)
    electricity = _by_slot([term for ports in found for term in ports.electricity], n)
    block.electricity = pyo.Var(block.T, domain=pyo.NonNegativeReals)

    @block.Constraint(block.T)
    def drawn(b: Any, t: int) -> Any:
        return b.electricity[t] - electricity[t] == 0

    gives = {}
    for carrier in carriers:
        terms = [term for ports in found for term in ports.places.get(carrier, ())]
        if terms:
            gives[carrier] = _by_slot(terms, n)
    _orders(block, plant)
    ports = PlantPorts(plant, block, found, block.electricity, gives)
    _stores(block, plant, ports)
    _daily(block, plant, ports)
    return ports


def _by_slot(terms: list[Linear], n: int) -> list[Any]:
    """Sums of some flows in each slot, as expressions."""
    variables: list[list[Any]] = [[] for _ in range(n)]
    weights: list[list[float]] = [[] for _ in range(n)]
    for term in terms:
        for variable, factors in term.at(n):
            for t, factor in enumerate(factors):
                if factor:
                    variables[t].append(variable[t])
                    weights[t].append(factor)
    return [
        LinearExpression(constant=0.0, linear_coefs=w, linear_vars=v) if v else 0.0
        for v, w in zip(variables, weights, strict=True)
    ]


def _alike(block: Any, plant: Plant) -> None:
    """Identical units that are planned one by one: those named first start up first for the first time."""
    pairs = []
    for i in range(len(plant.units) - 1):
        one, other = plant.units[i], plant.units[i + 1]
        if one.process is other.process and not one.process.must_run:
            same_state = one.process.start[one.first] == other.process.start[other.first]
            if same_state and (one.available == other.available).all():
                pairs.append(i)
    block.ALIKE = pyo.Set(initialize=pairs)

    @block.Constraint(block.ALIKE, block.T)
    def first_first(b: Any, i: int, t: int) -> Any:
        one, other = b.units[i], b.units[i + 1]
        begun = pyo.quicksum(one.mode[m].fire[k] for m in one.MODE for k in range(t + 1))
        return pyo.quicksum(other.mode[m].fire[t] for m in other.MODE) <= begun


def _orders(block: Any, plant: Plant) -> None:
    block.ORDER = pyo.Set(initialize=[(o, t) for o, (_, a, b) in enumerate(plant.orders) for t in range(a, b)], dimen=2)
    most = [delivery.most_tph(plant.hours) * plant.hours for delivery, *_ in plant.orders]
    block.loaded = pyo.Var(block.ORDER, bounds=lambda b, o, t: (0, most[o]))
    block.ORDERS = pyo.RangeSet(0, len(plant.orders) - 1)

    @block.Constraint(block.ORDERS)
    def order_whole(b: Any, o: int) -> Any:
        delivery, first, last = plant.orders[o]
        return pyo.quicksum(b.loaded[o, t] for t in range(first, last)) == delivery.amount_t


def _stores(block: Any, plant: Plant, ports: PlantPorts) -> None:
    n, h = plant.n, plant.hours
    names = [store.name for store in plant.stores]
    by_name = {store.name: store for store in plant.stores}
    block.STORE = pyo.Set(initialize=names, dimen=1)

    def limits(b: Any, name: str, t: int) -> tuple[float, float]:
        store = by_name[name]
        # a hair less than is wanted is what a solver calls equal
        return (store.end_t * (1 - 1e-9) if t == n - 1 else 0.0, store.capacity_t)

    block.level = pyo.Var(block.STORE, block.T, bounds=limits)
    flows = {name: _by_slot(ports.of_place(name), n) for name in names}
    kept = {name: by_name[name].kept(h) for name in names}
    counts = {name: by_name[name].effective_hours(h) / h for name in names}
    loading = {name: [o for o, (d, *_) in enumerate(plant.orders) if d.store == name] for name in names}

    @block.Constraint(block.STORE, block.T)
    def stock(b: Any, name: str, t: int) -> Any:
        out = pyo.quicksum(b.loaded[o, t] for o in loading[name] if (o, t) in b.ORDER)
        net = flows[name][t] - out - float(plant.demand[name][t])
        before = kept[name] * (b.level[name, t - 1] if t else plant.start_t[name])
        return b.level[name, t] - before - counts[name] * net == 0


def _daily(block: Any, plant: Plant, ports: PlantPorts) -> None:
    days = [(name, steps, amount) for name, own in plant.days.items() for steps, amount in own]
    block.DAY = pyo.RangeSet(0, len(days) - 1)
    drawn = {
        name: _by_slot([t for p in ports.units if p.units.process.name == name for t in p.electricity], plant.n)
        for name in plant.days
    }

    @block.Constraint(block.DAY)
    def per_day(b: Any, d: int) -> Any:
        name, steps, amount = days[d]
        return pyo.quicksum(drawn[name][t] for t in steps) == amount


def levels(ports: PlantPorts) -> dict[str, np.ndarray]:
    """Level of each store at the end of each slot in the solution [t]."""
    level, n = ports.block.level, ports.plant.n
    return {name: np.array([level[name, t].value for t in range(n)]) for name in ports.block.STORE}
