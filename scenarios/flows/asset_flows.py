"""Costs and emissions of assets as functions of their flows, shared by twin, model and ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

import numpy as np
import xarray as xr

from emberline.scenarios.assets.base import Named, Use
from emberline.scenarios.assets.trade import Renewable
from emberline.scenarios.case.case import Case
from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.metrics import FACTORS


@dataclass(frozen=True)
class Account:
    """Cost and emissions of an asset in each step, excluding the carbon price, shape (n_steps,) each."""

    asset: str
    cost: np.ndarray
    """Cost minus revenue [currency]."""
    scope1_kg: np.ndarray
    """Direct fossil emissions [kg CO2e]."""
    scope1_biogenic_kg: np.ndarray
    scope2_kg: np.ndarray
    """Fossil emissions of purchased heat or steam [kg CO2e]."""
    scope2_biogenic_kg: np.ndarray
    factors: dict[str, np.ndarray] = field(default_factory=dict)
    """Contributions to the metrics with factors, by name."""

    @property
    def totals(self) -> dict[str, float]:
        """Sums over the horizon by name."""
        names = (part.name for part in fields(self) if part.name not in ("asset", "factors"))
        return {name: float(getattr(self, name).sum()) for name in names}


def accounts(scenario: Case, flows: xr.Dataset) -> Iterator[Account]:
    """Compute the account of each asset.

    Args:
        scenario: scenario with site and series.
        flows: ``asset_rate`` and ``asset_on`` of table ``FLOWS``.
    """
    zero, assets = np.zeros(scenario.horizon.n_steps), {asset.name: asset for asset in scenario.site.assets}
    for record in scenario.site.equipment:
        use, asset = used(scenario, record, flows), assets.get(record.name, record)
        emitted = record.emitted(use)
        fossil, biogenic = emitted.fossil_kg, emitted.biogenic_kg
        factors = {
            name: getattr(asset, row.per_unit) * use.hours * np.abs(use.rates[record.counted])
            for name, row in FACTORS.items()
            if getattr(asset, row.per_unit)
        }
        yield Account(
            asset=record.name,
            cost=sum((item.cost for item in record.items(use)), zero),
            scope1_kg=zero if record.bought else fossil,
            scope1_biogenic_kg=zero if record.bought else biogenic,
            scope2_kg=fossil if record.bought else zero,
            scope2_biogenic_kg=biogenic if record.bought else zero,
            factors=factors,
        )


def used(scenario: Case, record: Named, flows: xr.Dataset) -> Use:
    """Return the operation of an asset (machines as converters) from flows of table ``FLOWS``."""
    switched = "asset_on" in flows and record.name in flows["machine"].values
    return Use(
        rates={key: flow(flows, record.name, key) for key in record.flows},
        hours=scenario.horizon.step_h,
        series=scenario.asset_series(record.name),
        on=flows["asset_on"].sel(machine=record.name).to_numpy() if switched else None,
    )


def label(asset: str, key: str = "") -> str:
    """Return the label of a flow: the name of the asset and, if it has several flows, the key."""
    return f"{asset}.{key}" if key else asset


def flow(flows: xr.Dataset, asset: str, key: str = "") -> np.ndarray:
    """Return the rate of a flow, positive for supply [carrier's unit/h], shape (n_steps,)."""
    return np.asarray(flows["asset_rate"].sel(flow=label(asset, key)).to_numpy())


def unused_mw(scenario: Case, flows: xr.Dataset, plant: Renewable) -> np.ndarray:
    """Return the available power of a plant that is neither used nor exported [MW], shape (n_steps,)."""
    available = plant.available_mw(scenario.asset_series(plant.name)["capacity_factor"])
    return np.asarray(available - flow(flows, plant.name))


def load_mw(scenario: Scenario, flows: xr.Dataset) -> np.ndarray:
    """Return the electricity of base load and other loads, minus that of sources [MW], shape (n_steps,)."""
    return -sum((flow(flows, asset.name) for asset in scenario.site.fixed), np.zeros(flows.sizes["time"]))
