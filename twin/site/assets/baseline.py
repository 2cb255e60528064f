"""The baseline rules for the site's assets, without a schedule. Step by step it looks at what is needed now.

1. Flexible loads run evenly over their local day; where that is below their least load, at their least load from the
   day's beginning until they have what they need.
2. Sun and wind are used. A machine that makes electricity of what is bought runs while the import price (with the
   carbon price on it) is above what a MWh of its own costs at full load, fuel, carbon and wear, heat not credited and
   starts not counted: as far as line, base load and loads take its electricity. Otherwise it serves a need of its heat.
3. Carriers are worked through from uses to sources (``Hub.order``). A need is served first by what is recovered from
   waste, then by stores above their wanted end level, then by machines in declared order, then by supplies in declared
   order, at last by stores down to their lowest level. So a tank swings between its wanted level and full where its
   machine has a least load. The grid is electricity's supply; one that is cheaper in that step comes before it. Above
   the import limit engines run, then other supplies and stores.
4. Stores below their wanted end level are filled as fast as machines, supplies and the import limit allow.
5. A surplus, of what is recovered too, goes into stores, then into turbines that it drives, into sales, or is
   curtailed, flared, vented. Electricity goes into stores as far as it cannot be exported.
6. A machine does not start where its least load gives more than is needed, the rest can go nowhere and others cannot be
   turned down for it; minimum run and rest and ramps are obeyed, so that it stays on until its minimum run is over.
   Where more is needed than can be had, or made than can go anywhere, machines are turned down, those declared last
   first, and the step is thought over again with that. Without its input a machine trips, whatever its minimum run; the
   grid is never short.

It does not look ahead: where a ramp or a minimum rest then leaves it short, the violation is recorded.
"""

from __future__ import annotations

import numpy as np

from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.datasets import ViolationKind
from emberline.twin.site.assets.hub import SiteHub, TankRun
from emberline.twin.site.assets.machine import TINY, MachineRun, Port, evenly
from emberline.twin.site.assets.plant import SitePlant
from emberline.twin.site.grids import Electric

SMALL = 1e-9
"""Rate that nobody moves a lever for."""


