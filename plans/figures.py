"""The figures of a run or a schedule: carbon, cost, energy, peak and tonnes, with their parts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr

from plans.bill import bill
from plans.ledger import INTENSITY, SIGNALS, direct
from scenarios import Scenario


@dataclass(frozen=True)
class Figures:
    """What a horizon adds up to. Carbon is CO2e; money is in ``currency``."""

    carbon_kg: float
    """Scope 1 and scope 2 by the goal's signal."""
    direct_kg: float
    """Scope 1."""
    grid_average_kg: float
    grid_marginal_kg: float | None
    """None: the market gives no marginal intensity."""
    cost: float
    """Energy and carbon price, less what export earns."""
    energy_cost: float
    carbon_cost: float
    currency: str
    energy_mwh: float
    """Electricity of line and base load."""
    import_mwh: float
    export_mwh: float
    peak_mw: float
    """Highest metered mean of the grid import."""
    tonnes: float
    battery_end_mwh: float

    @property
    def carbon_kg_per_t(self) -> float | None:
        """Carbon for each tonne made."""
        return self.carbon_kg / self.tonnes if self.tonnes else None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"carbon_kg_per_t": self.carbon_kg_per_t}


def figures(scenario: Scenario, data: xr.Dataset, tonnes: float) -> Figures:
    """Add up a run or a schedule.

    Args:
        scenario: prices, intensities and step.
        data: a dataset of table ``RUN`` or ``SCHEDULE``.
        tonnes: what was finished in the horizon [t].
    """
    direct_kg = direct(scenario, data).total_kg
    hours = scenario.horizon.step_h
    imported = data["import_mw"].to_numpy() * hours
    grid = {
        signal: float(imported @ scenario.inputs[INTENSITY[signal]].to_numpy())
        for signal in SIGNALS
        if INTENSITY[signal] in scenario.inputs
    }
    money = bill(scenario, data, direct_kg)
    return Figures(
        carbon_kg=direct_kg + grid[scenario.goal.signal],
        direct_kg=direct_kg,
        grid_average_kg=grid["average"],
        grid_marginal_kg=grid.get("marginal"),
        cost=money.total,
        energy_cost=money.imported - money.exported,
        carbon_cost=money.carbon,
        currency=scenario.market.currency,
        energy_mwh=float((data["line_mw"] + data["base_load_mw"]).sum()) * hours,
        import_mwh=float(imported.sum()),
        export_mwh=float(data["export_mw"].sum()) * hours,
        peak_mw=float(np.max(np.maximum(data["meter_mw"].to_numpy(), 0.0), initial=0.0)),
        tonnes=tonnes,
        battery_end_mwh=float(data["battery_mwh"][-1]) if data.sizes["time"] else 0.0,
    )
