"""Which orders of a line a plan looks at: those that are due within it, and those that have begun."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import xarray as xr

from emberline.scenarios import Scenario

LONG_OVER_MIN = 24 * 60.0
"""Orders that have ended so long before a plan hold nothing in it any more, neither set-up nor ladle."""


def looked_at(scenario: Scenario, run: xr.Dataset, begin_min: float, end_min: float) -> set[str]:
    """Orders that a plan from one moment of a run to another looks at.

    Those that are due by its end, in which those that have begun are: a plan before looked at them. What is long over
    is left out.
    """
    ended = {
        heat: end
        for heat, stage, end in zip(
            *(run[f"op_{name}"].values.tolist() for name in ("heat", "stage", "end_min")), strict=True
        )
        if stage == scenario.line.stages[-1].name
    }
    horizon = scenario.horizon
    names = set()
    for order in scenario.orders:
        due = horizon.length_min if order.due is None else horizon.minutes(order.due)
        ends = [ended.get(heat.name, horizon.length_min) for heat in scenario.heats if heat.order == order.name]
        if due <= end_min and max(ends) > begin_min - LONG_OVER_MIN:
            names.add(order.name)
    return names


def within(part: Scenario, names: set[str]) -> Scenario:
    """A plan's scenario with some of its orders alone, none due after its end."""
    end: datetime = part.horizon.end_utc
    orders = tuple(
        order.model_copy(update={"due": min(order.due, end) if isinstance(order.due, datetime) else end})
        for order in part.orders
        if order.name in names
    )
    some = part.model_copy(update={"orders": orders})
    heats = {heat.name for heat in some.heats}
    fields = {
        "locks": tuple(lock for lock in part.locks if lock.heat in heats),
        "state": part.state.model_copy(
            update={"started": tuple(item for item in part.state.started if item.heat in heats)}
        ),
    }
    return some.model_copy(update=fields).with_inputs(part.inputs)


def unplanned(schedule: xr.Dataset) -> xr.Dataset:
    """A list without any heat in it; they come with the plans."""
    blank = {name: xr.full_like(schedule[name], np.nan) for name in ("start_min", "end_min", "extra_mwh")}
    return schedule.assign({**blank, "unit": xr.full_like(schedule["unit"].astype(object), "")})
