"""Costs and emissions of the assets from their flows alone: plain arithmetic that twin, model and ledger share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from emberline.scenarios.assets.base import Named
from emberline.scenarios.assets.use import Use

if TYPE_CHECKING:
    from emberline.scenarios.records.scenario import Scenario


@dataclass(frozen=True)
class Account:
    """Cost and emissions of one asset in each step, shape (n_steps,) each; carbon price left out."""

    asset: str
    cost: np.ndarray
    """What it costs less what it earns [currency]."""
    scope1_kg: np.ndarray
    """Direct fossil emissions [kg CO2e]."""
    scope1_biogenic_kg: np.ndarray
    scope2_kg: np.ndarray
    """Fossil emissions of heat or steam bought [kg CO2e]."""
    scope2_biogenic_kg: np.ndarray

    @property
    def totals(self) -> dict[str, float]:
        """Sums over the horizon by name."""
        return {field.name: float(getattr(self, field.name).sum()) for field in fields(self) if field.name != "asset"}


def accounts(scenario: Scenario, flows: xr.Dataset) -> Iterator[Account]:
    """Account of each asset.

    Args:
        scenario: with its site and series.
        flows: ``asset_rate`` and ``asset_on`` of table ``FLOWS``.
    """
    zero = np.zeros(scenario.horizon.n_steps)
    for record in scenario.site.equipment:
        use = used(scenario, record, flows)
        emitted = record.emitted(use)
        direct = emitted.fossil_kg, emitted.biogenic_kg, zero, zero
        scopes = (*direct[2:], *direct[:2]) if record.bought else direct
        yield Account(record.name, sum((item.cost for item in record.items(use)), zero), *scopes)


def used(scenario: Scenario, record: Named, flows: xr.Dataset) -> Use:
    """Use of an asset, machines as converters, by flows of table ``FLOWS``."""
    switched = "asset_on" in flows and record.name in flows["machine"].values
    return Use(
        rates={key: flow(flows, record.name, key) for key in record.flows},
        hours=scenario.horizon.step_h,
        series=scenario.asset_series(record.name),
        on=flows["asset_on"].sel(machine=record.name).to_numpy() if switched else None,
    )


def label(asset: str, key: str = "") -> str:
    """Label of a flow: the asset's name, and the flow's key where it has several."""
    return f"{asset}.{key}" if key else asset


def flow(flows: xr.Dataset, asset: str, key: str = "") -> np.ndarray:
    """Rate of a flow, positive where it delivers [carrier's unit/h], shape (n_steps,)."""
    return np.asarray(flows["asset_rate"].sel(flow=label(asset, key)).to_numpy())
