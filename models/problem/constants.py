"""What is known before a plan is: what the baseline pays, and what is emitted whatever the plan."""

from __future__ import annotations

import numpy as np
import xarray as xr

from emberline.models.problem.site import SiteData
from emberline.scenarios import Scenario
from emberline.scenarios.assets.account import accounts


def direct_kg(scenario: Scenario, envelope: xr.Dataset) -> float:
    """Scope 1 within the horizon [kg CO2e], the same for every plan; of what has started, what is left."""
    started = envelope["started_min"].to_numpy()
    minutes = envelope["duration_min"].to_numpy()
    units = [unit.name for unit in scenario.line.units]
    total = 0.0
    for h, heat in enumerate(scenario.heats):
        for stage in scenario.line.route(heat.grade):
            s = scenario.line.stages.index(stage)
            share = 1.0
            if np.isfinite(started[h, s]):
                whole = float(minutes[h, units.index(str(envelope["started_unit"].to_numpy()[h, s]))])
                share = min(max((started[h, s] + whole) / whole, 0.0), 1.0)
            elif np.isfinite(started[h, s:]).any():
                share = 0.0  # it has left this stage
            total += share * heat.grade.mass_t * sum(e.kg_per_t for e in stage.emissions if not e.biogenic)
    return total


def baseline_cost(scenario: Scenario, data: SiteData, start: xr.Dataset | None) -> float | None:
    """What the baseline pays, the carbon price on the line's direct emissions left out; None: not known."""
    if start is None:
        return None
    imports, exports = (start[name].to_numpy() * data.hours for name in ("import_mw", "export_mw"))
    paid = float(imports @ data.full_price - exports @ data.export_price)
    if data.purchase is not None:
        paid += data.purchase.cost(imports, start["meter_mw"].to_numpy() * data.meter_min / 60)
    if data.hub is None:
        return paid
    if "asset_rate" not in start:
        return None
    price = scenario.market.carbon_price
    for account in accounts(scenario, start):
        sums = account.totals
        paid += sums["cost"] + (price.on_direct * sums["scope1_kg"] + price.on_grid * sums["scope2_kg"]) / 1000
    return paid
