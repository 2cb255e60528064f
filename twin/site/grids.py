"""Time grids of the balance of the site (cells, steps, metered intervals) and the series on them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.datasets import metered
from emberline.scenarios.process.record import carriers_of
from emberline.twin.site.assets.hub import SiteHub


class SiteGrid:
    """Time grids of the site of a scenario and the series on them."""

    def __init__(self, scenario: Case) -> None:
        self.scenario = scenario
        self.hub = SiteHub(scenario)
        """Assets of the site."""
        limit, step_min = scenario.site.grid.import_limit_mw, round(scenario.horizon.step_min)
        self.import_limit_mw = math.inf if limit is None else limit
        """Contracted import [MW]; infinite without a limit."""
        self.meter_min = round(scenario.site.grid.metered_interval_min)
        """Metered interval [min]."""
        self.cell_min = math.gcd(step_min, self.meter_min)
        """Length of a cell, which divides step and metered interval [min]."""
        self.edges = np.arange(round(scenario.horizon.length_min / self.cell_min) + 1) * float(self.cell_min)
        """Edges of the cells [min], shape (n_cells + 1,)."""
        self.per_step, self.per_meter = step_min // self.cell_min, self.meter_min // self.cell_min
        """Cells per step, and per metered interval."""

    @cached_property
    def fixed_mw(self) -> np.ndarray:
        """Electric loads minus the output of sources [MW], shape (n_cells,)."""
        return np.repeat(self.hub.fixed_mw, self.per_step)

    @cached_property
    def steps(self) -> bool:
        """Whether the assets must be simulated step by step, because not only the grid balances carriers."""
        touched = any(True for process in self.scenario.processes for _ in carriers_of(process))
        site = self.scenario.site
        return touched or bool(site.moving) or site.carrier[ELECTRICITY].dumps

    @cached_property
    def committed_mw(self) -> np.ndarray:
        """Import that does not depend on the line: loads minus PV and wind [MW], shape (n_cells,)."""
        return np.repeat(self.hub.committed_mw, self.per_step)

    @cached_property
    def least_mw(self) -> float:
        """Lowest permitted import [MW]; negative: export; minus infinity if a surplus may be dumped."""
        site = self.scenario.site
        dumps = self.steps and site.carrier[ELECTRICITY].dumps
        return -math.inf if dumps else -site.grid.export_limit_mw

    def metered(self, cells: np.ndarray) -> np.ndarray:
        """Means over the metered intervals, shape (n_meter,)."""
        return cells.reshape(-1, self.per_meter).mean(axis=1)

    def over_meters(self, cells: np.ndarray, *, worst: bool) -> np.ndarray:
        """Highest (or lowest) mean of the metered intervals that overlap each step, shape (n_steps,)."""
        means = np.repeat(self.metered(cells), self.per_meter).reshape(-1, self.per_step)
        return np.asarray(means.max(axis=1) if worst else means.min(axis=1))

    def stepped(self, cells: np.ndarray) -> np.ndarray:
        """Means over the steps, shape (n_steps,)."""
        return cells.reshape(-1, self.per_step).mean(axis=1)

    def dataset(self, variables: Mapping[str, Any], coordinates: Mapping[str, Any] | None = None) -> xr.Dataset:
        """Dataset over the steps and metered intervals."""
        horizon = self.scenario.horizon
        times = {"time": horizon.times, "meter": metered(horizon.times, horizon.step_min, self.meter_min)}
        return xr.Dataset(variables, coords={**times, **(coordinates or {})})

    @property
    def attrs(self) -> dict[str, object]:
        """Attributes of a run on these grids."""
        return {
            "metered_interval_min": float(self.meter_min),
            "start": self.scenario.horizon.start_utc.isoformat(),
        }


class Electric:
    """Conditions at the electric busbar for the assets, per step, shape (n_steps,) each.

    Args:
        grid: time grids of the site.
        load: line, loads and sources in each cell [MW], shape (n_cells,).
        sun: available PV and wind in each cell [MW], shape (n_cells,).
    """

    def __init__(self, grid: SiteGrid, load: np.ndarray, sun: np.ndarray) -> None:
        self.net_mw = grid.stepped(load - sun)
        """Load minus PV and wind, mean over the step."""
        # a metered interval above the mean of the step has less headroom by the difference
        self.most_import_mw = grid.import_limit_mw - (grid.over_meters(load - sun, worst=True) - self.net_mw)
        """Highest mean import at which no metered interval exceeds its limit; infinite without a limit."""
        spare = grid.stepped(load) - grid.over_meters(load, worst=False)
        self.most_export_mw = grid.scenario.site.grid.export_limit_mw - spare
        """Highest mean export, without PV and wind, at which no metered interval exceeds its limit."""
        self.curtailable_mw = grid.stepped(sun)
        """PV and wind included in ``net_mw``."""
