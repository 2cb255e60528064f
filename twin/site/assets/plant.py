"""State of all assets in a step, with the balance of each carrier; shared by the baseline and replays of set-points."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from emberline.scenarios.assets.base import of
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.assets.trade import Flare, Sale, Supply, Trade
from emberline.scenarios.datasets import ViolationKind
from emberline.twin.run_variables import TOLERANCE, Violation
from emberline.twin.site.assets.hub import SiteHub, TankRun
from emberline.twin.site.assets.machine import MachineRun, Port

Places = dict[str, list[tuple[MachineRun, Port]]]


class TradeRun:
    """Simulation of a supply, a sale or a flare over the horizon."""

    def __init__(self, trade: Trade, price: np.ndarray | None, hours: float, n: int) -> None:
        self.name, self.carrier = trade.name, trade.carrier
        self.sign = trade.sign
        self.price: list[float] = [0.0] * n if price is None else price.tolist()
        self._hours = hours
        self._most = math.inf if trade.rate_limit is None else trade.rate_limit
        self._total = math.inf if trade.horizon_limit is None else trade.horizon_limit
        self.rate: float
        """Flow in the current step, per hour."""
        self.rates = np.zeros(n)

    @property
    def headroom(self) -> float:
        """Additional flow that is allowed per hour."""
        return max(min(self._most, self._total / self._hours) - self.rate, 0.0)

    def end(self, t: int) -> None:
        """Record the flow of a step."""
        self.rates[t] = self.rate
        self._total -= self.rate * self._hours


class SitePlant:
    """Simulation of all assets over the horizon, with the balances of the current step."""

    def __init__(self, hub: SiteHub, line_rates: Mapping[str, np.ndarray]) -> None:
        """Start from hourly deliveries by loads, sources and the line for each carrier, shape (n_steps,) each."""
        self.hub = hub
        hours, n = hub.hours, hub.n
        self.fixed_rates = {name: rate.tolist() for name, rate in line_rates.items()}
        self.machines = {name: MachineRun(core, hub.series[name], hours, n) for name, core in hub.machines.items()}
        self.tanks: dict[str, list[TankRun]] = {name: [] for name in hub.carriers}
        self.supplies: dict[str, list[TradeRun]] = {name: [] for name in hub.carriers}
        self.sales: dict[str, list[TradeRun]] = {name: [] for name in hub.carriers}
        self.flares: dict[str, list[TradeRun]] = {name: [] for name in hub.carriers}
        for store in of(hub.assets, Storage):
            self.tanks[store.carrier].append(TankRun(store, hours, n))
        kinds: tuple[type[Trade], ...] = (Supply, Sale, Flare)
        for kind, by in zip(kinds, (self.supplies, self.sales, self.flares), strict=True):
            for trade in of(hub.assets, kind):
                by[trade.carrier].append(TradeRun(trade, hub.series[trade.name].get("price_per_unit"), hours, n))
        self.all_tanks = [tank for tanks in self.tanks.values() for tank in tanks]
        self.all_trade = [
            trade for by in (self.supplies, self.sales, self.flares) for trades in by.values() for trade in trades
        ]
        self.takers: Places = {name: [] for name in hub.carriers}
        self.givers: Places = {name: [] for name in hub.carriers}
        for machine in self.machines.values():
            for port in machine.ports:
                (self.givers if port.sign > 0 else self.takers)[port.carrier].append((machine, port))
        self.balance: dict[str, float] = {}
        """Balance of each carrier per hour; negative: shortage."""
        self.dumped: dict[str, float] = {}
        self.dumping = {name: np.zeros(n) for name, carrier in hub.carriers.items() if carrier.dumps}
        # rounding errors of a solver, also of whole numbers, grow with the size of the flows
        self.small = {name: TOLERANCE * max(self._scale(name), 1.0) for name in hub.carriers}
        """Amount of each carrier that counts as zero, per hour."""
        self.violations: list[Violation] = []
        self._days_over: dict[int, list[tuple[str, range, float]]] = {}
        for name, days in hub.days.items():
            for steps, amount in days:
                self._days_over.setdefault(steps.stop - 1, []).append((name, steps, amount))

    def begin(self, t: int) -> None:
        """Start a step; call ``reset`` afterwards."""
        for machine in self.machines.values():
            machine.begin(t)

    def reset(self, t: int) -> None:
        """Reset a step: all machines are off, and nothing is traded."""
        self.balance = {name: rates[t] for name, rates in self.fixed_rates.items()}
        self.dumped = dict.fromkeys(self.dumping, 0.0)
        for machine in self.machines.values():
            machine.load, machine.on = 0.0, False
        for tank in self.all_tanks:
            tank.begin()
        for trade in self.all_trade:
            trade.rate = 0.0

    def run(self, machine: MachineRun, load: float, t: int, on: bool | None = None) -> None:
        """Set the load of a machine and update the balances."""
        on = load > 0 if on is None else on
        if machine.start_draw and not machine.was_on and on != machine.on:
            fuel = machine.core.start_fuel
            assert fuel is not None
            self.balance[fuel.carrier] += machine.start_draw if machine.on else -machine.start_draw
        if load != machine.load:
            for port in machine.ports:
                self.balance[port.carrier] += port.sign * (port.at(load, t) - port.at(machine.load, t))
        machine.load, machine.on = load, on

    def trade(self, trade: TradeRun, more: float) -> None:
        """Increase the flow of a trade; negative: decrease."""
        trade.rate += more
        self.balance[trade.carrier] += trade.sign * more

    def fill(self, tank: TankRun, more: float) -> None:
        """Increase the inflow of a store; negative: decrease."""
        tank.put_in += more
        self.balance[tank.carrier] -= more

    def draw(self, tank: TankRun, more: float) -> None:
        """Increase the outflow of a store; negative: decrease."""
        tank.put_out += more
        self.balance[tank.carrier] += more

    def dump(self, carrier: str, more: float) -> None:
        """Increase the vented amount of a carrier; negative: decrease."""
        self.dumped[carrier] += more
        self.balance[carrier] -= more

    def report(self, kind: ViolationKind, name: str, t: int, amount: float, unit: str) -> None:
        """Record a violation."""
        self.violations.append(Violation(kind, "", name, t * self.hub.scenario.horizon.step_min, amount, unit))

    def close(self, t: int) -> None:
        """Record the step. The grid balances the remaining electricity."""
        hours = self.hub.hours
        for tank in self.all_tanks:
            tank.end(t)
            unit, store = self.hub.carriers[tank.carrier].unit, tank.store
            out = max(store.lowest - tank.level, tank.level - store.highest)
            if t == self.hub.n - 1:
                out = max(out, tank.end_level - tank.level)
            if out > TOLERANCE * max(store.capacity, 1.0):
                self.report(ViolationKind.LEVEL, tank.name, t, out, unit)
        for trade in self.all_trade:
            trade.end(t)
        for machine in self.machines.values():
            machine.end(t)
        for name, carrier in self.hub.carriers.items():
            if name in self.dumping:
                self.dumping[name][t] = self.dumped[name]
            remaining = self.balance[name]
            if name != ELECTRICITY and abs(remaining) > self.small[name]:
                kind = ViolationKind.SHORTAGE if remaining < 0 else ViolationKind.SURPLUS
                self.report(kind, name, t, abs(remaining) * hours, carrier.unit)
        for name, steps, amount in self._days_over.get(t, ()):
            self._delivered(name, steps, amount, t)

    def _delivered(self, name: str, steps: range, amount: float, t: int) -> None:
        """Compare the energy of a flexible load on a day with its required energy."""
        machine = self.machines[name]
        core = machine.core
        energy = float(machine.loads[steps.start : steps.stop].sum()) * core.capacity * self.hub.hours
        if abs(energy - amount) > TOLERANCE * max(amount, 1.0):
            self.report(ViolationKind.ASSET, name, t, abs(energy - amount), self.hub.carriers[core.carrier].unit)

    def _scale(self, carrier: str) -> float:
        """Upper bound on the sum of the flows of a carrier."""
        peak = max((abs(rate) for rate in self.fixed_rates[carrier]), default=0.0)
        for _, port in (*self.takers[carrier], *self.givers[carrier]):
            peak += max(port.per_load) if port.per_load else port.at(1.0, 0)
        return peak
