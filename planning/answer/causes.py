"""Causes of a saving: the difference of two accounts by cause, without another search. The parts add up exactly.

Electricity is divided step by step. With the value w of a MWh in a step (its intensity, or for money the mean price
paid by baseline and plan), and the consumption of line, processes and base load in baseline (b) and plan (p):

    consumption = (sum of b − sum of p) · mean value for the baseline
    shifting    = sum of w · (b − p), minus consumption
    site        = remaining difference in electricity: PV, battery, machines, export
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.planning.accounts.bill import bill, energy_cost
from emberline.planning.accounts.emissions import INTENSITY, direct, site_emissions
from emberline.planning.answer.record import Headline
from emberline.planning.plan.record import Plan
from emberline.scenarios import Case, Scenario
from emberline.scenarios.flows.asset_flows import load_mw
from emberline.scenarios.messages import mark
from emberline.scenarios.plain import Plain

LABELS = {
    "shifting": mark("shifting to other hours"),
    "consumption": mark("more or less consumption"),
    "site": mark("PV, battery, machines, export"),
    "process": mark("process emissions"),
    "fuels": mark("fuels"),
    "heat": mark("heat bought"),
    "assets": mark("wear, starts, upkeep"),
    "sales": mark("sales"),
    "demand": mark("demand charge"),
    "coincident": mark("coincident charge"),
    "carbon price": mark("carbon price"),
    "other": mark("fixed charges, taxes, imbalance"),
    "stock": mark("stock at the end"),
    "locks": mark("locks, which the baseline has not"),
}
"""Causes in display order."""
NOTHING = 1e-6


@dataclass(frozen=True)
class Cause(Plain):
    """Part of the saving; negative: additional cost or emissions."""

    name: str
    """Key of ``LABELS``."""
    average_kg: float
    """Saving by the grid's average intensity."""
    marginal_kg: float | None
    """Saving by marginal intensity; None: the market gives none."""
    cost: float

    @property
    def label(self) -> str:
        """Cause in words."""
        return LABELS[self.name]


def causes(plan: Plan, headline: Headline) -> tuple[Cause, ...]:
    """Net saving of the undisturbed day by cause; empty if there is no comparable baseline.

    Args:
        plan: plan with a replay.
        headline: headline of the plan.
    """
    if plan.replay is None or plan.replay_figures is None or headline.average is None or headline.cost is None:
        return ()
    carbon = {
        signal: _carbon(plan, signal, saving.stock)
        for signal, saving in (("average", headline.average), ("marginal", headline.marginal))
        if saving is not None
    }
    money = _money(plan, headline.cost.stock)
    if headline.unlocked:  # the other causes refer to the baseline that also respects the locks
        for name, parts in (("cost", money), *carbon.items()):
            parts["locks"] = getattr(headline, name).net - sum(parts.values())
    rows = [
        Cause(
            name,
            carbon["average"].get(name, 0.0),
            carbon["marginal"].get(name, 0.0) if "marginal" in carbon else None,
            money.get(name, 0.0),
        )
        for name in LABELS
    ]
    return tuple(row for row in rows if max(map(abs, (row.average_kg, row.marginal_kg or 0.0, row.cost))) > NOTHING)


def consumed_mwh(scenario: Scenario, run: xr.Dataset) -> np.ndarray:
    """Electricity of line, processes and loads in each step, shape (n_steps,) [MWh]."""
    return (run["line_mw"].to_numpy() + load_mw(scenario, run)) * scenario.horizon.step_h


def _electricity(
    scenario: Scenario, runs: tuple[xr.Dataset, xr.Dataset], worth: np.ndarray, saved: float
) -> dict[str, float]:
    """Split a saving of electricity by cause.

    Args:
        scenario: scenario of both runs.
        runs: runs of baseline and plan.
        worth: value of a MWh in each step, shape (n_steps,).
        saved: difference of the accounts.
    """
    site = scenario.site
    before, after = (consumed_mwh(scenario, run) for run in runs)
    mean = float(before @ worth / before.sum()) if before.sum() > NOTHING else float(worth.mean())
    consumption = float(before.sum() - after.sum()) * mean
    moved = float((before - after) @ worth)
    remaining = saved - moved
    if not (site.moving or site.renewables or site.battery or site.grid.export_limit_mw):
        moved, remaining = saved, 0.0  # nothing else draws or feeds in: the remainder comes from contracts
    return {"shifting": moved - consumption, "consumption": consumption, "site": remaining}


def _carbon(plan: Plan, signal: str, stock: float) -> dict[str, float]:
    assert plan.replay is not None
    scenario, runs = plan.scenario, (plan.baseline, plan.replay)
    released = [direct(scenario, run).total_kg for run in runs]
    sites = [site_emissions(scenario, run) for run in runs]
    grid = [float(site.grid[signal].sum()) for site in sites]
    worth = scenario.inputs[INTENSITY[signal]].to_numpy()
    return _electricity(scenario, runs, worth, grid[0] - grid[1]) | {
        "process": released[0] - released[1],
        "fuels": sites[0].direct_kg - sites[1].direct_kg,
        "heat": sites[0].bought_kg - sites[1].bought_kg,
        "stock": stock,
    }


def _money(plan: Plan, stock: float) -> dict[str, float]:
    assert plan.replay is not None
    assert plan.replay_figures is not None
    scenario, runs = plan.scenario, (plan.baseline, plan.replay)
    before, after = plan.baseline_figures, plan.replay_figures
    paid = [energy_cost(scenario, run) for run in runs]
    earned = [bill(scenario, run, 0.0).exported for run in runs]
    worth = mean_price(scenario, runs, (paid[0], paid[1]))
    parts = _electricity(scenario, runs, worth, float((paid[0] - paid[1]).sum() - earned[0] + earned[1]))
    parts |= {
        "fuels": before.fuel_cost - after.fuel_cost,
        "assets": before.upkeep_cost - after.upkeep_cost,
        "sales": after.sales - before.sales,
        "demand": before.demand_cost - after.demand_cost,
        "coincident": before.coincident_cost - after.coincident_cost,
        "carbon price": before.carbon_cost - after.carbon_cost,
    }
    return parts | {"other": before.cost - after.cost - sum(parts.values()), "stock": stock}


def mean_price(scenario: Case, runs: tuple[xr.Dataset, ...], paid: tuple[np.ndarray, ...]) -> np.ndarray:
    """Mean price of a MWh in each step over several runs, shape (n_steps,); the spot price in steps without import.

    Args:
        scenario: scenario of the runs.
        runs: datasets of table ``RUN``.
        paid: cost of imported electricity of each run by step, shape (n_steps,) each.
    """
    imported = np.sum([run["import_mw"].to_numpy() for run in runs], axis=0) * scenario.horizon.step_h
    spot = scenario.inputs["price_per_mwh"].to_numpy()
    return np.asarray(np.where(imported > NOTHING, np.sum(paid, axis=0) / np.maximum(imported, NOTHING), spot))
