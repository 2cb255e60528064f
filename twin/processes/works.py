"""The works in simulated time: SimPy processes of control room, units, stores and calendars, exact between events.

Between two events all flows are constant and every level is known in closed form (``twin.processes.network``). Each
process waits for its own next event and acts on it:

* *control room*: a step begins; set-points, demands and what arrives change;
* *unit*: a start-up, change-over or repair is over, it fails, a store or carrier that it waits for has recovered;
* *store*: it becomes full or empty;
* *calendar*: an outage of a unit begins or ends.

Whoever acts asks for a settlement, a process too: when all who act at a moment have acted, in this order, it works out
the flows and everybody's next event (``Alarm``). Nothing is polled, and SimPy's clock is the only one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable
from copy import copy
from typing import Any, Protocol

import simpy

from emberline.twin.processes.network import WorksTable, after, hours_until
from emberline.twin.processes.scatter import Scatter
from emberline.twin.processes.sharing import Flowing, Sharing
from emberline.twin.processes.unit import NOBODY, SOON_MIN, ModeRun, Standstill, UnitProcess


class Alarm:
    """One process's next event; a moment that was moved in the meantime passes without one."""

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._at, self._value = math.inf, 0.0
        self._event = env.event()

    def event(self) -> simpy.Event:
        """The event to wait for; its value is that of ``set``."""
        self._event = self._env.event()
        return self._event

    def set(self, at: float, value: float = 0.0) -> None:
        """Move the moment [min]; infinite: nothing is due."""
        self._value = value
        if at == self._at:
            return
        self._at = at
        if at < math.inf:
            timeout = self._env.timeout(max(at - self._env.now, 0.0), at)
            timeout.callbacks.append(self._ring)

    def _ring(self, timeout: simpy.Event) -> None:
        # the waiting process goes on after the orders of the same moment, which are scheduled already
        if timeout.value == self._at:
            self._at = math.inf
            self._event.succeed(self._value)


MAX_AT_ONCE = 1000
"""Most events at one moment; each changes something for good, and there are a few for each unit and store."""
ProcessEvents = Generator[simpy.Event, Any, None]
Observed = tuple[float, Callable[["Works"], None]]
"""Time [min] and an observation, which brings the works into line with the plant."""
Instructions = tuple[list[int], list[float], list[float]]
"""Mode [index, -1: stands] and rate [t/h] of each unit, loading of each delivery that is an order [t/h]."""


class Controller(Protocol):
    """Source of the set-points: a schedule, or the baseline's rule."""

    def instructions(self, k: int, works: Works) -> Instructions:
        """Set-points from the beginning of step ``k`` on."""


class WorksHistory:
    """History by step: lists of ``n_steps`` numbers [t], but for power; of steps to come zeros, or nothing."""

    def __init__(self, table: WorksTable) -> None:
        n, units, stores = table.n_steps, len(table.machines), len(table.stores)

        def zeros(rows: int) -> list[list[float]]:
            return [[0.0] * n for _ in range(rows)]

        self.instructions: list[Instructions] = []
        """Set-points of each step."""
        self.modes: list[list[int]] = []
        """Mode of each unit as each step begins, under its new set-point; by step."""
        self.output_t, self.off, self.heat_mwh = (
            [zeros(len(machine.ways)) for machine in table.machines] for _ in range(3)
        )
        """Of each unit in each of its modes: output, off-spec product included; that product; start-up heat [MWh]."""
        self.drawn_mwh = zeros(units)
        """Electricity of each unit [MWh]."""
        self.power: list[list[tuple[float, float, float]]] = [[] for _ in table.machines]
        """Pieces of constant power of each unit: start, end [min], power [MW]."""
        self.levels, self.into, self.out, self.lost = (zeros(stores) for _ in range(4))
        """Of each store its level at the end of the step, inflow, outflow and self-loss."""
        self.loaded, self.demand_t = (zeros(len(table.loads)) for _ in range(2))
        """Amount that leaves by each delivery, and that it asks for."""
        self.arrived = zeros(len(table.arrivals))
        """Amount that comes by each arrival; what a full store refuses is left out."""
        self.runs: list[ModeRun] = []
        self.rests: list[Standstill] = []
        self.bounds: list[tuple[float, int, bool]] = []
        """Times at which a store became full (True) or empty [min]."""
        self.standings = [[NOBODY] * units for _ in range(n)]
        """State of each unit at the end of each step; by step."""


