"""The site around the line: sun, battery and grid, balanced on the finest grid that both step and meter need.

That grid divides the plan's step and the metered interval; the load on it is integrated exactly. Without set-points the
assets follow plain rules, one decision for each metered interval:

1. PV surplus that cannot be exported is stored.
2. What the load lies above the import limit, the battery delivers.
3. Otherwise the battery goes back to the level wanted at the end, as fast as the import limit allows, without export.

PV and wind that are neither used, stored nor exported are curtailed. The site's other assets move first, constant
within a step (``twin.site.assets``); what they leave of electricity is balanced here.
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
"""Variables of table ``FLOWS``; those of assets with their own coordinates."""


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
    """Balance the site under the line's load.

    Args:
        grid: the site's grids and series.
        line_mw: mean power of the line in each cell, shape (n_cells,).
        setpoints: what the schedule says; None: the plain rules.
        line_gives: what the line and processes give of other carriers per hour, in the carrier's unit, mean over each
            step, shape (n_steps,) each; negative: they take it, as loads do.
        answering: whether machines answer to a need that is not as planned, where set-points are followed.
        relieving: whether set-points give way to the limits of the grid, those of machines by the scenario's recourse.
        acts: where recourse of battery and engines is added; None: it is not recorded.

    Returns:
        The variables of ``FLOWS`` as arrays, and violations of limits of import, export and battery, and of what the
        assets miss: ``asset``, ``level``, ``shortage``, ``surplus``.

    Raises:
        ValueError: the schedule lacks an asset, or the line gives what is no carrier of the site's.
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
        # exactly as much goes unused as the mean over the metered interval is above the export limit
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
        # price and intensity are those of a step, and so is what they count: its net, as the plan has it
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
    """Flows as variables of a dataset with their dimensions; ``plain``: as ``Columns`` has them."""
    named: dict[str, Any] = {}
    for name, value in flows.items():
        if isinstance(value, Rows):
            named[name] = value if plain else value.as_data()
        else:
            named[name] = "meter" if name == "meter_mw" else "time", value
    return named


def _sun(grid: SiteGrid, planned: Mapping[str, np.ndarray], line_mw: np.ndarray) -> dict[str, np.ndarray]:
    """PV and wind in each cell by plant [MW], as planned by step; what is curtailed of a step, is so by the metered
    interval where the line draws least."""
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
    """Operation of the site's assets under a load, with PV and wind, shape (n_cells,) each."""
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
    # a solver's rounding grows with what is drawn
    small = TOLERANCE * max(float(np.abs(meter).max(initial=0.0)), 1.0)
    limits = ((ViolationKind.IMPORT, meter - grid.import_limit_mw), (ViolationKind.EXPORT, -meter - export_limit))
    for kind, excess in limits:
        for m in np.flatnonzero(excess > small).tolist():
            violations.append(Violation(kind, "", "", float(m * grid.meter_min), float(excess[m]), "MW"))
    return violations
