"""The same plant and site on hours, for a plan to look around."""

from __future__ import annotations

import xarray as xr

from emberline.models.problem import plant as plants
from emberline.models.problem import site as sites
from emberline.models.problem.plant import Plant
from emberline.models.problem.site import SiteData
from emberline.models.search.tuning import PROCESSES
from emberline.scenarios import Case, Scenario


def ratio(scenario: Scenario) -> int:
    """How many steps make a slot of the coarse grid: an hour's, or the most of which the horizon is a whole number.

    Slots count from the horizon's start, whatever the clock shows then, and hold whole metered intervals.
    """
    step, meter = round(scenario.horizon.step_min), round(scenario.site.grid.metered_interval_min)
    fitting = (k for k in range(PROCESSES.coarse_min // step, 0, -1) if scenario.horizon.n_steps % k == 0)
    return next(k for k in fitting if k == 1 or (PROCESSES.coarse_min % (k * step) == 0 and k * step % meter == 0))


def coarser(scenario: Case, envelope: xr.Dataset) -> tuple[Plant, SiteData] | None:
    """Plant and site on hours, their series averaged; None where no coarser grid fits the horizon."""
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
        # a unit that is away for a part of an hour is away
        available = envelope["process_available"].coarsen(time=steps).min()
        fixed["process_available"] = (("process", "time"), available.to_numpy())
    return plants.read(rough, fixed), sites.read(rough, fixed)