class Works:
    """Units, stores, deliveries and arrivals under a controller, with the disturbances of one replication."""

    def __init__(
        self, table: WorksTable, policy: Controller, scatter: Scatter | None = None, observed: Iterable[Observed] = ()
    ) -> None:
        """Begin; ``observed``: in the order of their times."""
        self.table, self.policy, self.scatter = table, policy, scatter or Scatter()
        length_h = table.scenario.horizon.length_min / 60
        self.env = simpy.Environment()
        self.levels = list(table.start_t)
        self.units = [
            UnitProcess(u, machine, self.scatter.failures.get(u), length_h, table.step_h)
            for u, machine in enumerate(table.machines)
        ]
        self.loads = [Flowing(load.store) for load in table.loads]
        self.arrivals = [Flowing(store) for _, store, _ in table.arrivals]
        self.loaded = [0.0] * len(self.loads)
        """Amount that has left by each delivery until now [t]."""
        self.sharing = Sharing(table.capacity, table.decay, self.units, self.loads, self.arrivals, len(table.captive))
        self._k, self._step_end = 0, 0.0
        self._unsettled = self.env.event()
        """Triggered when somebody has acted and flows are to be worked out again."""
        self._due = [Alarm(self.env) for _ in self.units]
        self._bound = [Alarm(self.env) for _ in self.levels]
        self._until = 0.0
        """Until when levels and amounts are accounted for [min]."""
        self._power = [0.0] * len(self.units)
        self._since = [0.0] * len(self.units)
        self._over = self.env.process(self._control_room())
        for unit in self.units:
            self.env.process(self._unit(unit))
            if unit.machine.outages:
                self.env.process(self._calendar(unit))
        for s in range(len(self.levels)):
            self.env.process(self._store(s))
        self.env.process(self._observer(observed))
        self.env.process(self._settlement())
        self.trajectory = WorksHistory(table)

    @property
    def now(self) -> float:
        """Simulated time [min]."""
        return float(self.env.now)

    def run(self, until_step: int | None = None) -> WorksHistory:
        """Run to the beginning of a step, before anything of that moment happens, or to the end of the horizon.

        Raises:
            RuntimeError: flows do not settle.
        """
        if until_step is None or until_step >= self.table.n_steps:
            self.env.run(until=self._over)
        elif until_step * self.table.step_min > self.now:
            self.env.run(until=until_step * self.table.step_min)
            self._account()
            self._read()
        return self.history()

    def history(self) -> WorksHistory:
        """History until now, runs and powers that go on cut off; steps to come are empty."""
        trajectory = copy(self.trajectory)
        remaining = self.table.n_steps - len(trajectory.instructions)
        nobody = [-1] * len(self.units), [0.0] * len(self.units), [0.0] * len(self.loads)
        trajectory.instructions = trajectory.instructions + [nobody] * remaining
        trajectory.modes = trajectory.modes + [nobody[0]] * remaining
        trajectory.power = [list(pieces) for pieces in trajectory.power]
        trajectory.runs, trajectory.rests = [], [rest for unit in self.units for rest in unit.rests]
        for unit in self.units:
            if self._power[unit.index] and self.now > self._since[unit.index]:
                trajectory.power[unit.index].append((self._since[unit.index], self.now, self._power[unit.index]))
            trajectory.runs += unit.runs
            if unit.running:
                trajectory.runs.append(ModeRun(unit.index, unit.mode, unit.since, self.now, False))
        return trajectory

    def _control_room(self) -> ProcessEvents:
        """Each step begins with new set-points, demands and arrivals, and ends with a reading of all levels."""
        for k in range(self.table.n_steps):
            self._k, self._step_end = k, (k + 1) * self.table.step_min
            self._instruct(k)
            self._ask()
            yield self.env.timeout(self.table.step_min)
            self._account()
            self._read()

    def _read(self) -> None:
        """Levels and units at the end of the step."""
        for s, level in enumerate(self.levels):
            self.trajectory.levels[s][self._k] = level
        self.trajectory.standings[self._k] = [unit.standing(self.now) for unit in self.units]

    def _unit(self, unit: UnitProcess) -> ProcessEvents:
        """Let a unit act each time that something falls due at it."""
        alarm = self._due[unit.index]
        while True:
            yield alarm.event()
            self._account()
            unit.turn(self.now, self.table.step_min)
            self._ask()

    def _store(self, s: int) -> ProcessEvents:
        """A store becomes full, or empty."""
        alarm = self._bound[s]
        while True:
            level = yield alarm.event()
            self._account()
            self.levels[s] = level
            self.trajectory.bounds.append((self.now, s, level > 0))
            self._ask()

    def _calendar(self, unit: UnitProcess) -> ProcessEvents:
        """A unit is closed while it has an outage; orders of the same moment come first."""
        for begin, end in unit.machine.outages:
            if end <= 0:
                continue
            if begin > 0:
                yield self.env.timeout(begin - self.env.now)
                yield self.env.timeout(0)
            self._account()
            unit.close(self.now)
            self._ask()
            yield self.env.timeout(end - self.env.now)
            yield self.env.timeout(0)
            self._account()
            unit.open(self.now, self.table.step_min)
            self._ask()

    def _observer(self, observed: Iterable[Observed]) -> ProcessEvents:
        """Observations of the plant; orders of the same moment come first."""
        for at, correct in observed:
            if at > self.env.now:
                yield self.env.timeout(at - self.env.now)
                yield self.env.timeout(0)
            self._account()
            correct(self)
            self._ask()

    def _settlement(self) -> ProcessEvents:
        """Flows are worked out when all who act at a moment have acted."""
        before, still = -1.0, 0
        while True:
            yield self._unsettled
            yield self.env.timeout(0)
            self._unsettled = self.env.event()
            still = still + 1 if self.env.now <= before else 0
            if still > MAX_AT_ONCE:
                raise RuntimeError(f"flows do not settle at {self.now:g} min")
            before = self.now
            for unit in self.units:
                self._goes_on(unit)
            if len(self.trajectory.modes) <= self._k:
                self.trajectory.modes.append([unit.mode for unit in self.units])
            self._settle()
            self._foresee()

    def _ask(self) -> None:
        """Ask for a settlement."""
        if not self._unsettled.triggered:
            self._unsettled.succeed()

    def _instruct(self, k: int) -> None:
        """Set-points of a step, and what is fetched and arrives in it."""
        table, step_h = self.table, self.table.step_h
        for load, flow, factors in zip(
            table.loads, self.loads, self.scatter.demands or [[]] * len(self.loads), strict=True
        ):
            if not load.order:
                flow.target = load.demand_tph[k] * (factors[k] if factors else 1.0)
        for (_, _, offered), flow in zip(table.arrivals, self.arrivals, strict=True):
            flow.target = offered[k]
        instructions = self.policy.instructions(k, self)
        modes, rates, loading = instructions
        for j, (load, flow) in enumerate(zip(table.loads, self.loads, strict=True)):
            if load.order:
                flow.target = loading[j]
            self.trajectory.demand_t[j][k] = flow.target * step_h
        for unit, mode, rate in zip(self.units, modes, rates, strict=True):
            unit.instruct(mode, rate, self.now, table.step_min)
        self.trajectory.instructions.append(instructions)

    def _settle(self) -> None:
        """Aims, flows and powers from now on."""
        left_h = (self._step_end - self.now) / 60
        for unit in self.units:
            self._aim(unit, left_h)
        self.sharing.settle(self.levels, self.table.capacity)
        if self.table.captive:
            self._wake(left_h)
        for unit in self.units:
            if unit.power_mw() != self._power[unit.index]:
                self._draw(unit, self.now)

    def _aim(self, unit: UnitProcess, left_h: float) -> None:
        """Set rate and off-spec product of a unit for the rest of the step."""
        rates = self.scatter.rates
        unit.aim(rates[unit.index][self._k] if rates else 1.0)
        unit.portion(left_h)

    def _goes_on(self, unit: UnitProcess) -> bool:
        """Let a unit wait no more where all that it waits for has recovered; whether it did so."""
        goes_on = bool(unit.waits) and all(self._recovered(*wait) for wait in unit.waits)
        if goes_on:
            unit.waits = []
        return goes_on

    def _wake(self, left_h: float) -> None:
        """Let units that wait for a carrier go on once it is back, one after the other."""
        for unit in self.units:
            if self._goes_on(unit):
                self._aim(unit, left_h)
                self.sharing.settle(self.levels, self.table.capacity)

    def _draw(self, unit: UnitProcess, now: float) -> None:
        u = unit.index
        if self._power[u] and now > self._since[u]:
            self.trajectory.power[u].append((self._since[u], now, self._power[u]))
        self._power[u], self._since[u] = unit.power_mw(), now

    def _foresee(self) -> None:
        """Set next actions of units and stores if flows stay as they are; at the step's end they change anyway."""
        now, table, sharing, end = self.now, self.table, self.sharing, self._step_end
        # what falls due with the end of a step but for rounding does so in it; nothing does at the end of all
        latest = end + SOON_MIN if self._k < table.n_steps - 1 else end - SOON_MIN
        for unit, alarm in zip(self.units, self._due, strict=True):
            at = unit.due(now)
            for s, level, up in unit.waits:
                if s < len(self.levels) and not self._recovered(s, level, up):
                    at = min(at, now + self._hours_until(s, level) * 60)
            alarm.set(min(at, end) if at <= latest else math.inf)
        for s, (steady, alarm) in enumerate(zip(sharing.steady, self._bound, strict=True)):
            net = sharing.into[s] - sharing.out[s]
            full = net > table.decay[s] * self.levels[s]
            if steady or not (full or net or table.decay[s]):
                alarm.set(math.inf)
                continue
            level = table.capacity[s] if full else 0.0
            at = now + self._hours_until(s, level) * 60
            alarm.set(min(at, end) if at <= latest else math.inf, level)

    def _hours_until(self, store: int, level: float) -> float:
        sharing, decay = self.sharing, self.table.decay[store]
        return hours_until(self.levels[store], sharing.into[store] - sharing.out[store], decay, level)

    def _account(self) -> None:
        """Account for what has flowed since the last event."""
        now, trajectory, k, sharing, table = self.now, self.trajectory, self._k, self.sharing, self.table
        minutes = now - self._until
        if not minutes:
            return
        self._until, hours = now, minutes / 60
        for s, steady in enumerate(sharing.steady):
            into, out, before = sharing.into[s] * hours, sharing.out[s] * hours, self.levels[s]
            level = before
            if not steady:
                level = after(before, sharing.into[s] - sharing.out[s], table.decay[s], hours)
                level = min(max(level, 0.0), table.capacity[s])
            trajectory.into[s][k] += into
            trajectory.out[s][k] += out
            if table.decay[s]:
                trajectory.lost[s][k] += before + into - out - level
            self.levels[s] = level
        for unit in self.units:
            if unit.rate > 0:
                trajectory.output_t[unit.index][unit.mode][k] += unit.rate * hours
                if unit.off:
                    trajectory.off[unit.index][unit.mode][k] += min(unit.off, unit.rate) * hours
            if unit.heating_mw:
                trajectory.heat_mwh[unit.index][unit.mode][k] += unit.heating_mw * hours
            if self._power[unit.index]:
                trajectory.drawn_mwh[unit.index][k] += self._power[unit.index] * hours
            unit.pass_time(minutes)
        for j, flow in enumerate(self.loads):
            if flow.rate:
                trajectory.loaded[j][k] += flow.rate * hours
                self.loaded[j] += flow.rate * hours
        for j, flow in enumerate(self.arrivals):
            trajectory.arrived[j][k] += flow.rate * hours

    def _recovered(self, store: int, level: float, up: bool) -> bool:
        if store >= len(self.levels):
            return self.sharing.into[store] - self.sharing.out[store] >= level * (1 - 1e-9)
        slack = self.table.capacity[store] * 1e-9
        return self.levels[store] >= level - slack if up else self.levels[store] <= level + slack
