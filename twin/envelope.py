"""Inputs of the optimizer from the twin: durations, energies, availability and the present state."""

from __future__ import annotations

import numpy as np
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.datasets import ENVELOPE, check
from emberline.scenarios.line.tables import LineShop, shop
from emberline.twin.line.operations import planned_durations
from emberline.twin.processes.plant import envelope_variables


def envelope(scenario: Case) -> xr.Dataset:
    """Envelope of a scenario, a dataset of table ``ENVELOPE``.

    Planning durations (``scenarios.line.scatter``) are a quantile of the time that an operation takes on its unit,
    breakdowns included. The disturbances set the quantile of each stage.
    """
    table = shop(scenario)
    heats, stages = list(table.names), list(table.stages)
    size = (len(heats), len(table.units))
    started = np.full((len(heats), len(stages)), np.nan)
    started_unit = np.full(
        (len(heats), len(stages)), "", dtype=f"U{max((len(name) for name in table.units), default=1)}"
    )
    for (h, k), (start, u) in table.started.items():
        started[h, k] = start
        started_unit[h, k] = table.units[u]
    processes, labels = envelope_variables(scenario)
    data = xr.Dataset(
        {
            "order": ("heat", np.array(table.orders, dtype=str)),
            "grade": ("heat", np.array([heat.grade.name for heat in scenario.heats], dtype=str)),
            "duration_min": (("heat", "unit"), np.array(table.duration, dtype=float).reshape(size)),
            "planned_min": (("heat", "unit"), planned_durations(table)),
            "energy_mwh": (("heat", "unit"), np.array(table.energy, dtype=float).reshape(size)),
            "available": (("unit", "time"), _availability(table)),
            "started_min": (("heat", "stage"), started),
            "started_unit": (("heat", "stage"), started_unit),
            **processes,
        },
        coords={
            "heat": np.array(heats, dtype=str),
            "stage": np.array(stages, dtype=str),
            "unit": np.array(table.units, dtype=str),
            "time": scenario.horizon.times,
            **labels,
        },
        attrs={"planning_quantile": scenario.disturbances.planning_quantile},
    )
    return check(data, ENVELOPE)


def _availability(table: LineShop) -> np.ndarray:
    horizon = table.scenario.horizon
    edges = np.arange(horizon.n_steps + 1) * horizon.step_min
    available = np.ones((len(table.units), horizon.n_steps))
    for u, spans in enumerate(table.outages):
        out = np.zeros(horizon.n_steps)
        for begin, over in spans:
            out += np.clip(np.minimum(edges[1:], over) - np.maximum(edges[:-1], begin), 0.0, None)
        available[u] = 1 - out / horizon.step_min
    return available
