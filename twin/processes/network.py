"""Processes, stores, deliveries and arrivals as tables that the engine reads: indices in the scenario's order."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import xarray as xr

from emberline.scenarios import Case, Scenario
from emberline.scenarios.assets.storage import NOTHING
from emberline.scenarios.process.recipe import Mode, Stream
from emberline.scenarios.process.record import Process, UnitState

Flow = tuple[int, float]
"""A store and what flows for each tonne."""
FASTEST_DECAY = 1e9
"""Decay per hour of a store that keeps nothing, so that its level is zero at once."""


class ModeTable:
    """A mode of a process made ready to be reckoned with."""

    def __init__(self, mode: Mode, stores: dict[str, int], captive: dict[str, int]) -> None:
        self.mode, self.name = mode, mode.name
        rates = mode.rates
        self.low, self.high, self.usual = rates.low, rates.high, rates.baseline
        self.pace = rates.low or rates.high
        """Rate at which the beginning of a run gives off-spec product [t/h]."""
        self.ins: tuple[Flow, ...] = tuple((stores[s.store], s.per_t) for s in mode.inputs if s.store and s.per_t)
        self.outs: tuple[Flow, ...] = tuple((stores[s.store], s.per_t) for s in mode.outputs if s.store and s.per_t)
        self.takes = (*self.ins, *((captive[c], p) for c, p in _carriers(mode.inputs) if c in captive))
        """Inputs from stores, and from carriers that nobody but processes gives."""
        self.gives = (*self.outs, *((captive[c], p) for c, p in _carriers(mode.outputs) if c in captive))
        self._fixed_mw, self._mw_per_tph = mode.power_mw or 0.0, (mode.kwh_per_t or 0.0) / 1000
        self._rates = [point.rate_tph for point in mode.power_by_rate]
        self._powers = [point.power_mw for point in mode.power_by_rate]

    def power_mw(self, rate_tph: float) -> float:
        """As ``Mode.power_at``, of one number."""
        if not self._rates:
            return self._fixed_mw + self._mw_per_tph * rate_tph
        place = min(max(bisect_right(self._rates, rate_tph), 1), len(self._rates) - 1)
        low, high = self._rates[place - 1], self._rates[place]
        share = min(max((rate_tph - low) / (high - low), 0.0), 1.0)
        return self._powers[place - 1] + share * (self._powers[place] - self._powers[place - 1])


@dataclass(frozen=True)
class MachineTable:
    """A unit of a process."""

    name: str
    process: Process
    group: int
    """Index of its process."""
    ways: tuple[ModeTable, ...]
    outages: tuple[tuple[float, float], ...]
    """Outages [min], in order."""
    mode: int
    """Mode in which it runs at the start; -1: it stands."""
    state: UnitState
    """All that is said of it then."""

    @property
    def high(self) -> float:
        """Highest rate in any mode [t/h]."""
        return max(way.high for way in self.ways)


@dataclass(frozen=True)
class Outflow:
    """A delivery: a demand in time, or an order."""

    name: str
    store: int
    demand_tph: list[float] = field(repr=False)
    """Demand in each step; empty for an order."""
    amount_t: float = 0.0
    span: tuple[int, int] = (0, 0)
    """First step of an order and the one after its last."""
    most_tph: float = math.inf

    order: bool = False
    """Whether it is an order."""


class WorksTable:
    """A scenario's processes in numbers; times in minutes, flows in tonnes per hour."""

    def __init__(self, scenario: Case) -> None:
        self.scenario, horizon = scenario, scenario.horizon
        self.n_steps, self.step_min, self.step_h = horizon.n_steps, horizon.step_min, horizon.step_h
        place = {store.name: s for s, store in enumerate(scenario.stores)}
        inputs = scenario.inputs
        demands = _rows(inputs, "demand_tph", "demand")
        offered = _rows(inputs, "arrival_tph", "arrival")
        self.captive = captives(scenario)
        """Carriers that processes take and nobody but processes gives; they are numbered after the stores."""
        beyond = {name: len(place) + i for i, name in enumerate(self.captive)}
        machines, loads = [], []
        for group, process in enumerate(scenario.processes):
            ways = tuple(ModeTable(mode, place, beyond) for mode in process.all_modes)
            names = [way.name for way in ways]
            for unit, state in zip(process.units, process.start, strict=True):
                mode = -1 if state.mode is None else names.index(state.mode)
                machines.append(MachineTable(unit, process, group, ways, scenario.outages.get(unit, ()), mode, state))
        for delivery in scenario.deliveries:
            store = place[delivery.store]
            if delivery.amount_t is None:
                loads.append(Outflow(delivery.name, store, demands[delivery.name]))
            else:
                most = delivery.most_tph(horizon.step_h)
                span = delivery.span(horizon)
                loads.append(Outflow(delivery.name, store, [], delivery.amount_t, span, most, order=True))
        self.machines, self.loads, self.stores = tuple(machines), tuple(loads), tuple(place)
        self.capacity = [store.capacity_t for store in scenario.stores]
        self.decay = [_decay(store.loss_per_h) for store in scenario.stores]
        """Share of each level lost per hour, continuously."""
        self.start_t = [store.start_t for store in scenario.stores]
        self.end_t = [store.end_t for store in scenario.stores]
        """Level wanted at the end."""
        self.arrivals = tuple((item.name, place[item.store], offered[item.name]) for item in scenario.arrivals)
        """Name, store and what is offered in each step [t/h]."""

    @cached_property
    def day_of(self) -> np.ndarray:
        """Local day of each step, counted from the first, shape (n_steps,)."""
        days = np.zeros(self.n_steps, dtype=int)
        for day, (steps, _) in enumerate(self.scenario.horizon.local_days()):
            days[steps.start : steps.stop] = day
        return days

    @cached_property
    def closed(self) -> np.ndarray:
        """Steps in which a machine is not available all through, shape (n_machines, n_steps)."""
        begin = np.arange(self.n_steps) * self.step_min
        closed = np.zeros((len(self.machines), self.n_steps), dtype=bool)
        for u, machine in enumerate(self.machines):
            for start, end in (*machine.outages, (0.0, machine.state.repair_h * 60)):
                closed[u] |= (begin < end - NOTHING) & (begin + self.step_min > start + NOTHING)
        return closed


