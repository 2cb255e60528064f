"""Simulation of a machine: its permitted loads in each step, and its flows at a load.

Minimum up and down times, ramps, and loads at start and stop are those of a ``Converter``.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from emberline.scenarios.assets.converter import Converter

TINY = 1e-12
"""Loads below this count as zero."""
CLOSE = 1e-6
"""Tolerance of loads, as a share: the accuracy with which a solver keeps limits."""


@dataclass(frozen=True)
class Port:
    """Flow of a machine as a function of its load."""

    carrier: str
    sign: float
    """1: delivery to the balance of the carrier; −1: consumption."""
    per_load: list[float]
    """Amount per hour at full load by step, if proportional to the load; else empty."""
    loads: list[float]
    amounts: list[float]
    """Amounts per hour at ``loads``, linear in between; empty if proportional."""

    def at(self, load: float, t: int) -> float:
        """Amount per hour at a load, without its sign."""
        if self.per_load:
            return self.per_load[t] * load
        i = min(max(bisect_left(self.loads, load), 1), len(self.loads) - 1)
        x0, x1, y0, y1 = self.loads[i - 1], self.loads[i], self.amounts[i - 1], self.amounts[i]
        return y0 + (y1 - y0) * (load - x0) / (x1 - x0)

    def load_for(self, amount: float, t: int) -> float:
        """Lowest load for a given amount per hour; infinite if the amount is never reached."""
        if self.per_load:
            per = self.per_load[t]
            return amount / per if per > 0 else 0.0 if amount <= 0 else math.inf
        for i in range(1, len(self.loads)):
            y0, y1 = self.amounts[i - 1], self.amounts[i]
            if amount <= y1:
                x0, x1 = self.loads[i - 1], self.loads[i]
                return x0 if amount <= y0 else x0 + (x1 - x0) * (amount - y0) / (y1 - y0)
        return math.inf


def ports(core: Converter, series: Mapping[str, np.ndarray], n: int) -> list[Port]:
    """Flows of a machine, the main flow first, without start fuel."""
    ports = [Port(core.carrier, 1.0 if core.main == "output" else -1.0, [core.capacity] * n, [], [])]
    for key, stream in core.streams():
        sign = 1.0 if key.startswith("outputs") else -1.0
        if stream.by_load:
            loads = np.array([0.0, *(point.load for point in stream.by_load)])
            curve = (core.capacity * stream.at(loads)).tolist()
            ports.append(Port(stream.carrier, sign, [], loads.tolist(), curve))
        else:
            ports.append(Port(stream.carrier, sign, (core.capacity * series[key]).tolist(), [], []))
    return ports


class MachineRun:
    """Simulation of a machine over the horizon."""

    def __init__(self, core: Converter, series: Mapping[str, np.ndarray], hours: float, n: int) -> None:
        self.core = core
        self.name = core.name
        self.ports = ports(core, series, n)
        self.main = self.ports[0]
        self.available: list[float] = np.minimum(series["availability"], 1.0).tolist()
        self._full = core.capacity * hours
        self._rise, self._fall = core.rise(hours), core.fall(hours)
        self._first_rise, self._first_fall = core.first_rise(hours), core.first_fall(hours)
        self._starting, self._stopping = core.starting(hours), core.stopping(hours)
        at_once = 1.0 if core.ramp_down_per_h is None else core.min_load
        self._first_stopping = at_once if core.stop_load is None else core.stop_load
        self._up, self._down = (max(_steps(span, hours), 1) for span in (core.min_up_h, core.min_down_h))
        fuel = core.start_fuel
        self.start_draw = 0.0 if fuel is None else fuel.amount / hours
        """Start fuel per hour in the step of a start."""
        self.was_on = core.on_at_start()
        self._hold = _steps(core.held_h(), hours)
        self._before = core.load_at_start()
        # values of the current step
        self.least: float
        """Lowest load while the machine is on."""
        self.top: float
        """Highest load."""
        self.floor: float
        """Lowest permitted load; 0 if the machine may be off."""
        self.held_on: bool
        """Whether the machine must stay on."""
        self.able: bool
        """Whether the machine may be on."""
        self.cap: float
        """Highest load that the inputs and outputs of the step allow."""
        self.load: float
        self.on: bool
        self.loads = np.zeros(n)
        self.ons = np.zeros(n)
        self.starts = np.zeros(n)

    def begin(self, t: int) -> None:
        """Determine the permitted loads in a step."""
        self.cap, available, before = 1.0, self.available[t], self._before
        rise, fall = (self._first_rise, self._first_fall) if t == 0 else (self._rise, self._fall)
        if not self.core.switched:
            low = 0.0 if before is None else max(before - fall, 0.0)
            high = available if before is None else min(available, before + rise)
            # availability takes precedence over the ramp
            self.least = min(low, available)
            self.top = max(high, self.least)
            self.able, self.held_on = True, self.least > 0
        elif self.was_on:
            before = before or 0.0
            stop_limit = self._first_stopping if t == 0 else self._stopping
            self.least = max(self.core.min_load, before - fall)
            self.top = min(available, before + rise)
            if self.top < self.least:
                self.least = self.top
            self.able = self.top >= self.core.min_load - TINY
            self.held_on = self.able and (self._hold > 0 or before > stop_limit + CLOSE)
        else:
            self.least, self.top = self.core.min_load, min(available, self._starting)
            self.able, self.held_on = self._hold == 0 and self.top >= self.least - TINY, False
        self.floor = self.least if self.held_on else 0.0

    def place(self, target: float) -> float:
        """Permitted load closest to a target load, raised to the lowest load if the machine must be on."""
        top = min(self.top, self.cap)
        if not self.able or top < self.least - TINY or (target <= TINY and not self.held_on):
            return 0.0
        return min(max(target, self.least), top)

    def end(self, t: int) -> None:
        """Record the step."""
        on = self.on if self.core.switched else self.load * self._full > 1e-9
        self.loads[t], self.ons[t] = self.load, on
        if self.core.switched and on != self.was_on:
            self.starts[t] = on
            self._hold = (self._up if on else self._down) - 1
        else:
            self._hold = max(self._hold - 1, 0)
        self.was_on, self._before = on, self.load


def _steps(hours: float, step: float) -> int:
    """Number of steps that cover a number of hours."""
    return math.ceil(hours / step - 1e-9)


def evenly(machine: MachineRun, day: tuple[range, float], t: int, hours: float) -> float:
    """Load in step ``t`` that spreads the remaining amount of the day evenly, as a share of the capacity.

    Args:
        machine: flexible load, with its loads until ``t``.
        day: steps of the local day, and the amount required in them.
        t: the step.
        hours: length of a step.
    """
    steps, amount = day
    full = machine.core.capacity * hours
    remaining = amount / full - float(machine.loads[steps.start : t].sum())
    least = machine.core.min_load
    able = [i for i in range(t, steps.stop) if machine.available[i] >= max(least, TINY)]
    if remaining <= TINY or not able or able[0] != t:
        return 0.0
    load = _level(remaining, [machine.available[i] for i in able])
    if load >= least:
        return load
    # use as few steps as the lowest load allows, from now on
    chosen_steps = able[: max(math.floor(remaining / least + 1e-9), 1)]
    return _level(remaining, [machine.available[i] for i in chosen_steps])


def _level(amount: float, tops: list[float]) -> float:
    """Level to which an amount fills vessels of given heights; the largest height if the vessels overflow."""
    remaining, count = amount, len(tops)
    for top in sorted(tops):
        if remaining <= top * count:
            return remaining / count
        remaining -= top
        count -= 1
    return max(tops)
