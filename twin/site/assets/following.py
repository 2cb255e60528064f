"""A schedule's set-points for the site's assets, followed as far as they can be.

A machine keeps to what is available, its least and full load, ramps, minimum run and rest; a store to its rates and its
band of levels; the rest that is planned is missed, violation ``asset``. Where a carrier then does not balance, the
difference is taken by what crosses the fence: more is bought and less vented, flared and sold, or the other way round;
of electricity the grid takes it. What no supply can cover cannot be taken either: stores are filled less and machines
turned down, those declared last first, down to a trip, and what loads miss then is violation ``shortage``. What can go
nowhere is violation ``surplus``. Where line or processes do not keep to the plan, heat that is wasted otherwise is
recovered when it comes, stores make up for the difference, and machines that are on answer to what is needed of their
products, as their controllers do, within what they may do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from emberline.scenarios import Case
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.datasets import RecourseKind, ViolationKind
from emberline.twin.run_variables import SMALL, TOLERANCE, Act, Violation
from emberline.twin.site.assets.hub import SiteHub, TankRun
from emberline.twin.site.assets.machine import TINY, MachineRun, Port
from emberline.twin.site.assets.plant import SitePlant
from emberline.twin.site.assets.setpoints import Setpoints
from emberline.twin.site.grids import SiteGrid

PASSES = 5
"""Maximum number of passes through a step after machines were turned down, which changes what others take and give."""


def missed_sun(hub: SiteHub, setpoints: Setpoints) -> Iterator[Violation]:
    """Planned output of PV and wind that is not available."""
    for name, available in hub.renewables.items():
        missed_mw = np.array(setpoints.rate(name)) - available
        for t in np.flatnonzero(missed_mw > TOLERANCE * max(float(available.max(initial=0.0)), 1.0)).tolist():
            at_min, energy = t * hub.scenario.horizon.step_min, float(missed_mw[t]) * hub.hours
            yield Violation(ViolationKind.ASSET, "", name, at_min, energy, "MWh")


class SetpointRun:
    """Set-points being followed.

    Args:
        plant: at the start of its horizon.
        setpoints: what the schedule says.
        answering: whether machines answer to a need that is not as planned.
        step_in: machines that step in for the import limit; None: none does.

    Raises:
        ValueError: the schedule lacks an asset.
    """

    def __init__(self, plant: SitePlant, setpoints: Setpoints, answering: bool, step_in: EngineRecourse | None) -> None:
        self._step_in = step_in
        self.plant, self.hub = plant, plant.hub
        carriers = [name for name in plant.hub.order if name != ELECTRICITY]
        self._carriers = carriers if answering else carriers[::-1]
        self._answering = answering
        self._loads, self._ons = {}, {}
        for name, machine in plant.machines.items():
            capacity, sign = machine.core.capacity, machine.main.sign
            loads = [max(sign * rate / capacity, 0.0) if capacity else 0.0 for rate in setpoints.rate(name, "main")]
            self._loads[name] = loads
            on = setpoints.on.get(name)
            # one that is not switched is on where it has a load
            self._ons[name] = [share > 0.5 for share in on] if on is not None else [load > TINY for load in loads]
        self._ins = {tank.name: [-rate for rate in setpoints.rate(tank.name, "in")] for tank in plant.all_tanks}
        self._outs = {tank.name: setpoints.rate(tank.name, "out") for tank in plant.all_tanks}
        self._as_planned = {tank.name: TankRun(tank.store, plant.hub.hours, plant.hub.n) for tank in plant.all_tanks}
        self._trades = {
            trade.name: [max(trade.sign * rate, 0.0) for rate in setpoints.rate(trade.name)]
            for trade in plant.all_trade
        }
        none = [0.0] * plant.hub.n
        self._dumps = {
            name: np.maximum(setpoints.dumped[name], 0.0).tolist() if name in setpoints.dumped else none
            for name in plant.dumping
        }
        self.renewables = setpoints.sun(plant.hub.renewables)
        """Output of PV and wind [MW]."""

    def step(self, t: int) -> None:
        """One step: the set-points, then what must give way."""
        plant = self.plant
        plant.begin(t)
        plant.reset(t)
        for name, machine in plant.machines.items():
            self._run_machine(machine, self._loads[name][t], self._ons[name][t], t)
        for tank in plant.all_tanks:
            into, out = self._ins[tank.name][t], self._outs[tank.name][t]
            both = min(into, out)
            if tank.store.one_way and both > SMALL * max(into, out, 1.0):
                unit = self.hub.carriers[tank.carrier].unit
                plant.report(ViolationKind.BOTH_WAYS, tank.name, t, both * self.hub.hours, unit)
                # it has one set-point, the difference
                into, out = self._ins[tank.name][t], self._outs[tank.name][t] = into - both, out - both
            tank.follow(into, out)
            planned = self._as_planned[tank.name]
            planned.begin()
            planned.follow(into, out)
            planned.end(t)
            plant.balance[tank.carrier] += tank.put_out - tank.put_in
        for trade in plant.all_trade:
            plant.trade(trade, min(self._trades[trade.name][t], trade.headroom))
        for name, rates in self._dumps.items():
            plant.dump(name, rates[t])
        self._balance(t)
        if self._step_in is not None:
            raised = self._step_in.step_in(plant, t)
            for name, load in raised.items():
                self._loads[name][t] = load
            if raised:
                self._balance(t)
        self._missed(t)
        plant.close(t)

    def _balance(self, t: int) -> None:
        """Settle each carrier, again where machines were moved for it."""
        for _ in range(PASSES):
            moved = [self._settle(name, t) for name in self._carriers]
            if not any(moved):
                break

    def _run_machine(self, machine: MachineRun, load: float, on: bool, t: int) -> None:
        if machine.core.switched and not on and not machine.held_on:
            self.plant.run(machine, 0.0, t, False)
            return
        placed = min(max(load, machine.least), machine.top) if machine.able else 0.0
        self.plant.run(machine, placed, t, machine.able and (on or machine.held_on))

    def _settle(self, carrier: str, t: int) -> bool:
        """Let what crosses the fence take the difference; whether machines had to be moved."""
        plant, balance = self.plant, self.plant.balance
        answered = self._answering and self._answer(carrier, t)
        trades = (*plant.flares[carrier], *reversed(plant.sales[carrier]))
        if balance[carrier] < 0:
            if carrier in plant.dumped:
                plant.dump(carrier, -min(plant.dumped[carrier], -balance[carrier]))
            for trade in trades:
                plant.trade(trade, -min(trade.rate, max(-balance[carrier], 0.0)))
            for supply in plant.supplies[carrier]:
                plant.trade(supply, min(max(-balance[carrier], 0.0), supply.headroom))
            if -balance[carrier] > plant.small[carrier]:
                return self._go_without(carrier, t) or answered
        elif balance[carrier] > 0:
            for supply in reversed(plant.supplies[carrier]):
                plant.trade(supply, -min(supply.rate, max(balance[carrier], 0.0)))
            for sale in plant.sales[carrier]:
                plant.trade(sale, min(max(balance[carrier], 0.0), sale.headroom))
            if carrier in plant.dumped:
                plant.dump(carrier, max(balance[carrier], 0.0))
            for flare in plant.flares[carrier]:
                plant.trade(flare, min(max(balance[carrier], 0.0), flare.headroom))
        return answered

    def _answer(self, carrier: str, t: int) -> bool:
        """Let stores and machines that are on give more of a carrier, or less, as it is needed; whether any machine was
        moved.

        Supplies, which cost nothing to move, come before them. Stores come back to their planned levels first and take
        what is recovered before less is recovered.
        """
        plant, balance = self.plant, self.plant.balance
        if plant.supplies[carrier]:
            return False
        if carrier in plant.dumped and balance[carrier] >= 0:
            return self._recover(carrier, t)
        recovering = [giver for giver in plant.givers[carrier] if giver[0].name in self.hub.recoverers]
        firing = [giver for giver in plant.givers[carrier] if giver not in recovering]
        self._store(carrier, as_planned=True)
        if balance[carrier] < 0:
            moved = self._move(carrier, [*recovering, *firing], t)
            self._store(carrier)
            return moved
        moved = self._move(carrier, firing, t)
        self._store(carrier)
        return self._move(carrier, recovering, t) or moved

    def _recover(self, carrier: str, t: int) -> bool:
        """Recover what would be vented; whether any machine was moved."""
        plant, moved = self.plant, False
        for machine, port in plant.takers[carrier]:
            over = plant.balance[carrier]
            if over <= plant.small[carrier] or machine.name not in self.hub.recoverers:
                continue
            load = min(port.load_for(port.at(machine.load, t) + over, t), machine.top, machine.cap)
            if machine.able and load > max(machine.load, machine.least) + TINY:
                plant.run(machine, load, t, True)
                moved = True
        return moved

    def _store(self, carrier: str, *, as_planned: bool = False) -> None:
        """Let stores take or give what does not balance, until their planned levels or as far as they can."""
        plant, balance = self.plant, self.plant.balance
        for tank in plant.tanks[carrier]:
            level = self._as_planned[tank.name].level if as_planned else None
            if balance[carrier] > 0:
                room = min(tank.room(level) if level is None or tank.after < level else 0.0, balance[carrier])
                plant.draw(tank, -min(tank.put_out, room))
                if not (tank.put_out and tank.store.one_way):
                    plant.fill(tank, min(tank.room(level), max(balance[carrier], 0.0)))
            else:
                stock = min(tank.stock(level), -balance[carrier])
                plant.fill(tank, -min(tank.put_in, stock))
                if not (tank.put_in and tank.store.one_way):
                    plant.draw(tank, min(tank.stock(level), max(-balance[carrier], 0.0)))

    def _move(self, carrier: str, givers: list[tuple[MachineRun, Port]], t: int) -> bool:
        """Let machines give what does not balance, or less; whether any was moved."""
        plant, balance, moved = self.plant, self.plant.balance, False
        for machine, port in givers:
            missing, idle = -balance[carrier], machine.core.switched and not machine.on
            if abs(missing) <= plant.small[carrier] or idle or self.hub.product(machine.core) != carrier:
                continue
            load = port.load_for(max(port.at(machine.load, t) + missing, 0.0), t)
            # who had to go without, or recovered what nobody needs, stays so
            load = min(max(load, machine.least), machine.top, machine.cap)
            if missing < 0 and machine.name in self.hub.recoverers:
                machine.cap = load
            if abs(load - machine.load) > TINY:
                plant.run(machine, load, t, True)
                moved = True
        return moved

    def _go_without(self, carrier: str, t: int) -> bool:
        """Turn down what takes a carrier that is short; whether machines were turned down."""
        plant, balance, lowered = self.plant, self.plant.balance, False
        for tank in plant.tanks[carrier]:
            plant.fill(tank, -min(max(-balance[carrier], 0.0), tank.may_leave()))
        for machine, port in reversed(plant.takers[carrier]):
            if balance[carrier] >= -TINY:
                break
            intake = port.at(machine.load, t)
            if intake > TINY:
                load = port.load_for(max(intake + balance[carrier], 0.0), t)
                load = load if load >= machine.core.min_load and load > TINY else 0.0
                plant.run(machine, min(load, machine.load), t, machine.on and load > 0)
                machine.cap = machine.load
                lowered = True
        return lowered

    def _missed(self, t: int) -> None:
        """Note what differs from the set-points; trade may differ freely."""
        plant, hours = self.plant, self.hub.hours
        for name, machine in plant.machines.items():
            core = machine.core
            target = self._loads[name][t] if self._ons[name][t] or not core.switched else 0.0
            self._note(name, core.carrier, abs(machine.load - target) * core.capacity, core.capacity, t)
        for tank in plant.all_tanks:
            planned = self._ins[tank.name][t], self._outs[tank.name][t]
            missed = abs(tank.put_in - planned[0]) + abs(tank.put_out - planned[1])
            self._note(tank.name, tank.carrier, missed, tank.store.capacity / hours, t)

    def _note(self, name: str, carrier: str, rate: float, size: float, t: int) -> None:
        if rate > TOLERANCE * max(size, 1.0):
            self.plant.report(ViolationKind.ASSET, name, t, rate * self.hub.hours, self.hub.carriers[carrier].unit)


@dataclass
class EngineRecourse:
    """Of one run of a site."""

    scenario: Case
    above_mw: list[float]
    """Draw of the site in each step above the import limit before its assets give anything; negative: below it."""
    left_mwh: float
    """Electricity that may still be given."""
    acts: list[Act]

    @classmethod
    def of(
        cls, grid: SiteGrid, net_mw: np.ndarray, setpoints: Setpoints | None, acts: list[Act]
    ) -> EngineRecourse | None:
        """Of a site that draws so much in each cell [MW], shape (n_cells,); None where nothing steps in.

        Where the worst metered interval of a step lies above its mean, the worst one counts.
        """
        most = grid.scenario.recourse.engine_most_mwh
        if not most or setpoints is None or not np.isfinite(grid.import_limit_mw):
            return None
        net = net_mw + np.repeat(setpoints.charge_mw - setpoints.discharge_mw, grid.per_step)
        return cls(grid.scenario, (grid.over_meters(net, worst=True) - grid.import_limit_mw).tolist(), most, acts)

    def step_in(self, plant: SitePlant, t: int) -> dict[str, float]:
        """Raise machines of a step where that is needed; the new load of each by name.

        Args:
            plant: in the step, its set-points followed.
            t: the step.
        """
        hours = plant.hub.hours
        short = min(self.above_mw[t] - plant.balance[ELECTRICITY], self.left_mwh / hours)
        loads: dict[str, float] = {}
        for machine, port in plant.givers[ELECTRICITY]:
            if short <= TOLERANCE or not machine.able or (machine.core.switched and not machine.on):
                continue
            before = port.at(machine.load, t)
            load = min(port.load_for(before + short, t), machine.top, machine.cap)
            if load <= machine.load + TINY:
                continue
            plant.run(machine, load, t, True)
            more = port.at(load, t) - before
            short, loads[machine.name] = short - more, load
            self.left_mwh -= more * hours
            cost = more * hours * self.scenario.recourse.engine_cost_per_mwh
            at = t * self.scenario.horizon.step_min
            self.acts.append(Act(RecourseKind.ENGINE, machine.name, at, more * hours, "MWh", cost))
        return loads
