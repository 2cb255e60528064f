"""Grids of the site's balance: those of step and metered interval, series on them, and set-points."""

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
    """Grids of a scenario's site and the series on them."""

    def __init__(self, scenario: Case) -> None:
        self.scenario = scenario
        self.hub = SiteHub(scenario)
        """The site's assets."""
        limit, step_min = scenario.site.grid.import_limit_mw, round(scenario.horizon.step_min)
        self.import_limit_mw = math.inf if limit is None else limit
        """Contracted import, infinite where there is no limit."""
        self.meter_min = round(scenario.site.grid.metered_interval_min)
        """Metered interval [min]."""
        self.cell_min = math.gcd(step_min, self.meter_min)
        """Length of a cell: divides step and metered interval [min]."""
        self.edges = np.arange(round(scenario.horizon.length_min / self.cell_min) + 1) * float(self.cell_min)
        """Edges of the cells [min], shape (n_cells + 1,)."""
        self.per_step, self.per_meter = step_min // self.cell_min, self.meter_min // self.cell_min
        """Cells per step, and per metered interval."""

    @cached_property
    def fixed_mw(self) -> np.ndarray:
        """Load of electricity less the output of sources, shape (n_cells,)."""
        return np.repeat(self.hub.fixed_mw, self.per_step)

    @cached_property
    def steps(self) -> bool:
        """Whether the assets have to be gone through step by step: something else than the grid balances a carrier."""
        touched = any(True for process in self.scenario.processes for _ in carriers_of(process))
        site = self.scenario.site
        return touched or bool(site.moving) or site.carrier[ELECTRICITY].dumps

    @cached_property
    def committed_mw(self) -> np.ndarray:
        """Draw that does not depend on the line: loads among the assets, less sun and wind, shape (n_cells,)."""
        return np.repeat(self.hub.committed_mw, self.per_step)

    @cached_property
    def least_mw(self) -> float:
        """Least draw that is allowed; negative: export; minus infinity where a surplus is dumped."""
        site = self.scenario.site
        dumps = self.steps and site.carrier[ELECTRICITY].dumps
        return -math.inf if dumps else -site.grid.export_limit_mw

    def metered(self, cells: np.ndarray) -> np.ndarray:
        """Means over the metered intervals, shape (n_meter,)."""
        return cells.reshape(-1, self.per_meter).mean(axis=1)

    def over_meters(self, cells: np.ndarray, *, worst: bool) -> np.ndarray:
        """Highest (or lowest) mean over the metered intervals that each step touches, shape (n_steps,)."""
        means = np.repeat(self.metered(cells), self.per_meter).reshape(-1, self.per_step)
        return np.asarray(means.max(axis=1) if worst else means.min(axis=1))

    def stepped(self, cells: np.ndarray) -> np.ndarray:
        """Means over the steps, shape (n_steps,)."""
        return cells.reshape(-1, self.per_step).mean(axis=1)

    def dataset(self, variables: Mapping[str, Any], coordinates: Mapping[str, Any] | None = None) -> xr.Dataset:
        """A dataset over the steps and metered intervals."""
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
        grid: of the site.
        load: line, loads and sources in each cell [MW], shape (n_cells,).
        sun: what PV and wind could give, likewise.
    """

    def __init__(self, grid: SiteGrid, load: np.ndarray, sun: np.ndarray) -> None:
        self.net_mw = grid.stepped(load - sun)
        """Load less sun, mean over the step."""
        # in a metered interval that lies above the step's mean there is so much less to spare
        self.most_import_mw = grid.import_limit_mw - (grid.over_meters(load - sun, worst=True) - self.net_mw)
        """Highest mean import at which no metered interval is above its limit; infinite without a limit."""
        spare = grid.stepped(load) - grid.over_meters(load, worst=False)
        self.most_export_mw = grid.scenario.site.grid.export_limit_mw - spare
        """Highest mean export, PV and wind left aside, at which no metered interval is above its limit."""
        self.curtailable_mw = grid.stepped(sun)
        """PV and wind in ``net_mw``."""
