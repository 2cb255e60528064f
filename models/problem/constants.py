"""Constants of a problem: totals of the baseline, and emissions that are the same in every plan."""

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
    """Return scope 1 within the horizon [kg CO2e], the same for every plan; for started work, its remainder.

    Args:
        scenario: scenario with its line.
        envelope: envelope of the scenario.
        heats: indices of the heats that count; None: all.
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
    """Return the caps on the emissions that a tonne of a grade may carry.

    As in the ledger, a heat carries its own scope 1, its draw at the intensity of the site's electricity, and a share
    by mass of all other emissions of the site and its imports::

        kg(grade) = scope 1 + Σ c[t] · e[t] of its heats + share · (carbon − Σ c[t] · e[t] of all heats)

    c[t] is the grid's intensity times the share of import in the electricity used. A plan is evaluated with its own
    share, a program with that of the last draft. Emissions of machines for electricity count for all heats alike here;
    the twin's ledger allocates them as well and decides in the end (``planning/accounts/ledger.py``).
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
    """Return the totals of the baseline by metric, for the caps that refer to it, without the line's direct emissions;
    empty if they are not known.

    Args:
        scenario: scenario of the baseline.
        data: the site.
        start: schedule of the baseline.
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
