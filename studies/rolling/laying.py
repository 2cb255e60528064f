"""One schedule over the whole roll, into which every plan is laid from its beginning on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from emberline.scenarios import Scenario
from emberline.scenarios.flows.asset_flows import flow

LetGo = dict[str, np.ndarray]
"""PV and wind that a schedule curtails, by asset, shape (n_steps,) [MW]."""
TIMED = ("start_min", "end_min")


def lay(whole: xr.Dataset, plan: xr.Dataset, begin_min: float, step_min: float, meter_min: float) -> xr.Dataset:
    """A schedule with a plan in it from the plan's beginning to its end.

    Args:
        whole: a dataset of table ``SCHEDULE`` over the roll.
        plan: one over a part of it, with the same assets and some of its heats.
        begin_min: where the plan begins.
        step_min, meter_min: length of a step and of a metered interval.
    """
    schedule = whole.copy(deep=True)
    k, m = round(begin_min / step_min), round(begin_min / meter_min)
    for name, values in plan.data_vars.items():
        if name not in schedule:
            continue
        if "time" in values.dims or "meter" in values.dims:
            at, dim = (k, "time") if "time" in values.dims else (m, "meter")
            here = slice(at, at + plan.sizes[dim])
            # rows by their labels: a plan may tell them in another order
            rows = {d: values[d].to_numpy() for d in values.dims if d != dim}
            target = schedule[name].sel(rows) if rows else schedule[name]
            schedule[name].loc[{**rows, dim: target[dim][here]}] = values.to_numpy()
        else:
            # of some heats only, where the plan does not reach to the others' due times
            moved = values.to_numpy() + begin_min if name in TIMED else values.to_numpy()
            kind = schedule[name].dtype if moved.dtype.kind == "f" else object
            schedule[name] = schedule[name].astype(kind)
            schedule[name].loc[{"heat": plan["heat"].to_numpy()}] = moved
    # its set-points are those of the plan, no longer what the baseline's rules came to
    return schedule.assign_attrs(policy=plan.attrs["policy"])


def cut(whole: xr.Dataset, part: Scenario, begin_min: float) -> xr.Dataset:
    """What a schedule over the whole roll says of a part of it, a dataset of table ``SCHEDULE``."""
    step, meter = part.horizon.step_min, part.site.grid.metered_interval_min
    k, m = round(begin_min / step), round(begin_min / meter)
    excerpt = whole.isel(
        time=slice(k, k + part.horizon.n_steps), meter=slice(m, m + round(part.horizon.length_min / meter))
    ).sel(heat=[heat.name for heat in part.heats])
    return excerpt.assign({name: excerpt[name] - begin_min for name in TIMED})


def let_go(scenario: Scenario, schedule: xr.Dataset) -> LetGo:
    """PV and wind that a schedule curtails, on the series that it was made on."""
    return {name: could - flow(schedule, name) for name, could in _available(scenario)}


def with_sun(scenario: Scenario, schedule: xr.Dataset, letting: LetGo, begin_min: float = 0.0) -> xr.Dataset:
    """A schedule that curtails as much PV and wind as was planned, and uses all else that there is.

    Args:
        scenario: whose series say what there is.
        schedule: over the scenario's horizon.
        letting: what is curtailed over the whole roll.
        begin_min: beginning of the scenario in the roll.
    """
    if not letting:
        return schedule
    new_schedule, k = schedule.copy(deep=True), round(begin_min / scenario.horizon.step_min)
    for name, could in _available(scenario):
        used = np.clip(could - letting[name][k : k + len(could)], 0.0, could)
        new_schedule["asset_rate"].loc[{"flow": name}] = used
    return new_schedule


def _available(scenario: Scenario) -> Iterator[tuple[str, np.ndarray]]:
    for plant in scenario.site.renewables:
        yield plant.name, plant.available_mw(scenario.asset_series(plant.name)["capacity_factor"])
