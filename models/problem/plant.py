"""Data of processes, stores, deliveries and arrivals on a grid of slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.goal_metrics import parts
from emberline.scenarios.process.delivery import Delivery
from emberline.scenarios.process.locks import LockedRuns, locked_runs
from emberline.scenarios.process.recipe import Mode
from emberline.scenarios.process.record import Process, in_steps
from emberline.scenarios.process.store import Store


@dataclass(frozen=True)
class Units:
    """Units of a process that are planned together as counts: identical ones, or a single one."""

    process: Process
    names: tuple[str, ...]
    first: int
    """Place of the first unit among those of the process."""
    available: np.ndarray
    """Number of units that may run, by slot."""
    planned: float
    """Highest rate that the plan assumes, as a multiple of the nominal one."""

    @property
    def count(self) -> int:
        """Number of units."""
        return len(self.names)

    @property
    def modes(self) -> tuple[Mode, ...]:
        """Modes of the process."""
        return self.process.all_modes

    def high_tph(self, mode: Mode) -> float:
        """Return the highest rate of a unit in a mode that the plan assumes [t/h]."""
        rates = mode.rates
        return rates.high if rates.fixed else max(rates.low, rates.high * self.planned)


@dataclass(frozen=True)
class Plant:
    """Data of the processes; amounts in t by slot."""

    hours: float
    n: int
    units: tuple[Units, ...]
    stores: tuple[Store, ...]
    start_t: dict[str, float]
    """Level of each store at the start."""
    reserve_t: Mapping[str, float]
    """Minimum level of each store before the end; 0 if a plan has no margin."""
    demand: dict[str, np.ndarray]
    """Net amount that demands take from each store, arrivals deducted [t]."""
    orders: tuple[tuple[Delivery, int, int], ...]
    """Orders with their first slot and the slot after their last."""
    days: dict[str, list[tuple[range, float]]]
    """Slots of each local day and the electricity that a process must draw in them [MWh]."""
    stops: dict[str, tuple[int, int, int]]
    """Planned stops by process: earliest and latest slot of the beginning, and number of slots."""
    locks: Mapping[tuple[str, str], LockedRuns]
    """Locks on runs by process and mode."""
    parts: dict[str, Mapping[str, float]]
    """Weight of a unit of each component, by metric."""
    credits: bool = True
    """Whether stock beyond the required level is credited."""
    elastic: bool = False
    """Whether stores may lack or spill material at a price, so that there is always a plan."""

    def counted(self, metric: str, added: Mapping[str, float]) -> float:
        """Return the contribution of processes to a metric.

        Args:
            metric: name of the metric.
            added: contribution to each component except money.
        """
        return sum(self.parts[metric].get(name, 0.0) * amount for name, amount in added.items())

    def steps(self, hours: float) -> int:
        """Return the number of slots that cover some hours."""
        return in_steps(hours, self.hours)


def read(scenario: Case, envelope: xr.Dataset) -> Plant:
    """Read the data of a scenario with processes."""
    horizon, inputs = scenario.horizon, scenario.inputs
    hours, n = horizon.step_h, horizon.n_steps
    available = dict(
        zip(envelope["process"].values.tolist(), envelope["process_available"].to_numpy(), strict=True)
        if "process_available" in envelope
        else ((unit, np.ones(n)) for unit, _ in scenario.process_units)
    )
    planned = dict(
        zip(envelope["process"].values.tolist(), envelope["process_planned"].to_numpy().tolist(), strict=True)
        if "process_planned" in envelope
        else ((unit, 1.0) for unit, _ in scenario.process_units)
    )
    start = {store.name: store.start_t for store in scenario.stores}
    if "stock_start_t" in envelope:
        start = dict(zip(envelope["stock"].values.tolist(), envelope["stock_start_t"].values.tolist(), strict=True))
    demand = {store.name: np.zeros(n) for store in scenario.stores}
    for variable, items, sign in (
        ("demand_tph", scenario.demands, 1.0),
        ("arrival_tph", scenario.arrivals, -1.0),
    ):
        for i, item in enumerate(items):
            demand[item.store] += sign * inputs[variable].to_numpy()[i] * hours
    windows = {process.name: process.stop_window(horizon) for process in scenario.processes}
    burns = any(float(inputs[name].min()) <= 0 for name in ("price_per_mwh", "carbon_intensity_kg_per_mwh"))
    return Plant(
        hours=hours,
        n=n,
        units=tuple(part for process in scenario.processes for part in _parts(process, available, planned, burns)),
        stores=scenario.stores,
        start_t=start,
        reserve_t={name: min(scenario.disturbances.reserve_t(name), level) for name, level in start.items()},
        demand=demand,
        orders=tuple((d, *d.span(horizon)) for d in scenario.deliveries if d.amount_t is not None),
        days={process.name: process.days(horizon) for process in scenario.processes if process.daily_energy_mwh},
        stops={name: window for name, window in windows.items() if window is not None},
        locks=locked_runs(scenario.run_locks, scenario.processes, horizon),
        parts=parts(scenario),
        credits=scenario.goal.credit_stock,
    )


def _parts(process: Process, available: dict[str, np.ndarray], planned: dict[str, float], burns: bool) -> list[Units]:
    """Return units that are counted together if they have the same capabilities at all times, else single units.

    Counting is exact for runs of a mode by first in, first out; ramps, concave power curves, rates at the start and
    outages belong to single units. So do convex power curves if drawing more than needed might pay, because equal rates
    draw least, and off-spec product if a rate may be zero, because it needs a rate of its own.
    """
    free = [available[name] >= 1 - 1e-9 for name in process.units]
    burns = burns or process.daily_energy_mwh is not None
    lost = process.start_up.off_spec_t > 0 or any(change.off_spec_t for change in process.change_overs)
    alike = (
        process.ramp_tph_per_h is None
        and all(convex(mode) and not (burns and len(mode.knots) > 2) for mode in process.all_modes)
        and not any(lost and mode.rates.low == 0 for mode in process.all_modes)
        and all(slots.all() for slots in free)
    )
    if alike:
        total = np.full(len(free[0]), process.count)
        return [Units(process, process.units, 0, total, planned[process.units[0]])]
    return [
        Units(process, (name,), i, slots.astype(int), planned[name])
        for i, (name, slots) in enumerate(zip(process.units, free, strict=True))
    ]


def slopes(mode: Mode) -> list[float]:
    """Return the power by rate between the knots of a mode [MWh/t]."""
    knots = mode.knots
    return [(p1 - p0) / (r1 - r0) for (r0, p0), (r1, p1) in pairwise(knots)]


def convex(mode: Mode) -> bool:
    """Return whether power is convex: each tonne more needs at least as much as the last."""
    gradients = slopes(mode)
    return all(b >= a - 1e-9 for a, b in pairwise(gradients))
