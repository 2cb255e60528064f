"""Stores of the site, battery and storages alike: final levels, and a variant that forbids lower final levels.

A plan that ends with lower levels than the baseline has used up stock, which is no saving. The search is therefore
restricted to plans that leave in each store of the site at least the level of the baseline, where this exceeds the
level that the scenario requires.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios import Case, Scenario
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.flows.asset_flows import flow
from emberline.scenarios.process.store import Store

BATTERY = "battery"
SAME = 1e-6
"""Tolerance for equal levels, as a share of the capacity."""
EXACT = 1e-9
"""Share of the capacity by which a level may lie below the baseline's, given its numerical accuracy."""


@dataclass(frozen=True)
class SiteStore:
    """Store of the site."""

    name: str
    carrier: str
    unit: str
    capacity: float
    start: float
    """Initial level."""
    end: float
    """Required final level."""
    in_efficiency: float


def stores_of(scenario: Scenario) -> tuple[Store | SiteStore, ...]:
    """All stores whose final level counts: those of producers, and those of the site."""
    return (*scenario.stores, *site_stores(scenario))


def site_stores(scenario: Scenario) -> Iterator[SiteStore]:
    """Yield battery and storages of the site, with levels in the carrier's unit."""
    site = scenario.site
    stores: list[tuple[str, str, Any]] = [(store.name, store.carrier, store) for store in site.stores.values()]
    if scenario.battery is not None:
        name = f"site {BATTERY}" if any(asset.name == BATTERY for asset in site.assets) else BATTERY
        stores.insert(0, (name, ELECTRICITY, scenario.battery))
    for name, carrier, store in stores:
        levels = store.capacity, store.start_level, store.end_level, store.in_efficiency
        yield SiteStore(name, carrier, site.carrier[carrier].unit, *levels)


def levels(scenario: Scenario, data: xr.Dataset) -> dict[str, float]:
    """Final level by store; stores missing from the data are left out.

    Args:
        scenario: scenario with the site.
        data: dataset of table ``RUN`` or ``SCHEDULE``.
    """
    if not data.sizes["time"]:
        return {}
    ends: dict[str, float] = {}
    if "asset_level" in data:
        ends = dict(zip(data["store"].values.tolist(), data["asset_level"].to_numpy()[:, -1].tolist(), strict=True))
    by_store = {}
    for store in site_stores(scenario):
        level = ends.get(store.name) if store.name in scenario.site.stores else float(data["battery_mwh"][-1])
        if level is not None:
            by_store[store.name] = level
    return by_store


def filling(scenario: Scenario, data: xr.Dataset, store: SiteStore, sign: float = 1.0) -> np.ndarray:
    """Net filling of a store in each step, at its terminals; never below zero.

    Args:
        scenario: scenario with the site.
        data: dataset of table ``RUN`` or ``SCHEDULE``.
        store: store of the site.
        sign: 1: net filling; −1: net withdrawal.
    """
    if store.name in scenario.site.stores:
        rate = -flow(data, store.name, "in") - flow(data, store.name, "out")
    else:
        rate = data["charge_mw"].to_numpy() - data["discharge_mw"].to_numpy()
    return np.asarray(np.maximum(sign * rate, 0.0) * scenario.horizon.step_h)


def higher(scenario: Scenario, *runs: xr.Dataset) -> dict[str, float]:
    """Final levels above the required ones, by store; for several runs the lowest level counts."""
    ends = [levels(scenario, run) for run in runs]
    lowest = {store: min(end.get(store.name, store.end) for end in ends) for store in site_stores(scenario)}
    return {store.name: level for store, level in lowest.items() if level > store.end + SAME * store.capacity}


def ending_no_lower(scenario: Case, *runs: xr.Dataset) -> Case:
    """Return the scenario with the final level of each site store required to be at least that of a run.

    Args:
        scenario: scenario to change.
        runs: undisturbed baseline runs; the lowest level counts.

    Returns:
        The same scenario if no level exceeds the required one.
    """
    capacity = {store.name: store.capacity for store in site_stores(scenario)}
    shares = {name: level / capacity[name] - EXACT for name, level in higher(scenario, *runs).items()}
    if not shares:
        return scenario
    site, changes = scenario.site, dict[str, object]()
    battery = next((name for name in shares if name not in site.stores), None)
    if battery is not None and site.battery is not None:
        changes["battery"] = site.battery.model_copy(update={"end_level_share": shares[battery]})
    changes["assets"] = tuple(
        asset.model_copy(update={"end_level_share": shares[asset.name]})
        if asset.name in shares and asset.name in site.stores
        else asset
        for asset in site.assets
    )
    return scenario.model_copy(update={"site": site.model_copy(update=changes)})


def searched(scenario: Case, baseline: xr.Dataset, search: Callable[[Case], xr.Dataset]) -> xr.Dataset:
    """Search for a schedule that leaves no store lower than the baseline; else for one of the original scenario.

    Args:
        scenario: scenario to plan.
        baseline: undisturbed baseline run.
        search: function that finds a schedule for a scenario.
    """
    variant = ending_no_lower(scenario, baseline)
    schedule = search(variant)
    if variant is not scenario and schedule.attrs["status"] == "infeasible":
        return search(scenario)
    return schedule