class SiteBaseline:
    """The rules at work, on a plant and what its assets find at the busbar."""

    def __init__(self, plant: SitePlant, electric: Electric) -> None:
        self.plant, hub = plant, plant.hub
        self.renewables = hub.renewables
        """Output of PV and wind: all that they could [MW]."""
        self.hub = hub
        self._net = electric.net_mw.tolist()
        self._most_import: list[float] = electric.most_import_mw.tolist()
        self._most_export: list[float] = electric.most_export_mw.tolist()
        self._curtailable: list[float] = electric.curtailable_mw.tolist()
        market, inputs = hub.scenario.market, hub.scenario.inputs
        carbon = market.carbon_price.on_grid / 1000 * inputs["carbon_intensity_kg_per_mwh"].to_numpy()
        price = inputs["price_per_mwh"].to_numpy() + carbon
        self._price: list[float] = price.tolist()
        self._export_price: list[float] = inputs["export_price_per_mwh"].to_numpy().tolist()
        self._pays = {name: (price > marginal_cost(hub, name)).tolist() for name in hub.engines}
        self._engines = [self._port(name, ELECTRICITY) for name in hub.engines]
        self._recovering = {
            carrier: [
                self._port(name, carrier) for name in hub.recoverers if hub.product(hub.machines[name]) == carrier
            ]
            for carrier in hub.carriers
        }
        self._making = {carrier: [self._port(name, carrier) for name in names] for carrier, names in hub.makers.items()}
        self._driven = {
            carrier: [(m, port) for m, port in plant.takers[carrier] if m.name in hub.driven and port.sign < 0]
            for carrier in hub.carriers
        }
        self._days = {name: [day for day in days for _ in day[0]] for name, days in hub.days.items()}
        self._passes = 2 if hub.cyclic else 1
        self._load_targets: dict[str, float] = {}

    def _port(self, name: str, carrier: str) -> tuple[MachineRun, Port]:
        return next((m, port) for m, port in self.plant.givers[carrier] if m.name == name)

    def step(self, t: int) -> None:
        """One step: try, and try again with machines turned down, until nothing is missing that could be had."""
        plant = self.plant
        plant.begin(t)
        self._load_targets = {
            name: evenly(plant.machines[name], days[t], t, self.hub.hours) for name, days in self._days.items()
        }
        for _ in range(4 * len(plant.machines) + 4):
            self._attempt(t)
            if not self._turn_down(t):
                break
        for machine in plant.machines.values():
            if machine.held_on and machine.load < machine.floor - SMALL:
                short = (machine.floor - machine.load) * machine.core.capacity * self.hub.hours
                plant.report(ViolationKind.ASSET, machine.name, t, short, self.hub.carriers[machine.core.carrier].unit)
        plant.close(t)

    def _attempt(self, t: int) -> None:
        plant = self.plant
        plant.reset(t)
        plant.balance[ELECTRICITY] -= self._net[t]
        for name, machine in plant.machines.items():
            load = machine.place(self._load_targets.get(name, 0.0))
            plant.run(machine, load, t, load > 0 or (machine.held_on and not machine.core.min_load))
        for engine, port in self._engines:
            if self._pays[engine.name][t]:
                self._raise(engine, port, -plant.balance[ELECTRICITY], t)
        for _ in range(self._passes):
            for carrier in self.hub.order:
                self._serve(carrier, t)
        for carrier in reversed(self.hub.order):
            self._spill(carrier, t)
        for carrier in self.hub.order:
            # a turbine that a surplus has started draws its start fuel
            if -plant.balance[carrier] > SMALL and (carrier != ELECTRICITY or plant.supplies[carrier]):
                self._serve(carrier, t)

    def _raise(self, machine: MachineRun, port: Port, need: float, t: int) -> None:
        """Let a machine give more of a carrier."""
        if need <= SMALL:
            return
        now = port.at(machine.load, t)
        load = machine.place(port.load_for(now + need, t))
        if load <= machine.load + TINY:
            return
        over = port.at(load, t) - now - need - self._room(port.carrier, t)
        if over > SMALL and not self._make_room(machine, port.carrier, over, t):
            return
        self.plant.run(machine, load, t)

    def _make_room(self, starting: MachineRun, carrier: str, over: float, t: int) -> bool:
        """Turn others down by what a machine gives too much at its least load; False where they cannot be."""
        makers = (*self._making[carrier], *self._recovering[carrier])
        others = [(m, port) for m, port in makers if m is not starting and m.load > m.least]
        less = [port.at(machine.load, t) - port.at(machine.least, t) for machine, port in others]
        if sum(less) < over:
            return False
        for (machine, port), most in zip(reversed(others), reversed(less), strict=True):
            part = min(most, over)
            load = max(port.load_for(port.at(machine.load, t) - part, t), machine.least)
            self.plant.run(machine, load, t)
            over -= part
        return True

    def _room(self, carrier: str, t: int) -> float:
        """Room for a surplus of a carrier, per hour."""
        plant = self.plant
        if carrier in plant.dumped:
            return float("inf")
        room = sum(tank.room() for tank in plant.tanks[carrier])
        room += sum(trade.headroom for trade in (*plant.sales[carrier], *plant.flares[carrier]))
        return room + (self._most_export[t] if carrier == ELECTRICITY else 0.0)

    def _recover(self, carrier: str, t: int) -> None:
        """Make of waste what is needed, may be stored, drives a turbine or is sold; no more than there is."""
        plant = self.plant
        for machine, port in self._recovering[carrier]:
            use = -plant.balance[carrier] + sum(tank.room() for tank in plant.tanks[carrier])
            use += sum(trade.headroom for trade in plant.sales[carrier])
            for turbine, inlet in self._driven[carrier]:
                use += max(inlet.at(turbine.place(1.0), t) - inlet.at(turbine.load, t), 0.0)
            load = port.load_for(port.at(machine.load, t) + max(use, 0.0), t)
            for inlet in machine.ports:
                if inlet.sign < 0 and inlet.carrier != ELECTRICITY:
                    stock = sum(tank.stock(tank.end_level) for tank in plant.tanks[inlet.carrier])
                    there = plant.balance[inlet.carrier] + stock + inlet.at(machine.load, t)
                    load = min(load, inlet.load_for(max(there, 0.0), t))
            if load > machine.load + TINY and load >= machine.least - TINY:
                plant.run(machine, max(machine.place(load), machine.load), t)

    def _serve(self, carrier: str, t: int) -> None:
        """Serve a carrier's need, then fill its stores."""
        plant, electric = self.plant, carrier == ELECTRICITY
        if self._recovering[carrier]:
            self._recover(carrier, t)
        for tank in plant.tanks[carrier]:
            plant.draw(tank, min(max(-plant.balance[carrier], 0.0), tank.stock(tank.end_level)))
        if not electric:
            for machine, port in self._making[carrier]:
                self._raise(machine, port, -plant.balance[carrier], t)
        grid = self._most_import[t] if electric else 0.0
        for supply in plant.supplies[carrier]:
            cheap = not electric or supply.price[t] < self._price[t]
            need = max(-plant.balance[carrier], 0.0)
            plant.trade(supply, min(need if cheap else 0.0, supply.headroom))
        if electric and -plant.balance[carrier] > grid + SMALL:
            for machine, port in self._making[carrier]:
                self._raise(machine, port, -plant.balance[carrier] - grid, t)
            for supply in plant.supplies[carrier]:
                plant.trade(supply, min(max(-plant.balance[carrier] - grid, 0.0), supply.headroom))
        for tank in plant.tanks[carrier]:
            if -plant.balance[carrier] > grid + SMALL:
                plant.draw(tank, min(-plant.balance[carrier] - grid, tank.stock()))
        for tank in plant.tanks[carrier]:
            if not tank.put_out and tank.after < tank.end_level - SMALL:
                self._refill(carrier, tank, grid, t)

    def _refill(self, carrier: str, tank: TankRun, grid: float, t: int) -> None:
        """Bring a store back to its wanted level, as far as the plant can."""
        plant = self.plant
        ask = tank.room(tank.end_level)
        if carrier != ELECTRICITY:
            for machine, port in self._making[carrier]:
                self._raise(machine, port, ask - plant.balance[carrier], t)
            for supply in plant.supplies[carrier]:
                plant.trade(supply, min(max(ask - plant.balance[carrier], 0.0), supply.headroom))
        plant.fill(tank, min(ask, max(plant.balance[carrier] + grid, 0.0)))

    def _spill(self, carrier: str, t: int) -> None:
        plant, electric = self.plant, carrier == ELECTRICITY
        balance = plant.balance
        if balance[carrier] <= SMALL:
            return
        for supply in reversed(plant.supplies[carrier]):
            plant.trade(supply, -min(supply.rate, max(balance[carrier], 0.0)))
        for tank in reversed(plant.tanks[carrier]):
            plant.draw(tank, -min(tank.put_out, max(balance[carrier], 0.0)))
        export = self._most_export[t] if electric else 0.0
        for tank in plant.tanks[carrier]:
            if not tank.put_out:
                plant.fill(tank, min(max(balance[carrier] - export, 0.0), tank.room()))
        for turbine, inlet in self._driven[carrier]:
            there = inlet.at(turbine.load, t) + balance[carrier]
            load = turbine.place(inlet.load_for(there, t))
            if load > turbine.load + TINY and inlet.at(load, t) <= there + SMALL:
                plant.run(turbine, load, t)
        least = self._export_price[t] if electric else 0.0
        for sale in plant.sales[carrier]:
            if sale.price[t] >= least:
                plant.trade(sale, min(max(balance[carrier], 0.0), sale.headroom))
        if electric:
            # the rest is the grid's, curtailed, or vented by the metered mean
            return
        if carrier in plant.dumped:
            plant.dump(carrier, max(balance[carrier], 0.0))
        for trade in (*plant.flares[carrier], *plant.sales[carrier]):
            plant.trade(trade, min(max(balance[carrier], 0.0), trade.headroom))

    def _turn_down(self, t: int) -> bool:
        """Turn one machine down for what is missing or too much; False where there is none to turn down."""
        plant = self.plant
        for carrier in self.hub.order:
            electric = carrier == ELECTRICITY
            missing = -plant.balance[carrier] - (self._most_import[t] if electric else 0.0)
            if missing > plant.small[carrier]:
                if self._lower(plant.takers[carrier], missing, t):
                    return True
                if not electric and self._trip(plant.takers[carrier], missing, t):
                    return True
            export = self._most_export[t] + self._curtailable[t] if electric else 0.0
            if carrier not in plant.dumped or not electric:
                over = plant.balance[carrier] - export
                if over > plant.small[carrier] and self._lower(plant.givers[carrier], over, t):
                    return True
        return False

    def _lower(self, machines: list[tuple[MachineRun, Port]], amount: float, t: int) -> bool:
        for machine, port in reversed(machines):
            if machine.load <= machine.floor + TINY:
                continue
            load = port.load_for(max(port.at(machine.load, t) - amount, 0.0), t)
            load = machine.floor if load < machine.least else load
            if load < machine.load - TINY:
                machine.cap = load
                return True
        return False

    def _trip(self, machines: list[tuple[MachineRun, Port]], amount: float, t: int) -> bool:
        """A machine cannot take what is not there."""
        for machine, port in reversed(machines):
            intake = port.at(machine.load, t)
            if intake <= SMALL:
                continue
            load = port.load_for(max(intake - amount, 0.0), t)
            machine.cap = load if load >= machine.core.min_load else 0.0
            machine.least = min(machine.least, machine.cap)
            return True
        return False


def marginal_cost(hub: SiteHub, name: str) -> np.ndarray:
    """Cost of a MWh of an engine's electricity at full load, carbon price included, shape (n_steps,)."""
    machine = hub.machines[name]
    prices = hub.scenario.market.carbon_price
    per_kg = {1: prices.on_direct / 1000, 2: prices.on_grid / 1000}
    flows = machine.delivered(np.ones(hub.n), np.zeros(hub.n), hub.hours, hub.series[name])
    unit_cost = machine.cost_per_unit + machine.fossil_kg_per_unit * per_kg[1]
    cost = np.full(hub.n, unit_cost * machine.capacity + machine.running_cost_per_h)
    output = np.zeros(hub.n)
    for key, flow in flows.items():
        carrier = machine.flows[key]
        if carrier == ELECTRICITY:
            output = output + flow
            continue
        supply = next((supply for supply in hub.supplies if supply.carrier == carrier), None)
        if supply is not None and key != "start_fuel" and not key.startswith("outputs"):
            price = hub.series[supply.name]["price_per_unit"] + supply.fossil_kg_per_unit * per_kg[supply.scope]
            cost = cost - np.minimum(flow, 0.0) * price
    return np.divide(cost, output, out=np.full(hub.n, np.inf), where=output > 0)