def captives(scenario: Scenario) -> tuple[str, ...]:
    """Carriers that a process takes and that nobody but processes gives: without them it cannot run."""
    modes = [mode for process in scenario.processes for mode in process.all_modes]
    consumed = {carrier for mode in modes for carrier, _ in _carriers(mode.inputs)}
    supplied = dict.fromkeys(carrier for mode in modes for carrier, _ in _carriers(mode.outputs))
    others = {carrier for asset in scenario.site.equipment for carrier in asset.gives}
    others |= {store.carrier for store in scenario.site.stores.values()}
    return tuple(carrier for carrier in supplied if carrier in consumed and carrier not in others)


def _carriers(flows: tuple[Stream, ...]) -> list[tuple[str, float]]:
    return [(flow.carrier, flow.per_t) for flow in flows if flow.carrier is not None and flow.per_t]


def _decay(loss_per_h: float) -> float:
    if loss_per_h < NOTHING:
        return 0.0
    return min(-math.log1p(-loss_per_h), FASTEST_DECAY) if loss_per_h < 1 else FASTEST_DECAY


def _rows(inputs: object, variable: str, label: str) -> dict[str, list[float]]:
    assert isinstance(inputs, xr.Dataset)
    if variable not in inputs:
        return {}
    return dict(zip(inputs[label].values.tolist(), inputs[variable].to_numpy().tolist(), strict=True))


def after(level: float, net: float, decay: float, hours: float) -> float:
    """Level of a store after some hours of a constant net flow, in closed form [t].

    dL/dt = p − λL with the net flow p and the decay λ = −ln(1 − loss per hour), so that L(h) = L·exp(−λh) + p·(1 −
    exp(−λh))/λ. The level moves towards p/λ without turning, so that it passes each level once at most.
    """
    if not decay:
        return level + net * hours
    passed = -math.expm1(-decay * hours)
    return level * (1 - passed) + net * passed / decay


def hours_until(level: float, net: float, decay: float, target: float) -> float:
    """Hours until a level is reached, zero where it is there, infinite where it never is."""
    missing = target - level
    if not missing:
        return 0.0
    # the slope there: it is passed where the level still moves in that direction
    slope = net - decay * target
    if not slope or (slope > 0) != (missing > 0):
        return math.inf
    if not decay:
        return missing / slope
    grown = decay * missing / slope
    return math.log1p(grown) / decay
