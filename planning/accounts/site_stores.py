"""The site's stores, battery and storages alike: levels at the end, and a scenario in which no plan ends lower.

A plan that ends lower than the baseline has used up what was there, which is no saving. So a plan is searched for among
those that leave in each store of the site at least what the baseline leaves, wherever that is more than the scenario
asks for.
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
"""Levels that differ by less than this share of the capacity are the same."""
EXACT = 1e-9
"""Share of the capacity by which a level may lie below the baseline's, which is no more exact than that."""


@dataclass(frozen=True)
class SiteStore:
    """A store of the site."""

    name: str
    carrier: str
    unit: str
    capacity: float
    start: float
    """Level at the start."""
    end: float
    """Level wanted at the end."""
    in_efficiency: float


def stores_of(scenario: Scenario) -> tuple[Store | SiteStore, ...]:
    """All stores whose level at the end counts: those of producers, and those of the site."""
    return (*scenario.stores, *site_stores(scenario))


def site_stores(scenario: Scenario) -> Iterator[SiteStore]:
    """Battery and storages of the site, levels in the carrier's unit."""
    site = scenario.site
    stores: list[tuple[str, str, Any]] = [(store.name, store.carrier, store) for store in site.stores.values()]
    if scenario.battery is not None:
        name = f"site {BATTERY}" if any(asset.name == BATTERY for asset in site.assets) else BATTERY
        stores.insert(0, (name, ELECTRICITY, scenario.battery))
    for name, carrier, store in stores:
        levels = store.capacity, store.start_level, store.end_level, store.in_efficiency
        yield SiteStore(name, carrier, site.carrier[carrier].unit, *levels)


def levels(scenario: Scenario, data: xr.Dataset) -> dict[str, float]:
    """Level at the end by store; a store of which the data say nothing is left out.

    Args:
        scenario: whose site it is.
        data: a dataset of table ``RUN`` or ``SCHEDULE``.
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
        scenario: whose site it is.
        data: a dataset of table ``RUN`` or ``SCHEDULE``.
        store: of the site.
        sign: −1: what it gives, less what it is filled with.
    """
    if store.name in scenario.site.stores:
        rate = -flow(data, store.name, "in") - flow(data, store.name, "out")
    else:
        rate = data["charge_mw"].to_numpy() - data["discharge_mw"].to_numpy()
    return np.asarray(np.maximum(sign * rate, 0.0) * scenario.horizon.step_h)


def higher(scenario: Scenario, *runs: xr.Dataset) -> dict[str, float]:
    """Levels at the end that lie above those that are asked for, by store; of several runs the lowest counts."""
    ends = [levels(scenario, run) for run in runs]
    lowest = {store: min(end.get(store.name, store.end) for end in ends) for store in site_stores(scenario)}
    return {store.name: level for store, level in lowest.items() if level > store.end + SAME * store.capacity}


def ending_no_lower(scenario: Case, *runs: xr.Dataset) -> Case:
    """The scenario with each store of the site asked to end at least where a run leaves it.

    Args:
        scenario: what is asked.
        runs: the baseline, undisturbed; of several runs the lowest level counts.

    Returns:
        The same scenario where no level lies above the one that it asks for.
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
    """A schedule that leaves no store lower than the baseline does; where there is none, one of the scenario as it is.

    Args:
        scenario: what is asked.
        baseline: the baseline's run, undisturbed.
        search: finds a schedule for a scenario.
    """
    variant = ending_no_lower(scenario, baseline)
    schedule = search(variant)
    if variant is not scenario and schedule.attrs["status"] == "infeasible":
        return search(scenario)
    return schedule
