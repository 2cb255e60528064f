"""The same plant and site on hours, for a plan to look around."""

from __future__ import annotations

import numpy as np
import xarray as xr

from models import site as sites
from models.processes import plant as plants
from models.processes.plant import Plant
from models.site import SiteData
from scenarios import Scenario

COARSE_MIN = 60.0


def coarser(scenario: Scenario, envelope: xr.Dataset) -> tuple[Plant, SiteData] | None:
    """Plant and site on hours, their series averaged; None where the horizon is no whole number of hours."""
    horizon = scenario.horizon
    ratio = round(COARSE_MIN / horizon.step_min)
    if horizon.n_steps % ratio or horizon.start_utc.minute:
        return None
    hourly = horizon.model_copy(update={"step_min": COARSE_MIN})
    inputs = scenario.inputs.coarsen(time=ratio).mean().assign_coords(time=hourly.times)
    inputs.attrs = scenario.inputs.attrs
    grid = scenario.site.grid.model_copy(update={"metered_interval_min": COARSE_MIN})
    site = scenario.site.model_copy(update={"grid": grid})
    rough = scenario.model_copy(update={"horizon": hourly, "site": site}).with_inputs(inputs)
    steps = {name: np.minimum for name in ("process_available",) if name in envelope}
    told = envelope.drop_vars([name for name, v in envelope.data_vars.items() if "time" in v.dims])
    told = told.drop_vars("time", errors="ignore")
    for name in steps:
        told[name] = (("process", "time"), envelope[name].coarsen(time=ratio).min().to_numpy())
    return plants.read(rough, told), sites.read(rough, told)
