"""A schedule of processes being followed: set-points from step to step, and fuels in the mix that was planned."""

from __future__ import annotations

import numpy as np
import xarray as xr

from emberline.scenarios.flows.process_flows import per_t, streams
from emberline.scenarios.process.recipe import GJ_PER_MWH, Fuel
from emberline.twin.processes.network import WorksTable
from emberline.twin.processes.works import Instructions, Works

Mix = dict[tuple[int, str], np.ndarray]
"""Share of a fuel in the heat of a unit in each step, by unit and carrier; nan: the usual one. Shape (n_steps,)."""


class SchedulePolicy:
    """The set-points of a schedule, a dataset of table ``SCHEDULE``. Nothing starts earlier than planned.

    An order that could not be loaded as planned is made good as fast as it may be loaded until it is due.

    Raises:
        ValueError: the schedule lacks a unit, or names a mode or delivery that the scenario has not.
    """

    def __init__(self, table: WorksTable, schedule: xr.Dataset, *, onward: bool = False) -> None:
        """``onward``: it follows on another schedule, which had counted on a part of what it loads of orders."""
        self.table = table
        for name in ("process_mode", "process_tph"):
            if name not in schedule:
                raise ValueError(f"the schedule tells nothing of processes: {name} is missing")
        names = [machine.name for machine in table.machines]
        labels = schedule["process"].values.tolist()
        if set(labels) != set(names):
            other = ", ".join(sorted(set(labels) ^ set(names))[:6])
            raise ValueError(f"the schedule and scenario {table.scenario.name} differ in units: {other}")
        rows = [labels.index(name) for name in names]
        modes = schedule["process_mode"].values[rows]
        self.rates = schedule["process_tph"].to_numpy()[rows].astype(float)
        """Shape (n_machines, n_steps)."""
        self.modes = np.full(modes.shape, -1)
        for u, machine in enumerate(table.machines):
            for m, way in enumerate(machine.ways):
                self.modes[u, modes[u] == way.name] = m
            unknown = set(modes[u][self.modes[u] < 0].tolist()) - {""}
            if unknown:
                raise ValueError(
                    f"the schedule tells unit {machine.name} mode {sorted(unknown)[0]!r}, which it has not"
                )
        # what a solver's rounding leaves of a unit that stands
        self.rates[(self.modes < 0) | (self.rates < 0)] = 0.0
        self.loading = np.zeros((len(table.loads), table.n_steps))
        for j, load in enumerate(table.loads):
            if load.order:
                if "delivered_t" not in schedule or load.name not in schedule["delivery"].values.tolist():
                    raise ValueError(f"the schedule tells nothing of delivery {load.name!r}")
                delivered = schedule["delivered_t"].sel(delivery=load.name).to_numpy()
                self.loading[j] = np.maximum(delivered, 0.0) / table.step_h
        self._before = np.cumsum(self.loading, axis=1) * table.step_h - self.loading * table.step_h
        """Amount loaded before each step [t], shape (n_loads, n_steps)."""
        for j, load in enumerate(table.loads):
            twice = float(self.loading[j].sum()) * table.step_h - load.amount_t
            if onward and load.order and twice > 1e-6 * load.amount_t:
                self._before[j] -= twice
        self._rows = [
            (self.modes[:, k].tolist(), self.rates[:, k].tolist(), self.loading[:, k].tolist())
            for k in range(table.n_steps)
        ]
        self.mix = planned_mix(table, schedule, self.modes, self.rates)

    def instructions(self, k: int, works: Works) -> Instructions:
        """Set-points of a step, and what is behind of orders."""
        modes, rates, planned = self._rows[k]
        loading = planned
        for j, load in enumerate(self.table.loads):
            if not load.order or not load.span[0] <= k < load.span[1]:
                continue
            behind = self.behind_t(j, k, works)
            if behind > 1e-9 * load.amount_t:
                loading = list(loading)
                loading[j] = min(planned[j] + behind / self.table.step_h, max(load.most_tph, planned[j]))
        return modes, rates, loading

    def behind_t(self, j: int, k: int, works: Works) -> float:
        """Shortfall of an order until a step: loaded less than planned [t]."""
        return float(self._before[j, k]) - works.loaded[j]


def joined_mix(before: Mix, after: Mix, k: int, n: int) -> Mix:
    """A mix that is one in the first ``k`` steps, and another from there on."""
    usual = np.full(n, np.nan)
    keys = dict.fromkeys((*before, *after))
    return {key: np.concatenate([before.get(key, usual)[:k], after.get(key, usual)[k:]]) for key in keys}


def planned_mix(table: WorksTable, schedule: xr.Dataset, modes: np.ndarray, rates: np.ndarray) -> Mix:
    """The mix of fuels that a schedule burns while a unit runs, start-up heat and other uses taken off."""
    if "stream_rate" not in schedule:
        return {}
    row = {label: i for i, label in enumerate(schedule["stream"].values.tolist())}
    flows = schedule["stream_rate"].to_numpy()
    mix: Mix = {}
    place = {machine.name: u for u, machine in enumerate(table.machines)}
    burnt: dict[int, dict[str, np.ndarray]] = {}
    for stream in streams(table.scenario):
        u = place[stream.unit]
        ways = table.machines[u].ways
        fuelled = [
            (m, fuel)
            for m, way in enumerate(ways)
            for fuel in (way.mode.heat.fuels if way.mode.heat else ())
            if fuel.carrier == stream.place and stream.direction == "in"
        ]
        if not fuelled or stream.label not in row:
            continue
        burning = -flows[row[stream.label]]
        for m, way in enumerate(ways):
            burning = burning - np.where(modes[u] == m, per_t(way.mode, "in", stream.place), 0.0) * rates[u]
        burning = burning - _started(table, u, modes[u], rates[u], fuelled)
        burnt.setdefault(u, {})[stream.place] = np.where(rates[u] > 0, np.maximum(burning, 0.0), 0.0)
    for u, by_fuel in burnt.items():
        total = np.sum(list(by_fuel.values()), axis=0)
        for carrier, rate in by_fuel.items():
            mix[u, carrier] = np.divide(rate, total, out=np.full(len(rate), np.nan), where=total > 0)
    return mix


def _started(
    table: WorksTable, u: int, modes: np.ndarray, rates: np.ndarray, fuelled: list[tuple[int, Fuel]]
) -> np.ndarray:
    """Start-up heat of a fuel in the first step of runs, where a start-up takes no time [MW], shape (n_steps,)."""
    machine = table.machines[u]
    start = machine.process.start_up
    heat_mw = np.zeros(len(modes))
    if start.hours or not start.heat_gj:
        return heat_mw
    before = np.concatenate([[machine.mode], modes[:-1]])
    for m, fuel in fuelled:
        first = (modes == m) & (before < 0) & (rates > 0)
        heat_mw += np.where(first, fuel.share * start.heat_gj / GJ_PER_MWH / table.step_h, 0.0)
    return heat_mw
