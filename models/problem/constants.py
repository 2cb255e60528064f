"""What is known before a plan is: what the baseline pays, and what is emitted whatever the plan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from emberline.models.problem.line import GradeCap
from emberline.models.problem.site import SiteData
from emberline.scenarios import Case, Scenario
from emberline.scenarios.flows.asset_flows import accounts


def direct_kg(scenario: Scenario, envelope: xr.Dataset, heats: Sequence[int] | None = None) -> float:
    """Scope 1 within the horizon [kg CO2e], the same for every plan; of what has started, what is left.

    Args:
        scenario: with its line.
        envelope: of the scenario.
        heats: places of the heats that count; None: all.
    """
    started = envelope["started_min"].to_numpy()
    minutes = envelope["duration_min"].to_numpy()
    units = [unit.name for unit in scenario.line.units]
    total = 0.0
    for h in range(len(scenario.heats)) if heats is None else heats:
        heat = scenario.heats[h]
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


def grade_caps(scenario: Scenario, envelope: xr.Dataset) -> tuple[GradeCap, ...]:
    """Caps on what a tonne of a grade may carry.

    As the ledger has it, a heat carries its own scope 1, what it draws at the intensity of the site's electricity, and
    by its mass a share of all else that the site emits and imports::

        kg(grade) = scope 1 + Σ c[t] · e[t] of its heats + share · (carbon − Σ c[t] · e[t] of all heats)

    c[t] is the grid's intensity times the share of import in what is used. A plan is judged by its own share, a program
    by that of the last draft. What machines emit for electricity counts for all heats alike here; the twin's ledger
    follows it too and has the last word (``planning/accounts/ledger.py``).
    """
    mass = np.array([heat.grade.mass_t for heat in scenario.heats])
    caps = []
    for grade, kg_per_t in scenario.goal.caps.embedded_kg_per_t.items():
        heats = np.array([float(heat.grade.name == grade) for heat in scenario.heats])
        tonnes = float(heats @ mass)
        if tonnes:
            scope1_kg = direct_kg(scenario, envelope, np.flatnonzero(heats).tolist())
            caps.append(GradeCap(grade, kg_per_t * tonnes - scope1_kg, tonnes / float(mass.sum()), heats))
    return tuple(caps)


def baseline_cost(scenario: Case, data: SiteData, start: xr.Dataset | None) -> float | None:
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
