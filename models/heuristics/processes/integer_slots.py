"""Integer columns of a compiled model by slot: they are fixed, freed, and selected by time and by process.

Plant and site are also read on hours (``coarser``), for a coarse plan to search around.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.core as pyo
import xarray as xr
from numpy.lib.stride_tricks import sliding_window_view

from emberline.models.formulations.site.assets.ports import Row
from emberline.models.formulations.whole_site import SiteModel
from emberline.models.kernel.arrays import limits
from emberline.models.problem import plant as plants
from emberline.models.problem import site as sites
from emberline.models.problem.plant import Plant
from emberline.models.problem.site import SiteData
from emberline.models.search.tuning import PROCESSES
from emberline.scenarios import Case, Scenario


def ratio(scenario: Scenario) -> int:
    """Return the number of steps in a slot of the coarse grid: an hour, or the longest that divides the horizon.

    Slots count from the start of the horizon, independent of the clock, and contain whole metered intervals.
    """
    step, meter = round(scenario.horizon.step_min), round(scenario.site.grid.metered_interval_min)
    fitting = (k for k in range(PROCESSES.coarse_min // step, 0, -1) if scenario.horizon.n_steps % k == 0)
    return next(k for k in fitting if k == 1 or (PROCESSES.coarse_min % (k * step) == 0 and k * step % meter == 0))


def coarser(scenario: Case, envelope: xr.Dataset) -> tuple[Plant, SiteData] | None:
    """Return plant and site on hours, with averaged series; None if no coarser grid fits the horizon."""
    horizon, steps = scenario.horizon, ratio(scenario)
    if steps == 1:
        return None
    hourly = horizon.model_copy(update={"step_min": horizon.step_min * steps})
    inputs = scenario.inputs.coarsen(time=steps).mean().assign_coords(time=hourly.times)
    inputs.attrs = scenario.inputs.attrs
    rough = scenario.with_inputs(inputs, horizon=hourly)
    fixed = envelope.drop_vars([name for name, v in envelope.data_vars.items() if "time" in v.dims])
    fixed = fixed.drop_vars("time", errors="ignore")
    if "process_available" in envelope:
        # a unit that is unavailable for a part of an hour counts as unavailable
        available = envelope["process_available"].coarsen(time=steps).min()
        fixed["process_available"] = (("process", "time"), available.to_numpy())
    return plants.read(rough, fixed), sites.read(rough, fixed)


class Grid:
    """Integer columns of a compiled model by slot."""

    def __init__(self, site_model: SiteModel) -> None:
        self.site_model, plant_ports = site_model, site_model.plant_ports
        assert plant_ports is not None
        self.plant, self.unit_ports = plant_ports.plant, plant_ports.units
        self.n, self.hours = self.plant.n, self.plant.hours
        program = site_model.program
        whole, slots = [np.zeros(0, np.int32)], [np.zeros(0, int)]
        for variable in site_model.model.component_objects(pyo.Var):
            columns, integers = program.columns_of(variable), limits(variable)[2]
            integers = integers & (columns >= 0)
            if integers.any():
                whole.append(columns[integers])
                slots.append(np.array([_slot(key) for key in variable.index_set()], dtype=int)[integers])
        self.whole = np.concatenate(whole)
        """Columns that must be integer."""
        self.slot = np.concatenate(slots)
        self.low, self.high = program.bounds()
        self.columns = {
            (i, m): self._columns(ports.block.mode[m].on)
            for i, ports in enumerate(self.unit_ports)
            for m in range(len(ports.units.modes))
        }
        self.on = np.concatenate([*self.columns.values(), np.zeros(0, np.int32)]).astype(np.int32)
        self.on = self.on[self.on >= 0]
        owner = np.full(len(self.low), -1)
        for i, ports in enumerate(self.unit_ports):
            for variable in ports.block.component_objects(pyo.Var):
                columns = program.columns_of(variable)
                owner[columns[columns >= 0]] = i
        self.units = owner[self.whole]
        """Units to which an integer column belongs; −1: the site."""

    def _columns(self, variable: Any) -> np.ndarray:
        """Return the columns of a variable by slot, shape (n,)."""
        if isinstance(variable, Row):
            return self.site_model.program.columns_of(variable.variable)[variable.slots(self.n)]
        # events also have slots before the horizon
        return self.site_model.program.columns_of(variable)[-self.n :]

    def between(self, first: int, last: int) -> np.ndarray:
        """Return the integer columns of the slots from ``first`` up to, but without, ``last``."""
        return self.whole[(self.slot >= first) & (self.slot < last)]

    def fix(self, values: np.ndarray, places: np.ndarray) -> None:
        """Fix columns at their values."""
        held_at = np.rint(values[places])
        self.site_model.program.bound(places, held_at, held_at)

    def hold(self, values: np.ndarray, before: int, width: int) -> None:
        """Fix all integer columns before a slot; with a width, switches there may move by some slots.

        A width of all slots leaves everything free, so that infeasibility then does not depend on earlier decisions.
        """
        if width >= self.n:
            self.free(self.whole)
            return
        places = self.between(0, before)
        if not width:
            self.fix(values, places)
            return
        low, high = self.low.copy(), self.high.copy()
        low[self.on], high[self.on] = self.around(self.switches(values), 1, width)
        self.site_model.program.bound(places, low[places], high[places])

    def free(self, places: np.ndarray) -> None:
        """Restore the original bounds of columns."""
        self.site_model.program.bound(places, self.low[places], self.high[places])

    def switches(self, values: np.ndarray) -> dict[Any, np.ndarray]:
        """Return the number of units that run in each mode by slot, shape (n,)."""
        return {
            key: np.array([values[c] if c >= 0 else 0.0 for c in columns]).round()
            for key, columns in self.columns.items()
        }

    def runs_of(self, schedule: xr.Dataset) -> dict[Any, np.ndarray]:
        """Return the number of units that run in each mode by slot in a schedule, shape (n,)."""
        modes, rates = schedule["process_mode"].values, schedule["process_tph"].to_numpy()
        place = {str(unit): row for row, unit in enumerate(schedule["process"].values)}
        counts = {}
        for i, ports in enumerate(self.unit_ports):
            rows = [place[unit] for unit in ports.units.names]
            for m, mode in enumerate(ports.units.modes):
                counts[i, m] = ((modes[rows] == mode.name) & (rates[rows] > 0)).sum(axis=0).astype(float)
        return counts

    def values_of(self, schedule: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Return the columns of runs, start-ups and change-overs, and their numbers in each slot of a schedule."""
        modes, rates = schedule["process_mode"].values, schedule["process_tph"].to_numpy()
        place = {str(unit): row for row, unit in enumerate(schedule["process"].values)}
        values: dict[int, float] = {}
        for ports in self.unit_ports:
            names = [mode.name for mode in ports.units.modes]
            idle = [mode.rates.low == 0 for mode in ports.units.modes]
            states = ports.units.process.start[ports.units.first :]
            variables: list[tuple[Any, list[float]]] = []
            on, fire = (np.zeros((len(names), self.n)) for _ in range(2))
            turns = {key: np.zeros(self.n) for key in ports.turns}
            for unit, state, under_way in zip(ports.units.names, states, ports.runs.under_way, strict=False):
                row, before = place[unit], state.mode or ""
                first, ready = (0, 0) if under_way is None else (under_way.first, under_way.begins)
                for t in range(first, self.n):
                    mode = str(modes[row, t])
                    if mode and mode != before:
                        b = names.index(mode)
                        if before:
                            key = (-1, b) if (-1, b) in turns else (names.index(before), b)
                            turns[key][t] += 1
                            ready = t + ports.changing[key]
                        else:
                            fire[b, t] += 1
                            ready = t + ports.runs.starting
                    if mode:
                        m = names.index(mode)
                        # a rate of zero may belong to a run
                        on[m, t] += rates[row, t] > 0 or (idle[m] and t >= ready)
                    before = mode
            for m in range(len(names)):
                variables += [(ports.block.mode[m].on, on[m].tolist()), (ports.block.mode[m].fire, fire[m].tolist())]
            variables += [(variable, turns[key].tolist()) for key, variable in ports.turns.items()]
            for variable, counts in variables:
                columns = self._columns(variable)
                values.update((int(c), v) for c, v in zip(columns, counts, strict=True) if c >= 0)
        return np.array(list(values), dtype=np.int32), np.array(list(values.values()))

    def within(self, switches: dict[Any, np.ndarray], ratio: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of ``on`` that let switches move by some slots from those of a grid finer by a ratio."""
        slots = {key: runs.reshape(self.n, ratio) for key, runs in switches.items()}
        return self._near({key: (table.min(axis=1), table.max(axis=1)) for key, table in slots.items()}, width)

    def around(self, switches: dict[Any, np.ndarray], ratio: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of ``on`` that let switches move by some slots from those of a grid coarser by a ratio."""
        return self._near({key: (np.repeat(runs, ratio)[: self.n],) * 2 for key, runs in switches.items()}, width)

    def _near(self, runs: dict[Any, tuple[np.ndarray, np.ndarray]], width: int) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of ``on`` by the smallest and largest number of running units within some slots of each."""
        low, high = [np.zeros(0)], [np.zeros(0)]
        for key, columns in self.columns.items():
            least, most = (sliding_window_view(np.pad(end, width, mode="edge"), 2 * width + 1) for end in runs[key])
            used = columns >= 0
            low.append(np.maximum(least.min(axis=1), self.low[columns])[used])
            high.append(np.minimum(most.max(axis=1), self.high[columns])[used])
        return np.concatenate(low), np.concatenate(high)


def _slot(index: Any) -> int:
    return int(index[-1] if isinstance(index, tuple) else index)
