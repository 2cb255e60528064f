"""Constants of a problem: totals of the baseline, and what is emitted whatever the plan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from emberline.models.problem.line import GradeCap
from emberline.models.problem.site import SiteData
from emberline.scenarios import Case, Scenario
from emberline.scenarios.flows.asset_flows import accounts
from emberline.scenarios.flows.process_flows import emitted_kg
from emberline.scenarios.metrics import FULL_COST, METRICS, OTHER_CARBON


def direct_kg(scenario: Scenario, envelope: xr.Dataset, heats: Sequence[int] | None = None) -> float:
    """Scope 1 within the horizon [kg CO2e], the same for every plan; of what has started, what is left.

    Args:
        scenario: with its line.
        envelope: of the scenario.
        heats: places of the heats that count; None: all.
    """
    places = range(len(scenario.heats)) if heats is None else heats
    if not places:
        return 0.0
    started = envelope["started_min"].to_numpy()
    minutes = envelope["duration_min"].to_numpy()
    units = [unit.name for unit in scenario.line.units]
    total = 0.0
    for h in places:
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


def baseline_totals(scenario: Case, data: SiteData, start: xr.Dataset | None) -> dict[str, float]:
    """By metric, what the baseline comes to where a cap counts from it, the line's direct emissions left out; empty:
    not known.

    Args:
        scenario: what is asked.
        data: the site.
        start: the baseline's schedule.
    """
    if start is None or (data.hub is not None and "asset_rate" not in start):
        return {}
    imports, exports = (start[name].to_numpy() * data.hours for name in ("import_mw", "export_mw"))
    direct = float(emitted_kg(scenario, start).sum()) if scenario.processes else 0.0
    components = {"cost": 0.0, "scope1": direct, "scope2": 0.0}
    for account in accounts(scenario, start) if data.hub is not None else ():
        sums = account.totals
        components["cost"] += sums["cost"]
        components["scope1"] += sums["scope1_kg"]
        components["scope2"] += sums["scope2_kg"]
    totals = {}
    for name in (FULL_COST, *((OTHER_CARBON,) if OTHER_CARBON in data.metrics else ())):
        counts = METRICS[name].parts(scenario.market.carbon_price)
        totals[name] = float(imports @ data.per_mwh[name]) + sum(
            counts.get(part, 0.0) * amount for part, amount in components.items()
        )
    totals[FULL_COST] -= float(exports @ data.export_price)
    if data.purchase is not None:
        totals[FULL_COST] += data.purchase.cost(imports, start["meter_mw"].to_numpy() * data.meter_min / 60)
    return totals
