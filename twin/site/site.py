"""Balance of the site: PV, wind, battery and grid, on a time grid that divides both step and metered interval.

The load is integrated exactly on this time grid. Without set-points the assets follow simple rules, with one decision
per metered interval:

1. PV surplus that cannot be exported is stored.
2. The battery supplies any load above the import limit.
3. Otherwise the battery returns to its required final level, as fast as the import limit allows and without export.

PV and wind that are neither used, stored nor exported are curtailed. The other assets of the site are dispatched first,
constant within a step (``twin.site.assets``); the remaining electricity is balanced here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.assets.trade import used_within
from emberline.scenarios.columns import Rows
from emberline.scenarios.datasets import ViolationKind
from emberline.twin.run_variables import TOLERANCE, Act, Violation
from emberline.twin.site.assets.baseline import SiteBaseline
from emberline.twin.site.assets.flows import HubRun
from emberline.twin.site.assets.following import EngineRecourse, SetpointRun, missed_sun
from emberline.twin.site.assets.plant import SitePlant
from emberline.twin.site.assets.setpoints import Setpoints
from emberline.twin.site.battery import battery
from emberline.twin.site.grids import Electric, SiteGrid

__all__ = ["TOLERANCE", "Setpoints", "SiteGrid", "Violation", "balance", "variables"]

Flows = dict[str, np.ndarray | Rows]
"""Variables of table ``FLOWS``; variables of assets have their own coordinates."""


def balance(
    grid: SiteGrid,
    line_mw: np.ndarray,
    setpoints: Setpoints | None = None,
    line_gives: Mapping[str, np.ndarray] | None = None,
    *,
    answering: bool = False,
    relieving: bool = False,
    acts: list[Act] | None = None,
) -> tuple[Flows, list[Violation]]:
    """Balance the site for a given load of the line.

    Args:
        grid: time grids and series of the site.
        line_mw: mean power of the line in each cell, shape (n_cells,).
        setpoints: set-points of the schedule; None: the simple rules.
        line_gives: hourly output of other carriers by line and processes, in the unit of the carrier, mean over each
            step, shape (n_steps,) each; negative: consumption.
        answering: whether machines adjust their set-points to demand that differs from the plan.
        relieving: whether grid limits override set-points; those of machines only by the recourse of the scenario.
        acts: list to which recourse actions of battery and engines are added; None: actions are not recorded.

    Returns:
        The variables of ``FLOWS`` as arrays, and violations of import, export and battery limits and of the assets
        (``asset``, ``level``, ``shortage``, ``surplus``).

    Raises:
        ValueError: the schedule lacks an asset, or the line outputs a carrier unknown to the site.
    """
    renewables, missed = grid.hub.renewables, list[Violation]()
    if setpoints is not None and not setpoints.by_rule:
        renewables = setpoints.sun(renewables)
        missed = list(missed_sun(grid.hub, setpoints))
    by_plant = _sun(grid, renewables, line_mw)
    load, sun = line_mw + grid.fixed_mw, sum(by_plant.values(), np.zeros(len(line_mw)))
    acts = [] if acts is None else acts
    step_in = EngineRecourse.of(grid, load - sun, setpoints, acts) if relieving else None
    run = _assets(grid, load, sun, setpoints, line_gives, answering, step_in)
    load = load - np.repeat(run.electricity_mw, grid.per_step)
    flowing = None if setpoints is None or setpoints.by_rule else setpoints
    charge, discharge, level, violations = battery(grid, load - sun, sun, flowing, relieving, acts)
    net = load - sun + charge - discharge
    export_limit = grid.scenario.site.grid.export_limit_mw
    over = -export_limit - grid.metered(net)
    if (over > 0).any():
        # curtail exactly the excess of the metered mean over the export limit
        mean = grid.metered(sun)
        share = np.divide(np.clip(over, 0.0, mean), mean, out=np.zeros_like(mean), where=mean > 0)
        remaining = 1 - np.repeat(share, grid.per_meter)
        net = net + sun * (1 - remaining)
        by_plant = {name: rate * remaining for name, rate in by_plant.items()}
    dumped = np.zeros(len(net))
    if grid.steps and grid.scenario.site.carrier[ELECTRICITY].dumps:
        dumped = np.repeat(np.maximum(-export_limit - grid.metered(net), 0.0), grid.per_meter)
        net = net + dumped
    meter = grid.metered(net)
    violations += _limits(grid, meter, export_limit)
    flows: Flows = {
        "line_mw": grid.stepped(line_mw),
        "charge_mw": grid.stepped(charge),
        "discharge_mw": grid.stepped(discharge),
        "battery_mwh": level[grid.per_step - 1 :: grid.per_step],
        # price and intensity are per step and therefore apply to the net import of the step, as in the plan
        "import_mw": np.maximum(grid.stepped(net), 0.0),
        "export_mw": np.maximum(-grid.stepped(net), 0.0),
        "meter_mw": meter,
    }
    used = {name: grid.stepped(rate) for name, rate in by_plant.items()}
    flows.update(run.variables(used, grid.stepped(dumped)))
    if line_gives and grid.steps:
        names = np.array(list(line_gives), dtype=np.str_)
        rates = np.array(list(line_gives.values()))
        flows["line_rate"] = Rows(rates, {"given": names})
    return flows, violations + run.violations + missed


def variables(flows: Flows, *, plain: bool = False) -> dict[str, Any]:
    """Flows as variables of a dataset with their dimensions; ``plain``: in the form of ``Columns``."""
    named: dict[str, Any] = {}
    for name, value in flows.items():
        if isinstance(value, Rows):
            named[name] = value if plain else value.as_data()
        else:
            named[name] = "meter" if name == "meter_mw" else "time", value
    return named


def _sun(grid: SiteGrid, planned: Mapping[str, np.ndarray], line_mw: np.ndarray) -> dict[str, np.ndarray]:
    """Planned PV and wind in each cell by plant [MW]. Curtailment of a step falls on the metered intervals in which the
    line draws least."""
    by_plant = {name: np.repeat(rate, grid.per_step) for name, rate in planned.items()}
    could, total = (sum(rates.values(), np.zeros(grid.hub.n)) for rates in (grid.hub.renewables, planned))
    if grid.per_step == 1 or grid.per_meter > 1 or (total >= could - TOLERANCE).all():
        return by_plant
    used = used_within(total, could, line_mw.reshape(-1, grid.per_step)).reshape(-1)
    total, could = np.repeat(total, grid.per_step), np.repeat(could, grid.per_step)
    less = np.divide(used, total, out=np.ones_like(used), where=total > used)
    more = np.divide(used - total, could - total, out=np.zeros_like(used), where=used > total)
    return {
        name: rate * less + (np.repeat(grid.hub.renewables[name], grid.per_step) - rate) * more
        for name, rate in by_plant.items()
    }


def _assets(
    grid: SiteGrid,
    load: np.ndarray,
    sun: np.ndarray,
    setpoints: Setpoints | None,
    line_gives: Mapping[str, np.ndarray] | None,
    answering: bool,
    step_in: EngineRecourse | None,
) -> HubRun:
    """Operation of the assets of the site for a load and PV and wind, shape (n_cells,) each."""
    plant = SitePlant(grid.hub, grid.hub.fixed_rates(line_gives if grid.steps else None))
    if not grid.steps:
        return HubRun(plant, grid.hub.renewables)
    run: SetpointRun | SiteBaseline
    if setpoints is not None:
        run = SetpointRun(plant, setpoints, answering, step_in)
    else:
        run = SiteBaseline(plant, Electric(grid, load, sun))
    for t in range(grid.hub.n):
        run.step(t)
    return HubRun(plant, run.renewables)


def _limits(grid: SiteGrid, meter: np.ndarray, export_limit: float) -> list[Violation]:
    violations: list[Violation] = []
    # rounding errors of a solver grow with the load
    small = TOLERANCE * max(float(np.abs(meter).max(initial=0.0)), 1.0)
    limits = ((ViolationKind.IMPORT, meter - grid.import_limit_mw), (ViolationKind.EXPORT, -meter - export_limit))
    for kind, excess in limits:
        for m in np.flatnonzero(excess > small).tolist():
            violations.append(Violation(kind, "", "", float(m * grid.meter_min), float(excess[m]), "MW"))
    return violations
