"""What the site does for a given load of the line: flows, carbon and cost, exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from models import site as site_model
from models.site import Ports, SiteData
from models.solve import solve

TOLERANCE_MWH = 1e-6
TIME_LIMIT_S = 20.0


@dataclass(frozen=True)
class Flows:
    """Flows by slot [MWh] and what they come to; scope 2 only."""

    imported: np.ndarray
    exported: np.ndarray
    pv: np.ndarray
    charge: np.ndarray
    discharge: np.ndarray
    level: np.ndarray
    meter_mw: np.ndarray
    carbon: float
    cost: float
    full_cost: float
    over_mwh: float = 0.0
    """Energy above the import limit; 0 in an acceptable plan."""


def dispatch(
    data: SiteData,
    line_cells: np.ndarray,
    goal: Callable[[Ports], Any],
    *,
    over_price: float,
    time_limit: float = TIME_LIMIT_S,
    cancel: Callable[[], bool] | None = None,
) -> Flows | None:
    """Best use of the site for a load.

    Args:
        data: the site.
        line_cells: energy of the line by cell [MWh].
        goal: what to minimize, from the site's ports.
        over_price: what a MWh above the import limit counts, so that there are flows where a load breaks it.
        time_limit: seconds.
        cancel: polled; True ends the search for flows.

    Returns:
        The flows; ``over_mwh`` tells by how much they break the import limit. None where none were found in time or the
        battery cannot do what is asked of it.
    """
    line = line_cells.reshape(len(data.base), -1).sum(axis=1)
    n, zero = len(line), np.zeros(len(line))
    if data.plain:
        taken = line + data.base - data.pv
        return _flows(data, line_cells, taken, zero, data.pv.copy(), zero, zero, zero)
    model = pyo.ConcreteModel()
    model.site = pyo.Block()
    ports = site_model.add(model.site, data, lambda c: float(line_cells[c]), lambda t: float(line[t]), soft=True)
    # among equals: little throughput of the battery, no curtailment
    worn = sum(model.site.charge[t] + model.site.discharge[t] for t in range(n)) if data.battery else 0.0
    scale = 1e-6 * float(np.abs(data.carbon).mean() + np.abs(data.price).mean())
    among = scale * (worn - 0.5 * sum(model.site.pv[t] for t in range(n)))
    model.goal = pyo.Objective(expr=goal(ports) + over_price * ports.over + among)
    if not solve(model, time_limit=time_limit, gap=1e-6, cancel=cancel).found:
        return None

    def values(name: str) -> np.ndarray:
        return np.array([pyo.value(getattr(model.site, name)[t]) for t in range(n)])

    charge, discharge, level = (values(name) if data.battery else zero for name in ("charge", "discharge", "level"))
    return _flows(data, line_cells, values("taken"), values("given"), values("pv"), charge, discharge, level)


def _flows(
    data: SiteData,
    line_cells: np.ndarray,
    taken: np.ndarray,
    given: np.ndarray,
    pv: np.ndarray,
    charge: np.ndarray,
    discharge: np.ndarray,
    level: np.ndarray,
) -> Flows:
    per = data.cells_per_slot
    cells = line_cells + np.repeat(data.base - pv + charge - discharge, per) / per
    meter = cells.reshape(-1, round(data.meter_min / data.cell_min)).sum(axis=1)
    over = np.maximum(meter - data.limit_mwh(), 0.0)
    return Flows(
        imported=np.maximum(taken, 0.0),
        exported=np.maximum(given, 0.0),
        pv=pv,
        charge=charge,
        discharge=discharge,
        level=level,
        meter_mw=meter * 60 / data.meter_min,
        carbon=float(taken @ data.carbon),
        cost=float(taken @ data.price - given @ data.export_price),
        full_cost=float(taken @ data.full_price - given @ data.export_price),
        over_mwh=float(over[over > TOLERANCE_MWH].sum()),
    )
